/* The rules of a server, asked without a server: replies, quotas, relaying, what is held back.
 */
#include "policy/policy.h"
#include "proto/dns_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#define CLIENT    ((Ipv4Address)0xC6120005) /* 198.18.0.5 */
#define NEIGHBOUR ((Ipv4Address)0xC6120006)

/* ---- Replies ---- */

static void test_reply_is_read(void **state)
{
    (void)state;
    SmtpReply reply = {0};
    const char *fault = NULL;
    assert_true(policy_reply_parse("450 4.7.1 Not now", &reply, &fault));
    assert_int_equal(reply.code, 450);
    assert_int_equal(reply.enhanced.class, 4);
    assert_int_equal(reply.enhanced.subject, 7);
    assert_int_equal(reply.enhanced.detail, 1);
    assert_true(span_equals(reply.text, span_of_text("Not now")));
}

static void test_reply_that_refuses_nothing_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } CASES[] = {
        {"250 2.0.0 Yes", "code from 400"},
        {"", "code from 400"},
        {"600 5.0.0 No", "code from 400"},
        {"45 4.0.0 No", "code from 400"},
        {"550 No", "enhanced code"},
        {"550 5.7 No", "enhanced code"},
        {"550 4.7.1 No", "first digit"},
        {"450 5.7.1 No", "first digit"},
        {"550 5.7.1", "a text"},
        {"550 5.7.1 ", "a text"},
        {"550 5.7.1 No\nNo", "on one line"},
        {"550 5.7.1 N\xc3\xb6", "ASCII"},
        {"421 4.7.1 Bye", "close the connection"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        SmtpReply reply = {0};
        const char *fault = NULL;
        assert_false(policy_reply_parse(CASES[i].text, &reply, &fault));
        assert_non_null(strstr(fault, CASES[i].fault));
    }
}

/* ---- Clients ---- */

static PolicyClient *connect_client(Policy *policy)
{
    PolicyClient *client = policy_client_new(policy, CLIENT);
    PolicyQuestion question;
    DnsAnswer nothing = {.outcome = DNS_OUTCOME_NXDOMAIN};
    policy_begin_connect(client);
    while (policy_peek_question(client, &question))
        policy_answer(client, question.token, &nothing, 0);
    assert_int_equal(policy_verdict(client)->decision, POLICY_PASS);
    policy_begin_mail(client, "alice@a.test", 0);
    assert_false(policy_peek_question(client, &question));
    return client;
}

static const PolicyVerdict *rcpt(PolicyClient *client, PolicyRecipient recipient, SimTime now)
{
    policy_begin_rcpt(client, &recipient, now);
    return policy_verdict(client);
}

static void test_relaying_is_for_those_who_are_trusted(void **state)
{
    (void)state;
    Policy *policy = policy_new(&(PolicyOptions){0});
    PolicyClient *client = connect_client(policy);
    PolicyRecipient elsewhere = {.address = "bob@b.test"}, ours = {"bob@b.test", .is_ours = true};
    const PolicyVerdict *verdict = rcpt(client, elsewhere, 0);
    assert_int_equal(verdict->decision, POLICY_REFUSE);
    assert_int_equal(verdict->rule, POLICY_RULE_RELAY);
    assert_int_equal(verdict->reply.code, 550);
    assert_int_equal(rcpt(client, ours, 0)->decision, POLICY_PASS);
    assert_int_equal(rcpt(client, ours, 0)->rule, POLICY_RULE_NONE);
    policy_client_trust(client);
    assert_int_equal(rcpt(client, elsewhere, 0)->decision, POLICY_PASS);
    policy_client_free(client);
    policy_free(policy);
}

static void test_relaying_is_denied_in_its_own_words(void **state)
{
    (void)state;
    Policy *policy = policy_new(&(PolicyOptions){.relay_reply = "454 4.7.1 Not now"});
    PolicyClient *client = connect_client(policy);
    const PolicyVerdict *verdict = rcpt(client, (PolicyRecipient){.address = "bob@b.test"}, 0);
    assert_int_equal(verdict->decision, POLICY_DEFER);
    assert_int_equal(verdict->rule, POLICY_RULE_RELAY);
    assert_int_equal(verdict->reply.code, 454);
    policy_client_free(client);
    policy_free(policy);
}

