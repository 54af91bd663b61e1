/* The four engines behind the pump's one shape: see SessionProtocol in session.h. */
#include "node/session.h"

#include "proto/imap_client.h"
#include "proto/imap_server.h"
#include "proto/smtp_client.h"
#include "proto/smtp_server.h"

_Static_assert((int)SESSION_SLICES_MAXIMUM >= (int)SMTP_OUTPUT_SLICES_MAXIMUM, "there is room");

/* One typed function for each entry, since a function may not be called through another type. */
#define DEFINE_MOVING(prefix, Engine)                                                              \
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
    static bool prefix##_session_is_finished(const void *engine)                                   \
    {                                                                                              \
        return prefix##_is_finished((const Engine *)engine);                                       \
    }                                                                                              \
    static void prefix##_session_time_out(void *engine)                                            \
    {                                                                                              \
        prefix##_time_out((Engine *)engine);                                                       \
    }

#define MOVING(prefix)                                                                             \
    .input_room = prefix##_session_input_room, .receive = prefix##_session_receive,                \
    .receive_end = prefix##_session_receive_end, .peek_output = prefix##_session_peek_output,      \
    .consume_output = prefix##_session_consume_output,                                             \
    .is_finished = prefix##_session_is_finished, .time_out = prefix##_session_time_out

DEFINE_MOVING(smtp_server, SmtpServer)
DEFINE_MOVING(smtp_client, SmtpClient)
DEFINE_MOVING(imap_server, ImapServer)
DEFINE_MOVING(imap_client, ImapClient)

/* The SMTP engines pass octets on by reference. */
static void smtp_server_session_take_input(void *engine, Slice bytes)
{
    smtp_server_take_input(engine, bytes);
}

static void smtp_client_session_take_input(void *engine, Slice bytes)
{
    smtp_client_take_input(engine, bytes);
}

static size_t smtp_server_session_take_output(void *engine, size_t room,
                                              Slice slices[static SESSION_SLICES_MAXIMUM])
{
    return smtp_server_take_output(engine, room, slices);
}

static size_t smtp_client_session_take_output(void *engine, size_t room,
                                              Slice slices[static SESSION_SLICES_MAXIMUM])
{
    return smtp_client_take_output(engine, room, slices);
}

static bool smtp_server_session_is_held_back(const void *engine)
{
    return smtp_server_is_held_back(engine);
}

static bool smtp_client_session_is_held_back(const void *engine)
{
    return smtp_client_is_held_back(engine);
}

static int64_t smtp_server_session_timeout_ns(const void *engine)
{
    return smtp_server_timeout_ns(engine);
}

static uint32_t smtp_server_session_epoch(const void *engine)
{
    return smtp_server_timeout_epoch(engine);
}

static int64_t smtp_client_session_timeout_ns(const void *engine)
{
    return smtp_client_timeout_ns(engine);
}

static uint32_t smtp_client_session_epoch(const void *engine)
{
    return smtp_client_timeout_epoch(engine);
}

static int64_t imap_server_session_timeout_ns(const void *engine)
{
    return imap_server_timeout_ns(imap_server_timeout(engine));
}

static int64_t imap_client_session_timeout_ns(const void *engine)
{
    return imap_client_timeout_ns(imap_client_timeout(engine));
}

const SessionProtocol SESSION_SMTP_SERVER = {MOVING(smtp_server),
                                             .take_input = smtp_server_session_take_input,
                                             .take_output = smtp_server_session_take_output,
                                             .is_held_back = smtp_server_session_is_held_back,
                                             .timeout_ns = smtp_server_session_timeout_ns,
                                             .timeout_epoch = smtp_server_session_epoch};
const SessionProtocol SESSION_SMTP_CLIENT = {MOVING(smtp_client),
                                             .take_input = smtp_client_session_take_input,
                                             .take_output = smtp_client_session_take_output,
                                             .is_held_back = smtp_client_session_is_held_back,
                                             .timeout_ns = smtp_client_session_timeout_ns,
                                             .timeout_epoch = smtp_client_session_epoch};
const SessionProtocol SESSION_IMAP_SERVER = {MOVING(imap_server),
                                             .timeout_ns = imap_server_session_timeout_ns};
const SessionProtocol SESSION_IMAP_CLIENT = {MOVING(imap_client),
                                             .timeout_ns = imap_client_session_timeout_ns};
