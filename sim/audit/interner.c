/* Names, each kept once. See interner.h. */
#include "audit/interner.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RECENT = 256, FIRST_CAPACITY = 256, BLOCK_SIZE = 16384 };

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
    GPtrArray *blocks; /* the names' memory */
    size_t left;       /* of the last block */
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

static Name *name_new(Interner *names, const char *text, size_t length)
{
    size_t size = (sizeof(Name) + length + sizeof(void *)) / sizeof(void *) * sizeof(void *);
    bool is_long = size > BLOCK_SIZE / 4;
    if (is_long || size > names->left) {
        void *block = g_malloc(is_long ? size : BLOCK_SIZE);
        /* The last one is that which names are cut from. */
        g_ptr_array_insert(names->blocks, is_long ? 0 : -1, block);
        names->left = is_long ? names->left : BLOCK_SIZE;
    }
    Name *name = names->blocks->pdata[0];
    if (!is_long) {
        char *block = names->blocks->pdata[names->blocks->len - 1];
        name = (Name *)(void *)(block + BLOCK_SIZE - names->left);
        names->left -= size;
    }
    name->meaning = NULL;
    memcpy(name->text, text, length + 1);
    return name;
}

Interner *interner_new(void)
{
    Interner *names = g_new0(Interner, 1);
    names->capacity = FIRST_CAPACITY;
    names->slots = g_new0(Slot, names->capacity);
    names->blocks = g_ptr_array_new_with_free_func(g_free);
    return names;
}

void interner_free(Interner *names, GDestroyNotify free_meaning)
{
    for (size_t i = 0; free_meaning != NULL && i < names->capacity; i++) {
        const Name *name = names->slots[i].name;
        if (name != NULL && name->meaning != NULL)
            free_meaning(name->meaning);
    }
    g_ptr_array_unref(names->blocks);
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
        *slot = (Slot){hash, name_new(names, text, length)};
        *recent = *slot;
        if (++names->count * 4 > names->capacity * 3)
            grow(names);
        return recent->name->text;
    }
    *recent = *slot;
    return recent->name->text;
}

void **interned_meaning(const char *name)
{
    return &((Name *)(void *)(name - offsetof(Name, text)))->meaning;
}
