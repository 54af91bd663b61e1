/* What the files of the facts share. See facts.h. Texts are interned, and mails known by their
 * numbers in the roster: there may be millions, so they are kept small here, and shown as facts.h
 * has them to whoever asks. */
#pragma once

#include "audit/facts.h"
#include "core/slab.h"

/* A queue entry. */
typedef struct FactsEntry {
    NodeId node;
    NameId id;
} FactsEntry;

/* What is known of a recipient beside the numbers. */
enum {
    FACTS_DISCARDED = 1 << 0,
    FACTS_REFUSED = 1 << 1,
    FACTS_LOST = 1 << 2,
    FACTS_EXPANDED = 1 << 3,
    FACTS_OUTSIDE = 1 << 4, /* a server outside of the simulation has taken it over */
    FACTS_HELD = 1 << 5,    /* by a queue, says the final inventory */
    FACTS_SENT = 1 << 6,    /* its agent knows that a server has taken it */
    FACTS_BOUNCED = 1 << 7, /* see FactsBounce */
};

typedef struct FactsEntries {
    uint32_t count;
    FactsEntry at[];
} FactsEntries;

/* What a delivered recipient has. */
typedef struct FactsDelivery {
    SimTime first_at;
    uint32_t copies; /* 0: it is not delivered */
} FactsDelivery;

/* Queue entries that hold a recipient, by the records: mostly there is one at the most. */
typedef enum FactsOpen { FACTS_OPEN_NONE, FACTS_OPEN_ONE, FACTS_OPEN_SEVERAL } FactsOpen;

/* What a FactsRecipient is made from. */
typedef struct KnownRecipient {
    SimTime accepted_at, first_attempt_at;
    union {
        FactsEntry one;
        FactsEntries *several; /* owned */
    } entries;
    NameId address;
    uint32_t delivery; /* FactsDelivery; 0: all zeros */
    uint32_t attempts;
    uint32_t servers : 22;
    uint32_t open : 2;  /* FactsOpen */
    uint32_t marks : 8; /* FACTS_DISCARDED and the like */
} KnownRecipient;

/* Under its number in the roster. There is one for each mail, so it is packed. */
typedef struct KnownMail {
    union {
        KnownRecipient one;
        KnownRecipient *several; /* where there is more than one */
    } recipients;
    uint32_t recipient_count;
    uint32_t order;       /* of appearance, from 1; 0: it is none of the facts' */
    NameId from, subject; /* NAME_NONE: unknown; FACTS_OWN_NAME: as the mail is called */
} KnownMail;

G_STATIC_ASSERT(sizeof(KnownMail) == 56);

enum { FACTS_OWN_NAME = 0x7fffffff };

/* mail.bounced. */
typedef struct FactsBounce {
    SimTime at;
    NameId name;        /* of the notification; NAME_NONE: there is none */
    uint32_t recipient; /* which of the mail's */
} FactsBounce;

/* What was asked for last, and all mails in order of appearance as long as they are the same. */
typedef struct Shown {
    FactsMail mail;
    FactsRecipient *recipients;
    size_t room;    /* recipients */
    GArray *listed; /* MailId */
    bool is_list_valid;
} Shown;

/* See FactsSums. */
typedef struct SummedGroup {
    char *name;
    bool (*owns)(const char *group, const char *mail);
    SimTime last_delivered_at;
    GArray *delays; /* SimTime */
} SummedGroup;

typedef struct HostTally {
    uint64_t queue_length, queue_peak, connections, drops;
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
    Roster *roster;
    Interner *names;     /* its */
    Slab mails;          /* KnownMail by MailId */
    Slab deliveries;     /* FactsDelivery, with zeros at 0 */
    uint32_t mail_count; /* of them */
    uint32_t appeared;   /* mails so far */
    Shown *shown;
    GHashTable *bounces;     /* MailId -> GArray of FactsBounce, by time; few have one */
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

typedef void (*FactsNote)(Facts *facts, const TraceRecord *record);

void facts_init_mails(Facts *facts);
void facts_clear_mails(Facts *facts);
NameId facts_intern(Facts *facts, const char *text);
const char *facts_text(const Facts *facts, NameId name);
/* Each deals with records of its kind, which tell of mails; NULL: those do not. */
extern const FactsNote FACTS_MAIL_NOTES[TRACE_KIND_COUNT];
KnownRecipient *facts_recipients_of(KnownMail *mail);
const FactsDelivery *facts_delivery_of(const Facts *facts, const KnownRecipient *recipient);
/* The case of a local-part may matter, that of a domain does not (RFC 5321 §2.4). */
bool facts_address_matches(const char *a, const char *b);

/* ---- facts_questions.c ---- */

void facts_init_questions(Facts *facts);
void facts_clear_questions(Facts *facts);

/* ---- facts_queues.c ---- */

void facts_init_queues(Facts *facts);
void facts_clear_queues(Facts *facts);
/* Of a host whose queue somebody asks for. */
void facts_note_queue(Facts *facts, const TraceRecord *record);

/* ---- facts_events.c ---- */

void facts_count_watched(Facts *facts, const TraceRecord *record);
void watch_clear(void *watch);
