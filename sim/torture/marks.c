/* Coverage marks from the trace. See marks.h.
 *
 * Most marks are a kind of record, with a field that has a value or holds a part of one. A few need
 * what happened before: they are at the end. */
#include "torture/marks.h"

#include "core/check.h"

#include <glib.h>
#include <string.h>

typedef struct MarkSpec {
    const char *name, *meaning;
    TraceKind kind;   /* TRACE_KIND_COUNT: it is recognised by what happened before */
    const char *key;  /* of a field; NULL: any record of the kind */
    const char *part; /* of its text; of a COUNT, the number */
} MarkSpec;

/* The marks that need a memory, in the order of their rows. */
typedef enum Remembered {
    MARK_SECOND_COPY,
    MARK_FOUND_DELIVERED,
    MARK_SECOND_HOP,
    MARK_RELAPSE,
    MARK_RECOVERED_AGAIN,
    MARKS_REMEMBERED,
} Remembered;

static const MarkSpec SPECS[] = {
    [MARK_SECOND_COPY] = {"second-copy", "a mail lies in a mailbox twice (RFC 1047)",
                          TRACE_KIND_COUNT, NULL, NULL},
    [MARK_FOUND_DELIVERED] = {"found-delivered",
                              "a mail is in its mailbox already, and the journal had lost that",
                              TRACE_KIND_COUNT, NULL, NULL},
    [MARK_SECOND_HOP] = {"backup-mx", "a backup MX, or another server between, passes a mail on",
                         TRACE_KIND_COUNT, NULL, NULL},
    [MARK_RELAPSE] = {"crash-in-recovery",
                      "a server goes down within a few ms of its start, with mail in its queue",
                      TRACE_KIND_COUNT, NULL, NULL},
    [MARK_RECOVERED_AGAIN] = {"recovered-again",
                              "a message is recovered a second time before anything came of it",
                              TRACE_KIND_COUNT, NULL, NULL},
    {"recovery", "a message is found on the disk after a start", TRACE_QUEUE_RECOVER, NULL, NULL},
    {"lost-250", "the connection fails after the final dot (RFC 1047)", TRACE_MAIL_UNCERTAIN, NULL,
     NULL},
    {"bounce", "a failure is told to the sender", TRACE_MAIL_BOUNCED, NULL, NULL},
    {"bounce-unknown-user", "the user does not exist", TRACE_MAIL_BOUNCED, "status", "5.1.1"},
    {"bounce-no-domain", "the domain does not exist", TRACE_MAIL_BOUNCED, "status", "5.1.2"},
    {"bounce-null-mx", "the domain takes no mail (RFC 7505)", TRACE_MAIL_BOUNCED, "status",
     "5.1.10"},
    {"bounce-too-large", "the message is too large for the next server", TRACE_MAIL_BOUNCED,
     "status", "5.3.4"},
    {"double-bounce", "a bounce cannot be delivered", TRACE_MAIL_DISCARDED, "rule",
     "a notification is never answered"},
    {"silent-failure", "a failure of which the sender does not want to know (RFC 3461)",
     TRACE_MAIL_DISCARDED, "rule", "NOTIFY"},
    {"expiry", "a message is past its lifetime", TRACE_MAIL_EXPIRED, NULL, NULL},
    {"delay-warning", "the sender is warned of a delay", TRACE_MAIL_DELAYED, NULL, NULL},
    {"success-notice", "the sender is told of success (RFC 3461)", TRACE_MAIL_CONFIRMED, NULL,
     NULL},
    {"disk-full", "a write fails for want of room", TRACE_DISK_FULL, NULL, NULL},
    {"disk-error", "an operation of the disk fails", TRACE_DISK_ERROR, NULL, NULL},
    {"reply-421", "a server sends its clients away", TRACE_SMTP_REPLY, "smtp.response.code", "421"},
    {"reply-450", "not now", TRACE_SMTP_REPLY, "smtp.response.code", "450"},
    {"reply-451", "a server's own error", TRACE_SMTP_REPLY, "smtp.response.code", "451"},
    {"reply-452", "a server has no room, or takes no more recipients", TRACE_SMTP_REPLY,
     "smtp.response.code", "452"},
    {"reply-550", "a recipient is refused", TRACE_SMTP_REPLY, "smtp.response.code", "550"},
    {"reply-552", "a message is too large", TRACE_SMTP_REPLY, "smtp.response.code", "552"},
    {"reply-554", "a message or client is refused", TRACE_SMTP_REPLY, "smtp.response.code", "554"},
    {"shutdown", "a server ends in good order", TRACE_HOST_SHUTDOWN, NULL, NULL},
    {"refused", "a connection is refused", TRACE_TCP_FAILED, "reason", "refused"},
    {"reset", "a connection is reset", TRACE_TCP_FAILED, "reason", "reset"},
    {"silence", "a connection times out", TRACE_TCP_FAILED, "reason", "timed out"},
    {"unreachable", "a host cannot be reached", TRACE_TCP_FAILED, "reason", "unreachable"},
    {"retransmission", "a segment is sent again", TRACE_TCP_SEND, "reason", "retransmission"},
    {"corruption", "a bit is turned over on the way", TRACE_LINK_CORRUPT, NULL, NULL},
    {"duplication", "a packet arrives twice", TRACE_LINK_DUPLICATE, NULL, NULL},
    {"name-timeout", "a name server does not answer", TRACE_DNS_TIMEOUT, NULL, NULL},
    {"name-failure", "a look-up fails for now", TRACE_DNS_RESULT, "outcome", "servfail"},
    {"name-unknown", "there is no such name", TRACE_DNS_RESULT, "outcome", "nxdomain"},
    {"agent-refused", "an agent cannot hand its mail over", TRACE_AGENT_FAILED, "action", "submit"},
};

