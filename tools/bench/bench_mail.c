/* The whole mail: 100 domains, each with a mail server and a person who writes to all the others.
 * Each mail is composed by an agent, submitted, queued and spooled, looked up in the DNS, relayed
 * over TCP, spooled again and put into a mailbox; the books and the facts watch, as in any run. */
#include "bench.h"
#include "core/check.h"
#include "export/ndjson.h"
#include "scenario/reader.h"
#include "scenario/run.h"

#include <stdio.h>

enum { DOMAINS = 100, MAILS = 100000, MILLION = 1000000, MAIL_OCTETS = 4000 };

/* `count` mails, one a millisecond on average; where `is_down`, all are for one more domain, whose
 * server is down, so that they wait in the queues. */
static Scenario *read_scenario(unsigned count, bool is_down)
{
    g_autoptr(GString) text = g_string_new("mailsim: 1\ntitle: bench\nservers:\n");
    for (int i = 0; i <= DOMAINS; i++)
        g_string_append_printf(text,
                               "  mail%d.example:\n    domains: [d%d.example]\n"
                               "    users: {u%d: {}}\n",
                               i, i, i);
    g_string_append(text, "people:\n");
    for (int i = 0; i < DOMAINS; i++)
        g_string_append_printf(text, "  u%d: {address: u%d@d%d.example}\n", i, i, i);
    g_string_append_printf(
        text, "traffic:\n  m:\n    every: 1 ms\n    count: %u\n    size: %d B\n    from: [u0",
        count, MAIL_OCTETS);
    for (int i = 1; i < DOMAINS; i++)
        g_string_append_printf(text, ", u%d", i);
    g_string_append_printf(text, "]\n    to: [u%d@d%d.example", is_down * DOMAINS,
                           is_down * DOMAINS);
    for (int i = 1; i < DOMAINS && !is_down; i++)
        g_string_append_printf(text, ", u%d@d%d.example", i, i);
    g_string_append(text, "]\n");
    if (is_down)
        g_string_append_printf(text, "timeline: [{at: 0 s, do: crash, host: mail%d.example}]\n",
                               DOMAINS);
    /* Behind the last mail: until every connection has left TIME-WAIT. */
    g_string_append_printf(text, "until: %u ms\n", count + 180000);
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Span bytes = span_of_text(text->str);
    Scenario *scenario = scenario_read_bytes("bench", bytes, diagnostics);
    if (scenario == NULL)
        diagnostics_print(diagnostics, stderr);
    CHECK(scenario != NULL);
    return scenario;
}

static const SimulationOptions OPTIONS = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};

static void swallow(void *owner, Span bytes)
{
    size_t *octets = owner;
    *octets += bytes.length;
}

static void check_all_are(const Run *run, unsigned count, MailFate fate)
{
    CHECK(facts_mail_count(run->facts) == count);
    for (size_t i = 0; i < count; i++) {
        MailFate its;
        CHECK(facts_mail_fate(facts_mail_at(run->facts, i), &its) && its == fate);
    }
}

/* Plays it; `octets` gets the length of the NDJSON trace, if one is wanted. */
static double time_mails(unsigned count, size_t *octets, uint64_t *events)
{
    Scenario *scenario = read_scenario(count, false);
    Run *run = run_new(scenario, &OPTIONS);
    NdjsonWriter *writer = NULL;
    if (octets != NULL) {
        NdjsonHeader header = run_ndjson_header(run, TRACE_LEVEL_SEGMENT, "-");
        writer = ndjson_writer_new(simulation_trace(run->simulation), &header,
                                   (NdjsonOutput){swallow, octets});
    }
    double start = processor_seconds();
    CHECK(run_play(run));
    double seconds = processor_seconds() - start;
    *events = simulator_event_count(simulation_simulator(run->simulation));
    check_all_are(run, count, MAIL_FATE_DELIVERED);
    if (writer != NULL)
        ndjson_writer_free(writer);
    run_free(run);
    scenario_free(scenario);
    return seconds;
}

void bench_mails(void)
{
    size_t octets = 0;
    uint64_t events = 0;
    double off = time_mails(MAILS, NULL, &events);
    printf("mails: %.0f a second with the trace off; %.1f events each, %.2f M events a second\n",
           MAILS / off, (double)events / MAILS, (double)events / off / 1e6);
    double on = time_mails(MAILS, &octets, &events);
    printf("mails: %.0f a second with a full NDJSON trace of %.1f kB a mail\n", MAILS / on,
           (double)octets / MAILS / 1e3);
}

/* What a mail takes when it waits or lies: of two runs that differ in the number of mails, so that
 * what the servers themselves take does not count. */
static double octets_a_mail(bool is_down, MailFate fate)
{
    enum { FEW = 1000, MANY = 21000 };
    size_t used[2] = {0};
    for (int i = 0; i < 2; i++) {
        unsigned count = i == 0 ? FEW : MANY;
        Scenario *scenario = read_scenario(count, is_down);
        size_t before = allocated();
        Run *run = run_new(scenario, &OPTIONS);
        CHECK(run_play(run));
        check_all_are(run, count, fate);
        used[i] = allocated() - before;
        run_free(run);
        scenario_free(scenario);
    }
    return (double)(used[1] - used[0]) / (MANY - FEW) - MAIL_OCTETS;
}

void bench_mail_memory(void)
{
    printf("memory: %.0f octets a queued mail beside its body, %.0f one in a mailbox\n",
           octets_a_mail(true, MAIL_FATE_QUEUED), octets_a_mail(false, MAIL_FATE_DELIVERED));
}

void bench_million(void)
{
    uint64_t events = 0;
    double seconds = time_mails(MILLION, NULL, &events);
    printf("mails: a million in one run: %.0f a second\n", MILLION / seconds);
}
