/* The IMAP server from bytes to a command and its run. RFC 9051 §2.2.1, RFC 7888 (literals). */
#include "core/check.h"
#include "proto/imap_server_internal.h"

#include <string.h>

static void show_command(ImapServer *server)
{
    ImapServerEvent event = {.kind = IMAP_SERVER_COMMAND_LINE};
    GString *shown = server->reader.shown;
    event.line.length = shown->len;
    imap_server_push(server, event, g_strndup(shown->str, shown->len));
    g_string_truncate(shown, 0);
}

/* The line's text, ready to be read from its front. */
static ImapLexer lexer_of(ImapServer *server)
{
    Buffer *text = &server->reader.text;
    uint8_t *start = text->memory->here + text->start;
    return (ImapLexer){start, start + text->length};
}

/* A line that is no command at all, or one whose rest does not matter. Its tag is answered when it
 * has one, else the answer is untagged (RFC 9051 §7.1.3). */
static void refuse_line(ImapServer *server, ImapResult result, const char *text)
{
    ImapLexer lexer = lexer_of(server);
    Span tag = {0};
    bool tagged = imap_lexer_tag(&lexer, &tag) && imap_lexer_space(&lexer);
    imap_server_say(server, "%.*s %s %s", tagged ? (int)tag.length : 1,
                    tagged ? (const char *)tag.data : "*", imap_result_name(result), text);
    server->bad_count += result == IMAP_BAD;
}

static const ImapServerCommand *find_command(Span name)
{
    const ImapServerCommand *const lists[] = {
        imap_server_session_commands, imap_server_mailbox_commands, imap_server_list_commands,
        imap_server_message_commands, imap_server_find_commands,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (const ImapServerCommand *command = lists[i]; command->name != NULL; command++) {
            if (span_equals_text_nocase(name, command->name))
                return command;
        }
    }
    return NULL;
}

/* "tag NAME" or "tag UID NAME" (RFC 9051 §6.4.9); the command stays NULL when there is none such.
 */
static void lex_command(ImapServer *server, ImapLexer *lexer)
{
    ImapServerTask *task = &server->task;
    Span tag, name;
    if (!imap_lexer_tag(lexer, &tag) || !imap_lexer_space(lexer))
        return;
    g_string_append_len(task->tag, (const char *)tag.data, (gssize)tag.length);
    task->by_uid = imap_lexer_keyword(lexer, "UID");
    if ((task->by_uid && !imap_lexer_space(lexer)) || !imap_lexer_atom(lexer, &name))
        return;
    const ImapServerCommand *command = find_command(name);
    if (command != NULL && (!task->by_uid || command->has_uid_form))
        task->command = command;
}

bool imap_server_want(ImapServer *server, bool right, const char *argument, const char *rule)
{
    return imap_want(&server->task.wrong, right, argument, rule);
}

/* Arguments that ask for something left out are right as far as they have been read. */
static bool arguments_are_right(ImapServer *server, ImapLexer *lexer)
{
    const ImapServerCommand *command = server->task.command;
    bool right =
        (command->parse == NULL || command->parse(server, lexer)) &&
        imap_server_want(server, imap_lexer_at_end(lexer), "End",
                         command->parse == NULL ? "must come at once, for it takes no arguments"
                                                : "must come here, for it takes no more arguments");
    return right || server->task.unsupported != NULL;
}

static void refuse_arguments(ImapServer *server)
{
    const ImapServerTask *task = &server->task;
    CHECK(task->wrong.argument != NULL);
    g_autofree char *text =
        g_strdup_printf("%s of %s%s %s", task->wrong.argument, task->by_uid ? "UID " : "",
                        task->command->name, task->wrong.rule);
    imap_server_complete(server, IMAP_BAD, NULL, text);
}

static void run_command(ImapServer *server, ImapLexer *lexer)
{
    if (!arguments_are_right(server, lexer)) {
        refuse_arguments(server);
        return;
    }
    if (server->task.unsupported != NULL) {
        imap_server_complete(server, IMAP_NO, "CANNOT", server->task.unsupported);
        return;
    }
    const ImapServerCommand *command = server->task.command;
    /* RFC 9051 §6.3.2: the mailbox that SELECT leaves is closed before the new one is opened. */
    bool leaves =
        server->state == IMAP_SERVER_SELECTED &&
        (command->input == IMAP_SERVER_ON_SELECT || command->input == IMAP_SERVER_ON_EXAMINE);
    imap_server_transition(server, command->input, NULL);
    if (leaves)
        imap_server_say(server, "* OK [CLOSED] Previous mailbox is now closed");
    command->run(server);
}

