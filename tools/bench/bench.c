/* Benchmarks: rates and ratios of one run on this machine, on one core.
 *
 * Machines are shared and noisy, so each figure is the best of a few rounds, and what counts are
 * the ratios between figures of one run. `make bench` runs all; arguments select by name. */
#include "core/check.h"
#include "core/event_queue.h"
#include "export/ndjson.h"
#include "net/network.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 3 };

static bool is_selected(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return argc == 1;
}

static double seconds_since(gint64 start_us)
{
    return (double)(g_get_monotonic_time() - start_us) / 1e6;
}

/* ---- The event queue: hold model (pop one, push one later) ---- */

static double time_hold(EventQueueKind kind, uint32_t pending, uint32_t operations)
{
    Random random = random_stream(1, "hold", RANDOM_WORKLOAD);
    EventQueue *queue = event_queue_new(kind);
    for (uint32_t i = 0; i < pending; i++) {
        EventKey key = {.time = (SimTime)random_draw_below(&random, 1000000),
                        .sequence = i,
                        .destination = i % 64};
        event_queue_push(queue, &key);
    }
    uint64_t *steps = g_new(uint64_t, 4096);
    for (int i = 0; i < 4096; i++)
        steps[i] = random_draw_below(&random, 2000000);
    gint64 start = g_get_monotonic_time();
    for (uint32_t i = 0; i < operations; i++) {
        EventKey key = event_queue_pop(queue);
        key.time += (SimTime)steps[i % 4096];
        key.sequence = pending + i;
        event_queue_push(queue, &key);
    }
    double seconds = seconds_since(start);
    g_free(steps);
    event_queue_free(queue);
    return seconds;
}

static void bench_hold(void)
{
    enum { OPERATIONS = 2000000 };
    static const uint32_t PENDING[] = {100, 10000, 1000000};
    for (size_t i = 0; i < G_N_ELEMENTS(PENDING); i++) {
        double radix = 1e9, heap = 1e9;
        for (int round = 0; round < ROUNDS; round++) {
            radix = MIN(radix, time_hold(EVENT_QUEUE_RADIX, PENDING[i], OPERATIONS));
            heap = MIN(heap, time_hold(EVENT_QUEUE_HEAP, PENDING[i], OPERATIONS));
        }
        printf("queue: pop and push, %7u pending: radix heap %5.1f ns, heap of four %5.1f ns\n",
               PENDING[i], radix * 1e9 / OPERATIONS, heap * 1e9 / OPERATIONS);
    }
}

/* ---- Traffic: clients and servers around one router ---- */

/* One side of a dialogue of `turns` lines each way, the server first: like a short mail. */
typedef struct Talker {
    struct Star *star;
    Stream *stream;
    unsigned turns_left;
    size_t bulk_left; /* octets to send, of a bulk flow */
    bool is_server;
} Talker;

typedef struct Star {
    Simulator *simulator;
    Trace *trace;
    Network *network;
    GPtrArray *clients, *servers; /* Host */
    GBytes *line, *block;
    unsigned turns;
    size_t bulk;
    unsigned closed;
} Star;

enum { STAR_LINE = 40, STAR_BLOCK = 65536, STAR_PORT = 25 };

static Star *star_new(unsigned pairs)
{
    Star *star = g_new0(Star, 1);
    star->simulator = simulator_new(1);
    star->trace = trace_new(star->simulator);
    star->network = network_new(star->trace);
    star->clients = g_ptr_array_new();
    star->servers = g_ptr_array_new();
    g_autofree char *text = g_strnfill(STAR_BLOCK, 'x');
    star->line = g_bytes_new(text, STAR_LINE);
    star->block = g_bytes_new(text, STAR_BLOCK);
    network_add_router(star->network, "router");
    LinkOptions link = {.delay_ns = 5 * SIM_MILLISECOND, .rate_bits_per_second = 1000000000};
    for (unsigned i = 0; i < pairs; i++) {
        g_autofree char *client = g_strdup_printf("client%u", i);
        g_autofree char *server = g_strdup_printf("server%u", i);
        g_ptr_array_add(star->clients, network_add_host(star->network, client));
        g_ptr_array_add(star->servers, network_add_host(star->network, server));
        network_add_link(star->network, client, "router", link);
        network_add_link(star->network, server, "router", link);
    }
    network_finish(star->network);
    return star;
}

