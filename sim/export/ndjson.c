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

typedef struct FieldForm {
    Piece key; /* ,"mail": with a reference's quote */
    TraceFieldType type;
    uint32_t offset; /* in the kind's struct */
} FieldForm;

/* What is the same in every record of a kind. */
typedef struct Form {
    Piece head; /* ,"kind":"mail.accepted","host":" */
    FieldForm *fields;
    size_t field_count;
    size_t bound; /* octets of a record, without its nodes' names and what is in its texts */
    size_t names; /* of nodes, at most */
} Form;

typedef struct NodeForm {
    Piece host; /* alice.laptop","cause": */
    Piece ref;  /* alice.laptop# */
} NodeForm;

enum { SHORT_TEXT_SIZE = 2 * NDJSON_STRIDE };

/* A number or an address as it was written last: records close together have many in common. */
typedef struct ShortText {
    uint64_t number;
    uint32_t length; /* 0: none was */
    char text[SHORT_TEXT_SIZE];
} ShortText;

enum { RECENT_ADDRESSES = 64 };

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
    ShortText seq, time, cause; /* of the record before */
    ShortText addresses[RECENT_ADDRESSES];
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

/* Copies more than there is of it, as pieces are copied. */
static inline char *put_short(char *at, const ShortText *text)
{
    memcpy(at, text->text, SHORT_TEXT_SIZE);
    return at + text->length;
}

static void short_end(ShortText *text, const char *end)
{
    text->length = (uint32_t)(end - text->text);
}

/* The number of this record, which nearly always is that of the record before and one. */
static char *put_seq(char *at, ShortText *seq, uint64_t number)
{
    bool is_next = seq->length > 0 && number == seq->number + 1 && seq->text[seq->length - 1] < '9';
    if (is_next)
        seq->text[seq->length - 1]++;
    else
        short_end(seq, ndjson_put_unsigned(seq->text, number));
    seq->number = number;
    return put_short(at, seq);
}

/* The cause often is the record before, or that record's cause. */
static char *put_cause(NdjsonWriter *writer, char *at, uint64_t cause, const ShortText *before)
{
    ShortText *last = &writer->cause;
    if (last->length == 0 || last->number != cause) {
        if (before->length > 0 && before->number == cause)
            *last = *before;
        else
            short_end(last, ndjson_put_unsigned(last->text, cause));
        last->number = cause;
    }
    return put_short(at, last);
}

/* Several records tell of one moment. */
static char *put_moment(char *at, ShortText *moment, SimTime time)
{
    if (moment->length == 0 || moment->number != (uint64_t)time) {
        short_end(moment, ndjson_put_signed(moment->text, time));
        moment->number = (uint64_t)time;
    }
    return put_short(at, moment);
}

/* A time within a record often is the record's own. */
static char *put_time(const NdjsonWriter *writer, char *at, SimTime time)
{
    return writer->time.number == (uint64_t)time ? put_short(at, &writer->time)
                                                 : ndjson_put_signed(at, time);
}

static char *put_ref(const NdjsonWriter *writer, char *at, TraceRef ref)
{
    at = put_piece(at, &writer->nodes[ref.node].ref);
    return NDJSON_PUT(ndjson_put_unsigned(at, ref.number), "\"");
}

static char *format_ip(char *at, Ipv4Address address)
{
    at = NDJSON_PUT(at, "\"");
    for (unsigned shift = 24; shift > 0; shift -= 8)
        at = NDJSON_PUT(ndjson_put_unsigned(at, address >> shift & 0xff), ".");
    return NDJSON_PUT(ndjson_put_unsigned(at, address & 0xff), "\"");
}

