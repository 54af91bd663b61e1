/* The trace as NDJSON. See ndjson.h. Lines are formatted by hand into one buffer: with printf this
 * alone would take longer than the simulation. */
#include "export/ndjson_internal.h"

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

/* ---- Room ---- */

char *ndjson_make_room(NdjsonWriter *writer, char *at, size_t count)
{
    size_t used = (size_t)(at - writer->block);
    size_t wanted = used + count + ndjson_record_size();
    if (wanted > writer->capacity) {
        writer->capacity = MAX(wanted, writer->capacity * 2);
        writer->block = g_realloc(writer->block, writer->capacity);
    }
    return writer->block + used;
}

char *ndjson_put_long_string(NdjsonWriter *writer, char *at, Span text)
{
    at = ndjson_make_room(writer, at, text.length * NDJSON_ESCAPE_SIZE + 2);
    return ndjson_put_string(at, text);
}

char *ndjson_put_new_name(NdjsonWriter *writer, char *at, NdjsonName *place, const char *name)
{
    Span text = span_of_text(name);
    if (text.length > NDJSON_SHORT)
        return ndjson_put_long_string(writer, at, text);
    char *end = ndjson_put_string(at, text);
    size_t length = (size_t)(end - at);
    if (length <= sizeof place->text) {
        place->name = name;
        place->length = (uint32_t)length;
        memcpy(place->text, at, length);
    }
    return end;
}

/* ---- Nodes ---- */

/* The name with what follows it; the caller frees it. */
static char *name_with(const NdjsonWriter *writer, NodeId node, const char *end)
{
    Span name = span_of_text(simulator_node_name(trace_simulator(writer->trace), node));
    char *text = g_malloc(name.length * NDJSON_ESCAPE_SIZE + 2 + strlen(end) + 1);
    stpcpy(ndjson_put_string(text, name) - 1, end); /* with a quote of its own, or none */
    return text;
}

static char *host_text(const NdjsonWriter *writer, NodeId node)
{
    return name_with(writer, node, "\",\"cause\":");
}

static char *ref_text(const NdjsonWriter *writer, NodeId node)
{
    return name_with(writer, node, "#");
}

/* Takes the text; returns its length, or 0 if it is too long. */
static uint32_t make_ready(char piece[NDJSON_PIECE], char *text)
{
    size_t length = strlen(text);
    bool is_short = length <= NDJSON_PIECE;
    if (is_short)
        memcpy(piece, text, length);
    g_free(text);
    return is_short ? (uint32_t)length : 0;
}

/* Nodes may be added until the run begins, so they are asked for when records name them. */
static void learn_nodes(NdjsonWriter *writer)
{
    uint32_t count = simulator_node_count(trace_simulator(writer->trace));
    writer->nodes = g_renew(NdjsonNodeForm, writer->nodes, count);
    for (NodeId node = writer->node_count; node < count; node++) {
        NdjsonNodeForm *form = &writer->nodes[node];
        *form = (NdjsonNodeForm){0};
        form->host_length = make_ready(form->host, host_text(writer, node));
        form->ref_length = make_ready(form->ref, ref_text(writer, node));
    }
    writer->node_count = count;
}

/* Takes the text. */
static char *put_taken(NdjsonWriter *writer, char *at, char *text)
{
    size_t length = strlen(text);
    at = ndjson_make_room(writer, at, length);
    memcpy(at, text, length);
    g_free(text);
    return at + length;
}

char *ndjson_put_rare_host(NdjsonWriter *writer, char *at, NodeId node)
{
    if (node >= writer->node_count)
        learn_nodes(writer);
    return put_taken(writer, at, host_text(writer, node));
}

char *ndjson_put_rare_ref(NdjsonWriter *writer, char *at, TraceRef ref)
{
    if (ref.node >= writer->node_count)
        learn_nodes(writer);
    at = put_taken(writer, at, ref_text(writer, ref.node));
    return NDJSON_PUT(digits_put(at, ref.number), "\"");
}

/* ---- Octets of packets ---- */

/* Those of a packet that a host sends, which are its own from the Ethernet header on. */
char *ndjson_put_frame(NdjsonWriter *writer, char *at, const TraceRecord *record)
{
    bool is_sent = record->kind == TRACE_TCP_SEND || record->kind == TRACE_UDP_SEND ||
                   record->kind == TRACE_ICMP_SEND;
    if (!is_sent || record->packet.write == NULL)
        return at;
    GByteArray *frame = writer->frame;
    g_byte_array_set_size(frame, 0);
    record->packet.write(record->packet.packet, frame);
    /* GLib wants to have four octets for each three, and four more. */
    at = ndjson_make_room(writer, at, (frame->len / 3 + 2) * 4);
    at = NDJSON_PUT(at, ",\"frame\":\"");
    int state = 0, save = 0;
    at += g_base64_encode_step(frame->data, frame->len, FALSE, at, &state, &save);
    at += g_base64_encode_close(FALSE, at, &state, &save);
    return NDJSON_PUT(at, "\"");
}

/* ---- Life ---- */

NdjsonWriter *ndjson_writer_new(Trace *trace, const NdjsonHeader *header, NdjsonOutput output)
{
    NdjsonWriter *writer = g_new0(NdjsonWriter, 1);
    writer->trace = trace;
    writer->output = output;
    writer->level = header->level;
    writer->has_frames = header->has_frames;
    writer->frame = g_byte_array_new();
    g_autoptr(GString) line = ndjson_header_line(header);
    char *at = ndjson_make_room(writer, writer->block, MAX(line->len, NDJSON_BLOCK));
    memcpy(at, line->str, line->len);
    writer->length = line->len;
    ndjson_init_numbers(writer);
    bool kinds[TRACE_KIND_COUNT];
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        kinds[kind] = header->holds == NULL || header->holds(kind);
    trace_add_sink_of_kinds(trace, (TraceSink){ndjson_write, writer, header->level}, kinds);
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
    g_free(writer->nodes);
    g_byte_array_unref(writer->frame);
    g_free(writer->block);
    g_free(writer);
}
