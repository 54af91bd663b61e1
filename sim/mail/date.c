/* Dates in message headers: RFC 5322 §3.3. Reading is left out but for
 * the dates that IMAP clients send. */
#include "mail/date.h"

#include "core/check.h"
#include "core/digits.h"

#include <glib.h>
#include <string.h>

enum {
    SECONDS_PER_DAY = 86400,
    DAYS_PER_400_YEARS = 146097,
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
};

typedef struct CivilDate {
    uint32_t year, month, day; /* month and day from 1 */
    uint32_t weekday;          /* 0 is Sunday */
} CivilDate;

/* The Gregorian date of a day counted from 0000-03-01, which was a Wednesday. Years are taken to
 * begin in March, so that the leap day is a year's last and the lengths of months follow one
 * straight line. */
static CivilDate civil_date_of(uint32_t day)
{
    uint32_t era = day / DAYS_PER_400_YEARS; /* the calendar repeats every 400 years */
    uint32_t day_of_era = day % DAYS_PER_400_YEARS;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t months_since_march = (5 * day_of_year + 2) / 153;
    CivilDate date;
    date.day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    date.month = months_since_march < 10 ? months_since_march + 3 : months_since_march - 9;
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    date.weekday = (day + 3) % 7;
    return date;
}

/* Three letters each. */
static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char WEEKDAYS[] = "SunMonTueWedThuFriSat";

unsigned mail_month_named(const char *letters)
{
    for (unsigned month = 0; month < 12; month++)
        if (g_ascii_strncasecmp(letters, MONTHS + (size_t)month * 3, 3) == 0)
            return month + 1;
    return 0;
}

/* The name of that number, from 0. */
static inline char *put_name(char *at, const char *names, uint32_t number)
{
    enum { LETTERS = 3 };
    memcpy(at, names + number * LETTERS, LETTERS);
    return at + LETTERS;
}

/* A moment as a clock on a wall shows it. */
typedef struct CivilTime {
    CivilDate date;
    uint32_t hour, minute, second;
    char sign; /* of the offset */
    uint32_t offset_hours, offset_minutes;
} CivilTime;

static CivilTime civil_time_of(int64_t unix_seconds, int utc_offset_minutes)
{
    CHECK(unix_seconds >= MAIL_DATE_FIRST && unix_seconds <= MAIL_DATE_LAST);
    CHECK(utc_offset_minutes > -24 * 60 && utc_offset_minutes < 24 * 60);

    /* Never negative, as no date is before MAIL_DATE_FIRST. */
    uint64_t local = (uint64_t)(unix_seconds + (int64_t)utc_offset_minutes * 60 +
                                (int64_t)DAYS_TO_1970 * SECONDS_PER_DAY);
    uint32_t second_of_day = (uint32_t)(local % SECONDS_PER_DAY);
    uint32_t offset = (uint32_t)ABS(utc_offset_minutes);
    return (CivilTime){
        .date = civil_date_of((uint32_t)(local / SECONDS_PER_DAY)),
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .sign = utc_offset_minutes < 0 ? '-' : '+',
        .offset_hours = offset / 60,
        .offset_minutes = offset % 60,
    };
}

/* What both forms have behind the month: year, time of day and offset. */
static char *put_rest(char *at, char before_year, const CivilTime *time)
{
    *at++ = before_year;
    at = digits_put_two(digits_put_two(at, time->date.year / 100), time->date.year % 100);
    *at++ = ' ';
    at = digits_put_two(at, time->hour);
    *at++ = ':';
    at = digits_put_two(at, time->minute);
    *at++ = ':';
    at = digits_put_two(at, time->second);
    *at++ = ' ';
    *at++ = time->sign;
    at = digits_put_two(digits_put_two(at, time->offset_hours), time->offset_minutes);
    *at = '\0';
    return at;
}

char *mail_format_date(int64_t unix_seconds, int utc_offset_minutes, char text[MAIL_DATE_SIZE])
{
    CivilTime time = civil_time_of(unix_seconds, utc_offset_minutes);
    char *at = put_name(text, WEEKDAYS, time.date.weekday);
    *at++ = ',';
    *at++ = ' ';
    if (time.date.day < 10)
        *at++ = (char)('0' + time.date.day);
    else
        at = digits_put_two(at, time.date.day);
    *at++ = ' ';
    return put_rest(put_name(at, MONTHS, time.date.month - 1), ' ', &time);
}

