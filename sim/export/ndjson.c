/* The trace as NDJSON. See ndjson.h. Lines are formatted by hand into one buffer: with printf this
 * alone would take longer than the simulation. */
#include "export/ndjson.h"

#include "mailsim/version.h"

#include <string.h>

enum {
    NDJSON_BLOCK = 64 * 1024,
    NDJSON_NUMBER_SIZE = 20, /* digits of a 64-bit number */
    NDJSON_ESCAPE_SIZE = 6,  /* the longest form of one octet, \u001f */
};

/* A text with its length, so that no time goes into counting. */
typedef struct Piece {
    char *text;
    size_t length;
} Piece;

struct NdjsonWriter {
    Trace *trace;
    NdjsonOutput output;
    TraceLevel level;
    bool has_frames;
    GByteArray *frame; /* the octets of the packet at hand */
    char *block;
    size_t length, capacity;       /* of the block, used and allocated */
    Piece heads[TRACE_KIND_COUNT]; /* ,"kind":"mail.accepted","host":" */
    Piece *keys[TRACE_KIND_COUNT]; /* ,"mail": of each field */
};

static const char *const LEVEL_NAMES[] = {"mail", "protocol", "segment"};

const char *trace_level_name(TraceLevel level)
{
    return LEVEL_NAMES[level];
}

bool trace_level_find(const char *name, TraceLevel *level)
{
    for (size_t i = 0; i < G_N_ELEMENTS(LEVEL_NAMES); i++) {
        if (strcmp(LEVEL_NAMES[i], name) == 0) {
            *level = (TraceLevel)i;
            return true;
        }
    }
    return false;
}

/* Makes room for `count` more octets. */
static inline void reserve(NdjsonWriter *writer, size_t count)
{
    if (writer->length + count <= writer->capacity)
        return;
    while (writer->length + count > writer->capacity)
        writer->capacity *= 2;
    writer->block = g_realloc(writer->block, writer->capacity);
}

static inline void put_bytes(NdjsonWriter *writer, const void *bytes, size_t length)
{
    reserve(writer, length);
    memcpy(writer->block + writer->length, bytes, length);
    writer->length += length;
}

/* A text whose length the compiler knows. */
#define PUT(writer, literal) put_bytes(writer, literal, sizeof(literal) - 1)

static inline void put_piece(NdjsonWriter *writer, Piece piece)
{
    put_bytes(writer, piece.text, piece.length);
}

static void put_text(NdjsonWriter *writer, const char *text)
{
    put_bytes(writer, text, strlen(text));
}

