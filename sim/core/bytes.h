/* Bytes: borrowed spans, bounded growing buffers, and shared slices of immutable bytes. */
#pragma once

#include "core/check.h"
#include "core/octets.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A borrowed run of bytes; not NUL-terminated, never owned. */
typedef struct Span {
    const uint8_t *data;
    size_t length;
} Span;

static inline Span span_of(const void *data, size_t length)
{
    return (Span){(const uint8_t *)data, length};
}

/* Copies the span to where there is room for it, and gives the place behind it. */
static inline uint8_t *span_put(uint8_t *at, Span span)
{
    if (span.length > 0)
        memcpy(at, span.data, span.length);
    return at + span.length;
}

/* The bytes of a C string without its NUL. */
static inline Span span_of_text(const char *text)
{
    return span_of(text, strlen(text));
}
static inline Span span_of_octets(const Octets *octets)
{
    return span_of(octets_data(octets), octets_length(octets));
}
bool span_equals(Span a, Span b);
/* Whether the first octets may be the same letter: most texts that are compared differ there. */
static inline bool span_may_start_with(Span span, const char *text)
{
    return span.length == 0 || ((span.data[0] ^ (uint8_t)text[0]) & ~0x20) == 0;
}
/* Compares octets without regard to the case of ASCII letters. */
bool octets_equal_nocase(const uint8_t *octets, const char *text, size_t length);
bool span_starts_with_nocase_whole(Span span, const char *prefix);
static inline bool span_equals_text_nocase(Span span, const char *text)
{
    return span_may_start_with(span, text) && strlen(text) == span.length &&
           octets_equal_nocase(span.data, text, span.length);
}
static inline bool span_starts_with_nocase(Span span, const char *prefix)
{
    return (prefix[0] == '\0' || span_may_start_with(span, prefix)) &&
           span_starts_with_nocase_whole(span, prefix);
}
/* The span without its first `count` bytes; `count` is at most its length. */
static inline Span span_skip(Span span, size_t count)
{
    CHECK(count <= span.length);
    return count == 0 ? span : span_of(span.data + count, span.length - count);
}
/* Index of the first `byte`, or the span's length when it is not there. */
static inline size_t span_find(Span span, uint8_t byte)
{
    const uint8_t *found = span.length > 0 ? memchr(span.data, byte, span.length) : NULL;
    return found != NULL ? (size_t)(found - span.data) : span.length;
}
/* How much of the front of `text`, which begins a line, are whole lines that end in CRLF, have no
 * other CR or LF, and do not begin with a dot. It may be less than there are, never more. */
size_t span_plain_lines(Span text);
/* How much of `lines`, which are whole, comes before one that is longer than that. */
size_t span_short_lines(Span lines, size_t maximum);
/* True when no octet is beyond ASCII. */
bool span_is_ascii(Span span);
/* Whether it is ASCII and nothing but lines that are plain and at most OCTETS_PLAIN_LINE_MAX long.
 */
bool span_is_plain(Span text);
/* span_plain_lines and span_is_ascii of a text that lies in `octets` (NULL: in none that are
 * known), which may know it already. */
size_t span_plain_lines_within(Span text, const Octets *octets);
static inline bool span_is_ascii_within(Span text, const Octets *octets)
{
    return (octets != NULL && octets->is_plain) || span_is_ascii(text);
}
/* Whether eight octets are all printable ASCII. It may say no where they are, as a borrow goes into
 * the next octet; never yes where they are not: an octet's highest bit stays clear if it is. */
static inline bool octets_are_printable(uint64_t eight)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t below_space = eight - each * ' ';
    uint64_t delete = eight + each;
    return ((eight | below_space | delete) & each * 0x80) == 0;
}
/* True when there is a control character of ASCII in it. */
bool span_has_control(Span span);
/* A newly allocated, NUL-terminated copy; the caller frees it. */
char *span_dup_text(Span span);

/* A growing buffer that never holds more than `maximum` bytes, which is less than 2 GiB. Bytes are
 * appended at the end and consumed from the front. Initialise with buffer_init, release with
 * buffer_clear. */
typedef struct Buffer {
    Octets *memory;   /* NULL: none yet. While a part of it is in other hands too, nothing in it is
                         moved or written again; its length is what is allocated */
    uint32_t start;   /* offset of the first unconsumed byte */
    uint32_t length;  /* unconsumed bytes */
    uint32_t maximum; /* named by whoever made the buffer */
} Buffer;

void buffer_init(Buffer *buffer, uint32_t maximum);
void buffer_clear(Buffer *buffer);
/* Appends all of `span`, or nothing and returns false when that would exceed the maximum. */
bool buffer_append(Buffer *buffer, Span span);
static inline bool buffer_append_text(Buffer *buffer, const char *text)
{
    return buffer_append(buffer, span_of_text(text));
}
/* Appends so many octets, for the caller to fill in at once; NULL, nothing done: no room. */
uint8_t *buffer_add(Buffer *buffer, size_t count);
bool buffer_append_format(Buffer *buffer, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Allocates room for so many more bytes at once: a hint, where it is known how many will come. */
void buffer_expect(Buffer *buffer, size_t more);
/* Drops `count` bytes from the front; `count` is at most buffer->length. */
void buffer_consume(Buffer *buffer, size_t count);
/* Everything unconsumed; valid until the buffer next changes. */
static inline Span buffer_peek(const Buffer *buffer)
{
    return buffer->length == 0 ? (Span){0}
                               : span_of(buffer->memory->here + buffer->start, buffer->length);
}
/* How many more bytes may be appended. */
static inline size_t buffer_room(const Buffer *buffer)
{
    return buffer->maximum - buffer->length;
}

/* A part of immutable bytes shared by reference count. A zero Slice is empty. */
typedef struct Slice {
    Octets *bytes; /* one reference is held by the slice when it is owned */
    size_t offset;
    size_t length;
} Slice;

/* A slice that holds its own reference to `bytes`. */
Slice slice_new(Octets *bytes, size_t offset, size_t length);

/* A second owner of the same part, or of a part of it. */
static inline Slice slice_ref(Slice slice, size_t offset, size_t length)
{
    CHECK(offset + length <= slice.length);
    if (slice.bytes == NULL)
        return (Slice){0};
    return (Slice){octets_ref(slice.bytes), slice.offset + offset, length};
}

/* Drops `count` bytes from the front of a buffer and returns them uncopied, to be shared: the
 * buffer goes on behind them, so that what is taken next mostly lies there in the same memory.
 * `count` is from 1 to buffer->length. */
Slice buffer_take(Buffer *buffer, size_t count);

static inline void slice_clear(Slice *slice)
{
    if (slice->bytes != NULL)
        octets_unref(slice->bytes);
    *slice = (Slice){0};
}

static inline Span slice_span(Slice slice)
{
    if (slice.bytes == NULL || slice.length == 0)
        return (Span){0};
    return span_of(octets_data(slice.bytes) + slice.offset, slice.length);
}
