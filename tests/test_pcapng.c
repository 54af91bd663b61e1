/* Tests of export/pcapng: the blocks read back octet by octet, as draft-ietf-opsawg-pcapng has
 * them: lengths, padding, options, times, interfaces; which packets a capture holds, and what their
 * comments say. */
#include "export/pcapng.h"
#include "export/pcapng_comment.h"
#include "mailsim/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SECTION_HEADER = 0x0A0D0D0A, INTERFACE = 1, PACKET = 6 };

/* 2026-03-02T00:00:00Z */
#define START INT64_C(1772409600)

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    NodeId router, a, b;
    PcapngWriter *writer;
    GByteArray *file;
    unsigned outputs; /* how many times bytes were handed on */
    gsize at;         /* what has been read back so far */
} World;

static void world_write(void *owner, Span bytes)
{
    World *world = owner;
    g_byte_array_append(world->file, bytes.data, (guint)bytes.length);
    world->outputs++;
}

static void world_init(World *world, NodeId host, int64_t start)
{
    *world = (World){.simulator = simulator_new(7), .file = g_byte_array_new()};
    world->router = simulator_add_node(world->simulator, "r");
    world->a = simulator_add_node(world->simulator, "a.example");
    world->b = simulator_add_node(world->simulator, "b.example");
    world->trace = trace_new(world->simulator);
    PcapngOptions options = {"A title", start, host};
    world->writer = pcapng_writer_new(world->trace, &options, (PcapngOutput){world_write, world});
}

static void world_clear(World *world)
{
    assert_int_equal(world->at, world->file->len); /* everything was read back */
    pcapng_writer_free(world->writer);
    trace_free(world->trace);
    simulator_free(world->simulator);
    g_byte_array_unref(world->file);
}

static void no_event(void *owner, void *data)
{
    (void)owner;
    (void)data;
}

static void advance_to(World *world, SimTime time)
{
    simulator_schedule(world->simulator, time, NODE_TIMELINE, EVENT_FOREGROUND,
                       (EventAction){no_event, NULL, NULL, NULL});
    simulator_run(world->simulator, (SimulatorLimits){.until = time});
    assert_int_equal(simulator_now(world->simulator), time);
}

/* ---- Packets, of which the capture knows no more than their octets ---- */

static void write_octets(const void *packet, GByteArray *out)
{
    const Span *octets = packet;
    g_byte_array_append(out, octets->data, (guint)octets->length);
}

static void send_udp(World *world, NodeId node, Span octets)
{
    TraceFields_UDP_SEND fields = {.packet = {node, 1}};
    trace_write_packet(world->trace, node, TRACE_UDP_SEND, 0, &fields,
                       (TracePacket){write_octets, &octets});
}

static void receive_udp(World *world, NodeId node, NodeId from, Span octets)
{
    TraceFields_UDP_RECEIVE fields = {.packet = {from, 1}};
    trace_write_packet(world->trace, node, TRACE_UDP_RECEIVE, 0, &fields,
                       (TracePacket){write_octets, &octets});
}

static void send_tcp(World *world, NodeId node, const char *reason, uint64_t because)
{
    Span octets = span_of("tcp", 3);
    TraceFields_TCP_SEND fields = {.packet = {node, 1}, .flags = "ACK", .reason = reason};
    trace_write_packet(world->trace, node, TRACE_TCP_SEND, because, &fields,
                       (TracePacket){write_octets, &octets});
}

/* ---- Reading back ---- */

static uint32_t read_number(World *world, gsize octets)
{
    uint32_t number = 0;
    assert_true(world->at + octets <= world->file->len);
    for (gsize i = octets; i > 0; i--)
        number = number << 8 | world->file->data[world->at + i - 1];
    world->at += octets;
    return number;
}

#define expect_u16(world, value) assert_int_equal(read_number(world, 2), value)
#define expect_u32(world, value) assert_int_equal(read_number(world, 4), value)

static void expect_octets(World *world, Span octets)
{
    assert_true(world->at + octets.length <= world->file->len);
    assert_memory_equal(world->file->data + world->at, octets.data, octets.length);
    world->at += octets.length;
}

static void expect_padding(World *world, size_t length)
{
    for (size_t i = length; i % 4 != 0; i++)
        assert_int_equal(read_number(world, 1), 0);
}

