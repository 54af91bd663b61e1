/* The name of a mail. See mail_name.h. */
#include "store/mail_name.h"

#include "mail/message.h"

static bool is_plain(Span text)
{
    size_t i = 0;
    while (i < text.length && g_ascii_isgraph(text.data[i]))
        i++;
    return i == text.length;
}

char *mail_name_of(GBytes *message)
{
    gsize size = 0;
    const void *data = g_bytes_get_data(message, &size);
    Span name = message_id_left(span_of(data, size));
    if (name.length == 0)
        return g_strdup("");
    return is_plain(name) ? span_dup_text(name)
                          : g_utf8_make_valid((const char *)name.data, (gssize)name.length);
}
