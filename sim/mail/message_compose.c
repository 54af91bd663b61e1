/* Composing a message: RFC 5322 §3.6, RFC 2045 to RFC 2047, RFC 2183 (Content-Disposition); RFC
 * 6532 where an address is beyond ASCII, since no encoded word may stand in one. */
#include "mail/message.h"

#include "core/sanitized.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/mail_error.h"
#include "mail/message_compose_plain.h"
#include "mail/mime.h"

#include <string.h>

enum { LINE_MAX_OCTETS = 998 /* RFC 5322 §2.1.1 */ };

/* ---- What a draft may hold ---- */

/* One line of UTF-8 text, as a header field can carry. */
static bool check_line(const char *what, const char *text, GError **error)
{
    if (text == NULL)
        return true;
    if (!g_utf8_validate(text, -1, NULL))
        return mail_error(error, "the %s is not UTF-8", what);
    for (const char *c = text; *c != '\0'; c++)
        if (g_ascii_iscntrl(*c))
            return mail_error(error, "the %s has a line break or control character", what);
    return true;
}

static bool check_mailbox(const char *what, const MessageMailbox *mailbox, GError **error)
{
    Address address;
    AddressFault fault = address_parse(span_of_text(mailbox->address), &address);
    if (fault != ADDRESS_OK)
        return mail_error(error, "the address in %s is wrong: %s", what, address_fault_text(fault));
    return check_line("display name", mailbox->name, error);
}

static bool check_mailboxes(const char *what, const MessageMailbox *mailboxes, size_t count,
                            GError **error)
{
    for (size_t i = 0; i < count; i++)
        if (!check_mailbox(what, &mailboxes[i], error))
            return false;
    return true;
}

/* msg-id without its brackets (RFC 5322 §3.6.4), in printable ASCII. */
static bool check_id(const char *what, const char *id, GError **error)
{
    const char *at = strchr(id, '@');
    bool good = at != NULL && at != id && at[1] != '\0' && strchr(at + 1, '@') == NULL;
    for (const char *c = id; *c != '\0'; c++)
        good = good && g_ascii_isgraph(*c) && *c != '<' && *c != '>';
    return good || mail_error(error, "\"%s\" is no identifier for %s", id, what);
}

static bool check_ids(const char *what, const char *ids, GError **error)
{
    if (ids == NULL)
        return true;
    if (!check_line(what, ids, error))
        return false;
    g_auto(GStrv) each = g_strsplit(ids, " ", -1);
    for (char **id = each; *id != NULL; id++)
        if (**id != '\0' && !check_id(what, *id, error))
            return false;
    return true;
}

/* What composing must keep in its own hands: the mail's name, who may see whom, the structure. */
static bool is_reserved_field(const char *name)
{
    return g_ascii_strcasecmp(name, "Message-ID") == 0 || g_ascii_strcasecmp(name, "Bcc") == 0 ||
           g_ascii_strcasecmp(name, "MIME-Version") == 0 ||
           g_ascii_strncasecmp(name, "Content-", strlen("Content-")) == 0;
}

static bool check_field(const MessageField *field, GError **error)
{
    bool good = field->name[0] != '\0' && strlen(field->name) <= 64;
    for (const char *c = field->name; *c != '\0'; c++) /* ftext, RFC 5322 §3.6.8 */
        good = good && g_ascii_isgraph(*c) && *c != ':';
    if (!good)
        return mail_error(error, "a header field has a wrong name");
    if (is_reserved_field(field->name))
        return mail_error(error, "the header field %s cannot be given", field->name);
    return check_line(field->name, field->value, error);
}

static bool check_attachment(const MessageAttachment *attachment, GError **error)
{
    if (attachment->name[0] == '\0')
        return mail_error(error, "an attachment has no name");
    if (attachment->size > MESSAGE_ATTACHMENT_MAX)
        return mail_error(error, "the attachment %s is larger than 64 MiB", attachment->name);
    return check_line("attachment's name", attachment->name, error);
}

