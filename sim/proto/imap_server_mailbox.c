/* IMAP commands on mailboxes. RFC 9051 §6.3, §6.4.1, §6.4.2.
 *
 * Left out: rev1's modified UTF-7: a mailbox name is the octets that the client sends. Lists of
 * them are in imap_server_list.c. */
#include "core/check.h"
#include "mail/date.h"
#include "proto/imap_server_internal.h"

#include <string.h>

bool imap_server_parse_mailbox(ImapServer *server, ImapLexer *lexer)
{
    bool right = imap_lexer_space(lexer) && imap_lexer_mailbox(lexer, &server->task.first);
    return imap_server_want(server, right, "Mailbox", IMAP_SERVER_NAME_RULE);
}

/* SELECT and EXAMINE, RFC 9051 §6.3.2, §6.3.3 */

static void ask_select(ImapServer *server, bool read_only)
{
    imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_SELECT,
                                              .mailbox = server->task.first,
                                              .read_only = read_only});
}

static void run_select(ImapServer *server)
{
    ask_select(server, false);
}

static void run_examine(ImapServer *server)
{
    ask_select(server, true);
}

/* What a rev1 client is owed beside (RFC 3501 §6.3.1); nothing is ever recent here. */
static void say_mailbox_rev1(ImapServer *server, const ImapServerMailbox *mailbox)
{
    imap_server_say(server, "* 0 RECENT");
    if (mailbox->first_unseen != 0)
        imap_server_say(server, "* OK [UNSEEN %zu] First unseen message", mailbox->first_unseen);
}

static void say_mailbox_rev2(ImapServer *server)
{
    imap_server_put(server, "* LIST () \"/\" ");
    imap_server_put_string(server, server->task.first);
    imap_server_end_line(server);
}

static void say_mailbox(ImapServer *server, const ImapServerMailbox *mailbox)
{
    g_autofree char *flags = imap_flags_text(IMAP_FLAGS_ALL);
    imap_server_say(server, "* FLAGS (%s)", flags);
    imap_server_say(server, "* %zu EXISTS", mailbox->count);
    if (server->rev2)
        say_mailbox_rev2(server);
    else
        say_mailbox_rev1(server, mailbox);
    imap_server_say(server, "* OK [UIDVALIDITY %u] UIDs valid", mailbox->uid_validity);
    imap_server_say(server, "* OK [UIDNEXT %u] Predicted next UID", mailbox->uid_next);
    imap_server_say(server, "* OK [PERMANENTFLAGS (%s)] Flags that last",
                    mailbox->read_only ? "" : flags);
}

void imap_server_answer_mailbox(ImapServer *server, uint32_t token,
                                const ImapServerMailbox *mailbox)
{
    if (!imap_server_take_answer(server, token, IMAP_SERVER_ASK_SELECT))
        return;
    CHECK(mailbox->count <= IMAP_SERVER_MESSAGES_MAXIMUM);
    for (size_t i = 1; i < mailbox->count; i++)
        CHECK(mailbox->uids[i - 1] < mailbox->uids[i]);
    imap_server_transition(server, IMAP_SERVER_ON_MAILBOX_OPENED, NULL);
    server->read_only = mailbox->read_only || server->question.read_only;
    if (mailbox->count > 0)
        g_array_append_vals(server->view, mailbox->uids, (guint)mailbox->count);
    say_mailbox(server, mailbox);
    imap_server_complete(server, IMAP_OK, server->read_only ? "READ-ONLY" : "READ-WRITE", NULL);
}

/* CLOSE and UNSELECT, RFC 9051 §6.4.1, §6.4.2. The state has changed already. */

static void run_close(ImapServer *server)
{
    imap_server_ask(
        server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_CLOSE, .expunge = !server->read_only});
}

static void run_unselect(ImapServer *server)
{
    imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_CLOSE});
}

/* CREATE, DELETE, RENAME, RFC 9051 §6.3.4 to §6.3.6 */

/* A name that holds control characters could not be shown to anyone (RFC 9051 §5.1). */
static bool is_good_name(Span name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (g_ascii_iscntrl(name.data[i]))
            return false;
    }
    return name.length > 0;
}

/* RFC 9051 §6.3.4: a "/" at the end only declares that names below it will follow. */
static Span without_last_separator(Span name)
{
    bool ends = name.length > 0 && name.data[name.length - 1] == '/';
    return span_of(name.data, name.length - (ends ? 1 : 0));
}

static void ask_about_mailbox(ImapServer *server, ImapServerEventKind kind)
{
    ImapServerTask *task = &server->task;
    imap_server_ask(
        server, (ImapServerEvent){.kind = kind, .mailbox = task->first, .new_name = task->second});
}

static void run_create(ImapServer *server)
{
    server->task.first = without_last_separator(server->task.first);
    if (is_good_name(server->task.first))
        ask_about_mailbox(server, IMAP_SERVER_ASK_CREATE);
    else
        imap_server_complete(server, IMAP_NO, "CANNOT", "No name for a mailbox");
}

static void run_delete(ImapServer *server)
{
    ask_about_mailbox(server, IMAP_SERVER_ASK_DELETE);
}

static bool parse_rename(ImapServer *server, ImapLexer *lexer)
{
    if (!imap_server_parse_mailbox(server, lexer))
        return false;
    bool right = imap_lexer_space(lexer) && imap_lexer_mailbox(lexer, &server->task.second);
    return imap_server_want(server, right, "New name", IMAP_SERVER_NAME_RULE);
}

