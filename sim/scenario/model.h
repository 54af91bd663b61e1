/* The model of a scenario file: plain values, read and checked, with every default filled in.
 *
 * scenario_read_file (reader.h) makes one; the builder turns it into a simulation. Every element
 * keeps its place in the file, so that a later layer can report an error there (diagnostics.h).
 * Names that refer to something (a router, a person, a mail) have been checked to exist. The order
 * of elements is that of the file. All memory belongs to the one Scenario.
 *
 * Numbers are int64_t: durations in nanoseconds, rates in bits per second, sizes in bytes, shares
 * in parts per billion. SCENARIO_UNSET (-1) is a number that was not given and has no default. */
#pragma once

#include "core/bytes.h"
#include "core/simtime.h"
#include "mail/retry_schedule.h"
#include "scenario/arena.h"
#include "scenario/facts.h"
#include "scenario/model_network.h"
#include "scenario/model_policy.h"
#include "scenario/model_values.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCENARIO_FORMAT_VERSION = 1 };

/* The latest moment a scenario may name: 100 years of 365 days. */
#define SCENARIO_TIME_MAXIMUM (36500 * SIM_DAY)

/* A moment of the wall clock, such as 2026-03-02T09:00:00+09:00. */
typedef struct ScenarioDateTime {
    int64_t unix_seconds;
    int64_t offset_minutes; /* east of UTC */
} ScenarioDateTime;

/* Answers while the user is away (RFC 3834). */
typedef struct ScenarioVacation {
    SourcePosition at;
    ScenarioText body; /* NULL: no answers */
    ScenarioText subject;
    int64_t from_ns, until_ns; /* SCENARIO_UNSET: without end */
    int64_t again_after_ns;
} ScenarioVacation;

typedef struct ScenarioUser {
    SourcePosition at;
    ScenarioText name;     /* the local-part, the same in each of the server's domains */
    ScenarioTexts forward; /* addresses that the mail goes to; none: into the mailbox */
    ScenarioVacation vacation;
    int64_t quota_bytes; /* SCENARIO_UNSET: none */
} ScenarioUser;

typedef struct ScenarioUsers {
    ScenarioUser *items;
    size_t count;
} ScenarioUsers;

/* An address that stands for others. */
typedef struct ScenarioAlias {
    SourcePosition at;
    ScenarioText name; /* a local-part, like a user's */
    ScenarioTexts to;
} ScenarioAlias;

typedef struct ScenarioAliases {
    ScenarioAlias *items;
    size_t count;
} ScenarioAliases;

/* A mailing list. */
typedef struct ScenarioList {
    SourcePosition at;
    ScenarioText name;  /* a local-part, like a user's */
    ScenarioText owner; /* an address */
    ScenarioTexts members;
} ScenarioList;

typedef struct ScenarioLists {
    ScenarioList *items;
    size_t count;
} ScenarioLists;

/* When a failed message is tried again: as a known server does it, or by intervals of one's own. */
typedef struct ScenarioRetry {
    SourcePosition at;
    ScenarioText like;         /* "postfix" and so on; NULL when intervals are given */
    ScenarioNumbers intervals; /* ns after each failure, the last repeats; empty with `like` */
    ScenarioText rules;        /* Exim's; NULL with `like` or `intervals` */
    int64_t run_every_ns, run_phase_ns; /* the queue runner's; 0: none, timers instead */
    int64_t jitter_ppb;                 /* a random part of each wait, at most so much of it */
    int64_t lifetime_ns;                /* the message is bounced when it is older */
    int64_t warn_after_ns;              /* the sender is told of the delay; SCENARIO_UNSET: never */
    RetrySchedule schedule;             /* all of the above, ready for use */
} ScenarioRetry;

/* A server's connections to other servers. */
typedef struct ScenarioConnections {
    SourcePosition at;
    int64_t messages; /* that one connection carries at most */
    int64_t idle_ns;
    int64_t per_destination, total; /* connections at once */
    int64_t active_limit;           /* messages under way at once */
} ScenarioConnections;

