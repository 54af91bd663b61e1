/* What a response says to the question that it answers; for proto/dns_resolver.c. */
#pragma once

#include "proto/dns_answer.h"
#include "proto/dns_wire.h"

/* What a response to a question about `question.name` has come to at `now`: the outcome, with the
 * CNAMEs that lead from the name asked and the records at their end. It expires when it may be
 * remembered no longer. */
DnsFinding *dns_response_judge(const DnsMessage *response, SimTime now);
