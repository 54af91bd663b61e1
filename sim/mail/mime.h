/* GMime 3 as this project uses it: nothing of the machine, of its locale or of chance reaches what
 * it writes. For sim/mail alone. */
#pragma once

#include "core/bytes.h"

#include <gmime/gmime.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMessage, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimePart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMultipart, g_object_unref)

/* Starts GMime; to be called before any other of its functions, as often as one likes. */
void mime_start(void);

/* How text parts travel: as they are, quoted-printable or base64, whichever is 7-bit, has lines of
 * legal length and stays readable where it can. */
GMimeContentEncoding mime_encoding_for(const char *text);
/* A text/plain part of UTF-8 `text`, whose lines end in LF. */
GMimePart *mime_text_part_new(const char *text);
/* A part of any type and octets; `charset` may be NULL. */
GMimePart *mime_part_new(const char *type, const char *subtype, const char *charset, Span content,
                         GMimeContentEncoding encoding);

/* A boundary that follows from `seed` and stands in none of the contents. To free. */
char *mime_boundary_new(const char *seed, const Span *contents, size_t count);
GMimeMultipart *mime_multipart_new(const char *subtype, const char *boundary);

/* The whole message with CRLF line ends. */
Octets *mime_write(GMimeMessage *message);

/* Every line end as CRLF; those that are so already stay. */
Octets *mime_with_crlf(Span octets);
/* `text` with every CRLF and lone CR as LF, and an LF at its end unless it is empty. To free. */
char *mime_dup_lines(const char *text);

/* The message in `octets`; NULL when GMime sees none. */
GMimeMessage *mime_parse(Span octets);
/* The first leaf part that `matches`, in the order of reading; nested messages are not entered.
 * Borrowed from `message`; NULL when there is none. */
GMimeObject *mime_find_part(GMimeMessage *message, bool (*matches)(GMimeObject *part));
/* A part's content without its transfer encoding. To free; never NULL. */
Octets *mime_part_content(GMimePart *part);
/* Whether octets of that charset are UTF-8 as they stand; NULL, none named, is US-ASCII. */
bool mime_charset_is_utf8(const char *charset);
/* The octets as UTF-8, whatever they claim to be. An unknown charset leaves them as they are, with
 * what is no UTF-8 replaced. To free. */
char *mime_dup_utf8(Span octets, const char *charset);
/* RFC 2047 decoded, valid UTF-8. To free. */
char *mime_decode_header(const char *value);
