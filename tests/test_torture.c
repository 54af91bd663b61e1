/* Tests of sim/torture: what a seed draws is a scenario and always the same; the judge sees what is
 * wrong; marks count what happens; shrinking takes away what does not matter. */
#include "sanitized.h"
#include "scenario_read.h"
#include "torture/random_scenario.h"
#include "torture/shrink.h"
#include "torture/swarm.h"
#include "torture/trial.h"

static const char LESSON[] = "scenarios/05-receiver-down/scenario.yaml";

/* ---- What is drawn ---- */

static void test_swarms_are_scenarios(void **state)
{
    (void)state;
    g_autoptr(Scenario) lesson = scenario_of_file(LESSON);
    for (uint64_t seed = 0; seed < 100; seed++) {
        g_autofree char *text = swarm_write(lesson, seed);
        g_autofree char *again = swarm_write(lesson, seed);
        assert_string_equal(text, again);
        g_autoptr(Scenario) swarm = scenario_of_text(text);
        assert_int_equal(swarm->seed, seed);
        assert_int_equal(swarm->questions.count, 0);
        assert_true(swarm_is_healed(swarm));
        assert_int_equal(swarm->expect.count, swarm->servers.count);
    }
}

/* What machines suffer by the clock begins before all is healed: no end of it is behind `until`. */
static void test_no_fault_begins_behind_the_healing(void **state)
{
    (void)state;
    g_autoptr(Scenario) lesson = scenario_of_file(LESSON);
    for (uint64_t seed = 0; seed < 200; seed++) {
        g_autofree char *text = swarm_write(lesson, seed);
        g_autoptr(Scenario) swarm = scenario_of_text(text);
        const ScenarioTraffic *last = &swarm->traffic.items[swarm->traffic.count - 1];
        assert_string_equal(last->name.text, "swarm-healed");
        for (size_t i = 0; i < swarm->timeline.count; i++) {
            const ScenarioAction *action = &swarm->timeline.items[i];
            bool is_fault = action->kind == ACTION_CRASH || action->kind == ACTION_POWER_OFF ||
                            action->kind == ACTION_SHUTDOWN || action->kind == ACTION_DISK_FAIL;
            if (is_fault && action->time_ns != SCENARIO_UNSET)
                assert_true(action->time_ns < last->start_ns);
        }
    }
}

static void test_drawn_scenarios_are_scenarios(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        g_autofree char *text = random_scenario_write(seed);
        g_autoptr(Scenario) drawn = scenario_of_text(text);
        assert_in_range(drawn->servers.count, 2, 4);
        assert_true(drawn->mails.count > 0);
    }
}

/* Each family is off in some runs and on in others, and no two go together always. */
static void test_families_are_drawn_apart(void **state)
{
    (void)state;
    enum { SEEDS = 200 };
    unsigned on[32] = {0}, together[32][32] = {{0}};
    size_t families = 0;
    while (swarm_family_name(families) != NULL)
        families++;
    assert_true(families > 8 && families <= 32);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        uint32_t bits = swarm_families_on(seed);
        for (size_t i = 0; i < families; i++) {
            on[i] += bits >> i & 1;
            for (size_t j = 0; j < families; j++)
                together[i][j] += bits >> i & bits >> j & 1;
        }
    }
    for (size_t i = 0; i < families; i++) {
        assert_in_range(on[i], SEEDS / 5, SEEDS / 2); /* one in three is meant */
        for (size_t j = 0; j < i; j++)
            assert_in_range(together[i][j], 1, on[i] - 1);
    }
}

static bool is_healed(const char *timeline)
{
    g_autofree char *text =
        g_strconcat("mailsim: 1\n"
                    "network: {routers: [r, s], links: [{between: [r, s]}]}\n"
                    "servers: {a.example: {domains: [a.example]}, b.example: {domains: []}}\n"
                    "timeline:\n",
                    timeline, NULL);
    g_autoptr(Scenario) scenario = scenario_of_text(text);
    return swarm_is_healed(scenario);
}

