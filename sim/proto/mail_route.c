/* Where mail for a domain goes (RFC 5321 §5.1). */
#include "core/check.h"
#include "proto/mail_route_actions.h"

#include <string.h>

/* An exchange, with its addresses when they have been asked for. */
typedef struct Host {
    uint16_t preference;
    char *name;
    GArray *addresses; /* of Ipv4Address; empty: not usable */
} Host;

struct MailRoute {
    uint8_t state;
    MailRouteResult result;
    char **own_names; /* in normal form */
    GArray *own_addresses;
    uint64_t draw;
    char *asked;        /* name of the open question */
    uint64_t token;     /* of the open question, or the last one */
    int links;          /* aliases followed for this question */
    GArray *hosts;      /* of Host, in the order to ask and to try */
    size_t asking;      /* index of the host whose addresses are asked for */
    bool has_met_us;    /* exchanges were dropped because we are one of them */
    bool has_failed;    /* a look-up came to nothing for now */
    bool has_no_answer; /* one did so for want of an answer, not by aliases that do not end */
};

static void clear_host(gpointer data)
{
    Host *host = data;
    g_free(host->name);
    g_array_unref(host->addresses);
}

/* --- who we are -------------------------------------------------------------------------- */

static char **normal_names(const char *const *names, size_t count)
{
    char **normal = g_new0(char *, count + 1);
    for (size_t i = 0; i < count; i++)
        normal[i] = dns_name_dup(names[i]);
    return normal;
}

static bool is_our_address(const MailRoute *route, Ipv4Address address)
{
    for (guint i = 0; i < route->own_addresses->len; i++) {
        if (g_array_index(route->own_addresses, Ipv4Address, i) == address)
            return true;
    }
    return false;
}

/* --- the list of hosts ------------------------------------------------------------------- */

static Host *peek_host(const MailRoute *route, size_t index)
{
    return &g_array_index(route->hosts, Host, index);
}

static void append_host(MailRoute *route, uint16_t preference, const char *name)
{
    Host host = {.preference = preference,
                 .name = g_strdup(name),
                 .addresses = g_array_new(FALSE, FALSE, sizeof(Ipv4Address))};
    g_array_append_val(route->hosts, host);
}

static bool has_host(const MailRoute *route, const char *name)
{
    for (size_t i = 0; i < route->hosts->len; i++) {
        if (strcmp(peek_host(route, i)->name, name) == 0)
            return true;
    }
    return false;
}

/* §5.1: where we are in the list, everything at our preference and behind is dropped. */
static void drop_from(MailRoute *route, uint16_t preference)
{
    guint keep = 0;
    while (keep < route->hosts->len && peek_host(route, keep)->preference < preference)
        keep++;
    g_array_set_size(route->hosts, keep);
    route->has_met_us = true;
}

static void drop_our_names(MailRoute *route)
{
    for (size_t i = 0; i < route->hosts->len; i++) {
        const Host *host = peek_host(route, i);
        if (g_strv_contains((const char *const *)route->own_names, host->name)) {
            drop_from(route, host->preference);
            return;
        }
    }
}

static void drop_our_address(MailRoute *route, const Host *host)
{
    for (guint i = 0; i < host->addresses->len; i++) {
        if (is_our_address(route, g_array_index(host->addresses, Ipv4Address, i))) {
            drop_from(route, host->preference);
            return;
        }
    }
}

/* Orders by preference, equals by name: the order of the answer must not count, since a name
 * server is free in it. */
static int compare_exchanges(const void *a, const void *b)
{
    const DnsRecord *left = *(const DnsRecord *const *)a, *right = *(const DnsRecord *const *)b;
    if (left->mx.preference != right->mx.preference)
        return left->mx.preference < right->mx.preference ? -1 : 1;
    return strcmp(left->mx.exchange, right->mx.exchange);
}

/* §5.1: exchanges of equal preference must be tried in random order. A Fisher-Yates shuffle of
 * `count` hosts from `first`, which uses up a factor of the draw at each step. */
static void shuffle_equals(MailRoute *route, size_t first, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t chosen = route->draw % left;
        route->draw /= left;
        Host *hosts = peek_host(route, first);
        Host host = hosts[left - 1];
        hosts[left - 1] = hosts[chosen];
        hosts[chosen] = host;
    }
}

