/* Tests of core/units: what is read, what is refused and in which words, what is written. */
#include "core/units.h"

#include "core/simtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_value(UnitsKind kind, const char *text, int64_t expected)
{
    int64_t value = -1;
    g_autofree char *reason = NULL;
    if (!units_parse(kind, span_of_text(text), &value, &reason))
        fail_msg("`%s` %s", text, reason);
    assert_null(reason);
    if (value != expected)
        fail_msg("`%s` is %" G_GINT64_FORMAT, text, value);
}

static void assert_reason(UnitsKind kind, const char *text, const char *expected)
{
    int64_t value = -1;
    g_autofree char *reason = NULL;
    if (units_parse(kind, span_of_text(text), &value, &reason))
        fail_msg("`%s` was accepted", text);
    assert_string_equal(reason, expected);
}

static void test_durations(void **state)
{
    (void)state;
    assert_value(UNITS_DURATION, "20 ms", 20 * SIM_MILLISECOND);
    assert_value(UNITS_DURATION, "20ms", 20 * SIM_MILLISECOND);
    assert_value(UNITS_DURATION, "1.5 h", 90 * SIM_MINUTE);
    assert_value(UNITS_DURATION, "0 s", 0);
    assert_value(UNITS_DURATION, "0.123456789 s", 123456789);
    assert_value(UNITS_DURATION, "0.10000000000000000000000 d", 8640 * SIM_SECOND);
    assert_value(UNITS_DURATION, "0.00001 d", 864 * SIM_MILLISECOND);
    assert_value(UNITS_DURATION, "007 ns", 7);
    assert_value(UNITS_DURATION, "106751 d", 106751 * SIM_DAY);
    assert_value(UNITS_DURATION, "9223372036854775807 ns", INT64_MAX);
    assert_value(UNITS_DURATION, "3.5us", 3500);
    assert_value(UNITS_DURATION, "2 min", 2 * SIM_MINUTE);
}

static void test_other_kinds(void **state)
{
    (void)state;
    assert_value(UNITS_RATE, "100 Mbit/s", 100000000);
    assert_value(UNITS_RATE, "2.5Gbit/s", 2500000000);
    assert_value(UNITS_RATE, "56.6 kbit/s", 56600);
    assert_value(UNITS_SIZE, "64 KiB", 65536);
    assert_value(UNITS_SIZE, "0.5 MiB", 524288);
    assert_value(UNITS_SIZE, "10 MB", 10000000);
    assert_value(UNITS_SIZE, "12 B", 12);
    assert_value(UNITS_SHARE, "0.1 %", 1000000);
    assert_value(UNITS_SHARE, "100 %", UNITS_SHARE_WHOLE);
    assert_value(UNITS_SHARE, "0.0000001%", 1);
    assert_value(UNITS_PACKETS, "100 packets", 100);
    assert_value(UNITS_PACKETS, "1 packet", 1);
}

static void test_reasons(void **state)
{
    (void)state;
    assert_reason(UNITS_DURATION, "20",
                  "has no unit; write `20 ms`, or with another of ns, us, ms, s, min, h or d");
    assert_reason(UNITS_SHARE, "0.1", "has no unit; write `0.1 %`");
    assert_reason(UNITS_PACKETS, "100", "has no unit; write `100 packets`");
    assert_reason(UNITS_DURATION, "12:30",
                  "is written with a colon; write one number and one unit, as in `20 ms`");
    assert_reason(UNITS_DURATION, "1,5 h",
                  "is written with a comma; write a decimal point, and nothing between thousands");
    assert_reason(UNITS_DURATION, "1e3 s",
                  "is written with an exponent; write the number out, as in `20 ms`");
    assert_reason(UNITS_DURATION, "1 h 30 min",
                  "is more than one number and one unit; write one of each, as in `20 ms`");
    assert_reason(UNITS_DURATION, "3 sec", "has a unit that is not known here; write `3 s`");
    assert_reason(UNITS_DURATION, "1.5 hours", "has a unit that is not known here; write `1.5 h`");
    assert_reason(UNITS_RATE, "10 Mbps", "has a unit that is not known here; write `10 Mbit/s`");
    assert_reason(UNITS_RATE, "10 MB/s",
                  "has a unit that is not known here; the unit of a rate is bit/s, kbit/s, "
                  "Mbit/s or Gbit/s");
    assert_reason(UNITS_SIZE, "64 K", "has a unit that is not known here; write `64 kB`");
    assert_reason(UNITS_DURATION, "-1 s", "is negative; a duration cannot be");
    assert_reason(UNITS_DURATION, "+1 s", "has a plus sign; write it without");
    assert_reason(UNITS_DURATION, ".5 s", "begins with a point; write a 0 before it");
    assert_reason(UNITS_DURATION, "", "is empty; a duration such as `20 ms` belongs here");
    assert_reason(UNITS_DURATION, "soon",
                  "is not a duration; write one number and one unit, as in `20 ms`");
    assert_reason(UNITS_DURATION, "0.5 ns", "is not a whole number of nanoseconds");
    assert_reason(UNITS_SHARE, "0.00000001 %", "is not a whole number of parts per billion");
    assert_reason(UNITS_SHARE, "101 %", "is more than 100 %");
    assert_reason(UNITS_DURATION, "106752 d", "is too large a number");
    assert_reason(UNITS_DURATION, "99999999999999999999 ns", "is too large a number");
    assert_reason(UNITS_DURATION, "9223372036854775807.1 us", "is too large a number");
}

