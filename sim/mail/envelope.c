/* The envelope and its form in the spool. See envelope.h. */
#include "mail/envelope.h"

#include "core/sanitized.h"
#include "core/text.h"
#include "mail/address.h"
#include "mail/xtext.h"

#include <string.h>

/* ---- The value ---- */

Envelope *envelope_new(const char *reverse_path)
{
    const char *path = reverse_path != NULL ? reverse_path : "";
    CHECK_SANITIZED(address_text_is_valid(path));
    Envelope *envelope = g_new0(Envelope, 1);
    envelope->reverse_path = g_strdup(path);
    return envelope;
}

/* Puts a copy of the text behind the others; NULL stays NULL. */
static char *put_text(char **end, const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = *end;
    *end = stpcpy(copy, text) + 1;
    return copy;
}

static size_t text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static size_t texts_size(const Envelope *envelope)
{
    size_t size = text_size(envelope->reverse_path) + text_size(envelope->id) +
                  text_size(envelope->origin.entry) + text_size(envelope->origin.how);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        size += text_size(envelope->recipients[i].address) +
                text_size(envelope->recipients[i].original);
    return size;
}

Envelope *envelope_copy(const Envelope *envelope)
{
    size_t recipients_size = envelope->recipient_count * sizeof(Recipient);
    Envelope *copy = g_malloc(sizeof *copy + recipients_size + texts_size(envelope));
    *copy = *envelope;
    copy->is_one_piece = true;
    copy->recipients = (Recipient *)(void *)(copy + 1);
    char *end = (char *)(copy->recipients + envelope->recipient_count);
    copy->reverse_path = put_text(&end, envelope->reverse_path);
    copy->id = put_text(&end, envelope->id);
    copy->origin.entry = put_text(&end, envelope->origin.entry);
    copy->origin.how = put_text(&end, envelope->origin.how);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        copy->recipients[i] = envelope->recipients[i];
        copy->recipients[i].address = put_text(&end, envelope->recipients[i].address);
        copy->recipients[i].original = put_text(&end, envelope->recipients[i].original);
    }
    return copy;
}

static void free_pieces(Envelope *envelope)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        g_free(envelope->recipients[i].address);
        g_free(envelope->recipients[i].original);
    }
    g_free(envelope->recipients);
    g_free(envelope->reverse_path);
    g_free(envelope->id);
    g_free(envelope->origin.entry);
    g_free(envelope->origin.how);
}

void envelope_free(Envelope *envelope)
{
    if (envelope == NULL)
        return;
    if (!envelope->is_one_piece)
        free_pieces(envelope);
    g_free(envelope);
}

/* The limits of RFC 3461 count the text as a command carries it. */
static bool fits_as_xtext(const char *text, size_t maximum)
{
    g_autofree char *xtext = xtext_encode(span_of_text(text));
    return strlen(xtext) <= maximum;
}

bool envelope_set_id(Envelope *envelope, const char *id)
{
    if (id != NULL && (id[0] == '\0' || !fits_as_xtext(id, ENVELOPE_ENVID_MAX)))
        return false;
    CHECK(!envelope->is_one_piece);
    g_free(envelope->id);
    envelope->id = g_strdup(id);
    return true;
}

static bool is_word(const char *text)
{
    size_t length = 0;
    while (g_ascii_isgraph(text[length]))
        length++;
    return length > 0 && length <= ENVELOPE_WORD_MAX && text[length] == '\0';
}

void envelope_set_origin(Envelope *envelope, const char *entry, size_t recipient, const char *how)
{
    CHECK(is_word(entry) && is_word(how) && recipient < ENVELOPE_RECIPIENTS_MAX);
    CHECK(!envelope->is_one_piece);
    Origin before = envelope->origin;
    envelope->origin = (Origin){g_strdup(entry), recipient, g_strdup(how)};
    g_free(before.entry);
    g_free(before.how);
}

/* Makes room for one more; the array doubles whenever its count is a power of two. */
static void reserve_recipient(Envelope *envelope)
{
    size_t count = envelope->recipient_count;
    if ((count & (count - 1)) == 0)
        envelope->recipients = g_renew(Recipient, envelope->recipients, MAX(2 * count, 1));
}

/* original-recipient-address = addr-type ";" xtext (RFC 3461 §4.2) */
bool envelope_is_original(const char *original)
{
    return strchr(original, ';') != NULL && original[0] != ';' &&
           fits_as_xtext(original, ENVELOPE_ORCPT_MAX);
}

