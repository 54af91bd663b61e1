/* The SEARCH command, RFC 9051 §6.4.4, §7.3.4 (ESEARCH); RFC 3501 §7.2.5 (SEARCH response). */
#include "core/check.h"
#include "proto/imap_server_internal.h"

static bool parse_search(ImapServer *server, ImapLexer *lexer)
{
    ImapServerTask *task = &server->task;
    if (!imap_server_want(server, imap_lexer_space(lexer), "Keys", "must follow, such as UNSEEN"))
        return false;
    bool right = imap_lexer_search(lexer, &task->search);
    imap_server_want(server, right, task->search.wrong.argument, task->search.wrong.rule);
    if (task->search.unsupported)
        task->unsupported = "Search option is not offered";
    return right;
}

/* RFC 9051 §7.3.4: "* ESEARCH (TAG "A1") UID COUNT 3 ALL 1,4:5". Without matches MIN, MAX and ALL
 * are left out. */
static void say_esearch(ImapServer *server, unsigned returns)
{
    const ImapServerTask *task = &server->task;
    const uint32_t *found = (const void *)task->found->data;
    guint count = task->found->len;
    imap_server_put(server, "* ESEARCH (TAG \"%s\")%s", task->tag->str, task->by_uid ? " UID" : "");
    if (count > 0 && (returns & IMAP_SEARCH_MIN) != 0)
        imap_server_put(server, " MIN %u", found[0]);
    if (count > 0 && (returns & IMAP_SEARCH_MAX) != 0)
        imap_server_put(server, " MAX %u", found[count - 1]);
    if ((returns & IMAP_SEARCH_COUNT) != 0)
        imap_server_put(server, " COUNT %u", count);
    if (count > 0 && (returns & IMAP_SEARCH_ALL) != 0) {
        g_autoptr(GString) set = g_string_new(" ALL ");
        imap_set_append_text(set, found, count);
        imap_server_put_text(server, span_of(set->str, set->len));
    }
    imap_server_end_line(server);
}

static void say_search(ImapServer *server)
{
    const GArray *found = server->task.found;
    imap_server_put(server, "* SEARCH");
    for (guint i = 0; i < found->len; i++)
        imap_server_put(server, " %u", g_array_index(found, uint32_t, i));
    imap_server_end_line(server);
}

/* A client that gives RETURN, or has enabled IMAP4rev2, is answered by ESEARCH. */
static void complete_search(ImapServer *server)
{
    unsigned returns = server->task.search.returns;
    if (returns != 0 || server->rev2)
        say_esearch(server, returns != 0 ? returns : IMAP_SEARCH_ALL);
    else
        say_search(server);
    imap_server_complete(server, IMAP_OK, server->task.gone ? "EXPUNGEISSUED" : NULL, NULL);
}

/* Judges the current message as far as it is known, and goes on or asks. */
static void judge(ImapServer *server, const ImapSearchMessage *message)
{
    ImapServerTask *task = &server->task;
    unsigned needs = 0;
    ImapSearchVerdict verdict = imap_search_judge(&task->search, message, &needs);
    if (verdict == IMAP_SEARCH_OPEN) {
        imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_MESSAGE,
                                                  .uid = message->uid,
                                                  .needs = needs});
        return;
    }
    if (verdict == IMAP_SEARCH_YES)
        g_array_append_val(task->found, *(task->by_uid ? &message->uid : &message->number));
    task->next_target++;
}

static ImapSearchMessage current_message(const ImapServer *server)
{
    guint index = server->task.next_target;
    return (ImapSearchMessage){.number = index + 1,
                               .uid = g_array_index(server->view, uint32_t, index)};
}

static void step_search(ImapServer *server)
{
    if (server->task.next_target >= server->view->len) {
        complete_search(server);
        return;
    }
    ImapSearchMessage message = current_message(server);
    judge(server, &message);
}

void imap_server_search_take(ImapServer *server, const ImapServerMessage *answer)
{
    ImapSearchMessage message = current_message(server);
    message.known = server->question.needs;
    message.flags = answer->flags;
    message.size_octets = answer->size_octets;
    message.date = answer->date;
    message.content = slice_span(answer->content);
    judge(server, &message);
    CHECK(!server->question_open);
}

static void run_search(ImapServer *server)
{
    guint count = server->view->len;
    uint32_t largest = count > 0 ? g_array_index(server->view, uint32_t, count - 1) : 0;
    if (server->task.search.bad_charset)
        imap_server_complete(server, IMAP_NO, "BADCHARSET (US-ASCII UTF-8)", NULL);
    else if (!imap_search_resolve(&server->task.search, count, largest))
        imap_server_complete(server, IMAP_BAD, NULL, "No such message number");
    else
        server->task.step = step_search;
}

const ImapServerCommand imap_server_find_commands[] = {
    {"SEARCH", IMAP_SERVER_ON_SEARCH, true, true, parse_search, run_search},
    {0},
};
