/* Tests of audit/books: for each rule a trace that keeps it and one that breaks it. The traces are
 * written by hand: no network, no server, only the records that those would write. */
#include "audit/books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define BOB   "bob@b.example"
#define ALICE "alice@a.example"

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Books *books;
    NodeId laptop, a, b;
} World;

static World world_new(void)
{
    World world = {.simulator = simulator_new(1)};
    world.laptop = simulator_add_node(world.simulator, "alice.laptop");
    world.a = simulator_add_node(world.simulator, "a.example");
    world.b = simulator_add_node(world.simulator, "b.example");
    world.trace = trace_new(world.simulator);
    world.books = books_new(world.trace);
    return world;
}

static void world_free(World *world)
{
    books_free(world->books);
    trace_free(world->trace);
    simulator_free(world->simulator);
}

/* ---- The records of a life, one call each ---- */

static void submit(const World *w)
{
    TRACE(w->trace, w->laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = BOB);
    TRACE(w->trace, w->laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
}

static void accept_mail(const World *w, NodeId node, const char *entry, uint64_t length)
{
    TRACE(w->trace, node, QUEUE_ENTER, 0, .entry = entry, .mail = "lunch", .recipients = 1,
          .length = length);
    TRACE(w->trace, node, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = BOB, .sender = ALICE,
          .entry = entry);
}

static void attempt(const World *w, NodeId node, const char *transport)
{
    TRACE(w->trace, node, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch", .recipient = BOB,
          .transport = transport);
}

static void relay(const World *w)
{
    TRACE(w->trace, w->a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .next = "b.example");
}

static void remove_entry(const World *w, NodeId node, uint64_t length)
{
    TRACE(w->trace, node, QUEUE_REMOVE, 0, .entry = "1-1", .mail = "lunch", .length = length);
}

static void store_mail(const World *w, const char *folder, uint64_t uid)
{
    TRACE(w->trace, w->b, MAILBOX_STORE, 0, .mail = "lunch", .user = "bob", .folder = folder,
          .uid = uid);
}

static void deliver(const World *w, uint64_t uid)
{
    TRACE(w->trace, w->b, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .uid = uid);
}

static void end_run(const World *w, const char *reason)
{
    TRACE(w->trace, NODE_TIMELINE, TIMELINE_END, 0, .reason = reason);
}

static void hold_queued(const World *w, NodeId node, const char *entry)
{
    TRACE(w->trace, node, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch", .recipient = BOB,
          .entry = entry, .is_final = true);
}

static void hold_stored(const World *w, const char *folder, uint64_t uid)
{
    TRACE(w->trace, w->b, STORE_INVENTORY, 0, .place = "mailbox", .mail = "lunch",
          .recipient = "bob", .folder = folder, .uid = uid, .is_final = true);
}

static void crash(const World *w, NodeId node)
{
    TRACE(w->trace, node, HOST_CRASH, 0, .program = "mail server");
    TRACE(w->trace, node, HOST_RESTART, 0, .program = "mail server");
}

static void recover(const World *w, NodeId node, const char *entry, uint64_t length)
{
    TRACE(w->trace, node, QUEUE_RECOVER, 0, .entry = entry, .mail = "lunch", .recipients = 1,
          .length = length);
}

/* Alice's server has taken lunch over and is handing it to Bob's. */
static void reach_a(const World *w)
{
    submit(w);
    accept_mail(w, w->a, "1-1", 1);
    attempt(w, w->a, "smtp");
}

/* It is in Bob's mailbox with UID 1, and all queues are empty. */
static void reach_mailbox(const World *w)
{
    reach_a(w);
    accept_mail(w, w->b, "1-1", 1);
    relay(w);
    remove_entry(w, w->a, 0);
    attempt(w, w->b, "local");
    store_mail(w, "INBOX", 1);
    deliver(w, 1);
    remove_entry(w, w->b, 0);
}

/* ---- Verdicts ---- */

static void assert_balanced(World *world)
{
    bool is_balanced = books_check_end(world->books);
    if (!is_balanced)
        print_error("%s\n", books_first_violation(world->books)->text);
    assert_true(is_balanced);
    assert_null(books_first_violation(world->books));
    world_free(world);
}

/* The first violation says this. */
static void assert_violated(World *world, const char *text)
{
    assert_false(books_check_end(world->books));
    assert_string_equal(books_first_violation(world->books)->text, text);
    world_free(world);
}

/* ---- The plain course of things ---- */

static void test_delivery_balances(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    assert_balanced(&w);
}

static void test_waiting_balances(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.a, QUEUE_DEFER, 0, .entry = "1-1", .mail = "lunch", .recipient = BOB);
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    assert_balanced(&w);
}

