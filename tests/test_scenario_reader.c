/* Tests of scenario/reader: what is read into the model, and what is said of files that are broken
 * in form: YAML, keys, values. */
#include "scenario_broken.h"
#include "scenario_read.h"

static void test_yaml_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"", "0:0: the file is empty"},
        {"# nothing\n", "0:0: the file is empty"},
        {"mailsim: 1\ntitle: Re: hello\n",
         "2:10: not YAML: invalid nested block mapping on the same line; a text that holds `: ` "
         "needs quotes"},
        {"mailsim: 1\nmails: {a: {subject: Re: hello}}\n",
         "2:24: not YAML: missing comma in flow mapping; a text that holds `: ` needs quotes, or a "
         "bracket above is not closed"},
        {"mailsim: 1\nservers:\n  mx.example: {users: {a: {}}\npeople:\n",
         "4:1: not YAML: wrongly indented flow mapping; a bracket above may not be closed"},
        {"mailsim: 1\n%YAML 1.2\n",
         "2:1: a line that begins with `%` is a YAML directive; there are none here"},
        {"mailsim: 1\ntitle: &a x\n",
         "2:9: anchors (`&name`) are not used here; a text that begins with `&` needs quotes"},
        {"mailsim: 1\ntitle: *a\n",
         "2:9: aliases (`*name`) are not used here; a text that begins with `*` needs quotes"},
        {"mailsim: 1\ntitle: !!str x\n",
         "2:8: tags (`!name`) are not used here; a text that begins with `!` needs quotes"},
        {"title: \xff\n", "1:8: octet 0xFF is not UTF-8; save the file as UTF-8"},
        {"\xff\xfe\x31", "0:0: the file is UTF-16; save it as UTF-8"},
        {"[a, b]\n", "1:1: a scenario is a map that begins with `mailsim: 1`, not a list"},
        {"mailsim: 2\nfuture: 3\n", "1:10: this program reads format version 1, not `2`"},
        {SERVERS "title: \"a\\u0007b\"\n", "6:8: this text holds a control character"},
        {SERVERS "people: {al: {address: \"a\\u0007b\"}}\n",
         "6:24: this text holds a control character"},
        {SERVERS "seed: 1\nseed: 2\n", "7:1: the key `seed` is here twice; it is in line 6 too"},
        {SERVERS "---\na: b\n",
         "6:1: a second YAML document begins here; a scenario is one document"},
        {SERVERS "? [a]\n: b\n", "6:3: a key must be a word, not a map or a list"},
        {SERVERS "title:\n  en: |\n  Three\n    lines\n  ko: x\n",
         "8:1: the lines of a block stand deeper than its key"},
        {SERVERS "title:\n  en: >\n\n  Three\n  ko: x\n",
         "8:1: the lines of a block stand deeper than its key"},
    };
    ASSERT_BROKEN(cases);
}

static void test_key_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"mailsim: 1\n", "1:1: a scenario needs the key `servers`: the mail servers, by host name"},
        {SERVERS "sed: 3\n", "6:1: unknown key `sed`; did you mean `seed`?"},
        {SERVERS "delay: 3 s\n", "6:1: `delay` is not a key of a scenario; it belongs under "
                                 "`network.default_link`, `network.links` or `network.one_way`"},
        {SERVERS "who: bob\n", "6:1: `who` is not a key of a scenario; it belongs under `do: "
                               "reply`, `do: fetch` or `do: read`"},
        {SERVERS "people: {al: {address: alice@naver.example, color: red}}\n",
         "6:45: unknown key `color`; a person has the keys `address` and `agents`"},
        {SERVERS "people: {al: {}}\n",
         "6:10: a person needs the key `address`: the person's mail address: a user of one of the "
         "servers"},
        {SERVERS "people: {al: }\n", "6:10: `al` has no value; it takes a map"},
        {SERVERS "people: [al]\n",
         "6:9: `people` takes a map from names to what they stand for, not a list"},
        {SERVERS "people: {\"a b\": {address: alice@naver.example}}\n",
         "6:10: `a b` cannot be a name here; a name has letters (a-z), digits, `-` and `_`, at "
         "most 63, and begins with a letter or digit"},
        {SERVERS "people: {al: {address: alice@naver.example, agents: {}}}\n",
         "6:53: `agents` needs at least 1, not 0"},
        {SERVERS "people: {al: {address: alice@naver.example}}\n"
                 "mails: {lunch: {from: al, tto: [bob@gmail.example]}}\n",
         "7:27: unknown key `tto`; did you mean `to`?"},
        {SERVERS "title: .5\n",
         "6:8: `.5` is a number to YAML; a text is written in quotes: `\".5\"`"},
        {SERVERS "title: -1e9\n",
         "6:8: `-1e9` is a number to YAML; a text is written in quotes: `\"-1e9\"`"},
        {SERVERS "title: +0x1f\n", ""},
        {SERVERS "mails: {lunch: {from: [al], subject: 12}}\n",
         "6:9: the mail `lunch` is for nobody; `to`, `cc` or `bcc` must name somebody\n"
         "6:23: `from` takes the name of a person, not a list\n"
         "6:38: `12` is a number to YAML; a text is written in quotes: `\"12\"`"},
    };
    ASSERT_BROKEN(cases);
}

