/* Tests of audit/books: one recipient becomes many. Each rule is kept once and broken once, in
 * traces written by hand. */
#include "audit/books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEAM  "team@a.example"
#define ANN   "ann@a.example"
#define BOB   "bob@a.example"
#define ALICE "alice@a.example"

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Books *books;
    NodeId laptop, a;
} World;

static void enter(const World *w, const char *entry, uint64_t length)
{
    TRACE(w->trace, w->a, QUEUE_ENTER, 0, .entry = entry, .mail = "lunch", .recipients = 1,
          .length = length);
}

static void accept_mail(const World *w, const char *entry, const char *recipient,
                        const char *origin)
{
    TRACE(w->trace, w->a, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = recipient,
          .sender = ALICE, .entry = entry, .origin = origin);
}

static void attempt(const World *w, const char *entry, const char *recipient)
{
    TRACE(w->trace, w->a, QUEUE_ATTEMPT, 0, .entry = entry, .mail = "lunch", .recipient = recipient,
          .transport = "local");
}

static void expand(const World *w, const char *into, uint64_t count)
{
    TRACE(w->trace, w->a, MAIL_EXPANDED, 0, .mail = "lunch", .recipient = TEAM, .entry = "1-1",
          .how = "alias", .into = into, .to = ANN ", " BOB, .count = count);
}

static void deliver(const World *w, const char *user, const char *recipient, uint64_t uid)
{
    attempt(w, "1-2", recipient);
    TRACE(w->trace, w->a, MAILBOX_STORE, 0, .mail = "lunch", .user = user, .folder = "INBOX",
          .uid = uid);
    TRACE(w->trace, w->a, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = recipient,
          .entry = "1-2", .uid = uid);
}