_Static_assert(G_N_ELEMENTS(SPECS) <= MARKS_MAX, "MARKS_MAX is too small");

size_t marks_count(void)
{
    return G_N_ELEMENTS(SPECS);
}

const char *mark_name(size_t mark)
{
    return SPECS[mark].name;
}

const char *mark_meaning(size_t mark)
{
    return SPECS[mark].meaning;
}

size_t mark_find(const char *name)
{
    size_t mark = 0;
    while (mark < marks_count() && strcmp(SPECS[mark].name, name) != 0)
        mark++;
    return mark;
}

/* ---- The observer ---- */

/* A server that goes down so soon after its start is still recovering. */
#define RECOVERY_TIME (20 * SIM_MILLISECOND)

typedef struct HostMemory {
    SimTime started_at; /* its last restart */
    bool has_recovered; /* a message, since then */
} HostMemory;

struct MarksObserver {
    Marks marks;
    const TraceFieldInfo *fields[MARKS_MAX]; /* of those that have a key */
    GHashTable *copies;                      /* "mail recipient" of those delivered */
    GHashTable *relays;                      /* "mail recipient" -> the node that relayed it last */
    GHashTable *unsettled; /* "node entry" of those recovered of which nothing has come */
    GArray *hosts;         /* HostMemory, by NodeId */
};

static HostMemory *host_memory(const MarksObserver *observer, NodeId node)
{
    if (node >= observer->hosts->len)
        g_array_set_size(observer->hosts, node + 1);
    return &g_array_index(observer->hosts, HostMemory, node);
}

static void pass(MarksObserver *observer, Remembered mark)
{
    observer->marks.counts[mark]++;
}

static void on_delivered(MarksObserver *observer, const TraceFields_MAIL_DELIVERED *fields)
{
    char *key = g_strdup_printf("%s %s", fields->mail, fields->recipient);
    bool is_first = g_hash_table_add(observer->copies, key);
    if (fields->found != NULL)
        pass(observer, MARK_FOUND_DELIVERED);
    else if (!is_first)
        pass(observer, MARK_SECOND_COPY);
}

static void on_relayed(MarksObserver *observer, NodeId node, const TraceFields_MAIL_RELAYED *fields)
{
    char *key = g_strdup_printf("%s %s", fields->mail, fields->recipient);
    NodeId before = GPOINTER_TO_UINT(g_hash_table_lookup(observer->relays, key));
    if (before != 0 && before != node)
        pass(observer, MARK_SECOND_HOP);
    g_hash_table_replace(observer->relays, key, GUINT_TO_POINTER(node));
}

