/* Benchmarks: rates and ratios of one run on this machine, on one core.
 *
 * Machines are shared and noisy, so each figure is the best of a few rounds, and what counts are
 * the ratios between figures of one run. Without arguments all but the million mails; arguments
 * select by name: `build/bench mails`, `build/bench million`. */
#include "bench.h"
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

double processor_seconds(void)
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
                        .origin = event_key_origin(0, i),
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
        key.origin = event_key_origin(0, pending + i);
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
        printf("queue: pop and push, %7u pending: wheel and radix heap %5.1f ns, heap of four "
               "%5.1f ns\n",
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

/* A client's connections to one server after the other. */
typedef struct Client {
    struct Star *star;
    Host *host;
    unsigned left; /* connections that it still opens */
    unsigned next; /* among the servers */
} Client;

/* One side of a dialogue or of a bulk flow. */
typedef struct Talker {
    struct Star *star;
    Stream *stream;
    Client *client;   /* NULL: a server's */
    size_t bulk_left; /* octets to send, of a bulk flow */
    uint32_t line;    /* of the dialogue: the one being said */
    uint32_t heard;   /* octets of it that the other side has said */
} Talker;

typedef struct Star {
    Simulator *simulator;
    Trace *trace;
    Network *network;
    GPtrArray *servers; /* Host * */
    GArray *clients;    /* Client */
    Octets *block;
    size_t bulk;       /* octets of each flow; 0: dialogues */
    uint32_t pause_at; /* the line that is never said, for connections that stay; 0: none */
    unsigned closed;
    bool is_dense; /* a client does not wait for the end of its last connection */
} Star;

enum { STAR_BLOCK = 65536, STAR_PORT = 25 };

static Star *star_new(unsigned pairs)
{
    Star *star = g_new0(Star, 1);
    star->simulator = simulator_new(1);
    star->trace = trace_new(star->simulator);
    star->network = network_new(star->trace);
    star->clients = g_array_new(FALSE, TRUE, sizeof(Client));
    star->servers = g_ptr_array_new();
    g_autofree char *text = g_strnfill(STAR_BLOCK, 'x');
    star->block = octets_new(text, STAR_BLOCK);
    network_add_router(star->network, "router");
    LinkOptions link = {.delay_ns = 5 * SIM_MILLISECOND, .rate_bits_per_second = 1000000000};
    for (unsigned i = 0; i < pairs; i++) {
        g_autofree char *client = g_strdup_printf("client%u", i);
        g_autofree char *server = g_strdup_printf("server%u", i);
        Client entry = {.star = star, .host = network_add_host(star->network, client), .next = i};
        g_array_append_val(star->clients, entry);
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
    g_array_unref(star->clients);
    g_ptr_array_unref(star->servers);
    octets_unref(star->block);
    g_free(star);
}

static void client_open_later(Client *client, SimTime time);

static void talker_end(Talker *talker)
{
    const Star *star = talker->star;
    stream_close(talker->stream);
    stream_release(talker->stream);
    talker->star->closed++;
    if (talker->client != NULL && !star->is_dense && talker->client->left > 0)
        client_open_later(talker->client, simulator_now(star->simulator) + SIM_MILLISECOND);
    g_free(talker);
}

/* Says what is this side's to say. */
static void talker_say(Talker *talker)
{
    const Star *star = talker->star;
    while (talker->line < G_N_ELEMENTS(DIALOGUE) &&
           DIALOGUE[talker->line].is_servers == (talker->client == NULL) &&
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
    if (is_bulk && talker->client != NULL && event != STREAM_READABLE)
        talker_pour(talker);
    if (is_bulk || octets == 0)
        return;
    talker_hear(talker, octets);
    if (talker->line == G_N_ELEMENTS(DIALOGUE) && talker->client != NULL)
        talker_end(talker);
}

static Talker *talker_new(Star *star, Client *client)
{
    Talker *talker = g_new0(Talker, 1);
    talker->star = star;
    talker->client = client;
    talker->bulk_left = star->bulk;
    return talker;
}

static StreamHandler star_accept(void *owner, Stream *stream)
{
    Talker *talker = talker_new(owner, NULL);
    talker->stream = stream;
    if (talker->star->bulk == 0)
        talker_say(talker);
    return (StreamHandler){talker_on_event, talker};
}

static void client_open(void *owner, void *data)
{
    (void)data;
    Client *client = owner;
    GPtrArray *servers = client->star->servers;
    const Host *server = g_ptr_array_index(servers, client->next % servers->len);
    client->left--;
    client->next += 7; /* so that nobody has the same neighbour twice in a row */
    Talker *talker = talker_new(client->star, client);
    talker->stream = host_connect(client->host, host_address(server), STAR_PORT,
                                  (StreamHandler){talker_on_event, talker});
}

static void client_open_later(Client *client, SimTime time)
{
    EventAction action = {client_open, client, NULL, NULL};
    simulator_schedule(client->star->simulator, time, host_node(client->host), EVENT_FOREGROUND,
                       action);
}

/* Each client's connections, all planned at once if they are dense, else the first. */
static void star_plan(Star *star, unsigned connections)
{
    const SimTime spacing = 100 * SIM_MICROSECOND;
    CHECK(star->servers->len > 0 && connections % star->clients->len == 0);
    for (guint i = 0; i < star->servers->len; i++)
        host_listen(g_ptr_array_index(star->servers, i), STAR_PORT, star_accept, star);
    for (unsigned i = 0; i < connections; i++) {
        Client *client = &g_array_index(star->clients, Client, i % star->clients->len);
        client->left++;
        if (star->is_dense || i < star->clients->len)
            client_open_later(client, (SimTime)i * spacing + 1);
    }
}

/* A measured run. */
typedef struct Load {
    unsigned pairs; /* of a client and a server */
    unsigned connections;
    size_t bulk; /* octets of each flow; 0: dialogues */
    bool is_dense;
} Load;

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

static Figures star_run(Load load, const Sink *sink)
{
    Star *star = star_new(load.pairs);
    star->bulk = load.bulk;
    star->is_dense = load.is_dense;
    void *opened = sink != NULL ? sink->open(star) : NULL;
    star_plan(star, load.connections);
    counted = 0;
    double start = processor_seconds();
    simulator_run(star->simulator, (SimulatorLimits){.until = SIM_NEVER});
    Figures figures = {processor_seconds() - start, simulator_event_count(star->simulator),
                       counted};
    CHECK(star->closed == 2 * load.connections);
    if (sink != NULL)
        sink->close(opened);
    star_free(star);
    return figures;
}

static const Sink SEGMENTS = {"segments", open_segments, close_nothing, true};

static Figures star_best(Load load)
{
    Figures best = {.seconds = 1e9};
    for (int round = 0; round < ROUNDS; round++) {
        Figures figures = star_run(load, NULL);
        if (figures.seconds < best.seconds)
            best = figures;
    }
    best.segments = star_run(load, &SEGMENTS).segments; /* not timed */
    return best;
}

enum { PAIRS = 100, CONNECTIONS = 10000 };

/* What is asked for: 10,000 connections between 100 clients and 100 servers. */
static const Load MAIL_LIKE = {PAIRS, CONNECTIONS, 0, false};

/* The clients open one connection after the other, as user agents and queue runners do, so that
 * some 100 are open at a time. What comes to a provider's servers is denser: the same connections
 * begun at 10,000 a second, each of a third of a second, so that over 3,000 are open at a time and
 * each of their events finds its connection out of the cache. */
static void bench_connections(void)
{
    for (int is_dense = 0; is_dense < 2; is_dense++) {
        Load load = MAIL_LIKE;
        load.is_dense = is_dense;
        Figures figures = star_best(load);
        CHECK(figures.segments == (uint64_t)SEGMENTS_EXPECTED * CONNECTIONS);
        printf("connections, %s open at a time: %.0f a second, %.2f M events a second, %.1f events "
               "and %.1f segments each, %.2f events a segment and hop\n",
               is_dense ? "3,000" : "100", CONNECTIONS / figures.seconds,
               (double)figures.events / figures.seconds / 1e6, (double)figures.events / CONNECTIONS,
               (double)figures.segments / CONNECTIONS,
               (double)figures.events / (double)figures.segments / 2);
    }
}

static void bench_bulk(void)
{
    static const unsigned FLOWS[] = {1, 10, 100};
    for (size_t i = 0; i < G_N_ELEMENTS(FLOWS); i++) {
        Figures figures = star_best((Load){FLOWS[i], FLOWS[i], 1000000, true});
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
    return books_new(star->trace, NULL);
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
    uint64_t records = star_run(MAIL_LIKE, &SINKS[0]).segments;
    for (size_t i = 0; i < G_N_ELEMENTS(SINKS); i++)
        seconds[i] = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        none = MIN(none, star_run(MAIL_LIKE, NULL).seconds);
        for (size_t i = 0; i < G_N_ELEMENTS(SINKS); i++)
            seconds[i] = MIN(seconds[i], star_run(MAIL_LIKE, &SINKS[i]).seconds);
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

/* tcmalloc's (gperftools/malloc_extension_c.h); NULL where the program is linked without it. */
__attribute__((weak)) int MallocExtension_GetNumericProperty(const char *property, size_t *value);

size_t allocated(void)
{
    size_t octets;
    if (MallocExtension_GetNumericProperty != NULL &&
        MallocExtension_GetNumericProperty("generic.current_allocated_bytes", &octets))
        return octets;
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
    star->is_dense = true;
    star_plan(star, LIVE);
    simulator_run(star->simulator, (SimulatorLimits){.until = 4 * SIM_SECOND});
    double talkers = 2.0 * LIVE * sizeof(Talker);
    printf("memory: %.0f octets a live connection, both ends and their timers together\n",
           ((double)(allocated() - before) - talkers) / LIVE);
    Simulator *simulator = simulator_new(1);
    before = allocated();
    for (int i = 0; i < PENDING; i++)
        simulator_schedule(simulator, i + 1, NODE_TIMELINE, EVENT_FOREGROUND,
                           (EventAction){client_open, NULL, NULL, NULL});
    printf("memory: %.0f octets a pending event\n", (double)(allocated() - before) / PENDING);
    simulator_free(simulator);
    star_free(star);
}

/* In the order in which they run; `memory` is of connections and of mails. */
static const struct {
    const char *name;
    void (*run)(void);
    bool only_by_name;
} benches[] = {
    {"queue", bench_hold, false},         {"connections", bench_connections, false},
    {"bulk", bench_bulk, false},          {"sinks", bench_sinks, false},
    {"memory", bench_memory, false},      {"mails", bench_mails, false},
    {"memory", bench_mail_memory, false}, {"million", bench_million, true},
};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(benches); i++) {
        if (strcmp(benches[i].name, name) == 0)
            return true;
    }
    fprintf(stderr,
            "bench: there is no `%s`; there are queue, connections, bulk, sinks, memory, "
            "mails and million\n",
            name);
    return false;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!is_known(argv[i]))
            return 2;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(benches); i++) {
        if (is_selected(argc, argv, benches[i].name) && (argc > 1 || !benches[i].only_by_name))
            benches[i].run();
    }
    return 0;
}
