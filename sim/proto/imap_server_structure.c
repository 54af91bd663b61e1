/* ENVELOPE, BODY and BODYSTRUCTURE: what a client shows of a message before it fetches it. RFC 9051
 * §7.5.2. */
#include "mail/mailbox_list.h"
#include "mail/message.h"
#include "mail/mime_tree.h"
#include "proto/imap_server_internal.h"

/* RFC 9051 §9 nstring; NULL is NIL. */
static void put_nstring(ImapServer *server, const char *text)
{
    if (text == NULL)
        imap_server_put(server, "NIL");
    else
        imap_server_put_string(server, span_of_text(text));
}

static void put_field(ImapServer *server, Span message, const char *name)
{
    g_autofree char *value = message_dup_header(message, name);
    put_nstring(server, value);
}

/* ---- Envelope ---- */

/* RFC 9051 §7.5.2: a group begins with an address without host, whose mailbox is the group's name,
 * and ends with one that has neither. The route is always NIL (RFC 5321 §4.1.1.3). */
static void put_address(ImapServer *server, const MailboxItem *item)
{
    imap_server_put(server, "(");
    put_nstring(server, item->kind == MAILBOX_ITEM ? item->name : NULL);
    imap_server_put(server, " NIL ");
    put_nstring(server, item->kind == MAILBOX_ITEM ? item->local_part : item->name);
    imap_server_put(server, " ");
    put_nstring(server, item->domain);
    imap_server_put(server, ")");
}

/* Of the first of two fields that is there with any address. */
static void put_addresses(ImapServer *server, Span message, const char *name, const char *instead)
{
    GArray *items = mailbox_list_parse(message_find_header(message, name));
    if (items->len == 0 && instead != NULL) {
        g_array_unref(items);
        items = mailbox_list_parse(message_find_header(message, instead));
    }
    imap_server_put(server, items->len > 0 ? " (" : " NIL");
    for (guint i = 0; i < items->len; i++)
        put_address(server, &g_array_index(items, MailboxItem, i));
    if (items->len > 0)
        imap_server_put(server, ")");
    g_array_unref(items);
}

void imap_server_put_envelope(ImapServer *server, Span message)
{
    imap_server_put(server, "(");
    put_field(server, message, "Date");
    imap_server_put(server, " ");
    put_field(server, message, "Subject");
    put_addresses(server, message, "From", NULL);
    put_addresses(server, message, "Sender", "From");
    put_addresses(server, message, "Reply-To", "From");
    put_addresses(server, message, "To", NULL);
    put_addresses(server, message, "Cc", NULL);
    put_addresses(server, message, "Bcc", NULL);
    imap_server_put(server, " ");
    put_field(server, message, "In-Reply-To");
    imap_server_put(server, " ");
    put_field(server, message, "Message-ID");
    imap_server_put(server, ")");
}

/* ---- Structure ---- */

static void put_parameters(ImapServer *server, const MimeField *field)
{
    guint count = field->parameters != NULL ? field->parameters->len : 0;
    imap_server_put(server, count > 0 ? "(" : "NIL");
    for (guint i = 0; i < count; i++) {
        const MimeParameter *parameter = &g_array_index(field->parameters, MimeParameter, i);
        if (i > 0)
            imap_server_put(server, " ");
        put_nstring(server, parameter->name);
        imap_server_put(server, " ");
        put_nstring(server, parameter->value);
    }
    if (count > 0)
        imap_server_put(server, ")");
}

/* body-ext-1part and body-ext-mpart from the disposition on: it, the languages, the location. */
static void put_extension(ImapServer *server, const MimePart *part)
{
    MimeField disposition = mime_part_field(part, "Content-Disposition");
    if (disposition.type == NULL) {
        imap_server_put(server, " NIL ");
    } else {
        imap_server_put(server, " (");
        put_nstring(server, disposition.type);
        imap_server_put(server, " ");
        put_parameters(server, &disposition);
        imap_server_put(server, ") ");
    }
    put_field(server, part->header, "Content-Language");
    imap_server_put(server, " ");
    put_field(server, part->header, "Content-Location");
    mime_field_clear(&disposition);
}

static size_t count_lines(Span octets)
{
    size_t count = 0;
    for (size_t at = span_find(octets, '\n'); at < octets.length; at = span_find(octets, '\n')) {
        octets = span_skip(octets, at + 1);
        count++;
    }
    return count;
}

static void put_part(ImapServer *server, const MimePart *part, bool is_extended);

static void put_multipart(ImapServer *server, const MimePart *part, bool is_extended)
{
    for (size_t i = 0; i < part->part_count; i++)
        put_part(server, part->parts[i], is_extended);
    imap_server_put(server, " ");
    put_nstring(server, part->content.subtype);
    if (is_extended) {
        imap_server_put(server, " ");
        put_parameters(server, &part->content);
        put_extension(server, part);
    }
}

static void put_single_part(ImapServer *server, const MimePart *part, bool is_extended)
{
    g_autofree char *encoding = mime_part_dup_field(part, "Content-Transfer-Encoding");
    put_nstring(server, part->content.type);
    imap_server_put(server, " ");
    put_nstring(server, part->content.subtype);
    imap_server_put(server, " ");
    put_parameters(server, &part->content);
    imap_server_put(server, " ");
    put_field(server, part->header, "Content-ID");
    imap_server_put(server, " ");
    put_field(server, part->header, "Content-Description");
    imap_server_put(server, " ");
    put_nstring(server, encoding != NULL ? encoding : "7bit");
    imap_server_put(server, " %zu", part->body.length);
    if (mime_part_is_message(part)) {
        imap_server_put(server, " ");
        imap_server_put_envelope(server, part->body);
        imap_server_put(server, " ");
        put_part(server, part->parts[0], is_extended);
    }
    if (mime_part_is_message(part) || g_ascii_strcasecmp(part->content.type, "text") == 0)
        imap_server_put(server, " %zu", count_lines(part->body));
    if (is_extended) {
        imap_server_put(server, " ");
        put_field(server, part->header, "Content-MD5");
        put_extension(server, part);
    }
}

static void put_part(ImapServer *server, const MimePart *part, bool is_extended)
{
    imap_server_put(server, "(");
    if (mime_part_is_multipart(part))
        put_multipart(server, part, is_extended);
    else
        put_single_part(server, part, is_extended);
    imap_server_put(server, ")");
}

void imap_server_put_structure(ImapServer *server, Span message, bool is_extended)
{
    MimePart *root = mime_tree_new(message);
    put_part(server, root, is_extended);
    mime_tree_free(root);
}
