/* Tests of audit/story: what it tells of traces written by hand. */
#include "audit/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define BOB   "bob@b.example"
#define CAROL "carol@b.example"
#define ALICE "alice@a.example"

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Story *story;
    NodeId laptop, a, b;
} World;

static World world_new(unsigned width)
{
    World world = {.simulator = simulator_new(1)};
    world.laptop = simulator_add_node(world.simulator, "alice.laptop");
    world.a = simulator_add_node(world.simulator, "a.example");
    world.b = simulator_add_node(world.simulator, "b.example");
    world.trace = trace_new(world.simulator);
    StoryOptions options = {.mail = "lunch", .width = width};
    world.story = story_new(world.trace, &options);
    return world;
}

static void world_free(World *world)
{
    story_free(world->story);
    trace_free(world->trace);
    simulator_free(world->simulator);
}

/* Time passes, and what comes then is still caused by what was. */
static void go_to(const World *world, SimTime time)
{
    Cause cause = *simulator_cause(world->simulator);
    simulator_run(world->simulator, (SimulatorLimits){.until = time});
    *simulator_cause(world->simulator) = cause;
}

static void assert_tells(const World *w, const char *text)
{
    g_autofree char *story = story_tell(w->story);
    if (strstr(story, text) == NULL)
        print_error("%s", story);
    assert_non_null(strstr(story, text));
}

/* ---- Records ---- */

static void act(const World *w, const char *action, const char *subject)
{
    *simulator_cause(w->simulator) = (Cause){{0}};
    TRACE(w->trace, NODE_TIMELINE, TIMELINE_ACTION, 0, .action = action, .subject = subject);
}

static uint64_t crash(const World *w, NodeId node)
{
    act(w, "crash", "b.example");
    return TRACE(w->trace, node, HOST_CRASH, 0, .program = "mail server");
}

static void submit(const World *w, const char *to)
{
    act(w, "send", "lunch");
    TRACE(w->trace, w->laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = to,
          .subject = "Lunch?", .size = 265);
    TRACE(w->trace, w->laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
}

static void accept_mail(const World *w, NodeId node, const char *recipient)
{
    TRACE(w->trace, node, QUEUE_ENTER, 0, .entry = "1-1", .mail = "lunch", .length = 1);
    TRACE(w->trace, node, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = recipient,
          .sender = ALICE, .entry = "1-1");
}

static void attempt(const World *w, NodeId node, const char *recipient, uint64_t number,
                    const char *transport)
{
    TRACE(w->trace, node, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch", .recipient = recipient,
          .attempt = number, .transport = transport);
}

static void defer(const World *w, const char *recipient, const char *reason, uint64_t because,
                  SimTime until)
{
    TRACE(w->trace, w->a, QUEUE_DEFER, because, .entry = "1-1", .mail = "lunch",
          .recipient = recipient, .reason = span_of_text(reason), .next_at = until);
}

static void fail_to_connect(const World *w, uint64_t because)
{
    TRACE(w->trace, w->a, TCP_CONNECT, 0, .remote = "b.example", .remote_port = 25);
    TRACE(w->trace, w->a, TCP_FAILED, because, .remote = "b.example",
          .reason = "connection refused");
    TRACE(w->trace, w->a, SMTP_STATE, 0, .machine = "smtp-client", .from = "CONNECT",
          .to = "CLOSED");
}

static void answer(const World *w, uint64_t code, const char *text)
{
    TRACE(w->trace, w->b, SMTP_REPLY, 0, .code = code, .text = span_of_text(text));
    TRACE(w->trace, w->a, SMTP_STATE, 0, .machine = "smtp-client", .from = "RCPT", .to = "READY");
}

static void relay(const World *w, const char *recipient)
{
    TRACE(w->trace, w->a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = recipient, .entry = "1-1",
          .next = "b.example", .reply = span_of_text("250 Ok"));
}

static void deliver(const World *w, const char *recipient)
{
    TRACE(w->trace, w->b, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = recipient,
          .entry = "1-1", .uid = 1);
}

/* Alice has sent it, her server has it, and the first attempt begins. */
static void reach_a(const World *w)
{
    go_to(w, SIM_SECOND);
    submit(w, BOB);
    accept_mail(w, w->a, BOB);
    attempt(w, w->a, BOB, 1, "smtp");
}

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
               "  00:40:00  b.example begins attempt 1 for lunch\n"
               "  00:40:00  a.example hands lunch on to b.example\n"
               "  00:40:00  b.example accepts lunch\n"
               "  00:40:00  a.example begins attempt 5 for lunch\n"
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
                     ": b.example could not be looked up, because look-ups of b.example had "
                     "been failing since 00:00:00 (servfail). It waited");
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