static void test_open_relay_says_what_it_does(void **state)
{
    (void)state;
    Policy *policy = policy_new(&(PolicyOptions){.relays_for_anybody = true});
    PolicyClient *client = connect_client(policy);
    const PolicyVerdict *verdict = rcpt(client, (PolicyRecipient){.address = "bob@b.test"}, 0);
    assert_int_equal(verdict->decision, POLICY_PASS);
    assert_int_equal(verdict->rule, POLICY_RULE_RELAY);
    policy_client_free(client);
    policy_free(policy);
}

static void test_quota_counts_what_is_said_and_what_is_there(void **state)
{
    (void)state;
    Policy *policy = policy_new(&(PolicyOptions){.quota_reply = "550 5.2.2 Full"});
    PolicyClient *client = connect_client(policy);
    PolicyRecipient bob = {"bob@b.test", .is_ours = true, .used = 90, .quota = 100, .size = 10};
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_PASS);
    bob.size = 11;
    const PolicyVerdict *verdict = rcpt(client, bob, 0);
    assert_int_equal(verdict->decision, POLICY_REFUSE);
    assert_int_equal(verdict->rule, POLICY_RULE_QUOTA);
    assert_int_equal(verdict->reply.code, 550);
    bob.size = 0; /* it does not say: one that is full takes nothing */
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_PASS);
    bob.used = 100;
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_REFUSE);
    bob.filled_by = 17;
    assert_int_equal(rcpt(client, bob, 0)->because, 17);
    bob.size = 101; /* more than all of it: never */
    verdict = rcpt(client, bob, 0);
    assert_int_equal(verdict->decision, POLICY_REFUSE);
    assert_int_equal(verdict->reply.code, 552);
    assert_int_equal(verdict->reply.enhanced.detail, 3);
    assert_int_equal(verdict->because, 0);
    policy_client_trust(client); /* room is not a matter of trust */
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_REFUSE);
    policy_client_free(client);
    policy_free(policy);
}

static PolicyOptions greylisting(void)
{
    return (PolicyOptions){
        .greylist = {5 * SIM_MINUTE, 2 * SIM_DAY, 36 * SIM_DAY, 32, NULL},
    };
}

static void test_greylisting_names_its_first_verdict(void **state)
{
    (void)state;
    PolicyOptions options = greylisting();
    Policy *policy = policy_new(&options);
    PolicyClient *client = connect_client(policy);
    PolicyRecipient bob = {"bob@b.test", .is_ours = true};
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_DEFER);
    assert_int_equal(policy_verdict(client)->because, 0);
    policy_mark(client, 17);
    const PolicyVerdict *verdict = rcpt(client, bob, SIM_MINUTE);
    assert_int_equal(verdict->decision, POLICY_DEFER);
    assert_int_equal(verdict->because, 17);
    policy_mark(client, 23);
    verdict = rcpt(client, bob, SIM_HOUR);
    assert_int_equal(verdict->decision, POLICY_PASS);
    assert_int_equal(verdict->rule, POLICY_RULE_GREYLIST);
    assert_int_equal(verdict->because, 17);
    assert_int_equal(rcpt(client, bob, SIM_HOUR)->rule, POLICY_RULE_NONE);
    policy_client_free(client);
    policy_forget(policy); /* as when its program ends */
    client = connect_client(policy);
    assert_int_equal(rcpt(client, bob, SIM_HOUR)->decision, POLICY_DEFER);
    policy_client_free(client);
    policy_free(policy);
}

static void test_who_has_logged_in_is_not_greylisted(void **state)
{
    (void)state;
    PolicyOptions options = greylisting();
    Policy *policy = policy_new(&options);
    PolicyClient *client = connect_client(policy);
    policy_client_trust(client);
    PolicyRecipient bob = {"bob@b.test", .is_ours = true};
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_PASS);
    policy_client_free(client);
    client = connect_client(policy); /* RFC 5321 §4.5.1 */
    PolicyRecipient postmaster = {"Postmaster@b.test", .is_ours = true};
    assert_int_equal(rcpt(client, postmaster, 0)->decision, POLICY_PASS);
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_DEFER);
    policy_client_free(client);
    policy_free(policy);
}

