/* Facts of a run, gathered from its trace: for the summary, for expectations, for --facts.
 *
 * Facts come in four groups: mails with their recipients, hosts, totals of the network, and events
 * that somebody asked to count before the run. All can be read at any time, and mean "until now".
 * Times are SIM_NEVER for what has not happened. */
#pragma once

#include "audit/roster.h"
#include "trace/trace.h"

typedef struct Facts Facts;

/* The roster is what the facts share with other observers; NULL: nothing. */
Facts *facts_new(Trace *trace, Roster *roster);
void facts_free(Facts *facts);
/* Adds itself to the trace, before the run and after the last facts_watch_event, at `level` or at
 * the level of the events to watch, whichever has more. Connections are counted from PROTOCOL on,
 * segments, retransmissions and drops at SEGMENT. */
void facts_start(Facts *facts, TraceLevel level);
/* The level at which it listens. */
TraceLevel facts_level(const Facts *facts);

/* ---- Mails ---- */

/* What has become of a mail for one recipient; of several copies the first fate below that one of
 * them has counts. */
typedef enum MailFate {
    MAIL_FATE_DELIVERED,     /* lies in the recipient's mailbox, or did */
    MAIL_FATE_QUEUED,        /* in a server's queue */
    MAIL_FATE_BOUNCED,       /* given up; the sender was told */
    MAIL_FATE_DISCARDED,     /* ended by a named rule */
    MAIL_FATE_RELAYED,       /* a server outside of the simulation has taken it over */
    MAIL_FATE_EXPANDED,      /* the address stands for others, which are recipients in its place */
    MAIL_FATE_LOST,          /* accepted and nowhere to be found */
    MAIL_FATE_LOST_BY_AGENT, /* its agent, which has no queue, has given it up (agent.lost) */
    MAIL_FATE_REFUSED,       /* no server has accepted it, and its author knows (agent.failed) */
    MAIL_FATE_NONE,          /* not sent yet */
} MailFate;

/* `delivered`, `queued`, … */
const char *mail_fate_name(MailFate fate);

typedef struct FactsRecipient {
    const char *address;
    MailFate fate;
    uint32_t attempts;        /* over the network: queue.attempt by smtp, of all servers */
    uint32_t copies;          /* mail.delivered */
    uint32_t servers;         /* that took it over: each time it got a Received line */
    SimTime accepted_at;      /* by the first server */
    SimTime first_attempt_at; /* over the network */
    SimTime delivered_at;     /* the first copy */
    SimTime bounced_at;
    const char *bounce; /* the notification's name, or NULL */
} FactsRecipient;

/* Mails are those composed and those accepted by a server, so notifications too. */
typedef struct FactsMail {
    const char *name;
    const char *from;    /* the author's address; "" for a notification */
    const char *subject; /* NULL when unknown, as of a notification */
    const FactsRecipient *recipients;
    size_t recipient_count; /* in the order of appearance */
} FactsMail;

/* Mails that nobody asks for one by one, such as those of one entry of `traffic`: what has become
 * of those that are delivered, and forgotten. */
typedef struct FactsSums {
    int64_t count;
    SimTime last_delivered_at; /* SIM_NEVER: none is */
    const SimTime *delays;     /* of each, from its first acceptance to its delivery */
} FactsSums;

/* Before the run: mails of which `owns` says that they belong to `group` are forgotten as soon as
 * they are delivered to their one recipient, no queue holds them, and their agents know that they
 * are sent. So that may be asked for only where nothing brings back what was done: no machine
 * fails, no disk is full. */
void facts_sum_up(Facts *facts, const char *group,
                  bool (*owns)(const char *group, const char *mail));
FactsSums facts_sums(const Facts *facts, const char *group);

/* In the order of appearance. What is returned is valid until another mail is asked for or the
 * trace goes on; its texts until the trace goes on. */
size_t facts_mail_count(const Facts *facts);
const FactsMail *facts_mail_at(const Facts *facts, size_t index);
/* NULL when there is none of that name. */
const FactsMail *facts_find_mail(const Facts *facts, const char *name);
/* NULL when it is not for that address (written exactly so, but for the case of the domain). */
const FactsRecipient *facts_find_recipient(const FactsMail *mail, const char *address);
/* Whether all recipients share one fate, given in `fate`; a mail without recipients has NONE. */
bool facts_mail_fate(const FactsMail *mail, MailFate *fate);
/* The bounces of a mail, in the order of time, each name once: a NULL-terminated array to free with
 * g_free; the names are borrowed. Delay warnings are not among them. */
