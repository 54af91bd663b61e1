/* Texts on top of messages. See stored_front.h. */
#include "store/stored_front.h"

#include "core/check.h"
#include "core/table.h"

#include <limits.h>
#include <string.h>

static void put_parts(const FrontParts *parts, uint8_t *out)
{
    span_put(span_put(span_put(out, parts->path), parts->fields), parts->more);
}

static StoredFront *front_new(const FrontParts *parts, size_t length)
{
    CHECK(length <= UINT32_MAX);
    StoredFront *front = g_malloc(sizeof *front + length);
    front->references = 1;
    front->length = (uint32_t)length;
    front->path_length = (uint32_t)parts->path.length;
    put_parts(parts, front->octets);
    return front;
}

void front_unref(StoredFront *front)
{
    if (front != NULL && --front->references == 0)
        g_free(front);
}

void fronts_clear(StoredFronts *fronts)
{
    for (size_t i = 0; i < FRONTS_RECENT; i++)
        front_unref(fronts->recent[i]);
    *fronts = (StoredFronts){0};
}

/* ---- Differences ---- */

/* The first octet from `at` on that is another in `b`; `length`: there is none. */
static size_t find_difference(const uint8_t *a, const uint8_t *b, size_t at, size_t length)
{
    enum { MANY = 32 }; /* octets, which are mostly the same */
    uint64_t first, second;
    while (length - at >= MANY && memcmp(a + at, b + at, MANY) == 0)
        at += MANY;
    for (; length - at >= sizeof first; at += sizeof first) {
        memcpy(&first, a + at, sizeof first);
        memcpy(&second, b + at, sizeof second);
        /* In memory the lowest octet comes first. */
        if (first != second && G_BYTE_ORDER == G_LITTLE_ENDIAN)
            return at + (size_t)__builtin_ctzll(first ^ second) / CHAR_BIT;
        if (first != second)
            break;
    }
    while (at < length && a[at] == b[at])
        at++;
    return at;
}

/* Where the run ends that begins at `at`: a few octets that are the same are in it, since the next
 * run would cost as much. */
static size_t end_of_run(const uint8_t *a, const uint8_t *b, size_t at, size_t length)
{
    enum { SAME = 2 };
    size_t end = at + 1;
    for (size_t i = end; i < length && i <= end + SAME; i++)
        end = a[i] != b[i] ? i + 1 : end;
    return end;
}

/* False when it is too much. */
static bool find_differences(const uint8_t *like, const uint8_t *text, size_t length,
                             FrontDifferences *differences)
{
    size_t used = 0, past = 0;
    for (size_t at; (at = find_difference(like, text, past, length)) < length;) {
        for (; at - past > UINT8_MAX; past += UINT8_MAX) {
            if (FRONT_DIFFERENCES_MAX - used < 2)
                return false;
            differences->octets[used++] = UINT8_MAX;
            differences->octets[used++] = 0;
        }
        size_t count = end_of_run(like, text, at, length) - at;
        if (count + 2 > FRONT_DIFFERENCES_MAX - used)
            return false;
        differences->octets[used++] = (uint8_t)(at - past);
        differences->octets[used++] = (uint8_t)count;
        memcpy(differences->octets + used, text + at, count);
        used += count;
        past = at + count;
    }
    differences->length = (uint8_t)used;
    return true;
}

/* ---- Sharing ---- */

/* By its length and its beginning, which says who has sent it. */
static StoredFront **place_of(StoredFronts *fronts, const uint8_t *text, size_t length)
{
    enum { BEGINNING = 48 };
    uint32_t hash = table_hash((const char *)text, MIN(length, BEGINNING));
    return &fronts->recent[(hash ^ length) % FRONTS_RECENT];
}

static bool is_like(const StoredFront *front, const FrontParts *parts, size_t length)
{
    return front != NULL && front->length == length && front->path_length == parts->path.length;
}

StoredFront *front_take(StoredFronts *fronts, const FrontParts *parts,
                        FrontDifferences *differences)
{
    size_t length = parts->path.length + parts->fields.length + parts->more.length;
    differences->length = 0;
    if (length == 0)
        return NULL;
    if (fronts == NULL || length > FRONT_SHARED_MAX)
        return front_new(parts, length);
    uint8_t text[FRONT_SHARED_MAX];
    put_parts(parts, text);
    StoredFront **recent = place_of(fronts, text, length);
    if (!is_like(*recent, parts, length) ||
        !find_differences((*recent)->octets, text, length, differences)) {
        front_unref(*recent);
        *recent = front_new(parts, length);
    }
    (*recent)->references++;
    return *recent;
}

void front_put(const StoredFront *front, Span differences, size_t from, uint8_t *out)
{
    if (front == NULL || from == front->length)
        return;
    memcpy(out, front->octets + from, front->length - from);
    const uint8_t *next = differences.data, *end = next + differences.length;
    for (size_t at = 0; next < end; next += 2) {
        size_t skip = next[0], count = next[1];
        at += skip;
        for (size_t i = 0; i < count; i++, at++)
            if (at >= from)
                out[at - from] = next[2 + i];
        next += count;
    }
}
