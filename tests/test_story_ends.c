/* Tests of audit/story: what it says became of a mail in the end. */
#include "story_world.h"

/* ---- Returned ---- */

static void test_bounce(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    go_to(&w, SIM_DAY + 2 * SIM_SECOND);
    answer(&w, 550, "5.1.1 No such user here");
    Cause before = *simulator_cause(w.simulator);
    TRACE(w.trace, w.a, QUEUE_ENTER, 0, .entry = "1-2", .mail = "lunch.bounce", .length = 2);
    TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "lunch.bounce", .recipient = ALICE, .sender = "",
          .entry = "1-2");
    TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "other.bounce", .recipient = CAROL, .sender = "",
          .entry = "1-3");
    *simulator_cause(w.simulator) = before;
    TRACE(w.trace, w.a, MAIL_BOUNCED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .bounce = "lunch.bounce", .reason = span_of_text("550 5.1.1 No such user here"));
    assert_tells(&w, "1d 00:00:02  a.example wrote the notification lunch.bounce to " ALICE
                     " and put it into its message queue, as entry 1-2.\n");
    assert_tells(&w, "b.example refused lunch to " BOB " for good: \"550 5.1.1 No such user "
                     "here\". So a.example told the sender of its envelope; the notification is "
                     "lunch.bounce.\n");
    assert_tells(&w, "In the end lunch was not delivered to " BOB
                     ", and lunch.bounce was written to the sender of "
                     "its envelope, 1 d after it was sent, with 1 attempt over the network.\n");
    assert_tells(&w, "In the end lunch.bounce to " ALICE " still waits in a message queue, after 0 "
                     "attempts over the network.\n");
    assert_tells(&w, "  1d 00:00:02  a.example accepts lunch.bounce\n"
                     "  00:00:01  a.example begins attempt 1 for lunch (smtp)\n"
                     "            (and so on, as told of lunch)\n");
    g_autofree char *story = story_tell(w.story);
    assert_null(strstr(story, "other.bounce"));
    world_free(&w);
}

/* It was the time that was over, not the last reply that was final. */
static void test_bounce_after_expiry(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    uint64_t verdict = refuse_by_rule(&w, "no room");
    TRACE(w.trace, w.a, MAIL_EXPIRED, verdict, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .reason = span_of_text("452 4.2.2 Mailbox full"));
    TRACE(w.trace, w.a, MAIL_BOUNCED, verdict, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .bounce = "lunch.bounce", .reason = span_of_text("452 4.2.2 Mailbox full"));
    assert_tells(&w, "a.example returned lunch to " BOB " to the sender of its envelope: 452 4.2.2 "
                     "Mailbox full");
    g_autofree char *story = story_tell(w.story);
    assert_null(strstr(story, "for good"));
    world_free(&w);
}

/* One is refused where another is taken: what became of the other decides nothing. */
static void test_one_of_two_is_refused(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB "," CAROL);
    accept_mail(&w, w.a, BOB);
    attempt(&w, w.a, BOB, 1, "smtp");
    answer(&w, 550, "5.1.1 No such user here");
    accept_mail(&w, w.b, CAROL);
    answer(&w, 250, "2.0.0 Ok: queued as 1-1");
    relay(&w, CAROL);
    TRACE(w.trace, w.a, MAIL_BOUNCED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .bounce = "lunch.bounce", .reason = span_of_text("550 5.1.1 No such user here"));
    assert_tells(&w, "b.example refused lunch to " BOB " for good: \"550 5.1.1 No such user "
                     "here\". So a.example told the sender of its envelope");
    assert_tells(&w, "a.example returns lunch to " BOB ": 550 5.1.1 No such user here\n"
                     "  00:00:00  a.example begins attempt 1 for lunch (smtp)\n");
    world_free(&w);
}

/* ---- Notifications ---- */

/* Each is recorded after its acceptance and told before it: a reader is to hear first why. */
static void test_notifications_come_after_their_reason(void **state)
{
    (void)state;
    for (int is_success = 0; is_success <= 1; is_success++) {
        World w = world_new(0);
        reach_a(&w);
        TRACE(w.trace, w.a, MAIL_ACCEPTED, 0, .mail = "lunch.notice", .recipient = ALICE,
              .sender = "", .entry = "1-2");
        if (is_success)
            TRACE(w.trace, w.a, MAIL_CONFIRMED, 0, .mail = "lunch", .recipient = BOB,
                  .entry = "1-1", .action = "relayed", .notice = "lunch.notice");
        else
            TRACE(w.trace, w.a, MAIL_DELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
                  .warning = "lunch.notice");
        if (is_success)
            assert_tells(&w, "a.example told the sender, who had asked for it, that lunch to " BOB
                             " was relayed; the notification is lunch.notice.\n");
        assert_tells(&w, "the notification is lunch.notice.\n00:00:01  a.example wrote the "
                         "notification lunch.notice to " ALICE);
        world_free(&w);
    }
}

