/* Dates in message headers: RFC 5322 §3.3. Reading dates is left out: no decision hangs on one. */
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
