/* Tests of audit/books: notifications to senders and postmasters, and what is discarded. For each
 * rule a trace that keeps it and one that breaks it. */
#include "books_world.h"

#define POSTMASTER "postmaster@a.example"

/* ---- Bounces ---- */

static void accept_notice(const World *w, NodeId node, const char *entry, uint64_t length)
{
    TRACE(w->trace, node, QUEUE_ENTER, 0, .entry = entry, .mail = "lunch.bounce", .recipients = 1,
          .length = length);
    TRACE(w->trace, node, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE,
          .sender = "", .entry = entry);
}

static void bounce(const World *w, NodeId node, const char *entry)
{
    TRACE(w->trace, node, MAIL_BOUNCED, 0, .mail = "lunch", .recipient = BOB, .entry = entry,
          .bounce = "lunch.bounce");
}

static void attempt_notice(const World *w, NodeId node, const char *entry, const char *transport)
{
    TRACE(w->trace, node, QUEUE_ATTEMPT, 0, .entry = entry, .mail = "lunch.bounce",
          .recipient = ALICE, .transport = transport);
}

static void relay_notice(const World *w, NodeId node, const char *entry, const char *next)
{
    TRACE(w->trace, node, MAIL_RELAYED, 0, .mail = "lunch.bounce", .recipient = ALICE,
          .entry = entry, .next = next);
}

static void hold_notice(const World *w, NodeId node, const char *entry)
{
    TRACE(w->trace, node, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch.bounce",
          .recipient = ALICE, .entry = entry, .is_final = true);
}

/* a.example returns it to its sender: the notification is entry 1-2. */
static void reach_bounce(const World *w)
{
    reach_a(w);
    accept_notice(w, w->a, "1-2", 2);
    bounce(w, w->a, "1-1");
}

/* b.example does, and its notification is under way. */
static void return_from_b(const World *w)
{
    accept_notice(w, w->b, "1-2", 2);
    bounce(w, w->b, "1-1");
    attempt_notice(w, w->b, "1-2", "smtp");
}

static void test_bounce_balances(void **state)
{
    (void)state;
    World w = world_new();
    reach_bounce(&w);
    remove_entry(&w, w.a, 1);
    end_run(&w, "quiet");
    hold_notice(&w, w.a, "1-2");
    assert_balanced(&w);
}

/* The same mail came twice, and both copies bounce: two notifications of one name, of which the
 * second is accepted when the first is already on its way. */
static void test_two_bounces_of_one_name(void **state)
{
    (void)state;
    static const char *const COPIES[] = {"1-1", "1-2"}, *const NOTICES[] = {"1-3", "1-4"};
    World w = world_new();
    reach_a(&w);
    hand_in(&w);
    accept_mail(&w, w.a, "1-2", 2);
    for (uint64_t i = 0; i < 2; i++) {
        accept_notice(&w, w.a, NOTICES[i], 3 + i);
        bounce(&w, w.a, COPIES[i]);
        attempt_notice(&w, w.a, NOTICES[i], "smtp");
    }
    for (uint64_t i = 0; i < 2; i++) {
        accept_notice(&w, w.b, NOTICES[i], 1 + i);
        relay_notice(&w, w.a, NOTICES[i], "b.example");
    }
    end_run(&w, "until");
    for (int i = 0; i < 2; i++)
        hold_notice(&w, w.b, NOTICES[i]);
    assert_balanced(&w);
}

/* Two servers have a copy, and both return it: the second notification is not the first one on its
 * way through. */
static void test_bounce_while_one_arrives(void **state)
{
    (void)state;
    World w = world_new();
    reach_b(&w); /* and the note is lost */
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    return_from_b(&w);
    accept_notice(&w, w.a, "1-2", 2);
    bounce(&w, w.a, "1-1");
    end_run(&w, "until");
    hold_notice(&w, w.a, "1-2");
    hold_notice(&w, w.b, "1-2");
    assert_balanced(&w);
}

/* A crash leaves a.example's own notification on its disk, untold; one of that name from b.example
 * comes in then, and is b.example's. */
static void test_untold_bounce_is_its_own(void **state)
{
    (void)state;
    World w = world_new();
    reach_b(&w); /* and the note is lost */
    return_from_b(&w);
    crash(&w, w.a);
    recover(&w, w.a, "1-1", 1);
    TRACE(w.trace, w.a, QUEUE_RECOVER, 0, .entry = "1-2", .mail = "lunch.bounce", .recipients = 1,
          .length = 2);
    attempt_notice(&w, w.a, "1-2", "local");
    accept_notice(&w, w.a, "2-1", 3);
    relay_notice(&w, w.b, "1-2", "a.example");
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    hold_notice(&w, w.a, "1-2");
    hold_notice(&w, w.a, "2-1");
    assert_balanced(&w);
}

