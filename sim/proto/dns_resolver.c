/* A stub resolver: queries on their way, and the events that come of them.
 *
 * All attempts wait equally long, so the queries on their way stand in the order of their
 * deadlines when each new attempt goes to the end of the line. */
#include "proto/dns_resolver.h"

#include "core/check.h"
#include "proto/dns_cache.h"
#include "proto/dns_response.h"
#include "proto/dns_wire.h"

#include <string.h>

/* One question on its way to the name server, for one ask or several. */
typedef struct Query {
    DnsQuestion question; /* the key in DnsResolver.queries */
    uint16_t id;
    uint32_t attempt;
    SimTime deadline;
    GArray *tokens; /* of uint64_t: the asks that wait for it */
    GList link;     /* in DnsResolver.waiting; its data is this query */
} Query;

/* An event and what its pointers point to. */
typedef struct OwnedEvent {
    DnsResolverEvent event;
    GArray *records;
    uint8_t datagram[];
} OwnedEvent;

struct DnsResolver {
    DnsResolverOptions options;
    DnsCache *cache;
    GHashTable *queries; /* DnsQuestion -> Query */
    GQueue waiting;      /* queries, the next deadline first */
    GQueue events;       /* of OwnedEvent */
    OwnedEvent *current; /* the event given out last */
    uint64_t last_token;
    size_t open_asks; /* asks whose ANSWERED event has not been given out */
};

static void owned_event_free(gpointer data)
{
    OwnedEvent *owned = data;
    if (!owned)
        return;
    dns_question_clear(&owned->event.question);
    g_clear_pointer(&owned->records, g_array_unref);
    g_free(owned);
}

static void query_free(gpointer data)
{
    Query *query = data;
    dns_question_clear(&query->question);
    g_array_unref(query->tokens);
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
    resolver->queries =
        g_hash_table_new_full(dns_question_hash, dns_question_equal, NULL, query_free);
    g_queue_init(&resolver->waiting);
    g_queue_init(&resolver->events);
    return resolver;
}

void dns_resolver_free(DnsResolver *resolver)
{
    if (!resolver)
        return;
    dns_cache_free(resolver->cache);
    g_hash_table_unref(resolver->queries); /* the links of `waiting` lie in the queries */
    g_queue_clear_full(&resolver->events, owned_event_free);
    owned_event_free(resolver->current);
    g_free(resolver);
}

void dns_resolver_flush(DnsResolver *resolver)
{
    dns_cache_flush(resolver->cache);
}

static OwnedEvent *queue_event(DnsResolver *resolver, DnsResolverEventKind kind, uint64_t token,
                               const DnsQuestion *question, size_t datagram_length)
{
    OwnedEvent *owned = g_malloc0(sizeof *owned + datagram_length);
    owned->event.kind = kind;
    owned->event.token = token;
    owned->event.question = dns_question_copy(question);
    g_queue_push_tail(&resolver->events, owned);
    return owned;
}

/* Copies of the answer's records, of whose TTLs `elapsed_s` is gone. */
static GArray *copy_records(const DnsAnswer *answer, uint32_t elapsed_s)
{
    GArray *copies = dns_records_new();
    for (size_t i = 0; i < answer->record_count; i++) {
        DnsRecord copy = dns_record_copy(&answer->records[i]);
        copy.ttl_s -= MIN(copy.ttl_s, elapsed_s);
        g_array_append_val(copies, copy);
    }
    return copies;
}

/* Queues an ANSWERED event; the caller fills in where it comes from. */
static DnsResolverEvent *queue_answer(DnsResolver *resolver, uint64_t token,
                                      const DnsQuestion *question, const DnsAnswer *answer,
                                      uint32_t elapsed_s)
{
    OwnedEvent *owned = queue_event(resolver, DNS_RESOLVER_ANSWERED, token, question, 0);
    owned->records = copy_records(answer, elapsed_s);
    owned->event.answer = (DnsAnswer){
        .outcome = answer->outcome,
        .records = (const DnsRecord *)(const void *)owned->records->data,
        .record_count = owned->records->len,
    };
    return &owned->event;
}

static void send_query(DnsResolver *resolver, Query *query, SimTime now)
{
    uint8_t datagram[DNS_DATAGRAM_MAX];
    DnsMessage message;
    dns_message_init(&message);
    message.id = query->id;
    message.recursion_desired = true; /* a stub leaves the work to its name server */
    message.question = dns_question_copy(&query->question);
    const size_t length = dns_message_encode(&message, datagram);
    dns_message_clear(&message);

    query->attempt++;
    query->deadline = simtime_add(now, resolver->options.timeout_ns);
    g_queue_push_tail_link(&resolver->waiting, &query->link);
    OwnedEvent *owned =
        queue_event(resolver, DNS_RESOLVER_SEND, g_array_index(query->tokens, uint64_t, 0),
                    &query->question, length);
    memcpy(owned->datagram, datagram, length);
    owned->event.datagram = span_of(owned->datagram, length);
    owned->event.id = query->id;
    owned->event.attempt = query->attempt;
}

