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

/* Two entries of traffic: mails called a from the beginning on, and mails called b from
 * `second_at_ms` on. An agent hands in one mail after the other, which takes it an eighth of a
 * second: a hundred agents keep up with a mail every 2 ms, not with one every millisecond, where
 * they fall behind by and by. */
typedef struct Load {
    unsigned first, second, second_at_ms;
    unsigned every_ms; /* 0: EVERY_MS */
    int domains;       /* 0: DOMAINS */
    bool is_down; /* all are for one more domain, whose server is down: they wait in the queues */
} Load;

enum { EVERY_MS = 2 };

static unsigned every_ms(const Load *load)
{
    return load->every_ms != 0 ? load->every_ms : EVERY_MS;
}

/* Behind the last mail: until every connection has left TIME-WAIT. */
enum { SETTLING_MS = 180000 };

static unsigned end_ms(const Load *load)
{
    unsigned every = every_ms(load);
    return MAX(load->first * every, load->second_at_ms + load->second * every) + SETTLING_MS;
}

static int domain_count(const Load *load)
{
    return load->domains != 0 ? load->domains : DOMAINS;
}

static void append_traffic(GString *text, const char *name, unsigned start_ms, unsigned count,
                           const Load *load)
{
    g_string_append_printf(
        text,
        "  %s:\n    start: %u ms\n    every: %u ms\n    count: %u\n    size: %d B\n    from: [u0",
        name, start_ms, every_ms(load), count, MAIL_OCTETS);
    int domains = domain_count(load);
    for (int i = 1; i < domains; i++)
        g_string_append_printf(text, ", u%d", i);
    g_string_append_printf(text, "]\n    to: [u%d@d%d.example", load->is_down * domains,
                           load->is_down * domains);
    for (int i = 1; i < domains && !load->is_down; i++)
        g_string_append_printf(text, ", u%d@d%d.example", i, i);
    g_string_append(text, "]\n");
}