static void test_bounce_unnamed(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_notice(&w, w.a, "1-2", 2);
    end_run(&w, "quiet");
    hold_queued(&w, w.a, "1-1");
    hold_notice(&w, w.a, "1-2");
    assert_violated(&w, "a.example has lunch.bounce for " ALICE
                        " (queue entry 1-2) from nowhere: it is not a notification that "
                        "mail.bounced, mail.delayed, mail.confirmed or mail.answered names");
}

static void test_bounce_with_a_sender(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "1-2", .mail = "lunch.bounce", .recipients = 1,
          .length = 2);
    TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE,
          .sender = POSTMASTER, .entry = "1-2");
    end_run(&w, "quiet");
    assert_violated(&w, "a.example has lunch.bounce for " ALICE
                        " (queue entry 1-2) from nowhere: no agent and no server sent it there");
}

static void test_bounce_not_accepted(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    bounce(&w, w.a, "1-1");
    end_run(&w, "quiet");
    assert_violated(&w, "a.example says that the sender of lunch is told by lunch.bounce, and has "
                        "not accepted such a notification to " ALICE);
}

static void test_bounce_of_a_bounce(void **state)
{
    (void)state;
    World w = world_new();
    reach_bounce(&w);
    TRACE(w.trace, w.a, MAIL_BOUNCED, 0, .mail = "lunch.bounce", .recipient = ALICE, .entry = "1-2",
          .bounce = "lunch.bounce.bounce");
    end_run(&w, "quiet");
    assert_violated(&w, "a.example answers lunch.bounce, which has an empty sender, by a "
                        "notification");
}

/* ---- Warnings and confirmations ---- */

static void warn(const World *w, const char *warning)
{
    TRACE(w->trace, w->a, MAIL_DELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .warning = warning);
}

static void confirm(const World *w, const char *entry, const char *notice)
{
    TRACE(w->trace, w->a, MAIL_CONFIRMED, 0, .mail = "lunch", .recipient = BOB, .entry = entry,
          .notice = notice);
}

static void test_warning(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    accept_notice(&w, w.a, "1-2", 2);
    warn(&w, "lunch.bounce");
    end_run(&w, "until");
    hold_queued(&w, w.a, "1-1");
    hold_notice(&w, w.a, "1-2");
    assert_balanced(&w);
    w = world_new();
    reach_a(&w);
    warn(&w, "lunch.delay");
    assert_violated(&w, "a.example says that the sender of lunch is told by lunch.delay, and has "
                        "not accepted such a notification to " ALICE);
}

/* Its account may be closed by then. */
static void test_confirmation(void **state)
{
    (void)state;
    for (int is_accepted = 0; is_accepted <= 1; is_accepted++) {
        World w = world_new();
        reach_b(&w);
        accept_notice(&w, w.a, "1-2", 2);
        confirm(&w, is_accepted ? "1-1" : "1-9", "lunch.bounce");
        remove_entry(&w, w.a, 1);
        end_run(&w, "until");
        hold_queued(&w, w.b, "1-1");
        hold_notice(&w, w.a, "1-2");
        if (is_accepted)
            assert_balanced(&w);
        else
            assert_violated(&w, "a.example confirms lunch for " BOB
                                " (queue entry 1-9), which it never accepted");
    }
}

/* A mail that b.example has found on its disk, so that nobody has told of its sender, bounces while
 * a notification of the same name comes from a.example. */
static void test_bounce_of_untold_while_one_is_under_way(void **state)
{
    (void)state;
    World w = world_new();
    reach_a(&w);
    crash(&w, w.b);
    recover(&w, w.b, "1-1", 1);
    attempt(&w, w.b, "local");
    relay(&w);
    accept_notice(&w, w.a, "1-2", 2);
    confirm(&w, "1-1", "lunch.bounce");
    attempt_notice(&w, w.a, "1-2", "smtp");
    accept_notice(&w, w.b, "1-2", 2);
    bounce(&w, w.b, "1-1");
    remove_entry(&w, w.a, 1);
    end_run(&w, "until");
    hold_notice(&w, w.a, "1-2");
    hold_notice(&w, w.b, "1-2");
    assert_balanced(&w);
}

/* ---- Reports to the postmaster ---- */

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
    reach_bounce(w);
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

/* ---- What is discarded ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounce_balances),
        cmocka_unit_test(test_two_bounces_of_one_name),
        cmocka_unit_test(test_bounce_while_one_arrives),
        cmocka_unit_test(test_untold_bounce_is_its_own),
        cmocka_unit_test(test_bounce_unnamed),
        cmocka_unit_test(test_bounce_with_a_sender),
        cmocka_unit_test(test_bounce_not_accepted),
        cmocka_unit_test(test_bounce_of_a_bounce),
        cmocka_unit_test(test_warning),
        cmocka_unit_test(test_confirmation),
        cmocka_unit_test(test_bounce_of_untold_while_one_is_under_way),
        cmocka_unit_test(test_reported_to_the_postmaster),
        cmocka_unit_test(test_reported_to_somebody_else),
        cmocka_unit_test(test_report_of_a_report),
        cmocka_unit_test(test_discarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
