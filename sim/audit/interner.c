/* Names, each kept once. See interner.h. */
#include "audit/interner.h"

#include <string.h>

enum { MEMORY_BLOCK = 2000 };

static uint32_t hash_of(const void *owner, uint32_t id)
{
    const char *text = interner_text(owner, id);
    return table_hash(text, strlen(text));
}

Interner *interner_new(void)
{
    Interner *names = g_new0(Interner, 1);
    names->texts = g_ptr_array_new();
    names->memory = g_string_chunk_new(MEMORY_BLOCK);
    names->table.hash_of = hash_of;
    names->table.owner = names;
    g_ptr_array_add(names->texts, NULL);
    interner_take(names, ""); /* which gets the number NAME_EMPTY */
    return names;
}

void interner_free(Interner *names)
{
    id_table_clear(&names->table);
    g_string_chunk_free(names->memory);
    g_ptr_array_unref(names->texts);
    g_free(names);
}

static NameId find_text(const Interner *names, uint32_t hash, const char *text)
{
    TableProbe probe = id_table_probe(&names->table, hash);
    NameId found;
    while ((found = id_table_next(&names->table, &probe)) != NAME_NONE &&
           strcmp(interner_text(names, found), text) != 0)
        continue;
    return found;
}

static NameId add_text(Interner *names, uint32_t hash, const char *text, size_t length)
{
    NameId id = names->texts->len;
    g_ptr_array_add(names->texts, g_string_chunk_insert_len(names->memory, text, (gssize)length));
    id_table_add(&names->table, hash, id);
    return id;
}

static NameId find_or_add(Interner *names, const char *text)
{
    size_t length = strlen(text);
    uint32_t hash = table_hash(text, length);
    NameId found = find_text(names, hash, text);
    return found != NAME_NONE ? found : add_text(names, hash, text, length);
}

NameId interner_take(Interner *names, const char *text)
{
    if (text == NULL)
        return NAME_EMPTY;
    NameId *recent = recent_name(&names->recent, text);
    if (*recent == NAME_NONE || strcmp(interner_text(names, *recent), text) != 0)
        *recent = find_or_add(names, text);
    return *recent;
}
