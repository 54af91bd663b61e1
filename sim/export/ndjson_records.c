/* Records as lines of NDJSON: a function for each kind, made from the list of kinds, so that the
 * compiler knows where each field lies and what stands before it. */
#include "export/ndjson_internal.h"

/* ---- Which fields are there ---- */

static inline bool is_there_TEXT(TraceField_TEXT text)
{
    return text != NULL;
}

static inline bool is_there_OCTETS(TraceField_OCTETS octets)
{
    return octets.data != NULL;
}

static inline bool is_there_COUNT(TraceField_COUNT count)
{
    (void)count;
    return true;
}

static inline bool is_there_TIME(TraceField_TIME time)
{
    return time != SIM_NEVER;
}

static inline bool is_there_FLAG(TraceField_FLAG flag)
{
    (void)flag;
    return true;
}

static inline bool is_there_REF(TraceField_REF ref)
{
    return ref.number != 0;
}

static inline bool is_there_IP(TraceField_IP address)
{
    (void)address;
    return true;
}

/* ---- Values ---- */

static char *put_OCTETS(NdjsonWriter *writer, char *at, TraceField_OCTETS octets)
{
    if (octets.length > NDJSON_SHORT)
        at = ndjson_make_room(writer, at, octets.length * NDJSON_ESCAPE_SIZE + 2);
    return ndjson_put_string(at, octets);
}

static char *put_TEXT(NdjsonWriter *writer, char *at, TraceField_TEXT text)
{
    return put_OCTETS(writer, at, span_of_text(text));
}

static inline char *put_COUNT(const NdjsonWriter *writer, char *at, TraceField_COUNT count)
{
    (void)writer;
    return ndjson_put_unsigned(at, count);
}

/* Copies more than there is of it, as pieces are copied. */
static inline char *put_short(char *at, const NdjsonShortText *text)
{
    memcpy(at, text->text, sizeof text->text);
    return at + text->length;
}

/* A time within a record often is the record's own, and else not far from it. */
static char *put_TIME(const NdjsonWriter *writer, char *at, TraceField_TIME time)
{
    if (writer->time.number == (uint64_t)time)
        return put_short(at, &writer->time);
    return ndjson_put_led_eight(at, &writer->time_lead, time);
}

static inline char *put_FLAG(const NdjsonWriter *writer, char *at, TraceField_FLAG flag)
{
    (void)writer;
    return flag ? NDJSON_PUT(at, "true") : NDJSON_PUT(at, "false");
}

static inline char *put_piece(NdjsonWriter *writer, char *at, const NdjsonPiece *piece)
{
    if (G_UNLIKELY(piece->length > NDJSON_PIECE)) {
        at = ndjson_make_room(writer, at, piece->length);
        memcpy(at, piece->text, piece->length);
    } else {
        memcpy(at, piece->text, NDJSON_PIECE);
    }
    return at + piece->length;
}

/* Nodes may be added until the run begins, so they are looked for when records name them. */
static inline const NdjsonNodeForm *node_form(NdjsonWriter *writer, NodeId node)
{
    if (G_UNLIKELY(node >= writer->node_count))
        ndjson_learn_nodes(writer);
    return &writer->nodes[node];
}

static char *put_REF(NdjsonWriter *writer, char *at, TraceField_REF ref)
{
    at = put_piece(writer, at, &node_form(writer, ref.node)->ref);
    return NDJSON_PUT(ndjson_put_unsigned(at, ref.number), "\"");
}

static char *format_ip(char *at, Ipv4Address address)
{
    at = NDJSON_PUT(at, "\"");
    for (unsigned shift = 24; shift > 0; shift -= 8)
        at = NDJSON_PUT(ndjson_put_unsigned(at, address >> shift & 0xff), ".");
    return NDJSON_PUT(ndjson_put_unsigned(at, address & 0xff), "\"");
}

static void remember_ip(NdjsonShortText *recent, Ipv4Address address)
{
    recent->number = address;
    recent->length = (uint32_t)(format_ip(recent->text, address) - recent->text);
}

static char *put_IP(NdjsonWriter *writer, char *at, TraceField_IP address)
{
    NdjsonShortText *recent =
        &writer->addresses[(address ^ address >> 8) % NDJSON_RECENT_ADDRESSES];
    if (recent->number != address)
        remember_ip(recent, address);
    return put_short(at, recent);
}