static void run_rename(ImapServer *server)
{
    server->task.second = without_last_separator(server->task.second);
    if (is_good_name(server->task.second))
        ask_about_mailbox(server, IMAP_SERVER_ASK_RENAME);
    else
        imap_server_complete(server, IMAP_NO, "CANNOT", "No name for a mailbox");
}

/* STATUS, RFC 9051 §6.3.11 */

static const char *const status_items[] = {
    "MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT",
};

static uint64_t status_number(const ImapStatus *status, const char *item)
{
    const uint64_t numbers[] = {
        status->messages, status->uid_next,    status->uid_validity, status->unseen,
        status->deleted,  status->size_octets, status->recent,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(status_items); i++) {
        if (status_items[i] == item)
            return numbers[i];
    }
    CHECK(false);
}

static bool lex_status_item(ImapServer *server, ImapLexer *lexer)
{
    ImapServerTask *task = &server->task;
    for (size_t i = 0; i < G_N_ELEMENTS(status_items); i++) {
        if (task->status_count < G_N_ELEMENTS(task->status_items) &&
            imap_lexer_keyword(lexer, status_items[i])) {
            task->status_items[task->status_count++] = status_items[i];
            return true;
        }
    }
    return false;
}

static bool parse_status(ImapServer *server, ImapLexer *lexer)
{
    if (!imap_server_parse_mailbox(server, lexer))
        return false;
    bool right = imap_lexer_space(lexer) && imap_lexer_char(lexer, '(');
    do {
        right = right && lex_status_item(server, lexer);
    } while (right && imap_lexer_space(lexer));
    return imap_server_want(server, right && imap_lexer_char(lexer, ')'), "Items",
                            "must be some of (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE "
                            "RECENT)");
}

static void run_status(ImapServer *server)
{
    ask_about_mailbox(server, IMAP_SERVER_ASK_STATUS);
}

void imap_server_answer_status(ImapServer *server, uint32_t token, const ImapStatus *status)
{
    if (!imap_server_take_answer(server, token, IMAP_SERVER_ASK_STATUS))
        return;
    ImapServerTask *task = &server->task;
    imap_server_put(server, "* STATUS ");
    imap_server_put_string(server, task->first);
    for (size_t i = 0; i < task->status_count; i++)
        imap_server_put(server, "%s%s %" G_GUINT64_FORMAT, i == 0 ? " (" : " ",
                        task->status_items[i], status_number(status, task->status_items[i]));
    imap_server_put(server, ")");
    imap_server_end_line(server);
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

/* APPEND, RFC 9051 §6.3.12 */

static bool lex_append_flags(ImapServer *server, ImapLexer *lexer)
{
    if (imap_lexer_peek(lexer) != '(')
        return true;
    bool right = imap_lexer_flag_list(lexer, &server->task.flags) && imap_lexer_space(lexer);
    return imap_server_want(server, right, "Flag list", "must be such as (\\Seen \\Draft)");
}

/* RFC 9051 §6.3.12: the date and time become the internal date. */
static bool lex_append_date(ImapServer *server, ImapLexer *lexer)
{
    Span text;
    if (imap_lexer_peek(lexer) != '"')
        return true;
    if (!imap_server_want(server, imap_lexer_string(lexer, &text), "Date-time",
                          "must end with its quote"))
        return false;
    const char *problem = mail_parse_internal_date(text, &server->task.date_unix);
    server->task.has_date = problem == NULL;
    return imap_server_want(server, problem == NULL, "Date-time", problem) &&
           imap_server_want(server, imap_lexer_space(lexer), "Date-time",
                            "must have a space behind");
}

/* RFC 9051 §9 append-message, literal: no NUL, which only literal8 may hold. */
static bool parse_append(ImapServer *server, ImapLexer *lexer)
{
    Span *content = &server->task.content;
    if (!imap_server_parse_mailbox(server, lexer))
        return false;
    bool more = imap_lexer_space(lexer);
    if (more && (!lex_append_flags(server, lexer) || !lex_append_date(server, lexer)))
        return false;
    bool right =
        more && imap_lexer_literal(lexer, content) && span_find(*content, 0) == content->length;
    return imap_server_want(server, right, "Message",
                            "must be a literal such as {310} without NUL, behind at most a flag "
                            "list and a quoted date-time");
}

static void run_append(ImapServer *server)
{
    const ImapServerTask *task = &server->task;
    imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_APPEND,
                                              .mailbox = task->first,
                                              .flags = task->flags,
                                              .has_date = task->has_date,
                                              .date_unix = task->date_unix,
                                              .content = task->content});
}

const ImapServerCommand imap_server_mailbox_commands[] = {
    {"SELECT", IMAP_SERVER_ON_SELECT, false, false, imap_server_parse_mailbox, run_select},
    {"EXAMINE", IMAP_SERVER_ON_EXAMINE, false, false, imap_server_parse_mailbox, run_examine},
    {"CREATE", IMAP_SERVER_ON_CREATE, false, false, imap_server_parse_mailbox, run_create},
    {"DELETE", IMAP_SERVER_ON_DELETE, false, false, imap_server_parse_mailbox, run_delete},
    {"RENAME", IMAP_SERVER_ON_RENAME, false, false, parse_rename, run_rename},
    {"STATUS", IMAP_SERVER_ON_STATUS, false, false, parse_status, run_status},
    {"APPEND", IMAP_SERVER_ON_APPEND, false, false, parse_append, run_append},
    {"CLOSE", IMAP_SERVER_ON_CLOSE, false, false, NULL, run_close},
    {"UNSELECT", IMAP_SERVER_ON_UNSELECT, false, false, NULL, run_unselect},
    {0},
};