static void test_no_end(void **state)
{
    (void)state;
    World w = world_new();
    assert_violated(&w, "the trace does not come to timeline.end");
}

/* ---- Nothing is lost ---- */

static void test_lost_from_queue(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    end_run(&w, "until");
    uint64_t end = trace_count(w.trace);
    assert_false(books_check_end(w.books));
    assert_int_equal(books_violation_count(w.books), 1);
    assert_int_equal(books_first_violation(w.books)->seq, end);
    assert_in_range(books_first_violation(w.books)->about, 1, end - 1);
    assert_string_equal(books_first_violation(w.books)->text,
                        "lunch for " BOB " is lost: a.example accepted it (queue entry 1-1), and "
                        "its disk does not hold it");
    world_free(&w);
}

static void test_lost_from_mailbox(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    crash(&w, w.b); /* no excuse for what was told */
    end_run(&w, "quiet");
    assert_violated(&w, "lunch is lost: b.example put it into INBOX of bob (UID 1), and its disk "
                        "does not hold it");
}

static void test_lost_on_recovery(void **state)
{
    (void)state;
    World w = world_new();
    TRACE(w.trace, w.laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = BOB);
    TRACE(w.trace, w.laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
    accept_mail(&w, w.a, "1-1", 1);
    TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = "carol@b.example",
          .sender = ALICE, .entry = "1-1");
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1); /* for one recipient */
    end_run(&w, "quiet");
    assert_violated(&w, "a.example finds lunch (queue entry 1-1) for 1 recipients on its disk, and "
                        "2 of them are not done");
}

static void test_expunged_is_not_lost(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    TRACE(w.trace, w.b, MAILBOX_EXPUNGE, 0, .mail = "lunch", .user = "bob", .folder = "INBOX",
          .uid = 1);
    end_run(&w, "quiet");
    assert_balanced(&w);
}

static void test_expunge_of_nothing(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    TRACE(w.trace, w.b, MAILBOX_EXPUNGE, 0, .mail = "lunch", .user = "bob", .folder = "INBOX",
          .uid = 7);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    assert_violated(&w, "b.example removes lunch from INBOX of bob, where it never was");
}

static void test_removed_while_open(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    remove_entry(&w, w.a, 0);
    end_run(&w, "quiet");
    assert_violated(&w, "a.example removes lunch (queue entry 1-1), which is not done for " BOB);
}

static void test_relayed_to_nobody(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    relay(&w);
    end_run(&w, "quiet");
    assert_violated(&w, "a.example says that b.example has taken over lunch for " BOB
                        ", which b.example never accepted");
}

static void test_relayed_out_of_the_simulation(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .next = "mail.elsewhere.test");
    remove_entry(&w, w.a, 0);
    end_run(&w, "quiet");
    assert_balanced(&w);
}

static void test_delivered_without_store(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w);
    attempt(&w, w.b, "local");
    deliver(&w, 1);
    end_run(&w, "quiet");
    assert_violated(&w, "b.example says that lunch is delivered to " BOB
                        ", and has not put it into the mailbox");
}

static void test_stored_without_delivered(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w);
    attempt(&w, w.b, "local");
    store_mail(&w, "INBOX", 1);
    end_run(&w, "quiet");
    hold_queued(&w, w.b, "1-1");
    hold_stored(&w, "INBOX", 1);
    assert_violated(&w, "b.example put lunch into the mailbox of bob and never told of its "
                        "delivery");
}

/* ---- Nothing comes from nowhere ---- */

static void test_from_nowhere(void **state)
{
    (void)state;
    World w = world_new();
    accept_mail(&w, w.a, "1-1", 1);
    end_run(&w, "quiet");
    hold_queued(&w, w.a, "1-1");
    assert_violated(&w, "a.example has lunch for " BOB " (queue entry 1-1) from nowhere: no agent "
                        "and no server sent it there");
}

static void test_submitted_to_another(void **state)
{
    (void)state;
    World w = world_new();
    submit(&w); /* to a.example */
    accept_mail(&w, w.b, "1-1", 1);
    end_run(&w, "quiet");
    hold_queued(&w, w.b, "1-1");
    assert_violated(&w, "b.example has lunch for " BOB " (queue entry 1-1) from nowhere: no agent "
                        "and no server sent it there");
}

