/* Recorded inputs: what is read, what is refused and where; and that a run is a function of them.
 */
#include "scenario/inputs.h"
#include "scenario_play.h"

#define HEADER                                                                                     \
    "{\"mailsim_trace\":1,\"title\":\"\",\"seed\":7,\"start\":\"\",\"nodes\":[{\"name\":\"a\"}],"  \
    "\"scenario_sha256\":\"%s\"}\n"
#define OUTSIDE                                                                                    \
    "{\"seq\":2,\"t\":0,\"kind\":\"timeline.outside\",\"host\":\"outside\",\"cause\":1}\n"
#define CONNECT                                                                                    \
    "{\"seq\":9,\"t\":1000,\"kind\":\"timeline.connect\",\"outside\":1,"                           \
    "\"server\":\"mail.naver.example\",\"tcp.dstport\":25}\n"

static const char scenario_text[] =
    "mailsim: 1\n"
    "servers:\n"
    "  mail.naver.example: {domains: [naver.example], users: {alice: {}}, catch_all: alice,\n"
    "                       relay_for: [internet]}\n"
    "  mail.gmail.example: {domains: [gmail.example], users: {bob: {}}}\n";

static Inputs *read_text(const char *text, char **complaint)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Inputs *inputs = inputs_read_bytes("i.ndjson", span_of_text(text), diagnostics);
    g_autoptr(GString) out = g_string_new(NULL);
    diagnostics_format(diagnostics, out);
    *complaint = g_strdup(out->str);
    return inputs;
}

static void assert_refused(const char *text, const char *place, const char *words)
{
    g_autofree char *complaint = NULL;
    g_autoptr(Inputs) inputs = read_text(text, &complaint);
    assert_null(inputs);
    if (strstr(complaint, place) == NULL || strstr(complaint, words) == NULL)
        fail_msg("it says: %s", complaint);
}

static void test_refused(void **state)
{
    (void)state;
    assert_refused("", "i.ndjson:1:1", "no timeline.outside");
    assert_refused("{}\n", "i.ndjson:1:1", "not the header");
    assert_refused(HEADER, "i.ndjson:1:1", "no timeline.outside");
    assert_refused(HEADER CONNECT, "i.ndjson:2:1", "no timeline.outside before");
    assert_refused(HEADER OUTSIDE OUTSIDE, "i.ndjson:3:1", "second timeline.outside");
    assert_refused(HEADER OUTSIDE "{\"kind\":\"timeline.data\",\"t\":5,\"outside\":1}\n",
                   "i.ndjson:3:1", "1 to 16384 octets");
    assert_refused(HEADER OUTSIDE CONNECT "{\"kind\":\"timeline.close\",\"t\":5,\"outside\":1}\n",
                   "i.ndjson:4:1", "earlier input");
    assert_refused(HEADER OUTSIDE "{\"kind\":\"timeline.stop\",\"t\":-1}\n", "i.ndjson:3:1", "`t`");
    assert_refused(HEADER OUTSIDE "{\"kind\":\"timeline.stop\",\"t\":1}\n" CONNECT, "i.ndjson:4:1",
                   "follow timeline.stop");
    assert_refused(HEADER "{\"kind\":\"mail.sent\"}\n", "i.ndjson:2:1", "no kind of record");
    assert_refused(HEADER "[[[[[[[[[[1]]]]]]]]]]\n", "i.ndjson:2:1", "a JSON object");
    assert_refused(HEADER "{\"kind\":{\"a\":1}}\n", "i.ndjson:2:1", "no kind of record");
    assert_refused(HEADER "{\"a\":[[[[[[[[[{}]]]]]]]]]}\n", "i.ndjson:2:14", "nested too deeply");
    /* json-glib would lose what it has read until the defect */
    assert_refused(HEADER "{\"a\":1,\"e\",\"b\":2}\n", "i.ndjson:2:11", "a colon");
}