static void expect_option(World *world, uint16_t code, Span value)
{
    expect_u16(world, code);
    expect_u16(world, value.length);
    expect_octets(world, value);
    expect_padding(world, value.length);
}

static void expect_end_of_options(World *world)
{
    expect_u16(world, 0);
    expect_u16(world, 0);
}

/* Returns where the block ends, for expect_end. */
static gsize expect_block(World *world, uint32_t type)
{
    gsize start = world->at;
    expect_u32(world, type);
    uint32_t length = read_number(world, 4);
    assert_int_equal(length % 4, 0);
    assert_true(start + length <= world->file->len);
    return start + length;
}

static void expect_end(World *world, gsize end)
{
    gsize start_length = world->at;
    uint32_t length = read_number(world, 4);
    assert_int_equal(world->at, end);
    world->at = end - length + 4; /* the same length stands behind the block's type */
    expect_u32(world, length);
    world->at = start_length + 4;
}

static void expect_section_header(World *world)
{
    gsize end = expect_block(world, SECTION_HEADER);
    expect_octets(world, span_of("\x4D\x3C\x2B\x1A", 4)); /* the magic number, little-endian */
    expect_u16(world, 1);
    expect_u16(world, 0);
    expect_octets(world, span_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8));
    expect_option(world, 1, span_of_text("A title"));
    expect_option(world, 4, span_of_text("mailsim " MS_VERSION));
    expect_end_of_options(world);
    expect_end(world, end);
}

static void expect_interface(World *world, const char *name, const char *offset)
{
    gsize end = expect_block(world, INTERFACE);
    expect_u16(world, 1); /* Ethernet */
    expect_u16(world, 0);
    expect_u32(world, 0); /* packets are whole */
    expect_option(world, 2, span_of_text(name));
    expect_option(world, 9, span_of("\x09", 1));
    if (offset != NULL)
        expect_option(world, 14, span_of(offset, 8));
    expect_end_of_options(world);
    expect_end(world, end);
}

static void expect_packet(World *world, uint32_t interface, uint64_t time, Span octets,
                          const char *comment, uint32_t direction)
{
    gsize end = expect_block(world, PACKET);
    expect_u32(world, interface);
    expect_u32(world, (uint32_t)(time >> 32));
    expect_u32(world, (uint32_t)time);
    expect_u32(world, octets.length);
    expect_u32(world, octets.length);
    expect_octets(world, octets);
    expect_padding(world, octets.length);
    expect_option(world, 1, span_of_text(comment));
    expect_u16(world, 2);
    expect_u16(world, 4);
    expect_u32(world, direction);
    expect_end_of_options(world);
    expect_end(world, end);
}

enum { INBOUND = 1, OUTBOUND = 2 };

static void expect_beginning(World *world)
{
    pcapng_writer_flush(world->writer);
    expect_section_header(world);
    expect_interface(world, "r", NULL);
    expect_interface(world, "a.example", NULL);
    expect_interface(world, "b.example", NULL);
}

/* The comment of the next packet, which is one of send_tcp's. */
static void expect_comment(World *world, const char *comment)
{
    uint64_t start = (uint64_t)START * SIM_SECOND;
    expect_packet(world, 1, start, span_of_text("tcp"), comment, OUTBOUND);
}

/* ---- The tests ---- */

static void test_file_without_packets(void **state)
{
    (void)state;
    World world;
    world_init(&world, NODE_TIMELINE, START);
    expect_beginning(&world);
    world_clear(&world);
}

static void test_packets_of_each_length(void **state)
{
    (void)state;
    World world;
    world_init(&world, NODE_TIMELINE, START);
    static const char OCTETS[] = "\xFF\xFE\xFD\xFC\xFB";
    for (size_t length = 0; length <= 5; length++)
        send_udp(&world, world.a, span_of(OCTETS, length));
    expect_beginning(&world);
    uint64_t time = (uint64_t)START * SIM_SECOND;
    expect_packet(&world, 1, time, span_of(OCTETS, 0), "record 1", OUTBOUND);
    expect_packet(&world, 1, time, span_of(OCTETS, 1), "record 2, set off by record 1", OUTBOUND);
    expect_packet(&world, 1, time, span_of(OCTETS, 2), "record 3, set off by record 2", OUTBOUND);
    expect_packet(&world, 1, time, span_of(OCTETS, 3), "record 4, set off by record 3", OUTBOUND);
    expect_packet(&world, 1, time, span_of(OCTETS, 4), "record 5, set off by record 4", OUTBOUND);
    expect_packet(&world, 1, time, span_of(OCTETS, 5), "record 6, set off by record 5", OUTBOUND);
    world_clear(&world);
}