static void test_reasons_of_other_alphabets(void **state)
{
    (void)state;
    assert_reason(UNITS_DURATION, "20\xc2\xa0ms",
                  "holds a no-break space (U+00A0); write an ordinary space, as in `20 ms`");
    assert_reason(UNITS_DURATION, "20\xe2\x80\xafms",
                  "holds a no-break space (U+202F); write an ordinary space, as in `20 ms`");
    assert_reason(UNITS_DURATION, "20\xe3\x80\x80ms",
                  "holds an ideographic space (U+3000); write an ordinary space, as in `20 ms`");
    assert_reason(UNITS_DURATION, "\xef\xbc\x92\xef\xbc\x90 ms",
                  "holds full-width digits; write plain ones, as in `20 ms`");
    assert_reason(UNITS_SHARE, "1 \xef\xbc\x85",
                  "holds full-width characters; write plain ones, as in `0.1 %`");
    assert_reason(UNITS_DURATION, "20 \xff", "holds bytes that are not UTF-8");
    assert_reason(UNITS_DURATION, "5 \xc2\xb5s", "has a unit that is not known here; write `5 us`");
}

static void assert_format(UnitsKind kind, int64_t value, const char *expected)
{
    g_autofree char *text = units_format(kind, value);
    assert_string_equal(text, expected);
    assert_value(kind, text, value);
}

static void test_format_reads_back(void **state)
{
    (void)state;
    assert_format(UNITS_DURATION, 0, "0 s");
    assert_format(UNITS_DURATION, 90 * SIM_MINUTE, "90 min");
    assert_format(UNITS_DURATION, 5 * SIM_DAY, "5 d");
    assert_format(UNITS_DURATION, 12345678, "12345678 ns");
    assert_format(UNITS_DURATION, INT64_MAX, "9223372036854775807 ns");
    assert_format(UNITS_RATE, 2500000000, "2500 Mbit/s");
    assert_format(UNITS_RATE, 0, "0 bit/s");
    assert_format(UNITS_SIZE, 65536, "64 KiB");
    assert_format(UNITS_SIZE, 10000000, "10 MB");
    assert_format(UNITS_SHARE, 1000000, "0.1 %");
    assert_format(UNITS_SHARE, 1, "0.0000001 %");
    assert_format(UNITS_SHARE, UNITS_SHARE_WHOLE, "100 %");
    assert_format(UNITS_PACKETS, 100, "100 packets");
    assert_format(UNITS_PACKETS, 1, "1 packet");
}

static void assert_readable(int64_t duration_ns, const char *expected)
{
    g_autofree char *text = units_format_readable(duration_ns);
    assert_string_equal(text, expected);
}

static void test_readable(void **state)
{
    (void)state;
    assert_readable(0, "0 s");
    assert_readable(999, "999 ns");
    assert_readable(1500, "1.5 us");
    assert_readable(12345678, "12.345 ms");
    assert_readable(12005000, "12.005 ms");
    assert_readable(SIM_SECOND + 500 * SIM_MILLISECOND, "1.5 s");
    assert_readable(SIM_MINUTE - 1, "59.999 s");
    assert_readable(2 * SIM_MINUTE + 3 * SIM_SECOND + 1, "2 min 3 s");
    assert_readable(2 * SIM_HOUR + 15 * SIM_MINUTE, "2 h 15 min");
    assert_readable(3 * SIM_DAY + 59 * SIM_MINUTE, "3 d");
    assert_readable(-SIM_HOUR, "-1 h");
    assert_readable(INT64_MIN, "-106751 d 23 h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),         cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_reasons),           cmocka_unit_test(test_reasons_of_other_alphabets),
        cmocka_unit_test(test_format_reads_back), cmocka_unit_test(test_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
