/* What is heard in reply to EHLO. See smtp_heard.h. */
#include "proto/smtp_heard.h"

#include <string.h>

void smtp_heard_clear(SmtpHeard *heard)
{
    g_free(heard->memory);
    *heard = (SmtpHeard){0};
}

void smtp_heard_keep(SmtpHeard *heard, const SmtpReply *reply, Span tail,
                     const SmtpAbilities *abilities)
{
    if (tail.length == 0 || reply->enhanced.class != 0)
        return;
    Span text = span_skip(reply->text, span_find(reply->text, '\n') + 1);
    smtp_heard_clear(heard);
    heard->memory = g_malloc(tail.length + text.length);
    char *end = mempcpy(heard->memory, tail.data, tail.length);
    if (text.length > 0)
        memcpy(end, text.data, text.length);
    heard->tail = (SmtpReplyTail){.code = reply->code,
                                  .wire = span_of(heard->memory, tail.length),
                                  .text = span_of(end, text.length)};
    heard->abilities = *abilities;
}
