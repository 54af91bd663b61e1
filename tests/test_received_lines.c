/* The fact `received_lines` against the octets that an agent fetches: what the records say of a
 * mail's way is what its header says. */
#include "scenario/run.h"
#include "scenario_read.h"

enum { IMAP_PORT = 143, HEADERS = 14 + 20 + 20 };

/* What IMAP servers send to one host, segment by segment. */
typedef struct Fetched {
    GString *octets;
    const char *server;
    Simulator *simulator;
} Fetched;

static void collect(void *owner, const TraceRecord *record)
{
    Fetched *fetched = owner;
    if (record->kind != TRACE_TCP_SEND ||
        ((const TraceFields_TCP_SEND *)record->fields)->source_port != IMAP_PORT ||
        strcmp(simulator_node_name(fetched->simulator, record->node), fetched->server) != 0)
        return;
    g_autoptr(GByteArray) frame = g_byte_array_new();
    record->packet.write(record->packet.packet, frame);
    if (frame->len > HEADERS)
        g_string_append_len(fetched->octets, (const char *)frame->data + HEADERS,
                            (gssize)(frame->len - HEADERS));
}

/* Fields of the message's own header that are called so. */
static int count_fields(const GString *octets, const char *name)
{
    int count = 0;
    g_autofree char *line = g_strdup_printf("\r\n%s:", name);
    const char *from = strstr(octets->str, "Return-Path:"); /* the first line of what is stored */
    assert_non_null(from);
    for (const char *at = from; (at = strstr(at, line)) != NULL; at++)
        count++;
    return count;
}

static void assert_lines(const char *server, const char *mail, int lines)
{
    g_autoptr(Scenario) scenario = scenario_of_file("scenarios/04-no-middlemen/scenario.yaml");
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    g_autoptr(Run) run = run_new(scenario, &options);
    g_autoptr(GString) octets = g_string_new(NULL);
    Fetched fetched = {octets, server, simulation_simulator(run->simulation)};
    trace_add_sink(simulation_trace(run->simulation),
                   (TraceSink){collect, &fetched, TRACE_LEVEL_SEGMENT});
    assert_true(run_play(run));
    assert_int_equal(count_fields(octets, "Received"), lines);
    const FactsMail *known = facts_find_mail(run->facts, mail);
    assert_non_null(known);
    assert_int_equal(known->recipients[0].servers, lines);
}

static void test_lines_are_in_the_header(void **state)
{
    (void)state;
    assert_lines("mail.gmail.example", "far", 2);
    assert_lines("mail.naver.example", "near", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_in_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
