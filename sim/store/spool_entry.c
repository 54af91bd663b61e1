/* The form of a spool entry's file: writing and reading it. See spool.h for what it looks like. */
#include "store/spool_entry.h"

#include "core/check.h"
#include "core/text.h"
#include "store/numbers.h"

#include <string.h>

/* The words of the journal; SPOOL_WAITING is never noted. */
static const char *const outcome_words[] = {
    [SPOOL_RELAYED] = "relayed",     [SPOOL_DELIVERED] = "delivered", [SPOOL_BOUNCED] = "bounced",
    [SPOOL_DISCARDED] = "discarded", [SPOOL_EXPANDED] = "expanded",   [SPOOL_DEFERRED] = "deferred",
    [SPOOL_WARNED] = "warned",       [SPOOL_HELD] = "held",           [SPOOL_RELEASED] = "released",
};

/* ---- Writing ---- */

/* Writes the text and the number behind it; returns the end. */
static char *put_number(char *out, const char *text, uint64_t number)
{
    out = stpcpy(out, text);
    return out + text_put_number(number, out);
}

/* Writes the number in as many octets as it needs, seven bits in each; returns the end. */
static uint8_t *pack(uint8_t *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *out++ = (uint8_t)(number | 0x80);
    *out++ = (uint8_t)number;
    return out;
}

static uint64_t unpack(const uint8_t **at)
{
    uint64_t number = 0;
    unsigned shift = 0;
    for (; (**at & 0x80) != 0; shift += 7)
        number |= (uint64_t)(*(*at)++ & 0x7f) << shift;
    return number | (uint64_t) * (*at)++ << shift;
}

/* Of what is allocated, so that its lowest bits are zeros: it takes seven octets, or eight. */
enum { ADDRESS_ZEROS = 3 };

static uint64_t number_of_address(const void *address)
{
    return (uintptr_t)address >> ADDRESS_ZEROS;
}

static void *address_of_number(uint64_t number)
{
    return (void *)(uintptr_t)(number << ADDRESS_ZEROS);
}

/* What the disk keeps of an entry instead of octets. A value's first number says in its lowest bits
 * what it is. */
enum { VALUE_FRONT, VALUE_MESSAGE, VALUE_DEFERRAL, VALUE_KIND_BITS = 2 };

/* What stands before a message in its file. The disk keeps the envelope's address and the numbers,
 * packed. */
typedef struct Front {
    Envelope *envelope;
    size_t message_size;
    SimTime arrived_at;
} Front;

enum { FRONT_NUMBERS_MAX = 128 }; /* octets before the envelope */

/* Writes what stands before the envelope, which has so many octets; returns the end. */
static char *put_numbers(char out[static FRONT_NUMBERS_MAX], const Front *front,
                         size_t envelope_size)
{
    char *end = put_number(out, "spool 1\narrived ", (uint64_t)front->arrived_at);
    end = put_number(end, "\nenvelope ", envelope_size);
    end = put_number(end, "\nmessage ", front->message_size);
    *end++ = '\n';
    return end;
}

static size_t front_size(const Front *front)
{
    char numbers[FRONT_NUMBERS_MAX];
    size_t envelope_size = envelope_put(front->envelope, NULL);
    return (size_t)(put_numbers(numbers, front, envelope_size) - numbers) + envelope_size;
}

static Span front_pack(const Front *front, uint8_t value[static DISK_VALUE_MAX])
{
    uint8_t *end = pack(value, (uint64_t)front->message_size << VALUE_KIND_BITS | VALUE_FRONT);
    end = pack(end, (uint64_t)front->arrived_at);
    end = pack(end, number_of_address(front->envelope));
    return span_of(value, (size_t)(end - value));
}

static Front front_unpack(const uint8_t *value)
{
    Front front = {.message_size = unpack(&value) >> VALUE_KIND_BITS};
    front.arrived_at = (SimTime)unpack(&value);
    front.envelope = address_of_number(unpack(&value));
    return front;
}

static size_t front_write(const uint8_t *value, uint8_t *octets)
{
    Front front = front_unpack(value);
    char numbers[FRONT_NUMBERS_MAX];
    const char *end = put_numbers(numbers, &front, envelope_put(front.envelope, NULL));
    size_t size = (size_t)(end - numbers);
    memcpy(octets, numbers, size);
    return size + envelope_put(front.envelope, (char *)octets + size);
}

