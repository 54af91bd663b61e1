/* Octets kept as shared slices. See slice_queue.h. */
#include "net/slice_queue.h"

#include "core/check.h"

#include <string.h>

enum { FIRST_CAPACITY = 8 };

static Slice *first_slice(const SliceQueue *queue)
{
    return (Slice *)(uintptr_t)slice_queue_first(queue);
}

void slice_queue_clear(SliceQueue *queue)
{
    Slice *slices = first_slice(queue);
    for (uint32_t i = 0; i < queue->count; i++)
        slice_clear(&slices[i]);
    g_free(queue->far);
    *queue = (SliceQueue){0};
}

static void queue_grow(SliceQueue *queue)
{
    uint32_t capacity = queue->far != NULL ? 2 * queue->capacity : FIRST_CAPACITY;
    Slice *slices = g_new(Slice, capacity);
    memcpy(slices, first_slice(queue), queue->count * sizeof(Slice));
    g_free(queue->far);
    queue->far = slices;
    queue->capacity = capacity;
    queue->first = 0;
}

Slice *slice_queue_add_far(SliceQueue *queue)
{
    if (queue->first >= queue->count && queue->first > 0) { /* half is free */
        Slice *slices = first_slice(queue);
        memcpy(slices - queue->first, slices, queue->count * sizeof(Slice));
        queue->first = 0;
    } else {
        queue_grow(queue);
    }
    return first_slice(queue) + queue->count++;
}

void slice_queue_consume(SliceQueue *queue, size_t count)
{
    CHECK(count <= queue->length);
    if (count == 0)
        return;
    queue->length -= (uint32_t)count;
    Slice *front = first_slice(queue);
    for (; count > 0 && count >= front->length; front++) {
        count -= front->length;
        slice_clear(front);
        queue->first++;
        queue->count--;
    }
    if (count > 0) {
        front->offset += count;
        front->length -= count;
    }
    if (queue->count == 0)
        queue->first = 0;
}

Slice slice_queue_shift(SliceQueue *queue, size_t maximum)
{
    if (queue->count == 0 || maximum == 0)
        return (Slice){0};
    Slice *front = first_slice(queue);
    Slice shifted = *front;
    if (shifted.length > maximum) {
        shifted = slice_ref(shifted, 0, maximum);
        front->offset += maximum;
        front->length -= maximum;
    } else {
        queue->count--;
        queue->first = queue->count == 0 ? 0 : queue->first + 1;
    }
    queue->length -= (uint32_t)shifted.length;
    return shifted;
}

bool slice_queue_extend(SliceQueue *queue, const Octets *within, Span octets)
{
    if (queue->count == 0)
        return false;
    Slice *last = first_slice(queue) + queue->count - 1;
    Span before = slice_span(*last);
    if (last->bytes != within || before.data + before.length != octets.data)
        return false;
    last->length += octets.length;
    queue->length += (uint32_t)octets.length;
    return true;
}

Slice slice_queue_gather(const Slice *slice, size_t offset, size_t length)
{
    Octets *gathered = octets_allocate(length);
    for (size_t filled = 0; filled < length; slice++, offset = 0) {
        size_t part = MIN(length - filled, slice->length - offset);
        memcpy(gathered->here + filled, slice_span(*slice).data + offset, part);
        filled += part;
    }
    return (Slice){gathered, 0, length};
}
