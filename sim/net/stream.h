/* A stream: two directions of bytes between two hosts, the only thing that programs see of a
 * transport. TCP stands behind it (host.h); a coarser model or a real socket can.
 *
 * Events come from steps of the simulator, never from inside a call on a stream: a handler is not
 * re-entered, whatever it calls. A handler may call anything on any stream, and may release the
 * stream that it is called for. The life of a stream that a program holds:
 *
 *   STREAM_CONNECTED      once, on a stream from host_connect; an accepted one is open already
 *   STREAM_READABLE       new bytes; what is left in the stream is not announced again
 *   STREAM_WRITABLE       there is room again after stream_write left none
 *   STREAM_PEER_CLOSED    the peer sends no more; what can be read now is all there is
 *   STREAM_FAILED or STREAM_CLOSED
 *                         one of them, once, as the last event. FAILED: see stream_failure; bytes
 *                         not read before are lost. CLOSED: both directions have ended in order,
 *                         or the program itself aborted.
 *
 * The stream stays valid until stream_release, which its owner calls exactly once, at any time. */
#pragma once

#include "core/bytes.h"
#include "core/ipv4.h"
#include "trace/trace.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Stream Stream;

typedef enum StreamEvent {
    STREAM_CONNECTED,
    STREAM_READABLE,
    STREAM_WRITABLE,
    STREAM_PEER_CLOSED,
    STREAM_FAILED,
    STREAM_CLOSED,
} StreamEvent;

typedef enum StreamFailure {
    STREAM_OK,
    STREAM_REFUSED,
    STREAM_TIMED_OUT_CONNECTING,
    STREAM_TIMED_OUT,
    STREAM_RESET,
    STREAM_UNREACHABLE,
} StreamFailure;

/* A zero handler hears nothing. */
typedef struct StreamHandler {
    void (*on_event)(void *owner, Stream *stream, StreamEvent event);
    void *owner;
} StreamHandler;

/* The first run of bytes to read, valid until the stream is next called or its handler returns;
 * there may be more behind it. Empty: nothing to read now. */
Span stream_peek(const Stream *stream);
/* Drops the first `count` bytes, at most the length of stream_peek. */
void stream_consume(Stream *stream, size_t count);
/* Takes at most `maximum` bytes of the first run, by reference; the caller owns the slice. */
Slice stream_take(Stream *stream, size_t maximum);
/* How many bytes stream_write takes now; 0 before CONNECTED and after stream_close. */
size_t stream_write_room(const Stream *stream);
/* Takes as much of `data` as there is room for, by reference, and says how much; the caller keeps
 * its own slice. */
static inline size_t stream_write(Stream *stream, Slice data);
/* The same with slices that lie one behind the other and go as one: no segment ends between them
 * that would not. */
static inline size_t stream_write_all(Stream *stream, const Slice *slices, size_t count);
/* Ends this direction after the bytes written so far. Reading goes on; who does not want to read
 * either releases the stream. */
void stream_close(Stream *stream);
/* Breaks the connection off: the peer gets a reset. */
void stream_abort(Stream *stream);
/* The owner lets go: no more events, the pointer is no longer valid. The connection closes by
 * itself (as by close(2): unread bytes, or any that arrive later, make it a reset). */
void stream_release(Stream *stream);

/* STREAM_OK unless STREAM_FAILED has come. */
StreamFailure stream_failure(const Stream *stream);
/* "connection refused", "connection timed out", … */
const char *stream_failure_text(StreamFailure failure);
/* Whether the connection never came about. An unreachable host counts: an open connection takes
 * that for a passing trouble (RFC 9293 §3.9.2.2). */
bool stream_failure_is_opening(StreamFailure failure);
/* The seq of the trace record of the fault (level MAIL) that a failure or the peer's early end
 * comes from: host.crash, host.power_off, link.down or the like; 0: none. */
uint64_t stream_because(const Stream *stream);
/* For a program that has waited in vain: the seq of the fault (level MAIL) that silences the peer
 * now, or did when a segment was last sent again; 0: none is known. Changes nothing. */
uint64_t stream_silence_because(const Stream *stream);

/* What this end sends from now on comes from that record (level MAIL), such as host.shutdown. */
void stream_set_because(Stream *stream, uint64_t because);
/* The same for what the peer has sent last; 0: nothing out of the ordinary is behind it. */
uint64_t stream_peer_because(const Stream *stream);

/* The connection's id at this end, as the trace has it. */
TraceRef stream_ref(const Stream *stream);
/* The name of the host at the other end, or its address as text when no host has it. */
const char *stream_remote_name(const Stream *stream);
Ipv4Address stream_remote_address(const Stream *stream);
uint16_t stream_remote_port(const Stream *stream);
uint16_t stream_local_port(const Stream *stream);

/* For those who implement a stream: the calls above, one by one, and the stream as the first
 * member of their own struct. */
typedef struct StreamOperations {
    Span (*peek)(const Stream *stream);
    void (*consume)(Stream *stream, size_t count);
    Slice (*take)(Stream *stream, size_t maximum);
    size_t (*write_room)(const Stream *stream);
    size_t (*write)(Stream *stream, const Slice *slices, size_t count);
    void (*close)(Stream *stream);
    void (*abort)(Stream *stream);
    void (*release)(Stream *stream);
    uint64_t (*silence_because)(const Stream *stream);
    void (*set_because)(Stream *stream, uint64_t because);
    uint64_t (*peer_because)(const Stream *stream);
} StreamOperations;

struct Stream {
    const StreamOperations *operations;
    TraceRef ref;
    const char *remote_name; /* borrowed: lives as long as the stream */
    uint64_t because;
    Ipv4Address remote_address;
    uint16_t remote_port, local_port;
    StreamFailure failure;
};

static inline size_t stream_write(Stream *stream, Slice data)
{
    return stream->operations->write(stream, &data, 1);
}

static inline size_t stream_write_all(Stream *stream, const Slice *slices, size_t count)
{
    return stream->operations->write(stream, slices, count);
}