/* ---- What is known of the client ---- */

/* Answers every question of the step: from `records` by name and type, or NXDOMAIN. */
static void answer_all(PolicyClient *client, const DnsRecord *records, size_t count)
{
    PolicyQuestion question;
    while (policy_peek_question(client, &question)) {
        DnsAnswer answer = {.outcome = DNS_OUTCOME_NXDOMAIN};
        for (size_t i = 0; i < count; i++) {
            if (strcmp(records[i].name, question.name) == 0 && records[i].type == question.type)
                answer = (DnsAnswer){DNS_OUTCOME_ANSWER, &records[i], 1, 0};
        }
        policy_answer(client, question.token, &answer, 0);
    }
}

static const PolicyVerdict *connect_with(PolicyClient *client, const DnsRecord *records,
                                         size_t count)
{
    policy_begin_connect(client);
    answer_all(client, records, count);
    return policy_verdict(client);
}

static void clear_records(DnsRecord *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dns_record_clear(&records[i]);
}

static void test_ranges_are_held_back_until_a_recipient(void **state)
{
    (void)state;
    PolicyRange range = {0xC6120000, 0xFFFF0000};
    PolicyOptions options = {.refused_ranges = &range, .refused_range_count = 1};
    Policy *policy = policy_new(&options);
    PolicyClient *client = connect_client(policy);
    PolicyRecipient bob = {"bob@b.test", .is_ours = true},
                    postmaster = {"Postmaster@b.test", .is_ours = true};
    const PolicyVerdict *verdict = rcpt(client, bob, 0);
    assert_int_equal(verdict->rule, POLICY_RULE_ADDRESSES);
    assert_int_equal(verdict->decision, POLICY_REFUSE);
    assert_non_null(strstr(verdict->reason, "range"));
    assert_int_equal(rcpt(client, postmaster, 0)->decision, POLICY_PASS);
    policy_client_trust(client); /* has logged in */
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_PASS);
    policy_client_free(client);
    client = policy_client_new(policy, 0xC6130001);
    connect_with(client, NULL, 0);
    policy_begin_mail(client, "", 0);
    assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_PASS);
    policy_client_free(client);
    policy_free(policy);
}

/* SPF too waits for a recipient who is not postmaster; what it said of one message is not said of
 * the next. */
static void test_spf_is_held_back_until_a_recipient(void **state)
{
    (void)state;
    for (int is_at_once = 0; is_at_once <= 1; is_at_once++) {
        PolicyOptions options = {.spf = POLICY_SPF_REFUSES, .refuses_at_once = is_at_once};
        Policy *policy = policy_new(&options);
        PolicyClient *client = policy_client_new(policy, CLIENT);
        DnsRecord records[] = {dns_record_txt("a.test", 60, "v=spf1 -all")};
        PolicyRecipient bob = {"bob@b.test", .is_ours = true},
                        postmaster = {"postmaster@b.test", .is_ours = true};
        policy_begin_mail(client, "alice@a.test", 0);
        answer_all(client, records, G_N_ELEMENTS(records));
        assert_int_equal(policy_verdict(client)->decision,
                         is_at_once ? POLICY_REFUSE : POLICY_PASS);
        assert_non_null(strstr(policy_client_spf_field(client), "fail"));
        if (!is_at_once) {
            assert_int_equal(rcpt(client, postmaster, 0)->decision, POLICY_PASS);
            assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_REFUSE);
            assert_int_equal(policy_verdict(client)->rule, POLICY_RULE_SPF);
            assert_non_null(strstr(policy_verdict(client)->reason, "fail"));
        }
        policy_begin_mail(client, "alice@c.test", 0);
        answer_all(client, records, G_N_ELEMENTS(records));
        assert_int_equal(rcpt(client, bob, 0)->decision, POLICY_PASS);
        policy_begin_mail(client, "alice@a.test", 0);
        answer_all(client, records, G_N_ELEMENTS(records));
        policy_client_free(client);
        policy_free(policy);
        clear_records(records, G_N_ELEMENTS(records));
    }
}