void mail_format_internal_date(int64_t unix_seconds, int utc_offset_minutes,
                               char text[MAIL_INTERNAL_DATE_SIZE])
{
    CivilTime time = civil_time_of(unix_seconds, utc_offset_minutes);
    char *at = digits_put_two(text, time.date.day);
    *at++ = '-';
    put_rest(put_name(at, MONTHS, time.date.month - 1), '-', &time);
}

/* ---- Reading ---- */

/* The inverse of civil_date_of, for days from 1 on that the month has. */
static int64_t day_of_date(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t since_march = month > 2 ? month - 3 : month + 9;
    uint32_t from_march = month > 2 ? year : year - 1;
    uint32_t era = from_march / 400, year_of_era = from_march % 400;
    uint32_t day_of_year = (153 * since_march + 2) / 5 + day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * DAYS_PER_400_YEARS + day_of_era;
}

/* Whether the month has such a day: written again, it is the same date. */
static bool is_date(uint32_t year, uint32_t month, uint32_t day)
{
    if (year == 0 || month == 0 || day == 0 || day > 31)
        return false;
    CivilDate date = civil_date_of((uint32_t)day_of_date(year, month, day));
    return date.month == month && date.day == day;
}

/* Where `pattern` has a 0 there is a digit, where it has an A anything, else the same character. */
static bool has_form(Span text, const char *pattern)
{
    if (text.length != strlen(pattern))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = (char)text.data[i];
        bool right = pattern[i] == '0'   ? g_ascii_isdigit(c)
                     : pattern[i] == 'A' ? true
                                         : c == pattern[i];
        if (!right)
            return false;
    }
    return true;
}

static uint32_t number_at(Span text, size_t at, size_t digits)
{
    uint32_t number = 0;
    for (size_t i = at; i < at + digits; i++)
        number = number * 10 + (text.data[i] - (uint32_t)'0');
    return number;
}

/* RFC 9051 §9 date-time, date-day-fixed. */
const char *mail_parse_internal_date(Span text, int64_t *unix_seconds)
{
    if (!has_form(text, "A0-AAA-0000 00:00:00 A0000") ||
        (text.data[0] != ' ' && !g_ascii_isdigit(text.data[0])) ||
        (text.data[21] != '+' && text.data[21] != '-'))
        return "must be such as \"02-Mar-2026 09:00:00 +0900\"";
    uint32_t month = mail_month_named((const char *)text.data + 3), year = number_at(text, 7, 4);
    uint32_t day = text.data[0] == ' ' ? number_at(text, 1, 1) : number_at(text, 0, 2);
    uint32_t hour = number_at(text, 12, 2), minute = number_at(text, 15, 2);
    uint32_t second = number_at(text, 18, 2);
    uint32_t zone_hours = number_at(text, 22, 2), zone_minutes = number_at(text, 24, 2);
    if (month == 0)
        return "has no such month: Jan, Feb, Mar, Apr, May, Jun, Jul, Aug, Sep, Oct, Nov or Dec";
    if (!is_date(year, month, day))
        return "has a day that its month does not have";
    if (hour > 23 || minute > 59 || second > 60) /* RFC 5322 §3.3: 60 is a leap second */
        return "has no such time of day: 00:00:00 to 23:59:60";
    if (zone_hours > 23 || zone_minutes > 59)
        return "has no such zone: -2359 to +2359";
    int64_t zone = (int64_t)(zone_hours * 60 + zone_minutes) * 60;
    *unix_seconds = (day_of_date(year, month, day) - DAYS_TO_1970) * SECONDS_PER_DAY +
                    (int64_t)(hour * 3600 + minute * 60 + second) -
                    (text.data[21] == '-' ? -zone : zone);
    if (*unix_seconds < MAIL_DATE_FIRST || *unix_seconds > MAIL_DATE_LAST)
        return "must be in the years 1900 to 9999";
    return NULL;
}
