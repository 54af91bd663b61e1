/* A message as servers keep it. See stored_message.h. */
#include "store/stored_message.h"

#include "core/check.h"

#include <string.h>

StoredMessage *stored_message_new(StoredFronts *fronts, const char *return_path, Span fields,
                                  Span front, Slice rest)
{
    Span path = return_path != NULL ? span_of_text(return_path) : (Span){0};
    FrontParts parts = {path, fields, front};
    FrontDifferences differences;
    CHECK(rest.offset + path.length + fields.length + front.length + rest.length <= UINT32_MAX);
    StoredFront *shared = front_take(fronts, &parts, &differences);
    size_t size = sizeof(StoredMessage) + differences.length;
    void *room = rest.bytes != NULL ? octets_take_room(rest.bytes, size) : NULL;
    StoredMessage *message = room != NULL ? room : g_malloc(size);
    *message = (StoredMessage){.references = 1,
                               .is_in_room = room != NULL,
                               .different = differences.length,
                               .rest_offset = (uint32_t)rest.offset,
                               .rest_length = (uint32_t)rest.length,
                               .rest_bytes = rest.bytes,
                               .front = shared};
    memcpy(message->differences, differences.octets, differences.length);
    return message;
}

StoredMessage *stored_message_of_octets(Octets *bytes)
{
    return stored_message_new(NULL, NULL, (Span){0}, (Span){0},
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
    Octets *rest = message->rest_bytes;
    front_unref(message->front);
    if (message->is_in_room)
        octets_give_room_back(rest);
    else
        g_free(message);
    octets_unref(rest);
}

/* ---- What it is made of ---- */

/* Whether with all that a mailbox gets, or as it is passed on. */
typedef enum Extent { AS_PASSED_ON, AS_DELIVERED } Extent;

static size_t front_length(const StoredMessage *message, Extent extent)
{
    size_t path = extent == AS_DELIVERED ? stored_message_path_length(message) : 0;
    return path + stored_message_front_length(message);
}

static Span rest_of(const StoredMessage *message)
{
    return slice_span(stored_message_rest(message));
}

static void put_front(const StoredMessage *message, Extent extent, uint8_t *out)
{
    size_t from = extent == AS_DELIVERED ? 0 : stored_message_path_length(message);
    front_put(message->front, span_of(message->differences, message->different), from, out);
}

static void put_all(const StoredMessage *message, Extent extent, uint8_t *out)
{
    put_front(message, extent, out);
    span_put(out + front_length(message, extent), rest_of(message));
}

uint8_t *stored_message_copy_front(const StoredMessage *message)
{
    uint8_t *front = g_malloc(stored_message_front_length(message));
    put_front(message, AS_PASSED_ON, front);
    return front;
}

void stored_message_copy(const StoredMessage *message, uint8_t *octets)
{
    put_all(message, AS_PASSED_ON, octets);
}

/* The message's rest by itself, where that is all, else a copy. */
static Octets *join(const StoredMessage *message, Extent extent)
{
    size_t front = front_length(message, extent);
    Octets *rest = message->rest_bytes;
    if (front == 0 && rest != NULL && message->rest_length == octets_length(rest))
        return octets_ref(rest);
    Octets *joined = octets_allocate(front + message->rest_length);
    put_all(message, extent, joined->here);
    return joined;
}

Octets *stored_message_join(const StoredMessage *message)
{
    return join(message, AS_PASSED_ON);
}

Octets *stored_message_join_delivered(const StoredMessage *message)
{
    return join(message, AS_DELIVERED);
}

StoredMessage *stored_message_with_fields(const StoredMessage *message, Span fields)
{
    g_autofree uint8_t *front = stored_message_copy_front(message);
    Slice rest = stored_message_rest(message);
    StoredMessage *made =
        stored_message_new(NULL, NULL, fields, span_of(front, stored_message_front_length(message)),
                           slice_ref(rest, 0, rest.length));
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
    put_all(message, AS_DELIVERED, octets);
    return stored_message_delivered_size(message);
}

static void value_begin(const uint8_t *value, uint8_t *octets, size_t count)
{
    const StoredMessage *message = value_unpack(value);
    size_t length = front_length(message, AS_DELIVERED);
    if (length <= count) {
        put_front(message, AS_DELIVERED, octets);
        span_put(octets + length, span_of(rest_of(message).data, count - length));
        return;
    }
    g_autofree uint8_t *front = g_malloc(length);
    put_front(message, AS_DELIVERED, front);
    span_put(octets, span_of(front, count));
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
