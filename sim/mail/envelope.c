/* The envelope and its form in the spool. See envelope.h. */
#include "mail/envelope.h"

#include "core/sanitized.h"
#include "core/text.h"
#include "mail/address.h"
#include "mail/xtext.h"

#include <string.h>

/* ---- The value ---- */

/* An envelope that grows. What a usual one has, one recipient and short texts, lies in the same
 * piece of memory; what does not fit in is on its own. */
typedef struct Growing {
    Envelope envelope; /* the first, so that both have one address */
    Recipient first;
    EnvelopeMore more; /* where the envelope has more */
    size_t used;       /* of the room */
    char room[128];
} Growing;

static Growing *growing_of(Envelope *envelope)
{
    CHECK(!envelope->is_small);
    return (Growing *)(void *)envelope;
}

/* A copy that the envelope keeps; NULL stays NULL. */
static char *keep_text(Envelope *envelope, const char *text)
{
    Growing *growing = growing_of(envelope);
    CHECK(!envelope->is_final);
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    if (size > sizeof growing->room - growing->used)
        return g_strdup(text);
    char *copy = memcpy(growing->room + growing->used, text, size);
    growing->used += size;
    return copy;
}

static void drop_text(Envelope *envelope, char *text)
{
    const Growing *growing = growing_of(envelope);
    if (text < growing->room || text >= growing->room + sizeof growing->room)
        g_free(text);
}

/* A copy has it behind the recipients. NULL: there is nothing of it. */
static const EnvelopeMore *more_of(const Envelope *envelope)
{
    if (!envelope->has_more)
        return NULL;
    if (envelope->is_small)
        return (const EnvelopeMore *)(void *)(envelope->recipients + envelope->recipient_count);
    return &((const Growing *)(const void *)envelope)->more;
}

const char *envelope_id(const Envelope *envelope)
{
    const EnvelopeMore *more = more_of(envelope);
    return more != NULL ? more->id : NULL;
}

const Origin *envelope_origin(const Envelope *envelope)
{
    static const Origin none = {0};
    const EnvelopeMore *more = more_of(envelope);
    return more != NULL ? &more->origin : &none;
}

/* Where the id and the origin of an envelope that grows are. */
static EnvelopeMore *need_more(Envelope *envelope)
{
    Growing *growing = growing_of(envelope);
    CHECK(!envelope->is_final);
    if (!envelope->has_more)
        growing->more = (EnvelopeMore){0};
    envelope->has_more = true;
    return &growing->more;
}

Envelope *envelope_new(const char *reverse_path)
{
    const char *path = reverse_path != NULL ? reverse_path : "";
    CHECK(!span_has_control(span_of_text(path)));
    CHECK_SANITIZED(address_text_is_valid(path));
    Growing *growing = g_malloc(sizeof *growing); /* of which nothing else is read unwritten */
    growing->envelope = (Envelope){.recipients = &growing->first, .references = 1};
    growing->used = 0;
    growing->envelope.reverse_path = keep_text(&growing->envelope, path);
    return &growing->envelope;
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

static size_t copy_size(const Envelope *envelope)
{
    const EnvelopeMore *more = more_of(envelope);
    size_t size = sizeof *envelope + envelope->recipient_count * sizeof(Recipient);
    if (more != NULL)
        size += sizeof *more + text_size(more->id) + text_size(more->origin.entry) +
                text_size(more->origin.how);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        size += text_size(envelope->recipients[i].original);
    return size;
}

void envelope_finish(Envelope *envelope)
{
    envelope->is_final = true;
}

Envelope *envelope_copy(const Envelope *envelope)
{
    if (envelope->is_final) {
        Envelope *same = (Envelope *)envelope;
        same->references++;
        return same;
    }
    Envelope *copy = g_malloc(copy_size(envelope));
    *copy = *envelope;
    copy->references = 1;
    copy->is_final = true;
    copy->is_small = true;
    copy->recipients = (Recipient *)(void *)(copy + 1);
    char *end = (char *)(copy->recipients + envelope->recipient_count);
    if (envelope->has_more) {
        EnvelopeMore *more = memcpy(end, more_of(envelope), sizeof *more);
        end += sizeof *more;
        more->id = put_text(&end, more->id);
        more->origin.entry = put_text(&end, more->origin.entry);
        more->origin.how = put_text(&end, more->origin.how);
    }
    copy->reverse_path = g_ref_string_new_intern(envelope->reverse_path);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        copy->recipients[i] = envelope->recipients[i];
        copy->recipients[i].address = g_ref_string_new_intern(envelope->recipients[i].address);
        copy->recipients[i].original = put_text(&end, envelope->recipients[i].original);
    }
    return copy;
}

/* Of a copy: the addresses that it shares. */
static void release_addresses(const Envelope *envelope)
{
    g_ref_string_release(envelope->reverse_path);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        g_ref_string_release(envelope->recipients[i].address);
}

static void free_pieces(Envelope *envelope)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        drop_text(envelope, envelope->recipients[i].address);
        drop_text(envelope, envelope->recipients[i].original);
    }
    if (envelope->recipients != &growing_of(envelope)->first)
        g_free(envelope->recipients);
    drop_text(envelope, envelope->reverse_path);
    if (envelope->has_more) {
        const EnvelopeMore *more = more_of(envelope);
        drop_text(envelope, more->id);
        drop_text(envelope, more->origin.entry);
        drop_text(envelope, more->origin.how);
    }
}

