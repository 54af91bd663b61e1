/* The byte-stream interface: each call goes to whatever stands behind the stream. See stream.h. */
#include "net/stream.h"

#include "core/check.h"

Span stream_peek(const Stream *stream)
{
    return stream->operations->peek(stream);
}

Slice stream_take(Stream *stream, size_t maximum)
{
    return stream->operations->take(stream, maximum);
}

void stream_consume(Stream *stream, size_t count)
{
    stream->operations->consume(stream, count);
}

size_t stream_write_room(const Stream *stream)
{
    return stream->operations->write_room(stream);
}

void stream_close(Stream *stream)
{
    stream->operations->close(stream);
}

void stream_abort(Stream *stream)
{
    stream->operations->abort(stream);
}

void stream_release(Stream *stream)
{
    stream->operations->release(stream);
}

StreamFailure stream_failure(const Stream *stream)
{
    return stream->failure;
}

const char *stream_failure_text(StreamFailure failure)
{
    switch (failure) {
    case STREAM_OK:
        return "no failure";
    case STREAM_REFUSED:
        return "connection refused";
    case STREAM_TIMED_OUT_CONNECTING:
    case STREAM_TIMED_OUT:
        return "connection timed out";
    case STREAM_RESET:
        return "connection reset by peer";
    case STREAM_UNREACHABLE:
        return "host unreachable";
    }
    CHECK(false);
    return NULL;
}

bool stream_failure_is_opening(StreamFailure failure)
{
    return failure == STREAM_REFUSED || failure == STREAM_TIMED_OUT_CONNECTING ||
           failure == STREAM_UNREACHABLE;
}

uint64_t stream_because(const Stream *stream)
{
    return stream->because;
}

uint64_t stream_silence_because(const Stream *stream)
{
    return stream->operations->silence_because(stream);
}

void stream_set_because(Stream *stream, uint64_t because)
{
    stream->operations->set_because(stream, because);
}

uint64_t stream_peer_because(const Stream *stream)
{
    return stream->operations->peer_because(stream);
}

TraceRef stream_ref(const Stream *stream)
{
    return stream->ref;
}

const char *stream_remote_name(const Stream *stream)
{
    return stream->remote_name;
}

Ipv4Address stream_remote_address(const Stream *stream)
{
    return stream->remote_address;
}

uint16_t stream_remote_port(const Stream *stream)
{
    return stream->remote_port;
}

uint16_t stream_local_port(const Stream *stream)
{
    return stream->local_port;
}
