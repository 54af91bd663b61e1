/* A session: a protocol engine on a byte stream. See session.h. */
#include "node/session.h"

#include "core/cache_line.h"
#include "core/check.h"

enum { ENGINE_HOT_LINES = 3 }; /* that an engine begins with */

/* What the pump looks at each time comes first, then what it changes when the wait begins anew: a
 * cache line each, since tcmalloc has pieces of such sizes begin with one. */
struct Session {
    const SessionProtocol *protocol;
    const SessionHandlers *handlers;
    void *owner;
    Stream *stream;
    TlsRecords *tls; /* NULL: in the clear */
    Simulator *simulator;
    NodeId node;
    uint32_t armed_epoch; /* of the wait that `deadline` stands for */
    uint8_t priority;     /* EventPriority */
    uint8_t failure;      /* StreamFailure: kept when the stream is gone */
    bool is_pumping : 1;
    bool input_waits : 1;    /* the engine had no room for it */
    bool peer_has_ended : 1; /* no more bytes will come than those in the stream */
    bool end_is_told : 1;    /* to the engine */
    bool tls_is_told : 1;    /* to the owner, that the handshake is over */
    bool is_closing : 1;     /* our FIN has been asked for */
    bool has_received : 1;   /* since the timeout was armed */
    int64_t armed_ns;        /* the timeout that `deadline` stands for; 0: none */
    SimTime timer_at;        /* when the timer strikes; SIM_NEVER: it is not set */
    SimTime deadline;        /* of the engine's timeout */
    Cause deadline_cause;    /* what made the engine wait */
    Timer timer; /* of the engine's timeout, or earlier: then it is set again; once closing, it
                    tells the owner that the session has ended */
    /* Behind the peer's silence when the engine's timeout struck; once closing, behind the end. */
    uint64_t silence_because;
    uint64_t engine[];
};

_Static_assert(offsetof(Session, armed_ns) <= CACHE_LINE && sizeof(Session) == 2 * CACHE_LINE,
               "what a step touches lies in few lines");

Session *session_new(Simulator *simulator, NodeId node, const SessionProtocol *protocol,
                     const SessionHandlers *handlers, void *owner, EventPriority priority)
{
    Session *session = g_malloc(sizeof *session + protocol->engine_size());
    *session = (Session){
        .protocol = protocol,
        .handlers = handlers,
        .owner = owner,
        .simulator = simulator,
        .node = node,
        .priority = (uint8_t)priority,
        .timer_at = SIM_NEVER,
    };
    return session;
}

void *session_engine(Session *session)
{
    return session->engine;
}

void session_take_stream(Session *session, Stream *stream)
{
    CHECK(session->stream == NULL);
    session->stream = stream;
}

void session_free(Session *session)
{
    if (session == NULL)
        return;
    simulator_cancel(session->simulator, &session->timer);
    if (session->stream != NULL) {
        if (!session->is_closing)
            stream_abort(session->stream);
        stream_release(session->stream);
    }
    tls_records_free(session->tls);
    session->protocol->engine_clear(session->engine);
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
    return session->stream != NULL ? stream_failure(session->stream)
                                   : (StreamFailure)session->failure;
}

uint64_t session_because(const Session *session)
{
    uint64_t because = session->stream != NULL ? stream_because(session->stream) : 0;
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
            session->handlers->handle_events(session->owner);
            input = session_peek_input(session);
        }
        if (!session_move_run_in(session, input))
            return moved;
        session->has_received = true;
        session->silence_because = 0;
        moved = has_run = true;
    }
}

/* Whether the engine may go on now that some of its output has gone. */
static bool session_may_put_out_more(const Session *session, const SessionWants *wants)
{
    return session->tls != NULL || wants->is_held_back;
}

/* Whether input may have found room only now that the engine's events were taken: also where none
 * had any before, as the engine was waiting for an answer. `has_taken`: it has got some. */
static bool session_may_take_more(const Session *session, const SessionWants *wants, bool has_taken)
{
    return session->tls != NULL ? has_taken : session->input_waits && wants->input_room > 0;
}