void envelope_free(Envelope *envelope)
{
    if (envelope == NULL || --envelope->references > 0)
        return;
    if (envelope->is_small)
        release_addresses(envelope);
    else
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
    EnvelopeMore *more = need_more(envelope);
    drop_text(envelope, more->id);
    more->id = keep_text(envelope, id);
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
    EnvelopeMore *more = need_more(envelope);
    Origin before = more->origin;
    more->origin = (Origin){keep_text(envelope, entry), recipient, keep_text(envelope, how)};
    drop_text(envelope, before.entry);
    drop_text(envelope, before.how);
}

/* Makes room for one more; the array doubles whenever its count is a power of two. */
static void reserve_recipient(Envelope *envelope)
{
    Growing *growing = growing_of(envelope);
    size_t count = envelope->recipient_count;
    if (count == 0 || (count & (count - 1)) != 0)
        return;
    bool is_second = envelope->recipients == &growing->first;
    envelope->recipients = g_renew(Recipient, is_second ? NULL : envelope->recipients, 2 * count);
    if (is_second)
        envelope->recipients[0] = growing->first;
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
    CHECK(address[0] != '\0' && !span_has_control(span_of_text(address)));
    CHECK_SANITIZED(address_text_is_valid(address));
    if (envelope->recipient_count == ENVELOPE_RECIPIENTS_MAX)
        return false;
    if (original != NULL && !envelope_is_original(original))
        return false;
    reserve_recipient(envelope);
    envelope->recipients[envelope->recipient_count++] =
        (Recipient){.address = keep_text(envelope, address),
                    .original = keep_text(envelope, original),
                    .notify = notify};
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
    const Origin *from = envelope_origin(a), *other = envelope_origin(b);
    if (strcmp(a->reverse_path, b->reverse_path) != 0 ||
        g_strcmp0(envelope_id(a), envelope_id(b)) != 0 || a->return_content != b->return_content ||
        a->recipient_count != b->recipient_count || g_strcmp0(from->entry, other->entry) != 0 ||
        from->recipient != other->recipient || g_strcmp0(from->how, other->how) != 0)
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
    char text[sizeof "NEVER,SUCCESS,FAILURE,DELAY"] = "", *end = text;
    for (size_t i = 0; i < G_N_ELEMENTS(notify_words); i++)
        if ((notify & notify_words[i].bit) != 0)
            end = stpcpy(stpcpy(end, end > text ? "," : ""), notify_words[i].word);
    return g_strdup(text);
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

/* A text that is written, or only measured. */
typedef struct Writer {
    char *out; /* NULL: only measured */
    size_t length;
} Writer;

static void put(Writer *writer, const char *text)
{
    size_t length = strlen(text);
    if (writer->out != NULL)
        memcpy(writer->out + writer->length, text, length);
    writer->length += length;
}

static void put_between(Writer *writer, const char *before, const char *text, const char *behind)
{
    put(writer, before);
    put(writer, text);
    put(writer, behind);
}

static void put_number(Writer *writer, uint64_t number)
{
    char digits[TEXT_NUMBER_SIZE];
    put(writer, text_number(number, 1, digits));
}

static void put_xtext(Writer *writer, const char *before, const char *text)
{
    g_autofree char *xtext = xtext_encode(span_of_text(text));
    put_between(writer, before, xtext, "");
}

static void put_origin(Writer *writer, const Origin *origin)
{
    put_between(writer, "origin ", origin->entry, " ");
    put_number(writer, origin->recipient);
    put_between(writer, " ", origin->how, "\n");
}

static void put_recipient(Writer *writer, const Recipient *recipient)
{
    put_between(writer, "to <", recipient->address, ">");
    if (recipient->notify != 0) {
        g_autofree char *notify = notify_format(recipient->notify);
        put_between(writer, " notify=", notify, "");
    }
    if (recipient->original != NULL)
        put_xtext(writer, " orcpt=", recipient->original);
    put(writer, "\n");
}

size_t envelope_put(const Envelope *envelope, char *out)
{
    Writer writer = {.out = out};
    put_between(&writer, "envelope 1\nfrom <", envelope->reverse_path, ">\n");
    if (envelope_id(envelope) != NULL) {
        put_xtext(&writer, "envid ", envelope_id(envelope));
        put(&writer, "\n");
    }
    if (envelope->return_content != RETURN_NOT_GIVEN)
        put_between(&writer, "ret ", return_word(envelope->return_content), "\n");
    if (envelope_origin(envelope)->entry != NULL)
        put_origin(&writer, envelope_origin(envelope));
    for (size_t i = 0; i < envelope->recipient_count; i++)
        put_recipient(&writer, &envelope->recipients[i]);
    put(&writer, "end ");
    put_number(&writer, envelope->recipient_count);
    put(&writer, "\n");
    CHECK(writer.length <= ENVELOPE_TEXT_MAX);
    return writer.length;
}

char *envelope_format(const Envelope *envelope)
{
    char *text = g_malloc(envelope_put(envelope, NULL) + 1);
    text[envelope_put(envelope, text)] = '\0';
    return text;
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
