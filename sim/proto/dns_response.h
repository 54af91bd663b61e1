/* What a response says to the question that it answers; for proto/dns_resolver.c. */
#pragma once

#include "proto/dns_answer.h"
#include "proto/dns_wire.h"

/* The outcome, with the CNAMEs that lead from the name asked and the records at their end
 * appended to `records`. *ttl_s is how long it may be remembered, 0: not at all. */
DnsOutcome dns_response_judge(const DnsMessage *response, GArray *records, uint32_t *ttl_s);
