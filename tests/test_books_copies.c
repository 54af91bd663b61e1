/* Tests of audit/books: no second copy without a witness. For each rule a trace that keeps it and
 * one that breaks it. */
#include "books_world.h"

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
    hold_in_mailbox(&w, w.a, "alice", "Sent", 1);
    assert_balanced(&w);
}

/* In INBOX an agent keeps what is its person's own, nobody else's. */
static void test_copy_in_ones_own_inbox(void **state)
{
    (void)state;
    static const char *const USERS[] = {"alice", "carol"};
    for (size_t i = 0; i < G_N_ELEMENTS(USERS); i++) {
        World w = world_new();
        submit(&w, BOB);
        TRACE(w.trace, w.a, MAILBOX_STORE, 0, .mail = "lunch", .user = USERS[i], .folder = "INBOX",
              .uid = 1);
        end_run(&w, "until");
        hold_in_mailbox(&w, w.a, USERS[i], "INBOX", 1);
        if (i == 0)
            assert_balanced(&w);
        else
            assert_violated(&w, "a.example puts lunch into INBOX of carol without a delivery");
    }
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

/* The store was told, the expunge not. */
static void test_move_cut_short_later(void **state)
{
    (void)state;
    for (int is_crashed = 0; is_crashed <= 1; is_crashed++) {
        World w = world_new();
        reach_mailbox(&w);
        store_mail(&w, "Saved", 1);
        if (is_crashed)
            crash(&w, w.b);
        end_run(&w, "quiet");
        hold_stored(&w, "Saved", 1);
        if (is_crashed)
            assert_balanced(&w);
        else
            assert_violated(&w, "lunch is lost: b.example put it into INBOX of bob (UID 1), and "
                                "its disk does not hold it");
    }
}

/* A crash hides that a message was expunged; that it was to be, its flag tells. */
static void test_expunge_cut_short(void **state)
{
    (void)state;
    static const char *const FLAGS[] = {"\\Deleted \\Seen", "\\Seen"};
    for (size_t i = 0; i < G_N_ELEMENTS(FLAGS); i++) {
        World w = world_new();
        reach_mailbox(&w);
        for (size_t j = 0; j <= i; j++)
            TRACE(w.trace, w.b, MAILBOX_FLAG, 0, .user = "bob", .folder = "INBOX", .uid = 1,
                  .flags = FLAGS[j]);
        crash(&w, w.b);
        end_run(&w, "quiet");
        if (i == 0)
            assert_balanced(&w);
        else
            assert_violated(&w, "lunch is lost: b.example put it into INBOX of bob (UID 1), and "
                                "its disk does not hold it");
    }
}

/* ---- Found there, and not put there again ---- */

static void find_delivered(const World *w)
{
    TRACE(w->trace, w->b, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .uid = 1, .found = "as an attempt before had left it");
}

/* The crash came when it was delivered and the journal did not know; or, where no record had told
 * of it, the inventory on recovery has it. */
static void crash_and_find(const World *w, bool is_told, bool is_in_inventory)
{
    reach_b(w);
    remove_entry(w, w->a, 0);
    attempt(w, w->b, "local");
    if (is_told) {
        store_mail(w, "INBOX", 1);
        deliver(w, 1);
    }
    crash(w, w->b);
    recover(w, w->b, "1-1", 1);
    if (is_in_inventory)
        TRACE(w->trace, w->b, STORE_INVENTORY, 0, .place = "mailbox", .mail = "lunch",
              .recipient = "bob", .folder = "INBOX", .uid = 1);
    attempt(w, w->b, "local");
    find_delivered(w);
    remove_entry(w, w->b, 0);
    end_run(w, "quiet");
}

static void test_found_in_the_mailbox(void **state)
{
    (void)state;
    for (int is_told = 0; is_told < 2; is_told++) {
        World w = world_new();
        crash_and_find(&w, is_told, true);
        hold_stored(&w, "INBOX", 1);
        assert_balanced(&w);
    }
}

/* From then on it must not be lost. */
static void test_found_and_lost(void **state)
{
    (void)state;
    World w = world_new();
    crash_and_find(&w, false, true);
    assert_violated(&w, "lunch is lost: b.example put it into INBOX of bob (UID 1), and its disk "
                        "does not hold it");
}

static void test_found_where_it_never_was(void **state)
{
    (void)state;
    World w = world_new();
    crash_and_find(&w, false, false);
    assert_violated(&w, "b.example says that lunch is delivered to " BOB
                        ", and has not put it into the mailbox");
}

/* ---- Closed twice ---- */

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

/* Alice's server finds it on its disk, and Bob's gets it a second time. */
static void hand_over_again(const World *w)
{
    recover(w, w->a, "1-1", 1);
    attempt(w, w->a, "smtp");
    accept_mail(w, w->b, "1-2", 2);
    relay(w);
    remove_entry(w, w->a, 0);
    end_run(w, "until");
    hold_queued(w, w->b, "1-1");
    hold_queued(w, w->b, "1-2");
}

static void test_closed_again_after_crash(void **state)
{
    (void)state;
    World w = world_new();
    reach_b(&w); /* and the note is lost */
    crash(&w, w.a);
    hand_over_again(&w);
    assert_balanced(&w);
}

/* The disk was full when the other server had taken it over: the next start knows nothing of it. */
static void test_closed_again_after_full_disk(void **state)
{
    (void)state;
    World w = world_new();
    reach_b(&w);
    TRACE(w.trace, w.a, DISK_FULL, 0, .path = "spool/queue/1-1", .size = 11);
    shut_down(&w, w.a);
    hand_over_again(&w);
    assert_balanced(&w);
}

/* What a server refused because its disk failed, the disk did not let go: a crash makes mail of it,
 * and the failure explains the second copy. Without the failure it would be unexplained. */
static void refuse_and_keep(const World *w, bool has_failed)
{
    reach_a(w);
    if (has_failed)
        TRACE(w->trace, w->b, DISK_ERROR, 0, .operation = "sync", .path = "spool/queue");
    TRACE(w->trace, w->b, HOST_CRASH, 0, .program = "mail server");
    TRACE(w->trace, w->b, HOST_RESTART, 0, .program = "mail server");
    recover(w, w->b, "1-1", 1);
    TRACE(w->trace, w->b, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch", .recipient = BOB,
          .entry = "1-1");
    attempt(w, w->a, "smtp");
    accept_mail(w, w->b, "2-1", 2);
    relay(w);
    remove_entry(w, w->a, 0);
    end_run(w, "until");
    hold_queued(w, w->b, "1-1");
    hold_queued(w, w->b, "2-1");
}

static void test_a_refused_copy_that_stayed(void **state)
{
    (void)state;
    World w = world_new();
    refuse_and_keep(&w, true);
    assert_balanced(&w);
    w = world_new();
    refuse_and_keep(&w, false);
    assert_violated(&w, "b.example has a second copy of lunch for " BOB
                        " (queue entry 2-1), and neither a lost reply nor a crash explains it");
}

/* The other way round: the client has been rid of its mail when the crash makes mail of what had
 * been refused before. */
static void keep_and_find_later(const World *w, bool has_failed)
{
    reach_a(w);
    if (has_failed)
        TRACE(w->trace, w->b, DISK_ERROR, 0, .operation = "sync", .path = "spool/queue");
    accept_mail(w, w->b, "1-2", 1);
    relay(w);
    remove_entry(w, w->a, 0);
    crash(w, w->b);
    recover(w, w->b, "1-1", 1);
    recover(w, w->b, "1-2", 2);
    TRACE(w->trace, w->b, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch", .recipient = BOB,
          .entry = "1-1");
    end_run(w, "until");
    hold_queued(w, w->b, "1-1");
    hold_queued(w, w->b, "1-2");
}

static void test_a_refused_copy_that_is_found_later(void **state)
{
    (void)state;
    World w = world_new();
    keep_and_find_later(&w, true);
    assert_balanced(&w);
    w = world_new();
    keep_and_find_later(&w, false);
    assert_violated(&w, "b.example has a second copy of lunch for " BOB
                        " (queue entry 1-1), and neither a lost reply nor a crash explains it");
}

/* Without that, an end in good order forgets nothing. */
static void test_closed_again_after_shutdown(void **state)
{
    (void)state;
    World w = world_new();
    reach_b(&w);
    shut_down(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    attempt(&w, w.a, "smtp");
    end_run(&w, "until");
    assert_violated(&w, "a.example attempts lunch for " BOB
                        " (queue entry 1-1), which was done already, and no crash explains it");
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
    reach_b(&w);
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    hold_queued(&w, w.b, "1-1");
    assert_balanced(&w);
}

/* ---- Second copies ---- */

static void test_submitted_twice(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    hand_in(&w);
    accept_mail(&w, w.a, "1-2", 2);
    accept_mail(&w, w.b, "1-1", 1);
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    hold_queued(&w, w.a, "1-2");
    hold_queued(&w, w.b, "1-1");
    assert_balanced(&w);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_by_agents),
        cmocka_unit_test(test_copy_in_ones_own_inbox),
        cmocka_unit_test(test_second_copy_in_mailbox),
        cmocka_unit_test(test_found_in_the_mailbox),
        cmocka_unit_test(test_found_and_lost),
        cmocka_unit_test(test_found_where_it_never_was),
        cmocka_unit_test(test_move_cut_short),
        cmocka_unit_test(test_move_cut_short_later),
        cmocka_unit_test(test_expunge_cut_short),
        cmocka_unit_test(test_closed_twice),
        cmocka_unit_test(test_attempt_after_closing),
        cmocka_unit_test(test_closed_again_after_crash),
        cmocka_unit_test(test_closed_again_after_full_disk),
        cmocka_unit_test(test_closed_again_after_shutdown),
        cmocka_unit_test(test_a_refused_copy_that_stayed),
        cmocka_unit_test(test_a_refused_copy_that_is_found_later),
        cmocka_unit_test(test_queue_holds_what_is_done),
        cmocka_unit_test(test_cut_off_run),
        cmocka_unit_test(test_submitted_twice),
        cmocka_unit_test(test_second_copy_from_the_first_server),
        cmocka_unit_test(test_second_copy_without_witness),
        cmocka_unit_test(test_second_copy_after_lost_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
