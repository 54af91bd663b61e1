/* Captures in the pcapng format (draft-ietf-opsawg-pcapng). See pcapng.h. What comments say is in
 * pcapng_comment.c.
 *
 * A file is a row of blocks: a section header (§4.1), a description of each interface (§4.2), and
 * an enhanced packet block for each packet (§4.3). Integers are little-endian on every machine, so
 * that equal runs give equal files. */
#include "export/pcapng.h"

#include "core/check.h"
#include "export/pcapng_comment.h"
#include "mailsim/version.h"

#include <string.h>

enum {
    PCAPNG_BLOCK_SECTION_HEADER = 0x0A0D0D0A,
    PCAPNG_BLOCK_INTERFACE = 1,
    PCAPNG_BLOCK_PACKET = 6,
    PCAPNG_BYTE_ORDER_MAGIC = 0x1A2B3C4D,
    PCAPNG_MAJOR_VERSION = 1,
    PCAPNG_MINOR_VERSION = 0,
    PCAPNG_LINK_TYPE_ETHERNET = 1,
    PCAPNG_SNAP_LENGTH_NONE = 0,
    PCAPNG_NANOSECONDS = 9, /* if_tsresol: a power of ten */
    PCAPNG_PADDING = 4,     /* packets and options are padded to so many octets */
    PCAPNG_WORD = 4,
    PCAPNG_HOLD_BACK = 64 * 1024,
};

/* Options (§3.5, §4.1 to §4.3). */
enum {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_IF_NAME = 2,
    OPTION_IF_TSRESOL = 9,
    OPTION_IF_TSOFFSET = 14,
    OPTION_SHB_APPLICATION = 4,
    OPTION_EPB_FLAGS = 2,
};

/* epb_flags, bits 0 and 1 (§4.3.1). */
enum { DIRECTION_INBOUND = 1, DIRECTION_OUTBOUND = 2 };

/* Up to here a moment of the longest run, in nanoseconds since 1970, is a 64-bit number. */
#define PCAPNG_LAST_START (INT64_MAX / SIM_SECOND)

struct PcapngWriter {
    Trace *trace;
    PcapngOutput output;
    NodeId host; /* NODE_TIMELINE: of all of them, what they send */
    /* The time of a packet is time_base + its record's time, and in readers' eyes time_offset
     * seconds later. */
    uint64_t time_base;
    int64_t time_offset;
    PcapngMemory *memory;
    GByteArray *blocks; /* whole ones, but while one is being written */
    guint block_start;
    GString *comment; /* reused for each packet */
};

/* ---- Blocks ---- */

