/* SPF records (RFC 7208 §4.5, §4.6.1, §5, §6, §12): `v=spf1 ip4:198.18.0.0/24 mx -all`, taken
 * apart.
 *
 * Left out on purpose: what `exp` leads to; it is read and checked only. */
#pragma once

#include "core/ipv4.h"

#include <glib.h>
#include <stdbool.h>

typedef enum SpfQualifier {
    SPF_QUALIFIER_PASS,
    SPF_QUALIFIER_FAIL,
    SPF_QUALIFIER_SOFTFAIL,
    SPF_QUALIFIER_NEUTRAL,
} SpfQualifier;

typedef enum SpfMechanismKind {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6, /* never matches: there is no IPv6 here */
    SPF_EXISTS,
} SpfMechanismKind;

typedef struct SpfMechanism {
    SpfMechanismKind kind;
    SpfQualifier qualifier;
    char *text;          /* as it stands in the record, for people */
    char *domain;        /* domain-spec with its macros; NULL: the domain being checked */
    Ipv4Address address; /* ip4 */
    unsigned prefix;     /* of IPv4 addresses: 0 to 32 */
} SpfMechanism;

typedef struct SpfRecord {
    GPtrArray *mechanisms; /* SpfMechanism, in their order */
    char *redirect;        /* domain-spec, or NULL */
} SpfRecord;

/* Whether the text is an SPF record at all: version `v=spf1` and then a space or the end. */
bool spf_record_is_one(const char *text);
/* NULL, with what is wrong in `*fault` (to free), when the record is in error: a permerror. */
SpfRecord *spf_record_parse(const char *text, char **fault);
void spf_record_free(SpfRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpfRecord, spf_record_free)

/* Whether the text is a domain-spec: macros that are whole, and an end that is a macro or a dot and
 * a top-level label. */
bool spf_domain_spec_is_valid(const char *text);
