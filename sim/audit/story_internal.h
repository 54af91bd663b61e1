/* What the files of the story share. See story.h.
 *
 *     records -> notes and hops (story.c) -> steps (story_steps.c) -> sentences (story_tell.c,
 *     story_end.c), with words from one table (story_words.c)
 *
 * Texts in notes are interned, so equal texts are equal pointers. */
#pragma once

#include "audit/facts.h"
#include "audit/story.h"

/* A record of level MAIL. What `what`, `more` and `number` mean depends on the kind: see story.c.
 * Absent texts are NULL; so are those of mails whose story is not asked for. */
typedef struct Note {
    uint64_t seq, cause, because;
    uint64_t hop; /* cause at level PROTOCOL */
    SimTime time, until;
    TraceKind kind;
    NodeId node;
    const char *mail, *recipient, *entry, *what, *more;
    uint64_t number;
} Note;

/* A record of level PROTOCOL: only what tells why an attempt failed. */
typedef struct Hop {
    uint64_t seq, cause, because;
    SimTime time;
    TraceKind kind;
    NodeId node;
    const char *what; /* tcp.*: the remote host; dns.*: the name; else NULL */
    bool is_refusal;  /* smtp.reply with a code of 400 or more */
} Hop;

struct Story {
    Simulator *simulator;
    Facts *facts; /* how the mail ends */
    const char *mail;
    unsigned width;
    GStringChunk *texts;
    GArray *notes;         /* Note by seq */
    GArray *hops;          /* Hop by seq */
    GHashTable *followed;  /* names of the mail, of its notifications, and of what may be one */
    GHashTable *own_mails; /* names of the mail and its notifications, of those that are named */
};

/* The note of that seq, NULL when there is none. */
const Note *story_find_note(const Story *story, uint64_t seq);
const Hop *story_find_hop(const Story *story, uint64_t seq);
/* The cause of a record at level PROTOCOL or above, itself of such a level; 0 when there is none.
 */
uint64_t story_find_cause(const Story *story, uint64_t seq);
/* How the connection that this tcp.connect began has failed; NULL when it has not. */
const Hop *story_find_failure(const Story *story, const Hop *connect);

/* Whether two values of `because` give the same reason. The rule of a server decides each time
 * anew: verdicts that say the same are the same reason. So is a disk that fails each time. */
bool story_reasons_agree(const Story *story, uint64_t a, uint64_t b);

/* ---- story_steps.c ---- */

/* What made an attempt fail. */
typedef enum Obstacle {
    OBSTACLE_UNKNOWN,
    OBSTACLE_CONNECTION, /* with the host `where`, which could not be reached or was lost */
    OBSTACLE_REPLY,      /* of the server `where` */
    OBSTACLE_NAME,       /* the look-up of `where` */
    OBSTACLE_MAILBOX,    /* delivery on the server itself */
} Obstacle;

/* One step of the story: a note, with all recipients that share it, as often as it happened. */
typedef struct Step {
    const Note *first, *last; /* of the first and the last time */
    const Note *attempt;      /* the attempt that it ends, or NULL */
    GPtrArray *recipients;    /* addresses, borrowed */
    uint64_t times;
    Obstacle obstacle;
    const char *where;  /* see Obstacle */
    SimTime replied_at; /* with OBSTACLE_REPLY */
} Step;

/* The steps of the mail and its notifications, in the order of time: Step, to unref. */
GPtrArray *story_steps(const Story *story);

/* ---- story_rounds.c ---- */

/* Whether the elements `a` and `b` of a row say the same. */
typedef bool (*RoundsAgree)(const void *row, guint a, guint b);

/* A row that goes in circles, such as that of a mail that two servers forward to each other: how
 * often the elements from `at` on come again behind themselves, and how many make a round. 0 when
 * they do so less than twice. */
guint rounds_count(const void *row, guint at, guint length, RoundsAgree agree, guint *round);

/* ---- story_words.c ---- */