static void put_u16(PcapngWriter *writer, uint32_t value)
{
    uint8_t octets[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    g_byte_array_append(writer->blocks, octets, sizeof octets);
}

static void put_u32(PcapngWriter *writer, uint32_t value)
{
    put_u16(writer, value & 0xFFFF);
    put_u16(writer, value >> 16);
}

static void put_u64(PcapngWriter *writer, uint64_t value)
{
    put_u32(writer, (uint32_t)value);
    put_u32(writer, (uint32_t)(value >> 32));
}

/* Writes a word into a place that was left for it. */
static void fill_u32(PcapngWriter *writer, guint at, uint32_t value)
{
    for (guint i = 0; i < PCAPNG_WORD; i++)
        writer->blocks->data[at + i] = (uint8_t)(value >> (8 * i));
}

/* Pads what is `length` octets long. */
static void put_padding(PcapngWriter *writer, size_t length)
{
    static const uint8_t ZEROES[PCAPNG_PADDING] = {0};
    g_byte_array_append(writer->blocks, ZEROES, (guint)(-length % PCAPNG_PADDING));
}

static void block_begin(PcapngWriter *writer, uint32_t type)
{
    writer->block_start = writer->blocks->len;
    put_u32(writer, type);
    put_u32(writer, 0); /* the length, which block_end fills in */
}

/* §3.1: the length of the whole block stands at both its ends. */
static void block_end(PcapngWriter *writer)
{
    uint32_t length = writer->blocks->len + PCAPNG_WORD - writer->block_start;
    put_u32(writer, length);
    fill_u32(writer, writer->block_start + PCAPNG_WORD, length);
}

static void option_begin(PcapngWriter *writer, uint16_t code, size_t length)
{
    CHECK(length <= UINT16_MAX);
    put_u16(writer, code);
    put_u16(writer, (uint32_t)length);
}

static void put_text_option(PcapngWriter *writer, uint16_t code, Span text)
{
    Span cut = span_of(text.data, MIN(text.length, UINT16_MAX));
    option_begin(writer, code, cut.length);
    g_byte_array_append(writer->blocks, cut.data, (guint)cut.length);
    put_padding(writer, cut.length);
}

static void put_end_of_options(PcapngWriter *writer)
{
    option_begin(writer, OPTION_END, 0);
}

/* ---- What the file begins with ---- */

static void put_section_header(PcapngWriter *writer, const char *title)
{
    static const char APPLICATION[] = "mailsim " MS_VERSION;
    static const uint64_t LENGTH_UNKNOWN = UINT64_MAX; /* §4.1: -1 */
    block_begin(writer, PCAPNG_BLOCK_SECTION_HEADER);
    put_u32(writer, PCAPNG_BYTE_ORDER_MAGIC);
    put_u16(writer, PCAPNG_MAJOR_VERSION);
    put_u16(writer, PCAPNG_MINOR_VERSION);
    put_u64(writer, LENGTH_UNKNOWN);
    put_text_option(writer, OPTION_COMMENT, span_of_text(title));
    put_text_option(writer, OPTION_SHB_APPLICATION, span_of_text(APPLICATION));
    put_end_of_options(writer);
    block_end(writer);
}

static void put_interface(PcapngWriter *writer, NodeId node)
{
    const char *name = simulator_node_name(trace_simulator(writer->trace), node);
    block_begin(writer, PCAPNG_BLOCK_INTERFACE);
    put_u16(writer, PCAPNG_LINK_TYPE_ETHERNET);
    put_u16(writer, 0); /* reserved */
    put_u32(writer, PCAPNG_SNAP_LENGTH_NONE);
    put_text_option(writer, OPTION_IF_NAME, span_of_text(name));
    static const uint8_t RESOLUTION = PCAPNG_NANOSECONDS;
    put_text_option(writer, OPTION_IF_TSRESOL, span_of(&RESOLUTION, 1));
    if (writer->time_offset != 0) {
        option_begin(writer, OPTION_IF_TSOFFSET, sizeof(uint64_t));
        put_u64(writer, (uint64_t)writer->time_offset);
    }
    put_end_of_options(writer);
    block_end(writer);
}

/* Interfaces are numbered by their order in the file, from 0; ids of nodes count from 1. */
static void put_interfaces(PcapngWriter *writer)
{
    if (writer->host != NODE_TIMELINE) {
        put_interface(writer, writer->host);
        return;
    }
    uint32_t count = simulator_node_count(trace_simulator(writer->trace));
    for (NodeId node = 1; node < count; node++)
        put_interface(writer, node);
}

static uint32_t interface_of(const PcapngWriter *writer, NodeId node)
{
    return writer->host != NODE_TIMELINE ? 0 : node - 1;
}

/* ---- Packets ---- */

static bool kind_is_sending(TraceKind kind)
{
    return kind == TRACE_TCP_SEND || kind == TRACE_UDP_SEND || kind == TRACE_ICMP_SEND;
}

/* A packet that has come to its host and is thrown away there, before the host's TCP, UDP or ICMP
 * has it: a capture sees it, damaged or not. */
static TraceRef discarded_packet(const TraceFields_LINK_DROP *fields)
{
    bool has_arrived = fields->to == NULL && strcmp(fields->reason, "listen queue full") != 0;
    return has_arrived ? fields->packet : (TraceRef){0};
}

/* Who sent a packet that is received; a node without a number where the record is of another
 * kind. */
static TraceRef received_packet(const TraceRecord *record)
{
    if (record->kind == TRACE_TCP_RECEIVE)
        return ((const TraceFields_TCP_RECEIVE *)record->fields)->packet;
    if (record->kind == TRACE_UDP_RECEIVE)
        return ((const TraceFields_UDP_RECEIVE *)record->fields)->packet;
    if (record->kind == TRACE_ICMP_RECEIVE)
        return ((const TraceFields_ICMP_RECEIVE *)record->fields)->packet;
    if (record->kind == TRACE_LINK_DROP)
        return discarded_packet(record->fields);
    return (TraceRef){0};
}

/* 10.0.0.0/8 (RFC 1918) */
static bool is_private(Ipv4Address address)
{
    return address >> 24 == 10;
}

/* What leaves a home is there once, as its NAT router sends it on: so both directions of a
 * connection have the same addresses. */
static bool record_is_public_sending(const TraceRecord *record)
{
    const TraceFields_TCP_SEND *tcp = record->fields;
    const TraceFields_UDP_SEND *udp = record->fields;
    const TraceFields_NAT_TRANSLATE *nat = record->fields;
    if (record->kind == TRACE_NAT_TRANSLATE)
        return strcmp(nat->direction, "out") == 0;
    if (record->kind == TRACE_TCP_SEND)
        return !is_private(tcp->source) || is_private(tcp->destination);
    if (record->kind == TRACE_UDP_SEND)
        return !is_private(udp->source) || is_private(udp->destination);
    return kind_is_sending(record->kind);
}

/* What a host sends to itself it sees once. */
static bool record_is_of_capture(const PcapngWriter *writer, const TraceRecord *record)
{
    if (writer->host == NODE_TIMELINE)
        return record_is_public_sending(record);
    if (writer->host != record->node)
        return false;
    TraceRef received = received_packet(record);
    return kind_is_sending(record->kind) || (received.number != 0 && received.node != writer->host);
}

static void put_packet_options(PcapngWriter *writer, const TraceRecord *record)
{
    g_string_truncate(writer->comment, 0);
    pcapng_comment(writer->memory, record, writer->comment);
    put_text_option(writer, OPTION_COMMENT, span_of(writer->comment->str, writer->comment->len));
    option_begin(writer, OPTION_EPB_FLAGS, PCAPNG_WORD);
    bool is_sent = kind_is_sending(record->kind) || record->kind == TRACE_NAT_TRANSLATE;
    put_u32(writer, is_sent ? DIRECTION_OUTBOUND : DIRECTION_INBOUND);
    put_end_of_options(writer);
}

static void put_packet(PcapngWriter *writer, const TraceRecord *record)
{
    uint64_t time = writer->time_base + (uint64_t)record->time;
    block_begin(writer, PCAPNG_BLOCK_PACKET);
    put_u32(writer, interface_of(writer, record->node));
    put_u32(writer, (uint32_t)(time >> 32));
    put_u32(writer, (uint32_t)time);
    guint lengths_at = writer->blocks->len;
    put_u64(writer, 0); /* the lengths as captured and on the wire, filled in below */
    guint start = writer->blocks->len;
    record->packet.write(record->packet.packet, writer->blocks);
    uint32_t length = writer->blocks->len - start;
    fill_u32(writer, lengths_at, length);
    fill_u32(writer, lengths_at + PCAPNG_WORD, length);
    put_padding(writer, length);
    put_packet_options(writer, record);
    block_end(writer);
}

static void pcapng_write(void *owner, const TraceRecord *record)
{
    PcapngWriter *writer = owner;
    pcapng_memory_note(writer->memory, record);
    if (!record_is_of_capture(writer, record))
        return;
    CHECK(record->packet.write != NULL);
    put_packet(writer, record);
    if (writer->blocks->len >= PCAPNG_HOLD_BACK)
        pcapng_writer_flush(writer);
}

/* ---- Life ---- */

/* Not every reader knows if_tsoffset, so it is for years that need it. */
static void set_time_base(PcapngWriter *writer, int64_t start_unix_seconds)
{
    if (start_unix_seconds >= 0 && start_unix_seconds <= PCAPNG_LAST_START)
        writer->time_base = (uint64_t)start_unix_seconds * (uint64_t)SIM_SECOND;
    else
        writer->time_offset = start_unix_seconds;
}

PcapngWriter *pcapng_writer_new(Trace *trace, const PcapngOptions *options, PcapngOutput output)
{
    PcapngWriter *writer = g_new0(PcapngWriter, 1);
    writer->trace = trace;
    writer->output = output;
    writer->host = options->host;
    writer->memory = pcapng_memory_new(trace_simulator(trace));
    writer->blocks = g_byte_array_new();
    writer->comment = g_string_new(NULL);
    set_time_base(writer, options->start_unix_seconds);
    put_section_header(writer, options->title);
    put_interfaces(writer);
    trace_add_sink(trace, (TraceSink){pcapng_write, writer, TRACE_LEVEL_SEGMENT});
    return writer;
}

void pcapng_writer_flush(PcapngWriter *writer)
{
    if (writer->blocks->len > 0)
        writer->output.write(writer->output.owner,
                             span_of(writer->blocks->data, writer->blocks->len));
    g_byte_array_set_size(writer->blocks, 0);
}

void pcapng_writer_free(PcapngWriter *writer)
{
    pcapng_memory_free(writer->memory);
    g_byte_array_unref(writer->blocks);
    g_string_free(writer->comment, TRUE);
    g_free(writer);
}