/* SMTP service extensions (proto/smtp.h has what they are). */
typedef enum ServerExtension {
    SERVER_EXTENSION_PIPELINING,
    SERVER_EXTENSION_SIZE,
    SERVER_EXTENSION_8BITMIME,
    SERVER_EXTENSION_ENHANCEDSTATUSCODES,
    SERVER_EXTENSION_DSN,
    SERVER_EXTENSION_SMTPUTF8,
    SERVER_EXTENSION_CHUNKING,
    SERVER_EXTENSION_STARTTLS,
    SERVER_EXTENSION_EXPN,
    SERVER_EXTENSION_HELP,
} ServerExtension;

typedef enum VerifyChoice { VERIFY_CHOICE_EVASIVE, VERIFY_CHOICE_TELL } VerifyChoice;
typedef enum NewlineChoice {
    NEWLINE_CHOICE_REFUSE,
    NEWLINE_CHOICE_ACCEPT,
    NEWLINE_CHOICE_KEEP
} NewlineChoice;
typedef enum PlusChoice { PLUS_CHOICE_ACCEPT, PLUS_CHOICE_REFUSE } PlusChoice;
typedef enum DoubleBounceChoice {
    DOUBLE_BOUNCE_DISCARD,
    DOUBLE_BOUNCE_POSTMASTER
} DoubleBounceChoice;
typedef enum AuthChoice { AUTH_CHOICE_ALWAYS, AUTH_CHOICE_AFTER_STARTTLS } AuthChoice;

typedef enum FinalReplyChoice {
    FINAL_REPLY_CHOICE_AFTER_SYNC,
    FINAL_REPLY_CHOICE_BEFORE_SYNC
} FinalReplyChoice;

/* What a server takes and tells as an SMTP server. */
typedef struct ScenarioSmtp {
    SourcePosition at;
    int64_t size_limit;      /* octets of a message */
    int64_t recipient_limit; /* of a message */
    int64_t error_limit;     /* 5yz replies a session */
    int64_t hop_limit;       /* Received fields of a message */
    int64_t verify;          /* VerifyChoice */
    int64_t bare_newlines;   /* NewlineChoice */
    int64_t auth;            /* AuthChoice */
    int64_t final_reply;     /* FinalReplyChoice */
} ScenarioSmtp;

/* How long a server waits, in nanoseconds. */
typedef struct ScenarioTimeouts {
    SourcePosition at;
    int64_t connect_ns; /* for a TCP connection */
    /* As a client for a reply: RFC 5321, section 4.5.3.2. */
    int64_t greeting_ns, hello_ns, mail_ns, rcpt_ns, data_ns, block_ns, final_dot_ns;
    int64_t command_ns; /* as a server for the client's next command */
} ScenarioTimeouts;

typedef enum PowerLossChoice {
    POWER_LOSS_CHOICE_SEEDED,
    POWER_LOSS_CHOICE_ALL,
    POWER_LOSS_CHOICE_NOTHING
} PowerLossChoice;

typedef struct ScenarioDisk {
    SourcePosition at;
    int64_t write_ns, sync_ns; /* how long each takes */
    int64_t size;              /* octets; SCENARIO_UNSET: no limit */
    int64_t power_loss;        /* PowerLossChoice */
} ScenarioDisk;

typedef struct ScenarioServer {
    SourcePosition at;
    ScenarioText name; /* its host name */
    ScenarioText router;
    LinkParameters link;
    TcpParameters tcp;
    ScenarioTexts domains;    /* the mail domains it serves */
    ScenarioTexts backup_for; /* and those whose mail it takes to pass it on */
    ScenarioUsers users;
    ScenarioNumbers extensions; /* ServerExtension */
    ScenarioSmtp smtp;
    ScenarioTimeouts timeouts;
    ScenarioDisk disk;
    ScenarioRetry retry;
    ScenarioConnections connections;
    ScenarioTexts relay_for; /* nodes: a machine, or a router for the machines joined to it */
    int64_t double_bounces;  /* DoubleBounceChoice */
    ScenarioText catch_all;  /* a user of the server; NULL: unknown users are refused */
    ScenarioAliases aliases;
    ScenarioLists lists;
    int64_t plus_addresses; /* PlusChoice */
    ScenarioPolicy policy;
} ScenarioServer;

typedef struct ScenarioServers {
    ScenarioServer *items;
    size_t count;
} ScenarioServers;

typedef struct DnsExchange {
    SourcePosition at;
    int64_t preference;
    ScenarioText host;
} DnsExchange;

typedef struct DnsExchanges {
    DnsExchange *items;
    size_t count;
} DnsExchanges;

