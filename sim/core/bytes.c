/* Bytes: spans, bounded buffers, shared slices. See bytes.h. */
#include "core/bytes.h"

#include "core/sanitized.h"

#include <stdarg.h>
#include <string.h>

enum { BUFFER_FIRST_CAPACITY = 256 };

bool span_equals(Span a, Span b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static uint8_t to_lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

bool octets_equal_nocase(const uint8_t *octets, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t letter = (uint8_t)text[i];
        if (octets[i] != letter && to_lower(octets[i]) != to_lower(letter))
            return false;
    }
    return true;
}

bool span_starts_with_nocase_whole(Span span, const char *prefix)
{
    for (size_t i = 0; prefix[i] != '\0'; i++)
        if (i == span.length || to_lower((uint8_t)prefix[i]) != to_lower(span.data[i]))
            return false;
    return true;
}

/* What looks at many octets does so at 16 at a time, as every machine can. */
typedef uint8_t Vector __attribute__((vector_size(16)));
typedef uint64_t Halves __attribute__((vector_size(16)));
enum { VECTOR = sizeof(Vector) };

static inline Vector load(const uint8_t *octets)
{
    Vector vector;
    memcpy(&vector, octets, sizeof vector);
    return vector;
}

/* All bits that are set in one half or the other. */
static inline uint64_t bits_of(Vector vector)
{
    Halves halves = (Halves)vector;
    return halves[0] | halves[1];
}

/* Whether in a vector of octets each CR and LF stand together, and no dot behind them. There is an
 * octet in front of the first. */
static inline bool is_plain(const uint8_t *octets)
{
    Vector here = load(octets), before = load(octets - 1);
    Vector alone = (Vector)((here == '\n') ^ (before == '\r'));
    Vector dot = (Vector)((here == '.') & (before == '\n'));
    return bits_of(alone | dot) == 0;
}

static bool is_plain_octet(uint8_t octet, uint8_t before)
{
    return (octet == '\n') == (before == '\r') && !(octet == '.' && before == '\n');
}

size_t span_plain_lines(Span text)
{
    if (text.length == 0 || !is_plain_octet(text.data[0], '\n'))
        return 0;
    size_t length = 1;
    while (text.length - length >= VECTOR && is_plain(text.data + length))
        length += VECTOR;
    /* What is left is in part looked at again, rather than octet by octet. */
    if (text.length - length < VECTOR && text.length > VECTOR &&
        is_plain(text.data + text.length - VECTOR))
        length = text.length;
    while (length < text.length && is_plain_octet(text.data[length], text.data[length - 1]))
        length++;
    const uint8_t *end = memrchr(text.data, '\n', length);
    return end != NULL ? (size_t)(end + 1 - text.data) : 0;
}