/* Digits come out two at a time: a division is what costs. */
static void put_unsigned(NdjsonWriter *writer, uint64_t number)
{
    static const char PAIRS[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char digits[NDJSON_NUMBER_SIZE];
    size_t at = sizeof digits;
    while (number >= 100) {
        at -= 2;
        memcpy(digits + at, PAIRS + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(digits + at, PAIRS + number * 2, 2);
    } else {
        digits[--at] = (char)('0' + number);
    }
    put_bytes(writer, digits + at, sizeof digits - at);
}

static void put_signed(NdjsonWriter *writer, int64_t number)
{
    if (number < 0) {
        PUT(writer, "-");
        put_unsigned(writer, -(uint64_t)number);
        return;
    }
    put_unsigned(writer, (uint64_t)number);
}

static void put_escape(NdjsonWriter *writer, uint8_t byte)
{
    static const char HEX[] = "0123456789abcdef";
    switch (byte) {
    case '"':
        put_text(writer, "\\\"");
        return;
    case '\\':
        put_text(writer, "\\\\");
        return;
    case '\n':
        put_text(writer, "\\n");
        return;
    case '\r':
        put_text(writer, "\\r");
        return;
    case '\t':
        put_text(writer, "\\t");
        return;
    default: {
        char text[] = {'\\', 'u', '0', '0', HEX[byte >> 4], HEX[byte & 15]};
        put_bytes(writer, text, sizeof text);
    }
    }
}

static bool byte_is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* Puts the character at the start of `rest`, which is no plain one; returns its octets. */
static size_t put_special(NdjsonWriter *writer, Span rest)
{
    if (rest.data[0] < 0x80) {
        put_escape(writer, rest.data[0]);
        return 1;
    }
    gunichar c = g_utf8_get_char_validated((const char *)rest.data, (gssize)rest.length);
    if (c == (gunichar)-1 || c == (gunichar)-2) {
        put_text(writer, "\xEF\xBF\xBD"); /* U+FFFD */
        return 1;
    }
    size_t length = (size_t)g_unichar_to_utf8(c, NULL);
    put_bytes(writer, rest.data, length);
    return length;
}

static void put_string(NdjsonWriter *writer, Span text)
{
    reserve(writer, text.length * NDJSON_ESCAPE_SIZE + 2);
    PUT(writer, "\"");
    while (text.length > 0) {
        size_t plain = 0;
        while (plain < text.length && byte_is_plain(text.data[plain]))
            plain++;
        put_bytes(writer, text.data, plain);
        text = span_skip(text, plain);
        if (text.length > 0)
            text = span_skip(text, put_special(writer, text));
    }
    PUT(writer, "\"");
}

static void put_key(NdjsonWriter *writer, const char *key)
{
    PUT(writer, ",\"");
    put_text(writer, key);
    PUT(writer, "\":");
}

static const char *node_name(const NdjsonWriter *writer, NodeId node)
{
    return simulator_node_name(trace_simulator(writer->trace), node);
}

static void put_ref(NdjsonWriter *writer, TraceRef ref)
{
    PUT(writer, "\"");
    put_text(writer, node_name(writer, ref.node));
    PUT(writer, "#");
    put_unsigned(writer, ref.number);
    PUT(writer, "\"");
}

static void put_ip(NdjsonWriter *writer, Ipv4Address address)
{
    PUT(writer, "\"");
    for (unsigned shift = 24; shift > 0; shift -= 8) {
        put_unsigned(writer, address >> shift & 0xff);
        PUT(writer, ".");
    }
    put_unsigned(writer, address & 0xff);
    PUT(writer, "\"");
}

static bool field_is_absent(TraceFieldType type, const void *value)
{
    switch (type) {
    case TRACE_FIELD_TEXT:
        return *(const TraceField_TEXT *)value == NULL;
    case TRACE_FIELD_OCTETS:
        return ((const TraceField_OCTETS *)value)->data == NULL;
    case TRACE_FIELD_TIME:
        return *(const TraceField_TIME *)value == SIM_NEVER;
    case TRACE_FIELD_REF:
        return ((const TraceField_REF *)value)->number == 0;
    case TRACE_FIELD_COUNT:
    case TRACE_FIELD_FLAG:
    case TRACE_FIELD_IP:
        return false;
    }
    return true;
}

static void put_field(NdjsonWriter *writer, Piece key, const TraceFieldInfo *field,
                      const void *value)
{
    if (field_is_absent(field->type, value))
        return;
    put_piece(writer, key);
    switch (field->type) {
    case TRACE_FIELD_TEXT:
        put_string(writer, span_of_text(*(const TraceField_TEXT *)value));
        break;
    case TRACE_FIELD_OCTETS:
        put_string(writer, *(const TraceField_OCTETS *)value);
        break;
    case TRACE_FIELD_COUNT:
        put_unsigned(writer, *(const TraceField_COUNT *)value);
        break;
    case TRACE_FIELD_TIME:
        put_signed(writer, *(const TraceField_TIME *)value);
        break;
    case TRACE_FIELD_FLAG:
        put_text(writer, *(const TraceField_FLAG *)value ? "true" : "false");
        break;
    case TRACE_FIELD_REF:
        put_ref(writer, *(const TraceField_REF *)value);
        break;
    case TRACE_FIELD_IP:
        put_ip(writer, *(const TraceField_IP *)value);
        break;
    }
}

/* The octets of a packet that a host sends, which are its own from the Ethernet header on. */
static void put_frame(NdjsonWriter *writer, const TraceRecord *record)
{
    bool is_sent = record->kind == TRACE_TCP_SEND || record->kind == TRACE_UDP_SEND ||
                   record->kind == TRACE_ICMP_SEND;
    if (!is_sent || record->packet.write == NULL)
        return;
    g_byte_array_set_size(writer->frame, 0);
    record->packet.write(record->packet.packet, writer->frame);
    g_autofree char *text = g_base64_encode(writer->frame->data, writer->frame->len);
    put_key(writer, "frame");
    put_string(writer, span_of_text(text));
}

static void ndjson_write(void *owner, const TraceRecord *record)
{
    NdjsonWriter *writer = owner;
    const TraceKindInfo *info = trace_kind_info(record->kind);
    PUT(writer, "{\"seq\":");
    put_unsigned(writer, record->seq);
    PUT(writer, ",\"t\":");
    put_signed(writer, record->time);
    put_piece(writer, writer->heads[record->kind]);
    put_text(writer, node_name(writer, record->node));
    PUT(writer, "\",\"cause\":");
    put_unsigned(writer, record->cause.nearest[writer->level]);
    if (record->because != 0) {
        PUT(writer, ",\"because\":");
        put_unsigned(writer, record->because);
    }
    for (size_t i = 0; i < info->field_count; i++)
        put_field(writer, writer->keys[record->kind][i], &info->fields[i],
                  (const char *)record->fields + info->fields[i].offset);
    if (writer->has_frames)
        put_frame(writer, record);
    PUT(writer, "}\n");
    if (writer->length >= NDJSON_BLOCK)
        ndjson_writer_flush(writer);
}

/* A member that is left out where it has no value. */
static void put_member(NdjsonWriter *writer, const char *key, const char *text)
{
    if (text == NULL)
        return;
    put_key(writer, key);
    put_string(writer, span_of_text(text));
}

static void put_node(NdjsonWriter *writer, const NdjsonNode *node)
{
    PUT(writer, "{\"name\":");
    put_string(writer, span_of_text(node->name));
    put_member(writer, "role", node->role);
    put_member(writer, "person", node->person);
    put_member(writer, "address", node->address);
    put_member(writer, "server", node->server);
    PUT(writer, "}");
}

static void put_link(NdjsonWriter *writer, const NdjsonLink *link)
{
    PUT(writer, "{\"a\":");
    put_string(writer, span_of_text(link->a));
    put_member(writer, "b", link->b);
    put_key(writer, "delay");
    put_signed(writer, link->delay_ns);
    put_key(writer, "rate");
    put_signed(writer, link->rate_bps);
    PUT(writer, "}");
}

static void put_network(NdjsonWriter *writer, const NdjsonHeader *header)
{
    put_key(writer, "nodes");
    PUT(writer, "[");
    for (size_t i = 0; i < header->node_count; i++) {
        put_text(writer, i > 0 ? "," : "");
        put_node(writer, &header->nodes[i]);
    }
    PUT(writer, "]");
    put_key(writer, "links");
    PUT(writer, "[");
    for (size_t i = 0; i < header->link_count; i++) {
        put_text(writer, i > 0 ? "," : "");
        put_link(writer, &header->links[i]);
    }
    PUT(writer, "]");
}

static void put_header(NdjsonWriter *writer, const NdjsonHeader *header)
{
    put_text(writer, "{\"mailsim_trace\":");
    put_unsigned(writer, NDJSON_VERSION);
    put_key(writer, "title");
    put_string(writer, span_of_text(header->title));
    put_key(writer, "seed");
    put_unsigned(writer, header->seed);
    put_key(writer, "start");
    put_string(writer, span_of_text(header->start));
    put_key(writer, "version");
    put_string(writer, span_of_text(MS_VERSION));
    put_key(writer, "scenario_sha256");
    put_string(writer, span_of_text(header->scenario_sha256));
    put_key(writer, "level");
    put_string(writer, span_of_text(trace_level_name(header->level)));
    put_network(writer, header);
    put_text(writer, "}\n");
}

static Piece piece_take(char *text)
{
    return (Piece){text, strlen(text)};
}

/* What is the same in every record of a kind. */
static void prepare_kind(NdjsonWriter *writer, TraceKind kind)
{
    const TraceKindInfo *info = trace_kind_info(kind);
    writer->heads[kind] = piece_take(g_strdup_printf(",\"kind\":\"%s\",\"host\":\"", info->name));
    writer->keys[kind] = g_new0(Piece, info->field_count);
    for (size_t i = 0; i < info->field_count; i++)
        writer->keys[kind][i] = piece_take(g_strdup_printf(",\"%s\":", info->fields[i].key));
}

NdjsonWriter *ndjson_writer_new(Trace *trace, const NdjsonHeader *header, NdjsonOutput output)
{
    NdjsonWriter *writer = g_new0(NdjsonWriter, 1);
    writer->trace = trace;
    writer->output = output;
    writer->level = header->level;
    writer->has_frames = header->has_frames;
    writer->frame = g_byte_array_new();
    writer->capacity = (size_t)NDJSON_BLOCK * 2;
    writer->block = g_malloc(writer->capacity);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        prepare_kind(writer, kind);
    put_header(writer, header);
    trace_add_sink(trace, (TraceSink){ndjson_write, writer, header->level});
    return writer;
}

void ndjson_writer_flush(NdjsonWriter *writer)
{
    if (writer->length > 0)
        writer->output.write(writer->output.owner, span_of(writer->block, writer->length));
    writer->length = 0;
}

void ndjson_writer_free(NdjsonWriter *writer)
{
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        g_free(writer->heads[kind].text);
        for (size_t i = 0; i < trace_kind_info(kind)->field_count; i++)
            g_free(writer->keys[kind][i].text);
        g_free(writer->keys[kind]);
    }
    g_byte_array_unref(writer->frame);
    g_free(writer->block);
    g_free(writer);
}
