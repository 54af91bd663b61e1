/* Two hosts behind two routers, and a program on each that writes, reads and notes its events. */
#pragma once

#include "net_world.h"

enum { PORT = 25, BULK = 100000 };

/* One end of a connection, and what the program there does. */
typedef struct End {
    World *world;
    Stream *stream;   /* NULL: none, or released */
    Octets *outgoing; /* written as there is room, then the stream is closed; NULL: nothing */
    size_t written;
    GByteArray *incoming;
    GString *events;      /* a letter an event: C R W P F X */
    StreamEvent stops_at; /* releases the stream on this event */
    bool stays_open;      /* does not close after writing */
    bool reads_nothing;
    bool is_inside; /* a handler runs */
    StreamFailure failure;
    uint64_t because;
} End;

typedef struct Pair {
    World *world;
    Host *alice, *bob; /* alice connects, bob listens */
    End client, server;
    uint64_t fault; /* seq of the record that a fault wrote */
} Pair;

static inline void end_write(End *end)
{
    if (end->outgoing == NULL || end->stream == NULL)
        return;
    size_t left = octets_length(end->outgoing) - end->written;
    Slice slice = slice_new(end->outgoing, end->written, left);
    end->written += stream_write(end->stream, slice);
    slice_clear(&slice);
    if (end->written == octets_length(end->outgoing) && !end->stays_open) {
        g_clear_pointer(&end->outgoing, octets_unref);
        stream_close(end->stream);
    }
}

static inline void end_read(End *end)
{
    if (end->reads_nothing)
        return;
    for (Span span; (span = stream_peek(end->stream)).length > 0;) {
        g_byte_array_append(end->incoming, span.data, (guint)span.length);
        stream_consume(end->stream, span.length);
    }
}

static inline void end_on_event(void *owner, Stream *stream, StreamEvent event)
{
    End *end = owner;
    assert_false(end->is_inside);
    assert_ptr_equal(stream, end->stream);
    end->is_inside = true;
    g_string_append_c(end->events, "CRWPFX"[event]);
    if (event == STREAM_CONNECTED || event == STREAM_WRITABLE)
        end_write(end);
    if (event == STREAM_READABLE)
        end_read(end);
    end->failure = stream_failure(stream);
    end->because = stream_because(stream);
    if (event == end->stops_at || event == STREAM_FAILED || event == STREAM_CLOSED) {
        stream_release(stream);
        end->stream = NULL;
    }
    end->is_inside = false;
}

static inline StreamHandler end_accept(void *owner, Stream *stream)
{
    End *end = owner;
    assert_null(end->stream);
    end->stream = stream;
    end_write(end);
    return (StreamHandler){end_on_event, end};
}

static inline void end_init(End *end, World *world)
{
    *end = (End){.world = world, .stops_at = STREAM_CLOSED};
    end->incoming = g_byte_array_new();
    end->events = g_string_new(NULL);
}

static inline void end_clear(End *end)
{
    g_byte_array_unref(end->incoming);
    g_string_free(end->events, TRUE);
    g_clear_pointer(&end->outgoing, octets_unref);
}

/* alice - r1 - r2 - bob */
static inline Pair *pair_new_in(World *world, uint64_t loss_percent)
{
    Pair *pair = g_new0(Pair, 1);
    pair->world = world;
    LinkOptions fast = {.delay_ns = SIM_MILLISECOND, .rate_bits_per_second = 100000000};
    LinkOptions slow = {.delay_ns = 20 * SIM_MILLISECOND,
                        .rate_bits_per_second = 10000000,
                        .loss_numerator = loss_percent,
                        .loss_denominator = 100};
    network_add_router(world->network, "r1");
    network_add_router(world->network, "r2");
    pair->alice = network_add_host(world->network, "alice");
    pair->bob = network_add_host(world->network, "bob");
    network_add_link(world->network, "alice", "r1", fast);
    network_add_link(world->network, "r1", "r2", slow);
    network_add_link(world->network, "r2", "bob", fast);
    network_finish(world->network);
    end_init(&pair->client, world);
    end_init(&pair->server, world);
    return pair;
}

static inline Pair *pair_new(uint64_t loss_percent)
{
    return pair_new_in(world_new(7), loss_percent);
}

static inline void pair_free(Pair *pair)
{
    end_clear(&pair->client);
    end_clear(&pair->server);
    world_free(pair->world);
    g_free(pair);
}

static inline void pair_connect(Pair *pair)
{
    StreamHandler handler = {end_on_event, &pair->client};
    pair->client.stream = host_connect(pair->alice, host_address(pair->bob), PORT, handler);
    assert_non_null(pair->client.stream);
}

static inline void pair_listen(Pair *pair)
{
    host_listen(pair->bob, PORT, end_accept, &pair->server);
}

static inline Octets *text_bytes(size_t length, uint8_t first)
{
    Octets *text = octets_allocate(length);
    for (size_t i = 0; i < length; i++)
        text->here[i] = (uint8_t)(first + i * 7 + i / 251);
    return text;
}

static inline void assert_got(const End *end, size_t length, uint8_t first)
{
    g_autoptr(Octets) expected = text_bytes(length, first);
    assert_int_equal(end->incoming->len, length);
    assert_memory_equal(end->incoming->data, octets_data(expected), length);
}

static inline void pair_give_bulk(Pair *pair)
{
    pair->client.outgoing = text_bytes(BULK, 1);
    pair->server.outgoing = text_bytes(BULK, 99);
}

static inline void connect_alice(void *owner, void *data)
{
    (void)data;
    pair_connect(owner);
}

static inline void bob_at(Pair *pair, SimTime time, void (*run)(void *, void *))
{
    world_at(pair->world, time, host_node(pair->bob), run, pair);
}

static inline void alice_at(Pair *pair, SimTime time, void (*run)(void *, void *))
{
    world_at(pair->world, time, host_node(pair->alice), run, pair);
}