static char *put_ip(NdjsonWriter *writer, char *at, Ipv4Address address)
{
    ShortText *recent = &writer->addresses[(address ^ address >> 8) % RECENT_ADDRESSES];
    if (recent->length == 0 || recent->number != address) {
        short_end(recent, format_ip(recent->text, address));
        recent->number = address;
    }
    return put_short(at, recent);
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
    form->fields = g_new0(FieldForm, info->field_count);
    form->field_count = info->field_count;
    form->bound =
        FRAME + 4 * (size_t)NDJSON_NUMBER_SIZE + form->head.length + (size_t)SHORT_TEXT_SIZE;
    form->names = 1;
    for (size_t i = 0; i < info->field_count; i++) {
        const TraceFieldInfo *field = &info->fields[i];
        bool is_ref = field->type == TRACE_FIELD_REF;
        Piece key = piece_take(g_strdup_printf(is_ref ? ",\"%s\":\"" : ",\"%s\":", field->key));
        form->fields[i] = (FieldForm){key, field->type, (uint32_t)field->offset};
        form->bound += key.length + field_bound(field->type);
        form->names += is_ref;
    }
}

static void form_clear(Form *form)
{
    g_free(form->head.text);
    for (size_t i = 0; i < form->field_count; i++)
        g_free(form->fields[i].key.text);
    g_free(form->fields);
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

static char *put_octets(NdjsonWriter *writer, char *at, const Piece *key, Span text, size_t more)
{
    return put_long_string(writer, put_piece(at, key), text, more);
}

/* The field with its key, unless it is absent. There is room for the record but for its texts; a
 * text leaves as much behind it. */
static inline char *put_field(NdjsonWriter *writer, char *at, const FieldForm *field,
                              const void *value, size_t bound)
{
    const Piece *key = &field->key;
    switch (field->type) {
    case TRACE_FIELD_TEXT: {
        const char *text = *(const TraceField_TEXT *)value;
        return text == NULL ? at : put_octets(writer, at, key, span_of_text(text), bound);
    }
    case TRACE_FIELD_OCTETS: {
        Span octets = *(const TraceField_OCTETS *)value;
        return octets.data == NULL ? at : put_octets(writer, at, key, octets, bound);
    }
    case TRACE_FIELD_COUNT:
        return ndjson_put_unsigned(put_piece(at, key), *(const TraceField_COUNT *)value);
    case TRACE_FIELD_TIME: {
        SimTime time = *(const TraceField_TIME *)value;
        return time == SIM_NEVER ? at : put_time(writer, put_piece(at, key), time);
    }
    case TRACE_FIELD_FLAG:
        at = put_piece(at, key);
        return *(const TraceField_FLAG *)value ? NDJSON_PUT(at, "true") : NDJSON_PUT(at, "false");
    case TRACE_FIELD_REF: {
        TraceRef ref = *(const TraceField_REF *)value;
        return ref.number == 0 ? at : put_ref(writer, put_piece(at, key), ref);
    }
    case TRACE_FIELD_IP:
        return put_ip(writer, put_piece(at, key), *(const TraceField_IP *)value);
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
    const Form *form = &writer->forms[record->kind];
    /* Whoever a record refers to was there before it was written. */
    if (writer->node_count < simulator_node_count(trace_simulator(writer->trace)))
        learn_nodes(writer);
    size_t bound = form->bound + form->names * writer->longest_name;
    char *at = reserve(writer, writer->block + writer->length, bound);
    ShortText before = writer->seq;
    at = put_seq(NDJSON_PUT(at, "{\"seq\":"), &writer->seq, record->seq);
    at = put_moment(NDJSON_PUT(at, ",\"t\":"), &writer->time, record->time);
    at = put_piece(at, &form->head);
    at = put_piece(at, &writer->nodes[record->node].host);
    at = put_cause(writer, at, record->cause.nearest[writer->level], &before);
    if (record->because != 0)
        at = ndjson_put_unsigned(NDJSON_PUT(at, ",\"because\":"), record->because);
    const char *fields = record->fields;
    for (const FieldForm *field = form->fields, *end = field + form->field_count; field < end;
         field++)
        at = put_field(writer, at, field, fields + field->offset, bound);
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
        form_clear(&writer->forms[kind]);
    for (uint32_t i = 0; i < writer->node_count; i++) {
        g_free(writer->nodes[i].host.text);
        g_free(writer->nodes[i].ref.text);
    }
    g_free(writer->nodes);
    g_byte_array_unref(writer->frame);
    g_free(writer->block);
    g_free(writer);
}
