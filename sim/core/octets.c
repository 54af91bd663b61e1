/* Immutable octets. See octets.h. */
#include "core/octets.h"

#include <malloc.h>
#include <string.h>

Octets *octets_allocate(size_t length)
{
    Octets *octets = g_malloc(sizeof *octets + length);
    octets->references = 1;
    octets->is_plain = false;
    octets->is_room_taken = false;
    octets->length = length;
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
    enum { ALIGNMENT = _Alignof(max_align_t) };
    size_t end = (sizeof *octets + octets->length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (octets->is_room_taken || malloc_usable_size(octets) < end + size)
        return NULL;
    octets->is_room_taken = true;
    return (char *)octets + end;
}

void octets_give_room_back(Octets *octets)
{
    octets->is_room_taken = false;
}
