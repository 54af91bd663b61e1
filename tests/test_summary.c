/* The summary of a run: which mails it lists, and what it says of a run that was cut short. */
#include "scenario/summary.h"
#include "scenario_play.h"

#define TWO_SERVERS                                                                                \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mail.naver.example: {domains: [naver.example], users: {alice: {}}}\n"                       \
    "  mail.gmail.example: {domains: [gmail.example], users: {bob: {}}}\n"                         \
    "people:\n"                                                                                    \
    "  alice: {address: alice@naver.example, agents: {laptop: {}}}\n"                              \
    "mails: {lunch: {from: alice, to: [bob@gmail.example], subject: Lunch, body: Noon}}\n"         \
    "timeline:\n"                                                                                  \
    "  - {at: 0 s, do: crash, host: mail.gmail.example}\n"                                         \
    "  - {at: 1 s, do: send, mail: lunch}\n"                                                       \
    "  - {at: 1 h, do: restart, host: mail.gmail.example}\n"                                       \
    "expect:\n"                                                                                    \
    "  - {mail: lunch, fact: status, is: delivered}\n"                                             \
    "questions:\n"                                                                                 \
    "  - {ask: How often?, answer: {mail: lunch, fact: attempts}}\n"

static char *summarise(const Run *run, const char *follow)
{
    SummaryOptions options = {.language = "en", .follow = follow};
    GString *text = g_string_new(NULL);
    summary_write(run, &options, text);
    return g_string_free(text, FALSE);
}

static void assert_says(const char *summary, const char *text)
{
    if (strstr(summary, text) == NULL)
        fail_msg("`%s` is not in:\n%s", text, summary);
}

static void test_whole_run(void **state)
{
    (void)state;
    Played played = play(TWO_SERVERS);
    g_autofree char *summary = summarise(played.run, NULL);
    assert_says(summary, "Mails\n  lunch to bob@gmail.example: delivered, ");
    assert_says(summary, "Expectations: 1 of 1 hold\n");
    assert_says(summary, "Questions\n  How often?\n");
    assert_null(strstr(summary, "Traffic"));
    played_end(&played);
}

/* What a program outside says, five seconds after it has connected. */
static GatewayInput saying(const char *text)
{
    return (GatewayInput){.time = 6 * SIM_SECOND,
                          .kind = GATEWAY_INPUT_DATA,
                          .connection = 1,
                          .data = octets_new(text, strlen(text))};
}

/* The name of a mail is what its Message-ID says, whoever wrote that. */
static void test_nothing_is_for_the_terminal(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(TWO_SERVERS);
    char *nobody[] = {NULL};
    GatewayInput inputs[] = {
        {.time = SIM_SECOND,
         .kind = GATEWAY_INPUT_CONNECT,
         .connection = 1,
         .server = g_strdup("mail.naver.example"),
         .port = 25},
        saying("HELO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<alice@naver.example>\r\nDATA\r\n"
               "Message-ID: <\033[2Jx@y>\r\n\r\nTea?\r\n.\r\nQUIT\r\n"),
    };
    SimulationOutside outside = {nobody, inputs, G_N_ELEMENTS(inputs)};
    SimulationOptions options = {
        .seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET, .outside = &outside};
    g_autoptr(Run) run = run_new(scenario, &options);
    assert_true(run_play(run));
    g_autofree char *summary = summarise(run, NULL);
    assert_says(summary, "  \\x1b[2Jx to alice@naver.example: delivered, ");
    assert_null(strchr(summary, '\033'));
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++)
        gateway_input_clear(&inputs[i]);
}

/* Ends the run of TWO_SERVERS by an option and says what the summary then is. */
static char *summarise_cut(SimTime until, uint64_t max_events)
{
    g_autoptr(Scenario) scenario = scenario_of_text(TWO_SERVERS);
    SimulationOptions options = {
        .seed = SCENARIO_UNSET, .until_ns = until, .max_events = max_events};
    g_autoptr(Run) run = run_new(scenario, &options);
    assert_true(run_play(run));
    return summarise(run, NULL);
}

