/* The rules of a mail server at work on one client: runs each step of policy/policy.h to its
 * verdict, by look-ups of the server's resolver, and writes policy.verdict. */
#pragma once

#include "node/machine.h"
#include "node/resolver.h"
#include "policy/policy.h"

typedef struct PolicyCheck PolicyCheck;

/* `record` is the seq of the policy.verdict, 0 when no rule had a say. With `is_later` the call
 * comes from a step of its own, otherwise from inside policy_check_run. */
typedef void PolicyCheckDone(void *owner, const PolicyVerdict *verdict, uint64_t record,
                             bool is_later);

/* Machine, resolver and policy outlive the check. */
PolicyCheck *policy_check_new(const Machine *machine, Resolver *resolver, Policy *policy,
                              Ipv4Address address, PolicyCheckDone *done, void *owner);
/* What is asked is forgotten. */
void policy_check_free(PolicyCheck *check);

/* To begin a step, which policy_check_run then runs. */
PolicyClient *policy_check_client(const PolicyCheck *check);
/* `sender` and `recipient` are for the trace; NULL where there is none. The sender stays valid
 * until the step is done, as policy_client_sender does; the recipient during the call, since rules
 * about recipients ask no question. */
void policy_check_run(PolicyCheck *check, const char *sender, const char *recipient);