static bool answer_from_cache(DnsResolver *resolver, uint64_t token, const DnsQuestion *question,
                              SimTime now)
{
    const DnsCacheEntry *entry = dns_cache_find(resolver->cache, question, now);
    if (!entry)
        return false;
    const DnsAnswer answer = {
        .outcome = entry->outcome,
        .records = (const DnsRecord *)(const void *)entry->records->data,
        .record_count = entry->records->len,
    };
    /* A second that has begun counts, so that nobody keeps a record for longer than was said. */
    const SimTime elapsed_ns = now - entry->cached_at;
    const SimTime elapsed_s = (elapsed_ns + SIM_SECOND - 1) / SIM_SECOND;
    DnsResolverEvent *event = queue_answer(resolver, token, question, &answer, (uint32_t)elapsed_s);
    event->is_from_cache = true;
    event->cached_at = entry->cached_at;
    event->expires_at = entry->expires_at;
    if (entry->outcome == DNS_OUTCOME_NXDOMAIN)
        event->rcode = DNS_RCODE_NXDOMAIN;
    return true;
}

/* Lets the ask join a query for the same question, or sends one. */
static void ask_name_server(DnsResolver *resolver, uint64_t token, const DnsQuestion *question,
                            uint16_t id, SimTime now)
{
    Query *query = g_hash_table_lookup(resolver->queries, question);
    if (query) {
        g_array_append_val(query->tokens, token);
        return;
    }
    query = g_new0(Query, 1);
    query->question = dns_question_copy(question);
    query->id = id;
    query->tokens = g_array_new(FALSE, FALSE, sizeof token);
    query->link.data = query;
    g_array_append_val(query->tokens, token);
    g_hash_table_insert(resolver->queries, &query->question, query);
    send_query(resolver, query, now);
}

/* Text that cannot stand in a query names nothing. */
static void answer_no_name(DnsResolver *resolver, uint64_t token, const char *name, uint16_t type,
                           SimTime now)
{
    g_autofree char *text = g_strdup(name);
    const DnsQuestion question = {.name = text, .type = type, .class = DNS_CLASS_IN};
    const DnsAnswer answer = {.outcome = DNS_OUTCOME_NXDOMAIN};
    DnsResolverEvent *event = queue_answer(resolver, token, &question, &answer, 0);
    event->cached_at = event->expires_at = now;
}

uint64_t dns_resolver_ask(DnsResolver *resolver, const char *name, uint16_t type, uint16_t id,
                          SimTime now)
{
    char normal[DNS_NAME_TEXT_SIZE];
    if (resolver->open_asks == DNS_RESOLVER_ASKS_MAX)
        return 0;
    resolver->open_asks++;
    const uint64_t token = ++resolver->last_token;
    if (!dns_name_normalise(name, normal)) {
        answer_no_name(resolver, token, name, type, now);
        return token;
    }
    const DnsQuestion question = {.name = normal, .type = type, .class = DNS_CLASS_IN};
    if (!answer_from_cache(resolver, token, &question, now))
        ask_name_server(resolver, token, &question, id, now);
    return token;
}

/* Answers every ask that waits for the query, which is then gone. */
static void finish_query(DnsResolver *resolver, Query *query, const DnsAnswer *answer,
                         uint8_t rcode, SimTime now, uint32_t ttl_s)
{
    for (guint i = 0; i < query->tokens->len; i++) {
        DnsResolverEvent *event = queue_answer(resolver, g_array_index(query->tokens, uint64_t, i),
                                               &query->question, answer, 0);
        event->rcode = rcode;
        event->cached_at = now;
        event->expires_at = simtime_add(now, ttl_s * SIM_SECOND);
    }
    g_hash_table_remove(resolver->queries, &query->question);
}

/* The query that the message answers: the same id and question (RFC 5452 §9.1), or NULL. */
static Query *match_query(const DnsResolver *resolver, const DnsMessage *message)
{
    if (!message->is_response || message->opcode != DNS_OPCODE_QUERY || !message->question.name)
        return NULL;
    Query *query = g_hash_table_lookup(resolver->queries, &message->question);
    return query && query->id == message->id ? query : NULL;
}

static void take_response(DnsResolver *resolver, Query *query, const DnsMessage *response,
                          SimTime now)
{
    g_autoptr(GArray) records = dns_records_new();
    uint32_t ttl_s = 0;
    DnsAnswer answer = {.outcome = dns_response_judge(response, records, &ttl_s)};
    answer.records = (const DnsRecord *)(const void *)records->data;
    answer.record_count = records->len;
    dns_cache_put(resolver->cache, &query->question, &answer, ttl_s, now);
    g_queue_unlink(&resolver->waiting, &query->link);
    finish_query(resolver, query, &answer, response->rcode, now, ttl_s);
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
        const DnsAnswer answer = {.outcome = DNS_OUTCOME_TIMEOUT};
        finish_query(resolver, query, &answer, DNS_RCODE_NOERROR, now, 0);
    }
}

bool dns_resolver_next_event(DnsResolver *resolver, DnsResolverEvent *event)
{
    g_clear_pointer(&resolver->current, owned_event_free);
    resolver->current = g_queue_pop_head(&resolver->events);
    if (!resolver->current)
        return false;
    *event = resolver->current->event;
    if (event->kind == DNS_RESOLVER_ANSWERED)
        resolver->open_asks--;
    return true;
}
