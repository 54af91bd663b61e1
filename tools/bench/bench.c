/* Benchmarks: rates and ratios of one run on this machine, on one core.
 *
 * Machines are shared and noisy, so each figure is the best of a few rounds, and what counts are
 * the ratios between figures of one run. `make bench` runs all; arguments select by name. */
#include "audit/books.h"
#include "core/check.h"
#include "core/event_queue.h"
#include "export/ndjson.h"
#include "export/pcapng.h"
#include "export/timeline.h"
#include "net/network.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 3 };

static bool is_selected(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return argc == 1;
}

/* Processor time, so that what else runs on the machine is not counted (but it takes its part of
 * the caches). */
static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
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
    double start = processor_seconds();
    for (uint32_t i = 0; i < operations; i++) {
        EventKey key = event_queue_pop(queue);
        key.time += (SimTime)steps[i % 4096];
        key.sequence = pending + i;
        event_queue_push(queue, &key);
    }
    double seconds = processor_seconds() - start;
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

/* Who says how many octets in a mail-like connection: two mails by SMTP, one after the other, in 34
 * segments with those that open, acknowledge and close. */
typedef struct Line {
    bool is_servers;
    uint16_t octets;
} Line;

enum { GREETING = 46, EHLO = 24, FEATURES = 120, COMMAND = 40, REPLY = 30 };
enum { SHORT_MAIL = 1400, MAIL = 4000, SEGMENTS_EXPECTED = 34 };

/* clang-format off */
static const Line DIALOGUE[] = {
    {true, GREETING}, {false, EHLO}, {true, FEATURES},
    {false, COMMAND}, {true, REPLY}, /* MAIL */
    {false, COMMAND}, {true, REPLY}, /* RCPT */
    {false, COMMAND}, {true, REPLY}, /* RCPT */
    {false, COMMAND}, {true, REPLY}, /* RCPT */
    {false, COMMAND}, {true, REPLY}, /* DATA */
    {false, SHORT_MAIL}, {true, REPLY},
    {false, COMMAND}, {true, REPLY}, /* MAIL */
    {false, COMMAND}, {true, REPLY}, /* RCPT */
    {false, COMMAND}, {true, REPLY}, /* DATA */
    {false, MAIL}, {true, REPLY},
    {false, COMMAND}, {true, REPLY}, /* QUIT */
};
/* clang-format on */

/* One side of a dialogue or of a bulk flow. */
typedef struct Talker {
    struct Star *star;
    Stream *stream;
    size_t bulk_left; /* octets to send, of a bulk flow */
    uint32_t line;    /* of the dialogue: the one being said */
    uint32_t heard;   /* octets of it that the other side has said */
    bool is_server;
} Talker;

typedef struct Star {
    Simulator *simulator;
    Trace *trace;
    Network *network;
    GPtrArray *clients, *servers; /* Host */
    GBytes *block;
    size_t bulk;       /* octets of each flow; 0: dialogues */
    uint32_t pause_at; /* the line that is never said, for connections that stay; 0: none */
    unsigned closed;
} Star;

enum { STAR_BLOCK = 65536, STAR_PORT = 25 };

static Star *star_new(unsigned pairs)
{
    Star *star = g_new0(Star, 1);
    star->simulator = simulator_new(1);
    star->trace = trace_new(star->simulator);
    star->network = network_new(star->trace);
    star->clients = g_ptr_array_new();
    star->servers = g_ptr_array_new();
    g_autofree char *text = g_strnfill(STAR_BLOCK, 'x');
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
    g_bytes_unref(star->block);
    g_free(star);
}

static void talker_end(Talker *talker)
{
    stream_close(talker->stream);
    stream_release(talker->stream);
    talker->star->closed++;
    g_free(talker);
}

/* Says what is this side's to say. */
static void talker_say(Talker *talker)
{
    const Star *star = talker->star;
    while (talker->line < G_N_ELEMENTS(DIALOGUE) &&
           DIALOGUE[talker->line].is_servers == talker->is_server &&
           (star->pause_at == 0 || talker->line != star->pause_at)) {
        size_t octets = DIALOGUE[talker->line++].octets;
        CHECK(stream_write(talker->stream, (Slice){star->block, 0, octets}) == octets);
    }
}

