/* What the files of the facts share. See facts.h. Names are interned: equal texts are equal
 * pointers. */
#pragma once

#include "audit/facts.h"
#include "audit/interner.h"

/* The meaning of its name. */
typedef struct KnownMail {
    FactsMail shown;      /* without a name as long as it is none */
    FactsRecipient first; /* its recipients are this one where there is no other */
    guint place;          /* among all mails */
    bool is_sent;         /* its agent knows that a server has taken it */
} KnownMail;

/* KnownMail in the order of appearance, with NULL where one is forgotten. */
typedef struct MailList {
    GPtrArray *mails;
    guint holes;
} MailList;

/* See FactsSums. */
typedef struct SummedGroup {
    const char *name; /* interned */
    bool (*owns)(const char *group, const char *mail);
    SimTime last_delivered_at;
    GArray *delays; /* SimTime */
} SummedGroup;

typedef struct HostTally {
    uint64_t queue_length, queue_peak, connections, segments, retransmissions, drops;
    GArray *relays;       /* SimTime of each mail.relayed of the last minute; NULL: none yet */
    guint relays_past;    /* the first so many of them are older by now */
    uint64_t relays_peak; /* the most within a minute */
    bool is_mail_server;
} HostTally;

typedef struct WatchCondition {
    const TraceFieldInfo *field; /* NULL: the host's name */
    char *value;
} WatchCondition;

typedef struct Watch {
    WatchCondition *conditions;
    size_t condition_count;
    SimTime before; /* records from then on do not count */
    FactsEvents events;
    size_t next; /* number + 1 of the next watch of the same kind; 0: none */
} Watch;

/* The state of a queue entry, as the records so far make it. */
typedef struct EntryState {
    GHashTable *active; /* addresses that are attempted, or wait for a connection */
    bool is_in;         /* as far as the program that runs has told */
    bool was_attempted, is_held;
} EntryState;

typedef struct QueueWatch {
    NodeId node;
    FactsQueue queue;
    SimTime time;
    uint64_t value;
} QueueWatch;

struct Facts {
    NodeId first_outside; /* hosts from this one on stand for programs outside */
    Trace *trace;
    Simulator *simulator;
    TraceLevel level;
    bool has_ended;
    Interner *names;
    Interner *mail_names; /* each means a KnownMail */
    MailList *mails;
    GHashTable *bounces;     /* a mail's name -> GPtrArray of its bounces' names; few have one */
    GArray *summed;          /* SummedGroup */
    GArray *hosts;           /* HostTally by NodeId */
    GArray *drops;           /* FactsDrop in the order of appearance */
    GArray *watches;         /* Watch */
    GArray *queue_watches;   /* QueueWatch */
    GPtrArray *entry_states; /* by NodeId: GHashTable id -> EntryState; NULL where nobody asks */
    GArray *queue_counts;    /* uint64_t: by NodeId, then by FactsQueue */
    size_t first_watch[TRACE_KIND_COUNT]; /* number + 1; 0: none */
};

/* ---- facts_mails.c ---- */

void facts_init_mails(Facts *facts);
void facts_clear_mails(Facts *facts);
const char *facts_intern(Facts *facts, const char *text);
/* Deals with the records that tell of mails; the others it passes over. */
void facts_note_mail(Facts *facts, const TraceRecord *record);

/* ---- facts_queues.c ---- */

void facts_init_queues(Facts *facts);
void facts_clear_queues(Facts *facts);
/* Of a host whose queue somebody asks for. */
void facts_note_queue(Facts *facts, const TraceRecord *record);

/* ---- facts_events.c ---- */

void facts_count_watched(Facts *facts, const TraceRecord *record);
void watch_clear(void *watch);
