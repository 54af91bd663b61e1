/* The trace as NDJSON. See ndjson.h. Lines are formatted by hand into one buffer: with printf this
 * alone would take longer than the simulation. */
#include "export/ndjson.h"

#include "export/ndjson_internal.h"

#include <string.h>

enum { NDJSON_BLOCK = 64 * 1024 };

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

/* ---- Room and names ---- */

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

/* Takes the text. */
static NdjsonPiece piece_take(char *text)
{
    size_t length = strlen(text);
    if (length < NDJSON_PIECE) {
        text = g_realloc(text, NDJSON_PIECE);
        memset(text + length, 0, NDJSON_PIECE - length);
    }
    return (NdjsonPiece){text, length};
}

static NdjsonNodeForm node_form_new(const char *name)
{
    size_t length = strlen(name);
    g_autofree char *escaped = g_malloc(length * NDJSON_ESCAPE_SIZE + 1);
    *ndjson_put_escaped(escaped, span_of(name, length)) = '\0';
    return (NdjsonNodeForm){piece_take(g_strdup_printf("\"%s\",\"cause\":", escaped)),
                            piece_take(g_strdup_printf("\"%s#", escaped))};
}

void ndjson_learn_nodes(NdjsonWriter *writer)
{
    const Simulator *simulator = trace_simulator(writer->trace);
    uint32_t count = simulator_node_count(simulator);
    writer->nodes = g_renew(NdjsonNodeForm, writer->nodes, count);
    for (; writer->node_count < count; writer->node_count++)
        writer->nodes[writer->node_count] =
            node_form_new(simulator_node_name(simulator, writer->node_count));
}

/* ---- Records ---- */

/* The octets of a packet that a host sends, which are its own from the Ethernet header on. */
static char *put_frame(NdjsonWriter *writer, char *at, const TraceRecord *record)
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

static void ndjson_write(void *owner, const TraceRecord *record)
{
    NdjsonWriter *writer = owner;
    if (writer->holds != NULL && !writer->holds(record->kind))
        return;
    char *at = ndjson_put_record(writer, writer->block + writer->length, record);
    if (writer->has_frames)
        at = put_frame(writer, at, record);
    at = NDJSON_PUT(at, "}\n");
    writer->length = (size_t)(at - writer->block);
    if (writer->length >= NDJSON_BLOCK)
        ndjson_writer_flush(writer);
}

NdjsonWriter *ndjson_writer_new(Trace *trace, const NdjsonHeader *header, NdjsonOutput output)
{
    NdjsonWriter *writer = g_new0(NdjsonWriter, 1);
    writer->trace = trace;
    writer->output = output;
    writer->level = header->level;
    writer->has_frames = header->has_frames;
    writer->frame = g_byte_array_new();
    writer->holds = header->holds;
    g_autoptr(GString) line = ndjson_header_line(header);
    char *at = ndjson_make_room(writer, writer->block, MAX(line->len, NDJSON_BLOCK));
    memcpy(at, line->str, line->len);
    writer->length = line->len;
    ndjson_init_numbers(writer);
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
    for (uint32_t i = 0; i < writer->node_count; i++) {
        g_free(writer->nodes[i].host.text);
        g_free(writer->nodes[i].ref.text);
    }
    g_free(writer->nodes);
    g_byte_array_unref(writer->frame);
    g_free(writer->block);
    g_free(writer);
}
