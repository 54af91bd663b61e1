/* Where mail for a domain goes (RFC 5321 §5.1). */
#include "core/check.h"
#include "core/rare.h"
#include "proto/mail_route_actions.h"

#include <stdlib.h>
#include <string.h>

/* An exchange, with its addresses when they have been asked for. */
typedef struct Host {
    const char *name; /* lies behind the hosts */
    Ipv4Address *addresses;
    size_t address_count; /* 0: not usable */
    uint16_t preference;
} Host;

struct MailRoute {
    uint8_t state;
    MailRouteResult result;
    MailRouteOptions own; /* who we are, and what is left of the draw; no domain */
    const char *asked;    /* name of the open question: the domain, a host's, or `alias` */
    char *alias;          /* the name that the last alias led to, or NULL */
    uint64_t token;       /* of the open question, or the last one */
    int links;            /* aliases followed for this question */
    Host *hosts;          /* in the order to ask and to try; NULL before they are known */
    size_t host_count;
    char *names_end;    /* where the next host's name is put */
    size_t asking;      /* index of the host whose addresses are asked for */
    bool has_met_us;    /* exchanges were dropped because we are one of them */
    bool has_failed;    /* a look-up came to nothing for now */
    bool has_no_answer; /* one did so for want of an answer, not by aliases that do not end */
    char domain[];      /* in normal form */
};

/* The records that answer a question: those of its type where the aliases end. */
typedef struct Records {
    const DnsAnswer *answer;
    const char *end; /* NULL: the aliases go round */
    uint16_t type;
    size_t count;
    size_t first; /* index in the answer, when there are any */
} Records;

/* --- who we are -------------------------------------------------------------------------- */

static bool is_our_name(const MailRoute *route, const char *name)
{
    char own[DNS_NAME_TEXT_SIZE];
    for (size_t i = 0; i < route->own.own_name_count; i++) {
        CHECK(dns_name_normalise(route->own.own_names[i], own));
        if (strcmp(own, name) == 0)
            return true;
    }
    return false;
}

static bool is_our_address(const MailRoute *route, Ipv4Address address)
{
    for (size_t i = 0; i < route->own.own_address_count; i++) {
        if (route->own.own_addresses[i] == address)
            return true;
    }
    return false;
}

/* --- the list of hosts ------------------------------------------------------------------- */

/* Room for `count` hosts whose names, NULs and all, are so many octets together. */
static void make_room(MailRoute *route, size_t count, size_t name_octets)
{
    route->hosts = g_malloc(count * sizeof(Host) + name_octets);
    route->names_end = (char *)(route->hosts + count);
}

static void append_host(MailRoute *route, uint16_t preference, const char *name)
{
    const size_t size = strlen(name) + 1;
    Host host = {.preference = preference, .name = memcpy(route->names_end, name, size)};
    route->names_end += size;
    route->hosts[route->host_count++] = host;
}

static void take_one_host(MailRoute *route, const char *name)
{
    make_room(route, 1, strlen(name) + 1);
    append_host(route, 0, name);
}

static void keep_hosts(MailRoute *route, size_t count)
{
    while (route->host_count > count)
        g_free(route->hosts[--route->host_count].addresses);
}

/* §5.1: where we are in the list, everything at our preference and behind is dropped. */
static void drop_from(MailRoute *route, uint16_t preference)
{
    size_t keep = 0;
    while (keep < route->host_count && route->hosts[keep].preference < preference)
        keep++;
    keep_hosts(route, keep);
    route->has_met_us = true;
}

static void drop_our_names(MailRoute *route)
{
    for (size_t i = 0; i < route->host_count; i++) {
        if (is_our_name(route, route->hosts[i].name)) {
            drop_from(route, route->hosts[i].preference);
            return;
        }
    }
}

static void drop_our_address(MailRoute *route, const Host *host)
{
    for (size_t i = 0; i < host->address_count; i++) {
        if (is_our_address(route, host->addresses[i])) {
            drop_from(route, host->preference);
            return;
        }
    }
}

/* Orders by preference, equals by name: the order of the answer must not count, since a name
 * server is free in it. */
