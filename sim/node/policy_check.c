/* Rules at work. See policy_check.h. */
#include "node/policy_check.h"

#include "core/check.h"

/* The client lies behind it. */
struct PolicyCheck {
    const Machine *machine;
    Resolver *resolver;
    PolicyClient *client;
    PolicyCheckDone *done;
    void *owner;
    const char *sender, *recipient; /* of the step under way, or NULL; the caller's */
    uint64_t look_up;               /* 0: none is under way */
    uint64_t question;
    Ipv4Address address;
};

PolicyCheck *policy_check_new(const Machine *machine, Resolver *resolver, Policy *policy,
                              Ipv4Address address, PolicyCheckDone *done, void *owner)
{
    PolicyCheck *check = g_malloc(sizeof *check + policy_client_size());
    *check = (PolicyCheck){
        .machine = machine,
        .resolver = resolver,
        .client = (PolicyClient *)(check + 1),
        .done = done,
        .owner = owner,
        .address = address,
    };
    policy_client_init(check->client, policy, address);
    return check;
}

void policy_check_free(PolicyCheck *check)
{
    resolver_forget(check->resolver, check->look_up);
    policy_client_clear(check->client);
    g_free(check);
}

PolicyClient *policy_check_client(const PolicyCheck *check)
{
    return check->client;
}

static const char *decision_word(PolicyDecision decision)
{
    switch (decision) {
    case POLICY_PASS:
        return "passed";
    case POLICY_DEFER:
        return "deferred";
    case POLICY_REFUSE:
        return "refused";
    }
    return NULL;
}

static void conclude(PolicyCheck *check, bool is_later)
{
    const Machine *machine = check->machine;
    const PolicyVerdict *verdict = policy_verdict(check->client);
    uint64_t record = 0;
    if (verdict->rule != POLICY_RULE_NONE) {
        record = TRACE(machine->trace, machine->node, POLICY_VERDICT, verdict->because,
                       .policy = policy_rule_name(verdict->rule),
                       .verdict = decision_word(verdict->decision), .client = check->address,
                       .sender = check->sender, .recipient = check->recipient,
                       .code = verdict->reply.code, .reason = verdict->reason);
        policy_mark(check->client, record);
    }
    check->done(check->owner, verdict, record, is_later);
}

static void go_on(PolicyCheck *check, bool is_later);

static void on_answer(void *owner, const DnsResolverEvent *event, uint64_t because)
{
    PolicyCheck *check = owner;
    check->look_up = 0;
    policy_answer(check->client, check->question, &event->answer, because);
    go_on(check, true);
}

static void go_on(PolicyCheck *check, bool is_later)
{
    PolicyQuestion question;
    if (policy_peek_question(check->client, &question)) {
        CHECK(check->recipient == NULL); /* which is the caller's, and not to be kept */
        check->question = question.token;
        check->look_up =
            resolver_look_up(check->resolver, question.name, question.type, on_answer, check);
    } else {
        conclude(check, is_later);
    }
}

void policy_check_run(PolicyCheck *check, const char *sender, const char *recipient)
{
    check->sender = sender;
    check->recipient = recipient;
    go_on(check, false);
}
