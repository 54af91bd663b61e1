/* Connections by four-tuple, with linear probing. See socket_table.h. */
#include "net/socket_table.h"

#include "core/check.h"

#include <glib.h>

enum { TABLE_FIRST_CAPACITY = 8 };

/* Fibonacci hashing: neighbouring ports and addresses are spread. */
static uint32_t home_of(const SocketTable *table, uint64_t key)
{
    return (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (table->capacity - 1);
}

static uint32_t next_of(const SocketTable *table, uint32_t index)
{
    return (index + 1) & (table->capacity - 1);
}

/* Where the key is, or the free entry at which the search for it ends. */
static uint32_t table_search(const SocketTable *table, uint64_t key)
{
    uint32_t index = home_of(table, key);
    while (table->entries[index].thing != 0 && table->entries[index].key != key)
        index = next_of(table, index);
    return index;
}

void socket_table_clear(SocketTable *table)
{
    g_free(table->entries);
    *table = (SocketTable){0};
}

static void table_grow(SocketTable *table)
{
    SocketTable old = *table;
    table->capacity = MAX(2 * old.capacity, TABLE_FIRST_CAPACITY);
    table->entries = g_new0(SocketEntry, table->capacity);
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.entries[i].thing != 0)
            table->entries[table_search(table, old.entries[i].key)] = old.entries[i];
    }
    g_free(old.entries);
}

void socket_table_insert(SocketTable *table, uint64_t key, uint64_t thing)
{
    if (2 * (table->count + 1) > table->capacity)
        table_grow(table);
    uint32_t index = table_search(table, key);
    CHECK(table->entries[index].thing == 0 && thing != 0);
    table->entries[index] = (SocketEntry){key, thing};
    table->count++;
}

/* Entries behind the gap move up, unless they would come before their home. */
void socket_table_remove(SocketTable *table, uint64_t key)
{
    CHECK(table->count > 0);
    uint32_t gap = table_search(table, key);
    CHECK(table->entries[gap].thing != 0);
    table->count--;
    for (uint32_t i = next_of(table, gap); table->entries[i].thing != 0; i = next_of(table, i)) {
        uint32_t mask = table->capacity - 1;
        uint32_t from_home = (i - home_of(table, table->entries[i].key)) & mask;
        if (from_home >= ((i - gap) & mask)) {
            table->entries[gap] = table->entries[i];
            gap = i;
        }
    }
    table->entries[gap] = (SocketEntry){0};
}

uint64_t socket_table_find(const SocketTable *table, uint64_t key)
{
    return table->count == 0 ? 0 : table->entries[table_search(table, key)].thing;
}

void socket_table_fetch(const SocketTable *table, uint64_t key)
{
    if (table->count > 0)
        __builtin_prefetch(&table->entries[home_of(table, key)]);
}