void ndjson_init_numbers(NdjsonWriter *writer)
{
    writer->seq_lead = ndjson_lead_new(NDJSON_FOUR_DIGITS);
    writer->time_lead = ndjson_lead_new(NDJSON_EIGHT_DIGITS);
    writer->time = (NdjsonShortText){0, 1, "0"};
    for (size_t i = 0; i < NDJSON_RECENT_ADDRESSES; i++)
        remember_ip(&writer->addresses[i], 0);
}

/* ---- Records ---- */

/* Where it happened, and why. */
static char *put_origin(NdjsonWriter *writer, char *at, const TraceRecord *record)
{
    at = put_piece(writer, at, &node_form(writer, record->node)->host);
    at = ndjson_put_led_four(at, &writer->seq_lead, record->cause.nearest[writer->level]);
    if (record->because == 0)
        return at;
    return ndjson_put_unsigned(NDJSON_PUT(at, ",\"because\":"), record->because);
}

/* put_MAIL_ACCEPTED(), …: from the kind on. */
#define KIND(id, name, level, meaning)                                                             \
    static char *put_##id(NdjsonWriter *writer, char *at, const TraceRecord *record)               \
    {                                                                                              \
        const TraceFields_##id *fields = record->fields;                                           \
        at = NDJSON_PUT(at, ",\"kind\":\"" name "\",\"host\":");                                   \
        at = put_origin(writer, at, record);
#define FIELD(id, type, name, key, meaning)                                                        \
    if (is_there_##type(fields->name))                                                             \
        at = put_##type(writer, NDJSON_PUT(at, ",\"" key "\":"), fields->name);
#define END(id)                                                                                    \
    return at;                                                                                     \
    }
#include "trace/kinds.def"
#undef KIND
#undef FIELD
#undef END

#define KIND(id, name, level, meaning) put_##id,
#define FIELD(id, type, name, key, meaning)
#define END(id)
static char *(*const PUT_BY_KIND[])(NdjsonWriter *, char *, const TraceRecord *) = {
#include "trace/kinds.def"
};
#undef KIND
#undef FIELD
#undef END

/* The number is that of the record before and one, the time often the same. */
static char *put_seq_and_time(NdjsonWriter *writer, char *at, uint64_t seq, SimTime time)
{
    if (seq - writer->seq_lead.first >= NDJSON_FOUR_DIGITS)
        ndjson_lead_move(&writer->seq_lead, NDJSON_FOUR_DIGITS, seq);
    at = ndjson_put_led_four(NDJSON_PUT(at, "{\"seq\":"), &writer->seq_lead, seq);
    NdjsonShortText *last = &writer->time;
    if (last->number != (uint64_t)time) {
        last->number = (uint64_t)time;
        if (last->number - writer->time_lead.first >= NDJSON_EIGHT_DIGITS)
            ndjson_lead_move(&writer->time_lead, NDJSON_EIGHT_DIGITS, last->number);
        const char *end = ndjson_put_led_eight(last->text, &writer->time_lead, time);
        last->length = (uint32_t)(end - last->text);
    }
    return put_short(NDJSON_PUT(at, ",\"t\":"), last);
}

char *ndjson_put_record(NdjsonWriter *writer, char *at, const TraceRecord *record)
{
    at = put_seq_and_time(writer, at, record->seq, record->time);
    return PUT_BY_KIND[record->kind](writer, at, record);
}

/* ---- Room ---- */

enum {
    SIZE_TEXT = NDJSON_SHORT * NDJSON_ESCAPE_SIZE + 2,
    SIZE_OCTETS = SIZE_TEXT,
    SIZE_COUNT = NDJSON_NUMBER_SIZE,
    SIZE_TIME = NDJSON_NUMBER_SIZE,
    SIZE_FLAG = sizeof "false",
    SIZE_REF = NDJSON_PIECE + NDJSON_NUMBER_SIZE + 1,
    SIZE_IP = NDJSON_IP_SIZE,
};

static const char FRAME[] = "{\"seq\":,\"t\":,\"kind\":\"\",\"host\":,\"because\":,\"frame\":}\n";

/* Each kind's record as large as it can be; the largest of all is as large as the union. What is
 * copied as a whole may stick out by one more piece. */
#define KIND(id, name, level, meaning)                                                             \
    char id[sizeof FRAME + sizeof name + 2 * (size_t)NDJSON_PIECE + 4 * (size_t)NDJSON_NUMBER_SIZE
#define FIELD(id, type, name, key, meaning) +sizeof ",\"\":" key + (size_t)SIZE_##type
#define END(id)                                                                                    \
    ];
typedef union LargestRecord {
#include "trace/kinds.def"
} LargestRecord;
#undef KIND
#undef FIELD
#undef END

size_t ndjson_record_size(void)
{
    return sizeof(LargestRecord);
}
