/* Tests of scenario/tcp_parameters: each key of `tcp` sets what it says, a machine's own before the
 * network's, and values that contradict each other are told of. */
#include "scenario/tcp_parameters.h"

#include "scenario/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static Scenario *read_text(const char *network, const char *machine, Diagnostics *diagnostics)
{
    g_autofree char *text =
        g_strdup_printf("mailsim: 1\n"
                        "network:\n  tcp: {%s}\n"
                        "servers:\n"
                        "  a.example: {domains: [a.example], users: {alice: {}}, tcp: {%s}}\n"
                        "people: {alice: {address: alice@a.example, agents: {pc: {tcp: {%s}}}}}\n",
                        network, machine, machine);
    return scenario_read_bytes("test", span_of_text(text), diagnostics);
}

static Scenario *read_good(const char *network, const char *machine)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Scenario *scenario = read_text(network, machine, diagnostics);
    if (scenario == NULL) {
        diagnostics_print(diagnostics, stderr);
        fail_msg("{%s} {%s} has errors", network, machine);
    }
    return scenario;
}

static int64_t value_at(const TcpOptions *options, size_t offset, size_t size)
{
    const char *at = (const char *)options + offset;
    uint8_t octet;
    uint16_t half;
    uint32_t word;
    int64_t whole;
    switch (size) {
    case sizeof octet:
        memcpy(&octet, at, sizeof octet);
        return octet;
    case sizeof half:
        memcpy(&half, at, sizeof half);
        return half;
    case sizeof word:
        memcpy(&word, at, sizeof word);
        return word;
    default:
        memcpy(&whole, at, sizeof whole);
        return whole;
    }
}

typedef struct KeyCase {
    const char *key, *text;
    size_t offset, size; /* of the option */
    int64_t value;
} KeyCase;

#define SETS(key, text, member, value)                                                             \
    {                                                                                              \
        key, text, offsetof(TcpOptions, member), sizeof(((TcpOptions *)NULL)->member), value       \
    }

/* No value is that of a profile, so that a key without effect would be seen. */
static const KeyCase cases[] = {
    SETS("profile", "linux", maximum_rto, 2 * SIM_MINUTE),
    SETS("initial_window", "7", initial_window, 7),
    SETS("mss", "536 B", mss, 536),
    SETS("receive_buffer", "5000 B", receive_buffer, 5000),
    SETS("send_buffer", "6000 B", send_buffer, 6000),
    SETS("window_scale", "always", window_scale, 0),
    SETS("delayed_ack", "0 s", delayed_ack, 0),
    SETS("nagle", "never", nagle, TCP_NAGLE_OFF),
    SETS("nagle", "minshall", nagle, TCP_NAGLE_MINSHALL),
    SETS("slow_start_limit", "2", slow_start_limit, 2),
    SETS("recovery", "timer", recovery, TCP_RECOVERY_TIMER),
    SETS("recovery", "tahoe", recovery, TCP_RECOVERY_TAHOE),
    SETS("recovery", "reno", recovery, TCP_RECOVERY_RENO),
    SETS("limited_transmit", "never", limited_transmit, false),
    SETS("tail_loss_probe", "always", tail_loss_probe, true),
    SETS("restart_after_idle", "never", restart_after_idle, false),
    SETS("initial_rto", "4 s", initial_rto, 4 * SIM_SECOND),
    SETS("minimum_rto", "300 ms", minimum_rto, 300 * SIM_MILLISECOND),
    SETS("maximum_rto", "90 s", maximum_rto, 90 * SIM_SECOND),
    SETS("r1", "2", warning_retries, 2),
    SETS("r2", "6", data_retries, 6),
    SETS("r2_syn", "5", syn_retries, 5),
    SETS("user_timeout", "10 min", user_timeout, 10 * SIM_MINUTE),
    SETS("keep_alive", "2 h", keep_alive_idle, 2 * SIM_HOUR),
    SETS("keep_alive_interval", "7 s", keep_alive_interval, 7 * SIM_SECOND),
    SETS("keep_alive_probes", "4", keep_alive_probes, 4),
    SETS("fin_wait_2_timeout", "9 s", fin_wait_2_timeout, 9 * SIM_SECOND),
    SETS("msl", "15 s", maximum_lifetime, 15 * SIM_SECOND),
    SETS("soft_errors", "ends_opening", soft_error_ends_open, true),
};

static void test_each_key_sets_its_option(void **state)
{
    (void)state;
    TcpOptions plain;
    tcp_options_init(&plain, TCP_PROFILE_RFC);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const KeyCase *one = &cases[i];
        g_autofree char *text = g_strdup_printf("%s: %s", one->key, one->text);
        g_autoptr(Scenario) scenario = read_good(text, "");
        TcpOptions options = tcp_parameters_options(&scenario->network.tcp, NULL);
        if (value_at(&plain, one->offset, one->size) == one->value ||
            value_at(&options, one->offset, one->size) != one->value)
            fail_msg("`%s` has no effect", text);
    }
}