static void star_free(Star *star)
{
    network_free(star->network);
    trace_free(star->trace);
    simulator_free(star->simulator);
    g_ptr_array_unref(star->clients);
    g_ptr_array_unref(star->servers);
    g_bytes_unref(star->line);
    g_bytes_unref(star->block);
    g_free(star);
}

static void talker_write(Talker *talker)
{
    Star *star = talker->star;
    if (star->bulk == 0) {
        stream_write(talker->stream, (Slice){star->line, 0, STAR_LINE});
        return;
    }
    while (talker->bulk_left > 0) {
        size_t count = MIN(talker->bulk_left, STAR_BLOCK);
        size_t taken = stream_write(talker->stream, (Slice){star->block, 0, count});
        talker->bulk_left -= taken;
        if (taken < count)
            return;
    }
    stream_close(talker->stream);
}

static void talker_end(Talker *talker)
{
    stream_close(talker->stream);
    stream_release(talker->stream);
    talker->star->closed++;
    g_free(talker);
}

static void talker_on_event(void *owner, Stream *stream, StreamEvent event)
{
    Talker *talker = owner;
    Span input = stream_peek(stream);
    bool has_input = input.length > 0;
    while (input.length > 0) {
        stream_consume(stream, input.length);
        input = stream_peek(stream);
    }
    if (event == STREAM_PEER_CLOSED || event == STREAM_FAILED || event == STREAM_CLOSED) {
        talker_end(talker);
        return;
    }
    bool may_write = !talker->is_server && talker->star->bulk > 0;
    if (may_write && (event == STREAM_CONNECTED || event == STREAM_WRITABLE)) {
        talker_write(talker);
        return;
    }
    if (talker->star->bulk > 0 || !has_input)
        return;
    if (talker->turns_left-- > 0)
        talker_write(talker);
    else if (!talker->is_server)
        talker_end(talker);
}

static Talker *talker_new(Star *star, bool is_server)
{
    Talker *talker = g_new0(Talker, 1);
    talker->star = star;
    talker->is_server = is_server;
    talker->turns_left = star->turns;
    talker->bulk_left = star->bulk;
    return talker;
}

static StreamHandler star_accept(void *owner, Stream *stream)
{
    Talker *talker = talker_new(owner, true);
    talker->stream = stream;
    if (talker->star->bulk == 0)
        talker_write(talker);
    return (StreamHandler){talker_on_event, talker};
}

typedef struct Opening {
    Star *star;
    Host *client, *server;
} Opening;

static void star_open(void *owner, void *data)
{
    (void)owner;
    g_autofree Opening *opening = data;
    Talker *talker = talker_new(opening->star, false);
    talker->stream = host_connect(opening->client, host_address(opening->server), STAR_PORT,
                                  (StreamHandler){talker_on_event, talker});
}

static void star_plan(Star *star, unsigned connections, SimTime spacing)
{
    CHECK(star->servers->len > 0 && star->clients->len > 0);
    for (guint i = 0; i < star->servers->len; i++)
        host_listen(g_ptr_array_index(star->servers, i), STAR_PORT, star_accept, star);
    for (unsigned i = 0; i < connections; i++) {
        Opening *opening = g_new(Opening, 1);
        *opening = (Opening){star, g_ptr_array_index(star->clients, i % star->clients->len),
                             g_ptr_array_index(star->servers, i * 7 % star->servers->len)};
        EventAction action = {star_open, NULL, opening, g_free};
        simulator_schedule(star->simulator, (SimTime)i * spacing + 1, host_node(opening->client),
                           EVENT_FOREGROUND, action);
    }
}

typedef struct Figures {
    double seconds;
    uint64_t events, segments;
} Figures;

static void count_segments(void *owner, const TraceRecord *record)
{
    if (record->kind == TRACE_TCP_SEND)
        (*(uint64_t *)owner)++;
}

