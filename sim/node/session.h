/* A session: a protocol engine on a byte stream. It moves bytes between the two, arms the timeout
 * that the engine names, and lets the owner take the engine's events. The four dialogues of a mail
 * system (SMTP and IMAP, each side) run over this one pump. */
#pragma once

#include "core/simulator.h"
#include "net/stream.h"
#include "proto/tls_records.h"

enum { SESSION_SLICES_MAXIMUM = 3 }; /* that an engine puts out at once */

/* What an engine wants when its events have been taken, and what there was room for of its output
 * has gone. */
typedef struct SessionWants {
    size_t input_room;
    /* It has held something back for want of room in its output: then it is asked for events again
     * once there is some. */
    bool is_held_back;
    bool is_finished;
    int64_t timeout_ns;     /* how long it waits for its peer; 0: for nothing */
    uint32_t timeout_epoch; /* changes when the wait begins anew */
} SessionWants;

/* How the pump drives an engine; each engine's functions behind one shape (session_protocols.c). */
typedef struct SessionProtocol {
    size_t (*engine_size)(void);
    void (*engine_clear)(void *engine);
    size_t (*input_room)(const void *engine);
    void (*receive)(void *engine, Span bytes);
    /* The same by reference: the engine owns the slice; NULL: it wants them by `receive`. */
    void (*take_input)(void *engine, Slice bytes);
    void (*receive_end)(void *engine);
    Span (*peek_output)(const void *engine);
    void (*consume_output)(void *engine, size_t count);
    /* Takes all of the output, or `room` octets of it, as slices one behind the other, which the
     * caller owns, and says how many they are; NULL: what is peeked at is copied. */
    size_t (*take_output)(void *engine, size_t room, Slice slices[static SESSION_SLICES_MAXIMUM]);
    /* Fills in what it knows: before, the engine is held back, as it may be, and the wait begins
     * anew with any byte received. */
    void (*get_wants)(const void *engine, SessionWants *wants);
    void (*time_out)(void *engine);
} SessionProtocol;

extern const SessionProtocol SESSION_SMTP_SERVER, SESSION_SMTP_CLIENT, SESSION_IMAP_SERVER,
    SESSION_IMAP_CLIENT;

/* What the session tells its owner. None but `ended` may free the session. */
typedef struct SessionHandlers {
    /* Take all of the engine's events. */
    void (*handle_events)(void *owner);
    /* The engine is finished and the stream is let go: last call, from an event of its own, in
     * which the owner frees the session. */
    void (*ended)(void *owner);
    /* The handshake that session_start_tls began is over; NULL where none is begun. */
    void (*tls_started)(void *owner);
} SessionHandlers;

typedef struct Session Session;

/* On a stream that is open (accepted) or being opened; `priority` is that of the engine's timeout.
 * The handlers are borrowed. There is room for the engine, where the owner begins one at once. */
Session *session_new(Simulator *simulator, NodeId node, const SessionProtocol *protocol,
                     const SessionHandlers *handlers, void *owner, EventPriority priority);
/* The engine lives and dies with its session, in the same piece of memory. */
void *session_engine(Session *session);
/* Gives the session its stream; before that nothing moves. */
void session_take_stream(Session *session, Stream *stream);
/* For the stream's handler. */
StreamHandler session_stream_handler(Session *session);
/* Lets go of the stream, aborting it if it is still open, and frees the session and its engine.
 * NULL: does nothing. */
void session_free(Session *session);

/* From now on the stream carries records, and, once the handshake is over, the engine's bytes
 * inside of them: SessionHandlers.tls_started tells. Nothing of the engine's may be on its way in
 * the clear. A peer that sends no records is taken for one whose connection has ended. */
void session_start_tls(Session *session, TlsSide side);

/* Moves what can be moved. Call it after answering an engine or giving it a command. */
void session_pump(Session *session);
Stream *session_peek_stream(const Session *session);
/* The stream's failure, or STREAM_OK; and the seq of the fault behind it, or 0. */
StreamFailure session_failure(const Session *session);
uint64_t session_because(const Session *session);
/* The same behind a reply that the peer has given: its shutdown, or a rule of its; `code` 0: no
 * reply came, so what is behind that. */
uint64_t session_reply_because(const Session *session, uint16_t code);
