/* Tests of audit/books: one recipient becomes many. Each rule is kept once and broken once. */
#include "books_world.h"

#define TEAM "team@a.example"
#define ANN  "ann@a.example"
#define BEN  "ben@a.example"

static void attempt_for(const World *w, const char *entry, const char *recipient)
{
    TRACE(w->trace, w->a, QUEUE_ATTEMPT, 0, .entry = entry, .mail = "lunch", .recipient = recipient,
          .transport = "local");
}

static void expand(const World *w, const char *into, uint64_t count)
{
    TRACE(w->trace, w->a, MAIL_EXPANDED, 0, .mail = "lunch", .recipient = TEAM, .entry = "1-1",
          .how = "alias", .into = into, .to = ANN ", " BEN, .count = count);
}

static void put_into_mailbox(const World *w, const char *user, const char *recipient,
                             const char *entry, uint64_t uid)
{
    TRACE(w->trace, w->a, MAILBOX_STORE, 0, .mail = "lunch", .user = user, .folder = "INBOX",
          .uid = uid);
    TRACE(w->trace, w->a, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = recipient,
          .entry = entry, .uid = uid);
}

static void deliver_to(const World *w, const char *user, const char *recipient)
{
    attempt_for(w, "1-2", recipient);
    put_into_mailbox(w, user, recipient, "1-2", 1);
}

/* Alice's mail to the team is being delivered on her own server. */
static World world_of_team(void)
{
    World w = world_new();
    submit(&w, TEAM);
    enter(&w, w.a, "1-1", 1);
    accept_for(&w, w.a, "1-1", TEAM, NULL);
    attempt_for(&w, "1-1", TEAM);
    return w;
}

/* The entry for Ann and Ben is in the queue. */
static void add_outcome(const World *w)
{
    enter(w, w->a, "1-2", 2);
    accept_for(w, w->a, "1-2", ANN, "1-1");
    accept_for(w, w->a, "1-2", BEN, "1-1");
}

/* Both have it, and the queue is empty. */
static void finish(const World *w)
{
    remove_entry(w, w->a, 1);
    deliver_to(w, "ann", ANN);
    deliver_to(w, "ben", BEN);
    TRACE(w->trace, w->a, QUEUE_REMOVE, 0, .entry = "1-2", .mail = "lunch", .length = 0);
    end_run(w, "quiet");
    hold_in_mailbox(w, w->a, "ann", "INBOX", 1);
    hold_in_mailbox(w, w->a, "ben", "INBOX", 1);
}

static void test_expansion_balances(void **state)
{
    (void)state;
    World w = world_of_team();
    add_outcome(&w);
    expand(&w, "1-2", 2);
    finish(&w);
    assert_balanced(&w);
}

/* What is behind the plus is Ben's own matter (RFC 5233), and quotes that nothing needs change
 * nothing (RFC 5321 §4.1.2). */
static void test_other_spellings_are_the_users(void **state)
{
    (void)state;
    static const struct {
        const char *address, *user, *violation;
    } CASES[] = {
        {"Ben+x@a.example", "ben", NULL},
        {"\"b\\en\"@a.example", "ben", NULL},
        {"Ben+x@a.example", "benny", "a.example puts lunch into INBOX of benny without a delivery"},
        {"benny@a.example", "ben", "a.example puts lunch into INBOX of ben without a delivery"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        World w = world_of_team();
        enter(&w, w.a, "1-2", 2);
        accept_for(&w, w.a, "1-2", ANN, "1-1");
        accept_for(&w, w.a, "1-2", CASES[i].address, "1-1");
        expand(&w, "1-2", 2);
        remove_entry(&w, w.a, 1);
        deliver_to(&w, "ann", ANN);
        deliver_to(&w, CASES[i].user, CASES[i].address);
        if (CASES[i].violation != NULL) {
            assert_violated(&w, CASES[i].violation);
        } else {
            assert_null(books_first_violation(w.books));
            world_free(&w);
        }
    }
}

static void test_outcome_of_nothing(void **state)
{
    (void)state;
    World w = world_of_team();
    enter(&w, w.a, "1-2", 2);
    accept_for(&w, w.a, "1-2", ANN, "1-7");
    assert_violated(&w, "a.example has lunch (queue entry 1-2) from the expansion of queue entry "
                        "1-7, of which it expands no recipient");
}

static void test_outcome_of_what_is_done(void **state)
{
    (void)state;
    World w = world_of_team();
    add_outcome(&w);
    expand(&w, "1-2", 2);
    enter(&w, w.a, "1-3", 3);
    accept_for(&w, w.a, "1-3", ANN, "1-1");
    assert_violated(&w, "a.example has lunch (queue entry 1-3) from the expansion of queue entry "
                        "1-1, of which it expands no recipient");
}

static void test_outcome_unnamed(void **state)
{
    (void)state;
    World w = world_of_team();
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
    World w = world_of_team();
    expand(&w, "1-2", 2);
    assert_violated(&w, "a.example says that lunch for " TEAM " is in its queue for other "
                        "addresses (queue entry 1-2), and has no such entry");
}

static void test_an_address_is_forgotten(void **state)
{
    (void)state;
    World w = world_of_team();
    add_outcome(&w);
    expand(&w, "1-2", 3);
    assert_violated(&w, "a.example expands lunch for " TEAM " into 3 addresses, and has accepted "
                        "it for 2 (queue entry 1-2)");
}

static void test_expanded_twice(void **state)
{
    (void)state;
    World w = world_of_team();
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
        World w = world_of_team();
        if (is_told) {
            add_outcome(&w);
            expand(&w, "1-2", 2);
        }
        crash(&w, w.a);
        recover(&w, w.a, "1-1", 1);
        TRACE(w.trace, w.a, QUEUE_RECOVER, 0, .entry = "1-2", .mail = "lunch", .recipients = 2,
              .length = 2, .origin = "1-1");
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
    World w = world_of_team();
    add_outcome(&w);
    expand(&w, "1-2", 2);
    remove_entry(&w, w.a, 1);
    hand_in(&w);
    enter(&w, w.a, "1-3", 2);
    accept_for(&w, w.a, "1-3", ANN, NULL);
    attempt_for(&w, "1-3", ANN);
    deliver_to(&w, "ann", ANN);
    put_into_mailbox(&w, "ann", ANN, "1-3", 2);
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
    World w = world_of_team();
    answer(&w, ALICE);
    assert_null(books_first_violation(w.books));
    world_free(&w);
    w = world_of_team();
    answer(&w, BEN);
    assert_violated(&w,
                    "a.example says that the sender of lunch is told by lunch.vacation, and has "
                    "not accepted such a notification to " ALICE);
}

static void test_an_answer_to_what_was_never_accepted(void **state)
{
    (void)state;
    World w = world_of_team();
    TRACE(w.trace, w.a, MAIL_ANSWERED, 0, .mail = "tea", .recipient = BEN, .entry = "1-9",
          .answer = "tea.vacation");
    assert_violated(&w, "a.example answers tea for " BEN " (queue entry 1-9), which it never "
                        "accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expansion_balances),
        cmocka_unit_test(test_other_spellings_are_the_users),
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