/* Plays a star; with `segments` they are counted, which is not to be timed. */
static Figures star_run(unsigned pairs, unsigned connections, unsigned turns, size_t bulk,
                        uint64_t *segments, void (*prepare)(Star *))
{
    Star *star = star_new(pairs);
    star->turns = turns;
    star->bulk = bulk;
    if (segments != NULL)
        trace_add_sink(star->trace, (TraceSink){count_segments, segments, TRACE_LEVEL_SEGMENT});
    if (prepare != NULL)
        prepare(star);
    star_plan(star, connections, 100 * SIM_MICROSECOND);
    gint64 start = g_get_monotonic_time();
    simulator_run(star->simulator, (SimulatorLimits){.until = SIM_NEVER});
    Figures figures = {seconds_since(start), simulator_event_count(star->simulator), 0};
    star_free(star);
    return figures;
}

static Figures star_best(unsigned pairs, unsigned connections, unsigned turns, size_t bulk,
                         void (*prepare)(Star *))
{
    Figures best = {.seconds = 1e9};
    for (int round = 0; round < ROUNDS; round++) {
        Figures figures = star_run(pairs, connections, turns, bulk, NULL, prepare);
        if (figures.seconds < best.seconds)
            best = figures;
    }
    star_run(pairs, connections, turns, bulk, &best.segments, NULL);
    return best;
}

static void bench_connections(void)
{
    enum { CONNECTIONS = 10000, TURNS = 5 };
    Figures figures = star_best(100, CONNECTIONS, TURNS, 0, NULL);
    printf("connections: %.0f a second, %.2f M events a second, %.1f events and %.1f segments "
           "each, %.2f events a segment and hop\n",
           CONNECTIONS / figures.seconds, (double)figures.events / figures.seconds / 1e6,
           (double)figures.events / CONNECTIONS, (double)figures.segments / CONNECTIONS,
           (double)figures.events / (double)figures.segments / 2);
}

static void bench_bulk(void)
{
    static const unsigned FLOWS[] = {1, 10, 100};
    for (size_t i = 0; i < G_N_ELEMENTS(FLOWS); i++) {
        Figures figures = star_best(FLOWS[i], FLOWS[i], 0, 1000000, NULL);
        printf("bulk: %3u flows of 1 MB: %.2f M events a second, %.0f k segments a second, %.2f "
               "events a segment and hop\n",
               FLOWS[i], (double)figures.events / figures.seconds / 1e6,
               (double)figures.segments / figures.seconds / 1e3,
               (double)figures.events / (double)figures.segments / 2);
    }
}

/* ---- Sinks ---- */

static uint64_t written_octets, written_records;

static void swallow(void *owner, Span bytes)
{
    (void)owner;
    written_octets += bytes.length;
}

static void count_record(void *owner, const TraceRecord *record)
{
    (void)owner;
    (void)record;
    written_records++;
}

static void prepare_empty(Star *star)
{
    trace_add_sink(star->trace, (TraceSink){count_record, NULL, TRACE_LEVEL_SEGMENT});
}

static void prepare_ndjson(Star *star)
{
    NdjsonHeader header = {
        .title = "bench", .start = "-", .scenario_sha256 = "-", .level = TRACE_LEVEL_SEGMENT};
    ndjson_writer_new(star->trace, &header, (NdjsonOutput){swallow, NULL}); /* kept till the end */
}

static void bench_sinks(void)
{
    enum { CONNECTIONS = 10000, TURNS = 5 };
    double none = star_best(100, CONNECTIONS, TURNS, 0, NULL).seconds;
    written_records = 0;
    double empty = star_best(100, CONNECTIONS, TURNS, 0, prepare_empty).seconds;
    double records = (double)written_records / ROUNDS;
    double ndjson = star_best(100, CONNECTIONS, TURNS, 0, prepare_ndjson).seconds;
    printf("sinks: %.0f records; against none: an empty sink %.2f, NDJSON %.2f times the time; a "
           "record costs %.0f and %.0f ns\n",
           records, empty / none, ndjson / none, (empty - none) * 1e9 / records,
           (ndjson - none) * 1e9 / records);
}

int main(int argc, char **argv)
{
    if (is_selected(argc, argv, "queue"))
        bench_hold();
    if (is_selected(argc, argv, "connections"))
        bench_connections();
    if (is_selected(argc, argv, "bulk"))
        bench_bulk();
    if (is_selected(argc, argv, "sinks"))
        bench_sinks();
    return 0;
}
