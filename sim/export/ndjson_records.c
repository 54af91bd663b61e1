/* Records as lines of NDJSON: a function for each kind, made from the list of kinds, so that the
 * compiler knows where each field lies and what stands before it. */
#include "core/sanitized.h"
#include "export/ndjson_internal.h"

/* ---- Which fields are there ---- */

static inline bool is_there_TEXT(TraceField_TEXT text)
{
    return text != NULL;
}

static inline bool is_there_NAME(TraceField_NAME name)
{
    return name != NULL;
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
    return octets.length > NDJSON_SHORT ? ndjson_put_long_string(writer, at, octets)
                                        : ndjson_put_string(at, octets);
}

static char *put_TEXT(NdjsonWriter *writer, char *at, TraceField_TEXT text)
{
    return put_OCTETS(writer, at, span_of_text(text));
}

/* Whoever records a name promises that it stays, with its text: one in memory that is used anew
 * would be written as what stood there before. */
static bool is_as_remembered(char *at, const NdjsonName *place)
{
    size_t length = (size_t)(ndjson_put_string(at, span_of_text(place->name)) - at);
    return length == place->length && memcmp(at, place->text, length) == 0;
}

static char *put_NAME(NdjsonWriter *writer, char *at, TraceField_NAME name)
{
    uint64_t mixed = (uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15);
    NdjsonName *place = &writer->names[mixed >> (64 - NDJSON_NAME_BITS)];
    if (G_UNLIKELY(place->name != name))
        return ndjson_put_new_name(writer, at, place, name);
    CHECK_SANITIZED(is_as_remembered(at, place));
    memcpy(at, place->text, sizeof place->text);
    return at + place->length;
}

static inline char *put_COUNT(const NdjsonWriter *writer, char *at, TraceField_COUNT count)
{
    (void)writer;
    return digits_put(at, count);
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
    const NdjsonBeginning *record = &writer->beginning;
    if (record->time == time) {
        memcpy(at, record->text + record->time_at, DIGITS_SIZE);
        return at + (record->length - record->time_at);
    }
    return digits_put_led_eight(at, &writer->time_lead, time);
}

static inline char *put_FLAG(const NdjsonWriter *writer, char *at, TraceField_FLAG flag)
{
    (void)writer;
    return flag ? NDJSON_PUT(at, "true") : NDJSON_PUT(at, "false");
}

static char *put_REF(NdjsonWriter *writer, char *at, TraceField_REF ref)
{
    bool is_known = ref.node < writer->node_count;
    if (G_UNLIKELY(!is_known || writer->nodes[ref.node].ref_length == 0))
        return ndjson_put_rare_ref(writer, at, ref);
    const NdjsonNodeForm *node = &writer->nodes[ref.node];
    memcpy(at, node->ref, sizeof node->ref);
    return NDJSON_PUT(digits_put(at + node->ref_length, ref.number), "\"");
}

static char *format_ip(char *at, Ipv4Address address)
{
    at = NDJSON_PUT(at, "\"");
    for (unsigned shift = 24; shift > 0; shift -= 8)
        at = NDJSON_PUT(digits_put(at, address >> shift & 0xff), ".");
    return NDJSON_PUT(digits_put(at, address & 0xff), "\"");
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
    writer->cause_lead = digits_lead_new(DIGITS_FOUR);
    writer->time_lead = digits_lead_new(DIGITS_EIGHT);
    writer->beginning.first_seq = UINT64_MAX / 2;
    for (size_t i = 0; i < NDJSON_RECENT_ADDRESSES; i++)
        remember_ip(&writer->addresses[i], 0);
}

/* ---- Records ---- */