static bool check_draft(const MessageDraft *draft, GError **error)
{
    if (!check_mailbox("From", &draft->from, error) ||
        !check_mailboxes("To", draft->to, draft->to_count, error) ||
        !check_mailboxes("Cc", draft->cc, draft->cc_count, error) ||
        !check_line("subject", draft->subject, error) ||
        !check_id("Message-ID", draft->message_id, error) ||
        !check_ids("In-Reply-To", draft->in_reply_to, error) ||
        !check_ids("References", draft->references, error))
        return false;
    if (draft->body != NULL && !span_is_ascii(span_of_text(draft->body)) &&
        !g_utf8_validate(draft->body, -1, NULL))
        return mail_error(error, "the body is not UTF-8");
    for (size_t i = 0; i < draft->attachment_count; i++)
        if (!check_attachment(&draft->attachments[i], error))
            return false;
    for (size_t i = 0; i < draft->field_count; i++)
        if (!check_field(&draft->fields[i], error))
            return false;
    return true;
}

/* ---- Header ---- */

static bool draft_gives_field(const MessageDraft *draft, const char *name)
{
    for (size_t i = 0; i < draft->field_count; i++)
        if (g_ascii_strcasecmp(draft->fields[i].name, name) == 0)
            return true;
    return false;
}

static void add_field(GMimeMessage *message, const MessageDraft *draft, const char *name,
                      const char *value)
{
    if (value != NULL && !draft_gives_field(draft, name))
        g_mime_object_append_header(GMIME_OBJECT(message), name, value, "utf-8");
}

static void add_mailboxes(GMimeMessage *message, const MessageDraft *draft, const char *name,
                          GMimeAddressType type, const MessageMailbox *mailboxes, size_t count)
{
    if (draft_gives_field(draft, name))
        return;
    InternetAddressList *list = g_mime_message_get_addresses(message, type);
    for (size_t i = 0; i < count; i++) {
        InternetAddress *mailbox =
            internet_address_mailbox_new(mailboxes[i].name, mailboxes[i].address);
        internet_address_set_charset(mailbox, "utf-8");
        internet_address_list_add(list, mailbox);
        g_object_unref(mailbox);
    }
}

/* "a@b c@d" as "<a@b> <c@d>"; NULL stays NULL. */
static char *bracket_ids(const char *ids)
{
    if (ids == NULL)
        return NULL;
    GString *text = g_string_new(NULL);
    g_auto(GStrv) each = g_strsplit(ids, " ", -1);
    for (char **id = each; *id != NULL; id++)
        if (**id != '\0')
            g_string_append_printf(text, "%s<%s>", text->len > 0 ? " " : "", *id);
    return g_string_free(text, FALSE);
}

static void add_header(GMimeMessage *message, const MessageDraft *draft)
{
    char date[MAIL_DATE_SIZE];
    mail_format_date(draft->date_unix, draft->utc_offset_minutes, date);
    g_autofree char *message_id = bracket_ids(draft->message_id);
    g_autofree char *in_reply_to = bracket_ids(draft->in_reply_to);
    g_autofree char *references = bracket_ids(draft->references);
    add_field(message, draft, "Date", date);
    add_mailboxes(message, draft, "From", GMIME_ADDRESS_TYPE_FROM, &draft->from, 1);
    add_mailboxes(message, draft, "To", GMIME_ADDRESS_TYPE_TO, draft->to, draft->to_count);
    add_mailboxes(message, draft, "Cc", GMIME_ADDRESS_TYPE_CC, draft->cc, draft->cc_count);
    add_field(message, draft, "Subject", draft->subject);
    add_field(message, draft, "Message-ID", message_id);
    add_field(message, draft, "In-Reply-To", in_reply_to);
    add_field(message, draft, "References", references);
    for (size_t i = 0; i < draft->field_count; i++)
        g_mime_object_append_header(GMIME_OBJECT(message), draft->fields[i].name,
                                    draft->fields[i].value, "utf-8");
}

/* ---- Body ---- */

/* What is in an attachment: octets like those of a compressed file, following from name and size
 * alone (a SplitMix sequence). */