static void test_what_is_healed(void **state)
{
    (void)state;
    static const struct {
        const char *timeline;
        bool is_healed;
    } CASES[] = {
        {"  - {at: 1 s, do: crash, host: a.example}\n", false},
        {"  - {at: 1 s, do: crash, host: a.example}\n"
         "  - {at: 2 s, do: restart, host: a.example}\n",
         true},
        {"  - {at: 1 s, do: crash, host: a.example}\n"
         "  - {at: 2 s, do: restart, host: b.example}\n",
         false},
        {"  - {at: 3 s, do: crash, host: a.example}\n"
         "  - {at: 2 s, do: restart, host: a.example}\n",
         false},
        {"  - {at: 1 s, do: crash, host: a.example, every: 1 s, times: 3}\n"
         "  - {at: 2 s, do: restart, host: a.example}\n",
         false},
        {"  - {when: {host: a.example, event: disk.sync}, do: crash, host: a.example}\n"
         "  - {at: 2 s, do: restart, host: a.example}\n",
         false},
        {"  - {when: {host: a.example, event: disk.sync}, do: crash, host: a.example}\n"
         "  - {when: {host: a.example, event: disk.sync}, after: 1 s, do: restart,"
         " host: a.example}\n",
         true},
        {"  - {at: 1 s, do: link_down, between: [r, s]}\n"
         "  - {at: 2 s, do: link_up, between: [r, s]}\n",
         true},
        {"  - {at: 1 s, do: link_down, between: [r, s]}\n"
         "  - {at: 2 s, do: link_up, between: [a.example, r]}\n",
         false},
        {"  - {at: 1 s, do: dns_fail, name: a.example}\n"
         "  - {at: 2 s, do: dns_fix, name: b.example}\n",
         false},
        {"  - {at: 1 s, do: partition, groups: [[a.example], [b.example]]}\n"
         "  - {at: 2 s, do: heal}\n",
         true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        if (is_healed(CASES[i].timeline) != CASES[i].is_healed)
            fail_msg("%s", CASES[i].timeline);
    }
}

/* ---- The judge ---- */

#define WORLD                                                                                      \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  a.example: {domains: [a.example], users: {ann: {}}, retry: {intervals: [10 min]}}\n"        \
    "  b.example: {domains: [b.example], users: {bob: {}}}\n"                                      \
    "people: {ann: {address: ann@a.example}, bob: {address: bob@b.example}}\n"                     \
    "mails: {lunch: {from: ann, to: [bob@b.example]}}\n"

static void test_a_sound_run(void **state)
{
    (void)state;
    TrialResult result = trial_play_text(WORLD "timeline:\n"
                                               "  - {at: 0 s, do: crash, host: b.example}\n"
                                               "  - {at: 1 s, do: send, mail: lunch}\n"
                                               "  - {at: 5 min, do: restart, host: b.example}\n");
    assert_true(result.is_readable);
    assert_int_equal(result.kind, DEFECT_NONE);
    assert_null(result.defect);
    assert_int_equal(result.mails, 1);
    assert_int_equal(result.marks.counts[mark_find("refused")], 1);
    assert_int_equal(result.marks.counts[mark_find("bounce")], 0);
}

static void test_what_is_left_over_is_found(void **state)
{
    (void)state;
    TrialResult result =
        trial_play_text(WORLD "until: 1 h\n"
                              "timeline:\n"
                              "  - {at: 0 s, do: crash, host: b.example}\n"
                              "  - {at: 1 s, do: send, mail: lunch}\n"
                              "expect: [{host: a.example, fact: queue_length, is: 0}]\n");
    assert_int_equal(result.kind, DEFECT_LEFT_OVER);
    assert_string_equal(result.defect,
                        "lunch for bob@b.example has come to no end: its status is queued");
    assert_true(result.is_plain); /* by the expectation */
    trial_result_clear(&result);
}

static void test_what_is_no_scenario(void **state)
{
    (void)state;
    TrialResult result = trial_play_text("mailsim: 1\nservers: []\n");
    assert_false(result.is_readable);
    assert_int_equal(result.kind, DEFECT_NONE);
}

/* ---- Marks ---- */

static uint64_t count_mark(const char *timeline, const char *name)
{
    g_autofree char *text = g_strconcat(WORLD, timeline, NULL);
    TrialResult result = trial_play_text(text);
    assert_true(result.is_readable);
    assert_null(result.defect);
    assert_in_range(mark_find(name), 0, marks_count() - 1);
    return result.marks.counts[mark_find(name)];
}

/* Two losses of power in the middle of one delivery: found on the disk twice, sent twice. */
#define RELAPSE                                                                                    \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: send, mail: lunch}\n"                                                       \
    "  - {when: {host: a.example, event: queue.attempt}, do: power_off, host: a.example}\n"        \
    "  - {at: 1 min, do: restart, host: a.example}\n"                                              \
    "  - {at: 60001 ms, do: crash, host: a.example}\n"                                             \
    "  - {at: 2 min, do: restart, host: a.example}\n"

static void test_marks_of_recovery(void **state)
{
    (void)state;
    assert_int_equal(count_mark(RELAPSE, "recovery"), 2);
    assert_int_equal(count_mark(RELAPSE, "crash-in-recovery"), 1);
    assert_int_equal(count_mark(RELAPSE, "recovered-again"), 1);
    assert_int_equal(count_mark(RELAPSE, "second-copy"), 0);
}

/* The receiver dies when it has the message and has not said so. */
#define LOST_OK                                                                                    \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: send, mail: lunch}\n"                                                       \
    "  - {when: {host: b.example, event: disk.rename, to: spool/queue/1-1}, do: crash, "           \
    "host: b.example}\n"                                                                           \
    "  - {at: 1 min, do: restart, host: b.example}\n"

static void test_marks_of_a_lost_reply(void **state)
{
    (void)state;
    assert_int_equal(count_mark(LOST_OK, "lost-250"), 1);
    assert_int_equal(count_mark(LOST_OK, "second-copy"), 1);
    assert_int_equal(count_mark(LOST_OK, "recovery"), 1);
    assert_int_equal(count_mark(LOST_OK, "silence"), 0);
}

static void test_marks_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < marks_count(); i++) {
        assert_int_equal(mark_find(mark_name(i)), i); /* each name but once */
        assert_true(strlen(mark_meaning(i)) > 0);
    }
    assert_int_equal(mark_find("no such mark"), marks_count());
}