static void test_value_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {SERVERS "until: 6\n",
         "6:8: `6` has no unit; write `6 ms`, or with another of ns, us, ms, s, min, h or d"},
        {SERVERS "until: 12:30\n", "6:8: `12:30` is written with a colon; write one number and one "
                                   "unit, as in `20 ms`"},
        {SERVERS "until: 0 s\n", "6:8: `until` is at least 1 ns"},
        {SERVERS "until: 40000 d\n", "6:8: `until` is at most 36500 d"},
        {SERVERS "until: 6\xc2\xa0h\n", "6:8: `6\xc2\xa0h` holds a no-break space (U+00A0); write "
                                        "an ordinary space, as in `20 ms`"},
        {SERVERS "seed: -1\n", "6:7: `-1` is not a whole number"},
        {SERVERS "seed: \"1\"\n", "6:7: `seed` takes a whole number without quotes"},
        {SERVERS "seed: 99999999999999999999\n",
         "6:7: `99999999999999999999` is too large a number"},
        {SERVERS "title: yes\n", "6:8: `yes` is not a text to every YAML program; write it in "
                                 "quotes: `\"yes\"`"},
        {SERVERS "title: {english: a}\n",
         "6:9: `english` is not a language; write `en`, `ko` or another code of ISO 639"},
        {SERVERS "title: Fix #3\n", "W6:8: the text ends where ` #` begins a comment; if `#` "
                                    "belongs to the text, write it in quotes"},
        {SERVERS "start: 2026-02-30T00:00:00Z\n",
         "6:8: `2026-02-30T00:00:00Z` is not a date and time with a zone; write it as in "
         "`2026-03-02T09:00:00+09:00`"},
        {SERVERS "start: 2026-03-02T09:00:00\n",
         "6:8: `2026-03-02T09:00:00` is not a date and time with a zone; write it as in "
         "`2026-03-02T09:00:00+09:00`"},
        {SERVERS "people: {al: {address: alice@naver.example, agents: {pc: {send: http}}}}\n",
         "6:65: `send` takes `smtp` or `direct`, not `http`"},
        {SERVERS "dns: {a.example: {a: [1.2.3.4.5]}}\n",
         "W6:23: `1.2.3.4.5` may be somebody's; names that end in `.example` or `.test` are "
         "nobody's\n"
         "6:23: there is no server `1.2.3.4.5`"},
        {SERVERS "dns: {A.example: {ttl: 1.5 s}}\n",
         "6:7: `A.example` has capital letters; names are written small here\n"
         "6:7: `ttl` is a number of whole seconds"},
    };
    ASSERT_BROKEN(cases);
}

/* Nothing more is said of what is missing only because something else is wrong. */
static void test_one_fault_one_error(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"---\n", "1:1: there is nothing in this file; a scenario begins with `mailsim: 1`"},
        {TIMELINE "  - {at: 1 s, do: partition, groups: [[seoul], frankfurt]}\n",
         "11:48: `groups` takes a list, not a text"},
        /* a key of something else, and one letter from what belongs here */
        {"mailsim: 1\nservers: {a.example: {domain: [a.example]}}\n",
         "2:23: unknown key `domain`; did you mean `domains`: the mail domains whose mailboxes it "
         "keeps?"},
    };
    ASSERT_BROKEN(cases);
}