static void test_submitted_and_not_composed(void **state)
{
    (void)state;
    World w = world_new();
    TRACE(w.trace, w.laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
    end_run(&w, "quiet");
    assert_violated(&w, "lunch is submitted to a.example, and nobody has composed it");
}

/* The 250 is for all recipients that were not refused: a server that keeps some of them only, and
 * says nothing, has lost the others. */
static void test_recipient_lost_at_submission(void **state)
{
    (void)state;
    for (int is_refused = 0; is_refused <= 1; is_refused++) {
        World w = world_new();
        TRACE(w.trace, w.laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE,
              .to = BOB ", carol@b.example");
        TRACE(w.trace, w.laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
        accept_mail(&w, w.a, "1-1", 1);
        TRACE(w.trace, w.laptop, AGENT_SENT, 0, .mail = "lunch", .server = "a.example");
        if (is_refused)
            TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "submit", .mail = "lunch",
                  .recipient = "carol@b.example");
        end_run(&w, "quiet");
        hold_queued(&w, w.a, "1-1");
        if (is_refused)
            assert_balanced(&w);
        else
            assert_violated(&w, "lunch for carol@b.example is lost: its agent was told that the "
                                "mail is taken, and no server has accepted it for that recipient");
    }
}

static void test_submitted_twice(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
    accept_mail(&w, w.a, "1-2", 2);
    accept_mail(&w, w.b, "1-1", 1);
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    hold_queued(&w, w.a, "1-2");
    hold_queued(&w, w.b, "1-1");
    assert_balanced(&w);
}

static void test_queue_holds_unknown(void **state)
{
    (void)state;
    World w = world_new();
    end_run(&w, "quiet");
    hold_queued(&w, w.a, "1-1");
    assert_violated(&w, "the queue of a.example holds lunch for " BOB
                        " (entry 1-1), which it never accepted");
}

/* Of a server that says 250 before it syncs, a loss and a damaged file are what is to be expected
 * after an outage; of any other they are not. */
static void test_careless_server(void **state)
{
    (void)state;
    for (int is_careless = 0; is_careless < 2; is_careless++) {
        for (int is_damaged = 0; is_damaged < 2; is_damaged++) {
            World w = world_new();
            if (is_careless)
                books_expect_loss(w.books, "b.example");
            submit(&w);
            accept_mail(&w, w.a, "1-1", 1);
            attempt(&w, w.a, "smtp");
            accept_mail(&w, w.b, "1-1", 1);
            relay(&w);
            remove_entry(&w, w.a, 0);
            crash(&w, w.b);
            end_run(&w, "quiet");
            if (is_damaged)
                TRACE(w.trace, w.b, STORE_INVENTORY, 0, .place = "damaged",
                      .folder = "spool/queue/1-1", .is_final = true);
            if (is_careless)
                assert_balanced(&w);
            else if (is_damaged)
                assert_violated(&w, "the spool of b.example holds spool/queue/1-1, which is no "
                                    "mail, and no crash explains it");
            else
                assert_violated(&w, "lunch for " BOB " is lost: b.example accepted it (queue entry "
                                    "1-1), and its disk does not hold it");
        }
    }
}

static void test_mailbox_holds_unknown(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    hold_stored(&w, "INBOX", 2);
    assert_violated(&w, "the mailbox of bob at b.example holds lunch, which no record put there");
}

static void test_recovered_unknown(void **state)
{
    (void)state;
    World w = world_new();
    TRACE(w.trace, w.a, HOST_SHUTDOWN, 0, .program = "mail server");
    TRACE(w.trace, w.a, HOST_RESTART, 0, .program = "mail server");
    recover(&w, w.a, "1-1", 1);
    end_run(&w, "quiet");
    assert_violated(&w, "a.example finds lunch (queue entry 1-1) on its disk, which it never "
                        "accepted, and no crash explains it");
}

/* A crash after the disk's last step and before the record: the client was not told 250. */
static void test_recovered_untold(void **state)
{
    (void)state;
    World w = world_new();
    submit(&w);
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    TRACE(w.trace, w.a, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch", .recipient = BOB,
          .entry = "1-1");
    attempt(&w, w.a, "smtp");
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w);
    remove_entry(&w, w.a, 0);
    end_run(&w, "until");
    hold_queued(&w, w.b, "1-1");
    assert_balanced(&w);
}

