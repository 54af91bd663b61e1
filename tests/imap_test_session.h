/* A session with the IMAP server engine, as its tests hold it. */
#pragma once

#include "imap_test_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct Session {
    TestNode node;
    ImapServer *server;
} Session;

static const ImapServerOptions usual_options = {.host_name = "mx.test"};

static inline void session_begin_with(Session *session, const ImapServerOptions *options)
{
    test_node_init(&session->node);
    session->server = imap_server_new(options);
    test_node_pump(&session->node, session->server);
    g_string_truncate(session->node.sent, 0);
}

static inline void session_begin(Session *session)
{
    session_begin_with(session, &usual_options);
}

static inline void session_end(Session *session)
{
    imap_server_free(session->server);
    test_node_clear(&session->node);
}

static inline void feed(Session *session, const void *data, size_t length)
{
    Span rest = span_of(data, length);
    while (rest.length > 0) {
        size_t count = MIN(rest.length, imap_server_input_room(session->server));
        assert_true(count > 0);
        imap_server_receive(session->server, span_of(rest.data, count));
        rest = span_skip(rest, count);
        test_node_pump(&session->node, session->server);
    }
}

/* Sends lines, and returns what the server has said since. */
static inline const char *say(Session *session, const char *text)
{
    g_string_truncate(session->node.sent, 0);
    feed(session, text, strlen(text));
    test_node_pump(&session->node, session->server);
    return session->node.sent->str;
}

static inline void expect(Session *session, const char *text, const char *answer)
{
    assert_string_equal(say(session, text), answer);
}

/* For answers of which only a part matters. */
static inline void expect_part(Session *session, const char *text, const char *part)
{
    const char *said = say(session, text);
    if (strstr(said, part) == NULL)
        fail_msg("no \"%s\" in \"%s\"", part, said);
}

static inline void begin_selected(Session *session)
{
    session_begin(session);
    say(session, "a LOGIN bob secret\r\nb SELECT INBOX\r\n");
    assert_int_equal(imap_server_state(session->server), IMAP_SERVER_SELECTED);
}
