/* Tests of scenario/full_writer: what is written is what was read. */
#include "scenario/full_writer.h"

#include "scenario/format.h"
#include "scenario/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* It has every key of the format, in the form that the writer gives. */
static const char full_path[] = "tests/data/full.yaml";

static char *format_of(const char *name, const char *text)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_bytes(name, span_of_text(text), diagnostics);
    if (scenario == NULL) {
        diagnostics_print(diagnostics, stderr);
        fail_msg("%s has errors", name);
    }
    return scenario_format_full(scenario);
}

static char *contents_of(const char *path)
{
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void test_full_form_reads_back(void **state)
{
    (void)state;
    g_autofree char *text = contents_of(full_path);
    g_autofree char *written = format_of(full_path, text);
    assert_string_equal(written, text);
}

static void test_lesson_reads_back(void **state)
{
    (void)state;
    g_autofree char *text = contents_of("scenarios/01-first-mail/scenario.yaml");
    g_autofree char *first = format_of("lesson", text);
    g_autofree char *second = format_of("full form", first);
    assert_string_equal(second, first);
}

static void assert_has_keys(const char *text, const KeySpec *keys, size_t count);

static void assert_has_keys_below(const char *text, const ValueSpec *value)
{
    if (value->type == VALUE_LIST)
        assert_has_keys_below(text, value->element);
    else if (value->type == VALUE_MAP || value->type == VALUE_NAMED)
        assert_has_keys(text, value->mapping->keys, value->mapping->key_count);
}

static void assert_has_keys(const char *text, const KeySpec *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autofree char *line = g_strdup_printf(" %s:", keys[i].key);
        g_autofree char *first = g_strdup_printf("\n%s:", keys[i].key);
        if (strstr(text, line) == NULL && strstr(text, first) == NULL)
            fail_msg("no `%s` in %s", keys[i].key, full_path);
        assert_has_keys_below(text, &keys[i].value);
    }
}

/* Without this the first test would say nothing of a key that nobody has put into the file. */
static void test_full_form_has_every_key(void **state)
{
    (void)state;
    g_autofree char *file = contents_of(full_path);
    g_autofree char *text = g_strconcat("\n", file, NULL);
    assert_has_keys(text, format_scenario.keys, format_scenario.key_count);
    assert_has_keys(text, format_action.keys, format_action.key_count);
    for (ActionKind kind = 0; kind < ACTION_KINDS; kind++) {
        const ActionSpec *action = format_action_of(kind);
        g_autofree char *line = g_strdup_printf(" do: %s\n", action->name);
        assert_non_null(strstr(text, line));
        assert_has_keys(text, action->keys, action->key_count);
    }
    for (FactComparator comparator = 0; comparator < FACT_COMPARATORS; comparator++) {
        g_autofree char *line = g_strdup_printf(" %s: ", fact_comparator_name(comparator));
        assert_non_null(strstr(text, line));
    }
}

static void test_smallest_scenario(void **state)
{
    (void)state;
    g_autofree char *written =
        format_of("smallest", "mailsim: 1\nservers: {a.example: {domains: [a.example]}}\n");
    assert_string_equal(written,
                        "mailsim: 1\n"
                        "# title: none\n"
                        "# about: none\n"
                        "start: 2026-03-02T09:00:00+09:00\n"
                        "# until: until no message waits in a queue and nothing is left to happen\n"
                        "seed: 1\n"
                        "network:\n"
                        "  routers: [internet]\n"
                        "  default_link:\n"
                        "    delay: 10 ms\n"
                        "    rate: 100 Mbit/s\n"
                        "    loss: 0 %\n"
                        "    queue: 100 packets\n"
                        "    # buffer: any number of octets\n"
                        "    mtu: 1500 B\n"
                        "    jitter: 0 s\n"
                        "    reorder: 0 %\n"
                        "    duplicate: 0 %\n"
                        "    corrupt: 0 %\n"
                        "  links: []\n"
                        "  one_way: []\n"
                        "  homes: {}\n"
                        "  firewall: []\n"
                        "  tcp:\n"
                        "    profile: rfc\n"
                        "    # initial_window: as the profile has it\n"
                        "    # mss: as the profile has it\n"
                        "    # receive_buffer: as the profile has it\n"
                        "    # send_buffer: as the profile has it\n"
                        "    # window_scale: as the profile has it\n"
                        "    # delayed_ack: as the profile has it\n"
                        "    # nagle: as the profile has it\n"
                        "    # slow_start_limit: as the profile has it\n"
                        "    # recovery: as the profile has it\n"
                        "    # limited_transmit: as the profile has it\n"
                        "    # tail_loss_probe: as the profile has it\n"
                        "    # restart_after_idle: as the profile has it\n"
                        "    # initial_rto: as the profile has it\n"
                        "    # minimum_rto: as the profile has it\n"
                        "    # maximum_rto: as the profile has it\n"
                        "    # r1: as the profile has it\n"
                        "    # r2: as the profile has it\n"
                        "    # r2_syn: as the profile has it\n"
                        "    # user_timeout: `r2` and `r2_syn` alone decide\n"
                        "    # keep_alive: never\n"
                        "    # keep_alive_interval: as the profile has it\n"
                        "    # keep_alive_probes: as the profile has it\n"
                        "    # fin_wait_2_timeout: as the profile has it\n"
                        "    # msl: as the profile has it\n"
                        "    # soft_errors: as the profile has it\n"
                        "servers:\n"
                        "  a.example:\n"
                        "    router: internet\n"
                        "    link:\n"
                        "      delay: 10 ms\n"
                        "      rate: 100 Mbit/s\n"
                        "      loss: 0 %\n"
                        "      queue: 100 packets\n"
                        "      # buffer: as in `network.default_link`\n"
                        "      mtu: 1500 B\n"
                        "      jitter: 0 s\n"
                        "      reorder: 0 %\n"
                        "      duplicate: 0 %\n"
                        "      corrupt: 0 %\n"
                        "    tcp: {}\n"
                        "    domains: [a.example]\n"
                        "    backup_for: []\n"
                        "    users: {}\n"
                        "    extensions: [PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES, DSN, "
                        "SMTPUTF8]\n"
                        "    smtp:\n"
                        "      size_limit: 10240 kB\n"
                        "      recipient_limit: 100\n"
                        "      error_limit: 20\n"
                        "      verify: evasive\n"
                        "      bare_newlines: refuse\n"
                        "      auth: always\n"
                        "    retry:\n"
                        "      like: postfix\n"
                        "      # intervals: as `like` says\n"
                        "      # rules: as `like` says\n"
                        "      run_every: 5 min\n"
                        "      run_phase: 0 s\n"
                        "      jitter: 0 %\n"
                        "      lifetime: 5 d\n"
                        "      # warn_after: as `like` says; with `intervals` never\n"
                        "    connections:\n"
                        "      messages: 100\n"
                        "      idle: 0 s\n"
                        "      per_destination: 20\n"
                        "      total: 100\n"
                        "    relay_for: []\n"
                        "    # catch_all: mail for unknown users is refused\n"
                        "dns: {}\n"
                        "people: {}\n"
                        "mails: {}\n"
                        "traffic: {}\n"
                        "timeline: []\n"
                        "expect: []\n"
                        "questions: []\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_form_reads_back),
        cmocka_unit_test(test_lesson_reads_back),
        cmocka_unit_test(test_full_form_has_every_key),
        cmocka_unit_test(test_smallest_scenario),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