/* ---- Copies in a mailbox ---- */

static void test_copies_by_agents(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    store_mail(&w, "Saved", 1); /* MOVE */
    TRACE(w.trace, w.b, MAILBOX_EXPUNGE, 0, .mail = "lunch", .user = "bob", .folder = "INBOX",
          .uid = 1);
    TRACE(w.trace, w.a, MAILBOX_STORE, 0, .mail = "lunch", .user = "alice", .folder = "Sent",
          .uid = 1);
    end_run(&w, "quiet");
    hold_stored(&w, "Kept", 1); /* renamed since */
    TRACE(w.trace, w.a, STORE_INVENTORY, 0, .place = "mailbox", .mail = "lunch",
          .recipient = "alice", .folder = "Sent", .uid = 1, .is_final = true);
    assert_balanced(&w);
}

static void test_second_copy_in_mailbox(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    store_mail(&w, "INBOX", 2);
    end_run(&w, "quiet");
    assert_violated(&w, "b.example puts lunch into INBOX of bob without a delivery");
}

static void test_move_cut_short(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    crash(&w, w.b);
    end_run(&w, "quiet");
    hold_stored(&w, "Saved", 1); /* neither the store nor the expunge was told */
    assert_balanced(&w);
}

/* ---- Twice only with a witness ---- */

static void test_closed_twice(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    deliver(&w, 1);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    assert_violated(&w, "b.example delivers lunch for " BOB
                        " (queue entry 1-1), which was done already, and no crash explains it");
}

static void test_attempt_after_closing(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    crash(&w, w.a); /* without a queue.recover of the entry */
    attempt(&w, w.a, "smtp");
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    assert_violated(&w, "a.example attempts lunch for " BOB
                        " (queue entry 1-1), which was done already, and no crash explains it");
}

static void test_closed_again_after_crash(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w); /* and the note is lost */
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    attempt(&w, w.a, "smtp");
    accept_mail(&w, w.b, "1-2", 2);
    relay(&w);
    remove_entry(&w, w.a, 0);
    end_run(&w, "until");
    hold_queued(&w, w.b, "1-1");
    hold_queued(&w, w.b, "1-2");
    assert_balanced(&w);
}

/* The disk was full when the other server had taken it over: the next start knows nothing of it. */
static void test_closed_again_after_full_disk(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w);
    TRACE(w.trace, w.a, DISK_FULL, 0, .path = "spool/queue/1-1", .size = 11);
    TRACE(w.trace, w.a, HOST_SHUTDOWN, 0, .program = "mail server");
    TRACE(w.trace, w.a, HOST_RESTART, 0, .program = "mail server");
    recover(&w, w.a, "1-1", 1);
    attempt(&w, w.a, "smtp");
    accept_mail(&w, w.b, "1-2", 2);
    relay(&w);
    remove_entry(&w, w.a, 0);
    end_run(&w, "until");
    hold_queued(&w, w.b, "1-1");
    hold_queued(&w, w.b, "1-2");
    assert_balanced(&w);
}

/* Without that, an end in good order forgets nothing. */
static void test_closed_again_after_shutdown(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w);
    TRACE(w.trace, w.a, HOST_SHUTDOWN, 0, .program = "mail server");
    TRACE(w.trace, w.a, HOST_RESTART, 0, .program = "mail server");
    recover(&w, w.a, "1-1", 1);
    attempt(&w, w.a, "smtp");
    end_run(&w, "until");
    assert_violated(&w, "a.example attempts lunch for " BOB
                        " (queue entry 1-1), which was done already, and no crash explains it");
}

/* A crash leaves a message on the disk of b.example, which has told nobody; its recovery is cut
 * short by a loss of power that takes it away again. */
static void recover_and_lose(const World *w)
{
    reach_a(w);
    crash(w, w->b);
    recover(w, w->b, "1-1", 1);
    TRACE(w->trace, w->b, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch", .recipient = BOB,
          .transport = "local");
}

static void test_untold_is_lost_again(void **state)
{
    (void)state;
    World w = world_new();
    recover_and_lose(&w);
    TRACE(w.trace, w.b, HOST_POWER_OFF, 0, .program = "mail server");
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    assert_balanced(&w);
}

static void test_untold_is_lost_without_outage(void **state)
{
    (void)state;
    World w = world_new();
    recover_and_lose(&w);
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    assert_violated(&w, "lunch for " BOB " is lost: b.example accepted it (queue entry 1-1), and "
                        "its disk does not hold it");
}

