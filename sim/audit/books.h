/* The books of conservation: no mail vanishes, none comes from nowhere, and no copy is made without
 * a reason that the trace shows.
 *
 * For each server, queue entry and recipient there is an account. mail.accepted opens it;
 * mail.relayed, mail.delivered, mail.bounced, mail.discarded or mail.expanded closes it, once. The
 * rules, each of which a violation's sentence names:
 *
 *  - Taking over. What a server accepts was submitted to it by the agent that composed it, or comes
 *    from a server whose account for it is open, or is a notification that mail.bounced or
 *    mail.delayed, mail.confirmed or mail.answered names in the same step. A server hands one
 *    account on once.
 *  - Sending. When an agent is told that its mail is taken, each recipient has been accepted by a
 *    server, or the agent is told no for that one.
 *  - Handing on. mail.relayed needs that the next server has accepted; mail.delivered needs a
 *    mailbox.store, which it shares with recipients of the entry that differ by case alone;
 * mail.bounced needs that the notification to the sender has been accepted.
 *  - Expanding. One recipient becomes many: they have a queue entry of their own, of the same mail,
 *    which names the one that it comes from (`origin`); that one has an account open, being
 *    delivered locally. mail.expanded closes that account and names the new entry and how many
 *    recipients it has; each such entry is named once.
 *  - Witnesses. A second closing, or an attempt after the first, needs a crash or loss of power of
 *    that server in between, or a failure of its disk, and a queue.recover of the entry. A second
 *    copy needs one too, or mail.uncertain (RFC 1047: the reply to the final dot was lost). So
 *    does what is on a disk and was never told of.
 *  - Notifications have an empty sender, and mail with an empty sender is never answered by one
 *    (RFC 5321 §4.5.5, §6.1); but mail.reported tells a postmaster of it, who is never told of
 *    what he was told.
 *  - The lengths that queue.* records tell are those of the entries.
 *  - In the end the inventory of the disks, and nothing else, holds what is open or delivered.
 *
 * Only records are judged, never the simulation's own state, so that no mistake is shared. What is
 * outside of the simulation (a next server that is no host of it) is taken at its word. Memory
 * grows by some 70 octets a mail and 120 an account.
 *
 * Source: RFC 5321 §4.2.5, §4.5.5, §6.1; RFC 1047. */
#pragma once

#include "audit/roster.h"
#include "trace/trace.h"

typedef struct Books Books;

typedef struct BooksViolation {
    uint64_t seq; /* of the record that shows it; of timeline.end for what is missing in the end */
    uint64_t about; /* the record that it is about: for what is missing, how it was accepted */
    SimTime time;
    const char *text; /* a sentence without the time: who, which mail, what is wrong */
} BooksViolation;

/* Violations beyond this many are counted, not kept. */
enum { BOOKS_MAX_VIOLATIONS = 100 };

/* Adds itself to the trace, at level MAIL; it is to outlive the run. The roster is what the books
 * share with other observers; NULL: nothing. */
Books *books_new(Trace *trace, Roster *roster);
void books_free(Books *books);
/* Ends the run (simulator_stop) at the first violation. Off unless called. */
void books_stop_at_violation(Books *books);

/* A mail that enters queues so often goes round and multiplies, and nothing but its own rules would
 * end it: then the books end the run (simulator_stop). Not where programs outside bring mail, whose
 * names are theirs to repeat. */
enum { BOOKS_ENTRIES_MAX = 5000 };
/* The name of that mail; NULL: there is none. */
const char *books_endless_mail(const Books *books);

/* This server lets clients smuggle mail in (CVE-2023-51764), which no record tells: what it accepts
 * is taken at its word. Before the run. */
void books_trust_server(Books *books, const char *host);

/* This server says 250 before a message is durable: what it loses with a crash or its power is lost
 * as it must be, and no violation. Before the run. */
void books_expect_loss(Books *books, const char *host);

/* After the run with its timeline.end and final inventories: compares the accounts with the disks.
 * Returns true when there is no violation at all. Call it once. */
bool books_check_end(Books *books);

/* How many there were; those kept can be read, in the order of discovery. */
/* Before the run: what is delivered, and in no queue any more, is forgotten; of what lies in the
 * mailboxes only a sum is kept, against which the final inventory is held. Only for a run in which
 * no machine fails and no disk is full, so that nothing done comes back, and in which nobody moves
 * messages about in the mailboxes. */
void books_forget_delivered(Books *books);

size_t books_violation_count(const Books *books);
const BooksViolation *books_violation_at(const Books *books, size_t index);
/* NULL when there is none. */
const BooksViolation *books_first_violation(const Books *books);