bool envelope_add_recipient(Envelope *envelope, const char *address, uint8_t notify,
                            const char *original)
{
    CHECK(address[0] != '\0' && !envelope->is_one_piece);
    CHECK_SANITIZED(address_text_is_valid(address));
    if (envelope->recipient_count == ENVELOPE_RECIPIENTS_MAX)
        return false;
    if (original != NULL && !envelope_is_original(original))
        return false;
    reserve_recipient(envelope);
    envelope->recipients[envelope->recipient_count++] =
        (Recipient){.address = g_strdup(address), .original = g_strdup(original), .notify = notify};
    return true;
}

bool envelope_has_recipient(const Envelope *envelope, const char *address)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (strcmp(envelope->recipients[i].address, address) == 0)
            return true;
    }
    return false;
}

bool envelope_equals(const Envelope *a, const Envelope *b)
{
    if (strcmp(a->reverse_path, b->reverse_path) != 0 || g_strcmp0(a->id, b->id) != 0 ||
        a->return_content != b->return_content || a->recipient_count != b->recipient_count ||
        g_strcmp0(a->origin.entry, b->origin.entry) != 0 ||
        a->origin.recipient != b->origin.recipient || g_strcmp0(a->origin.how, b->origin.how) != 0)
        return false;
    for (size_t i = 0; i < a->recipient_count; i++) {
        const Recipient *first = &a->recipients[i], *second = &b->recipients[i];
        if (strcmp(first->address, second->address) != 0 || first->notify != second->notify ||
            g_strcmp0(first->original, second->original) != 0)
            return false;
    }
    return true;
}

/* ---- NOTIFY ---- */

static const struct NotifyWord {
    const char *word;
    uint8_t bit;
} notify_words[] = {
    {"NEVER", NOTIFY_NEVER},
    {"SUCCESS", NOTIFY_SUCCESS},
    {"FAILURE", NOTIFY_FAILURE},
    {"DELAY", NOTIFY_DELAY},
};

bool notify_wants_failure(uint8_t notify)
{
    return notify == 0 || (notify & NOTIFY_FAILURE) != 0;
}

bool notify_wants_delay(uint8_t notify)
{
    return notify == 0 || (notify & NOTIFY_DELAY) != 0;
}

bool notify_wants_success(uint8_t notify)
{
    return (notify & NOTIFY_SUCCESS) != 0;
}

char *notify_format(uint8_t notify)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(notify_words); i++)
        if ((notify & notify_words[i].bit) != 0)
            g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "", notify_words[i].word);
    return g_string_free(text, FALSE);
}

static uint8_t notify_bit_of(Span word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(notify_words); i++)
        if (span_equals_text_nocase(word, notify_words[i].word))
            return notify_words[i].bit;
    return 0;
}

bool notify_parse(Span text, uint8_t *notify)
{
    uint8_t bits = 0;
    *notify = 0;
    for (;;) {
        size_t comma = span_find(text, ',');
        uint8_t bit = notify_bit_of(span_of(text.data, comma));
        if (bit == 0)
            return false;
        bits |= bit;
        if (comma == text.length)
            break;
        text = span_skip(text, comma + 1);
    }
    if ((bits & NOTIFY_NEVER) != 0 && bits != NOTIFY_NEVER) /* RFC 3461 §4.1 */
        return false;
    *notify = bits;
    return true;
}

/* ---- Writing ---- */

static const char *return_word(ReturnContent content)
{
    return content == RETURN_FULL ? "full" : "hdrs";
}

static void format_recipient(GString *text, const Recipient *recipient)
{
    g_string_append(text, "to <");
    g_string_append(text, recipient->address);
    g_string_append_c(text, '>');
    if (recipient->notify != 0) {
        g_autofree char *notify = notify_format(recipient->notify);
        g_string_append_printf(text, " notify=%s", notify);
    }
    if (recipient->original != NULL) {
        g_autofree char *xtext = xtext_encode(span_of_text(recipient->original));
        g_string_append_printf(text, " orcpt=%s", xtext);
    }
    g_string_append_c(text, '\n');
}

char *envelope_format(const Envelope *envelope)
{
    enum { USUAL_LENGTH = 128 };
    GString *text = g_string_sized_new(USUAL_LENGTH);
    g_string_append(text, "envelope 1\nfrom <");
    g_string_append(text, envelope->reverse_path);
    g_string_append(text, ">\n");
    if (envelope->id != NULL) {
        g_autofree char *xtext = xtext_encode(span_of_text(envelope->id));
        g_string_append_printf(text, "envid %s\n", xtext);
    }
    if (envelope->return_content != RETURN_NOT_GIVEN)
        g_string_append_printf(text, "ret %s\n", return_word(envelope->return_content));
    if (envelope->origin.entry != NULL)
        g_string_append_printf(text, "origin %s %zu %s\n", envelope->origin.entry,
                               envelope->origin.recipient, envelope->origin.how);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        format_recipient(text, &envelope->recipients[i]);
    g_string_append(text, "end ");
    text_append_number(text, envelope->recipient_count);
    g_string_append_c(text, '\n');
    CHECK(text->len <= ENVELOPE_TEXT_MAX);
    return g_string_free(text, FALSE);
}