/* Records that replace the generated ones of a name, type by type. */
typedef struct DnsRecords {
    SourcePosition at;
    ScenarioText name; /* NULL inside the action dns_set, which has its own */
    DnsExchanges mx;
    ScenarioTexts a; /* each an IPv4 address, or the name of a server: the address it has */
    ScenarioText cname;
    ScenarioTexts txt;
    ScenarioText ptr; /* what the reverse look-up of this host's address answers; ".": nothing */
    ScenarioTexts listed_by; /* zones of block lists */
    int64_t ttl_ns;          /* of all records of the name, the generated ones included */
} DnsRecords;

typedef struct ScenarioDns {
    DnsRecords *items;
    size_t count;
} ScenarioDns;

typedef enum AgentSend {
    AGENT_SEND_SMTP,
    AGENT_SEND_DIRECT,
} AgentSend;

typedef enum AgentRead {
    AGENT_READ_IMAP,
} AgentRead;

/* What an agent does with mail that its server does not take now. */
typedef struct ScenarioOutbox {
    SourcePosition at;
    int64_t retry_ns; /* 0: it does not try again */
    int64_t lifetime_ns;
} ScenarioOutbox;

/* A user agent: a program on a machine of its own, whose host name is PERSON.AGENT. */
typedef struct ScenarioAgent {
    SourcePosition at;
    ScenarioText name;
    ScenarioText router;
    LinkParameters link;
    TcpParameters tcp;
    int64_t send;         /* AgentSend */
    ScenarioText through; /* with AGENT_SEND_DIRECT: a server; NULL: the recipients' */
    ScenarioText helo;    /* NULL: its host name */
    ScenarioOutbox outbox;
    int64_t read; /* AgentRead */
} ScenarioAgent;

typedef struct ScenarioAgents {
    ScenarioAgent *items;
    size_t count;
} ScenarioAgents;

typedef struct ScenarioPerson {
    SourcePosition at;
    ScenarioText name;
    ScenarioText address;  /* a user of one of the servers */
    ScenarioAgents agents; /* at least one; the first acts where the timeline names none */
} ScenarioPerson;

typedef struct ScenarioPeople {
    ScenarioPerson *items;
    size_t count;
} ScenarioPeople;

/* RFC 3461: when the sender wants to be told, and what is returned. */
typedef enum MailNotify {
    MAIL_NOTIFY_NEVER,
    MAIL_NOTIFY_SUCCESS,
    MAIL_NOTIFY_FAILURE,
    MAIL_NOTIFY_DELAY,
} MailNotify;
typedef enum MailReturn { MAIL_RETURN_HEADERS, MAIL_RETURN_FULL } MailReturn;
typedef struct ScenarioField {
    SourcePosition at;
    ScenarioText name, value;
} ScenarioField;

typedef struct ScenarioFields {
    ScenarioField *items;
    size_t count;
} ScenarioFields;

/* RFC 3461's ORCPT of one recipient. */
typedef struct ScenarioOriginal {
    SourcePosition at;
    ScenarioText to;       /* a recipient of the mail */
    ScenarioText original; /* `rfc822;bob@old.example` */
} ScenarioOriginal;

typedef struct ScenarioOriginals {
    ScenarioOriginal *items;
    size_t count;
} ScenarioOriginals;

typedef struct ScenarioAttachment {
    SourcePosition at;
    ScenarioText name; /* of the file */
    int64_t size_bytes;
} ScenarioAttachment;

typedef struct ScenarioAttachments {
    ScenarioAttachment *items;
    size_t count;
} ScenarioAttachments;

typedef struct ScenarioMail {
    SourcePosition at;
    ScenarioText name;
    ScenarioText from;         /* a person */
    ScenarioText sender;       /* the envelope's, where it is forged; NULL: the person's address */
    ScenarioTexts to, cc, bcc; /* addresses; at least one in all */
    ScenarioText subject;
    ScenarioText body;      /* lines end in LF */
    ScenarioText raw;       /* octets behind it, as they are; NULL: none */
    int64_t size_bytes;     /* the body is filled up to this many bytes; SCENARIO_UNSET: as it is */
    ScenarioNumbers notify; /* MailNotify; empty: not said */
    int64_t return_content; /* MailReturn, or SCENARIO_UNSET: not said */
    ScenarioText envid;
    ScenarioOriginals orcpt;
    ScenarioFields header; /* fields that stand in place of the agent's own, or beside them */
    ScenarioAttachments attach;
} ScenarioMail;

