/* A stub resolver: queries on their way, and the events that come of them.
 *
 * All attempts wait equally long, so the queries on their way stand in the order of their
 * deadlines when each new attempt goes to the end of the line. */
#include "proto/dns_resolver.h"

#include "core/check.h"
#include "core/table.h"
#include "proto/dns_cache.h"
#include "proto/dns_response.h"
#include "proto/dns_wire.h"

#include <string.h>

/* One question on its way to the name server, for one ask or several. */
typedef struct Query {
    DnsQuestion question; /* its name lies behind the query */
    uint16_t id;
    uint32_t attempt;
    SimTime deadline;
    uint64_t token; /* the ask that it was first sent for */
    GArray *more;   /* of uint64_t: further asks that wait for it; NULL: none does */
    GList link;     /* in DnsResolver.waiting; its data is this query */
    char name[];
} Query;

/* An event and what its pointers point to. */
typedef struct QueuedEvent {
    DnsResolverEvent event;
    DnsFinding *finding; /* ANSWERED */
    uint8_t *query;      /* SEND: the datagram, and the name behind it */
} QueuedEvent;

struct DnsResolver {
    DnsResolverOptions options;
    DnsCache *cache;
    Table queries;
    GQueue waiting; /* queries, the next deadline first */
    QueuedEvent *events;
    size_t event_count, event_room;
    size_t next_event; /* in `events`: to be given out; the one before it lives still */
    uint64_t last_token;
    size_t open_asks; /* asks whose ANSWERED event has not been given out */
};

static void queued_event_clear(QueuedEvent *queued)
{
    g_clear_pointer(&queued->finding, dns_finding_unref);
    g_clear_pointer(&queued->query, g_free);
}

static uint32_t hash_question(const DnsQuestion *question)
{
    const uint32_t hash = table_hash(question->name, strlen(question->name));
    return table_hash_number((uint64_t)question->type << 32 | hash);
}

static uint32_t hash_query(const void *thing)
{
    return hash_question(&((const Query *)thing)->question);
}

static Query *find_query(const DnsResolver *resolver, const DnsQuestion *question)
{
    TableProbe probe = table_probe(&resolver->queries, hash_question(question));
    Query *query;
    while ((query = table_next(&resolver->queries, &probe)) != NULL &&
           !dns_question_equals(&query->question, question))
        continue;
    return query;
}

static void query_free(Query *query)
{
    g_clear_pointer(&query->more, g_array_unref);
    g_free(query);
}

DnsResolver *dns_resolver_new(const DnsResolverOptions *options)
{
    DnsResolver *resolver = g_new0(DnsResolver, 1);
    resolver->options = *options;
    if (options->timeout_ns == 0)
        resolver->options.timeout_ns = DNS_RESOLVER_DEFAULT_TIMEOUT_S * SIM_SECOND;
    if (options->attempts == 0)
        resolver->options.attempts = DNS_RESOLVER_DEFAULT_ATTEMPTS;
    if (options->cache_entries_max == 0)
        resolver->options.cache_entries_max = DNS_RESOLVER_DEFAULT_CACHE_ENTRIES_MAX;
    resolver->cache = dns_cache_new(resolver->options.cache_entries_max);
    resolver->queries.hash_of = hash_query;
    g_queue_init(&resolver->waiting);
    return resolver;
}

void dns_resolver_free(DnsResolver *resolver)
{
    if (!resolver)
        return;
    dns_cache_free(resolver->cache);
    size_t at = 0;
    for (Query *query; (query = table_each(&resolver->queries, &at)) != NULL;)
        query_free(query);
    table_clear(&resolver->queries);
    for (size_t i = 0; i < resolver->event_count; i++)
        queued_event_clear(&resolver->events[i]);
    g_free(resolver->events);
    g_free(resolver);
}

void dns_resolver_flush(DnsResolver *resolver)
{
    dns_cache_flush(resolver->cache);
}

/* The place of the next event, for the caller to fill in. */
static QueuedEvent *queue_event(DnsResolver *resolver)
{
    if (resolver->event_count == resolver->event_room) {
        resolver->event_room = MAX(2 * resolver->event_room, 4);
        resolver->events = g_renew(QueuedEvent, resolver->events, resolver->event_room);
    }
    return &resolver->events[resolver->event_count++];
}