enum { NOTE_MAX = 192 };

/* Returns its length. */
static size_t note_format(size_t recipient, const SpoolOutcome *outcome, char line[static NOTE_MAX])
{
    CHECK(outcome->kind != SPOOL_WAITING);
    char *end = put_number(line, "\n", recipient);
    *end++ = ' ';
    end = stpcpy(end, outcome_words[outcome->kind]);
    if (outcome->kind == SPOOL_DEFERRED) {
        end = put_number(end, " ", outcome->retry.attempts);
        end = put_number(end, " ", (uint64_t)outcome->retry.first_failed_at);
        end = put_number(end, " ", (uint64_t)outcome->retry.last_failed_at);
        end = put_number(end, " ", (uint64_t)outcome->retry.due_at);
        end = put_number(end, " ", (uint64_t)outcome->next_at);
    }
    *end++ = ';';
    return (size_t)(end - line);
}

/* A deferral's note, as the disk keeps it: a message that waits has one or more. The times after
 * the first are packed by how much later they are. */
static Span deferral_pack(size_t recipient, const SpoolOutcome *outcome,
                          uint8_t value[static DISK_VALUE_MAX])
{
    const RetryState *retry = &outcome->retry;
    uint64_t first = (uint64_t)retry->first_failed_at, last = (uint64_t)retry->last_failed_at;
    uint64_t due = (uint64_t)retry->due_at;
    uint8_t *end = pack(value, (uint64_t)recipient << VALUE_KIND_BITS | VALUE_DEFERRAL);
    end = pack(end, retry->attempts);
    end = pack(end, first);
    end = pack(end, last - first);
    end = pack(end, due - last);
    end = pack(end, (uint64_t)outcome->next_at - due);
    return span_of(value, (size_t)(end - value));
}

static size_t deferral_write(const uint8_t *value, uint8_t *octets)
{
    char line[NOTE_MAX];
    SpoolOutcome outcome = {.kind = SPOOL_DEFERRED};
    size_t recipient = unpack(&value) >> VALUE_KIND_BITS;
    outcome.retry.attempts = (uint32_t)unpack(&value);
    uint64_t time = unpack(&value);
    outcome.retry.first_failed_at = (SimTime)time;
    outcome.retry.last_failed_at = (SimTime)(time += unpack(&value));
    outcome.retry.due_at = (SimTime)(time += unpack(&value));
    outcome.next_at = (SimTime)(time + unpack(&value));
    size_t length = note_format(recipient, &outcome, line);
    memcpy(octets, line, length);
    return length;
}

/* ---- Steps ---- */

static int kind_of(const uint8_t *value)
{
    return value[0] & ((1 << VALUE_KIND_BITS) - 1);
}

static Span message_pack(const StoredMessage *message, uint8_t value[static DISK_VALUE_MAX])
{
    const uint8_t *end = pack(value, number_of_address(message) << VALUE_KIND_BITS | VALUE_MESSAGE);
    return span_of(value, (size_t)(end - value));
}

static StoredMessage *message_unpack(const uint8_t *value)
{
    return address_of_number(unpack(&value) >> VALUE_KIND_BITS);
}

static size_t message_write(const uint8_t *value, uint8_t *octets)
{
    const StoredMessage *message = message_unpack(value);
    stored_message_copy(message, octets);
    return stored_message_size(message);
}

static size_t value_write(const uint8_t *value, uint8_t *octets)
{
    switch (kind_of(value)) {
    case VALUE_FRONT:
        return front_write(value, octets);
    case VALUE_MESSAGE:
        return message_write(value, octets);
    default:
        return deferral_write(value, octets);
    }
}

static void value_clear(const uint8_t *value)
{
    if (kind_of(value) == VALUE_FRONT)
        envelope_free(front_unpack(value).envelope);
    else if (kind_of(value) == VALUE_MESSAGE)
        stored_message_unref(message_unpack(value));
}

static const DiskValueType value_type = {value_write, value_clear, NULL};