/* Two servers have the mail to give when b.example accepts it: c.example, to which a.example had
 * handed it before a crash, and a.example again. It was a.example. */
static void test_second_copy_from_the_first_server(void **state)
{
    (void)state;
    World w = world_new();
    NodeId c = simulator_add_node(w.simulator, "c.example");
    reach_a(&w);
    accept_mail(&w, c, "1-1", 1);
    TRACE(w.trace, w.a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .next = "c.example"); /* and the note is lost */
    attempt(&w, c, "smtp");
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    attempt(&w, w.a, "smtp");
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w);
    remove_entry(&w, w.a, 0);
    end_run(&w, "until");
    hold_queued(&w, c, "1-1");
    hold_queued(&w, w.b, "1-1");
    assert_balanced(&w);
}

static void test_second_copy_without_witness(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    TRACE(w.trace, w.a, QUEUE_DEFER, 0, .entry = "1-1", .mail = "lunch", .recipient = BOB);
    attempt(&w, w.a, "smtp");
    accept_mail(&w, w.b, "1-2", 2);
    end_run(&w, "quiet");
    hold_queued(&w, w.a, "1-1");
    hold_queued(&w, w.b, "1-1");
    hold_queued(&w, w.b, "1-2");
    assert_violated(&w, "b.example has a second copy of lunch for " BOB
                        " (queue entry 1-2), and neither a lost reply nor a crash explains it");
}

static void test_second_copy_after_lost_reply(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    TRACE(w.trace, w.a, MAIL_UNCERTAIN, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1");
    attempt(&w, w.a, "smtp");
    accept_mail(&w, w.b, "1-2", 2);
    relay(&w);
    end_run(&w, "quiet");
    hold_queued(&w, w.b, "1-1");
    hold_queued(&w, w.b, "1-2");
    assert_balanced(&w);
}

static void test_queue_holds_what_is_done(void **state)
{
    (void)state;
    World w = world_new();
    reach_mailbox(&w);
    end_run(&w, "until");
    hold_stored(&w, "INBOX", 1);
    hold_queued(&w, w.a, "1-1");
    assert_violated(&w,
                    "the queue of a.example holds lunch for " BOB " (entry 1-1), which is done");
}

/* The run is cut off between mail.relayed and the note on the disk. */
static void test_cut_off_run(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w);
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    hold_queued(&w, w.b, "1-1");
    assert_balanced(&w);
}

/* ---- Notifications ---- */

static void accept_bounce(const World *w, const char *sender, const char *recipient)
{
    TRACE(w->trace, w->a, QUEUE_ENTER, 0, .entry = "1-2", .mail = "lunch.bounce", .recipients = 1,
          .length = 2);
    TRACE(w->trace, w->a, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = recipient,
          .sender = sender, .entry = "1-2");
}

static void bounce(const World *w, const char *entry, const char *mail, const char *recipient,
                   const char *name)
{
    TRACE(w->trace, w->a, MAIL_BOUNCED, 0, .mail = mail, .recipient = recipient, .entry = entry,
          .bounce = name);
}

static void hold_bounce(const World *w)
{
    TRACE(w->trace, w->a, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch.bounce",
          .recipient = ALICE, .entry = "1-2", .is_final = true);
}

static void test_bounce_balances(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_bounce(&w, "", ALICE);
    bounce(&w, "1-1", "lunch", BOB, "lunch.bounce");
    remove_entry(&w, w.a, 1);
    end_run(&w, "quiet");
    hold_bounce(&w);
    assert_balanced(&w);
}

/* The same mail came twice, and both copies bounce: two notifications of one name, of which the
 * second is accepted when the first is already on its way. */
