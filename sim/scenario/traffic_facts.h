/* Facts of an entry of `traffic`: of all its mails together. */
#pragma once

#include "audit/facts.h"
#include "scenario/facts.h"

/* Whether a mail is one of the entry: NAME, or NAME.2, NAME.3, …; not NAME.bounce. */
bool traffic_owns(const char *traffic, const char *mail);
/* Whether a mail is a notification of one of the entry, such as NAME.7.bounce, or of such. */
bool traffic_caused(const char *traffic, const char *mail);
/* A fact of FACT_OF_TRAFFIC; times are SIM_NEVER while nothing is delivered. A percentile is the
 * smallest delay that so many of 100 do not exceed. */
int64_t traffic_fact(const Facts *facts, const char *traffic, FactId fact);
