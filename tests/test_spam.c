/* A spam source among honest traffic, and what each rule does to both, in numbers: all mails of the
 * spam are for one user, from a home, with a forged sender and a false name. */
#include "scenario/traffic_facts.h"
#include "scenario_play.h"

enum { SPAM = 20, HONEST = 10 };

#define WORLD                                                                                      \
    "mailsim: 1\n"                                                                                 \
    "network: {routers: [core, homes], links: [{between: [core, homes]}]}\n"                       \
    "servers:\n"                                                                                   \
    "  mx.a.test:\n"                                                                               \
    "    domains: [a.test]\n"                                                                      \
    "    users: {alice: {}, mallory: {}}\n"                                                        \
    "    retry: {intervals: [20 min]}\n"                                                           \
    "  mx.b.test: {domains: [b.test], users: {bob: {}}, policy: {%s}}\n"                           \
    "dns:\n"                                                                                       \
    "  mallory.bot: {ptr: \".\", listed_by: [bl.test]}\n"                                          \
    "  a.test: {txt: [\"v=spf1 mx -all\"]}\n"                                                      \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "  mallory:\n"                                                                                 \
    "    address: mallory@a.test\n"                                                                \
    "    agents: {bot: {router: homes, send: direct, helo: mx.b.test}}\n"                          \
    "traffic:\n"                                                                                   \
    "  spam: {from: [mallory], sender: alice@a.test, to: [bob@b.test], arrivals: fixed,\n"         \
    "         every: 3 min, count: 20}\n"                                                          \
    "  honest: {from: [alice], to: [bob@b.test], every: 7 min, arrivals: fixed, count: 10}\n"

typedef struct Case {
    const char *policy, *rule;
    int64_t spam_delivered, spam_refused, spam_lost;
    unsigned verdicts; /* against mail, of spam and of honest mail */
} Case;

static int64_t number(const Played *played, const char *traffic, FactId fact)
{
    return traffic_fact(played->run->facts, traffic, fact);
}

static void check_case(const Case *expected)
{
    g_autofree char *text = g_strdup_printf(WORLD, expected->policy);
    Played played = play(text);
    g_autofree char *rule = g_strdup_printf("host=mx.b.test policy=%s", expected->rule);
    unsigned verdicts = played_count(&played, "policy.verdict", rule);
    g_autofree char *passed = g_strconcat(rule, " verdict=passed", NULL);
    verdicts -= played_count(&played, "policy.verdict", passed);
    if (number(&played, "spam", FACT_TRAFFIC_DELIVERED) != expected->spam_delivered ||
        number(&played, "spam", FACT_TRAFFIC_REFUSED) != expected->spam_refused ||
        number(&played, "spam", FACT_TRAFFIC_LOST) != expected->spam_lost ||
        verdicts != expected->verdicts)
        fail_msg("%s: %d delivered, %d refused, %d lost, %u verdicts", expected->policy,
                 (int)number(&played, "spam", FACT_TRAFFIC_DELIVERED),
                 (int)number(&played, "spam", FACT_TRAFFIC_REFUSED),
                 (int)number(&played, "spam", FACT_TRAFFIC_LOST), verdicts);
    if (number(&played, "honest", FACT_TRAFFIC_DELIVERED) != HONEST)
        fail_msg("%s: %d honest mails", expected->policy,
                 (int)number(&played, "honest", FACT_TRAFFIC_DELIVERED));
    played_end(&played);
}

static void test_each_rule(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"", "none", SPAM, 0, 0, 0},
        {"addresses: {refuse: [homes]}", "addresses", 0, SPAM, 0, SPAM},
        {"addresses: {refuse: [homes]}, refuse_at: once", "addresses", 0, 0, SPAM, SPAM},
        {"reverse_name: {need: name}", "reverse_name", 0, SPAM, 0, SPAM},
        {"blocklists: {zones: [other.test, bl.test]}", "blocklists", 0, SPAM, 0, SPAM},
        {"helo: {need: full_name}", "helo", SPAM, 0, 0, 0},
        {"helo: {need: own_name}", "helo", 0, SPAM, 0, SPAM},
        {"spf: {check: mark}", "spf", SPAM, 0, 0, 0},
        {"spf: {check: refuse}", "spf", 0, SPAM, 0, SPAM},
        /* Within the first hour everything is put off: 20 spam mails, which do not come again, and
         * each honest one every 20 minutes: 3 + 3 + 3 + 2 + 2 + 2 + 1 + 1 + 1 times. */
        {"greylist: {delay: 1 h}", "greylist", 0, 0, SPAM, SPAM + 18},
        /* Five of the bot's 20 in an hour, the others are lost; the honest server's come again. */
        {"rate: {per_client: 5, within: 1 h}", "rate", 5, 0, SPAM - 5, SPAM - 5 + 7},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++)
        check_case(&CASES[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
