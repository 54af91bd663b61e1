/* Tests of core/event_queue: both implementations sort, and give byte-identical traces, of every
 * lesson and of scenarios made by chance. */
#include "core/event_queue.h"

#include "core/random.h"
#include "scenario/run.h"
#include "scenario_read.h"

#include <glib.h>
#include <stdlib.h>

static const EventQueueKind KINDS[] = {EVENT_QUEUE_RADIX, EVENT_QUEUE_HEAP};

static int compare_keys(const void *a, const void *b)
{
    return event_key_is_before(a, b) ? -1 : 1;
}

/* With so few times and nodes many keys tie. */
static EventKey draw_key(Random *random, SimTime from, uint64_t times, uint32_t number)
{
    return (EventKey){.time = from + (SimTime)random_draw_below(random, times),
                      .destination = (uint32_t)random_draw_below(random, 4),
                      .round = (uint32_t)random_draw_below(random, 3),
                      .origin = event_key_origin((uint32_t)random_draw_below(random, 3), number),
                      .slot = number};
}

static void test_each_sorts(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    for (size_t kind = 0; kind < G_N_ELEMENTS(KINDS); kind++) {
        Random random = random_stream(1, "keys", RANDOM_WORKLOAD);
        EventKey *keys = g_new0(EventKey, COUNT);
        EventQueue *queue = event_queue_new(KINDS[kind]);
        assert_null(event_queue_peek(queue));
        for (uint32_t i = 0; i < COUNT; i++) {
            keys[i] = draw_key(&random, 0, 50, i);
            event_queue_push(queue, &keys[i]);
        }
        qsort(keys, COUNT, sizeof *keys, compare_keys);
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(event_queue_peek(queue)->slot, keys[i].slot);
            assert_int_equal(event_queue_pop(queue).slot, keys[i].slot);
        }
        assert_int_equal(event_queue_length(queue), 0);
        event_queue_free(queue);
        g_free(keys);
    }
}

/* An EventKeyTest; counts what it takes. */
static bool is_seventh(void *owner, const EventKey *key)
{
    uint32_t *taken = owner;
    bool is_dead = key->slot % 7 == 0;
    *taken += is_dead;
    return is_dead;
}

static void assert_sweeps_alike(EventQueue *radix, EventQueue *heap)
{
    uint32_t before = event_queue_length(radix), from_radix = 0, from_heap = 0;
    event_queue_sweep(radix, is_seventh, &from_radix);
    event_queue_sweep(heap, is_seventh, &from_heap);
    assert_int_equal(from_radix, from_heap);
    assert_int_equal(event_queue_length(radix), before - from_radix);
}

/* Keys come and go as in a run, from nanoseconds to months ahead; now and then one comes before
 * what was looked at already, as after a run that ended at a given time. */
static void test_both_agree_in_any_interleaving(void **state)
{
    (void)state;
    enum { STEPS = 200000 };
    Random random = random_stream(2, "keys", RANDOM_WORKLOAD);
    EventQueue *radix = event_queue_new(EVENT_QUEUE_RADIX);
    EventQueue *heap = event_queue_new(EVENT_QUEUE_HEAP);
    SimTime now = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        assert_int_equal(event_queue_length(radix), event_queue_length(heap));
        bool grows = random_draw_below(&random, 100) < (step % 20000 < 10000 ? 55 : 45);
        if (grows || event_queue_length(heap) == 0) {
            uint64_t range = UINT64_C(1) << random_draw_below(&random, 54);
            EventKey key = draw_key(&random, now, range, step);
            event_queue_push(radix, &key);
            event_queue_push(heap, &key);
        } else if (random_draw_below(&random, 1000) == 0) {
            assert_int_equal(event_queue_peek(radix)->slot, event_queue_peek(heap)->slot);
            now /= 2;
        } else if (random_draw_below(&random, 1000) == 0) {
            assert_sweeps_alike(radix, heap);
        } else {
            EventKey key = event_queue_pop(heap);
            assert_int_equal(event_queue_pop(radix).slot, key.slot);
            now = key.time;
        }
    }
    event_queue_free(radix);
    event_queue_free(heap);
}

/* Takes so many keys from both, which are the same; returns the last one's time. */
static SimTime pop_alike(EventQueue *radix, EventQueue *heap, uint32_t count)
{
    SimTime now = 0;
    for (; count > 0; count--) {
        EventKey key = event_queue_pop(heap);
        assert_int_equal(event_queue_pop(radix).slot, key.slot);
        assert_true(key.time >= now);
        now = key.time;
    }
    assert_int_equal(event_queue_length(radix), event_queue_length(heap));
    return now;
}

/* Many keys within a nanosecond, microseconds, or days, one density after the other, in no
 * order, and some at all distances: each is met with half of the keys of the one before still
 * there. */
static void test_both_agree_in_any_density(void **state)
{
    (void)state;
    static const unsigned BITS[] = {0, 40, 12, 5, 0, 16, 20, 8, 50, 3, 27, 10, 30, 0, 14};
    enum { COUNT = 1000 };
    Random random = random_stream(4, "keys", RANDOM_WORKLOAD);
    EventQueue *radix = event_queue_new(EVENT_QUEUE_RADIX);
    EventQueue *heap = event_queue_new(EVENT_QUEUE_HEAP);
    SimTime now = 0;
    for (uint32_t i = 0; i < 2 * G_N_ELEMENTS(BITS); i++) {
        for (uint32_t step = 0; step < COUNT; step++) {
            uint64_t bits =
                step % 8 == 0 ? random_draw_below(&random, 40) : BITS[i % G_N_ELEMENTS(BITS)];
            EventKey key = draw_key(&random, now, UINT64_C(1) << bits, i * COUNT + step);
            event_queue_push(radix, &key);
            event_queue_push(heap, &key);
        }
        if (i % 4 == 3)
            assert_sweeps_alike(radix, heap);
        now = pop_alike(radix, heap, event_queue_length(heap) / 2);
    }
    pop_alike(radix, heap, event_queue_length(heap));
    event_queue_free(radix);
    event_queue_free(heap);
}

