/* Quantities as people write them. See units.h. */
#include "core/units.h"

#include "core/check.h"
#include "core/simtime.h"

#include <string.h>

typedef struct Unit {
    const char *name;
    int64_t size; /* in the unit of the value */
} Unit;

/* What people write in place of a unit, and what they should write. */
typedef struct Misspelling {
    const char *wrong;
    const char *right;
} Misspelling;

typedef struct Kind {
    const char *name;
    const char *list;
    const char *example;
    const char *pattern;
    const char *grain;               /* what the value counts */
    const char *usual;               /* the unit to propose for a number that has none */
    const Unit *units;               /* largest first, ended by a name of NULL */
    const Misspelling *misspellings; /* ended by NULL */
    int64_t maximum;
} Kind;

static const Unit duration_units[] = {
    {"d", SIM_DAY},          {"h", SIM_HOUR},         {"min", SIM_MINUTE},    {"s", SIM_SECOND},
    {"ms", SIM_MILLISECOND}, {"us", SIM_MICROSECOND}, {"ns", SIM_NANOSECOND}, {NULL, 0},
};

static const Misspelling duration_misspellings[] = {
    {"m", "min"},        {"mins", "min"},     {"minute", "min"}, {"minutes", "min"}, {"sec", "s"},
    {"secs", "s"},       {"second", "s"},     {"seconds", "s"},  {"S", "s"},         {"hr", "h"},
    {"hrs", "h"},        {"hour", "h"},       {"hours", "h"},    {"H", "h"},         {"day", "d"},
    {"days", "d"},       {"D", "d"},          {"msec", "ms"},    {"usec", "us"},     {"nsec", "ns"},
    {"\xc2\xb5s", "us"}, {"\xce\xbcs", "us"}, {NULL, NULL},
};

static const Unit rate_units[] = {
    {"Gbit/s", 1000000000}, {"Mbit/s", 1000000}, {"kbit/s", 1000}, {"bit/s", 1}, {NULL, 0},
};

static const Misspelling rate_misspellings[] = {
    {"bps", "bit/s"},      {"b/s", "bit/s"},      {"bits/s", "bit/s"}, {"kbps", "kbit/s"},
    {"Kbps", "kbit/s"},    {"Kbit/s", "kbit/s"},  {"kb/s", "kbit/s"},  {"kbits/s", "kbit/s"},
    {"Mbps", "Mbit/s"},    {"mbps", "Mbit/s"},    {"Mb/s", "Mbit/s"},  {"mbit/s", "Mbit/s"},
    {"Mbits/s", "Mbit/s"}, {"Gbps", "Gbit/s"},    {"gbps", "Gbit/s"},  {"Gb/s", "Gbit/s"},
    {"gbit/s", "Gbit/s"},  {"Gbits/s", "Gbit/s"}, {"kbit", "kbit/s"},  {"Mbit", "Mbit/s"},
    {"Gbit", "Gbit/s"},    {"bit", "bit/s"},      {NULL, NULL},
};

static const Unit size_units[] = {
    {"GB", 1000000000}, {"GiB", 1 << 30}, {"MB", 1000000}, {"MiB", 1 << 20},
    {"kB", 1000},       {"KiB", 1 << 10}, {"B", 1},        {NULL, 0},
};

static const Misspelling size_misspellings[] = {
    {"b", "B"},   {"byte", "B"}, {"bytes", "B"}, {"octets", "B"}, {"K", "kB"},
    {"k", "kB"},  {"KB", "kB"},  {"kb", "kB"},   {"kiB", "KiB"},  {"M", "MB"},
    {"mb", "MB"}, {"Mb", "MB"},  {"mB", "MB"},   {"G", "GB"},     {"gb", "GB"},
    {"Gb", "GB"}, {"Ki", "KiB"}, {"Mi", "MiB"},  {"Gi", "GiB"},   {NULL, NULL},
};

static const Unit share_units[] = {{"%", UNITS_SHARE_WHOLE / 100}, {NULL, 0}};

static const Misspelling share_misspellings[] = {
    {"percent", "%"},
    {"pct", "%"},
    {NULL, NULL},
};

static const Unit packets_units[] = {{"packets", 1}, {"packet", 1}, {NULL, 0}};

static const Misspelling packets_misspellings[] = {
    {"pkts", "packets"},
    {"pkt", "packets"},
    {"p", "packets"},
    {NULL, NULL},
};