static Octets *attachment_content(const MessageAttachment *attachment)
{
    uint64_t state = attachment->size;
    for (const char *c = attachment->name; *c != '\0'; c++)
        state = (state ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    Octets *content = octets_allocate(attachment->size);
    for (size_t i = 0; i < attachment->size; i++) {
        if (i % 8 == 0)
            state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
        content->here[i] = (uint8_t)(mixed >> (8 * (i % 8)));
    }
    return content;
}

/* The file name goes by RFC 2231 in UTF-8; GMime left alone would choose a charset itself. */
static void set_file_name(GMimePart *part, const char *name)
{
    GMimeContentDisposition *disposition = g_mime_content_disposition_new();
    g_mime_content_disposition_set_disposition(disposition, GMIME_DISPOSITION_ATTACHMENT);
    GMimeParamList *parameters = g_mime_content_disposition_get_parameters(disposition);
    g_mime_param_list_set_parameter(parameters, "filename", name);
    GMimeParam *parameter = g_mime_param_list_get_parameter(parameters, "filename");
    g_mime_param_set_charset(parameter, "utf-8");
    g_mime_object_set_content_disposition(GMIME_OBJECT(part), disposition);
    g_object_unref(disposition);
}

static void add_attachment(GMimeMultipart *multipart, const MessageAttachment *attachment)
{
    g_autoptr(Octets) content = attachment_content(attachment);
    Span octets = span_of(octets_data(content), attachment->size);
    g_autoptr(GMimePart) part =
        mime_part_new("application", "octet-stream", NULL, octets, GMIME_CONTENT_ENCODING_BASE64);
    set_file_name(part, attachment->name);
    g_mime_multipart_add(multipart, GMIME_OBJECT(part));
}

static void add_body(GMimeMessage *message, const MessageDraft *draft)
{
    g_autofree char *text = mime_dup_lines(draft->body != NULL ? draft->body : "");
    g_autoptr(GMimePart) part = mime_text_part_new(text);
    if (draft->attachment_count == 0) {
        g_mime_message_set_mime_part(message, GMIME_OBJECT(part));
        return;
    }
    Span content = span_of_text(text);
    g_autofree char *boundary = mime_boundary_new(draft->boundary_seed, &content, 1);
    g_autoptr(GMimeMultipart) multipart = mime_multipart_new("mixed", boundary);
    g_mime_multipart_add(multipart, GMIME_OBJECT(part));
    for (size_t i = 0; i < draft->attachment_count; i++)
        add_attachment(multipart, &draft->attachments[i]);
    g_mime_message_set_mime_part(message, GMIME_OBJECT(multipart));
}

/* ---- All of it ---- */

/* Folding needs blanks: a word too long for a line cannot be sent. */
static bool check_lines(Octets *bytes, GError **error)
{
    Span rest = span_of_octets(bytes);
    while (rest.length > 0) {
        size_t line = span_find(rest, '\n');
        if (line > LINE_MAX_OCTETS + 1)
            return mail_error(error, "a header field has a word longer than a line can be");
        rest = span_skip(rest, MIN(line + 1, rest.length));
    }
    return true;
}

/* Of a draft that has been checked. */
static Octets *compose_by_library(const MessageDraft *draft, GError **error)
{
    mime_start();
    g_autoptr(GMimeMessage) message = g_mime_message_new(FALSE);
    add_header(message, draft);
    add_body(message, draft);
    g_autoptr(Octets) bytes = mime_write(message);
    return check_lines(bytes, error) ? g_steal_pointer(&bytes) : NULL;
}

Octets *message_compose(const MessageDraft *draft, GError **error)
{
    if (!check_draft(draft, error))
        return NULL;
    Octets *plain = message_compose_plain(draft, 0);
    return plain != NULL ? plain : compose_by_library(draft, error);
}

/* ---- Of a size ---- */

enum { FILLING_LINE = 72, CRLF_OCTETS = 2, SHORTEST_LINE = CRLF_OCTETS + 1 };

/* Writes a line of so many octets as sent, into a text whose lines end in CRLF or LF; its letters
 * go on from the `letter`th of them all. Returns the end of it. */
static inline char *put_filling_line(char *out, size_t octets, size_t letter, bool has_cr)
{
    enum { LETTERS = 26 };
    /* Long enough for a line that begins at its 26th letter. */
    const char *alphabets = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    out = mempcpy(out, alphabets + letter % LETTERS, octets - CRLF_OCTETS);
    if (has_cr)
        *out++ = '\r';
    *out++ = '\n';
    return out;
}

/* Writes lines of letters of so many octets; returns the end of them. One octet is no line, and so
 * is left out; of three and more none is empty. */
static char *put_filling(char *out, size_t octets, bool has_cr)
{
    enum { LINE_LETTERS = FILLING_LINE - CRLF_OCTETS, PERIOD = 13 /* 13 lines are 35 alphabets */ };
    const size_t width = LINE_LETTERS + 1 + has_cr, more = FILLING_LINE + SHORTEST_LINE;
    size_t whole = octets < more ? 0 : (octets - more) / FILLING_LINE + 1, line = 0;
    while (line < MIN(whole, PERIOD))
        out = put_filling_line(out, FILLING_LINE, line++ * LINE_LETTERS, has_cr);
    while (line < whole) { /* as those so far */
        size_t lines = MIN(whole - line, PERIOD);
        out = mempcpy(out, out - PERIOD * width, lines * width);
        line += lines;
    }
    octets -= whole * FILLING_LINE;
    size_t letter = whole * LINE_LETTERS;
    if (octets > FILLING_LINE) { /* leaves enough for a last line */
        out = put_filling_line(out, octets - SHORTEST_LINE, letter, has_cr);
        letter += octets - SHORTEST_LINE - CRLF_OCTETS;
        octets = SHORTEST_LINE;
    }
    return octets >= CRLF_OCTETS ? put_filling_line(out, octets, letter, has_cr) : out;
}

/* Behind a text that is not encoded, the filling can stand as it is. There is memory for it. */
static void fill_up(Octets *message, size_t size)
{
    size_t length = octets_length(message), octets = size - length;
    char *text = (char *)message->here, *end = text + length;
    bool has_body = length < 4 || memcmp(end - 4, "\r\n\r\n", 4) != 0;
    bool has_line = length >= 2 && memcmp(end - 2, "\r\n", 2) == 0;
    if (octets == 1 && has_body && has_line) {
        memcpy(end - 2, ".\r\n", 3);
        end++;
        message->is_plain = false; /* which says nothing */
    } else {
        end = put_filling(end, octets, true); /* whose lines are plain */
    }
    message->length = (size_t)(end - text);
    CHECK_SANITIZED(!message->is_plain || span_is_plain(span_of_octets(message)));
}

/* How many octets `a` has more than `b`. */
static int64_t difference(size_t a, size_t b)
{
    return (int64_t)a - (int64_t)b;
}

/* What an encoding makes of a filling is seen by composing; each round comes closer. */
static Octets *fill_and_compose(const MessageDraft *draft, Octets *composed, size_t size,
                                GError **error)
{
    enum { ROUNDS = 8 };
    int64_t filling = 0;
    g_autoptr(Octets) filled = octets_ref(composed);
    for (int i = 0; i < ROUNDS && octets_length(filled) != size; i++) {
        filling += difference(size, octets_length(filled));
        g_autoptr(GString) body = g_string_new(draft->body);
        if (body->len > 0 && body->str[body->len - 1] != '\n')
            g_string_append_c(body, '\n');
        size_t octets = (size_t)MAX(filling, 0);
        g_autofree char *lines = g_malloc(octets);
        g_string_append_len(body, lines, put_filling(lines, octets, false) - lines);
        MessageDraft longer = *draft;
        longer.body = body->str;
        octets_unref(filled);
        filled = message_compose(&longer, error);
        if (filled == NULL)
            return NULL;
    }
    return g_steal_pointer(&filled);
}

/* The same octets with memory for so many. */
static Octets *copy_with_room(const Octets *octets, size_t size)
{
    Octets *copy = octets_allocate(size);
    copy->length = octets_length(octets);
    copy->is_plain = octets->is_plain;
    memcpy(copy->here, octets_data(octets), copy->length);
    return copy;
}

Octets *message_compose_of_size(const MessageDraft *draft, size_t size, GError **error)
{
    if (!check_draft(draft, error))
        return NULL;
    Octets *plain = message_compose_plain(draft, size);
    if (plain != NULL) {
        if (octets_length(plain) < size)
            fill_up(plain, size);
        return plain;
    }
    g_autoptr(Octets) composed = compose_by_library(draft, error);
    if (composed == NULL || octets_length(composed) >= size)
        return g_steal_pointer(&composed);
    bool is_encoded =
        draft->attachment_count > 0 || (draft->body != NULL && !g_str_is_ascii(draft->body));
    if (is_encoded)
        return fill_and_compose(draft, composed, size, error);
    Octets *filled = copy_with_room(composed, size);
    fill_up(filled, size);
    return filled;
}
