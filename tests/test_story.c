/* Tests of audit/story: how it tells of a mail's way. */
#include "story_world.h"

/* ---- The whole story ---- */

static void play_outage(const World *w)
{
    uint64_t because = crash(w, w->b);
    reach_a(w);
    for (uint64_t i = 1; i <= 4; i++) {
        fail_to_connect(w, because);
        defer(w, BOB, "connection refused", because, (SimTime)(i * 10) * SIM_MINUTE);
        go_to(w, (SimTime)(i * 10) * SIM_MINUTE);
        attempt(w, w->a, BOB, i + 1, "smtp");
    }
    accept_mail(w, w->b, BOB);
    relay(w, BOB);
    attempt(w, w->b, BOB, 1, "local");
    deliver(w, BOB);
}

static void test_outage(void **state)
{
    (void)state;
    World w = world_new(72);
    play_outage(&w);
    assert_true(story_has_mail(w.story));
    g_autofree char *story = story_tell(w.story);
    assert_string_equal(
        story, "00:00:01  The agent alice.laptop wrote lunch to bob@b.example: \"Lunch?\",\n"
               "          265 octets.\n"
               "00:00:01  It began to hand lunch to its own mail server, a.example.\n"
               "00:00:01  a.example took responsibility for lunch to bob@b.example and\n"
               "          put it into its message queue, as entry 1-1.\n"
               "00:00:01  Attempt 1: a.example could not send lunch to bob@b.example by\n"
               "          way of b.example: connection refused, because the mail server\n"
               "          on b.example had crashed at 00:00:00. It waited in the queue\n"
               "          until 00:10:00. The same happened 3 more times, the last time\n"
               "          at 00:30:00; then it waited until 00:40:00.\n"
               "00:40:00  b.example took lunch to bob@b.example over from a.example and\n"
               "          put it into its own message queue, as entry 1-1.\n"
               "00:40:00  a.example heard from b.example that it has lunch to\n"
               "          bob@b.example now (\"250 Ok\", attempt 5), and was done with it.\n"
               "00:40:00  b.example put lunch into the mailbox of bob@b.example.\n"
               "\n"
               "In the end lunch was delivered to bob@b.example, 39 min 59 s after it\n"
               "was sent, with 5 attempts over the network.\n"
               "How that came about, from the end back to the timeline:\n"
               "  00:40:00  b.example delivers lunch to bob@b.example\n"
               "  00:40:00  b.example begins attempt 1 for lunch (local)\n"
               "  00:40:00  a.example hands lunch on to b.example\n"
               "  00:40:00  b.example accepts lunch\n"
               "  00:40:00  a.example begins attempt 5 for lunch (smtp)\n"
               "  00:30:00  a.example puts lunch off: connection refused, because the\n"
               "            mail server on b.example had crashed at 00:00:00\n"
               "            (3 attempts had failed in the same way before)\n"
               "  00:00:01  a.example accepts lunch\n"
               "  00:00:01  alice.laptop hands lunch to a.example\n"
               "  00:00:01  alice.laptop writes lunch\n"
               "  00:00:01  the timeline says: send lunch\n");
    world_free(&w);
}

static void test_unknown_mail(void **state)
{
    (void)state;
    World w = world_new(0);
    TRACE(w.trace, w.laptop, AGENT_COMPOSE, 0, .mail = "dinner", .from = ALICE, .to = BOB);
    assert_false(story_has_mail(w.story));
    g_autofree char *story = story_tell(w.story);
    assert_string_equal(story, "This run knows no mail of the name \"lunch\".\n");
    world_free(&w);
}

/* ---- What makes an attempt fail ---- */

static void test_reply(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    answer(&w, 452, "4.2.2 mailbox full");
    defer(&w, BOB, "452 4.2.2 mailbox full", 0, SIM_MINUTE);
    assert_tells(&w, "Attempt 1: b.example would not take lunch to " BOB
                     "; it said \"452 4.2.2 mailbox full\". It waited in the queue until "
                     "00:01:00.\n");
    assert_tells(&w, "In the end lunch to " BOB " still waits in a message queue, after 1 attempt "
                     "over the network.\n");
    world_free(&w);
}

