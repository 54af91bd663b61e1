/* A queue of octets kept as shared slices: appended at the end, dropped from the front, and cut out
 * of the middle by reference. The send and receive buffers of TCP are such queues. */
#pragma once

#include "core/bytes.h"

#include <stddef.h>
#include <stdint.h>

/* What a connection mostly holds, and holds in itself: memory of its own for that would cost more
 * than all else that is done with it. */
enum { SLICE_QUEUE_NEAR = 2 };

/* A zero SliceQueue is empty. Whoever appends keeps its maximum length. */
typedef struct SliceQueue {
    uint32_t length;       /* octets */
    uint32_t first, count; /* of the slices: `count` from the one at `first` on are in use */
    uint32_t capacity;     /* of `far` */
    Slice *far;            /* where they are once there have been many; NULL: in `near` */
    Slice near[SLICE_QUEUE_NEAR];
} SliceQueue;

void slice_queue_clear(SliceQueue *queue);
/* slice_queue_add where there is no room behind the last slice: moves the slices to the front, or
 * to more memory. */
Slice *slice_queue_add_far(SliceQueue *queue);
/* Drops `count` octets from the front; `count` is at most queue->length. */
void slice_queue_consume(SliceQueue *queue, size_t count);
/* Cuts at most `maximum` octets off the front, no more than the first slice has; the caller owns
 * them. */
Slice slice_queue_shift(SliceQueue *queue, size_t maximum);
/* Makes the last slice longer by octets that lie right behind it in its bytes; false, nothing done:
 * they do not. */
bool slice_queue_extend(SliceQueue *queue, const Octets *within, Span octets);
/* Fresh bytes with what lies in `slice` from `offset` on and in those behind it. */
Slice slice_queue_gather(const Slice *slice, size_t offset, size_t length);

static inline const Slice *slice_queue_first(const SliceQueue *queue)
{
    return (queue->far != NULL ? queue->far : queue->near) + queue->first;
}

/* The place behind the last slice, which the queue counts from now on. */
static inline Slice *slice_queue_add(SliceQueue *queue)
{
    Slice *slices = queue->far != NULL ? queue->far : queue->near;
    uint32_t capacity = queue->far != NULL ? queue->capacity : SLICE_QUEUE_NEAR;
    uint32_t end = queue->first + queue->count;
    if (G_UNLIKELY(end == capacity))
        return slice_queue_add_far(queue);
    queue->count++;
    return &slices[end];
}

/* The slice that has the octet at `*offset`, which becomes the octet's place in that slice. */
static inline const Slice *slice_queue_find(const SliceQueue *queue, size_t *offset)
{
    const Slice *slice = slice_queue_first(queue);
    while (*offset >= slice->length)
        *offset -= slice++->length;
    return slice;
}

/* Appends; the queue becomes the owner of the slice. */
static inline void slice_queue_take(SliceQueue *queue, Slice slice)
{
    if (slice.length == 0) {
        slice_clear(&slice);
        return;
    }
    *slice_queue_add(queue) = slice;
    queue->length += (uint32_t)slice.length;
}

/* The octets from `offset` on, as a slice that the caller owns: by reference where they lie within
 * one slice, gathered into fresh bytes where they do not. */
static inline Slice slice_queue_cut(const SliceQueue *queue, size_t offset, size_t length)
{
    CHECK(offset <= queue->length && length <= queue->length - offset);
    if (length == 0)
        return (Slice){0};
    const Slice *slice = slice_queue_find(queue, &offset);
    if (length <= slice->length - offset)
        return slice_ref(*slice, offset, length);
    return slice_queue_gather(slice, offset, length);
}

/* The same, by reference also where they lie within two slices: `*rest`, which the caller owns too,
 * is the part in the second; empty otherwise. */
static inline Slice slice_queue_cut_two(const SliceQueue *queue, size_t offset, size_t length,
                                        Slice *rest)
{
    CHECK(offset <= queue->length && length <= queue->length - offset);
    *rest = (Slice){0};
    if (length == 0)
        return (Slice){0};
    const Slice *slice = slice_queue_find(queue, &offset);
    size_t here = slice->length - offset;
    if (length <= here)
        return slice_ref(*slice, offset, length);
    if (length - here > slice[1].length)
        return slice_queue_gather(slice, offset, length);
    *rest = slice_ref(slice[1], 0, length - here);
    return slice_ref(*slice, offset, here);
}

/* The first slice's octets. */
static inline Span slice_queue_peek(const SliceQueue *queue)
{
    return queue->count == 0 ? (Span){0} : slice_span(*slice_queue_first(queue));
}