/* A mark that no run reaches is a word that the trace does not say, or a path that nothing tests.
 */
static void test_each_mark_is_reached(void **state)
{
    (void)state;
    enum { SEEDS = IS_SANITIZED ? 20 : 500 };
    Marks sum = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        g_autofree char *base = random_scenario_write(seed);
        g_autoptr(Scenario) drawn = scenario_of_text(base);
        g_autofree char *text = swarm_write(drawn, seed);
        TrialResult result = trial_play_text(text);
        if (result.kind != DEFECT_NONE)
            fail_msg("seed %d: %s", (int)seed, result.defect);
        for (size_t i = 0; i < marks_count(); i++)
            sum.counts[i] += result.marks.counts[i];
        trial_result_clear(&result);
    }
    for (size_t i = 0; i < marks_count() && !IS_SANITIZED; i++) {
        if (sum.counts[i] == 0)
            fail_msg("%s was never reached", mark_name(i));
    }
}

/* ---- Shrinking ---- */

typedef struct Wanted {
    const char *const *parts; /* that the text must have, NULL at the end */
    unsigned tests;
} Wanted;

static bool has_all(void *owner, const char *text)
{
    Wanted *wanted = owner;
    wanted->tests++;
    for (const char *const *part = wanted->parts; *part != NULL; part++) {
        if (strstr(text, *part) == NULL)
            return false;
    }
    return true;
}

static const char TALL[] = "mailsim: 1\n"
                           "# a remark\n"
                           "servers:\n"
                           "  a.example:\n"
                           "    domains: [a.example, b.example]\n"
                           "    # another\n"
                           "    users:\n"
                           "      ann: {}\n"
                           "  c.example:\n"
                           "    domains: [c.example]\n"
                           "mails:\n"
                           "  lunch:\n"
                           "    body: |\n"
                           "      Noon?\n"
                           "\n"
                           "      There.\n"
                           "timeline:\n"
                           "  - at: 0 s\n"
                           "    do: send\n"
                           "  - at: 1 s\n"
                           "    do: crash\n"
                           "    times: 12\n";

static void test_shrinking_takes_the_rest_away(void **state)
{
    (void)state;
    const char *const parts[] = {"c.example", "do: crash", NULL};
    Wanted wanted = {parts, 0};
    g_autofree char *small = shrink_text(TALL, has_all, &wanted, 1000);
    assert_string_equal(small, "servers:\n"
                               "  c.example:\n"
                               "timeline:\n"
                               "  - at: 1 s\n"
                               "    do: crash\n");
}

static void test_shrinking_within_lines(void **state)
{
    (void)state;
    const char *const parts[] = {"b.example", "times: ", NULL};
    Wanted wanted = {parts, 0};
    g_autofree char *small = shrink_text(TALL, has_all, &wanted, 1000);
    assert_string_equal(small, "servers:\n"
                               "  a.example:\n"
                               "    domains: [b.example]\n"
                               "timeline:\n"
                               "  - at: 1 s\n"
                               "    times: 1\n");
}

/* Whatever it may ask, it asks no more often, and gives what has failed. */
static void test_shrinking_ends(void **state)
{
    (void)state;
    const char *const parts[] = {"c.example", "do: crash", NULL};
    for (unsigned most = 0; most < 60; most++) {
        Wanted wanted = {parts, 0};
        g_autofree char *small = shrink_text(TALL, has_all, &wanted, most);
        assert_in_range(wanted.tests, 0, most);
        assert_true(has_all(&wanted, small));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swarms_are_scenarios),
        cmocka_unit_test(test_no_fault_begins_behind_the_healing),
        cmocka_unit_test(test_drawn_scenarios_are_scenarios),
        cmocka_unit_test(test_families_are_drawn_apart),
        cmocka_unit_test(test_what_is_healed),
        cmocka_unit_test(test_a_sound_run),
        cmocka_unit_test(test_what_is_left_over_is_found),
        cmocka_unit_test(test_what_is_no_scenario),
        cmocka_unit_test(test_marks_of_recovery),
        cmocka_unit_test(test_marks_of_a_lost_reply),
        cmocka_unit_test(test_marks_have_names),
        cmocka_unit_test(test_each_mark_is_reached),
        cmocka_unit_test(test_shrinking_takes_the_rest_away),
        cmocka_unit_test(test_shrinking_within_lines),
        cmocka_unit_test(test_shrinking_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
