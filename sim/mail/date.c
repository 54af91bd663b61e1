/* Dates in message headers: RFC 5322 §3.3. Reading dates is left out: no decision hangs on one. */
#include "mail/date.h"

#include "core/check.h"

#include <glib.h>
#include <string.h>

enum { SECONDS_PER_DAY = 86400, DAYS_PER_400_YEARS = 146097 };

typedef struct CivilDate {
    int year, month, day; /* month and day from 1 */
    int weekday;          /* 0 is Sunday */
} CivilDate;

/* The Gregorian date of a day counted from 1970-01-01. Years are taken to begin in March, so that
 * the leap day is a year's last and the lengths of months follow one straight line. */
static CivilDate civil_date_of(int64_t unix_day)
{
    const int64_t days_to_1970 = 719468;    /* from 0000-03-01 */
    int64_t day = unix_day + days_to_1970;  /* never negative within MAIL_DATE_FIRST and _LAST */
    int64_t era = day / DAYS_PER_400_YEARS; /* the calendar repeats every 400 years */
    int64_t day_of_era = day % DAYS_PER_400_YEARS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t months_since_march = (5 * day_of_year + 2) / 153;
    CivilDate date;
    date.day = (int)(day_of_year - (153 * months_since_march + 2) / 5 + 1);
    date.month = (int)(months_since_march < 10 ? months_since_march + 3 : months_since_march - 9);
    date.year = (int)(year_of_era + era * 400) + (date.month <= 2 ? 1 : 0);
    date.weekday = (int)((unix_day % 7 + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
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

/* Two digits, written by hand: every server dates every message. */
static char *put_two(char *at, int number)
{
    *at++ = (char)('0' + number / 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

/* The name of that number, from 0. */
static char *put_name(char *at, const char *names, int number)
{
    enum { LETTERS = 3 };
    return mempcpy(at, names + number * LETTERS, LETTERS);
}

/* A moment as a clock on a wall shows it. */
typedef struct CivilTime {
    CivilDate date;
    int hour, minute, second;
    char sign; /* of the offset */
    int offset_hours, offset_minutes;
} CivilTime;

static CivilTime civil_time_of(int64_t unix_seconds, int utc_offset_minutes)
{
    CHECK(unix_seconds >= MAIL_DATE_FIRST && unix_seconds <= MAIL_DATE_LAST);
    CHECK(utc_offset_minutes > -24 * 60 && utc_offset_minutes < 24 * 60);

    int64_t local = unix_seconds + (int64_t)utc_offset_minutes * 60;
    int64_t second_of_day = (local % SECONDS_PER_DAY + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    return (CivilTime){
        .date = civil_date_of((local - second_of_day) / SECONDS_PER_DAY),
        .hour = (int)(second_of_day / 3600),
        .minute = (int)(second_of_day / 60 % 60),
        .second = (int)(second_of_day % 60),
        .sign = utc_offset_minutes < 0 ? '-' : '+',
        .offset_hours = ABS(utc_offset_minutes) / 60,
        .offset_minutes = ABS(utc_offset_minutes) % 60,
    };
}

/* What both forms have behind the month: year, time of day and offset. */
static void put_rest(char *at, char before_year, const CivilTime *time)
{
    *at++ = before_year;
    at = put_two(put_two(at, time->date.year / 100), time->date.year % 100);
    *at++ = ' ';
    at = put_two(at, time->hour);
    *at++ = ':';
    at = put_two(at, time->minute);
    *at++ = ':';
    at = put_two(at, time->second);
    *at++ = ' ';
    *at++ = time->sign;
    *put_two(put_two(at, time->offset_hours), time->offset_minutes) = '\0';
}

void mail_format_date(int64_t unix_seconds, int utc_offset_minutes, char text[MAIL_DATE_SIZE])
{
    CivilTime time = civil_time_of(unix_seconds, utc_offset_minutes);
    char *at = put_name(text, WEEKDAYS, time.date.weekday);
    *at++ = ',';
    *at++ = ' ';
    if (time.date.day < 10)
        *at++ = (char)('0' + time.date.day);
    else
        at = put_two(at, time.date.day);
    *at++ = ' ';
    put_rest(put_name(at, MONTHS, time.date.month - 1), ' ', &time);
}

void mail_format_internal_date(int64_t unix_seconds, int utc_offset_minutes,
                               char text[MAIL_INTERNAL_DATE_SIZE])
{
    CivilTime time = civil_time_of(unix_seconds, utc_offset_minutes);
    char *at = put_two(text, time.date.day);
    *at++ = '-';
    put_rest(put_name(at, MONTHS, time.date.month - 1), '-', &time);
}
