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

char *mail_name_of(Octets *message)
{
    return mail_name_of_left(message_id_left(span_of_octets(message)));
}

char *mail_name_of_stored(const StoredMessage *message)
{
    g_autoptr(Octets) octets = stored_message_join(message);
    return mail_name_of(octets);
}

/* The field stands in the first octets of nearly every message; what is found there with its @ is
 * what would be found in the whole. */
char *mail_name_of_file(const Disk *disk, const char *path)
{
    enum { BEGINNING = 768 };
    g_autoptr(Octets) beginning = disk_read_beginning(disk, path, BEGINNING);
    char *name = mail_name_of(beginning);
    if (name[0] != '\0' || disk_file_size(disk, path) == octets_length(beginning))
        return name;
    g_free(name);
    g_autoptr(Octets) whole = disk_read(disk, path);
    return mail_name_of(whole);
}

char *mail_name_of_left(Span left)
{
    if (left.length == 0)
        return g_strdup("");
    return is_plain(left) ? span_dup_text(left)
                          : g_utf8_make_valid((const char *)left.data, (gssize)left.length);
}