typedef struct ScenarioMails {
    ScenarioMail *items;
    size_t count;
} ScenarioMails;

typedef enum ArrivalChoice { ARRIVAL_POISSON, ARRIVAL_FIXED, ARRIVAL_BURST } ArrivalChoice;
typedef enum SizesChoice { SIZES_FIXED, SIZES_EXPONENTIAL } SizesChoice;

/* Many mails, drawn from the seed. They are called NAME, NAME.2, NAME.3 and so on. */
typedef struct ScenarioTraffic {
    SourcePosition at;
    ScenarioText name;
    ScenarioTexts from;  /* persons */
    ScenarioText sender; /* of their envelopes; NULL: the person's address */
    ScenarioTexts to;    /* addresses */
    int64_t start_ns;
    int64_t arrivals; /* ArrivalChoice */
    int64_t every_ns; /* from one to the next, or, for ARRIVAL_POISSON, its mean */
    int64_t count;
    int64_t size_bytes; /* of a body, or the mean */
    int64_t sizes;      /* SizesChoice */
} ScenarioTraffic;

typedef struct ScenarioTraffics {
    ScenarioTraffic *items;
    size_t count;
} ScenarioTraffics;

typedef enum ActionKind {
    ACTION_SEND,
    ACTION_REPLY,
    ACTION_FETCH,
    ACTION_READ,
    ACTION_CRASH,
    ACTION_POWER_OFF,
    ACTION_RESTART,
    ACTION_SHUTDOWN,
    ACTION_FILL_DISK,
    ACTION_FREE_DISK,
    ACTION_DISK_FAIL,
    ACTION_DISK_FIX,
    ACTION_MAILQ,
    ACTION_HOLD,
    ACTION_RELEASE,
    ACTION_FLUSH,
    ACTION_LINK_DOWN,
    ACTION_LINK_UP,
    ACTION_DEGRADE,
    ACTION_RESTORE,
    ACTION_PARTITION,
    ACTION_HEAL,
    ACTION_SET_FIREWALL,
    ACTION_RENUMBER,
    ACTION_DNS_FAIL,
    ACTION_DNS_FIX,
    ACTION_DNS_SET,
    ACTION_NOTE,
    ACTION_KINDS,
} ActionKind;

typedef enum DnsFailure {
    DNS_FAILURE_SERVFAIL,
    DNS_FAILURE_TIMEOUT,
    DNS_FAILURE_NXDOMAIN,
} DnsFailure;

typedef struct ScenarioGroups {
    ScenarioTexts *items; /* each a list of nodes */
    size_t count;
} ScenarioGroups;

/* What an action waits for in place of a time: the nth record of a kind at a host whose fields have
 * these values. That a machine enters a state is such a record too. */
typedef struct ScenarioTrigger {
    SourcePosition at;
    ScenarioText host; /* any node; text NULL: the action has a time and no trigger */
    int64_t machine;   /* index into the choices of `machine`; SCENARIO_UNSET: an event is meant */
    ScenarioText enters;
    TraceKind event;
    FactField *fields; /* all must hold */
    size_t field_count;
    int64_t nth; /* from 1 */
} ScenarioTrigger;

