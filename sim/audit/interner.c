/* Names, each kept once. See interner.h. */
#include "audit/interner.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RECENT = 256, FIRST_CAPACITY = 256 };

typedef struct Name {
    void *meaning;
    char text[];
} Name;

typedef struct Slot {
    uint32_t hash;
    Name *name; /* NULL: free */
} Slot;

struct Interner {
    Slot recent[RECENT];
    Slot *slots; /* a power of two; the next free one behind the place of the hash */
    size_t capacity, count;
};

/* Its octets, eight at a time. */
static uint32_t hash_of(const char *text, size_t length)
{
    uint64_t hash = length, eight;
    for (; length >= sizeof eight; text += sizeof eight, length -= sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    eight = 0;
    memcpy(&eight, text, length);
    hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32);
}

static bool slot_has(const Slot *slot, uint32_t hash, const char *text)
{
    return slot->hash == hash && strcmp(slot->name->text, text) == 0;
}

/* Where the name is, or would be. */
static Slot *find_slot(const Interner *names, uint32_t hash, const char *text)
{
    size_t at = hash & (names->capacity - 1);
    while (names->slots[at].name != NULL && !slot_has(&names->slots[at], hash, text))
        at = (at + 1) & (names->capacity - 1);
    return &names->slots[at];
}

static void grow(Interner *names)
{
    Slot *old = names->slots;
    size_t old_capacity = names->capacity;
    names->capacity = old_capacity * 2;
    names->slots = g_new0(Slot, names->capacity);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].name != NULL)
            *find_slot(names, old[i].hash, old[i].name->text) = old[i];
    }
    g_free(old);
}

static Name *name_new(const char *text, size_t length)
{
    Name *name = g_malloc(sizeof *name + length + 1);
    name->meaning = NULL;
    memcpy(name->text, text, length + 1);
    return name;
}

static Name *name_of(const char *text)
{
    return (Name *)(void *)(text - offsetof(Name, text));
}

Interner *interner_new(void)
{
    Interner *names = g_new0(Interner, 1);
    names->capacity = FIRST_CAPACITY;
    names->slots = g_new0(Slot, names->capacity);
    return names;
}

void interner_free(Interner *names, GDestroyNotify free_meaning)
{
    for (size_t i = 0; i < names->capacity; i++) {
        Name *name = names->slots[i].name;
        if (name != NULL && name->meaning != NULL && free_meaning != NULL)
            free_meaning(name->meaning);
        g_free(name);
    }
    g_free(names->slots);
    g_free(names);
}

const char *interner_take(Interner *names, const char *text)
{
    if (text == NULL)
        text = "";
    size_t length = strlen(text);
    uint32_t hash = hash_of(text, length);
    Slot *recent = &names->recent[hash >> 24];
    if (recent->name != NULL && slot_has(recent, hash, text))
        return recent->name->text;
    Slot *slot = find_slot(names, hash, text);
    if (slot->name == NULL) {
        *slot = (Slot){hash, name_new(text, length)};
        *recent = *slot;
        if (++names->count * 4 > names->capacity * 3)
            grow(names);
        return recent->name->text;
    }
    *recent = *slot;
    return recent->name->text;
}

const char *interner_find(const Interner *names, const char *text)
{
    if (text == NULL)
        text = "";
    const Slot *slot = find_slot(names, hash_of(text, strlen(text)), text);
    return slot->name != NULL ? slot->name->text : NULL;
}

void **interned_meaning(const char *name)
{
    return &name_of(name)->meaning;
}

/* Whether what stands at `at` would be found no more if `hole`, somewhere before it, stayed free.
 */
static bool needs_hole(const Interner *names, size_t hole, size_t at)
{
    size_t home = names->slots[at].hash & (names->capacity - 1);
    return hole <= at ? home <= hole || home > at : home <= hole && home > at;
}

void interner_remove(Interner *names, const char *text)
{
    Name *name = name_of(text);
    size_t mask = names->capacity - 1;
    uint32_t hash = hash_of(text, strlen(text));
    size_t hole = (size_t)(find_slot(names, hash, text) - names->slots);
    if (names->recent[hash >> 24].name == name)
        names->recent[hash >> 24].name = NULL;
    for (size_t at = (hole + 1) & mask; names->slots[at].name != NULL; at = (at + 1) & mask) {
        if (needs_hole(names, hole, at)) {
            names->slots[hole] = names->slots[at];
            hole = at;
        }
    }
    names->slots[hole].name = NULL;
    names->count--;
    g_free(name);
}
