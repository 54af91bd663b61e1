/* A session: a protocol engine on a byte stream. See session.h. */
#include "node/session.h"

#include "core/cache_line.h"
#include "core/check.h"

enum { ENGINE_HOT_LINES = 3 }; /* that an engine begins with */

/* What the pump looks at each time comes first. */
struct Session {
    const SessionProtocol *protocol;
    void *engine;
    Stream *stream;
    TlsRecords *tls; /* NULL: in the clear */
    bool is_pumping;
    bool input_waits;    /* the engine had no room for it */
    bool peer_has_ended; /* no more bytes will come than those in the stream */
    bool end_is_told;    /* to the engine */
    bool tls_is_told;    /* to the owner, that the handshake is over */
    bool is_closing;     /* our FIN has been asked for */
    uint32_t receptions;
    uint32_t armed_epoch; /* the engine's epoch when it was armed, or our count of receptions */
    int64_t armed_ns;     /* the timeout that `deadline` stands for; 0: none */
    SessionOwner owner;
    Simulator *simulator;
    uint64_t silence_because; /* behind the peer's silence when the engine's timeout struck */
    SimTime timer_at;         /* when the timer strikes; SIM_NEVER: it is not set */
    SimTime deadline;         /* of the engine's timeout */
    Cause deadline_cause;     /* what made the engine wait */
    Timer timer;              /* of the engine's timeout, or earlier: then it is set again */
    NodeId node;
    EventPriority priority;
    Timer end_timer;       /* tells the owner that it has ended */
    StreamFailure failure; /* kept when the stream is gone */
    uint64_t because;
};

Session *session_new(Simulator *simulator, NodeId node, const SessionProtocol *protocol,
                     void *engine, SessionOwner owner, EventPriority priority)
{
    Session *session = g_new(Session, 1);
    *session = (Session){0};
    session->simulator = simulator;
    session->node = node;
    session->protocol = protocol;
    session->engine = engine;
    session->owner = owner;
    session->priority = priority;
    session->timer_at = SIM_NEVER;
    return session;
}

void session_take_stream(Session *session, Stream *stream)
{
    CHECK(session->stream == NULL);
    session->stream = stream;
}

void session_free(Session *session)
{
    simulator_cancel(session->simulator, &session->timer);
    simulator_cancel(session->simulator, &session->end_timer);
    if (session->stream != NULL) {
        if (!session->is_closing)
            stream_abort(session->stream);
        stream_release(session->stream);
    }
    tls_records_free(session->tls);
    g_free(session);
}

void session_start_tls(Session *session, TlsSide side)
{
    CHECK(session->tls == NULL);
    session->tls = tls_records_new(side);
}

Stream *session_peek_stream(const Session *session)
{
    return session->stream;
}

StreamFailure session_failure(const Session *session)
{
    return session->stream != NULL ? stream_failure(session->stream) : session->failure;
}

uint64_t session_because(const Session *session)
{
    uint64_t because = session->stream != NULL ? stream_because(session->stream) : session->because;
    return because != 0 ? because : session->silence_because;
}

uint64_t session_reply_because(const Session *session, uint16_t code)
{
    if (code == 0)
        return session_because(session);
    return code >= 400 && session->stream != NULL ? stream_peer_because(session->stream) : 0;
}

/* Stream to records, as far as there is room; true when something moved. */
static bool session_move_records_in(Session *session)
{
    Span input = stream_peek(session->stream);
    size_t count = MIN(input.length, tls_records_input_room(session->tls));
    if (count == 0)
        return false;
    tls_records_receive(session->tls, span_of(input.data, count));
    stream_consume(session->stream, count);
    session->peer_has_ended |= tls_records_have_failed(session->tls);
    return true;
}

static Span session_peek_input(const Session *session)
{
    return session->tls != NULL ? tls_records_peek_input(session->tls)
                                : stream_peek(session->stream);
}

static void session_consume_input(Session *session, size_t count)
{
    if (session->tls != NULL)
        tls_records_consume_input(session->tls, count);
    else
        stream_consume(session->stream, count);
}