/* Queues an ANSWERED event. Returned is the one in the queue, for the caller to add to. */
static DnsResolverEvent *queue_answer(DnsResolver *resolver, uint64_t token, uint16_t type,
                                      DnsFinding *finding)
{
    QueuedEvent *queued = queue_event(resolver);
    *queued = (QueuedEvent){.finding = dns_finding_ref(finding)};
    queued->event.kind = DNS_RESOLVER_ANSWERED;
    queued->event.token = token;
    queued->event.question = (DnsQuestion){finding->name, type, DNS_CLASS_IN};
    queued->event.answer = dns_finding_answer(finding);
    queued->event.cached_at = finding->cached_at;
    queued->event.expires_at = finding->expires_at;
    return &queued->event;
}

/* The copies that the event points to lie in one piece. */
static void queue_send(DnsResolver *resolver, const Query *query, Span datagram)
{
    const size_t name_size = strlen(query->question.name) + 1;
    uint8_t *copies = g_malloc(datagram.length + name_size);
    memcpy(copies, datagram.data, datagram.length);
    char *name = memcpy(copies + datagram.length, query->question.name, name_size);
    const DnsResolverEvent event = {
        .kind = DNS_RESOLVER_SEND,
        .token = query->token,
        .question = {.name = name, .type = query->question.type, .class = query->question.class},
        .datagram = span_of(copies, datagram.length),
        .id = query->id,
        .attempt = query->attempt,
    };
    *queue_event(resolver) = (QueuedEvent){.event = event, .query = copies};
}

static void send_query(DnsResolver *resolver, Query *query, SimTime now)
{
    uint8_t datagram[DNS_DATAGRAM_MAX];
    DnsMessage message;
    dns_message_init(&message);
    message.id = query->id;
    message.recursion_desired = true; /* a stub leaves the work to its name server */
    message.is_lent = true;
    message.question = query->question;
    const size_t length = dns_message_encode(&message, datagram);
    dns_message_clear(&message);

    query->attempt++;
    query->deadline = simtime_add(now, resolver->options.timeout_ns);
    g_queue_push_tail_link(&resolver->waiting, &query->link);
    queue_send(resolver, query, span_of(datagram, length));
}

static bool answer_from_cache(DnsResolver *resolver, uint64_t token, const char *name,
                              uint16_t type, SimTime now)
{
    DnsFinding *finding = dns_cache_find(resolver->cache, name, type, now);
    if (!finding)
        return false;
    /* A second that has begun counts, so that nobody keeps a record for longer than was said. */
    const SimTime elapsed_ns = now - finding->cached_at;
    const SimTime elapsed_s = (elapsed_ns + SIM_SECOND - 1) / SIM_SECOND;
    DnsResolverEvent *event = queue_answer(resolver, token, type, finding);
    event->answer.elapsed_s = (uint32_t)elapsed_s;
    event->is_from_cache = true;
    if (finding->outcome == DNS_OUTCOME_NXDOMAIN)
        event->rcode = DNS_RCODE_NXDOMAIN;
    return true;
}

/* Lets the ask join a query for the same question, or sends one. */
static void ask_name_server(DnsResolver *resolver, uint64_t token, const DnsQuestion *question,
                            uint16_t id, SimTime now)
{
    Query *query = find_query(resolver, question);
    if (query) {
        if (!query->more)
            query->more = g_array_new(FALSE, FALSE, sizeof token);
        g_array_append_val(query->more, token);
        return;
    }
    const size_t name_size = strlen(question->name) + 1;
    query = g_malloc(sizeof *query + name_size);
    *query = (Query){.question = *question, .id = id, .token = token, .link.data = query};
    query->question.name = memcpy(query->name, question->name, name_size);
    table_add(&resolver->queries, hash_query(query), query);
    send_query(resolver, query, now);
}

/* Text that cannot stand in a query names nothing. */
static void answer_no_name(DnsResolver *resolver, uint64_t token, const char *name, uint16_t type,
                           SimTime now)
{
    DnsFinding *finding = dns_finding_new(name, DNS_OUTCOME_NXDOMAIN, now, NULL, 0);
    queue_answer(resolver, token, type, finding);
    dns_finding_unref(finding);
}

uint64_t dns_resolver_ask_cache(DnsResolver *resolver, const char *name, uint16_t type, SimTime now)
{
    const uint64_t token = resolver->last_token + 1;
    if (resolver->open_asks == DNS_RESOLVER_ASKS_MAX ||
        !answer_from_cache(resolver, token, name, type, now))
        return 0;
    resolver->last_token = token;
    resolver->open_asks++;
    return token;
}

