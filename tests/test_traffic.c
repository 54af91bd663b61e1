/* Traffic: many mails drawn from the seed, and the facts about them. */
#include "core/random.h"
#include "scenario/traffic_facts.h"
#include "scenario_play.h"

/* ---- Exponential variates ---- */

enum { DRAWS = 100000 };
#define MEAN INT64_C(1000000000)

static void test_exponential_variates(void **state)
{
    (void)state;
    Random random = random_stream(1, "test", RANDOM_WORKLOAD);
    int64_t sum = 0, above_mean = 0, above_3_means = 0;
    for (int i = 0; i < DRAWS; i++) {
        int64_t draw = random_draw_exponential(&random, MEAN);
        assert_true(draw >= 0);
        sum += draw;
        above_mean += draw > MEAN;
        above_3_means += draw > 3 * MEAN;
    }
    /* The mean, and the shares exp(-1) and exp(-3), each within four standard errors. */
    assert_in_range(sum / DRAWS, MEAN - MEAN * 4 / 316, MEAN + MEAN * 4 / 316);
    assert_in_range(above_mean, 36788 - 610, 36788 + 610);
    assert_in_range(above_3_means, 4979 - 276, 4979 + 276);
}

/* The same draws everywhere: no floating point is in them. */
static void test_variates_are_those_of_every_machine(void **state)
{
    (void)state;
    Random random = random_stream(1, "test", RANDOM_WORKLOAD), again = random;
    uint64_t bits = random_draw(&again);
    int64_t draw = random_draw_exponential(&random, MEAN);
    /* The logarithm lies between those of the two powers of two around the draw. */
    int zeros = __builtin_clzll(bits);
    int64_t ln_2 = 693147180;
    assert_in_range(draw, zeros * ln_2, (zeros + 1) * ln_2 + 1);
    assert_int_equal(random_draw_exponential(&random, 0), 0);
}

/* ---- Runs ---- */

#define WORLD(traffic)                                                                             \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.example: {domains: [a.example], users: {alice: {}, dan: {}}}\n"                        \
    "  mx.b.example: {domains: [b.example], users: {bob: {}, eve: {}}}\n"                          \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.example}\n"                                                        \
    "  dan: {address: dan@a.example}\n"                                                            \
    "traffic:\n"                                                                                   \
    "  news: {from: [alice, dan], to: [bob@b.example, eve@b.example], " traffic "}\n"

static void test_fixed_arrivals(void **state)
{
    (void)state;
    Played played = play(WORLD("start: 5 s, arrivals: fixed, every: 2 s, count: 10, size: 500 B"));
    const Record *compose = NULL;
    for (int i = 0; i < 10; i++) {
        compose = played_find_after(&played, compose, "agent.compose", "");
        assert_non_null(compose);
        assert_int_equal(record_time(compose), (5 + 2 * i) * SIM_SECOND);
        assert_int_equal(record_number(compose, "size"), 500);
    }
    assert_null(played_find_after(&played, compose, "agent.compose", ""));
    assert_int_equal(played_count(&played, "mail.delivered", ""), 10);
    played_find(&played, "mail.delivered", "mail=news.10");
    assert_int_equal(played_count(&played, "smtp.content", "size=500"), 10); /* the agents' */
    /* Each of the two writes, and each of the two is written to. */
    assert_in_range(played_count(&played, "agent.compose", "host=alice.laptop"), 1, 9);
    assert_in_range(played_count(&played, "mail.delivered", "recipient=bob@b.example"), 1, 9);
    played_end(&played);
}

static void test_burst(void **state)
{
    (void)state;
    Played played = play(WORLD("start: 7 s, arrivals: burst, count: 12"));
    assert_int_equal(played_count(&played, "agent.compose", "t=7000000000"), 12);
    assert_int_equal(played_count(&played, "mail.delivered", ""), 12);
    played_end(&played);
}

static void test_poisson_arrivals(void **state)
{
    (void)state;
    Played played = play(WORLD("every: 10 s, count: 400, sizes: exponential, size: 2 kB"));
    const Record *compose = NULL, *before = NULL;
    int64_t below_mean = 0, sizes = 0;
    while ((compose = played_find_after(&played, before, "agent.compose", "")) != NULL) {
        if (before != NULL)
            below_mean += record_time(compose) - record_time(before) < 10 * SIM_SECOND;
        sizes += record_number(compose, "size");
        before = compose;
    }
    /* 400 gaps: a mean of 10 s within 4 standard errors, 63.2 % of them below it. */
    assert_in_range(record_time(before) / SIM_SECOND, 3200, 4800);
    assert_in_range(below_mean, 253 - 40, 253 + 40);
    assert_in_range(sizes / 400, 1700, 2800);
    played_end(&played);
}