/* A run of input to the engine, as far as there is room; false: nothing moved. */
static bool session_move_run_in(Session *session, Span input)
{
    const SessionProtocol *protocol = session->protocol;
    size_t count = MIN(input.length, protocol->input_room(session->engine));
    if (count == 0)
        return false;
    if (session->tls == NULL && protocol->take_input != NULL) {
        protocol->take_input(session->engine, stream_take(session->stream, count));
        return true;
    }
    protocol->receive(session->engine, span_of(input.data, count));
    session_consume_input(session, count);
    return true;
}

/* Peer to engine, as far as the engine takes it; true when something moved. The engine is done with
 * one run before it gets the next, which it would else have to copy behind the first. */
static bool session_move_input(Session *session)
{
    bool moved = false, has_run = false;
    for (;;) {
        if (session->tls != NULL)
            moved = session_move_records_in(session) || moved;
        Span input = session_peek_input(session);
        session->input_waits = input.length > 0;
        if (!session->input_waits)
            return moved;
        if (has_run) {
            session->owner.handle_events(session->owner.owner);
            input = session_peek_input(session);
        }
        if (!session_move_run_in(session, input))
            return moved;
        session->receptions++;
        session->silence_because = 0;
        moved = has_run = true;
    }
}

/* Whether the engine may go on now that some of its output has gone. */
static bool session_may_put_out_more(const Session *session)
{
    return session->tls != NULL || session->protocol->is_held_back == NULL ||
           session->protocol->is_held_back(session->engine);
}

/* Whether input may have found room only now that the engine's events were taken: also where none
 * had any before, as the engine was waiting for an answer. `has_taken`: it has got some. */
static bool session_may_take_more(const Session *session, bool has_taken)
{
    return session->tls != NULL
               ? has_taken
               : session->input_waits && session->protocol->input_room(session->engine) > 0;
}

/* Tells the owner that the handshake is over, once; true when it did. */
static bool session_tell_tls(Session *session)
{
    if (session->tls == NULL || session->tls_is_told || !tls_records_are_open(session->tls))
        return false;
    session->tls_is_told = true;
    session->owner.tls_started(session->owner.owner);
    return true;
}

/* Tells the engine the peer's end, once, after every byte before it; true when it did. */
static bool session_move_end(Session *session)
{
    if (!session->peer_has_ended || session->end_is_told || session->input_waits)
        return false;
    session->end_is_told = true;
    session->protocol->receive_end(session->engine);
    return true;
}

/* Engine to records: whole or not at all does not matter, each piece becomes a record. */
static bool session_move_records_out(Session *session)
{
    Span output = session->protocol->peek_output(session->engine);
    size_t count = tls_records_wrap(session->tls, output);
    if (count > 0)
        session->protocol->consume_output(session->engine, count);
    return count > 0;
}

static Span session_peek_output(const Session *session)
{
    return session->tls != NULL ? tls_records_peek_output(session->tls)
                                : session->protocol->peek_output(session->engine);
}

/* Output, or records, that is copied on its way to the stream. */
static size_t session_copy_output(Session *session, size_t room, Slice *slice)
{
    Span output = session_peek_output(session);
    size_t count = MIN(output.length, room);
    if (count == 0)
        return 0;
    *slice = (Slice){octets_new(output.data, count), 0, count};
    if (session->tls != NULL)
        tls_records_consume_output(session->tls, count);
    else
        session->protocol->consume_output(session->engine, count);
    return 1;
}

/* A stream takes what it has room for. What goes by reference goes all at once: then there is
 * nothing left, or no room. */
static bool session_move_output(Session *session)
{
    bool moved = session->tls != NULL && session_move_records_out(session);
    bool is_shared = session->tls == NULL && session->protocol->take_output != NULL;
    while (session_peek_output(session).length > 0) {
        Slice slices[SESSION_SLICES_MAXIMUM];
        size_t room = stream_write_room(session->stream);
        size_t count = is_shared ? session->protocol->take_output(session->engine, room, slices)
                                 : session_copy_output(session, room, slices);
        if (count == 0)
            break;
        size_t length = 0;
        for (size_t i = 0; i < count; i++)
            length += slices[i].length;
        CHECK(stream_write_all(session->stream, slices, count) == length);
        for (size_t i = 0; i < count; i++)
            slice_clear(&slices[i]);
        if (is_shared)
            return true;
        moved = true;
    }
    return moved;
}

