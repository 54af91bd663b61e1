/* Looking for a text in a message as a person reads it: fields unfolded and RFC 2047 decoded, text
 * parts without their transfer encoding and in UTF-8, all without regard to case (Unicode's full
 * case folding, which knows no language).
 *
 * Parts that are neither text nor message are not looked at, nor are those whose transfer encoding
 * is unknown. An unknown charset counts as UTF-8 with what is none replaced. Left out on purpose:
 * normalisation ("é" is not "e" and an accent), and a text that goes on over a line's end. HTML is
 * compared as it is written, tags and entities too; what is no field in a header, what stands
 * before and after parts, and a message within that is encoded are not looked at.
 *
 * Any octets are safe; the work grows in proportion to the message.
 *
 * Source: RFC 9051 §6.4.4 (what must be decoded, and which parts may be left out). */
#pragma once

#include "core/bytes.h"

/* `text` folded, to be looked for; NULL when it is not UTF-8 without NUL. To free. */
char *message_search_key(Span text);

/* A message that is being looked through; zero but for the message. What is worked out for one key
 * is kept for the next. */
typedef struct MessageSearch {
    Span message;     /* borrowed */
    GString *headers; /* folded, NUL between fields; NULL until it is needed, as is `body` */
    GString *body;    /* folded, NUL between parts */
} MessageSearch;

void message_search_clear(MessageSearch *search);
/* `key` is from message_search_key; the empty one is found wherever it is looked for. */
/* In any field of that name. */
bool message_search_field(const MessageSearch *search, const char *name, const char *key);
/* In the text parts, and the header of a message that is a part. */
bool message_search_body(MessageSearch *search, const char *key);
/* In the body, the message's header, or a part's. */
bool message_search_text(MessageSearch *search, const char *key);