static void test_name(void **state)
{
    (void)state;
    World w = world_new(0);
    uint64_t because =
        TRACE(w.trace, NODE_TIMELINE, DNS_FAIL, 0, .name = "b.example", .how = "servfail");
    reach_a(&w);
    TRACE(w.trace, w.a, DNS_RESULT, 0, .name = "b.example", .type = "MX",
          .outcome = "server failure");
    defer(&w, BOB, "server failure", because, SIM_MINUTE);
    assert_tells(&w, "Attempt 1: a.example could not find out where to send lunch to " BOB
                     " (b.example: server failure), because look-ups of b.example had been "
                     "failing since 00:00:00 (servfail). It waited");
    world_free(&w);
}

/* Nobody has answered: that is told as an answer would be. */
static void test_no_answer_about_a_name(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    TRACE(w.trace, w.a, DNS_TIMEOUT, 0, .name = "b.example", .type = "MX", .attempt = 1);
    defer(&w, BOB, "no answer", 0, SIM_MINUTE);
    assert_tells(&w, "Attempt 1: a.example could not find out where to send lunch to " BOB
                     " (b.example: no answer). It waited");
    world_free(&w);
}

static void test_mailbox(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, ALICE);
    accept_mail(&w, w.a, ALICE);
    attempt(&w, w.a, ALICE, 1, "local");
    defer(&w, ALICE, "the mailbox has no room", 0, SIM_MINUTE);
    assert_tells(&w, "Attempt 1: a.example could not put lunch into the mailbox of " ALICE
                     ": the mailbox has no room. It waited");
    world_free(&w);
}

static void test_unknown_obstacle(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    defer(&w, BOB, "no free port", 0, SIM_MINUTE);
    assert_tells(&w, "Attempt 1 of a.example to send lunch to " BOB " failed: no free port.");
    world_free(&w);
}

/* ---- Rules ---- */

static void defer_by_rule(const World *w, const char *recipient, const char *reason, SimTime until)
{
    uint64_t verdict = refuse_by_rule(w, reason);
    defer(w, recipient, "452 4.2.2 Mailbox full", verdict, until);
}

/* What a rule decided over one recipient says nothing of how the other was served. */
static void test_rule_against_another(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB "," CAROL);
    accept_mail(&w, w.a, BOB);
    accept_mail(&w, w.a, CAROL);
    attempt(&w, w.a, CAROL, 1, "smtp");
    defer_by_rule(&w, BOB, "no room", SIM_MINUTE);
    accept_mail(&w, w.b, CAROL);
    deliver(&w, CAROL);
    g_autofree char *story = story_tell(w.story);
    const char *end = strstr(story, "In the end lunch was delivered to " CAROL);
    assert_non_null(end);
    assert_non_null(strstr(end, "  00:00:00  b.example accepts lunch\n"
                                "  00:00:00  a.example begins attempt 1 for lunch (smtp)\n"));
    world_free(&w);
}

/* A full disk says so each time anew; that is one reason. */
static void test_a_full_disk_is_one_reason(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    for (unsigned i = 1; i <= 3; i++) {
        attempt(&w, w.a, BOB, i, "smtp");
        uint64_t full = TRACE(w.trace, w.b, DISK_FULL, 0, .path = "spool/tmp/1-1", .size = 500);
        answer(&w, 452, "4.3.1 Insufficient system storage");
        defer(&w, BOB, "452 4.3.1 Insufficient system storage", full, (i + 1) * SIM_MINUTE);
        go_to(&w, (i + 1) * SIM_MINUTE);
    }
    assert_tells(&w, "it said \"452 4.3.1 Insufficient system storage\", because the disk of "
                     "b.example was full at 00:00:01. It waited in the queue until 00:02:00. The "
                     "same happened 2 more times, the last time at 00:03:00; then it waited until "
                     "00:04:00.\n");
    world_free(&w);
}

