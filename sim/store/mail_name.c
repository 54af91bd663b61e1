/* The name of a mail. See mail_name.h. */
#include "store/mail_name.h"

#include "mail/message.h"

char *mail_name_of(GBytes *message)
{
    gsize size = 0;
    const void *data = g_bytes_get_data(message, &size);
    Span name = message_id_left(span_of(data, size));
    return name.length > 0 ? g_utf8_make_valid((const char *)name.data, (gssize)name.length)
                           : g_strdup("");
}