/* ---- Reading ----
 *
 * Read generously, then written again and compared: so nothing but what envelope_format writes is
 * ever taken, whatever the spool's disk has done to it. */

/* Takes `word` off the front of `text`. */
static bool take_word(Span *text, const char *word)
{
    if (!span_starts_with_nocase(*text, word))
        return false;
    *text = span_skip(*text, strlen(word));
    return true;
}

/* Takes what stands before `end`, and `end`, off the front of `text`. */
static bool take_until(Span *text, char end, Span *part)
{
    size_t length = span_find(*text, (uint8_t)end);
    if (length == text->length)
        return false;
    *part = span_of(text->data, length);
    *text = span_skip(*text, length + 1);
    return true;
}

/* Takes `<address>` off the front of `text`; NULL when there is none. To free. */
static char *take_path(Span *text)
{
    Address ignored;
    size_t used = 0;
    if (address_scan_path(*text, &ignored, &used) != ADDRESS_OK)
        return NULL;
    g_autofree char *address = span_dup_text(span_of(text->data + 1, used - 2));
    *text = span_skip(*text, used);
    return address_text_is_valid(address) ? g_steal_pointer(&address) : NULL;
}

static bool parse_recipient(Envelope *envelope, Span line)
{
    g_autofree char *original = NULL;
    uint8_t notify = 0;
    g_autofree char *address = take_path(&line);
    if (address == NULL || address[0] == '\0')
        return false;
    if (take_word(&line, " notify=")) {
        size_t length = span_find(line, ' ');
        if (!notify_parse(span_of(line.data, length), &notify))
            return false;
        line = span_skip(line, length);
    }
    if (take_word(&line, " orcpt=")) {
        original = xtext_decode(line);
        if (original == NULL)
            return false;
        line = span_skip(line, line.length);
    }
    return line.length == 0 && envelope_add_recipient(envelope, address, notify, original);
}

static bool parse_id(Envelope *envelope, Span line)
{
    g_autofree char *id = xtext_decode(line);
    return id != NULL && envelope_set_id(envelope, id);
}

static bool parse_return_content(Envelope *envelope, Span line)
{
    bool full = span_equals_text_nocase(line, return_word(RETURN_FULL));
    envelope->return_content = full ? RETURN_FULL : RETURN_HEADERS;
    return full || span_equals_text_nocase(line, return_word(RETURN_HEADERS));
}

static bool parse_origin(Envelope *envelope, Span line)
{
    Span entry, number;
    if (!take_until(&line, ' ', &entry) || !take_until(&line, ' ', &number))
        return false;
    g_autofree char *entry_text = span_dup_text(entry), *number_text = span_dup_text(number);
    g_autofree char *how = span_dup_text(line);
    guint64 recipient = 0;
    if (!is_word(entry_text) || !is_word(how) ||
        !g_ascii_string_to_unsigned(number_text, 10, 0, ENVELOPE_RECIPIENTS_MAX - 1, &recipient,
                                    NULL))
        return false;
    envelope_set_origin(envelope, entry_text, (size_t)recipient, how);
    return true;
}

/* The lines after `from`. What they may not be, or in what order, the comparison tells. */
static bool parse_line(Envelope *envelope, Span line)
{
    if (take_word(&line, "to "))
        return parse_recipient(envelope, line);
    if (take_word(&line, "envid "))
        return parse_id(envelope, line);
    if (take_word(&line, "ret "))
        return parse_return_content(envelope, line);
    if (take_word(&line, "origin "))
        return parse_origin(envelope, line);
    return take_word(&line, "end ");
}

Envelope *envelope_parse(Span text)
{
    Span rest = text, line;
    if (text.length > ENVELOPE_TEXT_MAX || !take_word(&rest, "envelope 1\nfrom "))
        return NULL;
    g_autofree char *reverse_path = take_path(&rest);
    if (reverse_path == NULL || !take_word(&rest, "\n"))
        return NULL;
    g_autoptr(Envelope) envelope = envelope_new(reverse_path);
    while (rest.length > 0)
        if (!take_until(&rest, '\n', &line) || !parse_line(envelope, line))
            return NULL;
    g_autofree char *again = envelope_format(envelope);
    return span_equals(text, span_of_text(again)) ? g_steal_pointer(&envelope) : NULL;
}
