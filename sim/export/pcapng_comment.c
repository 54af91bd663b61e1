/* Comments on the packets of a capture: what is known of the records before them. */
#include "export/pcapng_comment.h"

#include "core/check.h"
#include "export/timeline.h"

#include <string.h>

/* So many records back a packet's cause is found; an older one names no mail. A power of two. */
enum { MEMORY_RECORDS = 1 << 20 };

struct PcapngMemory {
    const Simulator *simulator;
    GHashTable *mail_numbers; /* name → its index in mails */
    GPtrArray *mails;         /* names; the first stands for no mail */
    /* Of the last MEMORY_RECORDS records, by seq modulo that number: an index in mails. */
    uint32_t *mail_of;
    GHashTable *faults; /* seq (pointing to uint64_t) → its words */
    const TraceFieldInfo *mail_fields[TRACE_KIND_COUNT];
};

PcapngMemory *pcapng_memory_new(const Simulator *simulator)
{
    PcapngMemory *memory = g_new0(PcapngMemory, 1);
    memory->simulator = simulator;
    memory->mail_numbers = g_hash_table_new(g_str_hash, g_str_equal);
    memory->mails = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(memory->mails, NULL);
    memory->mail_of = g_new0(uint32_t, MEMORY_RECORDS);
    memory->faults = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        memory->mail_fields[kind] = trace_kind_field(kind, "mail");
    return memory;
}

void pcapng_memory_free(PcapngMemory *memory)
{
    g_hash_table_unref(memory->faults);
    g_hash_table_unref(memory->mail_numbers);
    g_ptr_array_unref(memory->mails);
    g_free(memory->mail_of);
    g_free(memory);
}

/* ---- Mails ---- */

static uint32_t mail_number(PcapngMemory *memory, const char *name)
{
    gpointer number = g_hash_table_lookup(memory->mail_numbers, name);
    if (number == NULL) {
        number = GUINT_TO_POINTER(memory->mails->len);
        char *copy = g_strdup(name);
        g_ptr_array_add(memory->mails, copy);
        g_hash_table_insert(memory->mail_numbers, copy, number);
    }
    return GPOINTER_TO_UINT(number);
}

/* A message that an agent has got is not what it fetches next. */
static bool kind_is_of_fetching(TraceKind kind)
{
    return kind == TRACE_AGENT_FETCH || kind == TRACE_AGENT_RECEIVE || kind == TRACE_AGENT_READ;
}

/* The mail that a record is about, else that of what set it off. */
static uint32_t mail_of_record(PcapngMemory *memory, const TraceRecord *record)
{
    if (kind_is_of_fetching(record->kind))
        return 0;
    const TraceFieldInfo *field = memory->mail_fields[record->kind];
    const char *name = NULL;
    if (field != NULL)
        name = *(const TraceField_TEXT *)((const char *)record->fields + field->offset);
    if (name != NULL)
        return mail_number(memory, name);
    uint64_t cause = record->cause.nearest[TRACE_LEVEL_SEGMENT];
    bool is_remembered = cause != 0 && record->seq - cause < MEMORY_RECORDS;
    return is_remembered ? memory->mail_of[cause % MEMORY_RECORDS] : 0;
}

/* ---- Faults ---- */

/* What a packet can come because of: the timeline's doing, of which there is little. */
static bool kind_is_fault(TraceKind kind)
{
    return kind == TRACE_TIMELINE_ACTION || kind == TRACE_HOST_CRASH ||
           kind == TRACE_HOST_POWER_OFF || kind == TRACE_HOST_SHUTDOWN || kind == TRACE_LINK_DOWN ||
           kind == TRACE_DNS_FAIL;
}

static void note_fault(PcapngMemory *memory, const TraceRecord *record)
{
    g_autoptr(GString) words = g_string_new(simulator_node_name(memory->simulator, record->node));
    g_string_append(words, ": ");
    timeline_describe(memory->simulator, record, words);
    g_hash_table_insert(memory->faults, g_memdup2(&record->seq, sizeof record->seq),
                        g_strdup(words->str));
}

void pcapng_memory_note(PcapngMemory *memory, const TraceRecord *record)
{
    memory->mail_of[record->seq % MEMORY_RECORDS] = mail_of_record(memory, record);
    if (kind_is_fault(record->kind))
        note_fault(memory, record);
}

/* ---- The comment ---- */

static void put_because(const PcapngMemory *memory, uint64_t because, GString *out)
{
    g_string_append_printf(out, "; because of record %" G_GUINT64_FORMAT, because);
    const char *words = g_hash_table_lookup(memory->faults, &because);
    if (words != NULL)
        g_string_append_printf(out, ", %s", words);
}

/* Cuts the text behind its last whole character that fits. */
static void cut_comment(GString *out, gsize start)
{
    if (out->len - start <= PCAPNG_COMMENT_MAXIMUM)
        return;
    const char *limit = out->str + start + PCAPNG_COMMENT_MAXIMUM + 1;
    const char *end = g_utf8_find_prev_char(out->str + start, limit);
    g_string_truncate(out, (gsize)(end - out->str));
}

void pcapng_comment(const PcapngMemory *memory, const TraceRecord *record, GString *out)
{
    gsize start = out->len;
    g_string_append_printf(out, "record %" G_GUINT64_FORMAT, record->seq);
    uint64_t cause = record->cause.nearest[TRACE_LEVEL_SEGMENT];
    if (cause != 0)
        g_string_append_printf(out, ", set off by record %" G_GUINT64_FORMAT, cause);
    if (record->kind == TRACE_TCP_SEND)
        g_string_append_printf(out, "; %s", ((const TraceFields_TCP_SEND *)record->fields)->reason);
    const char *mail = memory->mails->pdata[memory->mail_of[record->seq % MEMORY_RECORDS]];
    if (mail != NULL)
        g_string_append_printf(out, "; mail %s", mail);
    if (record->because != 0)
        put_because(memory, record->because, out);
    cut_comment(out, start);
}