static const Kind kinds[UNITS_KINDS] = {
    [UNITS_DURATION] =
        {
            .name = "duration",
            .list = "ns, us, ms, s, min, h or d",
            .example = "20 ms",
            .pattern = "^[0-9]+(\\.[0-9]+)? *(ns|us|ms|s|min|h|d)$",
            .grain = "nanoseconds",
            .usual = "ms",
            .units = duration_units,
            .misspellings = duration_misspellings,
            .maximum = INT64_MAX,
        },
    [UNITS_RATE] =
        {
            .name = "rate",
            .list = "bit/s, kbit/s, Mbit/s or Gbit/s",
            .example = "100 Mbit/s",
            .pattern = "^[0-9]+(\\.[0-9]+)? *(bit/s|kbit/s|Mbit/s|Gbit/s)$",
            .grain = "bits per second",
            .usual = "Mbit/s",
            .units = rate_units,
            .misspellings = rate_misspellings,
            .maximum = INT64_MAX,
        },
    [UNITS_SIZE] =
        {
            .name = "size",
            .list = "B, kB, MB, GB, KiB, MiB or GiB",
            .example = "64 KiB",
            .pattern = "^[0-9]+(\\.[0-9]+)? *(B|kB|MB|GB|KiB|MiB|GiB)$",
            .grain = "bytes",
            .usual = "kB",
            .units = size_units,
            .misspellings = size_misspellings,
            .maximum = INT64_MAX,
        },
    [UNITS_SHARE] =
        {
            .name = "share",
            .list = "%",
            .example = "0.1 %",
            .pattern = "^[0-9]+(\\.[0-9]+)? *%$",
            .grain = "parts per billion",
            .usual = "%",
            .units = share_units,
            .misspellings = share_misspellings,
            .maximum = UNITS_SHARE_WHOLE,
        },
    [UNITS_PACKETS] =
        {
            .name = "number of packets",
            .list = "packets",
            .example = "100 packets",
            .pattern = "^[0-9]+(\\.[0-9]+)? *packets?$",
            .grain = "packets",
            .usual = "packets",
            .units = packets_units,
            .misspellings = packets_misspellings,
            .maximum = INT64_MAX,
        },
};

const char *units_name(UnitsKind kind)
{
    return kinds[kind].name;
}

const char *units_list(UnitsKind kind)
{
    return kinds[kind].list;
}

const char *units_example(UnitsKind kind)
{
    return kinds[kind].example;
}

const char *units_pattern(UnitsKind kind)
{
    return kinds[kind].pattern;
}

/* --- Reading --- */

/* A text taken apart into number and unit. */
typedef struct Quantity {
    Span text;
    Span whole;           /* digits before the point */
    Span decimals;        /* digits behind it */
    Span unit;            /* what follows, without spaces around */
    size_t number_length; /* of digits and point */
} Quantity;

static Span span_take_digits(Span *rest)
{
    size_t count = 0;
    while (count < rest->length && g_ascii_isdigit(rest->data[count]))
        count++;
    Span digits = span_of(rest->data, count);
    *rest = span_skip(*rest, count);
    return digits;
}

static Span span_skip_spaces(Span span)
{
    while (span.length > 0 && span.data[0] == ' ')
        span = span_skip(span, 1);
    return span;
}

/* False when the text is not digits, perhaps a point and digits, and then something else. */
static bool quantity_split(Span text, Quantity *quantity)
{
    *quantity = (Quantity){.text = text};
    Span rest = text;
    quantity->whole = span_take_digits(&rest);
    if (quantity->whole.length == 0)
        return false;
    if (rest.length > 1 && rest.data[0] == '.' && g_ascii_isdigit(rest.data[1])) {
        rest = span_skip(rest, 1);
        quantity->decimals = span_take_digits(&rest);
    }
    quantity->number_length = text.length - rest.length;
    quantity->unit = span_skip_spaces(rest);
    while (quantity->unit.length > 0 && quantity->unit.data[quantity->unit.length - 1] == ' ')
        quantity->unit.length--;
    return true;
}

static const Unit *unit_find(const Kind *kind, Span name)
{
    for (const Unit *unit = kind->units; unit->name != NULL; unit++) {
        if (span_equals(name, span_of_text(unit->name)))
            return unit;
    }
    return NULL;
}