static void session_time_out(void *owner, void *data);

static void session_set_timer(Session *session)
{
    EventAction action = {session_time_out, session, NULL, NULL};
    session->timer_at = session->deadline;
    session->timer = simulator_schedule(session->simulator, session->deadline, session->node,
                                        session->priority, action);
}

static void session_time_out(void *owner, void *data)
{
    (void)data;
    Session *session = owner;
    session->timer_at = SIM_NEVER;
    if (session->deadline > simulator_now(session->simulator)) {
        *simulator_cause(session->simulator) = session->deadline_cause;
        session_set_timer(session);
        return;
    }
    session->armed_ns = 0;
    session->silence_because = stream_silence_because(session->stream);
    session->protocol->time_out(session->engine);
    session_pump(session);
}

static uint32_t session_epoch(const Session *session)
{
    return session->protocol->timeout_epoch != NULL
               ? session->protocol->timeout_epoch(session->engine)
               : session->receptions;
}

/* The wait begins anew with each reply and each piece of a message, and the timer hardly ever
 * strikes: so it is left as it is where it strikes too early, and then set again. */
static void session_arm_timeout(Session *session)
{
    int64_t timeout_ns = session->protocol->timeout_ns(session->engine);
    uint32_t epoch = session_epoch(session);
    if (timeout_ns == session->armed_ns && epoch == session->armed_epoch)
        return;
    session->armed_ns = timeout_ns;
    session->armed_epoch = epoch;
    session->deadline = simtime_add(simulator_now(session->simulator), timeout_ns);
    session->deadline_cause = *simulator_cause(session->simulator);
    if (timeout_ns != 0 && session->timer_at <= session->deadline)
        return;
    simulator_cancel(session->simulator, &session->timer);
    session->timer_at = SIM_NEVER;
    if (timeout_ns != 0)
        session_set_timer(session);
}

static void session_report_end(void *owner, void *data)
{
    (void)data;
    Session *session = owner;
    session->owner.ended(session->owner.owner);
}

/* The engine is through: close the stream, and tell the owner from an event of its own, since its
 * functions are on the stack now. */
static void session_finish(Session *session)
{
    if (session->is_closing)
        return;
    session->is_closing = true;
    simulator_cancel(session->simulator, &session->timer);
    session->failure = stream_failure(session->stream);
    session->because = stream_because(session->stream);
    stream_close(session->stream);
    stream_release(session->stream);
    session->stream = NULL;
    EventAction action = {session_report_end, session, NULL, NULL};
    session->end_timer = simulator_schedule(session->simulator, simulator_now(session->simulator),
                                            session->node, EVENT_FOREGROUND, action);
}

void session_pump(Session *session)
{
    if (session->is_pumping || session->stream == NULL)
        return;
    session->is_pumping = true;
    cache_line_fetch(session->engine, (size_t)ENGINE_HOT_LINES * CACHE_LINE);
    cache_line_fetch(session->owner.owner, CACHE_LINE);
    bool moved;
    do {
        bool has_taken = session_move_input(session);
        has_taken = session_tell_tls(session) || has_taken;
        has_taken = session_move_end(session) || has_taken;
        session->owner.handle_events(session->owner.owner);
        moved = session_move_output(session) && session_may_put_out_more(session);
        moved = moved || session_may_take_more(session, has_taken);
    } while (moved);
    session->is_pumping = false;
    bool is_sent = session->tls == NULL || tls_records_peek_output(session->tls).length == 0 ||
                   session->peer_has_ended;
    if (session->protocol->is_finished(session->engine) && is_sent)
        session_finish(session);
    else
        session_arm_timeout(session);
}

static void session_on_stream(void *owner, Stream *stream, StreamEvent event)
{
    (void)stream;
    Session *session = owner;
    switch (event) {
    case STREAM_CONNECTED:
    case STREAM_READABLE:
    case STREAM_WRITABLE:
        session_pump(session);
        break;
    case STREAM_PEER_CLOSED:
    case STREAM_FAILED:
    case STREAM_CLOSED:
        session->peer_has_ended = true;
        session_pump(session);
        break;
    }
}

StreamHandler session_stream_handler(Session *session)
{
    return (StreamHandler){session_on_stream, session};
}