/* ---- Whole runs ---- */

static void digest_write(void *owner, Span bytes)
{
    g_checksum_update(owner, bytes.data, (gssize)bytes.length);
}

/* The digest of the trace at level SEGMENT, to free. */
static char *play(const Scenario *scenario, EventQueueKind queue)
{
    SimulationOptions options = {
        .seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET, .queue = queue};
    g_autoptr(Run) run = run_new(scenario, &options);
    g_autoptr(GChecksum) digest = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *start = simulation_format_start(scenario);
    NdjsonHeader header = run_ndjson_header(run, TRACE_LEVEL_SEGMENT, start);
    NdjsonWriter *writer = ndjson_writer_new(simulation_trace(run->simulation), &header,
                                             (NdjsonOutput){digest_write, digest});
    assert_true(run_play(run));
    assert_true(trace_count(simulation_trace(run->simulation)) > 100);
    ndjson_writer_flush(writer);
    ndjson_writer_free(writer);
    return g_strdup(g_checksum_get_string(digest));
}

static void assert_same_trace(const Scenario *scenario)
{
    g_autofree char *radix = play(scenario, EVENT_QUEUE_RADIX);
    g_autofree char *heap = play(scenario, EVENT_QUEUE_HEAP);
    assert_string_equal(radix, heap);
}

static void test_lessons_have_the_same_trace(void **state)
{
    (void)state;
    g_autoptr(GDir) folder = g_dir_open("scenarios", 0, NULL);
    const char *name;
    unsigned count = 0;
    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *path = g_strdup_printf("scenarios/%s/scenario.yaml", name);
        if (!g_ascii_isdigit(name[0]) || !g_file_test(path, G_FILE_TEST_EXISTS))
            continue;
        g_autoptr(Diagnostics) diagnostics = diagnostics_new();
        g_autoptr(Scenario) scenario = scenario_read_file(path, diagnostics);
        assert_non_null(scenario);
        assert_same_trace(scenario);
        count++;
    }
    assert_true(count >= 6);
}

static void append_mails(GString *timeline, GString *mails, Random *random, int server_count)
{
    for (int i = 0; i < 10; i++) {
        int from = (int)random_draw_below(random, (uint64_t)server_count);
        int to = (int)random_draw_below(random, (uint64_t)server_count);
        g_string_append_printf(
            mails, "  m%d: {from: p%d, to: [p%d@d%d.example], subject: \"M\", size: %u kB}\n", i,
            from, to, to, 1 + (unsigned)random_draw_below(random, 100));
        g_string_append_printf(timeline, "  - {at: %u s, do: send, mail: m%d}\n",
                               (unsigned)random_draw_below(random, 5), i);
    }
}

/* A star of mail servers with lossy links, of which one machine fails for a while. */
static char *draw_scenario(Random *random)
{
    GString *servers = g_string_new(NULL), *people = g_string_new(NULL);
    g_autoptr(GString) mails = g_string_new(NULL);
    g_autoptr(GString) timeline = g_string_new(NULL);
    g_autoptr(GString) text = g_string_new("mailsim: 1\ntitle: \"Chance\"\nnetwork:\n");
    int count = 2 + (int)random_draw_below(random, 4);
    for (int i = 0; i < count; i++) {
        g_string_append_printf(servers,
                               "  s%d.example: {domains: [d%d.example], users: {p%d: {}}, "
                               "router: r%d}\n",
                               i, i, i, i % 2);
        g_string_append_printf(people,
                               "  p%d: {address: p%d@d%d.example, agents: {a: {router: r%d}}}\n", i,
                               i, i, (i + 1) % 2);
    }
    append_mails(timeline, mails, random, count);
    int failing = (int)random_draw_below(random, (uint64_t)count);
    const char *fault = random_draw_below(random, 2) == 0 ? "crash" : "power_off";
    g_string_append_printf(timeline, "  - {at: %u s, do: %s, host: s%d.example}\n",
                           (unsigned)random_draw_below(random, 6), fault, failing);
    g_string_append_printf(timeline, "  - {at: 10 min, do: restart, host: s%d.example}\n", failing);
    g_string_append_printf(text,
                           "  routers: [r0, r1]\n  links:\n"
                           "    - {between: [r0, r1], delay: %u ms, rate: %u Mbit/s, loss: %u %%}\n"
                           "servers:\n%speople:\n%smails:\n%stimeline:\n%s",
                           1 + (unsigned)random_draw_below(random, 100),
                           1 + (unsigned)random_draw_below(random, 100),
                           (unsigned)random_draw_below(random, 5), servers->str, people->str,
                           mails->str, timeline->str);
    g_string_free(servers, TRUE);
    g_string_free(people, TRUE);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void test_scenarios_by_chance_have_the_same_trace(void **state)
{
    (void)state;
    Random random = random_stream(3, "scenarios", RANDOM_WORKLOAD);
    for (int i = 0; i < 20; i++) {
        g_autofree char *text = draw_scenario(&random);
        g_autoptr(Scenario) scenario = scenario_of_text(text);
        assert_same_trace(scenario);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_sorts),
        cmocka_unit_test(test_both_agree_in_any_interleaving),
        cmocka_unit_test(test_both_agree_in_any_density),
        cmocka_unit_test(test_lessons_have_the_same_trace),
        cmocka_unit_test(test_scenarios_by_chance_have_the_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
