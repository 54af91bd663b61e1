/* SPF: may this host send mail for that domain? check_host() of RFC 7208 §4.
 *
 * An engine that knows no resolver: it asks one question at a time and ends with a result. Records
 * that lead on (include, redirect) are followed within the limits of §4.6.4: 10 terms that need
 * look-ups, 2 of them in vain, 10 exchanges or names each.
 *
 * Left out on purpose: IPv6, explanations (exp), the SPF record type (§3.1 forbids it). */
#pragma once

#include "core/ipv4.h"
#include "proto/dns_answer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SPF_LOOK_UPS_MAX = 10,     /* terms: include, a, mx, ptr, exists, redirect */
    SPF_VOID_LOOK_UPS_MAX = 2, /* answers without a record */
    SPF_NAMES_MAX = 10,        /* exchanges of an mx, names of a ptr */
};

typedef enum SpfResult { /* §2.6 */
                         SPF_NONE,
                         SPF_NEUTRAL,
                         SPF_PASS,
                         SPF_FAIL,
                         SPF_SOFTFAIL,
                         SPF_TEMPERROR,
                         SPF_PERMERROR,
} SpfResult;

/* "pass", "softfail", … */
const char *spf_result_name(SpfResult result);

typedef struct Spf Spf;

/* Copied. */
typedef struct SpfOptions {
    Ipv4Address client;
    const char *sender; /* as an envelope has it; "": then it is postmaster@HELO that is checked */
    const char *helo;
} SpfOptions;

Spf *spf_new(const SpfOptions *options);
void spf_free(Spf *spf);

/* The open question; false: there is none, and the result is there. The name is valid until the
 * answer. */
bool spf_peek_question(const Spf *spf, const char **name, uint16_t *type);
void spf_answer(Spf *spf, const DnsAnswer *answer);

SpfResult spf_result(const Spf *spf);
/* For people: "-all of a.test matches"; valid as long as `spf`. */
const char *spf_reason(const Spf *spf);
/* What was checked: the sender, or postmaster@HELO. */
const char *spf_identity(const Spf *spf);