static Scenario *read_scenario(const Load *load)
{
    int domains = domain_count(load);
    g_autoptr(GString) text = g_string_new("mailsim: 1\ntitle: bench\nservers:\n");
    for (int i = 0; i < domains; i++)
        g_string_append_printf(text,
                               "  mail%d.example:\n    domains: [d%d.example]\n"
                               "    users: {u%d: {}}\n",
                               i, i, i);
    g_string_append_printf(text, "  mail%d.example:\n    domains: [d%d.example]\n", domains,
                           domains);
    g_string_append_printf(text, "    users: {u%d: {}}\n", domains);
    g_string_append(text, "people:\n");
    for (int i = 0; i < domains; i++)
        g_string_append_printf(text, "  u%d: {address: u%d@d%d.example}\n", i, i, i);
    g_string_append(text, "traffic:\n");
    append_traffic(text, "a", 0, load->first, load);
    if (load->second > 0)
        append_traffic(text, "b", load->second_at_ms, load->second, load);
    if (load->is_down)
        g_string_append_printf(text, "timeline: [{at: 0 s, do: crash, host: mail%d.example}]\n",
                               domains);
    g_string_append_printf(text, "until: %u ms\n", end_ms(load));
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

/* Of those in the facts; those that are forgotten are delivered. */
static void check_all_are(const Run *run, unsigned count, MailFate fate)
{
    size_t known = facts_mail_count(run->facts);
    int64_t forgotten = facts_sums(run->facts, "a").count + facts_sums(run->facts, "b").count;
    CHECK(known + (size_t)forgotten == count && (forgotten == 0 || fate == MAIL_FATE_DELIVERED));
    for (size_t i = 0; i < known; i++) {
        MailFate its;
        CHECK(facts_mail_fate(facts_mail_at(run->facts, i), &its) && its == fate);
    }
}

/* Plays it; `octets` gets the length of the NDJSON trace, if one is wanted. */
static double time_mails(unsigned count, size_t *octets, uint64_t *events)
{
    const Load load = {.first = count};
    Scenario *scenario = read_scenario(&load);
    Run *run = run_new(scenario, &OPTIONS);
    NdjsonWriter *writer = NULL;
    if (octets != NULL) {
        NdjsonHeader header = run_ndjson_header(run, TRACE_LEVEL_SEGMENT, "-");
        writer = ndjson_writer_new(simulation_trace(run->simulation), &header,
                                   (NdjsonOutput){swallow, octets});
    }
    CHECK(run_forget_delivered(run));
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

/* ---- Memory ---- */

static void advance_to(Run *run, unsigned ms)
{
    simulation_advance(run->simulation, (SimulatorLimits){.until = ms * SIM_MILLISECOND});
}

/* The messages themselves, as they lie on the disks: what the agents wrote, and the servers'
 * fields. */
static uint64_t stored_octets(const Run *run)
{
    uint64_t octets = 0;
    for (int i = 0; i <= DOMAINS; i++) {
        g_autofree char *server = g_strdup_printf("mail%d.example", i);
        octets += simulation_disk_used(run->simulation, server);
    }
    return octets;
}

/* What a mail takes when it waits or lies, beside the octets that its agent wrote: with all that
 * the servers, the disks, the books and the facts keep of it, and the fields that servers put on
 * top. Of two moments of one run, at which all that is on its way has come, so that what the
 * servers themselves take does not count, nor the plan of the traffic, nor a queue of events. */
static double octets_a_mail(bool is_down, MailFate fate)
{
    enum { MANY = 10000, SLOWLY_MS = 10 };
    const Load load = {.first = MANY,
                       .second = MANY,
                       .second_at_ms = MANY * SLOWLY_MS + SETTLING_MS,
                       .every_ms = SLOWLY_MS,
                       .domains = 20,
                       .is_down = is_down};
    Scenario *scenario = read_scenario(&load);
    Run *run = run_new(scenario, &OPTIONS);
    CHECK(run_forget_delivered(run) != is_down);
    simulation_begin(run->simulation);
    advance_to(run, load.second_at_ms - 1);
    size_t used = allocated();
    advance_to(run, end_ms(&load));
    used = allocated() - used;
    CHECK(run_finish(run, SIMULATOR_END_UNTIL));
    check_all_are(run, 2 * MANY, fate);
    run_free(run);
    scenario_free(scenario);
    return (double)used / MANY - MAIL_OCTETS;
}

void bench_mail_memory(void)
{
    printf("memory: %.0f octets a queued mail beside its body, %.0f one in a mailbox\n",
           octets_a_mail(true, MAIL_FATE_QUEUED), octets_a_mail(false, MAIL_FATE_DELIVERED));
}

/* A million mails in one run. What is told at each quarter: what is allocated beside the files'
 * octets, a mail that is delivered. */
void bench_million(void)
{
    enum { STEPS = 4 };
    const Load load = {.first = MILLION};
    Scenario *scenario = read_scenario(&load);
    Run *run = run_new(scenario, &OPTIONS);
    CHECK(run_forget_delivered(run));
    double first_own = 0, own = 0, start = processor_seconds();
    int64_t first_delivered = 0, delivered = 0;
    simulation_begin(run->simulation);
    for (unsigned step = 1; step <= STEPS; step++) {
        advance_to(run, MILLION / STEPS * EVERY_MS * step);
        delivered = facts_sums(run->facts, "a").count;
        own = (double)(allocated() - stored_octets(run));
        if (step == 1) {
            first_delivered = delivered;
            first_own = own;
        }
        printf("million: %lld mails delivered: %.0f MB in mailboxes, and %.0f MB beside them\n",
               (long long)delivered, (double)stored_octets(run) / 1e6, own / 1e6);
        fflush(stdout);
    }
    printf(
        "million: %.0f octets beside its own for each further mail: its file and its place in the "
        "mailbox\n",
        (own - first_own) / (double)(delivered - first_delivered));
    advance_to(run, end_ms(&load));
    CHECK(run_finish(run, SIMULATOR_END_UNTIL));
    double seconds = processor_seconds() - start;
    check_all_are(run, MILLION, MAIL_FATE_DELIVERED);
    printf("million: %.0f mails a second\n", MILLION / seconds);
    run_free(run);
    scenario_free(scenario);
}