/* The whole part times the unit; false when it does not fit. */
static bool whole_value(Span digits, int64_t unit, int64_t *value)
{
    int64_t number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digits.data[i] - '0', &number))
            return false;
    }
    return !__builtin_mul_overflow(number, unit, value);
}

/* The decimals times the unit; false when that is not a whole number. From the last digit to the
 * first: if 0.d1d2d3 units are whole, so are 0.d2d3 units, being ten times as many less d1 units.
 * So each step must divide without remainder, and no step exceeds ten units. */
static bool decimals_value(Span digits, int64_t unit, int64_t *value)
{
    int64_t sum = 0;
    for (size_t i = digits.length; i > 0; i--) {
        sum += (digits.data[i - 1] - '0') * unit;
        if (sum % 10 != 0)
            return false;
        sum /= 10;
    }
    *value = sum;
    return true;
}

/* --- What is wrong, and what would be right --- */

static char *reason_not_ascii(const Kind *kind, Span text)
{
    g_autofree char *copy = span_dup_text(text);
    if (!g_utf8_validate(copy, -1, NULL))
        return g_strdup("holds bytes that are not UTF-8");
    for (const char *next = copy; *next != '\0'; next = g_utf8_next_char(next)) {
        gunichar c = g_utf8_get_char(next);
        if (c == 0x00a0 || c == 0x2007 || c == 0x202f)
            return g_strdup_printf("holds a no-break space (U+%04X); write an ordinary space, as "
                                   "in `%s`",
                                   c, kind->example);
        if (c == 0x3000)
            return g_strdup_printf("holds an ideographic space (U+3000); write an ordinary space, "
                                   "as in `%s`",
                                   kind->example);
        if (c >= 0xff10 && c <= 0xff19)
            return g_strdup_printf("holds full-width digits; write plain ones, as in `%s`",
                                   kind->example);
        if (c >= 0xff01 && c <= 0xff5e)
            return g_strdup_printf("holds full-width characters; write plain ones, as in `%s`",
                                   kind->example);
    }
    return NULL;
}

/* True when the kind has units of different sizes. */
static bool kind_has_choice(const Kind *kind)
{
    return kind->units[1].name != NULL && kind->units[1].size != kind->units[0].size;
}

static bool span_holds_digit(Span span)
{
    for (size_t i = 0; i < span.length; i++) {
        if (g_ascii_isdigit(span.data[i]))
            return true;
    }
    return false;
}

/* The number is good, what follows is not a unit of this kind. */
static char *reason_unit(const Kind *kind, const Quantity *quantity)
{
    g_autofree char *number = span_dup_text(span_of(quantity->text.data, quantity->number_length));
    if (quantity->unit.length == 0)
        return g_strdup_printf("has no unit; write `%s %s`%s%s", number, kind->usual,
                               kind_has_choice(kind) ? ", or with another of " : "",
                               kind_has_choice(kind) ? kind->list : "");
    for (const Misspelling *slip = kind->misspellings; slip->wrong != NULL; slip++) {
        if (span_equals(quantity->unit, span_of_text(slip->wrong)))
            return g_strdup_printf("has a unit that is not known here; write `%s %s`", number,
                                   slip->right);
    }
    if (quantity->unit.data[0] == ':')
        return g_strdup_printf("is written with a colon; write one number and one unit, as in `%s`",
                               kind->example);
    if (quantity->unit.data[0] == ',')
        return g_strdup("is written with a comma; write a decimal point, and nothing between "
                        "thousands");
    if ((quantity->unit.data[0] == 'e' || quantity->unit.data[0] == 'E') &&
        span_holds_digit(quantity->unit))
        return g_strdup_printf("is written with an exponent; write the number out, as in `%s`",
                               kind->example);
    if (span_holds_digit(quantity->unit))
        return g_strdup_printf("is more than one number and one unit; write one of each, as in "
                               "`%s`",
                               kind->example);
    return g_strdup_printf("has a unit that is not known here; the unit of a %s is %s", kind->name,
                           kind->list);
}

static char *reason_not_number(const Kind *kind, Span text)
{
    if (text.length == 0)
        return g_strdup_printf("is empty; a %s such as `%s` belongs here", kind->name,
                               kind->example);
    if (text.data[0] == '-')
        return g_strdup_printf("is negative; a %s cannot be", kind->name);
    if (text.data[0] == '+')
        return g_strdup("has a plus sign; write it without");
    if (text.data[0] == '.')
        return g_strdup("begins with a point; write a 0 before it");
    return g_strdup_printf("is not a %s; write one number and one unit, as in `%s`", kind->name,
                           kind->example);
}