typedef enum Words {
    WORDS_UNKNOWN_MAIL,
    WORDS_COMPOSED,
    WORDS_SUBMITTED,
    WORDS_NOT_SUBMITTED,
    WORDS_NOT_SUBMITTED_FOR,
    WORDS_TOLD_NO_OUTBOX,
    WORDS_TOLD_FINAL,
    WORDS_TOLD_AFTER_TRYING,
    WORDS_SENT_DIRECTLY,
    WORDS_LOST_BY_AGENT,
    WORDS_KEPT_BY_AGENT,
    WORDS_ACCEPTED_FROM_AGENT,
    WORDS_ACCEPTED_FROM_SERVER,
    WORDS_NOTIFICATION_ACCEPTED,
    WORDS_EXPANDED_ALIAS,
    WORDS_EXPANDED_FORWARD,
    WORDS_EXPANDED_LIST,
    WORDS_EXPANDED_OWNER,
    WORDS_EXPANDED_CATCH_ALL,
    WORDS_ACCEPTED_FROM_EXPANSION,
    WORDS_NO_CONNECTION,
    WORDS_REPLY,
    WORDS_NO_NAME,
    WORDS_NO_MAILBOX,
    WORDS_FAILED,
    WORDS_WAITS,
    WORDS_AGAIN_ONCE,
    WORDS_AGAIN,
    WORDS_RELAYED,
    WORDS_TRIED_FIRST,
    WORDS_DELIVERED,
    WORDS_FOUND_DELIVERED,
    WORDS_UNCERTAIN,
    WORDS_EXPIRED,
    WORDS_BOUNCED,
    WORDS_BOUNCED_FOR_REPLY,
    WORDS_BOUNCED_LATE,
    WORDS_DELAYED,
    WORDS_CONFIRMED,
    WORDS_ANSWERED,
    WORDS_UNANSWERED,
    WORDS_DISCARDED,
    WORDS_ROUNDS,
    WORDS_RECOVERED,
    WORDS_HELD,
    WORDS_RELEASED,
    WORDS_RECEIVED,
    WORDS_READ,
    WORDS_EXPUNGED,
    WORDS_BECAUSE,
    WORDS_AND,
    WORDS_COMMA,
    WORDS_ONE_ATTEMPT,
    WORDS_ATTEMPTS,
    WORDS_END_DELIVERED,
    WORDS_END_DELIVERED_HERE,
    WORDS_END_COPIES,
    WORDS_END_QUEUED,
    WORDS_END_BOUNCED,
    WORDS_END_DISCARDED,
    WORDS_END_RELAYED,
    WORDS_END_EXPANDED,
    WORDS_END_LOST,
    WORDS_END_REFUSED,
    WORDS_END_LOST_BY_AGENT,
    WORDS_END_NONE,
    WORDS_CHAIN,
    WORDS_CHAIN_FOLDED_ONE,
    WORDS_CHAIN_FOLDED,
    WORDS_CHAIN_ROUNDS,
    WORDS_CHAIN_ABOVE,
    WORDS_COUNT,
} Words;

/* A `{name}` in words, and the text to put there. */
typedef struct WordsValue {
    const char *name, *text;
} WordsValue;

/* Appends the words with their values; those end with a NULL name. */
void words_say(GString *out, Words words, const WordsValue *values);
#define SAY(out, words, ...) words_say(out, words, (const WordsValue[]){__VA_ARGS__, {NULL, NULL}})
/* What a record says as a reason, `the mail server on b.example had crashed at 2 h`. */
void words_say_reason(GString *out, const Story *story, const Note *note);
/* What a record says as a link of a chain, `b.example: the mail server crashes`. */
void words_say_link(GString *out, const Story *story, const Note *note);
/* Appends `00:10:00`, with days before it where there are any. */
void words_say_time(GString *out, SimTime time);
/* `1 h 5 min`, rounded as befits its length; to free. */
char *words_format_age(SimTime age);
/* Appends `text` behind `indent` columns, wrapped, a line feed at its end. The first line follows
 * what `out` has. */
void words_wrap(GString *out, const char *text, unsigned indent, unsigned width);

/* ---- story_end.c ---- */

/* Appends what became of each recipient of a mail, and by what chain of causes. */
void story_tell_end(const Story *story, const char *mail, GString *out);