/* put_MAIL_ACCEPTED(), …: the kind's own fields. */
#define KIND(id, name, level, meaning)                                                             \
    static char *put_##id(NdjsonWriter *writer, char *at, const void *of_kind)                     \
    {                                                                                              \
        const TraceFields_##id *fields = of_kind;
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

/* What is the same in all records of a kind. */
typedef struct Form {
    char *(*put)(NdjsonWriter *writer, char *at, const void *of_kind);
    size_t length;
    char head[48]; /* ,"kind":"mail.accepted","host": copied as a whole */
} Form;

#define FORM_HEAD(name)                ",\"kind\":\"" name "\",\"host\":"
#define KIND(id, name, level, meaning) {put_##id, sizeof FORM_HEAD(name) - 1, FORM_HEAD(name)},
#define FIELD(id, type, name, key, meaning)
#define END(id)
static const Form FORMS[] = {
#include "trace/kinds.def"
};
#undef KIND
#undef FIELD
#undef END

/* Makes it that of the record and of what follows at the same time. */
G_GNUC_NO_INLINE static void begin_anew(NdjsonWriter *writer, uint64_t seq, SimTime time)
{
    NdjsonBeginning *beginning = &writer->beginning;
    char *at = beginning->text + beginning->time_at;
    if (seq - beginning->first_seq >= 100) {
        digits_lead_move(&writer->cause_lead, DIGITS_FOUR, seq);
        at = digits_put(NDJSON_PUT(beginning->text, "{\"seq\":"), seq);
        /* Before 10 there are no two digits to be changed: each begins anew. */
        beginning->first_seq = seq < 10 ? UINT64_MAX / 2 : seq - seq % 100;
        beginning->seq_at = (uint32_t)(at - 2 - beginning->text);
        at = NDJSON_PUT(at, ",\"t\":");
        beginning->time_at = (uint32_t)(at - beginning->text);
    }
    if ((uint64_t)time - writer->time_lead.first >= DIGITS_EIGHT)
        digits_lead_move(&writer->time_lead, DIGITS_EIGHT, (uint64_t)time);
    at = digits_put_led_eight(at, &writer->time_lead, time);
    beginning->time = time;
    beginning->length = (uint32_t)(at - beginning->text);
}

/* The number is that of the record before and one, and several records tell of one moment. */
static inline char *put_beginning(NdjsonWriter *writer, char *at, uint64_t seq, SimTime time)
{
    NdjsonBeginning *beginning = &writer->beginning;
    if (beginning->time != time || seq - beginning->first_seq >= 100)
        begin_anew(writer, seq, time);
    memcpy(at, beginning->text, NDJSON_BEGINNING);
    if (G_LIKELY(seq >= 10))
        digits_put_two(at + beginning->seq_at, (uint32_t)(seq - beginning->first_seq));
    return at + beginning->length;
}

/* With the key of what follows. */
static inline char *put_host(NdjsonWriter *writer, char *at, NodeId id)
{
    bool is_known = id < writer->node_count;
    if (G_UNLIKELY(!is_known || writer->nodes[id].host_length == 0))
        return ndjson_put_rare_host(writer, at, id);
    const NdjsonNodeForm *node = &writer->nodes[id];
    memcpy(at, node->host, sizeof node->host);
    return at + node->host_length;
}

void ndjson_write(void *owner, const TraceRecord *record)
{
    NdjsonWriter *writer = owner;
    const Form *form = &FORMS[record->kind];
    char *at = put_beginning(writer, writer->block + writer->length, record->seq, record->time);
    memcpy(at, form->head, sizeof form->head);
    at = put_host(writer, at + form->length, record->node);
    at = digits_put_led_four(at, &writer->cause_lead, record->cause.nearest[writer->level]);
    if (record->because != 0)
        at = digits_put(NDJSON_PUT(at, ",\"because\":"), record->because);
    at = form->put(writer, at, record->fields);
    if (writer->has_frames)
        at = ndjson_put_frame(writer, at, record);
    at = NDJSON_PUT(at, "}\n");
    writer->length = (size_t)(at - writer->block);
    if (writer->length >= NDJSON_BLOCK)
        ndjson_writer_flush(writer);
}

/* ---- Room ---- */

enum {
    /* The common ones: four numbers, the node's name, and copying up to two pieces too much. */
    SIZE_FRAME = sizeof "{\"seq\":,\"t\":,\"kind\":\"\",\"host\":,\"because\":,\"frame\":}\n" +
                 4 * DIGITS_SIZE + 3 * NDJSON_PIECE,
    SIZE_TEXT = NDJSON_SHORT * NDJSON_ESCAPE_SIZE + 2,
    SIZE_NAME = SIZE_TEXT,
    SIZE_OCTETS = SIZE_TEXT,
    SIZE_COUNT = DIGITS_SIZE,
    SIZE_TIME = DIGITS_SIZE,
    SIZE_FLAG = sizeof "false",
    SIZE_REF = NDJSON_PIECE + DIGITS_SIZE + 1,
    SIZE_IP = NDJSON_IP_SIZE,
};

/* Each kind's record as large as it can be; a union is as large as the largest. */
#define KIND(id, name, level, meaning)      char id[(size_t)SIZE_FRAME + sizeof name
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
