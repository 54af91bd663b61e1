/* The connections of a host that are in TIME-WAIT and that nobody holds: each takes little memory
 * instead of a whole TcpSocket, and one timer serves all, as they end in the order in which they
 * came. When one is heard of again, tcp_socket.h makes it a TcpSocket once more. */
#pragma once

#include "core/simulator.h"
#include "net/socket_table.h"
#include "net/tcp.h"

typedef struct TimeWait {
    uint64_t key;        /* tcp_socket_key; 0: it has been taken out */
    uint64_t connection; /* TraceRef.id */
    Cause cause;         /* of the step after which there was nothing left but to wait */
    TcpTimeWait tcp;
} TimeWait;
_Static_assert(sizeof(TimeWait) == 88, "a busy host has thousands");

/* A ring, and a table of its own, so that the one of the connections in use stays small. A zero
 * TimeWaitQueue is empty. */
typedef struct TimeWaitQueue {
    TimeWait *ring;
    uint32_t capacity;    /* a power of two, or 0 */
    uint64_t first, end;  /* numbers of the first one, which is not taken out, and behind the last;
                             from 1 on */
    SimTime last_ends_at; /* of the one added last */
    SocketTable numbers;  /* by key */
} TimeWaitQueue;

void time_wait_clear(TimeWaitQueue *queue);
/* False: one added before it, while the queue was not empty, ends later. */
bool time_wait_takes(const TimeWaitQueue *queue, SimTime ends_at);
/* Its key is not in the queue. */
void time_wait_add(TimeWaitQueue *queue, const TimeWait *wait);
/* Its number; 0: it is not there. */
static inline uint64_t time_wait_find(const TimeWaitQueue *queue, uint64_t key)
{
    return socket_table_find(&queue->numbers, key);
}
/* For the functions here alone. */
static inline TimeWait *time_wait_place(const TimeWaitQueue *queue, uint64_t number)
{
    return &queue->ring[number & (queue->capacity - 1)];
}
/* Valid until the next is added. */
static inline const TimeWait *time_wait_at(const TimeWaitQueue *queue, uint64_t number)
{
    return time_wait_place(queue, number);
}
static inline bool time_wait_is_empty(const TimeWaitQueue *queue)
{
    return queue->first == queue->end;
}
TimeWait time_wait_take_out(TimeWaitQueue *queue, uint64_t number);
