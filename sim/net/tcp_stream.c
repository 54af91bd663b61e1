/* The calls of a program on a TCP stream: RFC 9293 §3.10.2 to §3.10.5 as stream.h has them. After
 * its program is gone a stream is empty and takes nothing, until it is released. */
#include "net/tcp_socket.h"

static TcpSocket *socket_of(const Stream *stream)
{
    return (TcpSocket *)(uintptr_t)stream;
}

static Span socket_peek(const Stream *stream)
{
    const TcpSocket *socket = socket_of(stream);
    return socket->is_orphan ? (Span){0} : tcp_peek(socket->tcp);
}

static void socket_consume(Stream *stream, size_t count)
{
    TcpSocket *socket = socket_of(stream);
    if (socket->is_orphan)
        return;
    socket->octets_read += count;
    tcp_consume(socket->tcp, count);
    tcp_socket_settle(socket);
}

static Slice socket_take(Stream *stream, size_t maximum)
{
    TcpSocket *socket = socket_of(stream);
    Slice slice = socket->is_orphan ? (Slice){0} : tcp_take(socket->tcp, maximum);
    if (slice.length == 0)
        return slice;
    socket->octets_read += slice.length;
    tcp_socket_settle(socket);
    return slice;
}

static size_t socket_write_room(const Stream *stream)
{
    const TcpSocket *socket = socket_of(stream);
    return socket->is_orphan || !socket->is_open ? 0 : tcp_write_room(socket->tcp);
}

static size_t socket_write(Stream *stream, const Slice *slices, size_t count)
{
    TcpSocket *socket = socket_of(stream);
    if (socket->is_orphan || !socket->is_open)
        return 0;
    size_t taken = 0;
    for (size_t i = 0; i < count; i++)
        taken += tcp_write(socket->tcp, slices[i]);
    socket->octets_written += taken;
    tcp_socket_settle(socket);
    return taken;
}

static void socket_close(Stream *stream)
{
    TcpSocket *socket = socket_of(stream);
    if (socket->is_orphan)
        return;
    tcp_close_sending(socket->tcp);
    tcp_socket_settle(socket);
}

static void socket_abort(Stream *stream)
{
    TcpSocket *socket = socket_of(stream);
    if (socket->is_orphan)
        return;
    tcp_abort(socket->tcp);
    tcp_socket_settle(socket);
}

static void socket_release(Stream *stream)
{
    TcpSocket *socket = socket_of(stream);
    SIMULATOR_CHECK(socket->host->simulator, !socket->is_released);
    socket->handler = (StreamHandler){0};
    socket->is_released = true;
    if (!socket->is_orphan && socket->is_attached)
        tcp_close(socket->tcp);
    tcp_socket_settle(socket);
}

static uint64_t socket_silence_because(const Stream *stream)
{
    return tcp_socket_silence_because(socket_of(stream));
}

static void socket_set_because(Stream *stream, uint64_t because)
{
    socket_of(stream)->own_because = because;
}

static uint64_t socket_peer_because(const Stream *stream)
{
    return ((const TcpSocket *)stream)->peer_because;
}

const StreamOperations tcp_stream_operations = {
    .peek = socket_peek,
    .consume = socket_consume,
    .take = socket_take,
    .write_room = socket_write_room,
    .write = socket_write,
    .close = socket_close,
    .abort = socket_abort,
    .release = socket_release,
    .silence_because = socket_silence_because,
    .set_because = socket_set_because,
    .peer_because = socket_peer_because,
};
