/* Hand-written traces for the tests of audit/books: no network, no server, only the records that
 * those would write. Alice sends lunch from her laptop by way of a.example to Bob at b.example. */
#pragma once

#include "audit/books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BOB   "bob@b.example"
#define CAROL "carol@b.example"
#define ALICE "alice@a.example"

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Books *books;
    NodeId laptop, a, b;
} World;

static inline World world_new(void)
{
    World world = {.simulator = simulator_new(1)};
    world.laptop = simulator_add_node(world.simulator, "alice.laptop");
    world.a = simulator_add_node(world.simulator, "a.example");
    world.b = simulator_add_node(world.simulator, "b.example");
    world.trace = trace_new(world.simulator);
    world.books = books_new(world.trace, NULL);
    return world;
}

static inline void world_free(World *world)
{
    books_free(world->books);
    trace_free(world->trace);
    simulator_free(world->simulator);
}

/* ---- The records of a life, one call each ---- */

/* The agent hands it to Alice's server, the first time or again. */
static inline void hand_in(const World *w)
{
    TRACE(w->trace, w->laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
}

static inline void submit(const World *w, const char *to)
{
    TRACE(w->trace, w->laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = to);
    hand_in(w);
}

static inline void enter(const World *w, NodeId node, const char *entry, uint64_t length)
{
    TRACE(w->trace, node, QUEUE_ENTER, 0, .entry = entry, .mail = "lunch", .recipients = 1,
          .length = length);
}

/* `origin` is the entry that it was expanded from, or NULL. */
static inline void accept_for(const World *w, NodeId node, const char *entry, const char *recipient,
                              const char *origin)
{
    TRACE(w->trace, node, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = recipient,
          .sender = ALICE, .entry = entry, .origin = origin);
}

static inline void accept_mail(const World *w, NodeId node, const char *entry, uint64_t length)
{
    enter(w, node, entry, length);
    accept_for(w, node, entry, BOB, NULL);
}

static inline void attempt(const World *w, NodeId node, const char *transport)
{
    TRACE(w->trace, node, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch", .recipient = BOB,
          .transport = transport);
}

static inline void relay(const World *w)
{
    TRACE(w->trace, w->a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .next = "b.example");
}

/* With so many entries left in the queue. */
static inline void remove_entry(const World *w, NodeId node, uint64_t length)
{
    TRACE(w->trace, node, QUEUE_REMOVE, 0, .entry = "1-1", .mail = "lunch", .length = length);
}

static inline void store_mail(const World *w, const char *folder, uint64_t uid)
{
    TRACE(w->trace, w->b, MAILBOX_STORE, 0, .mail = "lunch", .user = "bob", .folder = folder,
          .uid = uid);
}

static inline void deliver(const World *w, uint64_t uid)
{
    TRACE(w->trace, w->b, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .uid = uid);
}

static inline void end_run(const World *w, const char *reason)
{
    TRACE(w->trace, NODE_TIMELINE, TIMELINE_END, 0, .reason = reason);
}

static inline void hold_queued(const World *w, NodeId node, const char *entry)
{
    TRACE(w->trace, node, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch", .recipient = BOB,
          .entry = entry, .is_final = true);
}

static inline void hold_in_mailbox(const World *w, NodeId node, const char *user,
                                   const char *folder, uint64_t uid)
{
    TRACE(w->trace, node, STORE_INVENTORY, 0, .place = "mailbox", .mail = "lunch",
          .recipient = user, .folder = folder, .uid = uid, .is_final = true);
}

static inline void hold_stored(const World *w, const char *folder, uint64_t uid)
{
    hold_in_mailbox(w, w->b, "bob", folder, uid);
}

static inline void crash(const World *w, NodeId node)
{
    TRACE(w->trace, node, HOST_CRASH, 0, .program = "mail server");
    TRACE(w->trace, node, HOST_RESTART, 0, .program = "mail server");
}

static inline void shut_down(const World *w, NodeId node)
{
    TRACE(w->trace, node, HOST_SHUTDOWN, 0, .program = "mail server");
    TRACE(w->trace, node, HOST_RESTART, 0, .program = "mail server");
}

static inline void recover(const World *w, NodeId node, const char *entry, uint64_t length)
{
    TRACE(w->trace, node, QUEUE_RECOVER, 0, .entry = entry, .mail = "lunch", .recipients = 1,
          .length = length);
}

/* ---- How far it has come ---- */

/* Alice's server has taken lunch over and is handing it to Bob's. */
static inline void reach_a(const World *w)
{
    submit(w, BOB);
    accept_mail(w, w->a, "1-1", 1);
    attempt(w, w->a, "smtp");
}

/* Bob's server has taken it over, and Alice's has heard so. */
static inline void reach_b(const World *w)
{
    reach_a(w);
    accept_mail(w, w->b, "1-1", 1);
    relay(w);
}

/* It is in Bob's mailbox with UID 1, and all queues are empty. */
static inline void reach_mailbox(const World *w)
{
    reach_b(w);
    remove_entry(w, w->a, 0);
    attempt(w, w->b, "local");
    store_mail(w, "INBOX", 1);
    deliver(w, 1);
    remove_entry(w, w->b, 0);
}

/* ---- Verdicts: each ends the world ---- */

static inline void assert_balanced(World *world)
{
    bool is_balanced = books_check_end(world->books);
    if (!is_balanced)
        print_error("%s\n", books_first_violation(world->books)->text);
    assert_true(is_balanced);
    assert_null(books_first_violation(world->books));
    world_free(world);
}

/* The first violation says this. */
static inline void assert_violated(World *world, const char *text)
{
    assert_false(books_check_end(world->books));
    assert_string_equal(books_first_violation(world->books)->text, text);
    world_free(world);
}