bool span_is_ascii(Span span)
{
    uint64_t all = 0, eight;
    for (; span.length >= VECTOR; span = span_skip(span, VECTOR))
        all |= bits_of(load(span.data));
    if (span.length >= sizeof eight) {
        memcpy(&eight, span.data, sizeof eight);
        all |= eight;
        span = span_skip(span, sizeof eight);
    }
    for (size_t i = 0; i < span.length; i++)
        all |= span.data[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* As long as there is the end of a line among so many octets, all that end among them are short
 * enough. */
size_t span_short_lines(Span lines, size_t maximum)
{
    Span rest = lines;
    while (rest.length > maximum) {
        const uint8_t *end = memrchr(rest.data, '\n', maximum);
        if (end == NULL)
            return lines.length - rest.length;
        rest = span_skip(rest, (size_t)(end + 1 - rest.data));
    }
    return lines.length;
}

bool span_is_plain(Span text)
{
    return span_plain_lines(text) == text.length &&
           span_short_lines(text, OCTETS_PLAIN_LINE_MAX) == text.length && span_is_ascii(text);
}

/* Where the octets are plain, a text that begins where one of their lines does has all the lines
 * that end in it. */
size_t span_plain_lines_within(Span text, const Octets *octets)
{
    bool is_known = text.length > 0 && octets != NULL && octets->is_plain &&
                    (text.data == octets->here || text.data[-1] == '\n');
    if (!is_known)
        return span_plain_lines(text);
    CHECK_SANITIZED(text.data >= octets->here &&
                    text.data + text.length <= octets->here + octets->length);
    const uint8_t *end = memrchr(text.data, '\n', text.length);
    size_t length = end != NULL ? (size_t)(end + 1 - text.data) : 0;
    CHECK_SANITIZED(span_is_plain(span_of(text.data, length)));
    return length;
}

static inline uint64_t controls_in(Vector vector)
{
    return bits_of((Vector)((vector < ' ') | (vector == 0x7f)));
}

/* Octets at the ends of a part may be looked at twice, rather than octet by octet. */
bool span_has_control(Span span)
{
    enum { HALF = VECTOR / 2 };
    if (span.length >= VECTOR) {
        uint64_t controls = controls_in(load(span.data + span.length - VECTOR));
        for (size_t at = 0; at + VECTOR < span.length; at += VECTOR)
            controls |= controls_in(load(span.data + at));
        return controls != 0;
    }
    if (span.length >= HALF) {
        uint64_t first, last;
        memcpy(&first, span.data, HALF);
        memcpy(&last, span.data + span.length - HALF, HALF);
        return controls_in((Vector)(Halves){first, last}) != 0;
    }
    uint8_t has = 0;
    for (size_t at = 0; at < span.length; at++)
        has |= (uint8_t)((span.data[at] < ' ') | (span.data[at] == 0x7f));
    return has != 0;
}

char *span_dup_text(Span span)
{
    char *text = g_malloc(span.length + 1);
    if (span.length > 0)
        memcpy(text, span.data, span.length);
    text[span.length] = '\0';
    return text;
}

void buffer_init(Buffer *buffer, uint32_t maximum)
{
    CHECK(maximum <= INT32_MAX);
    *buffer = (Buffer){.maximum = maximum};
}

void buffer_clear(Buffer *buffer)
{
    octets_unref(buffer->memory);
    *buffer = (Buffer){.maximum = buffer->maximum};
}

static size_t buffer_capacity(const Buffer *buffer)
{
    return buffer->memory != NULL ? buffer->memory->length : 0;
}

/* Gives the buffer memory of that size, with what is unconsumed at its front. */
static void buffer_move(Buffer *buffer, size_t capacity)
{
    Octets *memory = octets_allocate(capacity);
    if (buffer->length > 0)
        memcpy(memory->here, buffer->memory->here + buffer->start, buffer->length);
    octets_unref(buffer->memory);
    buffer->memory = memory;
    buffer->start = 0;
}

/* Makes room for `more` bytes behind the unconsumed ones, moving them to the front first. */
static void buffer_reserve(Buffer *buffer, size_t more)
{
    Octets *memory = buffer->memory;
    size_t need = buffer->length + more;
    if (memory != NULL && buffer->start + need <= memory->length)
        return;
    if (memory == NULL || memory->references > 1) {
        buffer_move(buffer, MAX(need, BUFFER_FIRST_CAPACITY));
        return;
    }
    if (need <= memory->length) {
        memmove(memory->here, memory->here + buffer->start, buffer->length);
        buffer->start = 0;
        return;
    }
    size_t capacity = memory->length;
    while (capacity < need)
        capacity *= 2;
    buffer_move(buffer, capacity);
}

uint8_t *buffer_add(Buffer *buffer, size_t count)
{
    if (count > buffer_room(buffer))
        return NULL;
    buffer_reserve(buffer, count);
    uint8_t *added = buffer->memory->here + buffer->start + buffer->length;
    buffer->length += (uint32_t)count;
    return added;
}

bool buffer_append(Buffer *buffer, Span span)
{
    if (span.length == 0)
        return true;
    uint8_t *added = buffer_add(buffer, span.length);
    if (added != NULL)
        memcpy(added, span.data, span.length);
    return added != NULL;
}

bool buffer_append_format(Buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return buffer_append_text(buffer, text);
}

void buffer_expect(Buffer *buffer, size_t more)
{
    more = MIN(more, buffer_room(buffer));
    if (buffer->start + buffer->length + more > buffer_capacity(buffer))
        buffer_move(buffer, buffer->length + more);
}

Slice buffer_take(Buffer *buffer, size_t count)
{
    enum { LITTLE = 64 };
    CHECK(count > 0 && count <= buffer->length);
    Slice taken = {buffer->memory, buffer->start, count};
    if (count == buffer->length && buffer_capacity(buffer) - buffer->start - count < LITTLE) {
        buffer_init(buffer, buffer->maximum); /* the memory is full: the slice has it alone */
        return taken;
    }
    octets_ref(buffer->memory);
    buffer->start += (uint32_t)count;
    buffer->length -= (uint32_t)count;
    return taken;
}

void buffer_consume(Buffer *buffer, size_t count)
{
    CHECK(count <= buffer->length);
    buffer->start += (uint32_t)count;
    buffer->length -= (uint32_t)count;
    if (buffer->length == 0 && buffer->memory != NULL && buffer->memory->references == 1)
        buffer->start = 0;
}

Slice slice_new(Octets *bytes, size_t offset, size_t length)
{
    CHECK(offset + length <= octets_length(bytes));
    return (Slice){octets_ref(bytes), offset, length};
}