/* RFC 5321 §3.1, §3.8: a greeting has codes of its own. */
static void test_a_greeting_refuses_by_554(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        uint16_t greeting;
    } CASES[] = {{NULL, 554}, {"550 5.7.1 No", 554}, {"450 4.7.1 Later", 421}};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        PolicyRange range = {CLIENT, UINT32_MAX};
        PolicyOptions options = {.refused_ranges = &range,
                                 .refused_range_count = 1,
                                 .ranges_reply = CASES[i].reply,
                                 .refuses_at_once = true};
        Policy *policy = policy_new(&options);
        PolicyClient *client = policy_client_new(policy, CLIENT);
        assert_int_equal(connect_with(client, NULL, 0)->reply.code, CASES[i].greeting);
        policy_client_free(client);
        policy_free(policy);
    }
}

static void test_refusing_at_once(void **state)
{
    (void)state;
    PolicyRange range = {CLIENT, UINT32_MAX};
    PolicyOptions options = {
        .refused_ranges = &range, .refused_range_count = 1, .refuses_at_once = true};
    Policy *policy = policy_new(&options);
    PolicyClient *client = policy_client_new(policy, CLIENT);
    assert_int_equal(connect_with(client, NULL, 0)->rule, POLICY_RULE_ADDRESSES);
    policy_client_free(client);
    client = policy_client_new(policy, NEIGHBOUR);
    assert_int_equal(connect_with(client, NULL, 0)->rule, POLICY_RULE_NONE);
    policy_client_free(client);
    policy_free(policy);
}

/* RFC 6409 §4.3: who submits logs in, unless the server does not insist. */
static void test_login(void **state)
{
    (void)state;
    for (int is_optional = 0; is_optional < 2; is_optional++) {
        PolicyOptions options = {.login_is_optional = is_optional,
                                 .login_reply = "530 5.7.0 Log in first"};
        Policy *policy = policy_new(&options);
        PolicyClient *client = policy_client_new(policy, CLIENT);
        policy_begin_mail(client, "alice@a.test", 0); /* to port 25 */
        assert_int_equal(policy_verdict(client)->decision, POLICY_PASS);
        policy_client_submits(client);
        policy_client_trust(client); /* a machine that it serves is not a user yet */
        policy_begin_mail(client, "alice@a.test", 0);
        const PolicyVerdict *verdict = policy_verdict(client);
        assert_int_equal(verdict->decision, is_optional ? POLICY_PASS : POLICY_REFUSE);
        assert_int_equal(verdict->rule, is_optional ? POLICY_RULE_NONE : POLICY_RULE_LOGIN);
        if (!is_optional)
            assert_true(span_equals(verdict->reply.text, span_of_text("Log in first")));
        policy_client_log_in(client);
        policy_begin_mail(client, "alice@a.test", 0);
        assert_int_equal(policy_verdict(client)->decision, POLICY_PASS);
        policy_client_free(client);
        policy_free(policy);
    }
}

static PolicyRule rule_for_name(PolicyNameNeed need, const DnsRecord *records, size_t count)
{
    PolicyOptions options = {.reverse_name = need, .refuses_at_once = true};
    Policy *policy = policy_new(&options);
    PolicyClient *client = policy_client_new(policy, CLIENT);
    PolicyRule rule = connect_with(client, records, count)->rule;
    assert_int_equal(policy_client_name(client) != NULL, count > 0);
    policy_client_free(client);
    policy_free(policy);
    return rule;
}

static void test_reverse_name(void **state)
{
    (void)state;
    DnsRecord records[] = {
        dns_record_host("5.0.18.198.in-addr.arpa", DNS_TYPE_PTR, 60, "mx.a.test"),
        dns_record_a("mx.a.test", 60, CLIENT),
    };
    assert_int_equal(rule_for_name(POLICY_NAME_ANY, NULL, 0), POLICY_RULE_NONE);
    assert_int_equal(rule_for_name(POLICY_NAME_EXISTS, NULL, 0), POLICY_RULE_REVERSE_NAME);
    assert_int_equal(rule_for_name(POLICY_NAME_EXISTS, records, 1), POLICY_RULE_NONE);
    assert_int_equal(rule_for_name(POLICY_NAME_CONFIRMS, records, 1), POLICY_RULE_REVERSE_NAME);
    assert_int_equal(rule_for_name(POLICY_NAME_CONFIRMS, records, 2), POLICY_RULE_NONE);
    records[1].address = NEIGHBOUR;
    assert_int_equal(rule_for_name(POLICY_NAME_CONFIRMS, records, 2), POLICY_RULE_REVERSE_NAME);
    clear_records(records, G_N_ELEMENTS(records));
}