/* A rule that lets a mail pass stands between the attempt and the acceptance. */
static void test_taken_over_past_a_rule(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    TRACE(w.trace, w.b, POLICY_VERDICT, 0, .policy = "greylist", .verdict = "passed",
          .reason = "back after 10 min");
    accept_mail(&w, w.b, BOB);
    assert_tells(&w, "b.example took lunch to " BOB " over from a.example");
    world_free(&w);
}

/* ---- Ways ---- */

/* The way that failed is told beside the one that led on, each server once. */
static void test_another_exchanger(void **state)
{
    (void)state;
    World w = world_new(0);
    uint64_t because = crash(&w, w.b);
    reach_a(&w);
    TRACE(w.trace, w.a, TCP_CONNECT, 0, .remote = "mx1.example", .remote_port = 25);
    Cause connected = *simulator_cause(w.simulator);
    TRACE(w.trace, w.a, TCP_FAILED, because, .remote = "mx1.example", .reason = "timed out");
    *simulator_cause(w.simulator) = connected;
    TRACE(w.trace, w.a, TCP_CONNECT, 0, .remote = "b.example", .remote_port = 25);
    accept_mail(&w, w.b, BOB);
    relay(&w, BOB);
    assert_tells(&w, "(\"250 Ok\", attempt 1), and was done with it. It had tried mx1.example "
                     "first, in vain, because the mail server on b.example had crashed at "
                     "00:00:00.\n");
    world_free(&w);
}

/* The address connected to may be a home router's, which leads to the server. */
static void test_behind_a_router(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    TRACE(w.trace, w.a, TCP_CONNECT, 0, .remote = "cottage", .remote_port = 25);
    accept_mail(&w, w.b, BOB);
    relay(&w, BOB);
    g_autofree char *story = story_tell(w.story);
    assert_non_null(strstr(story, "heard from b.example that it has lunch"));
    assert_null(strstr(story, "in vain"));
    world_free(&w);
}

/* What an address stands for is told before those who are written to in its place. */
static void test_expansion(void **state)
{
    static const struct {
        const char *how, *told;
    } CASES[] = {
        {"alias", BOB " is an alias on b.example: lunch goes to " CAROL " in its place."},
        {"forward", BOB " has lunch forwarded: b.example sends it to " CAROL "."},
        {"list", BOB " is a mailing list on b.example: lunch goes to its members, " CAROL ", with "
                     "the list's owner as the envelope's sender."},
        {"owner", "b.example passes lunch to " BOB " on to the list's owner, " CAROL "."},
        {"catch_all", "b.example has no user " BOB ", and gives lunch to the one who gets the mail "
                      "for all such, " CAROL "."},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        World w = world_new(0);
        reach_a(&w);
        accept_mail(&w, w.b, BOB);
        TRACE(w.trace, w.a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
              .next = "b.example");
        attempt(&w, w.b, BOB, 1, "local");
        TRACE(w.trace, w.b, QUEUE_ENTER, 0, .entry = "1-2", .mail = "lunch", .length = 2);
        TRACE(w.trace, w.b, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = CAROL, .sender = ALICE,
              .entry = "1-2", .origin = "1-1");
        TRACE(w.trace, w.b, MAIL_EXPANDED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
              .how = CASES[i].how, .into = "1-2", .to = CAROL, .count = 1);
        g_autofree char *told = g_strdup_printf("%s\n00:00:01  b.example put lunch to " CAROL
                                                " into its message queue, as entry 1-2.\n",
                                                CASES[i].told);
        assert_tells(&w, told);
        assert_tells(&w, "In the end lunch to " BOB " went to other addresses in its place.");
        world_free(&w);
    }
}