static void shuffle_groups(MailRoute *route)
{
    size_t first = 0;
    while (first < route->hosts->len) {
        size_t end = first;
        while (end < route->hosts->len &&
               peek_host(route, end)->preference == peek_host(route, first)->preference)
            end++;
        shuffle_equals(route, first, end - first);
        first = end;
    }
}

/* --- answers ----------------------------------------------------------------------------- */

/* The records of `type` at the end of the aliases from the name asked: borrowed pointers. */
static GPtrArray *pick_records(const DnsAnswer *answer, const char *end, uint16_t type)
{
    GPtrArray *picked = g_ptr_array_new();
    for (size_t i = 0; i < answer->record_count; i++) {
        const DnsRecord *record = &answer->records[i];
        if (record->type == type && record->class == DNS_CLASS_IN && strcmp(record->name, end) == 0)
            g_ptr_array_add(picked, (gpointer)record);
    }
    return picked;
}

static bool is_null_mx(const DnsRecord *record)
{
    return strcmp(record->mx.exchange, ".") == 0;
}

static void sort_exchanges(MailRoute *route, GPtrArray *records)
{
    qsort(records->pdata, records->len, sizeof(gpointer), compare_exchanges);
    for (guint i = 0; i < records->len; i++) {
        const DnsRecord *record = g_ptr_array_index(records, i);
        /* Beside others a null MX means nothing (RFC 7505 §3); a host named twice counts once,
         * at the better preference. */
        if (!is_null_mx(record) && !has_host(route, record->mx.exchange))
            append_host(route, record->mx.preference, record->mx.exchange);
    }
    drop_our_names(route);
    g_array_set_size(route->hosts, MIN(route->hosts->len, (guint)MAIL_ROUTE_HOSTS_MAX));
    shuffle_groups(route);
}

static void keep_addresses(MailRoute *route, const GPtrArray *records)
{
    Host *host = peek_host(route, route->asking);
    for (guint i = 0; i < records->len && i < MAIL_ROUTE_ADDRESSES_MAX; i++) {
        const DnsRecord *record = g_ptr_array_index(records, i);
        g_array_append_val(host->addresses, record->address);
    }
    drop_our_address(route, host);
}

static MailRouteResult failure_of(const MailRoute *route)
{
    return route->has_no_answer ? MAIL_ROUTE_LOOKUP_FAILED : MAIL_ROUTE_ALIAS_LOOP;
}

/* The list without hosts of unknown address; what it comes to when none is left. */
static MailRouteResult conclude(MailRoute *route)
{
    if (route->hosts->len == 0 && route->has_met_us)
        return MAIL_ROUTE_LOOP;
    for (guint i = route->hosts->len; i-- > 0;) {
        if (peek_host(route, i)->addresses->len == 0)
            g_array_remove_index(route->hosts, i);
    }
    if (route->hosts->len > 0)
        return MAIL_ROUTE_HOSTS;
    return route->has_failed ? failure_of(route) : MAIL_ROUTE_NO_HOST;
}

/* --- the engine -------------------------------------------------------------------------- */

static void set_state(MailRoute *route, uint8_t state)
{
    CHECK(state_table_allows(&mail_route_table, route->state, state));
    route->state = state;
}

static void ask(MailRoute *route, const char *name)
{
    char *copy = g_strdup(name); /* `name` may be the one asked last */
    g_free(route->asked);
    route->asked = copy;
    route->token++;
}

static void act(MailRoute *route, uint8_t action, GPtrArray *records, const char *end)
{
    switch (action) {
    case MAIL_ROUTE_SORT:
        sort_exchanges(route, records);
        break;
    case MAIL_ROUTE_FOLLOW:
        route->links++;
        ask(route, end);
        break;
    case MAIL_ROUTE_IMPLY: /* §5.1: an implicit MX of preference 0 */
        append_host(route, 0, end);
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
        drop_our_address(route, peek_host(route, 0));
        route->result = conclude(route);
        break;
    case MAIL_ROUTE_CONCLUDE:
        route->result = conclude(route);
        break;
    case MAIL_ROUTE_BUG:
        CHECK(action != MAIL_ROUTE_BUG);
    }
}

static uint8_t step(MailRoute *route, uint8_t event, GPtrArray *records, const char *end)
{
    const StateCell *cell = state_table_cell(&mail_route_table, route->state, event);
    act(route, cell->action, records, end);
    set_state(route, cell->next);
    return cell->action;
}