uint64_t dns_resolver_ask(DnsResolver *resolver, const char *name, uint16_t type, uint16_t id,
                          SimTime now)
{
    char normal[DNS_NAME_TEXT_SIZE];
    if (resolver->open_asks == DNS_RESOLVER_ASKS_MAX)
        return 0;
    /* Most names come in normal form, as those in the cache are. */
    uint64_t token = dns_resolver_ask_cache(resolver, name, type, now);
    if (token != 0)
        return token;
    token = ++resolver->last_token;
    resolver->open_asks++;
    if (!dns_name_normalise(name, normal)) {
        answer_no_name(resolver, token, name, type, now);
        return token;
    }
    const DnsQuestion question = {.name = normal, .type = type, .class = DNS_CLASS_IN};
    if (strcmp(name, normal) == 0 || !answer_from_cache(resolver, token, normal, type, now))
        ask_name_server(resolver, token, &question, id, now);
    return token;
}

/* Answers every ask that waits for the query, which is then gone. */
static void finish_query(DnsResolver *resolver, Query *query, DnsFinding *finding, uint8_t rcode)
{
    const uint16_t type = query->question.type;
    queue_answer(resolver, query->token, type, finding)->rcode = rcode;
    for (guint i = 0; query->more && i < query->more->len; i++) {
        const uint64_t token = g_array_index(query->more, uint64_t, i);
        queue_answer(resolver, token, type, finding)->rcode = rcode;
    }
    table_remove(&resolver->queries, query);
    query_free(query);
}

/* The query that the message answers: the same id and question (RFC 5452 §9.1), or NULL. */
static Query *match_query(const DnsResolver *resolver, const DnsMessage *message)
{
    if (!message->is_response || message->opcode != DNS_OPCODE_QUERY || !message->question.name)
        return NULL;
    Query *query = find_query(resolver, &message->question);
    return query && query->id == message->id ? query : NULL;
}

static void take_response(DnsResolver *resolver, Query *query, const DnsMessage *response,
                          SimTime now)
{
    DnsFinding *finding = dns_response_judge(response, now);
    dns_cache_put(resolver->cache, query->question.type, finding);
    g_queue_unlink(&resolver->waiting, &query->link);
    finish_query(resolver, query, finding, response->rcode);
    dns_finding_unref(finding);
}

DnsReceived dns_resolver_receive(DnsResolver *resolver, Span datagram, SimTime now)
{
    DnsMessage message;
    DnsReceived received = DNS_RECEIVED_MALFORMED;
    dns_message_init(&message);
    if (dns_message_decode(datagram, &message)) {
        Query *query = match_query(resolver, &message);
        received = query ? DNS_RECEIVED_ANSWER : DNS_RECEIVED_UNASKED;
        if (query)
            take_response(resolver, query, &message, now);
    }
    dns_message_clear(&message);
    return received;
}

SimTime dns_resolver_deadline(const DnsResolver *resolver)
{
    const GList *head = resolver->waiting.head;
    return head ? ((const Query *)head->data)->deadline : SIM_NEVER;
}

void dns_resolver_time_out(DnsResolver *resolver, SimTime now)
{
    CHECK(now < SIM_NEVER);
    while (dns_resolver_deadline(resolver) <= now) {
        Query *query = resolver->waiting.head->data;
        g_queue_unlink(&resolver->waiting, &query->link);
        if (query->attempt < resolver->options.attempts) {
            send_query(resolver, query, now);
            continue;
        }
        DnsFinding *finding =
            dns_finding_new(query->question.name, DNS_OUTCOME_TIMEOUT, now, NULL, 0);
        finish_query(resolver, query, finding, DNS_RCODE_NOERROR);
        dns_finding_unref(finding);
    }
}

bool dns_resolver_next_event(DnsResolver *resolver, DnsResolverEvent *event)
{
    if (resolver->next_event > 0)
        queued_event_clear(&resolver->events[resolver->next_event - 1]);
    if (resolver->next_event == resolver->event_count) {
        resolver->next_event = resolver->event_count = 0;
        return false;
    }
    *event = resolver->events[resolver->next_event++].event;
    if (event->kind == DNS_RESOLVER_ANSWERED)
        resolver->open_asks--;
    return true;
}
