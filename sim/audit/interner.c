/* Names, each kept once. See interner.h. */
#include "audit/interner.h"

#include "core/table.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RECENT = 256, ALIGNMENT = 8 };

typedef struct Recent {
    uint32_t hash;
    char *text; /* NULL: none */
} Recent;

struct Interner {
    Recent recent[RECENT];
    Table table;         /* texts, each behind its meaning */
    size_t meaning_size; /* a multiple of ALIGNMENT */
};

static uint32_t hash_of(const void *text)
{
    return table_hash(text, strlen(text));
}

Interner *interner_new(size_t meaning_size)
{
    Interner *names = g_new0(Interner, 1);
    names->table.hash_of = hash_of;
    names->meaning_size = (meaning_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return names;
}

void *interner_meaning(const Interner *names, const char *name)
{
    return (void *)(uintptr_t)(name - names->meaning_size);
}

void interner_free(Interner *names, void (*clear_meaning)(void *meaning))
{
    size_t at = 0;
    for (char *text; (text = table_each(&names->table, &at)) != NULL;) {
        if (clear_meaning != NULL)
            clear_meaning(interner_meaning(names, text));
        g_free(interner_meaning(names, text));
    }
    table_clear(&names->table);
    g_free(names);
}

/* NULL: it is not there. */
static char *find_text(const Interner *names, uint32_t hash, const char *text)
{
    TableProbe probe = table_probe(&names->table, hash);
    char *found;
    while ((found = table_next(&names->table, &probe)) != NULL && strcmp(found, text) != 0)
        continue;
    return found;
}

static char *add_text(Interner *names, uint32_t hash, const char *text, size_t length)
{
    char *memory = g_malloc(names->meaning_size + length + 1);
    memset(memory, 0, names->meaning_size);
    char *copy = memcpy(memory + names->meaning_size, text, length + 1);
    table_add(&names->table, hash, copy);
    return copy;
}

const char *interner_take(Interner *names, const char *text)
{
    if (text == NULL)
        text = "";
    size_t length = strlen(text);
    uint32_t hash = table_hash(text, length);
    Recent *recent = &names->recent[hash >> 24];
    if (recent->text != NULL && recent->hash == hash && strcmp(recent->text, text) == 0)
        return recent->text;
    char *found = find_text(names, hash, text);
    if (found == NULL)
        found = add_text(names, hash, text, length);
    *recent = (Recent){hash, found};
    return found;
}

const char *interner_find(const Interner *names, const char *text)
{
    if (text == NULL)
        text = "";
    return find_text(names, table_hash(text, strlen(text)), text);
}

const char *interner_each(const Interner *names, size_t *at)
{
    return table_each(&names->table, at);
}

void interner_remove(Interner *names, const char *name)
{
    Recent *recent = &names->recent[hash_of(name) >> 24];
    if (recent->text == name)
        recent->text = NULL;
    table_remove(&names->table, name);
    g_free(interner_meaning(names, name));
}
