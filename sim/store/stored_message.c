/* A message as servers keep it. See stored_message.h. */
#include "store/stored_message.h"

#include "core/check.h"

#include <string.h>

static uint8_t *put(uint8_t *at, Span octets)
{
    if (octets.length > 0)
        memcpy(at, octets.data, octets.length);
    return at + octets.length;
}

StoredMessage *stored_message_new(const char *return_path, Span fields, Span front, Slice rest)
{
    Span path = return_path != NULL ? span_of_text(return_path) : (Span){0};
    size_t length = path.length + fields.length + front.length;
    CHECK(length + rest.length <= UINT32_MAX);
    StoredMessage *message = g_malloc(sizeof *message + length);
    *message = (StoredMessage){.references = 1,
                               .front_length = (uint32_t)length,
                               .path_length = (uint32_t)path.length,
                               .rest = rest};
    put(put(put(message->front, path), fields), front);
    return message;
}

StoredMessage *stored_message_of_octets(Octets *bytes)
{
    return stored_message_new(NULL, (Span){0}, (Span){0},
                              slice_new(bytes, 0, octets_length(bytes)));
}

StoredMessage *stored_message_ref(StoredMessage *message)
{
    message->references++;
    return message;
}

void stored_message_unref(StoredMessage *message)
{
    if (message == NULL || --message->references > 0)
        return;
    slice_clear(&message->rest);
    g_free(message);
}

void stored_message_copy(const StoredMessage *message, uint8_t *octets)
{
    put(put(octets, stored_message_front(message)), slice_span(message->rest));
}

static Span whole_front(const StoredMessage *message)
{
    return span_of(message->front, message->front_length);
}

/* `front`, which is the message's or the end of it, and what is behind that. */
static Octets *join(const StoredMessage *message, Span front)
{
    const Slice *rest = &message->rest;
    if (front.length == 0 && rest->bytes != NULL && rest->length == octets_length(rest->bytes))
        return octets_ref(rest->bytes);
    Octets *joined = octets_allocate(front.length + rest->length);
    put(put(joined->here, front), slice_span(*rest));
    return joined;
}

Octets *stored_message_join(const StoredMessage *message)
{
    return join(message, stored_message_front(message));
}

Octets *stored_message_join_delivered(const StoredMessage *message)
{
    return join(message, whole_front(message));
}

StoredMessage *stored_message_with_fields(const StoredMessage *message, Span fields)
{
    StoredMessage *made = stored_message_new(NULL, fields, stored_message_front(message),
                                             slice_ref(message->rest, 0, message->rest.length));
    made->is_plain = message->is_plain;
    made->is_ascii = message->is_ascii && span_is_ascii(fields);
    return made;
}

bool stored_message_equals(const StoredMessage *a, const StoredMessage *b)
{
    if (stored_message_size(a) != stored_message_size(b))
        return false;
    g_autoptr(Octets) first = stored_message_join(a);
    g_autoptr(Octets) second = stored_message_join(b);
    return octets_equal(first, second);
}

/* ---- In a mailbox: a reference, and the octets when somebody reads them ---- */

static StoredMessage *value_unpack(const uint8_t *value)
{
    StoredMessage *message;
    memcpy(&message, value, sizeof(StoredMessage *));
    return message;
}

static size_t value_write(const uint8_t *value, uint8_t *octets)
{
    const StoredMessage *message = value_unpack(value);
    put(put(octets, whole_front(message)), slice_span(message->rest));
    return stored_message_delivered_size(message);
}

static void value_begin(const uint8_t *value, uint8_t *octets, size_t count)
{
    const StoredMessage *message = value_unpack(value);
    size_t front = MIN(message->front_length, count);
    uint8_t *end = put(octets, span_of(message->front, front));
    put(end, span_of(slice_span(message->rest).data, count - front));
}

static void value_clear(const uint8_t *value)
{
    stored_message_unref(value_unpack(value));
}

void disk_plan_write_delivered(DiskPlan *plan, const char *path, StoredMessage *message)
{
    static const DiskValueType type = {value_write, value_clear, value_begin};
    size_t size = stored_message_delivered_size(message);
    if (size == 0) {
        g_autoptr(Octets) nothing = octets_new(NULL, 0);
        disk_plan_write(plan, path, nothing);
        return;
    }
    stored_message_ref(message);
    disk_plan_write_value(plan, path,
                          (DiskValue){&type, span_of(&message, sizeof(StoredMessage *)), size});
}
