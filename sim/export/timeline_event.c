/* Records as events of a timeline. See timeline_event.h. */
#include "export/timeline_event.h"

#include "core/text.h"
#include "export/timeline.h"

#include <string.h>

/* Whom a reader takes a mail to be from: its author, or what was said of its envelope since. */
typedef struct Told {
    char *sender;
    NodeId node;  /* where that was said last, and when: of its other recipients there, again */
    SimTime time; /* SIM_NEVER: it is the author's */
} Told;

struct TimelineReader {
    Trace *trace;
    TraceLevel level;
    char *follow;
    GHashTable *peers; /* "node#number" of one end of a connection -> NodeId of the other, plus 1 */
    GHashTable *told;  /* name of a mail -> Told */
    GHashTable *followed; /* seq of records that belong to the mail; NULL when none is followed */
};

static void told_free(gpointer data)
{
    Told *told = data;
    g_free(told->sender);
    g_free(told);
}

void timeline_event_free(TimelineEvent *event)
{
    g_free(event->text);
    g_free(event);
}

TimelineReader *timeline_reader_new(Trace *trace, TraceLevel level, const char *follow)
{
    TimelineReader *reader = g_new0(TimelineReader, 1);
    reader->trace = trace;
    reader->level = level;
    reader->follow = g_strdup(follow);
    reader->peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    reader->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, told_free);
    if (follow != NULL)
        reader->followed = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return reader;
}

void timeline_reader_free(TimelineReader *reader)
{
    g_free(reader->follow);
    g_hash_table_unref(reader->peers);
    g_hash_table_unref(reader->told);
    g_clear_pointer(&reader->followed, g_hash_table_unref);
    g_free(reader);
}

/* ---- Whom an arrow points to ---- */

static const void *field_of(const TraceRecord *record, const char *key, TraceFieldType type)
{
    const TraceFieldInfo *field = trace_kind_field(record->kind, key);
    if (field == NULL || field->type != type)
        return NULL;
    return (const char *)record->fields + field->offset;
}

const char *timeline_record_text(const TraceRecord *record, const char *key)
{
    const TraceField_TEXT *text = field_of(record, key, TRACE_FIELD_TEXT);
    return text != NULL ? *text : NULL;
}

static NodeId node_named(const Simulator *simulator, const char *name)
{
    for (NodeId node = 1; name != NULL && node < simulator_node_count(simulator); node++) {
        if (strcmp(simulator_node_name(simulator, node), name) == 0)
            return node;
    }
    return TIMELINE_NO_PEER;
}

static char *connection_key(TraceRef connection)
{
    return g_strdup_printf("%" G_GUINT32_FORMAT "#%" G_GUINT64_FORMAT, connection.node,
                           connection.number);
}

/* Keeps who is at the other end of a connection that begins. */
static void note_connection(TimelineReader *reader, const TraceRecord *record)
{
    const TraceField_REF *connection = field_of(record, "connection", TRACE_FIELD_REF);
    NodeId peer =
        node_named(trace_simulator(reader->trace), timeline_record_text(record, "remote"));
    if (connection != NULL && peer != TIMELINE_NO_PEER)
        g_hash_table_insert(reader->peers, connection_key(*connection), GUINT_TO_POINTER(peer + 1));
}

static NodeId connection_peer(const TimelineReader *reader, const TraceRecord *record)
{
    const TraceField_REF *connection = field_of(record, "connection", TRACE_FIELD_REF);
    if (connection == NULL)
        return TIMELINE_NO_PEER;
    g_autofree char *key = connection_key(*connection);
    guint peer = GPOINTER_TO_UINT(g_hash_table_lookup(reader->peers, key));
    return peer > 0 ? peer - 1 : TIMELINE_NO_PEER;
}

/* At level MAIL there is no dialogue, so the arrows are those of the messages themselves. */
static NodeId message_peer(const TimelineReader *reader, const TraceRecord *record)
{
    const Simulator *simulator = trace_simulator(reader->trace);
    if (record->kind == TRACE_AGENT_SUBMIT || record->kind == TRACE_AGENT_FETCH)
        return node_named(simulator, timeline_record_text(record, "server"));
    if (record->kind == TRACE_MAIL_RELAYED)
        return node_named(simulator, timeline_record_text(record, "next"));
    return TIMELINE_NO_PEER;
}

static NodeId peer_of(TimelineReader *reader, const TraceRecord *record)
{
    if (record->kind == TRACE_TCP_CONNECT || record->kind == TRACE_TCP_ESTABLISHED)
        note_connection(reader, record);
    switch ((int)record->kind) {
    case TRACE_TCP_CONNECT:
    case TRACE_TCP_SEND:
    case TRACE_SMTP_COMMAND:
    case TRACE_SMTP_REPLY:
    case TRACE_SMTP_CONTENT:
    case TRACE_IMAP_COMMAND:
    case TRACE_IMAP_RESPONSE:
        return connection_peer(reader, record);
    }
    return reader->level == TRACE_LEVEL_MAIL ? message_peer(reader, record) : TIMELINE_NO_PEER;
}

