/* Tests of audit/books: nothing is lost, nothing comes from nowhere, and the queues have the length
 * that they say. For each rule a trace that keeps it and one that breaks it. */
#include "books_world.h"

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
    submit(&w, BOB);
    accept_mail(&w, w.a, "1-1", 1);
    accept_for(&w, w.a, "1-1", CAROL, NULL);
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
    reach_b(&w);
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
    reach_b(&w);
    attempt(&w, w.b, "local");
    store_mail(&w, "INBOX", 1);
    end_run(&w, "quiet");
    hold_queued(&w, w.b, "1-1");
    hold_stored(&w, "INBOX", 1);
    assert_violated(&w, "b.example put lunch into the mailbox of bob and never told of its "
                        "delivery");
}

/* The 250 is for all recipients that were not refused: a server that keeps some of them only, and
 * says nothing, has lost the others. */
static void test_recipient_lost_at_submission(void **state)
{
    (void)state;
    for (int is_refused = 0; is_refused <= 1; is_refused++) {
        World w = world_new();
        submit(&w, BOB ", " CAROL);
        accept_mail(&w, w.a, "1-1", 1);
        TRACE(w.trace, w.laptop, AGENT_SENT, 0, .mail = "lunch", .server = "a.example");
        if (is_refused)
            TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "submit", .mail = "lunch",
                  .recipient = CAROL);
        end_run(&w, "quiet");
        hold_queued(&w, w.a, "1-1");
        if (is_refused)
            assert_balanced(&w);
        else
            assert_violated(&w, "lunch for carol@b.example is lost: its agent was told that the "
                                "mail is taken, and no server has accepted it for that recipient");
    }
}

/* An agent without a queue may lose what no server has accepted, if somebody wrote it. */
static void test_lost_by_an_agent(void **state)
{
    (void)state;
    static const char *const MAILS[] = {"lunch", "tea"};
    for (size_t i = 0; i < G_N_ELEMENTS(MAILS); i++) {
        World w = world_new();
        submit(&w, BOB);
        TRACE(w.trace, w.laptop, AGENT_LOST, 0, .mail = MAILS[i], .recipient = BOB,
              .server = "a.example");
        end_run(&w, "quiet");
        if (i == 0)
            assert_balanced(&w);
        else
            assert_violated(&w, "an agent loses tea, which nobody has composed");
    }
}

/* What its agent was told to try again later, and still keeps when the run is cut, is not lost; in
 * a run that comes to rest nothing is kept. */
static void test_recipient_kept_at_submission(void **state)
{
    (void)state;
    for (int is_cut = 0; is_cut <= 1; is_cut++) {
        World w = world_new();
        submit(&w, BOB ", " CAROL);
        accept_mail(&w, w.a, "1-1", 1);
        TRACE(w.trace, w.laptop, AGENT_WAIT, 0, .mail = "lunch", .recipient = CAROL);
        TRACE(w.trace, w.laptop, AGENT_SENT, 0, .mail = "lunch", .server = "a.example");
        end_run(&w, is_cut ? "until" : "quiet");
        hold_queued(&w, w.a, "1-1");
        if (is_cut)
            assert_balanced(&w);
        else
            assert_violated(&w, "lunch for carol@b.example is lost: its agent was told that the "
                                "mail is taken, and no server has accepted it for that recipient");
    }
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
            reach_b(&w);
            remove_entry(&w, w.a, 0);
            crash(&w, w.b);
            end_run(&w, "quiet");
            if (is_damaged)
                TRACE(w.trace, w.b, STORE_INVENTORY, 0, .place = "damaged",
                      .folder = "spool/queue/1-1", .is_final = true);
            if (is_careless)
                assert_balanced(&w);
            else if (is_damaged)
                assert_violated(&w, "the disk of b.example holds spool/queue/1-1, which is no "
                                    "mail, and no crash explains it");
            else
                assert_violated(&w, "lunch for " BOB " is lost: b.example accepted it (queue entry "
                                    "1-1), and its disk does not hold it");
        }
    }
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
    submit(&w, BOB); /* to a.example */
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
    hand_in(&w);
    end_run(&w, "quiet");
    assert_violated(&w, "lunch is submitted to a.example, and nobody has composed it");
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
    shut_down(&w, w.a);
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
    submit(&w, BOB);
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

/* ---- The queue ---- */

static void test_wrong_length(void **state)
{
    (void)state;
    World w = world_new();
    submit(&w, BOB);
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
        cmocka_unit_test(test_recipient_lost_at_submission),
        cmocka_unit_test(test_lost_by_an_agent),
        cmocka_unit_test(test_recipient_kept_at_submission),
        cmocka_unit_test(test_careless_server),
        cmocka_unit_test(test_from_nowhere),
        cmocka_unit_test(test_submitted_to_another),
        cmocka_unit_test(test_submitted_and_not_composed),
        cmocka_unit_test(test_queue_holds_unknown),
        cmocka_unit_test(test_mailbox_holds_unknown),
        cmocka_unit_test(test_recovered_unknown),
        cmocka_unit_test(test_recovered_untold),
        cmocka_unit_test(test_untold_is_lost_again),
        cmocka_unit_test(test_untold_is_lost_without_outage),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_entry_given_twice),
        cmocka_unit_test(test_never_accepted),
        cmocka_unit_test(test_stops_the_run),
        cmocka_unit_test(test_many_violations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