static void test_misfit(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(scenario_text);
    g_autofree char *complaint = NULL;
    g_autoptr(Inputs) inputs = read_text(HEADER OUTSIDE, &complaint);
    assert_non_null(inputs);
    g_autofree char *misfit = inputs_find_misfit(inputs, scenario);
    assert_non_null(strstr(misfit, "another scenario"));
    g_autofree char *served = inputs_find_domain_defect(scenario, "gmail.example");
    assert_non_null(served);
    assert_null(inputs_find_domain_defect(scenario, "out.example"));
}

/* A message by hand: from a client that is not of the simulation, to a user who catches all and,
 * since it is of the local network, to another domain. */
static const char dialogue[] =
    "{\"t\":2000000000,\"kind\":\"timeline.data\",\"outside\":1,\"text\":\"HELO me\\r\\n"
    "MAIL FROM:<me@out.example>\\r\\nRCPT TO:<anybody@naver.example>\\r\\n"
    "RCPT TO:<bob@gmail.example>\\r\\nDATA\\r\\n\"}\n"
    "{\"t\":3000000000,\"kind\":\"timeline.data\",\"outside\":1,"
    "\"base64\":\"U3ViamVjdDogaGkNCg0KQnkgaGFuZC4NCi4NClFVSVQNCg==\"}\n"
    "{\"t\":4000000000,\"kind\":\"timeline.close\",\"outside\":1}\n"
    "{\"t\":9000000000,\"kind\":\"timeline.stop\"}\n";

static void test_played(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(scenario_text);
    g_autofree char *header = g_strdup_printf(HEADER, scenario->sha256);
    g_autofree char *text = g_strconcat(header, OUTSIDE, CONNECT, dialogue, NULL);
    g_autofree char *complaint = NULL;
    g_autoptr(Inputs) inputs = read_text(text, &complaint);
    assert_non_null(inputs);
    assert_null(inputs_find_misfit(inputs, scenario));
    SimulationOutside outside = inputs_outside(inputs);
    SimulationOptions options = {
        .seed = inputs->seed, .until_ns = SCENARIO_UNSET, .outside = &outside};
    g_autoptr(Run) run = run_new(scenario, &options);
    assert_true(run_play(run));
    assert_int_equal(run->end, SIMULATOR_END_STOPPED);
    assert_int_equal(simulator_now(simulation_simulator(run->simulation)), 9 * SIM_SECOND);
    assert_int_equal(facts_mail_count(run->facts), 1);
    const FactsMail *mail = facts_mail_at(run->facts, 0);
    static const char *const FATES[][2] = {{"anybody@naver.example", "expanded"},
                                           {"alice@naver.example", "delivered"},
                                           {"bob@gmail.example", "delivered"}};
    assert_int_equal(mail->recipient_count, G_N_ELEMENTS(FATES));
    for (size_t i = 0; i < G_N_ELEMENTS(FATES); i++) {
        const FactsRecipient *recipient = facts_find_recipient(mail, FATES[i][0]);
        assert_non_null(recipient);
        assert_string_equal(mail_fate_name(recipient->fate), FATES[i][1]);
    }
}

/* The host of programs outside has a name that a scenario may use as long as it is by itself. */
static void test_name_taken(void **state)
{
    (void)state;
    static const char text[] = "mailsim: 1\n"
                               "network: {routers: [core, outside],\n"
                               "          links: [{between: [core, outside]}]}\n"
                               "servers:\n"
                               "  mail.naver.example: {domains: [naver.example]}\n";
    g_autoptr(Scenario) scenario = scenario_of_text(text);
    const ScenarioText *taken = inputs_find_name_taken(scenario);
    assert_non_null(taken);
    assert_int_equal(taken->at.line, 2);
    g_autoptr(Scenario) other = scenario_of_text(scenario_text);
    assert_null(inputs_find_name_taken(other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_misfit),
        cmocka_unit_test(test_played),
        cmocka_unit_test(test_name_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