static void test_another_entry_changes_nothing(void **state)
{
    (void)state;
    Played one = play(WORLD("every: 10 s, count: 20"));
    Played two = play(WORLD("every: 10 s, count: 20") "  more: {from: [alice], to: "
                                                      "[bob@b.example], count: 20}\n");
    const Record *first = played_find(&one, "agent.compose", "mail=news.20");
    const Record *second = played_find(&two, "agent.compose", "mail=news.20");
    assert_int_equal(record_time(first), record_time(second));
    assert_string_equal(record_text(first, "to"), record_text(second, "to"));
    played_end(&one);
    played_end(&two);
}

static void test_facts_of_traffic(void **state)
{
    (void)state;
    Played played = play(WORLD(
        "arrivals: fixed, every: 1 s, count: 20") "expect:\n"
                                                  "  - {traffic: news, fact: sent, is: 20}\n"
                                                  "  - {traffic: news, fact: delivered, is: 20}\n"
                                                  "  - {traffic: news, fact: bounced, is: 0}\n"
                                                  "  - {traffic: news, fact: mean_delay, range: "
                                                  "[100 ms, 1 s]}\n"
                                                  "  - {traffic: news, fact: median_delay, range: "
                                                  "[100 ms, 1 s]}\n"
                                                  "  - {traffic: news, fact: delay_95, range: [100 "
                                                  "ms, 1 s]}\n"
                                                  "  - {traffic: news, fact: last_delivered_at, "
                                                  "range: [19 s, 21 s]}\n"
                                                  "  - {host: mx.a.example, fact: relay_peak, is: "
                                                  "20}\n"
                                                  "  - {traffic: news, fact: delivered, is: 19}\n");
    for (size_t i = 0; i < played.scenario->expect.count; i++) {
        assert_int_equal(expectations_hold(played.run->expectations, i),
                         i + 1 < played.scenario->expect.count);
    }
    played_end(&played);
}

/* The same facts, and no single mail is left in them. */
static void test_delivered_mails_are_summed_up(void **state)
{
    (void)state;
    static const FactId ASKED[] = {FACT_TRAFFIC_SENT,
                                   FACT_TRAFFIC_DELIVERED,
                                   FACT_TRAFFIC_BOUNCED,
                                   FACT_TRAFFIC_MEAN_DELAY,
                                   FACT_TRAFFIC_MEDIAN_DELAY,
                                   FACT_TRAFFIC_DELAY_95,
                                   FACT_TRAFFIC_LAST_DELIVERED_AT};
    const char *text = WORLD("every: 1 s, count: 60, sizes: exponential, size: 2 kB");
    Played all = play(text), sums = played_prepare(text);
    assert_true(run_forget_delivered(sums.run));
    played_run(&sums);
    assert_null(books_first_violation(sums.run->books));
    assert_int_equal(facts_mail_count(all.run->facts), 60);
    assert_int_equal(facts_mail_count(sums.run->facts), 0);
    assert_int_equal(facts_sums(sums.run->facts, "news").count, 60);
    for (size_t i = 0; i < G_N_ELEMENTS(ASKED); i++)
        assert_int_equal(traffic_fact(sums.run->facts, "news", ASKED[i]),
                         traffic_fact(all.run->facts, "news", ASKED[i]));
    assert_int_equal(sums.records->len, all.records->len);
    played_end(&all);
    played_end(&sums);
}

static void test_mails_are_kept_where_a_machine_fails(void **state)
{
    (void)state;
    Played played =
        played_prepare(WORLD("count: 2") "timeline: [{at: 1 s, do: crash, host: mx.b.example}]\n");
    assert_false(run_forget_delivered(played.run));
    played_run(&played);
    assert_non_null(facts_find_mail(played.run->facts, "news"));
    assert_non_null(facts_find_mail(played.run->facts, "news.2"));
    played_end(&played);
}

static void test_unknown_traffic_is_told(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    const char *text = WORLD("count: 1") "expect: [{traffic: mews, fact: sent, is: 1}]\n";
    assert_null(scenario_read_bytes("bad.yaml", span_of_text(text), diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponential_variates),
        cmocka_unit_test(test_variates_are_those_of_every_machine),
        cmocka_unit_test(test_fixed_arrivals),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_poisson_arrivals),
        cmocka_unit_test(test_another_entry_changes_nothing),
        cmocka_unit_test(test_facts_of_traffic),
        cmocka_unit_test(test_delivered_mails_are_summed_up),
        cmocka_unit_test(test_mails_are_kept_where_a_machine_fails),
        cmocka_unit_test(test_unknown_traffic_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
