/* Things of a host, sockets mostly, by their four-tuple: an open-addressed table, so that a segment
 * finds its connection with one access to memory. Nothing depends on the order of its entries. */
#pragma once

#include <stdint.h>

typedef struct SocketEntry {
    uint64_t key;
    uint64_t thing; /* an address or a number; 0: the entry is free */
} SocketEntry;

/* A zero SocketTable is empty. */
typedef struct SocketTable {
    SocketEntry *entries;
    uint32_t count;
    uint32_t capacity; /* a power of two, at least twice `count`; or 0 */
} SocketTable;

void socket_table_clear(SocketTable *table);
/* The key is not in the table. */
void socket_table_insert(SocketTable *table, uint64_t key, uint64_t thing);
/* The key is in the table. */
void socket_table_remove(SocketTable *table, uint64_t key);
/* Fetches what finding the key will need into the cache. */
void socket_table_fetch(const SocketTable *table, uint64_t key);
/* 0: there is none. */
uint64_t socket_table_find(const SocketTable *table, uint64_t key);