static int compare_hosts(const void *a, const void *b)
{
    const Host *left = a, *right = b;
    if (left->preference != right->preference)
        return left->preference < right->preference ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* A host named twice counts once, at the better preference. */
static void drop_repeated(MailRoute *route)
{
    size_t kept = 0;
    for (size_t i = 0; i < route->host_count; i++) {
        const Host host = route->hosts[i];
        size_t same = 0;
        while (same < kept && strcmp(route->hosts[same].name, host.name) != 0)
            same++;
        if (same == kept)
            route->hosts[kept++] = host;
    }
    route->host_count = kept; /* none has addresses yet */
}

/* §5.1: exchanges of equal preference must be tried in random order. A Fisher-Yates shuffle of
 * `count` hosts from `first`, which uses up a factor of the draw at each step. */
static void shuffle_equals(MailRoute *route, size_t first, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t chosen = route->own.draw % left;
        route->own.draw /= left;
        Host *hosts = &route->hosts[first];
        Host host = hosts[left - 1];
        hosts[left - 1] = hosts[chosen];
        hosts[chosen] = host;
    }
}

static void shuffle_groups(MailRoute *route)
{
    size_t first = 0;
    while (first < route->host_count) {
        size_t end = first;
        while (end < route->host_count &&
               route->hosts[end].preference == route->hosts[first].preference)
            end++;
        shuffle_equals(route, first, end - first);
        first = end;
    }
}

/* --- answers ----------------------------------------------------------------------------- */

static bool answers(const Records *records, const DnsRecord *record)
{
    return record->type == records->type && record->class == DNS_CLASS_IN &&
           strcmp(record->name, records->end) == 0;
}

static Records pick_records(const DnsAnswer *answer, const MailRouteQuestion *question)
{
    Records records = {.answer = answer, .type = question->type};
    records.end = dns_chain_follow(answer->records, answer->record_count, question->name,
                                   question->type, NULL);
    for (size_t i = answer->record_count; records.end != NULL && i-- > 0;) {
        if (answers(&records, &answer->records[i])) {
            records.first = i;
            records.count++;
        }
    }
    return records;
}

/* The one behind `record`, or NULL. */
static const DnsRecord *next_record(const Records *records, const DnsRecord *record)
{
    const DnsRecord *end = records->answer->records + records->answer->record_count;
    do
        record++;
    while (record < end && !answers(records, record));
    return record < end ? record : NULL;
}

static const DnsRecord *first_record(const Records *records)
{
    return records->count > 0 ? &records->answer->records[records->first] : NULL;
}

static bool is_null_mx(const DnsRecord *record)
{
    return strcmp(record->mx.exchange, ".") == 0;
}

static void sort_exchanges(MailRoute *route, const Records *records)
{
    const DnsRecord *first = first_record(records);
    size_t name_octets = 0;
    for (const DnsRecord *it = first; it != NULL; it = next_record(records, it))
        name_octets += strlen(it->mx.exchange) + 1;
    make_room(route, records->count, name_octets);
    for (const DnsRecord *it = first; it != NULL; it = next_record(records, it)) {
        if (!is_null_mx(it)) /* beside others a null MX means nothing (RFC 7505 §3) */
            append_host(route, it->mx.preference, it->mx.exchange);
    }
    qsort(route->hosts, route->host_count, sizeof(Host), compare_hosts);
    drop_repeated(route);
    drop_our_names(route);
    keep_hosts(route, MIN(route->host_count, (size_t)MAIL_ROUTE_HOSTS_MAX));
    shuffle_groups(route);
}

static void keep_addresses(MailRoute *route, const Records *records)
{
    Host *host = &route->hosts[route->asking];
    host->addresses = g_new(Ipv4Address, MIN(records->count, (size_t)MAIL_ROUTE_ADDRESSES_MAX));
    for (const DnsRecord *it = first_record(records);
         it != NULL && host->address_count < MAIL_ROUTE_ADDRESSES_MAX;
         it = next_record(records, it))
        host->addresses[host->address_count++] = it->address;
    drop_our_address(route, host);
}

static MailRouteResult failure_of(const MailRoute *route)
{
    return route->has_no_answer ? MAIL_ROUTE_LOOKUP_FAILED : MAIL_ROUTE_ALIAS_LOOP;
}

/* The list without hosts of unknown address; what it comes to when none is left. */
static MailRouteResult conclude(MailRoute *route)
{
    if (route->host_count == 0 && route->has_met_us)
        return MAIL_ROUTE_LOOP;
    size_t usable = 0;
    for (size_t i = 0; i < route->host_count; i++) {
        if (route->hosts[i].address_count > 0)
            route->hosts[usable++] = route->hosts[i];
    }
    route->host_count = usable;
    if (usable > 0)
        return MAIL_ROUTE_HOSTS;
    return route->has_failed ? failure_of(route) : MAIL_ROUTE_NO_HOST;
}

/* --- the engine -------------------------------------------------------------------------- */

static void set_state(MailRoute *route, uint8_t state)
{
    CHECK(state_table_allows(&mail_route_table, route->state, state));
    route->state = state;
}

