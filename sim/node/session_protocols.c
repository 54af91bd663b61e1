/* The four engines behind the pump's one shape: see SessionProtocol in session.h. */
#include "node/session.h"

#include "proto/imap_client.h"
#include "proto/imap_server.h"
#include "proto/smtp_client.h"
#include "proto/smtp_server.h"

_Static_assert((int)SESSION_SLICES_MAXIMUM >= (int)SMTP_OUTPUT_SLICES_MAXIMUM, "there is room");

/* One typed function for each entry, since a function may not be called through another type. */
#define DEFINE_MOVING(prefix, Engine)                                                              \
    static void prefix##_session_clear(void *engine)                                               \
    {                                                                                              \
        prefix##_clear((Engine *)engine);                                                          \
    }                                                                                              \
    static size_t prefix##_session_input_room(const void *engine)                                  \
    {                                                                                              \
        return prefix##_input_room((const Engine *)engine);                                        \
    }                                                                                              \
    static void prefix##_session_receive(void *engine, Span bytes)                                 \
    {                                                                                              \
        prefix##_receive((Engine *)engine, bytes);                                                 \
    }                                                                                              \
    static void prefix##_session_receive_end(void *engine)                                         \
    {                                                                                              \
        prefix##_receive_end((Engine *)engine);                                                    \
    }                                                                                              \
    static Span prefix##_session_peek_output(const void *engine)                                   \
    {                                                                                              \
        return prefix##_peek_output((const Engine *)engine);                                       \
    }                                                                                              \
    static void prefix##_session_consume_output(void *engine, size_t count)                        \
    {                                                                                              \
        prefix##_consume_output((Engine *)engine, count);                                          \
    }                                                                                              \
    static void prefix##_session_time_out(void *engine)                                            \
    {                                                                                              \
        prefix##_time_out((Engine *)engine);                                                       \
    }

/* The SMTP engines pass octets on by reference, and know what they have held back. */
#define DEFINE_SHARING(prefix, Engine)                                                             \
    static void prefix##_session_take_input(void *engine, Slice bytes)                             \
    {                                                                                              \
        prefix##_take_input((Engine *)engine, bytes);                                              \
    }                                                                                              \
    static size_t prefix##_session_take_output(void *engine, size_t room,                          \
                                               Slice slices[static SESSION_SLICES_MAXIMUM])        \
    {                                                                                              \
        return prefix##_take_output((Engine *)engine, room, slices);                               \
    }                                                                                              \
    static void prefix##_session_get_wants(const void *engine, SessionWants *wants)                \
    {                                                                                              \
        wants->input_room = prefix##_input_room((const Engine *)engine);                           \
        wants->is_held_back = prefix##_is_held_back((const Engine *)engine);                       \
        wants->is_finished = prefix##_is_finished((const Engine *)engine);                         \
        wants->timeout_ns = prefix##_timeout_ns((const Engine *)engine);                           \
        wants->timeout_epoch = prefix##_timeout_epoch((const Engine *)engine);                     \
    }

#define DEFINE_COPYING(prefix, Engine)                                                             \
    static void prefix##_session_get_wants(const void *engine, SessionWants *wants)                \
    {                                                                                              \
        wants->input_room = prefix##_input_room((const Engine *)engine);                           \
        wants->is_finished = prefix##_is_finished((const Engine *)engine);                         \
        wants->timeout_ns = prefix##_timeout_ns(prefix##_timeout((const Engine *)engine));         \
    }

#define MOVING(prefix)                                                                             \
    .engine_size = prefix##_size, .engine_clear = prefix##_session_clear,                          \
    .input_room = prefix##_session_input_room, .receive = prefix##_session_receive,                \
    .receive_end = prefix##_session_receive_end, .peek_output = prefix##_session_peek_output,      \
    .consume_output = prefix##_session_consume_output, .get_wants = prefix##_session_get_wants,    \
    .time_out = prefix##_session_time_out

#define SHARING(prefix)                                                                            \
    MOVING(prefix), .take_input = prefix##_session_take_input,                                     \
                    .take_output = prefix##_session_take_output

DEFINE_MOVING(smtp_server, SmtpServer)
DEFINE_SHARING(smtp_server, SmtpServer)
DEFINE_MOVING(smtp_client, SmtpClient)
DEFINE_SHARING(smtp_client, SmtpClient)
DEFINE_MOVING(imap_server, ImapServer)
DEFINE_COPYING(imap_server, ImapServer)
DEFINE_MOVING(imap_client, ImapClient)
DEFINE_COPYING(imap_client, ImapClient)

const SessionProtocol SESSION_SMTP_SERVER = {SHARING(smtp_server)};
const SessionProtocol SESSION_SMTP_CLIENT = {SHARING(smtp_client)};
const SessionProtocol SESSION_IMAP_SERVER = {MOVING(imap_server)};
const SessionProtocol SESSION_IMAP_CLIENT = {MOVING(imap_client)};
