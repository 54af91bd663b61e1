/* The stub resolver of a host. See resolver.h. */
#include "node/resolver.h"

#include "core/check.h"

#include <string.h>

/* One is given up or answered in any order; the front of the list goes when it is both. */
typedef struct LookUp {
    ResolverDone *done; /* NULL: it is over */
    void *owner;
    Cause cause; /* of whoever asked: queries and results follow from it */
} LookUp;

struct Resolver {
    Machine machine;
    DnsResolver *engine;
    Random ids;
    LookUp *look_ups; /* by token, beginning with `first_token` */
    size_t look_up_count, look_up_room;
    uint64_t first_token;
    size_t ended;      /* look-ups at the front that are over */
    uint16_t port;     /* 0: none is bound */
    Timer timer;       /* of the engine's deadline */
    Timer drain_timer; /* the step in which the engine's events are taken */
};

Resolver *resolver_new(const Machine *machine)
{
    Resolver *resolver = g_new0(Resolver, 1);
    resolver->machine = *machine;
    resolver->engine = dns_resolver_new(&(DnsResolverOptions){0});
    resolver->ids = simulator_random(machine->simulator, machine->node, RANDOM_DNS_ID);
    resolver->first_token = 1;
    return resolver;
}

void resolver_free(Resolver *resolver)
{
    simulator_cancel(resolver->machine.simulator, &resolver->timer);
    simulator_cancel(resolver->machine.simulator, &resolver->drain_timer);
    g_free(resolver->look_ups);
    dns_resolver_free(resolver->engine);
    g_free(resolver);
}

/* NULL: it is over, or there was none. */
static LookUp *find_look_up(const Resolver *resolver, uint64_t token)
{
    const uint64_t place = token - resolver->first_token; /* what is too small becomes too large */
    if (place >= resolver->look_up_count)
        return NULL;
    LookUp *look_up = &resolver->look_ups[place];
    return look_up->done != NULL ? look_up : NULL;
}

static void add_look_up(Resolver *resolver, const LookUp *look_up)
{
    if (resolver->look_up_count == resolver->look_up_room) {
        resolver->look_up_room = MAX(2 * resolver->look_up_room, 4);
        resolver->look_ups = g_renew(LookUp, resolver->look_ups, resolver->look_up_room);
    }
    resolver->look_ups[resolver->look_up_count++] = *look_up;
}

/* Those at the front that are over, once they are half of all: each is so moved once at most. */
static void drop_ended(Resolver *resolver)
{
    LookUp *look_ups = resolver->look_ups;
    while (resolver->ended < resolver->look_up_count && look_ups[resolver->ended].done == NULL)
        resolver->ended++;
    const size_t left = resolver->look_up_count - resolver->ended;
    if (resolver->ended < left)
        return;
    if (left > 0)
        memmove(look_ups, look_ups + resolver->ended, left * sizeof *look_ups);
    resolver->look_up_count = left;
    resolver->first_token += resolver->ended;
    resolver->ended = 0;
}

static void resolver_drain(Resolver *resolver);

static void resolver_on_datagram(void *owner, Ipv4Address source, uint16_t source_port, Span data)
{
    Resolver *resolver = owner;
    if (source != resolver->machine.name_server || source_port != DNS_PORT)
        return;
    dns_resolver_receive(resolver->engine, data, simulator_now(resolver->machine.simulator));
    resolver_drain(resolver);
}

/* The fault behind a look-up that failed: of the name itself, or on the way to the name server. */
static uint64_t fault_behind(const Resolver *resolver, const char *name)
{
    const Machine *machine = &resolver->machine;
    uint64_t because = name_faults_find(machine->name_faults, name);
    NetworkFlow query = {.protocol = PACKET_UDP,
                         .source_port = DNS_PORT,
                         .destination_port = DNS_PORT,
                         .destination = machine->name_server};
    return because != 0 ? because : network_peek_flow_fault(machine->host, query);
}

/* What made the name, or one that it is an alias of, what the name server says that it is. Only of
 * an answer that has just come: one from the cache may be older. */
static uint64_t change_behind_answer(const NameFaults *faults, const DnsResolverEvent *event)
{
    if (event->is_from_cache || event->answer.outcome == DNS_OUTCOME_TIMEOUT)
        return 0;
    uint64_t because = name_faults_find_change(faults, event->question.name);
    for (size_t i = 0; i < event->answer.record_count && because == 0; i++) {
        const DnsRecord *record = &event->answer.records[i];
        if (record->type == DNS_TYPE_CNAME)
            because = name_faults_find_change(faults, record->host);
    }
    return because;
}

/* The same for an answer: of the name asked for, or of one that it is an alias of. What comes from
 * the cache may be older than the fault's end. */
static uint64_t fault_behind_answer(const Resolver *resolver, const DnsResolverEvent *event)
{
    const NameFaults *faults = resolver->machine.name_faults;
    uint64_t because = fault_behind(resolver, event->question.name);
    for (size_t i = 0; i < event->answer.record_count && because == 0; i++) {
        const DnsRecord *record = &event->answer.records[i];
        if (record->type == DNS_TYPE_CNAME)
            because = name_faults_find(faults, record->host);
    }
    if (because == 0 && event->is_from_cache)
        because = name_faults_find_last(faults, event->question.name);
    return because != 0 ? because : change_behind_answer(faults, event);
}