/* `name` stays valid until the answer. */
static void ask(MailRoute *route, const char *name)
{
    route->asked = name;
    route->token++;
}

static void follow_alias(MailRoute *route, const char *end)
{
    char *alias = g_strdup(end); /* `end` may be the name asked last */
    g_free(route->alias);
    route->alias = alias;
    route->links++;
    ask(route, alias);
}

static void act(MailRoute *route, uint8_t action, const Records *records)
{
    switch (action) {
    case MAIL_ROUTE_SORT:
        sort_exchanges(route, records);
        break;
    case MAIL_ROUTE_FOLLOW:
        follow_alias(route, records->end);
        break;
    case MAIL_ROUTE_IMPLY: /* §5.1: an implicit MX of preference 0 */
        take_one_host(route, records->end);
        drop_our_names(route);
        break;
    case MAIL_ROUTE_REFUSE:
        route->result = MAIL_ROUTE_NULL_MX;
        break;
    case MAIL_ROUTE_MISS:
        route->result = MAIL_ROUTE_NO_DOMAIN;
        break;
    case MAIL_ROUTE_DELAY:
        route->result = failure_of(route);
        break;
    case MAIL_ROUTE_KEEP:
        keep_addresses(route, records);
        break;
    case MAIL_ROUTE_SKIP:
        break;
    case MAIL_ROUTE_SKIP_FOR_NOW:
        route->has_failed = true;
        break;
    case MAIL_ROUTE_USE_LITERAL: /* §4.1.3: goes to that address, whatever the DNS says */
        drop_our_address(route, &route->hosts[0]);
        route->result = conclude(route);
        break;
    case MAIL_ROUTE_CONCLUDE:
        route->result = conclude(route);
        break;
    case MAIL_ROUTE_BUG:
        CHECK(action != MAIL_ROUTE_BUG);
    }
}

/* `records` is NULL when it is no answer that has come. */
static uint8_t step(MailRoute *route, uint8_t event, const Records *records)
{
    const StateCell *cell = state_table_cell(&mail_route_table, route->state, event);
    act(route, cell->action, records);
    set_state(route, cell->next);
    return cell->action;
}

/* Goes on to the next host's addresses. */
static void ask_next_host(MailRoute *route, size_t index)
{
    route->links = 0;
    route->asking = index;
    if (index < route->host_count)
        ask(route, route->hosts[index].name);
    else
        step(route, MAIL_ROUTE_EVENT_ALL_DONE, NULL);
}

static uint8_t event_of_records(const MailRoute *route, const Records *records)
{
    if (records->count == 0)
        return route->links < DNS_CHAIN_MAX ? MAIL_ROUTE_EVENT_ALIAS : MAIL_ROUTE_EVENT_FAILURE;
    if (route->state == MAIL_ROUTE_STATE_MX && records->count == 1 &&
        is_null_mx(first_record(records)))
        return MAIL_ROUTE_EVENT_NULL_MX;
    return MAIL_ROUTE_EVENT_RECORDS;
}

static uint8_t event_of_answer(const MailRoute *route, const Records *records)
{
    if (!records->end)
        return MAIL_ROUTE_EVENT_FAILURE; /* aliases that go round: someone has to mend them */
    switch (records->answer->outcome) {
    case DNS_OUTCOME_ANSWER:
        /* An answer without the records asked for, and without an alias either, is "no data". */
        if (records->count == 0 && strcmp(records->end, route->asked) == 0)
            return MAIL_ROUTE_EVENT_NODATA;
        return event_of_records(route, records);
    case DNS_OUTCOME_NXDOMAIN:
        return MAIL_ROUTE_EVENT_NXDOMAIN;
    case DNS_OUTCOME_NODATA:
        return MAIL_ROUTE_EVENT_NODATA;
    case DNS_OUTCOME_SERVFAIL:
    case DNS_OUTCOME_TIMEOUT:
    case DNS_OUTCOME_LOOP:
    case DNS_OUTCOME_COUNT:
        break;
    }
    return MAIL_ROUTE_EVENT_FAILURE;
}

/* Whether there was no answer at all, rather than aliases that do not end. */
static bool is_without_answer(DnsOutcome outcome)
{
    return outcome == DNS_OUTCOME_SERVFAIL || outcome == DNS_OUTCOME_TIMEOUT;
}