void spool_entry_plan_head(DiskPlan *plan, const char *path, const Envelope *envelope,
                           size_t message_size, SimTime arrived_at)
{
    uint8_t value[DISK_VALUE_MAX];
    Front front = {envelope_copy(envelope), message_size, arrived_at};
    CHECK(arrived_at >= 0);
    disk_plan_write_value(plan, path,
                          (DiskValue){&value_type, front_pack(&front, value), front_size(&front)});
}

void spool_entry_plan_message(DiskPlan *plan, const char *path, StoredMessage *message)
{
    uint8_t value[DISK_VALUE_MAX];
    uint64_t size = stored_message_size(message);
    if (size == 0) {
        disk_plan_append_octets(plan, path, (Span){0});
        return;
    }
    stored_message_ref(message);
    disk_plan_append_value(plan, path,
                           (DiskValue){&value_type, message_pack(message, value), size});
}

void spool_entry_plan_note(DiskPlan *plan, const char *path, size_t recipient,
                           const SpoolOutcome *outcome)
{
    char line[NOTE_MAX];
    uint8_t value[DISK_VALUE_MAX];
    size_t length = note_format(recipient, outcome, line);
    if (outcome->kind == SPOOL_DEFERRED)
        disk_plan_append_value(
            plan, path, (DiskValue){&value_type, deferral_pack(recipient, outcome, value), length});
    else
        disk_plan_append_octets(plan, path, span_of(line, length));
}

/* ---- Sharing ---- */

static void share_envelope(SpoolEntry *entry, const Envelope *kept)
{
    if (!envelope_equals(entry->envelope, kept))
        return;
    envelope_free(entry->envelope);
    entry->envelope = envelope_copy(kept);
}

static void share_message(SpoolEntry *entry, StoredMessage *kept)
{
    if (!stored_message_equals(entry->message, kept))
        return;
    stored_message_unref(entry->message);
    entry->message = stored_message_ref(kept);
}

static void share_value(void *owner, const uint8_t *value)
{
    if (kind_of(value) == VALUE_FRONT)
        share_envelope(owner, front_unpack(value).envelope);
    else if (kind_of(value) == VALUE_MESSAGE)
        share_message(owner, message_unpack(value));
}

void spool_entry_share(SpoolEntry *entry, const Disk *disk, const char *path)
{
    const DiskValueVisitor visitor = {&value_type, share_value, entry};
    disk_each_value(disk, path, &visitor);
}

/* ---- Reading ---- */

static bool take_word(Span *text, const char *word)
{
    size_t length = strlen(word);
    if (text->length < length || memcmp(text->data, word, length) != 0)
        return false;
    *text = span_skip(*text, length);
    return true;
}

static bool take_time(Span *text, char end, SimTime *time)
{
    uint64_t number = 0;
    if (!number_take(text, end, SIM_NEVER, &number))
        return false;
    *time = (SimTime)number;
    return true;
}

static bool take_deferral(Span *text, SpoolOutcome *outcome)
{
    uint64_t attempts = 0;
    RetryState *retry = &outcome->retry;
    if (!take_word(text, " ") || !number_take(text, ' ', RETRY_ATTEMPTS_MAX, &attempts) ||
        !take_time(text, ' ', &retry->first_failed_at) ||
        !take_time(text, ' ', &retry->last_failed_at) || !take_time(text, ' ', &retry->due_at) ||
        !take_time(text, ';', &outcome->next_at))
        return false;
    retry->attempts = (uint32_t)attempts;
    return true;
}

/* What follows the recipient's number, up to the `;`. What comes behind that is a later note whose
 * beginning, LF and all, a loss of power has left as zeros. */
static bool parse_outcome(Span text, SpoolOutcome *outcome)
{
    for (size_t kind = SPOOL_RELAYED; kind < G_N_ELEMENTS(outcome_words); kind++) {
        Span rest = text;
        if (!take_word(&rest, outcome_words[kind]))
            continue;
        outcome->kind = (SpoolOutcomeKind)kind;
        return kind == SPOOL_DEFERRED ? take_deferral(&rest, outcome) : take_word(&rest, ";");
    }
    return false;
}