/* Who cannot be looked up now may have a name tomorrow; the fault is named. */
static void test_look_up_that_fails_defers(void **state)
{
    (void)state;
    PolicyOptions options = {.reverse_name = POLICY_NAME_EXISTS, .refuses_at_once = true};
    Policy *policy = policy_new(&options);
    PolicyClient *client = policy_client_new(policy, CLIENT);
    PolicyQuestion question;
    DnsAnswer failure = {.outcome = DNS_OUTCOME_TIMEOUT};
    policy_begin_connect(client);
    assert_true(policy_peek_question(client, &question));
    policy_answer(client, question.token, &failure, 31);
    const PolicyVerdict *verdict = policy_verdict(client);
    assert_int_equal(verdict->decision, POLICY_DEFER);
    assert_int_equal(verdict->reply.code, 421);
    assert_int_equal(verdict->reply.enhanced.class, 4);
    assert_int_equal(verdict->because, 31);
    policy_client_free(client);
    policy_free(policy);
}

static void test_blocklists_in_their_order(void **state)
{
    (void)state;
    const char *lists[] = {"one.test", "two.test"};
    PolicyOptions options = {.blocklists = lists, .blocklist_count = 2, .refuses_at_once = true};
    Policy *policy = policy_new(&options);
    DnsRecord records[] = {
        dns_record_a("5.0.18.198.two.test", 60, 0x7F000002),
        dns_record_txt("5.0.18.198.two.test", 60, "open relay"),
    };
    PolicyClient *client = policy_client_new(policy, CLIENT);
    assert_int_equal(connect_with(client, NULL, 0)->rule, POLICY_RULE_NONE);
    const PolicyVerdict *verdict = connect_with(client, records, 2);
    assert_int_equal(verdict->rule, POLICY_RULE_BLOCKLISTS);
    assert_int_equal(verdict->reply.code, 554);
    g_autofree char *text = span_dup_text(verdict->reply.text);
    assert_string_equal(text, "Client is on a block list: two.test: open relay");
    records[0].address = 0x08080808; /* somebody answers in the list's place */
    assert_int_equal(connect_with(client, records, 2)->rule, POLICY_RULE_NONE);
    policy_client_free(client);
    policy_free(policy);
    clear_records(records, G_N_ELEMENTS(records));
}

static PolicyRule rule_for_helo(PolicyHeloNeed need, const char *name, const DnsRecord *records,
                                size_t count)
{
    PolicyOptions options = {.helo = need, .refuses_at_once = true};
    Policy *policy = policy_new(&options);
    PolicyClient *client = policy_client_new(policy, CLIENT);
    policy_begin_helo(client, name);
    answer_all(client, records, count);
    PolicyRule rule = policy_verdict(client)->rule;
    policy_client_free(client);
    policy_free(policy);
    return rule;
}