/* One line of the timeline. `kind` says which member of the union holds. */
typedef struct ScenarioAction {
    SourcePosition at;
    int64_t time_ns; /* of the first occurrence; SCENARIO_UNSET: `when` decides */
    ScenarioTrigger when;
    int64_t after_ns; /* from the trigger to the first occurrence; SCENARIO_UNSET: at once */
    int64_t every_ns; /* SCENARIO_UNSET: it happens once */
    int64_t times;    /* occurrences in all, at least 1 */
    ActionKind kind;
    union {
        struct {
            ScenarioText mail;
            ScenarioText agent; /* of its author; filled in */
        } send;
        struct {
            ScenarioText who;  /* a person */
            ScenarioText mail; /* the mail answered */
            ScenarioText as;   /* the name of the answer */
            ScenarioText body;
        } reply;
        struct {
            ScenarioText who;
            ScenarioText agent; /* of that person; filled in */
        } fetch;
        struct {
            ScenarioText who;
            ScenarioText mail;
        } read;
        struct {
            ScenarioText host; /* a server */
        } machine; /* crash, power_off, restart, shutdown, fill_disk, free_disk, disk_fix */
        struct {
            ScenarioText host;          /* a server */
            ScenarioNumbers operations; /* DiskOperation of store/disk.h; empty: all */
            int64_t failures;           /* SCENARIO_UNSET: until disk_fix */
        } disk_fail;
        struct {
            ScenarioText host;   /* a server */
            ScenarioText mail;   /* hold, release: this one alone; NULL: all */
            ScenarioText domain; /* flush: what is for this domain alone; NULL: all */
        } queue;                 /* mailq, hold, release, flush */
        struct {
            ScenarioTexts between;  /* two nodes that a link joins */
            ScenarioText from;      /* of the two: this direction only; NULL: both, and link_up */
            LinkParameters changes; /* degrade */
        } link;                     /* link_down, link_up, degrade, restore */
        struct {
            ScenarioGroups groups; /* at least two; who is in none can reach everybody */
        } partition;
        struct {
            ScenarioText host;
            ScenarioRules rules; /* whose host is not given */
        } set_firewall;
        struct {
            ScenarioText home, old_address_to; /* routers of homes; NULL: nobody gets it */
            int64_t dns_after_ns;              /* SCENARIO_UNSET: names stay as they are */
        } renumber;
        struct {
            ScenarioText name;
            int64_t how; /* DnsFailure */
        } dns_fail;
        struct {
            ScenarioText name;
        } dns_fix;
        struct {
            ScenarioText name;
            DnsRecords records;
        } dns_set;
        struct {
            LocalText text;
        } note;
    };
} ScenarioAction;

typedef struct ScenarioTimeline {
    ScenarioAction *items;
    size_t count;
} ScenarioTimeline;

typedef struct ScenarioExpectation {
    FactSelector selector;
    FactComparator comparator;
    FactValue value; /* of `is`, `at_least`, `at_most`; the lower end of `range` */
    FactValue upper; /* the upper end of `range`, itself included */
} ScenarioExpectation;

typedef struct ScenarioExpectations {
    ScenarioExpectation *items;
    size_t count;
} ScenarioExpectations;

typedef struct ScenarioQuestion {
    SourcePosition at;
    LocalText ask;
    FactSelector answer;
    LocalText explain; /* count 0: none */
} ScenarioQuestion;

typedef struct ScenarioQuestions {
    ScenarioQuestion *items;
    size_t count;
} ScenarioQuestions;

enum { SCENARIO_SHA256_LENGTH = 64 };

typedef struct Scenario {
    SourcePosition at;
    int64_t version; /* SCENARIO_FORMAT_VERSION */
    LocalText title;
    LocalText about;
    ScenarioDateTime start;
    int64_t until_ns; /* SCENARIO_UNSET: until nothing is queued and nothing in the foreground */
    int64_t seed;
    ScenarioNetwork network;
    ScenarioServers servers;
    ScenarioDns dns;
    ScenarioPeople people;
    ScenarioMails mails;
    ScenarioTraffics traffic;
    ScenarioTimeline timeline;
    ScenarioExpectations expect;
    ScenarioQuestions questions;
    char sha256[SCENARIO_SHA256_LENGTH + 1]; /* of the file's bytes, in lower-case hexadecimal */
    Arena *arena;                            /* owns every list and text above */
} Scenario;

void scenario_free(Scenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scenario, scenario_free)

/* Look-ups by name; NULL when there is none. */
const ScenarioServer *scenario_find_server(const Scenario *scenario, const char *name);
const ScenarioPerson *scenario_find_person(const Scenario *scenario, const char *name);
const ScenarioAgent *scenario_find_agent(const ScenarioPerson *person, const char *name);
const ScenarioMail *scenario_find_mail(const Scenario *scenario, const char *name);
const ScenarioTraffic *scenario_find_traffic(const Scenario *scenario, const char *name);
/* Whether one of the servers says 250 before a message is durable, and so may lose it. */
bool scenario_may_lose(const Scenario *scenario);
/* The server that serves the mail domain (compared without case). */
const ScenarioServer *scenario_find_domain(const Scenario *scenario, const char *domain);
/* `send`, `reply`, … as the scenario writes it. */
const char *action_name(ActionKind kind);