/* ---- Other ends ---- */

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
    assert_tells(
        &w, "In the end lunch was not delivered to " BOB ", and the sender of its envelope "
            "was told by lunch.bounce, 1 d after it was sent, with 1 attempt over the network.\n");
    assert_tells(&w, "In the end lunch.bounce to " ALICE " still waits in a message queue, after 0 "
                     "attempts over the network.\n");
    assert_tells(&w, "  1d 00:00:02  a.example accepts lunch.bounce\n"
                     "  00:00:01  a.example begins attempt 1 for lunch\n"
                     "            (and so on, as told of lunch)\n");
    g_autofree char *story = story_tell(w.story);
    assert_null(strstr(story, "other.bounce"));
    world_free(&w);
}

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
                     "  00:00:00  a.example begins attempt 1 for lunch\n");
    world_free(&w);
}

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

static void test_refused(void **state)
{
    (void)state;
    World w = world_new(0);
    submit(&w, BOB);
    TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "submit", .mail = "lunch", .recipient = BOB,
          .reason = span_of_text("550 5.7.1 Relaying denied"));
    TRACE(w.trace, w.laptop, AGENT_FAILED, 0, .action = "fetch", .mail = "lunch",
          .reason = span_of_text("no"));
    assert_tells(&w,
                 "alice.laptop could not hand lunch over for " BOB
                 ": 550 5.7.1 Relaying denied. An agent has no queue, so its person was told "
                 "at once.\n\nIn the end no server took lunch to " BOB ", and its author knows.\n");
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

/* ---- Rules ---- */

/* What the rule of b.example decides, and its reply. */
static uint64_t refuse_by_rule(const World *w, const char *reason)
{
    uint64_t verdict = TRACE(w->trace, w->b, POLICY_VERDICT, 0, .policy = "quota",
                             .verdict = "deferred", .reason = reason);
    answer(w, 452, "4.2.2 Mailbox full");
    return verdict;
}

static void defer_by_rule(const World *w, const char *recipient, const char *reason, SimTime until)
{
    uint64_t verdict = refuse_by_rule(w, reason);
    defer(w, recipient, "452 4.2.2 Mailbox full", verdict, until);
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
                     "  00:01:00  a.example begins attempt 2 for lunch\n"
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
                                "  00:00:00  a.example begins attempt 1 for lunch\n"));
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
        cmocka_unit_test(test_mailbox),
        cmocka_unit_test(test_unknown_obstacle),
        cmocka_unit_test(test_expansion),
        cmocka_unit_test(test_vacation),
        cmocka_unit_test(test_different_reasons_are_not_folded),
        cmocka_unit_test(test_recipients_are_joined),
        cmocka_unit_test(test_bounce),
        cmocka_unit_test(test_lost_with_the_power),
        cmocka_unit_test(test_one_of_two_is_refused),
        cmocka_unit_test(test_another_exchanger),
        cmocka_unit_test(test_behind_a_router),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_not_sent),
        cmocka_unit_test(test_twice_after_a_crash),
        cmocka_unit_test(test_rest_of_life),
        cmocka_unit_test(test_chain_through_another_mail),
        cmocka_unit_test(test_same_verdicts_are_folded),
        cmocka_unit_test(test_rule_against_another),
        cmocka_unit_test(test_taken_over_past_a_rule),
        cmocka_unit_test(test_bounce_after_expiry),
        cmocka_unit_test(test_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