static void start_command(ImapServer *server)
{
    ImapLexer lexer = lexer_of(server);
    lex_command(server, &lexer);
    const ImapServerCommand *command = server->task.command;
    if (command == NULL) {
        imap_server_transition(server, IMAP_SERVER_ON_UNKNOWN, NULL);
        refuse_line(server, IMAP_BAD, "No such command");
        imap_server_task_clear(server);
        imap_reader_start_anew(&server->reader);
        return;
    }
    uint8_t input = (uint8_t)command->input;
    switch ((ImapServerAction)state_table_cell(&imap_server_table, server->state, input)->action) {
    case IMAP_SERVER_RUN:
        run_command(server, &lexer);
        return;
    case IMAP_SERVER_REFUSE:
        imap_server_transition(server, command->input, NULL);
        imap_server_complete(server, IMAP_BAD, NULL, "Command is not permitted in this state");
        return;
    case IMAP_SERVER_DECLINE:
        imap_server_transition(server, command->input, NULL);
        imap_server_complete(server, IMAP_NO, "CANNOT", "Not offered here");
        return;
    case IMAP_SERVER_ENTER:
    case IMAP_SERVER_SAY_BYE:
    case IMAP_SERVER_END:
    case IMAP_SERVER_IGNORE:
    case IMAP_SERVER_NEVER:
    case IMAP_SERVER_ACTION_COUNT:
        break;
    }
    CHECK(false);
}

/* Only APPEND, from a client that has logged in, may bring a whole message. */
static bool is_append(ImapServer *server)
{
    ImapLexer lexer = lexer_of(server);
    Span tag;
    return server->state != IMAP_SERVER_NOT_AUTHENTICATED && imap_lexer_tag(&lexer, &tag) &&
           imap_lexer_space(&lexer) && imap_lexer_keyword(&lexer, "APPEND");
}

/* A literal larger than allowed. A client that waits is told so and goes on; one that does not wait
 * sends it anyway, and the session ends rather than swallow it (RFC 7888 §4). */
static void refuse_literal(ImapServer *server, bool append)
{
    const char *text = append ? "[TOOBIG] Message is too large" : "Literal is too large";
    show_command(server);
    if (!server->reader.waits) {
        imap_server_transition(server, IMAP_SERVER_ON_SHUT_DOWN, text);
        return;
    }
    refuse_line(server, append ? IMAP_NO : IMAP_BAD, text);
    imap_reader_start_anew(&server->reader);
}

static void announce_literal(ImapServer *server)
{
    bool append = is_append(server);
    if (server->idling || !imap_reader_accept_literal(&server->reader, !append))
        refuse_literal(server, append);
    else if (server->reader.waits)
        imap_server_say(server, "+ Ready for literal data");
}

/* A line that cannot be read as one. */
static void refuse_bytes(ImapServer *server, const char *text)
{
    show_command(server);
    if (server->idling)
        imap_server_complete(server, IMAP_BAD, NULL, text);
    else
        refuse_line(server, IMAP_BAD, text);
}

bool imap_server_read(ImapServer *server)
{
    switch (imap_reader_step(&server->reader)) {
    case IMAP_READER_MORE:
        if (server->input_ended)
            imap_server_transition(server, IMAP_SERVER_ON_PEER_CLOSED, NULL);
        return server->input_ended;
    case IMAP_READER_LINE:
        show_command(server);
        if (server->idling)
            imap_server_idle_line(server);
        else
            start_command(server);
        return true;
    case IMAP_READER_LITERAL:
        announce_literal(server);
        return true;
    case IMAP_READER_TOO_LONG:
        refuse_bytes(server, "Line is too long");
        return true;
    case IMAP_READER_MALFORMED:
        refuse_bytes(server, "Line holds NUL, or CR or LF alone");
        imap_reader_start_anew(&server->reader);
        return true;
    case IMAP_READER_LOST:
        imap_server_transition(server, IMAP_SERVER_ON_SHUT_DOWN, "Lost in a literal");
        return true;
    }
    CHECK(false);
}
