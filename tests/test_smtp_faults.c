/* Each side of an SMTP session is struck in each state that its machine enters: the program dies
 * and its kernel ends the connection (FIN, or RST to what comes after), the power fails, the
 * link falls silent, or a firewall answers each segment with a RST while both programs live. Then
 * all is healed and drains: the mail arrives, and twice only with a witness, which the books
 * demand.
 *
 * A failure leaves the scenario in a file and prints the command that plays it. */
#include "proto/smtp_client.h"
#include "proto/smtp_server.h"
#include "scenario/reader.h"
#include "scenario/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define RECEIVER "mail.gmail.example"
#define SENDER   "mail.naver.example"
#define AGENT    "alice.laptop"

/* Servers differ in what they offer, and mails in their size, so that among them every state is
 * entered, and a small mail may travel in one piece with MAIL. */
static const struct {
    const char *extensions, *size;
} variants[] = {
    {"PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES, DSN", "1 kB"},
    {"SIZE", "1 kB"},
    {"CHUNKING, PIPELINING", "1 kB"},
    {"CHUNKING, PIPELINING", "40 kB"},
    {"STARTTLS, CHUNKING", "40 kB"},
};

typedef struct Strike {
    const char *host;
    const StateTable *table;
    uint8_t state;
    const char *fault, *heal; /* actions; %s is the host */
} Strike;

static char *scenario_text(const Strike *strike, size_t variant)
{
    const char *offered = variants[variant].extensions;
    g_autofree char *fault = g_strdup_printf(strike->fault, strike->host);
    g_autofree char *heal = g_strdup_printf(strike->heal, strike->host);
    return g_strdup_printf(
        "mailsim: 1\n"
        "servers:\n"
        "  " SENDER ": {domains: [naver.example], users: {alice: {}},"
        " retry: {intervals: [10 min]}, extensions: [%s]}\n"
        "  " RECEIVER ": {domains: [gmail.example], users: {bob: {}}, extensions: [%s]}\n"
        "people:\n"
        "  alice: {address: alice@naver.example}\n"
        "  bob: {address: bob@gmail.example}\n"
        "mails:\n"
        "  lunch: {from: alice, to: [bob@gmail.example], subject: \"Lunch?\", body: \"Noon?\","
        " size: %s}\n"
        "timeline:\n"
        "  - {at: 1 s, do: send, mail: lunch}\n"
        "  - {when: {host: %s, machine: %s, enters: %s}, do: %s}\n"
        "  - {at: 1 h, do: %s}\n",
        offered, offered, variants[variant].size, strike->host, strike->table->name,
        strike->table->states[strike->state], fault, heal);
}

static void fail_with(const Strike *strike, const char *text, const char *reason)
{
    g_autofree char *path = g_strdup_printf("build/smtp-fault-%s-%s.yaml", strike->table->name,
                                            strike->table->states[strike->state]);
    g_file_set_contents(path, text, -1, NULL);
    fail_msg("%s\n    mailsim run --level segment %s", reason, path);
}

/* What is wrong in the end, in words, to free; or NULL. An agent whose own server does not answer
 * tells Alice so and leaves it to her: then the mail is refused, and she knows. */
static char *find_defect(const Run *run, const Strike *strike, bool is_balanced)
{
    const FactsMail *mail = facts_find_mail(run->facts, "lunch");
    if (!is_balanced)
        return g_strdup(books_first_violation(run->books)->text);
    if (mail == NULL || mail->recipient_count != 1)
        return g_strdup("the mail has not been sent");
    const FactsRecipient *bob = &mail->recipients[0];
    bool may_be_refused = strcmp(strike->host, RECEIVER) != 0;
    if (bob->fate != MAIL_FATE_DELIVERED && !(bob->fate == MAIL_FATE_REFUSED && may_be_refused))
        return g_strdup_printf("the mail is %s", mail_fate_name(bob->fate));
    if (bob->copies > 2)
        return g_strdup_printf("the mail has arrived %d times", (int)bob->copies);
    return NULL;
}

