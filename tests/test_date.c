/* Dates, as headers and IMAP write them. */
#include "mail/date.h"
#include "mail_texts.h"

static void assert_date(int64_t unix_seconds, int utc_offset_minutes, const char *expected)
{
    char text[MAIL_DATE_SIZE];
    mail_format_date(unix_seconds, utc_offset_minutes, text);
    assert_string_equal(text, expected);
}

static void dates_are_those_of_the_calendar(void **state)
{
    (void)state;
    assert_date(0, 0, "Thu, 1 Jan 1970 00:00:00 +0000");
    assert_date(NINE_IN_SEOUL, SEOUL, "Mon, 2 Mar 2026 09:00:00 +0900");
    assert_date(NINE_IN_SEOUL, -210, "Sun, 1 Mar 2026 20:30:00 -0330");
    assert_date(951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000");
    assert_date(4107542399, 0, "Sun, 28 Feb 2100 23:59:59 +0000");
    assert_date(4107542400, 0, "Mon, 1 Mar 2100 00:00:00 +0000");
    assert_date(-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000");
    assert_date(MAIL_DATE_FIRST, 0, "Tue, 2 Jan 1900 00:00:00 +0000");
    assert_date(MAIL_DATE_LAST, 0, "Thu, 30 Dec 9999 23:59:59 +0000");
}

/* Every day from 1970 to 2100 against GLib's calendar. */
static void dates_agree_with_another_calendar(void **state)
{
    (void)state;
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, 1, G_DATE_JANUARY, 1970);
    for (int64_t day = 0; day < 131 * 365; day++) {
        char text[MAIL_DATE_SIZE];
        mail_format_date(day * 86400, 0, text);
        assert_int_equal(atoi(text + 5), g_date_get_day(&date));
        assert_int_equal(atoi(strchr(text + 5, ' ') + 5), g_date_get_year(&date));
        static const char *const names[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        assert_memory_equal(text, names[g_date_get_weekday(&date)], 3);
        g_date_add_days(&date, 1);
    }
}

static void internal_dates_are_padded(void **state)
{
    (void)state;
    char text[MAIL_INTERNAL_DATE_SIZE];
    mail_format_internal_date(NINE_IN_SEOUL, SEOUL, text);
    assert_string_equal(text, "02-Mar-2026 09:00:00 +0900");
}

static void assert_read(const char *text, int64_t expected)
{
    int64_t read = 1;
    assert_null(mail_parse_internal_date(span_of_text(text), &read));
    assert_int_equal(read, expected);
}

static void internal_dates_are_read(void **state)
{
    (void)state;
    assert_read("02-Mar-2026 09:00:00 +0900", NINE_IN_SEOUL);
    assert_read(" 2-mar-2026 00:00:00 +0000", NINE_IN_SEOUL);
    assert_read("01-Mar-2026 20:30:00 -0330", NINE_IN_SEOUL);
    assert_read("29-Feb-2000 00:00:00 +0000", 951782400);
    assert_read("31-Dec-1969 23:59:59 +0000", -1);
    assert_read("31-Dec-1969 23:59:60 +0000", 0);
    assert_read("02-Jan-1900 00:00:00 +0000", MAIL_DATE_FIRST);
    assert_read("30-Dec-9999 23:59:59 +0000", MAIL_DATE_LAST);
}

/* What is written is read as it was. */
static void internal_dates_are_read_as_written(void **state)
{
    (void)state;
    for (int64_t seconds = MAIL_DATE_FIRST; seconds < MAIL_DATE_LAST;
         seconds += 86400 * 97 + 4567) {
        char text[MAIL_INTERNAL_DATE_SIZE];
        mail_format_internal_date(seconds, (int)(seconds % 1439), text);
        assert_read(text, seconds);
    }
}

static void assert_wrong(const char *text, const char *part)
{
    int64_t read = 1;
    const char *problem = mail_parse_internal_date(span_of_text(text), &read);
    assert_non_null(problem);
    assert_non_null(strstr(problem, part));
}

static void wrong_internal_dates_are_told(void **state)
{
    (void)state;
    assert_wrong("", "such as");
    assert_wrong("2-Mar-2026 09:00:00 +0900", "such as");
    assert_wrong("02-Mar-2026 09:00:00 +09000", "such as");
    assert_wrong("02 Mar 2026 09:00:00 +0900", "such as");
    assert_wrong("x2-Mar-2026 09:00:00 +0900", "such as");
    assert_wrong("02-Mar-2026 09:00:00 *0900", "such as");
    assert_wrong("02-Maz-2026 09:00:00 +0900", "month");
    assert_wrong("00-Mar-2026 09:00:00 +0900", "day");
    assert_wrong("31-Apr-2026 09:00:00 +0900", "day");
    assert_wrong("29-Feb-2025 09:00:00 +0900", "day");
    assert_wrong("29-Feb-1900 09:00:00 +0900", "day");
    assert_wrong("02-Mar-2026 24:00:00 +0900", "time");
    assert_wrong("02-Mar-2026 09:60:00 +0900", "time");
    assert_wrong("02-Mar-2026 09:00:61 +0900", "time");
    assert_wrong("02-Mar-2026 09:00:00 +2400", "zone");
    assert_wrong("02-Mar-2026 09:00:00 +0060", "zone");
    assert_wrong("01-Jan-1900 00:00:00 +0000", "years");
    assert_wrong("31-Dec-9999 00:00:00 +0000", "years");
    assert_wrong("01-Jan-0000 00:00:00 +0000", "day");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(dates_agree_with_another_calendar),
        cmocka_unit_test(internal_dates_are_padded),
        cmocka_unit_test(internal_dates_are_read),
        cmocka_unit_test(internal_dates_are_read_as_written),
        cmocka_unit_test(wrong_internal_dates_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
