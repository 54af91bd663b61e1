/* Dates in message headers (RFC 5322 §3.3) and of IMAP messages, by our own arithmetic: the C
 * library's locale and time zone must not reach a simulation. */
#pragma once

#include "core/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* The longest text with its NUL: "Mon, 12 Mar 2026 09:00:00 +0900". */
enum { MAIL_DATE_SIZE = 32 };
/* What a date may be: 1900-01-02 to 9999-12-30, offsets below a day, so that the local year has
 * four digits and is at least 1900 (RFC 5322 §3.3). */
#define MAIL_DATE_FIRST INT64_C(-2208902400)
#define MAIL_DATE_LAST  INT64_C(253402214399)

/* "Mon, 2 Mar 2026 09:00:00 +0900" for seconds since 1970-01-01 UTC and minutes east of UTC.
 * Outside of what a date may be is a bug of the caller. Returns its end, where the NUL stands. */
char *mail_format_date(int64_t unix_seconds, int utc_offset_minutes, char text[MAIL_DATE_SIZE]);

/* The month that begins with these three letters, in any case: from 1 on; 0: none does. */
unsigned mail_month_named(const char *letters);

/* The longest internal date of IMAP with its NUL: "02-Mar-2026 09:00:00 +0900". */
enum { MAIL_INTERNAL_DATE_SIZE = 27 };
/* IMAP's date-time without its quotes (RFC 9051 §9), for the same range of dates. */
void mail_format_internal_date(int64_t unix_seconds, int utc_offset_minutes,
                               char text[MAIL_INTERNAL_DATE_SIZE]);
/* The same read; NULL, or what is wrong with it and what would be right. The day may be padded with
 * a space. */
const char *mail_parse_internal_date(Span text, int64_t *unix_seconds);
