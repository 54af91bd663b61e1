/* The connections of a host that are in TIME-WAIT and that nobody holds: each takes a few dozen
 * octets instead of a whole TcpSocket, and one timer serves all, as they end in the order in which
 * they came. When one is heard of again, tcp_socket.h makes it a TcpSocket once more. */
#pragma once

#include "core/simulator.h"
#include "net/tcp.h"

typedef struct TimeWait {
    uint64_t key;        /* tcp_socket_key; 0: it has been taken out */
    uint64_t connection; /* TraceRef.id */
    Cause cause;         /* of the step after which there was nothing left but to wait */
    TcpTimeWait tcp;
} TimeWait;

/* A ring. A zero TimeWaitQueue is empty. */
typedef struct TimeWaitQueue {
    TimeWait *ring;
    uint32_t capacity;   /* a power of two, or 0 */
    uint64_t first, end; /* numbers of the first one, which is not taken out, and behind the last */
} TimeWaitQueue;

void time_wait_clear(TimeWaitQueue *queue);
/* False: one that is in the queue would end later than it. */
bool time_wait_takes(const TimeWaitQueue *queue, SimTime ends_at);
/* Its number, which finds it as long as it is in the queue. */
uint64_t time_wait_add(TimeWaitQueue *queue, const TimeWait *wait);
/* Valid until the next is added. */
static inline const TimeWait *time_wait_at(const TimeWaitQueue *queue, uint64_t number)
{
    return &queue->ring[number & (queue->capacity - 1)];
}
static inline bool time_wait_is_empty(const TimeWaitQueue *queue)
{
    return queue->first == queue->end;
}
TimeWait time_wait_take_out(TimeWaitQueue *queue, uint64_t number);