void mail_route_answer(MailRoute *route, uint64_t token, const DnsAnswer *answer)
{
    MailRouteQuestion question;
    CHECK(mail_route_peek_question(route, &question) && token == question.token);
    const Records records = pick_records(answer, &question);
    const uint8_t event = event_of_answer(route, &records);
    route->has_no_answer |= is_without_answer(answer->outcome);
    const bool was_asking_mx = route->state == MAIL_ROUTE_STATE_MX;
    const uint8_t action = step(route, event, &records);
    if (route->state == MAIL_ROUTE_STATE_ADDRESSES && action != MAIL_ROUTE_FOLLOW)
        ask_next_host(route, was_asking_mx ? 0 : route->asking + 1);
}

bool mail_route_peek_question(const MailRoute *route, MailRouteQuestion *question)
{
    if (route->state == MAIL_ROUTE_STATE_FINISHED)
        return false;
    *question = (MailRouteQuestion){
        .token = route->token,
        .name = route->asked,
        .type = route->state == MAIL_ROUTE_STATE_MX ? DNS_TYPE_MX : DNS_TYPE_A,
    };
    return true;
}

/* --- begin and end ----------------------------------------------------------------------- */

/* Reads "[192.0.2.1]", RFC 5321 §4.1.3. */
static bool parse_literal(const char *literal, Ipv4Address *address)
{
    g_autofree char *inside = g_strndup(literal + 1, strcspn(literal + 1, "]"));
    return strcmp(literal + 1 + strlen(inside), "]") == 0 && ipv4_parse(inside, address);
}

/* What follows the @ is an address: there is nothing to look up. */
static void use_literal(MailRoute *route, const char *literal, Ipv4Address address)
{
    take_one_host(route, literal);
    route->hosts[0].addresses = g_memdup2(&address, sizeof address);
    route->hosts[0].address_count = 1;
    step(route, MAIL_ROUTE_EVENT_LITERAL, NULL);
}

/* A name is looked up; what cannot stand in a query does not exist. */
MailRoute *mail_route_new(const MailRouteOptions *options)
{
    char name[DNS_NAME_TEXT_SIZE];
    const bool is_name = options->domain[0] != '[' && dns_name_normalise(options->domain, name);
    const size_t size = is_name ? strlen(name) + 1 : 0;
    MailRoute *route = g_malloc(sizeof *route + size);
    *route = (MailRoute){.state = mail_route_table.initial, .own = *options};
    route->own.domain = NULL; /* which is the caller's */
    Ipv4Address address = 0;
    if (is_name)
        ask(route, memcpy(route->domain, name, size));
    else if (options->domain[0] == '[' && parse_literal(options->domain, &address))
        use_literal(route, options->domain, address);
    else
        step(route, MAIL_ROUTE_EVENT_NXDOMAIN, NULL);
    return route;
}

void mail_route_free(MailRoute *route)
{
    if (!route)
        return;
    keep_hosts(route, 0);
    g_free(route->hosts);
    free_rare(route->alias);
    g_free(route);
}

/* --- results ----------------------------------------------------------------------------- */

MailRouteResult mail_route_result(const MailRoute *route)
{
    return route->result;
}

size_t mail_route_host_count(const MailRoute *route)
{
    return route->result == MAIL_ROUTE_HOSTS ? route->host_count : 0;
}

MailRouteHost mail_route_peek_host(const MailRoute *route, size_t index)
{
    CHECK(index < mail_route_host_count(route));
    const Host *host = &route->hosts[index];
    return (MailRouteHost){
        .preference = host->preference,
        .name = host->name,
        .addresses = host->addresses,
        .address_count = host->address_count,
    };
}

uint8_t mail_route_state(const MailRoute *route)
{
    return route->state;
}

const MailRouteStatus *mail_route_status(MailRouteResult result)
{
    /* Codes by RFC 3463 §3.2 and §3.5 and RFC 7505 §4.2. */
    static const MailRouteStatus statuses[MAIL_ROUTE_RESULT_COUNT] = {
        [MAIL_ROUTE_LOOKUP_FAILED] = {451, "4.4.3", "the name could not be looked up"},
        [MAIL_ROUTE_ALIAS_LOOP] = {451, "4.4.3",
                                   "the name's aliases (CNAME) lead in circles and to no host"},
        [MAIL_ROUTE_NO_DOMAIN] = {550, "5.1.2", "no such domain"},
        [MAIL_ROUTE_NULL_MX] = {556, "5.1.10", "the domain accepts no mail"},
        [MAIL_ROUTE_NO_HOST] = {550, "5.4.4", "no address for the domain's mail servers"},
        [MAIL_ROUTE_LOOP] = {554, "5.4.6", "mail loops back to myself"},
    };
    CHECK(result < MAIL_ROUTE_RESULT_COUNT && statuses[result].reply != 0);
    return &statuses[result];
}