static void test_vacation(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    accept_mail(&w, w.b, BOB);
    TRACE(w.trace, w.b, MAIL_ACCEPTED, 0, .mail = "lunch.vacation", .recipient = ALICE,
          .sender = "", .entry = "1-2");
    TRACE(w.trace, w.b, MAIL_ANSWERED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .answer = "lunch.vacation");
    TRACE(w.trace, w.b, MAIL_UNANSWERED, 0, .mail = "lunch", .recipient = CAROL, .entry = "1-1",
          .rule = "it is sent to many (Precedence)");
    assert_tells(&w, BOB " is away: b.example answered lunch by lunch.vacation.\n00:00:01  "
                         "b.example wrote the notification lunch.vacation to " ALICE);
    assert_tells(&w, CAROL " is away, and b.example did not answer lunch: it is sent to many "
                           "(Precedence).");
    world_free(&w);
}

static void test_hold(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    TRACE(w.trace, w.a, QUEUE_HOLD, 0, .entry = "1-1", .mail = "lunch");
    TRACE(w.trace, w.a, QUEUE_HOLD, 0, .entry = "1-2", .mail = "dinner");
    TRACE(w.trace, w.a, QUEUE_RELEASE, 0, .entry = "1-1", .mail = "lunch");
    assert_tells(&w, "The administrator of a.example put lunch on hold: no attempt is made.");
    assert_tells(&w, "The administrator of a.example released lunch.");
    g_autofree char *story = story_tell(w.story);
    assert_null(strstr(story, "dinner"));
    world_free(&w);
}

/* A crash came between the mailbox and the journal: nothing is put there again. */
static void test_found_in_the_mailbox(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    TRACE(w.trace, w.b, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = BOB, .entry = "1-1",
          .uid = 1, .found = "as an attempt before had left it");
    assert_tells(&w, "b.example found lunch in the mailbox of " BOB ", as an attempt before had "
                     "left it, and did not put it there again.");
    world_free(&w);
}

/* What is decided by a failure of the disk says which. */
static void test_a_disk_that_fails(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    uint64_t error =
        TRACE(w.trace, w.a, DISK_ERROR, 0, .operation = "read", .path = "spool/queue/1-1");
    defer(&w, BOB, "the message cannot be read from the disk", error, SIM_MINUTE);
    assert_tells(&w, "because the disk of a.example had failed at 00:00:01 (read "
                     "spool/queue/1-1)");
    world_free(&w);
}

/* ---- Folding ---- */

static void test_different_reasons_are_not_folded(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    fail_to_connect(&w, 0);
    defer(&w, BOB, "connection refused", 0, SIM_MINUTE);
    attempt(&w, w.a, BOB, 2, "smtp");
    fail_to_connect(&w, 0);
    defer(&w, BOB, "connection refused", 0, 2 * SIM_MINUTE);
    attempt(&w, w.a, BOB, 3, "smtp");
    fail_to_connect(&w, 0);
    defer(&w, BOB, "connection timed out", 0, 3 * SIM_MINUTE);
    assert_tells(&w, "Attempt 1: a.example could not send lunch to " BOB
                     " by way of b.example: connection refused. It waited in the queue until "
                     "00:01:00. The same happened once more, at 00:00:01; then it waited until "
                     "00:02:00.\n"
                     "00:00:01  Attempt 3: a.example could not send lunch to " BOB
                     " by way of b.example: connection timed out. It waited in the queue until "
                     "00:03:00.\n");
    world_free(&w);
}

