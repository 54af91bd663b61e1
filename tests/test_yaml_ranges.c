/* Names with numbers: what `pc1..40` stands for, and what is refused. */
#include "scenario_read.h"

static void assert_text(const ScenarioText *text, const char *expected)
{
    assert_string_equal(text->text, expected);
}

/* ---- What they stand for ---- */

#define TOWN                                                                                       \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], users: {pc8..11: {}, carol: {}}}\n"                          \
    "people:\n"                                                                                    \
    "  carol: {address: carol@a.test}\n"                                                           \
    "  pc8..11: {address: pc8..11@a.test, agents: {desk8..11: {}, phone: {}}}\n"

static void test_entries_in_the_order_of_numbers(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(TOWN);
    static const char *const NAMES[] = {"carol", "pc8", "pc9", "pc10", "pc11"};
    assert_int_equal(scenario->people.count, G_N_ELEMENTS(NAMES));
    for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        const ScenarioPerson *person = &scenario->people.items[i];
        g_autofree char *address = g_strconcat(NAMES[i], "@a.test", NULL);
        assert_text(&person->name, NAMES[i]);
        assert_text(&person->address, address);
    }
    assert_int_equal(scenario->people.items[3].agents.count, 2);
    assert_text(&scenario->people.items[3].agents.items[0].name, "desk10");
    assert_int_equal(scenario->servers.items[0].users.count, 5);
    assert_int_equal(scenario->people.items[4].at.line, 6); /* where the range stands */
}

static void test_lists_and_texts(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(
        TOWN "mails:\n"
             "  report8..9: {from: pc8..9, to: [pc8..11@a.test, carol@a.test], subject: "
             "\"Report 8..9, pages 18..9 and 8..90\"}\n"
             "  plain: {from: carol, to: [carol@a.test], subject: \"8..9\", body: 1..2}\n");
    const ScenarioMail *second = &scenario->mails.items[1];
    assert_int_equal(scenario->mails.count, 3);
    assert_text(&second->name, "report9");
    assert_text(&second->from, "pc9");
    assert_int_equal(second->to.count, 5);
    assert_text(&second->to.items[0], "pc8@a.test");
    assert_text(&second->to.items[3], "pc11@a.test");
    assert_text(&second->to.items[4], "carol@a.test");
    assert_text(&second->subject, "Report 9, pages 18..9 and 8..90");
    assert_text(&scenario->mails.items[2].subject, "8..9");
    assert_text(&scenario->mails.items[2].body, "1..2");
}

static void test_two_ranges_in_a_name(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(
        "mailsim: 1\nservers: {mx1..2.d7..8.test: {domains: [m1..2.d7..8.test]}}\n");
    static const char *const NAMES[] = {"mx1.d7.test", "mx1.d8.test", "mx2.d7.test", "mx2.d8.test"};
    assert_int_equal(scenario->servers.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_text(&scenario->servers.items[i].name, NAMES[i]);
        assert_int_equal(scenario->servers.items[i].domains.count, 1);
    }
    assert_text(&scenario->servers.items[2].domains.items[0], "m2.d7.test");
}

/* ---- What is refused ---- */

#define SERVER(key) "mailsim: 1\nservers:\n  " key ": {domains: [a.test], users: {bob: {}}}\n"

static void test_bad_ranges(void **state)
{
    (void)state;
    assert_scenario_refused(SERVER("mx9..1.test"),
                            "3:3: error: numbers go from the smaller to the greater");
    assert_scenario_refused(TOWN "  pc9: {address: carol@a.test}\n", "the key `pc9` is here twice");
    assert_scenario_refused(SERVER("mx01..2.test"), "mx01..2.test");
    assert_scenario_refused(SERVER("mx1..two.test"), "mx1..two.test");
    assert_scenario_refused(SERVER("mx1...3.test"), "mx1...3.test");
}

static void test_too_many(void **state)
{
    (void)state;
    assert_scenario_refused(SERVER("mx1..999999.test"), "come to too many");
    assert_scenario_refused(SERVER("mx1..999.a1..998.test"), "come to too many");
    assert_scenario_refused("mailsim: 1\nservers: {a.test: {domains: [d1..9999999.test]}}\n",
                            "d1..9999999.test");
    /* Few of them, but a long text in each. */
    g_autofree char *body = g_strnfill(16000, 'x');
    g_autofree char *text = g_strconcat(
        TOWN "mails:\n  m1..9999: {from: carol, to: [carol@a.test], body: ", body, "}\n", NULL);
    assert_scenario_refused(text, "come to too many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_in_the_order_of_numbers),
        cmocka_unit_test(test_lists_and_texts),
        cmocka_unit_test(test_two_ranges_in_a_name),
        cmocka_unit_test(test_bad_ranges),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