/* Tells the owner that the handshake is over, once; true when it did. */
static bool session_tell_tls(Session *session)
{
    if (session->tls == NULL || session->tls_is_told || !tls_records_are_open(session->tls))
        return false;
    session->tls_is_told = true;
    session->handlers->tls_started(session->owner);
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

/* Slices that the stream has room for, which are the session's no longer. */
static void session_write(Session *session, Slice *slices, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += slices[i].length;
    CHECK(stream_write_all(session->stream, slices, count) == length);
    for (size_t i = 0; i < count; i++)
        slice_clear(&slices[i]);
}

/* What goes by reference goes all at once: then there is nothing left, or no room. */
static bool session_pass_output_on(Session *session)
{
    Slice slices[SESSION_SLICES_MAXIMUM];
    size_t room = stream_write_room(session->stream);
    size_t count = session->protocol->take_output(session->engine, room, slices);
    if (count > 0)
        session_write(session, slices, count);
    return count > 0;
}

static Span session_peek_output(const Session *session)
{
    return session->tls != NULL ? tls_records_peek_output(session->tls)
                                : session->protocol->peek_output(session->engine);
}

static void session_consume_output(Session *session, size_t count)
{
    if (session->tls != NULL)
        tls_records_consume_output(session->tls, count);
    else
        session->protocol->consume_output(session->engine, count);
}

/* Output, or records, that is copied on its way to the stream. */
static bool session_copy_output(Session *session)
{
    bool moved = false;
    for (;;) {
        Span output = session_peek_output(session);
        size_t count = MIN(output.length, stream_write_room(session->stream));
        if (count == 0)
            return moved;
        Slice slice = {octets_new(output.data, count), 0, count};
        session_consume_output(session, count);
        session_write(session, &slice, 1);
        moved = true;
    }
}

/* Engine to peer, as far as the stream has room; true when something moved. */
static bool session_move_output(Session *session)
{
    if (session->tls == NULL && session->protocol->take_output != NULL)
        return session_pass_output_on(session);
    bool moved = session->tls != NULL && session_move_records_out(session);
    return session_copy_output(session) || moved;
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

/* The wait begins anew with each reply and each piece of a message, and the timer hardly ever
 * strikes: so it is left as it is where it strikes too early, and then set again. */
static void session_arm_timeout(Session *session, const SessionWants *wants)
{
    int64_t timeout_ns = wants->timeout_ns;
    if (timeout_ns == session->armed_ns && wants->timeout_epoch == session->armed_epoch)
        return;
    session->armed_ns = timeout_ns;
    session->armed_epoch = wants->timeout_epoch;
    session->has_received = false;
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
    session->handlers->ended(session->owner);
}

/* The engine is through: close the stream, and tell the owner from an event of its own, since its
 * functions are on the stack now. */
static void session_finish(Session *session)
{
    if (session->is_closing)
        return;
    session->is_closing = true;
    simulator_cancel(session->simulator, &session->timer);
    session->failure = (uint8_t)stream_failure(session->stream);
    session->silence_because = session_because(session);
    stream_close(session->stream);
    stream_release(session->stream);
    session->stream = NULL;
    EventAction action = {session_report_end, session, NULL, NULL};
    session->timer = simulator_schedule(session->simulator, simulator_now(session->simulator),
                                        session->node, EVENT_FOREGROUND, action);
}

static void session_ask_wants(const Session *session, SessionWants *wants)
{
    wants->is_held_back = true;
    wants->timeout_epoch = session->armed_epoch + session->has_received;
    session->protocol->get_wants(session->engine, wants);
}

/* Moves what can be moved, and asks the engine what it wants then. */
static void session_move(Session *session, SessionWants *wants)
{
    bool has_taken, has_put_out;
    do {
        has_taken = session_move_input(session);
        has_taken = session_tell_tls(session) || has_taken;
        has_taken = session_move_end(session) || has_taken;
        session->handlers->handle_events(session->owner);
        has_put_out = session_move_output(session);
        session_ask_wants(session, wants);
    } while ((has_put_out && session_may_put_out_more(session, wants)) ||
             session_may_take_more(session, wants, has_taken));
}

void session_pump(Session *session)
{
    if (session->is_pumping || session->stream == NULL)
        return;
    cache_line_fetch(session->engine, (size_t)ENGINE_HOT_LINES * CACHE_LINE);
    cache_line_fetch(session->owner, CACHE_LINE);
    session->is_pumping = true;
    SessionWants wants;
    session_move(session, &wants);
    session->is_pumping = false;
    bool is_sent = session->tls == NULL || tls_records_peek_output(session->tls).length == 0 ||
                   session->peer_has_ended;
    if (wants.is_finished && is_sent)
        session_finish(session);
    else
        session_arm_timeout(session, &wants);
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