static void test_printed_form(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    assert_null(read_text(SERVERS "title: {ko: \"\xea\xb0\x80\xeb\x82\x98\", xyzw: b}\nsed: 3\n",
                          diagnostics));
    g_autoptr(GString) text = g_string_new(NULL);
    diagnostics_format(diagnostics, text);
    assert_string_equal(
        text->str,
        "x.yaml:6:19: error: `xyzw` is not a language; write `en`, `ko` or another code of ISO "
        "639\n"
        "    6 | title: {ko: \"\xea\xb0\x80\xeb\x82\x98\", xyzw: b}\n"
        "      |                     ^~~~\n"
        "x.yaml:7:1: error: unknown key `sed`; did you mean `seed`?\n"
        "    7 | sed: 3\n"
        "      | ^~~\n");
}

static void test_many_errors_are_summed_up(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(GString) file = g_string_new(SERVERS);
    for (int i = 0; i < 1100; i++)
        g_string_append_printf(file, "key%d: 1\n", i);
    assert_null(read_text(file->str, diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 1100);
    assert_int_equal(diagnostics_kept(diagnostics), DIAGNOSTICS_KEPT);
    g_autoptr(GString) text = g_string_new(NULL);
    diagnostics_format(diagnostics, text);
    assert_non_null(strstr(text->str, "\nx.yaml: 1050 more errors\n"));
}

static void test_model(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = read_text(
        TIMELINE
        "  - {at: 1.5 h, do: fetch, who: bob}\n"
        "  - {at: 1 s, do: dns_fail, name: gmail.example, how: timeout, every: 1 d, times: "
        "5}\n"
        "expect:\n"
        "  - {event: smtp.reply, host: mail.gmail.example, code: 550, fact: count, "
        "range: [1, 3]}\n"
        "title: {ko: \"\xec\xa0\x9c\xeb\xaa\xa9\", en: Title}\n"
        "start: 1970-01-02T01:00:00+01:00\n",
        diagnostics);
    assert_non_null(scenario);
    assert_int_equal(scenario->version, 1);
    assert_int_equal(scenario->until_ns, SCENARIO_UNSET);
    assert_int_equal(scenario->start.unix_seconds, 86400);
    assert_int_equal(scenario->start.offset_minutes, 60);
    assert_string_equal(local_text_choose(&scenario->title, "ko"), "\xec\xa0\x9c\xeb\xaa\xa9");
    assert_string_equal(local_text_choose(&scenario->title, "fr"), "Title");

    const LinkParameters *link = &scenario->network.links.items[0].parameters;
    assert_int_equal(link->delay_ns, 10 * SIM_MILLISECOND);
    assert_int_equal(link->rate_bps, 1000000000);
    const ScenarioServer *server = scenario_find_domain(scenario, "GMAIL.example");
    assert_string_equal(server->name.text, "mail.gmail.example");
    assert_int_equal(server->at.line, 5);
    assert_int_equal(server->at.column, 3);
    assert_string_equal(server->router.text, "frankfurt");
    assert_int_equal(server->link.rate_bps, 100000000);
    assert_string_equal(server->retry.like.text, "postfix");
    assert_int_equal(server->retry.lifetime_ns, 5 * SIM_DAY);
    assert_int_equal(server->retry.schedule.kind, RETRY_AGE);

    const ScenarioPerson *alice = scenario_find_person(scenario, "alice");
    assert_string_equal(alice->agents.items[0].name.text, "laptop");
    assert_int_equal(alice->agents.items[0].at.line, 0);
    assert_string_equal(scenario->mails.items[0].to.items[1].text, "eve@gmail.example");

    const ScenarioAction *fetch = &scenario->timeline.items[0];
    assert_int_equal(fetch->kind, ACTION_FETCH);
    assert_int_equal(fetch->time_ns, 90 * SIM_MINUTE);
    assert_int_equal(fetch->times, 1);
    assert_string_equal(fetch->fetch.agent.text, "phone");
    const ScenarioAction *fail = &scenario->timeline.items[1];
    assert_int_equal(fail->dns_fail.how, DNS_FAILURE_TIMEOUT);
    assert_int_equal(fail->every_ns, SIM_DAY);
    assert_int_equal(fail->times, 5);

    const ScenarioExpectation *expectation = &scenario->expect.items[0];
    assert_int_equal(expectation->selector.fact, FACT_EVENT_COUNT);
    assert_int_equal(expectation->selector.event, TRACE_SMTP_REPLY);
    assert_string_equal(expectation->selector.host, "mail.gmail.example");
    assert_int_equal(expectation->selector.fields[0].number, 550);
    assert_int_equal(expectation->comparator, FACT_RANGE);
    assert_int_equal(expectation->upper.number, 3);
}

static void test_retry_of_ones_own(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = read_text(
        "mailsim: 1\nservers: {a.example: {domains: [x.example], retry: {intervals: [15 min, 1 h], "
        "lifetime: 2 d, warn_after: 4 h}}, b.example: {domains: [], retry: {like: opensmtpd}}}\n",
        diagnostics);
    const ScenarioRetry *own = &scenario->servers.items[0].retry;
    assert_null(own->like.text);
    assert_int_equal(own->schedule.interval_count, 2);
    assert_int_equal(own->schedule.intervals_ns[1], SIM_HOUR);
    assert_int_equal(own->schedule.lifetime_ns, 2 * SIM_DAY);
    assert_int_equal(own->schedule.warn_after_ns, 4 * SIM_HOUR);
    const ScenarioRetry *like = &scenario->servers.items[1].retry;
    assert_int_equal(like->lifetime_ns, 4 * SIM_DAY);
    assert_int_equal(like->warn_after_ns, 4 * SIM_HOUR);
}

/* It stands in the trace, so people will want to cut it off. */
static void test_the_name_server_is_no_node(void **state)
{
    (void)state;
    static const char *const ACTIONS[] = {
        "do: link_down, between: [internet, nameserver]",
        "do: partition, groups: [[nameserver], [a.example]]",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ACTIONS); i++) {
        g_autofree char *text = g_strdup_printf("mailsim: 1\n"
                                                "servers: {a.example: {domains: [a.example]}}\n"
                                                "timeline: [{at: 1 s, %s}]\n",
                                                ACTIONS[i]);
        assert_scenario_refused(text, "`nameserver`, which answers look-ups, cannot be named here; "
                                      "to make look-ups of a name fail, write `do: dns_fail`");
    }
}