const char **facts_bounces_of(const Facts *facts, const char *mail);

/* ---- Hosts ---- */

typedef struct FactsHost {
    const char *name;
    bool is_mail_server;      /* it had a queue record or accepted a mail */
    uint64_t queue_length;    /* messages in its queue, as it last told */
    uint64_t queue_peak;      /* the most there ever were */
    uint64_t relay_peak;      /* the most messages that it handed on within a minute */
    uint64_t connections;     /* that it opened: tcp.connect */
    uint64_t segments;        /* that it sent: tcp.send, by the trace's tallies; */
    uint64_t retransmissions; /* of them */
    uint64_t drops;           /* packets lost that it should have passed on: link.drop */
} FactsHost;

/* Hosts, agents' machines and routers, in the order of NodeId; the timeline (0) is among them. */
size_t facts_host_count(const Facts *facts);
FactsHost facts_host_at(const Facts *facts, size_t node);
/* False when there is none of that name. */
bool facts_find_host(const Facts *facts, const char *name, FactsHost *host);

/* ---- Totals ---- */

typedef struct FactsDrop {
    const char *reason; /* as link.drop has it */
    uint64_t count;
} FactsDrop;

typedef struct FactsTotals {
    uint64_t connections, segments, retransmissions, drops;
    const FactsDrop *drops_by_reason; /* in the order of appearance */
    size_t reason_count;
} FactsTotals;

FactsTotals facts_totals(const Facts *facts);

/* ---- Events ---- */

/* The field that `name` means: its NDJSON key, or what follows the key's last dot (`code` for
 * `smtp.response.code`) where only one field ends so. NULL when there is none. */
const TraceFieldInfo *facts_find_field(TraceKind kind, const char *name);
/* All names that conditions may use for the kind, the short form where there is one: for "did you
 * mean". NULL-terminated, to free with g_free; the names are not to be freed. `host` comes first.
 */
const char **facts_list_fields(TraceKind kind);

/* A field and the text that it must have: a COUNT in decimal, `true` or `false`, a text as it is, a
 * REF as `host#3`, an IP address dotted, a TIME as nanoseconds in decimal. An absent field matches
 * nothing. The field `host` is the host's name. */
typedef struct FactsCondition {
    const char *field; /* "host", or what facts_find_field knows */
    const char *value;
} FactsCondition;

/* Whether the record's field is so written. */
bool facts_field_matches(const Simulator *simulator, const TraceRecord *record,
                         const TraceFieldInfo *field, const char *value);

/* Asks to count the records of a kind that meet all conditions, before facts_start. Copies all.
 * Returns the number of the watch. */
size_t facts_watch_event(Facts *facts, TraceKind kind, const FactsCondition *conditions,
                         size_t condition_count);

/* Records at `before` and later do not count; SIM_NEVER, as at first: all do. */
void facts_limit_watch(Facts *facts, size_t watch, SimTime before);

typedef struct FactsEvents {
    uint64_t count;
    SimTime first_at, last_at;
} FactsEvents;

FactsEvents facts_events(const Facts *facts, size_t watch);

/* ---- Queues ---- */

/* Which messages of a server's queue: as Postfix has it, those never attempted, those being
 * attempted or waiting for a connection, those waiting for their next attempt, those on hold. */
typedef enum FactsQueue {
    FACTS_QUEUE_ALL,
    FACTS_QUEUE_INCOMING,
    FACTS_QUEUE_ACTIVE,
    FACTS_QUEUE_DEFERRED,
    FACTS_QUEUE_HOLD,
    FACTS_QUEUES,
} FactsQueue;

/* Asks for the number of such messages at `time`, all records of that time included; SIM_NEVER: as
 * it is now. Before facts_start. Returns the number of the watch. The host is there. */
size_t facts_watch_queue(Facts *facts, const char *host, FactsQueue queue, SimTime time);
uint64_t facts_queue_at(const Facts *facts, size_t watch);

/* ---- Output ---- */

/* All facts but the watched events as one JSON object, in a fixed order; a text to free. What the
 * level does not show, and times that are SIM_NEVER, are left out. */
char *facts_format_json(const Facts *facts);