static void talker_hear(Talker *talker, size_t octets)
{
    talker->heard += (uint32_t)octets;
    if (talker->line < G_N_ELEMENTS(DIALOGUE) && talker->heard >= DIALOGUE[talker->line].octets) {
        talker->heard -= DIALOGUE[talker->line++].octets;
        talker_say(talker);
    }
}

static void talker_pour(Talker *talker)
{
    while (talker->bulk_left > 0) {
        size_t count = MIN(talker->bulk_left, STAR_BLOCK);
        size_t taken = stream_write(talker->stream, (Slice){talker->star->block, 0, count});
        talker->bulk_left -= taken;
        if (taken < count)
            return;
    }
    stream_close(talker->stream);
}

static size_t talker_read(Talker *talker)
{
    size_t octets = 0;
    for (Span input; (input = stream_peek(talker->stream)).length > 0; octets += input.length)
        stream_consume(talker->stream, input.length);
    return octets;
}

static void talker_on_event(void *owner, Stream *stream, StreamEvent event)
{
    (void)stream;
    Talker *talker = owner;
    size_t octets = talker_read(talker);
    bool is_bulk = talker->star->bulk > 0;
    if (event == STREAM_PEER_CLOSED || event == STREAM_FAILED || event == STREAM_CLOSED) {
        talker_end(talker);
        return;
    }
    if (is_bulk && !talker->is_server && event != STREAM_READABLE)
        talker_pour(talker);
    if (is_bulk || octets == 0)
        return;
    talker_hear(talker, octets);
    if (talker->line == G_N_ELEMENTS(DIALOGUE) && !talker->is_server)
        talker_end(talker);
}

static Talker *talker_new(Star *star, bool is_server)
{
    Talker *talker = g_new0(Talker, 1);
    talker->star = star;
    talker->is_server = is_server;
    talker->bulk_left = star->bulk;
    return talker;
}

static StreamHandler star_accept(void *owner, Stream *stream)
{
    Talker *talker = talker_new(owner, true);
    talker->stream = stream;
    if (talker->star->bulk == 0)
        talker_say(talker);
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

/* What hangs on the trace of a measured run. */
typedef struct Sink {
    const char *name;
    void *(*open)(Star *star);
    void (*close)(void *sink);
    bool covers_segments; /* its records can be counted */
} Sink;

static uint64_t counted;

static void count_record(void *owner, const TraceRecord *record)
{
    (void)owner;
    (void)record;
    counted++;
}

static void count_segment(void *owner, const TraceRecord *record)
{
    (void)owner;
    counted += record->kind == TRACE_TCP_SEND;
}

static void *open_empty(Star *star)
{
    trace_add_sink(star->trace, (TraceSink){count_record, NULL, TRACE_LEVEL_SEGMENT});
    return NULL;
}

static void *open_segments(Star *star)
{
    trace_add_sink(star->trace, (TraceSink){count_segment, NULL, TRACE_LEVEL_SEGMENT});
    return NULL;
}

static void close_nothing(void *sink)
{
    (void)sink;
}

static Figures star_run(unsigned pairs, unsigned connections, size_t bulk, const Sink *sink)
{
    Star *star = star_new(pairs);
    star->bulk = bulk;
    void *opened = sink != NULL ? sink->open(star) : NULL;
    star_plan(star, connections, 100 * SIM_MICROSECOND);
    counted = 0;
    double start = processor_seconds();
    simulator_run(star->simulator, (SimulatorLimits){.until = SIM_NEVER});
    Figures figures = {processor_seconds() - start, simulator_event_count(star->simulator),
                       counted};
    CHECK(star->closed == 2 * connections);
    if (sink != NULL)
        sink->close(opened);
    star_free(star);
    return figures;
}

static const Sink SEGMENTS = {"segments", open_segments, close_nothing, true};

static Figures star_best(unsigned pairs, unsigned connections, size_t bulk)
{
    Figures best = {.seconds = 1e9};
    for (int round = 0; round < ROUNDS; round++) {
        Figures figures = star_run(pairs, connections, bulk, NULL);
        if (figures.seconds < best.seconds)
            best = figures;
    }
    best.segments = star_run(pairs, connections, bulk, &SEGMENTS).segments; /* not timed */
    return best;
}

enum { PAIRS = 100, CONNECTIONS = 10000 };

static void bench_connections(void)
{
    Figures figures = star_best(PAIRS, CONNECTIONS, 0);
    CHECK(figures.segments == (uint64_t)SEGMENTS_EXPECTED * CONNECTIONS);
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
        Figures figures = star_best(FLOWS[i], FLOWS[i], 1000000);
        printf("bulk: %3u flows of 1 MB: %.2f M events a second, %.0f k segments a second, %.2f "
               "events a segment and hop\n",
               FLOWS[i], (double)figures.events / figures.seconds / 1e6,
               (double)figures.segments / figures.seconds / 1e3,
               (double)figures.events / (double)figures.segments / 2);
    }
}