static void test_recipients_are_joined(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB "," CAROL);
    accept_mail(&w, w.a, BOB);
    accept_mail(&w, w.a, CAROL);
    for (uint64_t i = 1; i <= 2; i++) {
        attempt(&w, w.a, BOB, i, "smtp");
        attempt(&w, w.a, CAROL, i, "smtp");
        fail_to_connect(&w, 0);
        defer(&w, BOB, "connection refused", 0, (SimTime)i * SIM_MINUTE);
        defer(&w, CAROL, "connection refused", 0, (SimTime)i * SIM_MINUTE);
        go_to(&w, (SimTime)i * SIM_MINUTE);
    }
    assert_tells(&w, "took responsibility for lunch to " BOB " and " CAROL " and put it");
    assert_tells(&w, "could not send lunch to " BOB " and " CAROL " by way of b.example: "
                     "connection refused. It waited in the queue until 00:01:00. The same "
                     "happened once more, at 00:01:00; then it waited until 00:02:00.\n\n");
    assert_tells(&w, "(another attempt had failed in the same way before)");
    world_free(&w);
}

/* A rule decides each time anew, but for the same reason. */
static void test_same_verdicts_are_folded(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    defer_by_rule(&w, BOB, "no room", SIM_MINUTE);
    go_to(&w, SIM_MINUTE);
    attempt(&w, w.a, BOB, 2, "smtp");
    defer_by_rule(&w, BOB, "no room", SIM_HOUR);
    assert_tells(&w, "because the rule \"quota\" of b.example decided so: no room. It waited in "
                     "the queue until 00:01:00. The same happened once more, at 00:01:00; then it "
                     "waited until 01:00:00.\n");
    assert_tells(&w, "because the rule \"quota\" of b.example decided so: no room\n"
                     "  00:01:00  a.example begins attempt 2 for lunch (smtp)\n"
                     "            (another attempt had failed in the same way before)\n"
                     "  00:00:01  a.example accepts lunch\n");
    go_to(&w, SIM_HOUR);
    attempt(&w, w.a, BOB, 3, "smtp");
    defer_by_rule(&w, BOB, "too fast", 2 * SIM_HOUR);
    assert_tells(&w, "Attempt 3: b.example would not take lunch to " BOB "; it said \"452 4.2.2 "
                     "Mailbox full\", because the rule \"quota\" of b.example decided so: too "
                     "fast.");
    world_free(&w);
}

/* Two servers that forward a mail to each other: the round is told once and counted. */
static void test_rounds(void **state)
{
    (void)state;
    World w = world_new(0);
    reach_a(&w);
    for (int i = 0; i < 40; i++) {
        NodeId node = i % 2 == 0 ? w.b : w.a;
        go_to(&w, (i + 2) * SIM_SECOND);
        accept_mail(&w, node, i % 2 == 0 ? BOB : CAROL);
        attempt(&w, node, i % 2 == 0 ? BOB : CAROL, 1, "smtp");
    }
    assert_tells(&w, "00:00:02  b.example took lunch to " BOB " over from a.example and put it "
                     "into its own message queue, as entry 1-1.\n"
                     "00:00:03  a.example took lunch to " CAROL " over from b.example and put it "
                     "into its own message queue, as entry 1-1.\n"
                     "00:00:04  So it went 19 times more, from 00:00:04 to 00:00:41.\n");
    deliver(&w, CAROL);
    assert_tells(&w, "(and 18 times more the same, back to 00:00:02)\n");
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_unknown_mail),
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_no_answer_about_a_name),
        cmocka_unit_test(test_mailbox),
        cmocka_unit_test(test_unknown_obstacle),
        cmocka_unit_test(test_rule_against_another),
        cmocka_unit_test(test_a_full_disk_is_one_reason),
        cmocka_unit_test(test_taken_over_past_a_rule),
        cmocka_unit_test(test_another_exchanger),
        cmocka_unit_test(test_behind_a_router),
        cmocka_unit_test(test_expansion),
        cmocka_unit_test(test_vacation),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_found_in_the_mailbox),
        cmocka_unit_test(test_a_disk_that_fails),
        cmocka_unit_test(test_different_reasons_are_not_folded),
        cmocka_unit_test(test_recipients_are_joined),
        cmocka_unit_test(test_same_verdicts_are_folded),
        cmocka_unit_test(test_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