/* An action that finds nothing to do is most often a mistake in the scenario. */
static void test_idle_actions(void **state)
{
    (void)state;
    Played played = play("mailsim: 1\n"
                         "servers: {a.example: {domains: [a.example]}}\n"
                         "timeline:\n"
                         "  - {at: 1 s, do: crash, host: a.example}\n"
                         "  - {at: 2 s, do: crash, host: a.example}\n"
                         "  - {at: 3 s, do: restart, host: a.example}\n");
    g_autofree char *summary = summarise(played.run, NULL);
    assert_says(summary, "Did not happen\n"
                         "  line 5, crash a.example: there was nothing to do for it at 2 s\n");
    assert_null(strstr(summary, "line 4,"));
    assert_null(strstr(summary, "line 6,"));
    played_end(&played);
}

/* The explanation belongs to the answer that the lesson's own scenario gives. */
static void test_explanations(void **state)
{
    (void)state;
    static const char *const EXPECTED[] = {"delivered", "bounced"};
    for (size_t i = 0; i < G_N_ELEMENTS(EXPECTED); i++) {
        g_autofree char *text = g_strdup_printf(
            "mailsim: 1\n"
            "servers: {a.example: {domains: [a.example], users: {al: {}, bo: {}}}}\n"
            "people: {al: {address: al@a.example, agents: {pc: {}}}}\n"
            "mails: {m: {from: al, to: [bo@a.example]}}\n"
            "timeline: [{at: 1 s, do: send, mail: m}]\n"
            "expect: [{mail: m, fact: status, is: %s}]\n"
            "questions: [{ask: What?, answer: {mail: m, fact: status}, explain: Since.}]\n",
            EXPECTED[i]);
        Played played = play(text);
        g_autofree char *summary = summarise(played.run, NULL);
        assert_says(summary, "  What?\n    delivered\n");
        assert_int_equal(strstr(summary, "Since.") != NULL, i == 0);
        played_end(&played);
    }
}

/* What a scenario expects and asks is of its whole run. */
static void test_cut_run(void **state)
{
    (void)state;
    const struct {
        SimTime until;
        uint64_t max_events;
    } cuts[] = {{30 * SIM_MINUTE, 0}, {SCENARIO_UNSET, 100}};
    for (size_t i = 0; i < G_N_ELEMENTS(cuts); i++) {
        g_autofree char *summary = summarise_cut(cuts[i].until, cuts[i].max_events);
        assert_says(summary, "Expectations: not judged");
        assert_says(summary, "Questions: not answered");
    }
    /* An end after the run's own cuts nothing. */
    g_autofree char *summary = summarise_cut(SIM_DAY, 0);
    assert_says(summary, "Expectations: 1 of 1 hold\n");
}

static void test_traffic(void **state)
{
    (void)state;
    Played played = play(TWO_SERVERS "traffic:\n"
                                     "  post: {from: [alice], to: [bob@gmail.example],\n"
                                     "         every: 1 min, count: 5}\n");
    g_autofree char *summary = summarise(played.run, NULL);
    assert_says(summary, "  lunch to bob@gmail.example: delivered, ");
    assert_says(summary,
                "Traffic\n  post: 5 accepted, 5 delivered, 0 bounced; half of them within ");
    assert_null(strstr(summary, "  post.2 to"));
    g_autofree char *followed = summarise(played.run, "post.2");
    assert_says(followed, "Mails\n  post.2 to bob@gmail.example: delivered, ");
    assert_null(strstr(followed, "lunch to"));
    played_end(&played);
}

/* Notifications of traffic are summed up like its mails. */
static void test_bounces_of_traffic(void **state)
{
    (void)state;
    Played played = play(TWO_SERVERS "traffic:\n"
                                     "  post: {from: [alice], to: [nobody@gmail.example],\n"
                                     "         every: 1 min, count: 3}\n");
    g_autofree char *summary = summarise(played.run, NULL);
    assert_says(summary,
                "  post: 3 accepted, 0 delivered, 3 bounced; notifications: 3 delivered\n");
    assert_null(strstr(summary, "  post.bounce to"));
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_run),
        cmocka_unit_test(test_nothing_is_for_the_terminal),
        cmocka_unit_test(test_cut_run),
        cmocka_unit_test(test_idle_actions),
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_bounces_of_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
