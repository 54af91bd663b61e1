/* The trace as NDJSON. See ndjson.h. Lines are formatted by hand into one buffer: with printf this
 * alone would take longer than the simulation. */
#include "export/ndjson.h"

#include "export/ndjson_internal.h"

#include <string.h>

enum {
    NDJSON_BLOCK = 64 * 1024,
    NDJSON_IP_SIZE = 17,  /* "255.255.255.255" with its quotes */
    NDJSON_FLAG_SIZE = 5, /* false */
    NDJSON_STRIDE = 16,   /* pieces are copied so many octets at a time */
};

/* A text that is written often, ready made. Its memory goes on to a whole number of strides, so
 * that it is copied without a look at how long it is. */
typedef struct Piece {
    char *text;
    size_t length;
} Piece;

/* What is the same in every record of a kind. */
typedef struct Form {
    Piece head;   /* ,"kind":"mail.accepted","host":" */
    Piece *keys;  /* ,"mail": of each field, with a reference's quote */
    size_t bound; /* octets of a record, without its nodes' names and what is in its texts */
    size_t names; /* of nodes, at most */
} Form;

typedef struct NodeForm {
    Piece host; /* alice.laptop","cause": */
    Piece ref;  /* alice.laptop# */
} NodeForm;

struct NdjsonWriter {
    Trace *trace;
    NdjsonOutput output;
    TraceLevel level;
    bool has_frames;
    GByteArray *frame; /* the octets of the packet at hand */
    bool (*holds)(TraceKind kind);
    char *block;
    size_t length, capacity; /* of the block, used and allocated */
    Form forms[TRACE_KIND_COUNT];
    NodeForm *nodes; /* of those that records have named so far, by id */
    uint32_t node_count;
    size_t longest_name;
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

/* ---- Octets ---- */

/* Makes room for `count` octets behind `at`. */
static inline char *reserve(NdjsonWriter *writer, char *at, size_t count)
{
    size_t used = (size_t)(at - writer->block);
    if (G_LIKELY(used + count <= writer->capacity))
        return at;
    while (used + count > writer->capacity)
        writer->capacity *= 2;
    writer->block = g_realloc(writer->block, writer->capacity);
    return writer->block + used;
}

static inline char *put_piece(char *at, const Piece *piece)
{
    const char *from = piece->text;
    char *end = at + piece->length;
    do {
        memcpy(at, from, NDJSON_STRIDE);
        at += NDJSON_STRIDE;
        from += NDJSON_STRIDE;
    } while (at < end);
    return end;
}

/* Finds its own room, and `more` behind it. */
static char *put_long_string(NdjsonWriter *writer, char *at, Span text, size_t more)
{
    at = reserve(writer, at, text.length * NDJSON_ESCAPE_SIZE + 2 + more);
    return ndjson_put_string(at, text);
}

static char *put_ref(const NdjsonWriter *writer, char *at, TraceRef ref)
{
    at = put_piece(at, &writer->nodes[ref.node].ref);
    return NDJSON_PUT(ndjson_put_unsigned(at, ref.number), "\"");
}

static char *put_ip(char *at, Ipv4Address address)
{
    at = NDJSON_PUT(at, "\"");
    for (unsigned shift = 24; shift > 0; shift -= 8)
        at = NDJSON_PUT(ndjson_put_unsigned(at, address >> shift & 0xff), ".");
    return NDJSON_PUT(ndjson_put_unsigned(at, address & 0xff), "\"");
}

/* ---- What is made ready ---- */

/* Takes the text. */
static Piece piece_take(char *text)
{
    size_t length = strlen(text);
    text = g_realloc(text, (length / NDJSON_STRIDE + 1) * NDJSON_STRIDE);
    memset(text + length, 0, NDJSON_STRIDE - length % NDJSON_STRIDE);
    return (Piece){text, length};
}

/* Octets of a field at most, without names of nodes and what is in a text. */
static size_t field_bound(TraceFieldType type)
{
    switch (type) {
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_OCTETS:
        return 2;
    case TRACE_FIELD_COUNT:
    case TRACE_FIELD_TIME:
        return NDJSON_NUMBER_SIZE;
    case TRACE_FIELD_FLAG:
        return NDJSON_FLAG_SIZE;
    case TRACE_FIELD_REF:
        return NDJSON_NUMBER_SIZE + 2;
    case TRACE_FIELD_IP:
        return NDJSON_IP_SIZE;
    }
    return 0;
}

static void form_init(Form *form, TraceKind kind)
{
    enum { FRAME = sizeof "{\"seq\":,\"t\":,\"cause\":,\"because\":,\"frame\":}\n" };
    const TraceKindInfo *info = trace_kind_info(kind);
    form->head = piece_take(g_strdup_printf(",\"kind\":\"%s\",\"host\":\"", info->name));
    form->keys = g_new0(Piece, info->field_count);
    form->bound =
        FRAME + 4 * (size_t)NDJSON_NUMBER_SIZE + form->head.length + (size_t)NDJSON_STRIDE;
    form->names = 1;
    for (size_t i = 0; i < info->field_count; i++) {
        const TraceFieldInfo *field = &info->fields[i];
        bool is_ref = field->type == TRACE_FIELD_REF;
        form->keys[i] = piece_take(g_strdup_printf(is_ref ? ",\"%s\":\"" : ",\"%s\":", field->key));
        form->bound += form->keys[i].length + field_bound(field->type);
        form->names += is_ref;
    }
}

static void form_clear(Form *form, TraceKind kind)
{
    g_free(form->head.text);
    for (size_t i = 0; i < trace_kind_info(kind)->field_count; i++)
        g_free(form->keys[i].text);
    g_free(form->keys);
}

static NodeForm node_form(const NdjsonWriter *writer, NodeId node)
{
    const char *name = simulator_node_name(trace_simulator(writer->trace), node);
    size_t length = strlen(name);
    g_autofree char *escaped = g_malloc(length * NDJSON_ESCAPE_SIZE + 1);
    *ndjson_put_escaped(escaped, span_of(name, length)) = '\0';
    return (NodeForm){piece_take(g_strdup_printf("%s\",\"cause\":", escaped)),
                      piece_take(g_strdup_printf("%s#", escaped))};
}

/* Nodes may be added until the run begins, so they are looked for when records name them. */
static void learn_nodes(NdjsonWriter *writer)
{
    uint32_t count = simulator_node_count(trace_simulator(writer->trace));
    writer->nodes = g_renew(NodeForm, writer->nodes, count);
    for (; writer->node_count < count; writer->node_count++) {
        NodeForm *form = &writer->nodes[writer->node_count];
        *form = node_form(writer, writer->node_count);
        writer->longest_name = MAX(writer->longest_name, form->ref.length);
    }
}

/* ---- Records ---- */

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

/* There is room for the record but for its texts; a text leaves as much behind it. */
static char *put_field(NdjsonWriter *writer, char *at, const TraceFieldInfo *field,
                       const void *value, size_t bound)
{
    switch (field->type) {
    case TRACE_FIELD_TEXT:
        return put_long_string(writer, at, span_of_text(*(const TraceField_TEXT *)value), bound);
    case TRACE_FIELD_OCTETS:
        return put_long_string(writer, at, *(const TraceField_OCTETS *)value, bound);
    case TRACE_FIELD_COUNT:
        return ndjson_put_unsigned(at, *(const TraceField_COUNT *)value);
    case TRACE_FIELD_TIME:
        return ndjson_put_signed(at, *(const TraceField_TIME *)value);
    case TRACE_FIELD_FLAG:
        return *(const TraceField_FLAG *)value ? NDJSON_PUT(at, "true") : NDJSON_PUT(at, "false");
    case TRACE_FIELD_REF:
        return put_ref(writer, at, *(const TraceField_REF *)value);
    case TRACE_FIELD_IP:
        return put_ip(at, *(const TraceField_IP *)value);
    }
    return at;
}

/* The octets of a packet that a host sends, which are its own from the Ethernet header on. */
static char *put_frame(NdjsonWriter *writer, char *at, const TraceRecord *record, size_t bound)
{
    bool is_sent = record->kind == TRACE_TCP_SEND || record->kind == TRACE_UDP_SEND ||
                   record->kind == TRACE_ICMP_SEND;
    if (!is_sent || record->packet.write == NULL)
        return at;
    g_byte_array_set_size(writer->frame, 0);
    record->packet.write(record->packet.packet, writer->frame);
    g_autofree char *text = g_base64_encode(writer->frame->data, writer->frame->len);
    return put_long_string(writer, NDJSON_PUT(at, ",\"frame\":"), span_of_text(text), bound);
}

static void ndjson_write(void *owner, const TraceRecord *record)
{
    NdjsonWriter *writer = owner;
    if (writer->holds != NULL && !writer->holds(record->kind))
        return;
    const TraceKindInfo *info = trace_kind_info(record->kind);
    const Form *form = &writer->forms[record->kind];
    /* Whoever a record refers to was there before it was written. */
    if (writer->node_count < simulator_node_count(trace_simulator(writer->trace)))
        learn_nodes(writer);
    size_t bound = form->bound + form->names * writer->longest_name;
    char *at = reserve(writer, writer->block + writer->length, bound);
    at = ndjson_put_unsigned(NDJSON_PUT(at, "{\"seq\":"), record->seq);
    at = ndjson_put_signed(NDJSON_PUT(at, ",\"t\":"), record->time);
    at = put_piece(at, &form->head);
    at = put_piece(at, &writer->nodes[record->node].host);
    at = ndjson_put_unsigned(at, record->cause.nearest[writer->level]);
    if (record->because != 0)
        at = ndjson_put_unsigned(NDJSON_PUT(at, ",\"because\":"), record->because);
    for (size_t i = 0; i < info->field_count; i++) {
        const TraceFieldInfo *field = &info->fields[i];
        const void *value = (const char *)record->fields + field->offset;
        if (!field_is_absent(field->type, value))
            at = put_field(writer, put_piece(at, &form->keys[i]), field, value, bound);
    }
    if (writer->has_frames)
        at = put_frame(writer, at, record, bound);
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
    writer->capacity = (size_t)NDJSON_BLOCK * 2;
    writer->block = g_malloc(writer->capacity);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        form_init(&writer->forms[kind], kind);
    g_autoptr(GString) line = ndjson_header_line(header);
    char *at = reserve(writer, writer->block, line->len);
    memcpy(at, line->str, line->len);
    writer->length = line->len;
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
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        form_clear(&writer->forms[kind], kind);
    for (uint32_t i = 0; i < writer->node_count; i++) {
        g_free(writer->nodes[i].host.text);
        g_free(writer->nodes[i].ref.text);
    }
    g_free(writer->nodes);
    g_byte_array_unref(writer->frame);
    g_free(writer->block);
    g_free(writer);
}