/* Plays it; returns whether the state was entered. */
static bool strike_once(const Strike *strike, size_t variant, unsigned *duplicates)
{
    g_autofree char *text = scenario_text(strike, variant);
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario =
        scenario_read_bytes("fault.yaml", span_of_text(text), diagnostics);
    if (scenario == NULL) {
        diagnostics_print(diagnostics, stderr);
        fail_with(strike, text, "the scenario has an error");
    }
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    g_autoptr(Run) run = run_new(scenario, &options);
    g_autofree char *defect = find_defect(run, strike, run_play(run));
    if (defect != NULL)
        fail_with(strike, text, defect);
    *duplicates += facts_find_mail(run->facts, "lunch")->recipients[0].copies > 1;
    g_autoptr(GPtrArray) unmet = simulation_list_unmet(run->simulation);
    return unmet->len == 0;
}

/* States that no run of two healthy servers enters: a client's after a refused EHLO, and between
 * two messages; a server's when it refuses to serve, or asks for more after AUTH. Only agents log
 * in. */
static bool is_out_of_reach(const StateTable *table, uint8_t state, bool has_agent)
{
    static const char *const names[] = {"HELO", "RSET", "REFUSED", "DRAIN"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(table->states[state], names[i]) == 0)
            return true;
    }
    bool is_log_in = strcmp(table->states[state], "AUTH") == 0;
    bool has_log_in = has_agent && table == &smtp_client_table;
    return state == table->initial || (is_log_in && !has_log_in);
}

/* Strikes the host, and the other unless that is NULL. */
static void strike_all(const char *host, const char *other, const StateTable *table,
                       const char *fault, const char *heal)
{
    unsigned duplicates = 0, runs = 0;
    const char *const hosts[] = {host, other};
    for (uint8_t state = 0; state < table->state_count; state++) {
        unsigned entered = 0;
        for (size_t h = 0; h < 2 && hosts[h] != NULL; h++) {
            Strike strike = {hosts[h], table, state, fault, heal};
            for (size_t v = 0; v < G_N_ELEMENTS(variants); v++, runs++)
                entered += strike_once(&strike, v, &duplicates);
        }
        if ((entered == 0) != is_out_of_reach(table, state, other != NULL))
            fail_msg("%s enters %s in %u runs", table->name, table->states[state], entered);
    }
    print_message("%s, %s: %u runs, %u with a duplicate\n", table->name, fault, runs, duplicates);
}

#define SILENCE "link_down, between: [%s, internet], after: 1 us"
#define SOUND   "link_up, between: [%s, internet]"
/* The program lives, and both ends get a RST for whatever comes next. */
#define RESET    "set_firewall, host: %s, rules: [{action: reset}], after: 1 us"
#define NO_RESET "set_firewall, host: %s, rules: []"

static void test_server_crashes(void **state)
{
    (void)state;
    strike_all(RECEIVER, SENDER, &smtp_server_table, "crash, host: %s", "restart, host: %s");
}

static void test_server_loses_power(void **state)
{
    (void)state;
    strike_all(RECEIVER, SENDER, &smtp_server_table, "power_off, host: %s", "restart, host: %s");
}

static void test_server_falls_silent(void **state)
{
    (void)state;
    strike_all(RECEIVER, SENDER, &smtp_server_table, SILENCE, SOUND);
}

static void test_client_crashes(void **state)
{
    (void)state;
    strike_all(SENDER, NULL, &smtp_client_table, "crash, host: %s", "restart, host: %s");
}

static void test_client_loses_power(void **state)
{
    (void)state;
    strike_all(SENDER, NULL, &smtp_client_table, "power_off, host: %s", "restart, host: %s");
}

static void test_client_falls_silent(void **state)
{
    (void)state;
    strike_all(SENDER, AGENT, &smtp_client_table, SILENCE, SOUND);
}

static void test_server_is_reset(void **state)
{
    (void)state;
    strike_all(RECEIVER, SENDER, &smtp_server_table, RESET, NO_RESET);
}

static void test_client_is_reset(void **state)
{
    (void)state;
    strike_all(SENDER, AGENT, &smtp_client_table, RESET, NO_RESET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_crashes),      cmocka_unit_test(test_server_loses_power),
        cmocka_unit_test(test_server_falls_silent), cmocka_unit_test(test_client_crashes),
        cmocka_unit_test(test_server_is_reset),     cmocka_unit_test(test_client_is_reset),
        cmocka_unit_test(test_client_loses_power),  cmocka_unit_test(test_client_falls_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
