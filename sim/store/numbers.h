/* Decimal numbers in the store's files and file names. */
#pragma once

#include "core/bytes.h"

/* Takes digits and the octet `end` behind them off the front of `text`; false, and nothing taken,
 * when they are not there or mean more than `maximum`. */
bool number_take(Span *text, char end, uint64_t maximum, uint64_t *number);
/* The same of a whole text. */
bool number_parse(Span text, uint64_t maximum, uint64_t *number);
