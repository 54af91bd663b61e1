/* xtext: how ENVID and ORCPT carry octets that a command line cannot (RFC 3461 §4). */
#pragma once

#include "core/bytes.h"

/* Octets as xtext: `+` and `=` and all outside `!` to `~` become `+HH`. To free. */
char *xtext_encode(Span octets);
/* What xtext means, to free; NULL when it is not xtext, or means a NUL. */
char *xtext_decode(Span xtext);