/* `"bob"` and `bob` are one local-part, `"b b"` is not without its quotes: RFC 5321 §4.1.2. */
static void test_quotes_that_mean_nothing(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(
        "mailsim: 1\n"
        "servers: {a.example: {domains: [a.example], users: {bob: {}}}}\n"
        "people: {bob: {address: '\"b\\ob\"@a.example'}}\n"
        "mails: {m: {from: bob, to: ['\"bob\"@a.example', '\"b b\"@a.example'], subject: m}}\n"
        "expect: [{mail: m, to: '\"bob\"@a.example', fact: status, is: none}]\n");
    const ScenarioMail *mail = &scenario->mails.items[0];
    assert_string_equal(mail->to.items[0].text, "bob@a.example");
    assert_string_equal(mail->to.items[1].text, "\"b b\"@a.example");
    assert_string_equal(scenario->people.items[0].address.text, "bob@a.example");
    assert_string_equal(scenario->expect.items[0].selector.to, "bob@a.example");
}

static void test_digest_and_file(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario =
        scenario_read_file("scenarios/01-first-mail/scenario.yaml", diagnostics);
    assert_non_null(scenario);
    assert_int_equal(diagnostics_warning_count(diagnostics), 0);
    assert_int_equal(strlen(scenario->sha256), SCENARIO_SHA256_LENGTH);
    assert_null(scenario_read_file("scenarios", diagnostics));
    assert_null(scenario_read_file("scenarios/none.yaml", diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 1);
    g_autoptr(Scenario) small =
        read_text("mailsim: 1\nservers: {a.example: {domains: []}}\n", diagnostics);
    assert_string_equal(small->sha256,
                        "8311282f4793e6a40e49ff1539bcc8fe188e224356959d2e279e4594e714110b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_faults),
        cmocka_unit_test(test_key_faults),
        cmocka_unit_test(test_value_faults),
        cmocka_unit_test(test_one_fault_one_error),
        cmocka_unit_test(test_printed_form),
        cmocka_unit_test(test_many_errors_are_summed_up),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_retry_of_ones_own),
        cmocka_unit_test(test_quotes_that_mean_nothing),
        cmocka_unit_test(test_the_name_server_is_no_node),
        cmocka_unit_test(test_digest_and_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