static void test_no_key_is_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; i < format_tcp.key_count; i++) {
        size_t found = 0;
        for (size_t j = 0; j < G_N_ELEMENTS(cases); j++)
            found += strcmp(cases[j].key, format_tcp.keys[i].key) == 0;
        if (found == 0)
            fail_msg("nothing tests `%s`", format_tcp.keys[i].key);
    }
    assert_int_equal(format_machine_tcp.key_count, format_tcp.key_count);
}

/* Nothing given is the profile, to the last octet. */
static void test_profiles_as_they_are(void **state)
{
    (void)state;
    const char *const names[] = {"", "profile: rfc", "profile: linux"};
    const TcpProfile profiles[] = {TCP_PROFILE_RFC, TCP_PROFILE_RFC, TCP_PROFILE_LINUX};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        TcpOptions plain;
        tcp_options_init(&plain, profiles[i]);
        g_autoptr(Scenario) scenario = read_good(names[i], "");
        TcpOptions options =
            tcp_parameters_options(&scenario->network.tcp, &scenario->servers.items[0].tcp);
        assert_memory_equal(&options, &plain, sizeof plain);
    }
}

/* The machine's key, else the network's, else the profile's: whichever of the two gives that. */
static void test_machine_before_network_before_profile(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario =
        read_good("initial_window: 4, mss: 1000 B", "profile: linux, mss: 500 B");
    const TcpParameters *network = &scenario->network.tcp;
    const TcpParameters *machines[] = {&scenario->servers.items[0].tcp,
                                       &scenario->people.items[0].agents.items[0].tcp};
    for (size_t i = 0; i < G_N_ELEMENTS(machines); i++) {
        TcpOptions options = tcp_parameters_options(network, machines[i]);
        assert_int_equal(options.mss, 500);
        assert_int_equal(options.initial_window, 4);
        assert_int_equal(options.maximum_rto, 2 * SIM_MINUTE);
    }
    assert_int_equal(tcp_parameters_options(network, NULL).mss, 1000);
}

/* RFC 7323 §2: the shift is as small as the buffer allows, but not below the profile's. */
static void test_window_scale_follows_buffer(void **state)
{
    (void)state;
    const struct {
        const char *keys;
        uint8_t scale;
    } buffers[] = {
        {"receive_buffer: 65535 B", SEGMENT_NO_WINDOW_SCALE},
        {"receive_buffer: 65536 B", 1},
        {"receive_buffer: 1 MiB", 5},
        {"receive_buffer: 512 MiB", 14},
        {"profile: linux", 7},
        {"profile: linux, receive_buffer: 512 MiB", 14},
        {"profile: linux, window_scale: never", SEGMENT_NO_WINDOW_SCALE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(buffers); i++) {
        g_autoptr(Scenario) scenario = read_good(buffers[i].keys, "");
        TcpOptions options = tcp_parameters_options(&scenario->network.tcp, NULL);
        assert_int_equal(options.window_scale, buffers[i].scale);
        /* The engine takes it. */
        tcp_free(tcp_new_active(&options, 1, 0));
    }
}

static void test_contradictions_are_told(void **state)
{
    (void)state;
    const struct {
        const char *network, *machine, *wanted;
    } texts[] = {
        {"minimum_rto: 2 min", "", "`minimum_rto` (2 min) is longer than `maximum_rto` (1 min)"},
        {"initial_rto: 2 s, maximum_rto: 1500 ms", "",
         "`initial_rto` (2 s) is longer than `maximum_rto` (1500 ms)"},
        {"r1: 8", "", "`r1` (8) comes before `r2` (8)"},
        {"delayed_ack: 500 ms", "", "`delayed_ack` is less than 500 ms"},
        {"receive_buffer: 1 MiB, window_scale: never", "", "needs the window scale option"},
        {"maximum_rto: 10 s", "minimum_rto: 20 s",
         "`minimum_rto` (20 s) is longer than `maximum_rto` (10 s)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Diagnostics) diagnostics = diagnostics_new();
        g_autoptr(Scenario) scenario = read_text(texts[i].network, texts[i].machine, diagnostics);
        assert_null(scenario);
        const Diagnostic *first = diagnostics_peek(diagnostics, 0);
        if (strstr(first->text, texts[i].wanted) == NULL)
            fail_msg("not \"%s\", but \"%s\"", texts[i].wanted, first->text);
        assert_int_equal(first->at.line, texts[i].machine[0] == '\0' ? 3 : 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_sets_its_option),
        cmocka_unit_test(test_no_key_is_forgotten),
        cmocka_unit_test(test_profiles_as_they_are),
        cmocka_unit_test(test_machine_before_network_before_profile),
        cmocka_unit_test(test_window_scale_follows_buffer),
        cmocka_unit_test(test_contradictions_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
