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
    return mail_name_of_left(message_id_left(span_of(data, size)));
}

char *mail_name_of_stored(const StoredMessage *message)
{
    g_autoptr(GBytes) octets = stored_message_join(message);
    return mail_name_of(octets);
}

char *mail_name_of_left(Span left)
{
    if (left.length == 0)
        return g_strdup("");
    return is_plain(left) ? span_dup_text(left)
                          : g_utf8_make_valid((const char *)left.data, (gssize)left.length);
}