/* The reason why the text does not give a value, or NULL and the value. */
static char *units_find_reason(const Kind *kind, Span text, int64_t *value)
{
    char *reason = reason_not_ascii(kind, text);
    if (reason != NULL)
        return reason;
    Quantity quantity;
    if (!quantity_split(text, &quantity))
        return reason_not_number(kind, text);
    const Unit *unit = unit_find(kind, quantity.unit);
    if (unit == NULL)
        return reason_unit(kind, &quantity);
    int64_t decimals = 0;
    if (!decimals_value(quantity.decimals, unit->size, &decimals))
        return g_strdup_printf("is not a whole number of %s", kind->grain);
    if (!whole_value(quantity.whole, unit->size, value) ||
        __builtin_add_overflow(*value, decimals, value))
        return g_strdup("is too large a number");
    if (*value > kind->maximum)
        return g_strdup("is more than 100 %");
    return NULL;
}

bool units_parse(UnitsKind kind, Span text, int64_t *value, char **reason)
{
    CHECK(kind < UNITS_KINDS);
    char *found = units_find_reason(&kinds[kind], text, value);
    bool good = found == NULL;
    if (reason != NULL)
        *reason = g_steal_pointer(&found);
    g_free(found);
    return good;
}

/* --- Writing --- */

/* `number` with `digits` decimals, trailing zeros left off: (12345, 3) is 12.345. */
static void append_decimal(GString *out, int64_t number, int digits)
{
    int64_t scale = 1;
    for (int i = 0; i < digits; i++)
        scale *= 10;
    g_string_append_printf(out, "%" G_GINT64_FORMAT, number / scale);
    int64_t fraction = number % scale;
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; digits--)
        fraction /= 10;
    g_string_append_printf(out, ".%0*" G_GINT64_FORMAT, digits, fraction);
}

char *units_format(UnitsKind kind, int64_t value)
{
    CHECK(kind < UNITS_KINDS && value >= 0);
    if (kind == UNITS_DURATION && value == 0)
        return g_strdup("0 s");
    if (kind == UNITS_SHARE) {
        GString *out = g_string_new(NULL);
        append_decimal(out, value, 7);
        return g_string_free(g_string_append(out, " %"), FALSE);
    }
    if (kind == UNITS_PACKETS && value == 1)
        return g_strdup("1 packet");
    const Unit *unit = kinds[kind].units;
    while (unit->size > 1 && (value == 0 || value % unit->size != 0))
        unit++;
    return g_strdup_printf("%" G_GINT64_FORMAT " %s", value / unit->size, unit->name);
}

/* From a minute upwards: the largest unit and the next one below it. */
static void append_two_units(GString *out, int64_t duration_ns)
{
    const Unit *unit = duration_units;
    while (duration_ns < unit->size)
        unit++;
    g_string_append_printf(out, "%" G_GINT64_FORMAT " %s", duration_ns / unit->size, unit->name);
    int64_t rest = duration_ns % unit->size / unit[1].size;
    if (rest > 0)
        g_string_append_printf(out, " %" G_GINT64_FORMAT " %s", rest, unit[1].name);
}

char *units_format_readable(int64_t duration_ns)
{
    GString *out = g_string_new(NULL);
    if (duration_ns < 0) {
        g_string_append_c(out, '-');
        duration_ns = duration_ns == INT64_MIN ? INT64_MAX : -duration_ns;
    }
    if (duration_ns >= SIM_MINUTE) {
        append_two_units(out, duration_ns);
    } else if (duration_ns >= SIM_SECOND || duration_ns == 0) {
        append_decimal(out, duration_ns / SIM_MILLISECOND, 3);
        g_string_append(out, " s");
    } else if (duration_ns >= SIM_MILLISECOND) {
        append_decimal(out, duration_ns / SIM_MICROSECOND, 3);
        g_string_append(out, " ms");
    } else if (duration_ns >= SIM_MICROSECOND) {
        append_decimal(out, duration_ns, 3);
        g_string_append(out, " us");
    } else {
        g_string_append_printf(out, "%" G_GINT64_FORMAT " ns", duration_ns);
    }
    return g_string_free(out, FALSE);
}