/* ---- Never taken ---- */

static void test_refused(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB);
    TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "submit", .mail = "lunch", .recipient = BOB,
          .reason = span_of_text("550 5.7.1 Relaying denied"));
    TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "fetch", .mail = "lunch",
          .reason = span_of_text("no"));
    assert_tells(&w, "alice.laptop could not hand lunch over for " BOB
                     ": 550 5.7.1 Relaying denied. That is final, so its person was told at once."
                     "\n\nIn the end no server took lunch to " BOB ", and its author knows.\n");
    world_free(&w);
}

static void fail_to_submit(const World *w, const char *recipient, const char *reason)
{
    TRACE(w->trace, w->laptop, AGENT_FAILED, 0, .action = "submit", .mail = "lunch",
          .recipient = recipient, .reason = span_of_text(reason));
}

/* What another try might have mended is told at once where nothing would make that try. */
static void test_agent_without_an_outbox(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB "," CAROL);
    fail_to_submit(&w, BOB, "452 4.2.2 Mailbox full");
    assert_tells(&w, "for " BOB ": 452 4.2.2 Mailbox full. It keeps no outbox to try again from, "
                     "so its person was told at once.\n");
    fail_to_submit(&w, NULL, "connection timed out");
    assert_tells(&w, "could not hand lunch over: connection timed out. It keeps no outbox to try "
                     "again from, so its person was told at once.\n");
    world_free(&w);
}

static void keep(const World *w, const char *recipient)
{
    TRACE(w->trace, w->laptop, AGENT_WAIT, 0, .mail = "lunch", .recipient = recipient,
          .reason = span_of_text("connection timed out"), .next_at = SIM_HOUR);
}

static void test_agent_gives_up_after_trying(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB "," CAROL);
    keep(&w, NULL);
    go_to(&w, 2 * SIM_HOUR);
    fail_to_submit(&w, BOB, "452 4.2.2 Mailbox full");
    assert_tells(&w, "for " BOB ": 452 4.2.2 Mailbox full. It had tried for 2 h; its outbox "
                     "keeps a message no longer, so its person was told.\n");
    fail_to_submit(&w, CAROL, "550 5.1.1 No such user here");
    assert_tells(&w, "for " CAROL ": 550 5.1.1 No such user here. That is final, so its person was "
                     "told at once.\n");
    fail_to_submit(&w, NULL, "connection timed out");
    assert_tells(&w, "could not hand lunch over: connection timed out. It had tried for 2 h; "
                     "its outbox keeps a message no longer, so its person was told.\n");
    world_free(&w);
}

/* That one recipient was put off says nothing of another. */
static void test_agent_keeps_one_recipient(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB "," CAROL);
    keep(&w, CAROL);
    go_to(&w, SIM_HOUR);
    fail_to_submit(&w, BOB, "452 4.2.2 Mailbox full");
    assert_tells(&w, "for " BOB ": 452 4.2.2 Mailbox full. It keeps no outbox");
    world_free(&w);
}

/* What a program outside calls its mail, or says, is no command for the terminal. */
static void test_nothing_is_for_the_terminal(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB);
    fail_to_submit(&w, BOB, "550 \033[2JNo");
    assert_tells(&w, "for " BOB ": 550 \\x1b[2JNo. That is final");
    world_free(&w);
}

static void test_not_sent(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB);
    assert_tells(&w, "In the end lunch to " BOB " was not sent.\n"
                     "How that came about, from the end back to the timeline:\n"
                     "  00:00:00  alice.laptop writes lunch\n"
                     "  00:00:00  the timeline says: send lunch\n");
    world_free(&w);
}

/* ---- Lost, doubled, discarded ---- */

