/* Fuzz target: a resolver asks, gets whatever datagrams, lets time pass; every ask is answered
 * once, and what it learns makes a mail route.
 *
 * The input is a run of steps, each an octet that says what, an octet of time, and for a datagram
 * an octet of length and the octets, whose first two are replaced by the id so that they count. */
#include "core/check.h"
#include "proto/dns_resolver.h"
#include "proto/mail_route.h"

#include <string.h>

enum {
    STEP_ASK,
    STEP_RECEIVE,
    STEP_WAIT,
    STEP_KINDS,
    QUERY_ID = 7,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Run {
    DnsResolver *resolver;
    MailRoute *route;
    SimTime now;
    size_t open; /* asks without an answer */
} Run;

/* Asks what the route asks, or the same again when it is finished. */
static void ask(Run *run)
{
    MailRouteQuestion question = {.name = "a.example", .type = DNS_TYPE_MX};
    mail_route_peek_question(run->route, &question);
    if (dns_resolver_ask(run->resolver, question.name, question.type, QUERY_ID, run->now) != 0)
        run->open++;
}

static void drain(Run *run)
{
    DnsResolverEvent event;
    MailRouteQuestion question;
    while (dns_resolver_next_event(run->resolver, &event)) {
        if (event.kind != DNS_RESOLVER_ANSWERED)
            continue;
        CHECK(run->open-- > 0);
        if (mail_route_peek_question(run->route, &question) && question.type == event.question.type)
            mail_route_answer(run->route, question.token, &event.answer);
    }
}

static Span receive(Run *run, Span input)
{
    uint8_t datagram[UINT8_MAX];
    size_t length = input.length > 0 ? MIN(input.data[0], input.length - 1) : 0;
    if (length >= 2) {
        memcpy(datagram, input.data + 1, length);
        datagram[0] = 0;
        datagram[1] = QUERY_ID;
        dns_resolver_receive(run->resolver, span_of(datagram, length), run->now);
    }
    return span_skip(input, MIN(length + 1, input.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const own_name = "us.example";
    const MailRouteOptions options = {
        .domain = "a.example", .own_names = &own_name, .own_name_count = 1, .draw = size};
    Run run = {.resolver = dns_resolver_new(&(DnsResolverOptions){.cache_entries_max = 4}),
               .route = mail_route_new(&options)};
    Span input = span_of(data, size);
    while (input.length >= 2) {
        const uint8_t kind = input.data[0] % STEP_KINDS;
        run.now += input.data[1] * (SIM_SECOND / 16);
        input = span_skip(input, 2);
        if (kind == STEP_ASK)
            ask(&run);
        else if (kind == STEP_RECEIVE)
            input = receive(&run, input);
        else
            dns_resolver_time_out(run.resolver, run.now);
        drain(&run);
    }
    while (dns_resolver_deadline(run.resolver) != SIM_NEVER) {
        run.now = MAX(run.now, dns_resolver_deadline(run.resolver));
        dns_resolver_time_out(run.resolver, run.now);
        drain(&run);
    }
    CHECK(run.open == 0);
    mail_route_free(run.route);
    dns_resolver_free(run.resolver);
    return 0;
}
