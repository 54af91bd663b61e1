/* Immutable octets. See octets.h. */
#include "core/octets.h"

#include "core/check.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

/* Where the room begins. */
static size_t end_of(size_t length)
{
    enum { ALIGNMENT = _Alignof(max_align_t) };
    return (sizeof(Octets) + length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

Octets *octets_allocate(size_t length)
{
    bool has_room = length >= OCTETS_MANY;
    Octets *octets = g_malloc(has_room ? end_of(length) + OCTETS_ROOM : sizeof(Octets) + length);
    octets->references = 1;
    octets->is_plain = false;
    octets->has_room = has_room;
    octets->length = length;
    if (has_room)
        ASAN_POISON_MEMORY_REGION((uint8_t *)octets + end_of(length), OCTETS_ROOM);
    return octets;
}

Octets *octets_new(const void *data, size_t length)
{
    Octets *octets = octets_allocate(length);
    if (length > 0)
        memcpy(octets->here, data, length);
    return octets;
}

Octets *octets_of_array(GByteArray *array)
{
    Octets *octets = octets_new(array->data, array->len);
    g_byte_array_unref(array);
    return octets;
}

bool octets_equal(const Octets *a, const Octets *b)
{
    return a->length == b->length &&
           (a->length == 0 || memcmp(octets_data(a), octets_data(b), a->length) == 0);
}

void *octets_take_room(Octets *octets, size_t size)
{
    if (!octets->has_room || size > OCTETS_ROOM)
        return NULL;
    octets->has_room = false;
    void *room = (uint8_t *)octets + end_of(octets->length);
    ASAN_UNPOISON_MEMORY_REGION(room, size);
    return room;
}

void octets_give_room_back(Octets *octets)
{
    CHECK(!octets->has_room);
    ASAN_POISON_MEMORY_REGION((uint8_t *)octets + end_of(octets->length), OCTETS_ROOM);
    octets->has_room = true;
}