/* ---- Sinks: what each costs against none, over the mail-like connections ---- */

static void swallow(void *owner, Span bytes)
{
    (void)owner;
    (void)bytes;
}

static void *open_books(Star *star)
{
    return books_new(star->trace);
}

static void close_books(void *sink)
{
    books_free(sink);
}

static void *open_timeline(Star *star)
{
    TimelineOptions options = {.level = TRACE_LEVEL_SEGMENT, .width = 100};
    return timeline_new(star->trace, &options, (TimelineOutput){swallow, NULL});
}

static void close_timeline(void *sink)
{
    timeline_free(sink);
}

static void *open_ndjson(Star *star)
{
    NdjsonHeader header = {
        .title = "bench", .start = "-", .scenario_sha256 = "-", .level = TRACE_LEVEL_SEGMENT};
    return ndjson_writer_new(star->trace, &header, (NdjsonOutput){swallow, NULL});
}

static void close_ndjson(void *sink)
{
    ndjson_writer_free(sink);
}

static void *open_pcapng(Star *star)
{
    PcapngOptions options = {.title = "bench", .host = NODE_TIMELINE};
    return pcapng_writer_new(star->trace, &options, (PcapngOutput){swallow, NULL});
}

static void close_pcapng(void *sink)
{
    pcapng_writer_free(sink);
}

static void bench_sinks(void)
{
    static const Sink SINKS[] = {
        {"empty", open_empty, close_nothing, true},
        {"books", open_books, close_books, false},
        {"timeline", open_timeline, close_timeline, true},
        {"NDJSON", open_ndjson, close_ndjson, true},
        {"pcapng", open_pcapng, close_pcapng, false},
    };
    double none = 1e9, seconds[G_N_ELEMENTS(SINKS)];
    uint64_t records = star_run(PAIRS, CONNECTIONS, 0, &SINKS[0]).segments;
    for (size_t i = 0; i < G_N_ELEMENTS(SINKS); i++)
        seconds[i] = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        none = MIN(none, star_run(PAIRS, CONNECTIONS, 0, NULL).seconds);
        for (size_t i = 0; i < G_N_ELEMENTS(SINKS); i++)
            seconds[i] = MIN(seconds[i], star_run(PAIRS, CONNECTIONS, 0, &SINKS[i]).seconds);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(SINKS); i++) {
        printf("sink %-8s: %5.2f times the time without any", SINKS[i].name, seconds[i] / none);
        if (SINKS[i].covers_segments)
            printf("; each of %.1f M records costs %.0f ns", (double)records / 1e6,
                   (seconds[i] - none) * 1e9 / (double)records);
        printf("\n");
    }
}

/* ---- Memory ---- */

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Connections that have said half of their dialogue and wait. */
static void bench_memory(void)
{
    enum { LIVE = 20000, PENDING = 1000000, LINE_OF_RCPT = 5 };
    Star *star = star_new(PAIRS);
    star->pause_at = LINE_OF_RCPT;
    size_t before = allocated();
    star_plan(star, LIVE, 100 * SIM_MICROSECOND);
    simulator_run(star->simulator, (SimulatorLimits){.until = 4 * SIM_SECOND});
    double talkers = 2.0 * LIVE * sizeof(Talker);
    printf("memory: %.0f octets a live connection, both ends and their timers together\n",
           ((double)(allocated() - before) - talkers) / LIVE);
    Simulator *simulator = simulator_new(1);
    before = allocated();
    for (int i = 0; i < PENDING; i++)
        simulator_schedule(simulator, i + 1, NODE_TIMELINE, EVENT_FOREGROUND,
                           (EventAction){star_open, NULL, NULL, NULL});
    printf("memory: %.0f octets a pending event\n", (double)(allocated() - before) / PENDING);
    simulator_free(simulator);
    star_free(star);
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
    if (is_selected(argc, argv, "memory"))
        bench_memory();
    return 0;
}
