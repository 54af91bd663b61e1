/* Whether this is a build under AddressSanitizer, which runs every test: there memory is given back
 * at once, and what is dear to find out is asserted too. */
#pragma once

#include "core/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED true
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* CHECK of what is sure by the way on which the value has come, and dear to look at again. */
#define CHECK_SANITIZED(expression) CHECK(!IS_SANITIZED || (expression))