/* Goes on to the next host's addresses. */
static void ask_next_host(MailRoute *route, size_t index)
{
    route->links = 0;
    route->asking = index;
    if (index < route->hosts->len)
        ask(route, peek_host(route, index)->name);
    else
        step(route, MAIL_ROUTE_EVENT_ALL_DONE, NULL, NULL);
}

static uint8_t event_of_records(const MailRoute *route, const GPtrArray *records)
{
    if (records->len == 0)
        return route->links < DNS_CHAIN_MAX ? MAIL_ROUTE_EVENT_ALIAS : MAIL_ROUTE_EVENT_FAILURE;
    if (route->state == MAIL_ROUTE_STATE_MX && records->len == 1 &&
        is_null_mx(g_ptr_array_index(records, 0)))
        return MAIL_ROUTE_EVENT_NULL_MX;
    return MAIL_ROUTE_EVENT_RECORDS;
}

static uint8_t event_of_answer(const MailRoute *route, DnsOutcome outcome, const char *end,
                               const GPtrArray *records)
{
    if (!end)
        return MAIL_ROUTE_EVENT_FAILURE; /* aliases that go round: someone has to mend them */
    switch (outcome) {
    case DNS_OUTCOME_ANSWER:
        /* An answer without the records asked for, and without an alias either, is "no data". */
        if (records->len == 0 && strcmp(end, route->asked) == 0)
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
    const char *end =
        dns_chain_follow(answer->records, answer->record_count, question.name, question.type, NULL);
    g_autoptr(GPtrArray) records =
        end ? pick_records(answer, end, question.type) : g_ptr_array_new();
    const uint8_t event = event_of_answer(route, answer->outcome, end, records);
    route->has_no_answer |= is_without_answer(answer->outcome);
    const bool was_asking_mx = route->state == MAIL_ROUTE_STATE_MX;
    const uint8_t action = step(route, event, records, end);
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

/* A name is looked up; what cannot stand in a query does not exist. */
static void start(MailRoute *route, const char *domain)
{
    char name[DNS_NAME_TEXT_SIZE];
    Ipv4Address address = 0;
    if (domain[0] == '[' && parse_literal(domain, &address)) {
        append_host(route, 0, domain);
        g_array_append_val(peek_host(route, 0)->addresses, address);
        step(route, MAIL_ROUTE_EVENT_LITERAL, NULL, NULL);
    } else if (domain[0] != '[' && dns_name_normalise(domain, name)) {
        ask(route, name);
    } else {
        step(route, MAIL_ROUTE_EVENT_NXDOMAIN, NULL, NULL);
    }
}

MailRoute *mail_route_new(const MailRouteOptions *options)
{
    MailRoute *route = g_new0(MailRoute, 1);
    route->state = mail_route_table.initial;
    route->draw = options->draw;
    route->own_names = normal_names(options->own_names, options->own_name_count);
    route->own_addresses = g_array_new(FALSE, FALSE, sizeof(Ipv4Address));
    for (size_t i = 0; i < options->own_address_count; i++)
        g_array_append_val(route->own_addresses, options->own_addresses[i]);
    route->hosts = g_array_new(FALSE, FALSE, sizeof(Host));
    g_array_set_clear_func(route->hosts, clear_host);
    start(route, options->domain);
    return route;
}

void mail_route_free(MailRoute *route)
{
    if (!route)
        return;
    g_strfreev(route->own_names);
    g_array_unref(route->own_addresses);
    g_array_unref(route->hosts);
    g_free(route->asked);
    g_free(route);
}

/* --- results ----------------------------------------------------------------------------- */

MailRouteResult mail_route_result(const MailRoute *route)
{
    return route->result;
}

size_t mail_route_host_count(const MailRoute *route)
{
    return route->result == MAIL_ROUTE_HOSTS ? route->hosts->len : 0;
}

MailRouteHost mail_route_peek_host(const MailRoute *route, size_t index)
{
    CHECK(index < mail_route_host_count(route));
    const Host *host = peek_host(route, index);
    return (MailRouteHost){
        .preference = host->preference,
        .name = host->name,
        .addresses = (const Ipv4Address *)(const void *)host->addresses->data,
        .address_count = host->addresses->len,
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