/* Alice's mail to the team is being delivered on her own server. */
static World world_new(void)
{
    World w = {.simulator = simulator_new(1)};
    w.laptop = simulator_add_node(w.simulator, "alice.laptop");
    w.a = simulator_add_node(w.simulator, "a.example");
    w.trace = trace_new(w.simulator);
    w.books = books_new(w.trace);
    TRACE(w.trace, w.laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = TEAM);
    TRACE(w.trace, w.laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
    enter(&w, "1-1", 1);
    accept_mail(&w, "1-1", TEAM, NULL);
    attempt(&w, "1-1", TEAM);
    return w;
}

/* The entry for Ann and Bob is in the queue. */
static void add_outcome(const World *w)
{
    enter(w, "1-2", 2);
    accept_mail(w, "1-2", ANN, "1-1");
    accept_mail(w, "1-2", BOB, "1-1");
}

/* Both have it, and the queue is empty. */
static void finish(const World *w)
{
    TRACE(w->trace, w->a, QUEUE_REMOVE, 0, .entry = "1-1", .mail = "lunch", .length = 1);
    deliver(w, "ann", ANN, 1);
    deliver(w, "bob", BOB, 1);
    TRACE(w->trace, w->a, QUEUE_REMOVE, 0, .entry = "1-2", .mail = "lunch", .length = 0);
    TRACE(w->trace, NODE_TIMELINE, TIMELINE_END, 0, .reason = "quiet");
    TRACE(w->trace, w->a, STORE_INVENTORY, 0, .place = "mailbox", .mail = "lunch",
          .recipient = "ann", .folder = "INBOX", .uid = 1, .is_final = true);
    TRACE(w->trace, w->a, STORE_INVENTORY, 0, .place = "mailbox", .mail = "lunch",
          .recipient = "bob", .folder = "INBOX", .uid = 1, .is_final = true);
}

static void crash(const World *w)
{
    TRACE(w->trace, w->a, HOST_CRASH, 0, .program = "mail server");
    TRACE(w->trace, w->a, HOST_RESTART, 0, .program = "mail server");
}

static void recover(const World *w, const char *entry, const char *origin, uint64_t recipients,
                    uint64_t length)
{
    TRACE(w->trace, w->a, QUEUE_RECOVER, 0, .entry = entry, .mail = "lunch",
          .recipients = recipients, .length = length, .origin = origin);
}

static void world_free(World *world)
{
    books_free(world->books);
    trace_free(world->trace);
    simulator_free(world->simulator);
}

static void assert_balanced(World *world)
{
    bool is_balanced = books_check_end(world->books);
    if (!is_balanced)
        fail_msg("%s", books_first_violation(world->books)->text);
    world_free(world);
}

/* The first violation says this. */
static void assert_violated(World *world, const char *text)
{
    assert_false(books_check_end(world->books));
    assert_string_equal(books_first_violation(world->books)->text, text);
    world_free(world);
}

static void test_expansion_balances(void **state)
{
    (void)state;
    World w = world_new();
    add_outcome(&w);
    expand(&w, "1-2", 2);
    finish(&w);
    assert_balanced(&w);
}

/* RFC 5233: what is behind the plus is bob's own matter. */
static void test_plus_address_is_the_users(void **state)
{
    (void)state;
    World w = world_new();
    enter(&w, "1-2", 2);
    accept_mail(&w, "1-2", ANN, "1-1");
    accept_mail(&w, "1-2", "Bob+x@a.example", "1-1");
    expand(&w, "1-2", 2);
    TRACE(w.trace, w.a, QUEUE_REMOVE, 0, .entry = "1-1", .mail = "lunch", .length = 1);
    deliver(&w, "ann", ANN, 1);
    deliver(&w, "bobby", "Bob+x@a.example", 1);
    assert_violated(&w, "a.example puts lunch into INBOX of bobby without a delivery");
}

static void test_outcome_of_nothing(void **state)
{
    (void)state;
    World w = world_new();
    enter(&w, "1-2", 2);
    accept_mail(&w, "1-2", ANN, "1-7");
    assert_violated(&w, "a.example has lunch (queue entry 1-2) from the expansion of queue entry "
                        "1-7, of which it expands no recipient");
}

static void test_outcome_of_what_is_done(void **state)
{
    (void)state;
    World w = world_new();
    add_outcome(&w);
    expand(&w, "1-2", 2);
    enter(&w, "1-3", 3);
    accept_mail(&w, "1-3", ANN, "1-1");
    assert_violated(&w, "a.example has lunch (queue entry 1-3) from the expansion of queue entry "
                        "1-1, of which it expands no recipient");
}

static void test_outcome_unnamed(void **state)
{
    (void)state;
    World w = world_new();
    add_outcome(&w);
    TRACE(w.trace, w.a, MAIL_DISCARDED, 0, .mail = "lunch", .recipient = TEAM, .entry = "1-1",
          .rule = "a test");
    finish(&w);
    assert_violated(&w, "a.example has lunch (queue entry 1-2) from nowhere: no mail.expanded of "
                        "queue entry 1-1 names it");
}

static void test_expanded_into_nothing(void **state)
{
    (void)state;
    World w = world_new();
    expand(&w, "1-2", 2);
    assert_violated(&w, "a.example says that lunch for " TEAM " is in its queue for other "
                        "addresses (queue entry 1-2), and has no such entry");
}

static void test_an_address_is_forgotten(void **state)
{
    (void)state;
    World w = world_new();
    add_outcome(&w);
    expand(&w, "1-2", 3);
    assert_violated(&w, "a.example expands lunch for " TEAM " into 3 addresses, and has accepted "
                        "it for 2 (queue entry 1-2)");
}

static void test_expanded_twice(void **state)
{
    (void)state;
    World w = world_new();
    add_outcome(&w);
    expand(&w, "1-2", 2);
    expand(&w, "1-2", 2);
    assert_violated(&w, "a.example expands lunch for " TEAM " (queue entry 1-1), which was done "
                        "already, and no crash explains it");
}

/* The crash has come before the record, or before the note: the recovery names the outcome. */
static void test_crash_before_the_record(void **state)
{
    (void)state;
    for (int is_told = 0; is_told < 2; is_told++) {
        World w = world_new();
        if (is_told)
            add_outcome(&w);
        if (is_told)
            expand(&w, "1-2", 2);
        crash(&w);
        recover(&w, "1-1", NULL, 1, 1);
        recover(&w, "1-2", "1-1", 2, 2);
        TRACE(w.trace, w.a, STORE_INVENTORY, 0, .place = "queue", .mail = "lunch",
              .recipient = TEAM, .entry = "1-1");
        expand(&w, "1-2", 2);
        finish(&w);
        assert_balanced(&w);
    }
}

/* One copy for Ann by way of the alias, one directly: whichever is stored first may be told last.
 */
static void test_two_ways_to_one_mailbox(void **state)
{
    (void)state;
    World w = world_new();
    add_outcome(&w);
    expand(&w, "1-2", 2);
    TRACE(w.trace, w.a, QUEUE_REMOVE, 0, .entry = "1-1", .mail = "lunch", .length = 1);
    TRACE(w.trace, w.laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
    enter(&w, "1-3", 2);
    accept_mail(&w, "1-3", ANN, NULL);
    attempt(&w, "1-3", ANN);
    deliver(&w, "ann", ANN, 1);
    TRACE(w.trace, w.a, MAILBOX_STORE, 0, .mail = "lunch", .user = "ann", .folder = "INBOX",
          .uid = 2);
    TRACE(w.trace, w.a, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = ANN, .entry = "1-3",
          .uid = 2);
    assert_null(books_first_violation(w.books));
    world_free(&w);
}

/* ---- Answers for users who are away ---- */

static void answer(const World *w, const char *recipient)
{
    TRACE(w->trace, w->a, QUEUE_ENTER, 0, .entry = "1-3", .mail = "lunch.vacation", .recipients = 1,
          .length = 2);
    TRACE(w->trace, w->a, MAIL_ACCEPTED, 0, .mail = "lunch.vacation", .recipient = recipient,
          .sender = "", .entry = "1-3");
    TRACE(w->trace, w->a, MAIL_ANSWERED, 0, .mail = "lunch", .recipient = TEAM, .entry = "1-1",
          .answer = "lunch.vacation");
}

static void test_an_answer_goes_to_the_sender(void **state)
{
    (void)state;
    World w = world_new();
    answer(&w, ALICE);
    assert_null(books_first_violation(w.books));
    world_free(&w);
    w = world_new();
    answer(&w, BOB);
    assert_violated(&w,
                    "a.example says that the sender of lunch is told by lunch.vacation, and has "
                    "not accepted such a notification to " ALICE);
}

static void test_an_answer_to_what_was_never_accepted(void **state)
{
    (void)state;
    World w = world_new();
    TRACE(w.trace, w.a, MAIL_ANSWERED, 0, .mail = "tea", .recipient = BOB, .entry = "1-9",
          .answer = "tea.vacation");
    assert_violated(&w, "a.example answers tea for " BOB " (queue entry 1-9), which it never "
                        "accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expansion_balances),
        cmocka_unit_test(test_plus_address_is_the_users),
        cmocka_unit_test(test_outcome_of_nothing),
        cmocka_unit_test(test_outcome_of_what_is_done),
        cmocka_unit_test(test_outcome_unnamed),
        cmocka_unit_test(test_expanded_into_nothing),
        cmocka_unit_test(test_an_address_is_forgotten),
        cmocka_unit_test(test_expanded_twice),
        cmocka_unit_test(test_crash_before_the_record),
        cmocka_unit_test(test_two_ways_to_one_mailbox),
        cmocka_unit_test(test_an_answer_goes_to_the_sender),
        cmocka_unit_test(test_an_answer_to_what_was_never_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