static void on_recover(MarksObserver *observer, NodeId node, const char *entry)
{
    host_memory(observer, node)->has_recovered = true;
    if (!g_hash_table_add(observer->unsettled, g_strdup_printf("%u %s", node, entry)))
        pass(observer, MARK_RECOVERED_AGAIN);
}

static void settle(const MarksObserver *observer, NodeId node, const char *entry)
{
    g_autofree char *key = g_strdup_printf("%u %s", node, entry);
    g_hash_table_remove(observer->unsettled, key);
}

static void on_down(MarksObserver *observer, NodeId node, SimTime now)
{
    HostMemory *host = host_memory(observer, node);
    if (host->has_recovered && now - host->started_at <= RECOVERY_TIME)
        pass(observer, MARK_RELAPSE);
    *host = (HostMemory){0};
}

/* The marks that need what happened before. */
static void remember(MarksObserver *observer, const TraceRecord *record)
{
    const void *fields = record->fields;
    switch (record->kind) {
    case TRACE_MAIL_DELIVERED:
        on_delivered(observer, fields);
        settle(observer, record->node, ((const TraceFields_MAIL_DELIVERED *)fields)->entry);
        break;
    case TRACE_MAIL_RELAYED:
        on_relayed(observer, record->node, fields);
        settle(observer, record->node, ((const TraceFields_MAIL_RELAYED *)fields)->entry);
        break;
    case TRACE_QUEUE_DEFER:
        settle(observer, record->node, ((const TraceFields_QUEUE_DEFER *)fields)->entry);
        break;
    case TRACE_QUEUE_REMOVE:
        settle(observer, record->node, ((const TraceFields_QUEUE_REMOVE *)fields)->entry);
        break;
    case TRACE_QUEUE_RECOVER:
        on_recover(observer, record->node, ((const TraceFields_QUEUE_RECOVER *)fields)->entry);
        break;
    case TRACE_HOST_RESTART:
        *host_memory(observer, record->node) = (HostMemory){.started_at = record->time};
        break;
    case TRACE_HOST_CRASH:
    case TRACE_HOST_POWER_OFF:
        on_down(observer, record->node, record->time);
        break;
    default:
        break;
    }
}

static bool span_has(Span text, const char *part)
{
    return memmem(text.data, text.length, part, strlen(part)) != NULL;
}

static bool meets(const TraceFieldInfo *field, const void *fields, const char *part)
{
    const void *at = (const char *)fields + field->offset;
    switch (field->type) {
    case TRACE_FIELD_TEXT: {
        const char *text = *(const char *const *)at;
        return text != NULL && strstr(text, part) != NULL;
    }
    case TRACE_FIELD_OCTETS:
        return span_has(*(const Span *)at, part);
    case TRACE_FIELD_COUNT:
        return *(const uint64_t *)at == g_ascii_strtoull(part, NULL, 10);
    default:
        return false;
    }
}

static void write_record(void *owner, const TraceRecord *record)
{
    MarksObserver *observer = owner;
    remember(observer, record);
    for (size_t i = MARKS_REMEMBERED; i < G_N_ELEMENTS(SPECS); i++) {
        if (SPECS[i].kind == record->kind &&
            (SPECS[i].key == NULL || meets(observer->fields[i], record->fields, SPECS[i].part)))
            observer->marks.counts[i]++;
    }
}

MarksObserver *marks_observer_new(Trace *trace)
{
    MarksObserver *observer = g_new0(MarksObserver, 1);
    for (size_t i = MARKS_REMEMBERED; i < G_N_ELEMENTS(SPECS); i++) {
        if (SPECS[i].key == NULL)
            continue;
        observer->fields[i] = trace_kind_field(SPECS[i].kind, SPECS[i].key);
        CHECK(observer->fields[i] != NULL);
    }
    observer->copies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    observer->relays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    observer->unsettled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    observer->hosts = g_array_new(FALSE, TRUE, sizeof(HostMemory));
    trace_add_sink(trace, (TraceSink){write_record, observer, TRACE_LEVEL_SEGMENT});
    return observer;
}

Marks marks_observer_take(MarksObserver *observer)
{
    Marks marks = observer->marks;
    g_hash_table_unref(observer->copies);
    g_hash_table_unref(observer->relays);
    g_hash_table_unref(observer->unsettled);
    g_array_unref(observer->hosts);
    g_free(observer);
    return marks;
}