static void resolver_send(Resolver *resolver, const DnsResolverEvent *event)
{
    const Machine *machine = &resolver->machine;
    char type[DNS_TYPE_TEXT_SIZE];
    dns_type_format(event->question.type, type);
    if (event->attempt > 1)
        TRACE(machine->trace, machine->node, DNS_TIMEOUT,
              fault_behind(resolver, event->question.name), .name = event->question.name,
              .type = type, .attempt = event->attempt - 1);
    if (resolver->port == 0)
        resolver->port = host_udp_bind(machine->host, 0, resolver_on_datagram, resolver);
    TRACE(machine->trace, machine->node, DNS_QUERY, 0, .name = event->question.name, .type = type,
          .id = event->id);
    g_autoptr(Octets) datagram = octets_new(event->datagram.data, event->datagram.length);
    host_udp_send(machine->host, resolver->port, machine->name_server, DNS_PORT, datagram);
}

static void trace_result(const Machine *machine, const DnsResolverEvent *event, uint64_t because)
{
    if (TRACE_PASS_OVER(machine->trace, DNS_RESULT))
        return;
    char type[DNS_TYPE_TEXT_SIZE];
    dns_type_format(event->question.type, type);
    g_autofree char *records = dns_answer_format(&event->answer);
    TRACE(machine->trace, machine->node, DNS_RESULT, because, .name = event->question.name,
          .type = type, .outcome = dns_outcome_name(event->answer.outcome), .records = records,
          .from_cache = event->is_from_cache);
}

/* "No mail, please" (RFC 7505 §3). */
static bool is_null_mx(const DnsAnswer *answer)
{
    const DnsRecord *last =
        answer->record_count > 0 ? &answer->records[answer->record_count - 1] : NULL;
    return last != NULL && last->type == DNS_TYPE_MX && strcmp(last->mx.exchange, ".") == 0;
}

static void resolver_answer(Resolver *resolver, const DnsResolverEvent *event)
{
    const Machine *machine = &resolver->machine;
    Cause *cause = simulator_cause(machine->simulator);
    Cause before = *cause;
    const LookUp *look_up = find_look_up(resolver, event->token);
    if (event->is_from_cache && look_up != NULL)
        *cause = look_up->cause;
    bool is_failure =
        event->answer.outcome != DNS_OUTCOME_ANSWER && event->answer.outcome != DNS_OUTCOME_NODATA;
    uint64_t because = 0;
    if (is_failure)
        because = fault_behind_answer(resolver, event);
    else if (event->answer.outcome == DNS_OUTCOME_NODATA || is_null_mx(&event->answer))
        because = change_behind_answer(machine->name_faults, event);
    trace_result(machine, event, because);
    if (look_up != NULL) {
        LookUp asked = *look_up;
        resolver_forget(resolver, event->token);
        asked.done(asked.owner, event, because);
    }
    *cause = before;
}

static void resolver_on_deadline(void *owner, void *data)
{
    (void)data;
    Resolver *resolver = owner;
    dns_resolver_time_out(resolver->engine, simulator_now(resolver->machine.simulator));
    resolver_drain(resolver);
}

static void resolver_arm(Resolver *resolver)
{
    Simulator *simulator = resolver->machine.simulator;
    simulator_cancel(simulator, &resolver->timer);
    SimTime deadline = dns_resolver_deadline(resolver->engine);
    if (deadline == SIM_NEVER)
        return;
    EventAction action = {resolver_on_deadline, resolver, NULL, NULL};
    resolver->timer =
        simulator_schedule(simulator, deadline, resolver->machine.node, EVENT_FOREGROUND, action);
}

static void resolver_drain(Resolver *resolver)
{
    DnsResolverEvent event;
    while (dns_resolver_next_event(resolver->engine, &event)) {
        switch (event.kind) {
        case DNS_RESOLVER_SEND:
            resolver_send(resolver, &event);
            break;
        case DNS_RESOLVER_ANSWERED:
            resolver_answer(resolver, &event);
            break;
        }
    }
    resolver_arm(resolver);
}

static void resolver_on_drain(void *owner, void *data)
{
    (void)data;
    resolver_drain(owner);
}

uint64_t resolver_look_up(Resolver *resolver, const char *name, uint16_t type, ResolverDone *done,
                          void *owner)
{
    Simulator *simulator = resolver->machine.simulator;
    const SimTime now = simulator_now(simulator);
    uint64_t token = dns_resolver_ask_cache(resolver->engine, name, type, now);
    if (token != 0)
        random_skip(&resolver->ids); /* each look-up has an id, whether it is used or not */
    else
        token = dns_resolver_ask(resolver->engine, name, type,
                                 (uint16_t)random_draw(&resolver->ids), now);
    CHECK(token != 0);
    const LookUp look_up = {done, owner, *simulator_cause(simulator)};
    add_look_up(resolver, &look_up);
    CHECK(token == resolver->first_token + resolver->look_up_count - 1);
    if (!simulator_is_pending(simulator, resolver->drain_timer)) {
        EventAction action = {resolver_on_drain, resolver, NULL, NULL};
        resolver->drain_timer = simulator_schedule(
            simulator, simulator_now(simulator), resolver->machine.node, EVENT_FOREGROUND, action);
    }
    return token;
}

void resolver_forget(Resolver *resolver, uint64_t id)
{
    LookUp *look_up = id != 0 ? find_look_up(resolver, id) : NULL;
    if (look_up == NULL)
        return;
    look_up->done = NULL;
    drop_ended(resolver);
}