static void test_times_and_interfaces(void **state)
{
    (void)state;
    World world;
    world_init(&world, NODE_TIMELINE, START);
    Span octets = span_of_text("x");
    static const SimTime TIMES[] = {0, 1, 999999999, SIM_HOUR, 365 * SIM_DAY + 5};
    send_udp(&world, world.router, octets);
    for (size_t i = 1; i < G_N_ELEMENTS(TIMES); i++) {
        advance_to(&world, TIMES[i]);
        *simulator_cause(world.simulator) = (Cause){0};
        send_udp(&world, i % 2 == 1 ? world.b : world.a, octets);
    }
    expect_beginning(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(TIMES); i++) {
        uint32_t interface = i == 0 ? 0 : i % 2 == 1 ? 2 : 1;
        g_autofree char *comment = g_strdup_printf("record %zu", i + 1);
        uint64_t time = (uint64_t)START * SIM_SECOND + (uint64_t)TIMES[i];
        expect_packet(&world, interface, time, octets, comment, OUTBOUND);
    }
    world_clear(&world);
}

/* Nanoseconds since 1970 do not reach every year in which a run can begin. */
static void test_years_far_from_now(void **state)
{
    (void)state;
    static const struct {
        int64_t start;
        const char *offset;
    } CASES[] = {
        {-1, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
        {INT64_C(250000000000), "\x00\x44\x29\x35\x3A\x00\x00\x00"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        World world;
        world_init(&world, 2, CASES[i].start);
        advance_to(&world, 5);
        send_udp(&world, world.a, span_of_text("x"));
        pcapng_writer_flush(world.writer);
        expect_section_header(&world);
        expect_interface(&world, "a.example", CASES[i].offset);
        expect_packet(&world, 0, 5, span_of_text("x"), "record 1", OUTBOUND);
        world_clear(&world);
    }
}

/* Each packet once: what is received, dropped or passed on by a link is no second one. */
static void test_network_holds_each_packet_once(void **state)
{
    (void)state;
    World world;
    world_init(&world, NODE_TIMELINE, 0);
    send_udp(&world, world.a, span_of_text("x"));
    TRACE(world.trace, world.a, LINK_TRANSMIT, 0, .packet = {world.a, 1}, .to = "r");
    receive_udp(&world, world.b, world.a, span_of_text("x"));
    expect_beginning(&world);
    expect_packet(&world, 1, 0, span_of_text("x"), "record 1", OUTBOUND);
    world_clear(&world);
}

static void test_host_sees_its_own_packets(void **state)
{
    (void)state;
    World world;
    world_init(&world, 3, 0); /* of b.example */
    assert_int_equal(world.b, 3);
    send_udp(&world, world.a, span_of_text("query"));
    advance_to(&world, 30);
    *simulator_cause(world.simulator) = (Cause){{1, 1, 1}};
    receive_udp(&world, world.b, world.a, span_of_text("query"));
    send_udp(&world, world.b, span_of_text("answer"));
    send_udp(&world, world.b, span_of_text("to itself"));
    receive_udp(&world, world.b, world.b, span_of_text("to itself"));
    pcapng_writer_flush(world.writer);
    expect_section_header(&world);
    expect_interface(&world, "b.example", NULL);
    expect_packet(&world, 0, 30, span_of_text("query"), "record 2, set off by record 1", INBOUND);
    expect_packet(&world, 0, 30, span_of_text("answer"), "record 3, set off by record 2", OUTBOUND);
    expect_packet(&world, 0, 30, span_of_text("to itself"), "record 4, set off by record 3",
                  OUTBOUND);
    world_clear(&world);
}

static void test_comment_names_the_mail(void **state)
{
    (void)state;
    World world;
    world_init(&world, NODE_TIMELINE, START);
    TRACE(world.trace, world.a, AGENT_SUBMIT, 0, .mail = "lunch", .server = "b.example");
    TRACE(world.trace, world.a, TCP_CONNECT, 0, .remote = "b.example");
    send_tcp(&world, world.a, "first sending", 0);
    TRACE(world.trace, world.a, AGENT_SUBMIT, 0, .mail = "dinner", .server = "b.example");
    send_tcp(&world, world.a, "fast retransmission", 0);
    *simulator_cause(world.simulator) = (Cause){{1, 2, 3}}; /* what record 3 has set off */
    send_tcp(&world, world.a, "acknowledgment", 0);
    TRACE(world.trace, world.a, AGENT_RECEIVE, 0, .mail = "lunch"); /* the next may be another */
    send_tcp(&world, world.a, "first sending", 0);
    expect_beginning(&world);
    expect_comment(&world, "record 3, set off by record 2; first sending; mail lunch");
    expect_comment(&world, "record 5, set off by record 4; fast retransmission; mail dinner");
    expect_comment(&world, "record 6, set off by record 3; acknowledgment; mail lunch");
    expect_comment(&world, "record 8, set off by record 7; first sending");
    world_clear(&world);
}

static void test_comment_tells_the_fault(void **state)
{
    (void)state;
    World world;
    world_init(&world, NODE_TIMELINE, START);
    uint64_t crash = TRACE(world.trace, world.b, HOST_CRASH, 0, .program = "mail server");
    uint64_t other = TRACE(world.trace, world.b, QUEUE_REMOVE, 0, .entry = "Q1", .mail = NULL);
    send_tcp(&world, world.a, "reset", crash);
    send_tcp(&world, world.a, "reset", other);
    expect_beginning(&world);
    expect_comment(&world, "record 3, set off by record 2; reset; because of record 1, b.example: "
                           "mail server crashes");
    expect_comment(&world, "record 4, set off by record 3; reset; because of record 2");
    world_clear(&world);
}

/* A long name is cut behind a whole character, whichever octet the limit falls on. */
static void test_long_comment_is_cut(void **state)
{
    (void)state;
    for (int shift = 0; shift < 3; shift++) {
        World world;
        world_init(&world, NODE_TIMELINE, START);
        g_autoptr(GString) name = g_string_new(NULL);
        for (int i = 0; i < shift; i++)
            g_string_append_c(name, '-');
        for (int i = 0; i < PCAPNG_COMMENT_MAXIMUM; i++)
            g_string_append(name, "점");
        TRACE(world.trace, world.a, AGENT_SUBMIT, 0, .mail = name->str);
        send_tcp(&world, world.a, "first sending", 0);
        g_autoptr(GString) comment =
            g_string_new("record 2, set off by record 1; first sending; mail ");
        gsize room = PCAPNG_COMMENT_MAXIMUM - comment->len - (gsize)shift;
        g_string_append_len(comment, name->str, shift + (gssize)(room - room % 3));
        expect_beginning(&world);
        expect_comment(&world, comment->str);
        world_clear(&world);
    }
}

/* Bytes are handed on now and then during the run, in whole blocks. */
static void test_bytes_are_handed_on(void **state)
{
    (void)state;
    enum { COUNT = 200, SIZE = 1000 };
    World world;
    world_init(&world, NODE_TIMELINE, START);
    uint8_t octets[SIZE];
    memset(octets, 0x5A, sizeof octets);
    for (int i = 0; i < COUNT; i++)
        send_udp(&world, world.b, span_of(octets, SIZE));
    assert_in_range(world.outputs, 2, 4);
    expect_beginning(&world);
    for (int i = 0; i < COUNT; i++) {
        gsize end = expect_block(&world, PACKET);
        world.at = end - 4;
        expect_end(&world, end);
    }
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_without_packets),
        cmocka_unit_test(test_packets_of_each_length),
        cmocka_unit_test(test_times_and_interfaces),
        cmocka_unit_test(test_years_far_from_now),
        cmocka_unit_test(test_network_holds_each_packet_once),
        cmocka_unit_test(test_host_sees_its_own_packets),
        cmocka_unit_test(test_comment_names_the_mail),
        cmocka_unit_test(test_comment_tells_the_fault),
        cmocka_unit_test(test_long_comment_is_cut),
        cmocka_unit_test(test_bytes_are_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