static void test_two_bounces_of_one_name(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
    accept_mail(&w, w.a, "1-2", 2);
    for (int i = 0; i < 2; i++) {
        const char *entry = i == 0 ? "1-3" : "1-4";
        TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = entry, .mail = "lunch.bounce", .recipients = 1,
              .length = 3 + (uint64_t)i);
        TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE,
              .sender = "", .entry = entry);
        bounce(&w, i == 0 ? "1-1" : "1-2", "lunch", BOB, "lunch.bounce");
        TRACE(w.trace, w.a, QUEUE_ATTEMPT, 0, .entry = entry, .mail = "lunch.bounce",
              .recipient = ALICE, .transport = "smtp");
    }
    for (int i = 0; i < 2; i++) {
        const char *entry = i == 0 ? "1-3" : "1-4";
        TRACE(w.trace, w.b, QUEUE_ENTER, 0, .entry = entry, .mail = "lunch.bounce", .recipients = 1,
              .length = 1 + (uint64_t)i);
        TRACE(w.trace, w.b, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE,
              .sender = "", .entry = entry);
        TRACE(w.trace, w.a, MAIL_RELAYED, 0, .mail = "lunch.bounce", .recipient = ALICE,
              .entry = entry, .next = "b.example");
    }
    end_run(&w, "until");
    for (int i = 0; i < 2; i++)
        TRACE(w.trace, w.b, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch.bounce",
              .recipient = ALICE, .entry = i == 0 ? "1-3" : "1-4", .is_final = true);
    assert_balanced(&w);
}

/* Two servers have a copy, and both return it: the second notification is not the first one on its
 * way through. */
static void test_bounce_while_one_arrives(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w); /* and the note is lost */
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    TRACE(w.trace, w.b, QUEUE_ENTER, 0, .entry = "1-2", .mail = "lunch.bounce", .recipients = 1,
          .length = 2);
    TRACE(w.trace, w.b, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE, .sender = "",
          .entry = "1-2");
    TRACE(w.trace, w.b, MAIL_BOUNCED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .bounce = "lunch.bounce");
    TRACE(w.trace, w.b, QUEUE_ATTEMPT, 0, .entry = "1-2", .mail = "lunch.bounce",
          .recipient = ALICE, .transport = "smtp");
    accept_bounce(&w, "", ALICE);
    bounce(&w, "1-1", "lunch", BOB, "lunch.bounce");
    end_run(&w, "until");
    hold_bounce(&w);
    TRACE(w.trace, w.b, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch.bounce",
          .recipient = ALICE, .entry = "1-2", .is_final = true);
    assert_balanced(&w);
}

/* A crash leaves a.example's own notification on its disk, untold; one of that name from b.example
 * comes in then, and is b.example's. */
static void test_untold_bounce_is_its_own(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_mail(&w, w.b, "1-1", 1);
    relay(&w); /* and the note is lost */
    TRACE(w.trace, w.b, QUEUE_ENTER, 0, .entry = "1-2", .mail = "lunch.bounce", .recipients = 1,
          .length = 2);
    TRACE(w.trace, w.b, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE, .sender = "",
          .entry = "1-2");
    TRACE(w.trace, w.b, MAIL_BOUNCED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .bounce = "lunch.bounce");
    TRACE(w.trace, w.b, QUEUE_ATTEMPT, 0, .entry = "1-2", .mail = "lunch.bounce",
          .recipient = ALICE, .transport = "smtp");
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    TRACE(w.trace, w.a, QUEUE_RECOVER, 0, .entry = "1-2", .mail = "lunch.bounce", .recipients = 1,
          .length = 2);
    TRACE(w.trace, w.a, QUEUE_ATTEMPT, 0, .entry = "1-2", .mail = "lunch.bounce",
          .recipient = ALICE, .transport = "local");
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "2-1", .mail = "lunch.bounce", .recipients = 1,
          .length = 3);
    TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE, .sender = "",
          .entry = "2-1");
    TRACE(w.trace, w.b, MAIL_RELAYED, 0, .mail = "lunch.bounce", .recipient = ALICE, .entry = "1-2",
          .next = "a.example");
    end_run(&w, "until");
    TRACE(w.trace, w.a, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch", .recipient = BOB,
          .entry = "1-1", .is_final = true);
    for (int i = 0; i < 2; i++)
        TRACE(w.trace, w.a, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch.bounce",
              .recipient = ALICE, .entry = i == 0 ? "1-2" : "2-1", .is_final = true);
    assert_balanced(&w);
}

static void test_bounce_unnamed(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_bounce(&w, "", ALICE);
    end_run(&w, "quiet");
    hold_queued(&w, w.a, "1-1");
    hold_bounce(&w);
    assert_violated(&w, "a.example has lunch.bounce for " ALICE
                        " (queue entry 1-2) from nowhere: it is not a notification that "
                        "mail.bounced, mail.delayed, mail.confirmed or mail.answered names");
}

static void test_bounce_with_a_sender(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_bounce(&w, "postmaster@a.example", ALICE);
    end_run(&w, "quiet");
    assert_violated(&w, "a.example has lunch.bounce for " ALICE
                        " (queue entry 1-2) from nowhere: no agent and no server sent it there");
}

