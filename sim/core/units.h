/* Quantities as people write them: durations, rates, sizes, shares and packet counts.
 *
 * `20 ms`, `1.5 h`, `100 Mbit/s`, `64 KiB`, `0.1 %`, `100 packets`: one decimal number and one
 * unit, with or without a space between. The value is an int64_t, exact: `1.5 h` is 5 400 000 000
 * 000 ns, and a number that does not come out whole (`0.5 ns`) is an error, as is one that does
 * not fit. Nothing here depends on the locale.
 *
 * | kind     | unit of the value           | units that can be written                |
 * |----------|-----------------------------|------------------------------------------|
 * | duration | nanosecond                  | ns, us, ms, s, min, h, d                 |
 * | rate     | bit per second              | bit/s, kbit/s, Mbit/s, Gbit/s            |
 * | size     | byte                        | B, kB, MB, GB, KiB, MiB, GiB             |
 * | share    | part per billion, <= 100 %  | %                                        |
 * | packets  | packet                      | packets, packet                          |
 */
#pragma once

#include "core/bytes.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum UnitsKind {
    UNITS_DURATION,
    UNITS_RATE,
    UNITS_SIZE,
    UNITS_SHARE,
    UNITS_PACKETS,
    UNITS_KINDS,
} UnitsKind;

/* A share of 100 %, in parts per billion. */
enum { UNITS_SHARE_WHOLE = 1000000000 };

/* Reads `text` into `value`. When it is not such a quantity: false, and `*reason` (to be freed) is
 * a phrase that says what would be right. `reason` may be NULL. */
bool units_parse(UnitsKind kind, Span text, int64_t *value, char **reason);

/* The value written so that units_parse gives it back: a whole number of the largest unit that
 * allows one (`90 min`, `64 KiB`, `0.1 %`). The value is not negative. A text to free. */
char *units_format(UnitsKind kind, int64_t value);

/* A duration for reading, rounded down: two neighbouring units from a minute upwards (`2 h 15
 * min`, `3 d`), below that one unit with at most three decimals (`12.345 ms`, `1.5 s`). A negative
 * one has a minus sign. A text to free. */
char *units_format_readable(int64_t duration_ns);

/* The kind in words, `duration`; its units as a list in words, `ns, us, ms, s, min, h or d`; an
 * example, `20 ms`. */
const char *units_name(UnitsKind kind);
const char *units_list(UnitsKind kind);
const char *units_example(UnitsKind kind);
/* A regular expression (of ECMAScript, as JSON Schema has it) of what units_parse can accept. */
const char *units_pattern(UnitsKind kind);
