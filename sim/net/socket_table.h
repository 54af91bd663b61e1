/* The connections of a host by their four-tuple: an open-addressed table, so that a segment finds
 * its connection with one access to memory. Nothing depends on the order of its entries. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct TcpSocket TcpSocket;

/* What a four-tuple stands for: a TcpSocket's address, which is even, or 2 n + 1 for the connection
 * in TIME-WAIT of number n; 0: nothing. */
typedef uint64_t SocketPlace;

typedef struct SocketEntry {
    uint64_t key;
    SocketPlace place; /* 0: the entry is free */
} SocketEntry;

static inline SocketPlace socket_place_of(TcpSocket *socket)
{
    return (SocketPlace)(uintptr_t)socket;
}

static inline SocketPlace socket_place_of_time_wait(uint64_t number)
{
    return number << 1 | 1;
}

static inline bool socket_place_is_time_wait(SocketPlace place)
{
    return (place & 1) != 0;
}

static inline uint64_t socket_place_time_wait(SocketPlace place)
{
    return place >> 1;
}

static inline TcpSocket *socket_place_socket(SocketPlace place)
{
    return (TcpSocket *)(uintptr_t)place;
}

/* A zero SocketTable is empty. */
typedef struct SocketTable {
    SocketEntry *entries;
    uint32_t count;
    uint32_t capacity; /* a power of two, at least twice `count`; or 0 */
} SocketTable;

void socket_table_clear(SocketTable *table);
/* The key is not in the table. */
void socket_table_insert(SocketTable *table, uint64_t key, SocketPlace place);
/* The key is in the table. */
void socket_table_remove(SocketTable *table, uint64_t key);
/* Fetches what finding the key will need into the cache. */
void socket_table_fetch(const SocketTable *table, uint64_t key);
/* 0: there is none. */
SocketPlace socket_table_find(const SocketTable *table, uint64_t key);