static void test_bounce_not_accepted(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    bounce(&w, "1-1", "lunch", BOB, "lunch.bounce");
    end_run(&w, "quiet");
    assert_violated(&w, "a.example says that the sender of lunch is told by lunch.bounce, and has "
                        "not accepted such a notification to " ALICE);
}

static void test_bounce_of_a_bounce(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_bounce(&w, "", ALICE);
    bounce(&w, "1-1", "lunch", BOB, "lunch.bounce");
    bounce(&w, "1-2", "lunch.bounce", ALICE, "lunch.bounce.bounce");
    end_run(&w, "quiet");
    assert_violated(&w, "a.example answers lunch.bounce, which has an empty sender, by a "
                        "notification");
}

#define POSTMASTER "postmaster@a.example"

static void report(const World *w, const char *entry, const char *mail, const char *recipient,
                   const char *notice)
{
    TRACE(w->trace, w->a, MAIL_REPORTED, 0, .mail = mail, .recipient = recipient, .entry = entry,
          .notice = notice);
    TRACE(w->trace, w->a, MAIL_DISCARDED, 0, .mail = mail, .recipient = recipient, .entry = entry,
          .rule = "a notification is never answered by another");
}

/* lunch has bounced, and the bounce is told to the postmaster of a.example, as the report in
 * `entry` for `recipient`. */
static void reach_report(World *w, const char *recipient)
{
    reach_a(w);
    accept_bounce(w, "", ALICE);
    bounce(w, "1-1", "lunch", BOB, "lunch.bounce");
    TRACE(w->trace, w->a, MAIL_ACCEPTED, 0, .mail = "lunch.bounce.double", .recipient = recipient,
          .sender = "", .entry = "1-3");
    report(w, "1-2", "lunch.bounce", ALICE, "lunch.bounce.double");
}

static void test_reported_to_the_postmaster(void **state)
{
    (void)state;
    World w = world_new();
    reach_report(&w, POSTMASTER);
    TRACE(w.trace, w.a, MAIL_DISCARDED, 0, .mail = "lunch.bounce.double", .recipient = POSTMASTER,
          .entry = "1-3", .rule = "a notification is never answered by another");
    end_run(&w, "quiet");
    assert_balanced(&w);
}

static void test_reported_to_somebody_else(void **state)
{
    (void)state;
    World w = world_new();
    reach_report(&w, "carol@a.example");
    assert_violated(&w, "a.example says that its postmaster is told of lunch.bounce by "
                        "lunch.bounce.double, and has not accepted such a notification");
}

static void test_report_of_a_report(void **state)
{
    (void)state;
    World w = world_new();
    reach_report(&w, POSTMASTER);
    TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "again", .recipient = POSTMASTER, .sender = "",
          .entry = "1-4");
    report(&w, "1-3", "lunch.bounce.double", POSTMASTER, "again");
    assert_violated(&w, "a.example tells its postmaster of lunch.bounce.double, which is such a "
                        "notice itself");
}

static void test_discarded(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.a, MAIL_DISCARDED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .rule = "the sender asked not to be told");
    remove_entry(&w, w.a, 0);
    end_run(&w, "quiet");
    assert_balanced(&w);
    w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.a, MAIL_DISCARDED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1");
    end_run(&w, "quiet");
    assert_violated(&w, "a.example discards lunch for " BOB " and names no rule");
}

/* ---- The queue ---- */

static void test_wrong_length(void **state)
{
    (void)state;
    World w = world_new();
    submit(&w);
    accept_mail(&w, w.a, "1-1", 2);
    end_run(&w, "quiet");
    hold_queued(&w, w.a, "1-1");
    assert_violated(&w, "a.example says that its queue has 2 messages, and the records so far make "
                        "it 1");
}

static void test_entry_given_twice(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "1-1", .mail = "tea", .length = 2);
    end_run(&w, "quiet");
    hold_queued(&w, w.a, "1-1");
    assert_violated(&w, "a.example gives the queue entry 1-1 a second time, now to tea");
}

static void test_never_accepted(void **state)
{
    (void)state;
    World w = world_new();
    attempt(&w, w.a, "smtp");
    end_run(&w, "quiet");
    assert_violated(&w, "a.example attempts lunch for " BOB
                        " (queue entry 1-1), which it never accepted");
}