static void test_helo_name(void **state)
{
    (void)state;
    DnsRecord records[] = {
        dns_record_a("mx.a.test", 60, CLIENT),
        dns_record_a("mx.b.test", 60, NEIGHBOUR),
        dns_record_mx("c.test", 60, 10, "mx.b.test"),
    };
    static const struct {
        const char *name;
        bool full, known, own; /* whether it is enough */
    } CASES[] = {
        {"mx.a.test", true, true, true},      {"mx.b.test", true, true, false},
        {"c.test", true, true, false},        {"nobody.test", true, false, false},
        {"localhost", false, false, false},   {"a b", false, false, false},
        {"[198.18.0.5]", true, true, true},   {"[198.18.0.6]", true, true, false},
        {"[198.18.0.55]", true, true, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        const char *name = CASES[i].name;
        assert_int_equal(rule_for_helo(POLICY_HELO_ANY, name, records, 3), POLICY_RULE_NONE);
        assert_int_equal(rule_for_helo(POLICY_HELO_FULL, name, records, 3) == POLICY_RULE_NONE,
                         CASES[i].full);
        assert_int_equal(rule_for_helo(POLICY_HELO_KNOWN, name, records, 3) == POLICY_RULE_NONE,
                         CASES[i].known);
        assert_int_equal(rule_for_helo(POLICY_HELO_OWN, name, records, 3) == POLICY_RULE_NONE,
                         CASES[i].own);
    }
    clear_records(records, G_N_ELEMENTS(records));
}

/* ---- Rates ---- */

static PolicyDecision mail(PolicyClient *client, const char *sender, SimTime now)
{
    policy_begin_mail(client, sender, now);
    return policy_verdict(client)->decision;
}

static void test_rates_per_client_and_sender(void **state)
{
    (void)state;
    PolicyOptions options = {.rate = {.per_client = 3, .per_sender = 2, .within_ns = SIM_HOUR}};
    Policy *policy = policy_new(&options);
    PolicyClient *client = connect_client(policy); /* which sends one of alice's */
    PolicyClient *other = policy_client_new(policy, NEIGHBOUR);
    assert_int_equal(mail(client, "alice@a.test", 1), POLICY_PASS);
    policy_client_mark_message(client, 17);
    assert_int_equal(mail(client, "alice@a.test", 2), POLICY_DEFER);
    assert_int_equal(policy_verdict(client)->rule, POLICY_RULE_RATE);
    assert_int_equal(policy_verdict(client)->because, 17);
    policy_mark(client, 18); /* that verdict is none about a message that counts */
    assert_int_equal(mail(client, "alice@a.test", 2), POLICY_DEFER);
    assert_int_equal(policy_verdict(client)->because, 17);
    assert_non_null(strstr(policy_verdict(client)->reason, "<alice@a.test> has sent 2 messages"));
    assert_int_equal(mail(other, "alice@a.test", 3), POLICY_DEFER); /* a sender anywhere */
    assert_int_equal(mail(client, "bob@a.test", 4), POLICY_PASS);
    assert_int_equal(rcpt(client, (PolicyRecipient){.address = "x@x.test"}, 4)->decision,
                     POLICY_REFUSE);
    policy_mark(client, 23); /* it counts, though it was not taken */
    assert_int_equal(mail(client, "carol@a.test", 5), POLICY_DEFER); /* the client's fourth */
    assert_int_equal(policy_verdict(client)->because, 23);
    assert_int_equal(mail(other, "carol@a.test", 6), POLICY_PASS);
    policy_client_trust(client); /* an account may be stolen */
    assert_int_equal(mail(client, "carol@a.test", 7), POLICY_DEFER);
    assert_int_equal(mail(client, "carol@a.test", SIM_HOUR), POLICY_PASS);
    policy_client_free(client);
    policy_client_free(other);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_is_read),
        cmocka_unit_test(test_reply_that_refuses_nothing_is_told),
        cmocka_unit_test(test_relaying_is_for_those_who_are_trusted),
        cmocka_unit_test(test_relaying_is_denied_in_its_own_words),
        cmocka_unit_test(test_open_relay_says_what_it_does),
        cmocka_unit_test(test_quota_counts_what_is_said_and_what_is_there),
        cmocka_unit_test(test_greylisting_names_its_first_verdict),
        cmocka_unit_test(test_who_has_logged_in_is_not_greylisted),
        cmocka_unit_test(test_ranges_are_held_back_until_a_recipient),
        cmocka_unit_test(test_spf_is_held_back_until_a_recipient),
        cmocka_unit_test(test_a_greeting_refuses_by_554),
        cmocka_unit_test(test_refusing_at_once),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_reverse_name),
        cmocka_unit_test(test_look_up_that_fails_defers),
        cmocka_unit_test(test_blocklists_in_their_order),
        cmocka_unit_test(test_helo_name),
        cmocka_unit_test(test_rates_per_client_and_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