static void test_lost_with_the_power(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    TRACE(w.trace, w.b, HOST_POWER_OFF, 0,
          .program = "mail server"); /* has nothing to do with it */
    go_to(&w, SIM_MINUTE);
    TRACE(w.trace, w.a, HOST_POWER_OFF, 0, .program = "mail server");
    TRACE(w.trace, NODE_TIMELINE, TIMELINE_END, 0, .reason = "quiet");
    assert_tells(&w, "is lost: a server took responsibility for it, and nobody has it, because "
                     "a.example had lost power at 00:01:00.\n");
    world_free(&w);
}

static void test_twice_after_a_crash(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    uint64_t because = crash(&w, w.a);
    TRACE(w.trace, w.a, HOST_RESTART, 0, .program = "mail server");
    TRACE(w.trace, w.a, QUEUE_RECOVER, 0, .entry = "1-1", .mail = "lunch", .length = 1);
    TRACE(w.trace, w.a, MAIL_UNCERTAIN, because, .mail = "lunch", .recipient = BOB, .entry = "1-1");
    accept_mail(&w, w.b, BOB);
    attempt(&w, w.b, BOB, 1, "local");
    deliver(&w, BOB);
    deliver(&w, BOB);
    assert_tells(&w, "a.example started anew, because the mail server on a.example had crashed at "
                     "00:00:01, and found lunch on its disk, as queue entry 1-1.\n");
    assert_tells(&w,
                 "The connection failed after the final dot, because the mail server on "
                 "a.example had crashed at 00:00:01. a.example cannot know whether lunch to " BOB
                 " got through, and rather sends it twice than loses it (RFC 1047).\n");
    assert_tells(&w, "In the end lunch was delivered to " BOB ", 0 s after it was sent, with 1 "
                     "attempt over the network. It was delivered 2 times.\n");
    world_free(&w);
}

static void test_rest_of_life(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    TRACE(w.trace, w.a, MAIL_DELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .warning = "lunch.delay");
    TRACE(w.trace, w.a, MAIL_EXPIRED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .reason = span_of_text("452 full"));
    TRACE(w.trace, w.a, MAIL_DISCARDED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .rule = "the sender asked not to be told");
    TRACE(w.trace, w.laptop, AGENT_RECEIVE, 0, .mail = "lunch", .subject = "Lunch?");
    TRACE(w.trace, w.laptop, AGENT_READ, 0, .mail = "lunch", .subject = "Lunch?");
    TRACE(w.trace, w.b, MAILBOX_EXPUNGE, 0, .mail = "lunch", .user = "bob", .folder = "INBOX",
          .uid = 1);
    assert_tells(&w, "a.example warned the sender that lunch to " BOB
                     " had not been delivered yet; the notification is lunch.delay.\n");
    assert_tells(&w, "a.example gave up: lunch to " BOB " was past its lifetime. The last attempt "
                     "had failed too: 452 full.\n");
    assert_tells(&w, "a.example discarded lunch to " BOB ": the sender asked not to be told.\n");
    assert_tells(&w, "alice.laptop fetched lunch.\n");
    assert_tells(&w, "lunch was read on alice.laptop.\n");
    assert_tells(&w, "lunch was removed from INBOX of bob on b.example.\n");
    assert_tells(&w, "In the end lunch to " BOB " was discarded by a rule.\n");
    world_free(&w);
}

/* ---- Whence the end came ---- */

/* What another mail's records say is not kept, but the chain may lead through them. */
static void test_chain_through_another_mail(void **state)
{
    (void)state;
    World w = world_new(0);
    act(&w, "send", "dinner");
    TRACE(w.trace, w.laptop, AGENT_COMPOSE, 0, .mail = "dinner", .from = ALICE, .to = BOB);
    TRACE(w.trace, w.laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = BOB);
    assert_tells(&w, "  00:00:00  alice.laptop writes lunch\n"
                     "  00:00:00  alice.laptop: a message is written\n"
                     "  00:00:00  the timeline says: send dinner\n");
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounce),
        cmocka_unit_test(test_bounce_after_expiry),
        cmocka_unit_test(test_one_of_two_is_refused),
        cmocka_unit_test(test_notifications_come_after_their_reason),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_agent_without_an_outbox),
        cmocka_unit_test(test_agent_gives_up_after_trying),
        cmocka_unit_test(test_agent_keeps_one_recipient),
        cmocka_unit_test(test_nothing_is_for_the_terminal),
        cmocka_unit_test(test_not_sent),
        cmocka_unit_test(test_lost_with_the_power),
        cmocka_unit_test(test_twice_after_a_crash),
        cmocka_unit_test(test_rest_of_life),
        cmocka_unit_test(test_chain_through_another_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