/* ---- Stopping, and how much is kept ---- */

static void step_wrong(void *owner, void *data)
{
    (void)data;
    const World *w = owner;
    attempt(w, w->a, "smtp");
}

static void test_stops_the_run(void **state)
{
    (void)state;
    World w = world_new();
    books_stop_at_violation(w.books);
    EventAction action = {step_wrong, &w, NULL, NULL};
    for (SimTime time = 1; time <= 3; time++)
        simulator_schedule(w.simulator, time, w.a, EVENT_FOREGROUND, action);
    SimulatorEnd end = simulator_run(w.simulator, (SimulatorLimits){.until = SIM_NEVER});
    assert_int_equal(end, SIMULATOR_END_STOPPED);
    assert_int_equal(books_violation_count(w.books), 1);
    assert_int_equal(books_first_violation(w.books)->time, 1);
    world_free(&w);
}

static void test_many_violations(void **state)
{
    (void)state;
    World w = world_new();
    for (int i = 0; i < 2 * BOOKS_MAX_VIOLATIONS; i++)
        attempt(&w, w.a, "smtp");
    assert_int_equal(books_violation_count(w.books), 2 * BOOKS_MAX_VIOLATIONS);
    assert_int_equal(books_violation_at(w.books, 99)->seq, 100);
    assert_null(books_violation_at(w.books, 100));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery_balances),
        cmocka_unit_test(test_waiting_balances),
        cmocka_unit_test(test_no_end),
        cmocka_unit_test(test_lost_from_queue),
        cmocka_unit_test(test_lost_from_mailbox),
        cmocka_unit_test(test_lost_on_recovery),
        cmocka_unit_test(test_expunged_is_not_lost),
        cmocka_unit_test(test_expunge_of_nothing),
        cmocka_unit_test(test_removed_while_open),
        cmocka_unit_test(test_relayed_to_nobody),
        cmocka_unit_test(test_relayed_out_of_the_simulation),
        cmocka_unit_test(test_delivered_without_store),
        cmocka_unit_test(test_stored_without_delivered),
        cmocka_unit_test(test_from_nowhere),
        cmocka_unit_test(test_submitted_to_another),
        cmocka_unit_test(test_submitted_and_not_composed),
        cmocka_unit_test(test_recipient_lost_at_submission),
        cmocka_unit_test(test_submitted_twice),
        cmocka_unit_test(test_queue_holds_unknown),
        cmocka_unit_test(test_careless_server),
        cmocka_unit_test(test_mailbox_holds_unknown),
        cmocka_unit_test(test_recovered_unknown),
        cmocka_unit_test(test_recovered_untold),
        cmocka_unit_test(test_copies_by_agents),
        cmocka_unit_test(test_second_copy_in_mailbox),
        cmocka_unit_test(test_move_cut_short),
        cmocka_unit_test(test_closed_twice),
        cmocka_unit_test(test_attempt_after_closing),
        cmocka_unit_test(test_closed_again_after_crash),
        cmocka_unit_test(test_closed_again_after_full_disk),
        cmocka_unit_test(test_closed_again_after_shutdown),
        cmocka_unit_test(test_untold_is_lost_again),
        cmocka_unit_test(test_untold_is_lost_without_outage),
        cmocka_unit_test(test_second_copy_from_the_first_server),
        cmocka_unit_test(test_second_copy_without_witness),
        cmocka_unit_test(test_second_copy_after_lost_reply),
        cmocka_unit_test(test_queue_holds_what_is_done),
        cmocka_unit_test(test_cut_off_run),
        cmocka_unit_test(test_bounce_balances),
        cmocka_unit_test(test_two_bounces_of_one_name),
        cmocka_unit_test(test_bounce_while_one_arrives),
        cmocka_unit_test(test_untold_bounce_is_its_own),
        cmocka_unit_test(test_bounce_unnamed),
        cmocka_unit_test(test_bounce_with_a_sender),
        cmocka_unit_test(test_bounce_not_accepted),
        cmocka_unit_test(test_bounce_of_a_bounce),
        cmocka_unit_test(test_reported_to_the_postmaster),
        cmocka_unit_test(test_reported_to_somebody_else),
        cmocka_unit_test(test_report_of_a_report),
        cmocka_unit_test(test_discarded),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_entry_given_twice),
        cmocka_unit_test(test_never_accepted),
        cmocka_unit_test(test_stops_the_run),
        cmocka_unit_test(test_many_violations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
