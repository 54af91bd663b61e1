/* An 8-bit message made 7-bit, for a server that does not take it as it is: RFC 6152 §3.
 *
 * Each part whose octets go beyond ASCII is encoded anew, quoted-printable or base64 (RFC 2045 §6);
 * all else stays as it is. Left out on purpose: a header beyond ASCII (that needs RFC 6857), and
 * parts of multipart/signed, whose signature would break. */
#include "mail/message.h"

#include "mail/mime.h"

static void look_for_signed(GMimeObject *parent, GMimeObject *part, gpointer found)
{
    (void)parent;
    bool *is_signed = found;
    *is_signed = *is_signed || GMIME_IS_MULTIPART_SIGNED(part);
}

static bool has_signed_part(GMimeMessage *message)
{
    bool is_signed = GMIME_IS_MULTIPART_SIGNED(g_mime_message_get_mime_part(message));
    g_mime_message_foreach(message, look_for_signed, &is_signed);
    return is_signed;
}

Octets *message_downgrade(Span message)
{
    mime_start();
    g_autoptr(GMimeMessage) parsed = mime_parse(message);
    if (parsed == NULL || g_mime_message_get_mime_part(parsed) == NULL || has_signed_part(parsed))
        return NULL;
    g_mime_object_encode(GMIME_OBJECT(parsed), GMIME_ENCODING_CONSTRAINT_7BIT);
    g_autoptr(Octets) written = mime_write(parsed);
    Span octets = span_of_octets(written);
    return span_is_ascii(octets) ? g_steal_pointer(&written) : NULL;
}
