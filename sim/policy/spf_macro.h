/* The macros of SPF (RFC 7208 §7): `%{ir}.%{v}._spf.%{d2}`.
 *
 * Left out on purpose: `p`, whose use §7.2 advises against, is always "unknown"; and the letters
 * that only explanations may use (c, r, t). */
#pragma once

#include "core/ipv4.h"

#include <stdbool.h>

/* Of one check; borrowed. */
typedef struct SpfMacroValues {
    const char *sender; /* local-part@domain: s, l, o */
    const char *domain; /* d */
    const char *helo;   /* h */
    Ipv4Address client; /* i, v */
} SpfMacroValues;

/* Whether every `%` begins a macro that is whole and means something outside of explanations. */
bool spf_macros_are_valid(const char *text);
/* The text with its macros put in; they are valid. To free. */
char *spf_macros_expand(const char *text, const SpfMacroValues *values);
