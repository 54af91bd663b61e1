/* What the tests of messages share: a time, a draft, and octets as text. */
#pragma once

#include "mail/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* 2026-03-02 09:00:00 +0900 */
enum { NINE_IN_SEOUL = 1772409600, SEOUL = 540 };

static inline MessageDraft lunch_draft(void)
{
    static const MessageMailbox to[] = {{"Bob", "bob@gmail.example"}};
    return (MessageDraft){.from = {"Alice", "alice@naver.example"},
                          .to = to,
                          .to_count = 1,
                          .subject = "Lunch?",
                          .body = "Noon, at the usual place?\n",
                          .message_id = "lunch@naver.example",
                          .date_unix = NINE_IN_SEOUL,
                          .utc_offset_minutes = SEOUL,
                          .boundary_seed = "lunch"};
}

static inline Octets *compose(const MessageDraft *draft)
{
    g_autoptr(GError) error = NULL;
    Octets *bytes = message_compose(draft, &error);
    if (bytes == NULL)
        fail_msg("%s", error->message);
    return bytes;
}

static inline void assert_span(Span span, const char *expected)
{
    g_autofree char *text = span_dup_text(span);
    assert_string_equal(text, expected);
}
