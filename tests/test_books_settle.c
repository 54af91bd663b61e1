/* Books that forget what is delivered: they balance where the others do, and what is wrong is still
 * found. */
#include "books_world.h"

static World forgetting_world_new(void)
{
    World world = world_new();
    books_forget_delivered(world.books);
    return world;
}

/* Alice's agent has heard that her server has taken it. */
static void be_sent(const World *w)
{
    TRACE(w->trace, w->laptop, AGENT_SENT, 0, .mail = "lunch", .server = "a.example");
}

static void reach_mailbox_sent(const World *w)
{
    submit(w, BOB);
    accept_mail(w, w->a, "1-1", 1);
    be_sent(w);
    attempt(w, w->a, "smtp");
    accept_mail(w, w->b, "1-1", 1);
    relay(w);
    remove_entry(w, w->a, 0);
    attempt(w, w->b, "local");
    store_mail(w, "INBOX", 1);
    deliver(w, 1);
    remove_entry(w, w->b, 0);
}

static void test_delivery_balances(void **state)
{
    (void)state;
    World w = forgetting_world_new();
    reach_mailbox_sent(&w);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    assert_balanced(&w);
}

/* The agent is the last to hear. */
static void test_late_reply_balances(void **state)
{
    (void)state;
    World w = forgetting_world_new();
    reach_mailbox(&w);
    be_sent(&w);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    assert_balanced(&w);
}

/* Without that it is not forgotten: a second copy is explained as ever. */
static void test_unsent_is_kept(void **state)
{
    (void)state;
    World w = forgetting_world_new();
    reach_mailbox(&w);
    end_run(&w, "quiet");
    assert_violated(&w, "lunch is lost: b.example put it into INBOX of bob (UID 1), and its disk "
                        "does not hold it");
}

static void test_lost_from_mailbox(void **state)
{
    (void)state;
    World w = forgetting_world_new();
    reach_mailbox_sent(&w);
    end_run(&w, "quiet");
    assert_violated(&w, "the mailbox of bob at b.example does not hold what was delivered into it");
}

/* The number is right, and the message is another. */
static void test_another_message(void **state)
{
    (void)state;
    World w = forgetting_world_new();
    reach_mailbox_sent(&w);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 2);
    assert_violated(&w, "the mailbox of bob at b.example does not hold what was delivered into it");
}

static void test_one_message_too_many(void **state)
{
    (void)state;
    World w = forgetting_world_new();
    reach_mailbox_sent(&w);
    end_run(&w, "quiet");
    hold_stored(&w, "INBOX", 1);
    hold_stored(&w, "INBOX", 2);
    assert_violated(&w, "the mailbox of bob at b.example holds lunch, which no record put there");
}

static void test_done_again(void **state)
{
    (void)state;
    World w = forgetting_world_new();
    reach_mailbox_sent(&w);
    attempt(&w, w.a, "smtp");
    assert_violated(&w, "a.example attempts lunch for bob@b.example (queue entry 1-1), which it "
                        "never accepted");
}

/* One name again and again, each time forgotten. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    World w = forgetting_world_new();
    for (uint64_t uid = 1; uid <= MANY; uid++) {
        reach_a(&w);
        be_sent(&w);
        accept_mail(&w, w.b, "1-1", 1);
        relay(&w);
        remove_entry(&w, w.a, 0);
        attempt(&w, w.b, "local");
        store_mail(&w, "INBOX", uid);
        deliver(&w, uid);
        remove_entry(&w, w.b, 0);
    }
    end_run(&w, "quiet");
    for (uint64_t uid = 1; uid <= MANY; uid++)
        hold_stored(&w, "INBOX", uid);
    assert_balanced(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery_balances), cmocka_unit_test(test_late_reply_balances),
        cmocka_unit_test(test_unsent_is_kept),    cmocka_unit_test(test_lost_from_mailbox),
        cmocka_unit_test(test_another_message),   cmocka_unit_test(test_one_message_too_many),
        cmocka_unit_test(test_done_again),        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