static void note_outcome(SpoolEntry *entry, size_t i, SpoolOutcome outcome)
{
    SpoolRecipient *recipient = &entry->recipients[i];
    switch (outcome.kind) {
    case SPOOL_WAITING:
        break;
    case SPOOL_RELAYED:
    case SPOOL_DELIVERED:
    case SPOOL_BOUNCED:
    case SPOOL_DISCARDED:
    case SPOOL_EXPANDED:
        recipient->is_done = true;
        break;
    case SPOOL_DEFERRED:
        recipient->retry = outcome.retry;
        recipient->next_at = outcome.next_at;
        break;
    case SPOOL_WARNED:
        recipient->is_warned = true;
        break;
    case SPOOL_HELD:
    case SPOOL_RELEASED:
        entry->is_held = outcome.kind == SPOOL_HELD;
        break;
    }
}

/* A line that is not whole is passed over: it was being written when power failed. */
static void parse_note(SpoolEntry *entry, Span line)
{
    uint64_t recipient = 0;
    SpoolOutcome outcome = {.retry.arrived_at = entry->arrived_at};
    if (number_take(&line, ' ', SIZE_MAX, &recipient) && parse_outcome(line, &outcome) &&
        recipient < entry->envelope->recipient_count)
        note_outcome(entry, recipient, outcome);
    else
        entry->has_torn_note = true;
}

static void parse_journal(SpoolEntry *entry, Span journal)
{
    while (journal.length > 0) {
        size_t length = span_find(journal, '\n');
        if (length > 0)
            parse_note(entry, span_of(journal.data, length));
        journal = span_skip(journal, MIN(length + 1, journal.length));
    }
}

typedef struct Head {
    SimTime arrived_at;
    uint64_t envelope_size, message_size;
} Head;

/* Takes the head off the front of `text`, and checks that what it tells of is all there. */
static bool take_head(Span *text, Head *head)
{
    return take_word(text, "spool 1\narrived ") && take_time(text, '\n', &head->arrived_at) &&
           take_word(text, "envelope ") &&
           number_take(text, '\n', ENVELOPE_TEXT_MAX, &head->envelope_size) &&
           take_word(text, "message ") &&
           number_take(text, '\n', text->length, &head->message_size) &&
           head->envelope_size <= text->length &&
           head->message_size <= text->length - head->envelope_size;
}

static SpoolEntry *entry_new(const char *id, Envelope *envelope, StoredMessage *message,
                             SimTime arrived_at)
{
    SpoolEntry *entry = g_new0(SpoolEntry, 1);
    entry->id = g_strdup(id);
    entry->envelope = envelope;
    entry->message = message;
    entry->arrived_at = arrived_at;
    entry->recipients = g_new0(SpoolRecipient, envelope->recipient_count);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        entry->recipients[i].retry = retry_state_new(arrived_at);
        entry->recipients[i].next_at = arrived_at;
    }
    return entry;
}

SpoolEntry *spool_entry_parse(const char *id, Octets *file)
{
    size_t size = octets_length(file);
    const uint8_t *data = octets_data(file);
    Span rest = span_of(data, size);
    Head head;
    if (!take_head(&rest, &head))
        return NULL;
    Envelope *envelope = envelope_parse(span_of(rest.data, head.envelope_size));
    if (envelope == NULL)
        return NULL;
    rest = span_skip(rest, head.envelope_size);
    StoredMessage *message =
        stored_message_new(NULL, NULL, (Span){0}, (Span){0},
                           slice_new(file, (size_t)(rest.data - data), head.message_size));
    SpoolEntry *entry = entry_new(id, envelope, message, head.arrived_at);
    parse_journal(entry, span_skip(rest, head.message_size));
    return entry;
}

/* ---- The value ---- */

void spool_entry_free(SpoolEntry *entry)
{
    if (entry == NULL)
        return;
    g_free(entry->id);
    envelope_free(entry->envelope);
    stored_message_unref(entry->message);
    g_free(entry->recipients);
    g_free(entry);
}

size_t spool_entry_waiting(const SpoolEntry *entry)
{
    size_t waiting = 0;
    for (size_t i = 0; i < entry->envelope->recipient_count; i++)
        waiting += entry->recipients[i].is_done ? 0 : 1;
    return waiting;
}