/* ---- Following one mail ---- */

/* What concerns everybody: machines, links, names, the author's remarks. */
static bool is_common(const TraceRecord *record)
{
    static const char *const PREFIXES[] = {"host.",    "timeline.note", "link.down", "link.up",
                                           "dns.fail", "dns.fix",       "dns.set"};
    const char *name = trace_kind_info(record->kind)->name;
    for (size_t i = 0; i < G_N_ELEMENTS(PREFIXES); i++) {
        if (g_str_has_prefix(name, PREFIXES[i]))
            return true;
    }
    return false;
}

/* `lunch` itself, `lunch.bounce`, `lunch.delay`, but not `lunchbox` nor a repetition, `lunch.2`. */
static bool is_name_of(const char *name, const char *mail)
{
    size_t length = strlen(mail);
    return strncmp(name, mail, length) == 0 &&
           (name[length] == '\0' || (name[length] == '.' && !g_ascii_isdigit(name[length + 1])));
}

/* A record that names a mail belongs to that one; any other to the mail of the record that set it
 * off. */
static bool is_followed(TimelineReader *reader, const TraceRecord *record)
{
    if (reader->followed == NULL)
        return true;
    const char *mail = timeline_record_text(record, "mail");
    gint64 cause = (gint64)record->cause.nearest[reader->level];
    bool belongs = mail != NULL ? is_name_of(mail, reader->follow)
                                : g_hash_table_contains(reader->followed, &cause);
    if (!belongs)
        return is_common(record);
    gint64 *seq = g_new(gint64, 1);
    *seq = (gint64)record->seq;
    g_hash_table_add(reader->followed, seq);
    return true;
}

/* ---- The envelope's sender ---- */

static void tell(TimelineReader *reader, const char *mail, Told told)
{
    g_hash_table_insert(reader->told, g_strdup(mail), g_memdup2(&told, sizeof told));
}

static void note_author(TimelineReader *reader, const TraceRecord *record)
{
    const TraceFields_AGENT_COMPOSE *composed = record->fields;
    if (composed->mail != NULL && composed->from != NULL)
        tell(reader, composed->mail, (Told){g_strdup(composed->from), record->node, SIM_NEVER});
}

static bool is_news(const Told *told, const char *sender, const TraceRecord *record)
{
    return told == NULL || strcmp(told->sender, sender) != 0 ||
           (told->node == record->node && told->time == record->time);
}

/* Most mails come from whoever wrote them. Where that is not so, and of what nobody wrote, such as
 * a bounce with its `<>` (RFC 5321 §4.5.5), the sender is said once, until it changes. */
static void put_sender(TimelineReader *reader, const TraceRecord *record, GString *text)
{
    const TraceFields_MAIL_ACCEPTED *accepted = record->fields;
    if (accepted->mail == NULL || accepted->sender == NULL)
        return;
    if (!is_news(g_hash_table_lookup(reader->told, accepted->mail), accepted->sender, record))
        return;
    g_string_append(text, ", sender <");
    text_append_shown(text, span_of_text(accepted->sender));
    g_string_append_c(text, '>');
    tell(reader, accepted->mail, (Told){g_strdup(accepted->sender), record->node, record->time});
}

/* Where every packet is, all is shown; where none is, still that TLS begins, which is simulated. */
static bool is_shown(const TimelineReader *reader, const TraceRecord *record, TimelineTone tone)
{
    if (tone != TIMELINE_DETAIL || reader->level >= TRACE_LEVEL_SEGMENT)
        return true;
    const TraceFields_SMTP_STATE *state = record->fields;
    return record->kind == TRACE_SMTP_STATE && g_strcmp0(state->to, "TLS") == 0 &&
           g_strcmp0(state->machine, "smtp-client") == 0;
}

TimelineEvent *timeline_reader_read(TimelineReader *reader, const TraceRecord *record)
{
    NodeId peer = peer_of(reader, record);
    const TimelinePhrase *phrase = timeline_phrase(record->kind);
    if (record->kind == TRACE_AGENT_COMPOSE)
        note_author(reader, record);
    bool is_wanted = is_followed(reader, record) && is_shown(reader, record, phrase->tone);
    if (!is_wanted)
        return NULL;
    GString *text = g_string_new(NULL);
    timeline_describe(trace_simulator(reader->trace), record, text);
    if (record->kind == TRACE_MAIL_ACCEPTED)
        put_sender(reader, record, text);
    TimelineEvent *event = g_new(TimelineEvent, 1);
    *event = (TimelineEvent){record->time, record->kind, record->node,
                             peer,         phrase->tone, g_string_free(text, FALSE)};
    return event;
}
