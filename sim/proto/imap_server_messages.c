/* IMAP commands on messages: FETCH, STORE, COPY, MOVE, EXPUNGE. RFC 9051 §6.4.3, §6.4.5 to §6.4.9.
 *
 * FETCH and STORE go through their messages one question at a time; COPY, MOVE and EXPUNGE are one
 * question about all, since they succeed or fail as a whole. */
#include "core/check.h"
#include "proto/imap_server_internal.h"

bool imap_server_parse_set(ImapServer *server, ImapLexer *lexer)
{
    bool right = imap_lexer_space(lexer) && imap_lexer_set(lexer, &server->task.set) &&
                 imap_lexer_space(lexer);
    return imap_server_want(server, right, "Set",
                            "must be numbers such as 1, 2:4 or 7:*, with a space behind");
}

static uint32_t uid_at(const ImapServer *server, guint index)
{
    return g_array_index(server->view, uint32_t, index);
}

/* RFC 9051 §6.4.9: a UID that is not there is passed over, while a message number larger than the
 * number of messages is an error (§9 seq-number). */
bool imap_server_find_targets(ImapServer *server)
{
    ImapServerTask *task = &server->task;
    guint count = server->view->len;
    uint32_t largest = !task->by_uid ? count : count > 0 ? uid_at(server, count - 1) : 0;
    bool named_some = task->set.count > 0;
    imap_set_resolve(&task->set, largest);
    if (!task->by_uid &&
        (imap_set_largest(&task->set) > count || (named_some && task->set.count == 0))) {
        imap_server_complete(server, IMAP_BAD, NULL, "No such message number");
        return false;
    }
    for (guint i = 0; i < count; i++) {
        uint32_t uid = uid_at(server, i);
        if (imap_set_contains(&task->set, task->by_uid ? uid : i + 1))
            g_array_append_val(task->targets, uid);
    }
    return true;
}

static uint32_t current_target(const ImapServer *server)
{
    return g_array_index(server->task.targets, uint32_t, server->task.next_target);
}

void imap_server_complete_targets(ImapServer *server)
{
    if (server->task.unknown_encoding)
        imap_server_complete(server, IMAP_NO, "UNKNOWN-CTE", "A part cannot be decoded");
    else if (!server->task.gone)
        imap_server_complete(server, IMAP_OK, NULL, NULL);
    else
        imap_server_complete(server, server->task.by_uid ? IMAP_OK : IMAP_NO, "EXPUNGEISSUED",
                             "Some messages have been expunged");
}

/* True when all targets have been dealt with, and the command is complete. */
static bool complete_at_end(ImapServer *server)
{
    if (server->task.next_target < server->task.targets->len)
        return false;
    imap_server_complete_targets(server);
    return true;
}

static bool is_refused_read_only(ImapServer *server)
{
    if (server->read_only)
        imap_server_complete(server, IMAP_NO, "CANNOT", "Mailbox is read-only");
    return server->read_only;
}

/* FETCH, RFC 9051 §6.4.5, §7.5.2 */

static bool parse_fetch(ImapServer *server, ImapLexer *lexer)
{
    ImapServerTask *task = &server->task;
    return imap_server_parse_set(server, lexer) &&
           imap_server_want(server, imap_lexer_fetch(lexer, &task->fetch), "Items",
                            "must be at most 32 such as FLAGS or (UID BODY.PEEK[TEXT]<0.100>)");
}

static bool has_nul(Slice part)
{
    Span octets = slice_span(part);
    return span_find(octets, '\0') < octets.length;
}

/* What cannot be decoded has no size and is NIL, and the command ends with NO (RFC 9051 §6.4.5
 * BINARY); literal8, with the tilde, is for octets that may be NUL (§9). */
static void put_section(ImapServer *server, const ImapFetchItem *item, Slice content)
{
    Slice part = {0};
    ImapCut cut = imap_section_cut(item, content, &part);
    server->task.unknown_encoding |= cut == IMAP_CUT_UNKNOWN_ENCODING;
    imap_server_put(server, "%s ", item->label->str);
    if (item->kind == IMAP_FETCH_BINARY_SIZE) {
        imap_server_put(server, "%zu", part.length);
    } else if (cut != IMAP_CUT_DONE) {
        imap_server_put(server, "NIL");
    } else {
        if (item->kind == IMAP_FETCH_BINARY && has_nul(part))
            imap_server_put(server, "~");
        imap_server_put_literal(server, part);
    }
    slice_clear(&part);
}

static void put_fetch_item(ImapServer *server, const ImapFetchItem *item, uint32_t uid,
                           const ImapServerMessage *message)
{
    switch (item->kind) {
    case IMAP_FETCH_UID:
        imap_server_put(server, "UID %u", uid);
        return;
    case IMAP_FETCH_FLAGS: {
        g_autofree char *flags = imap_flags_text(message->flags);
        imap_server_put(server, "FLAGS (%s)", flags);
        return;
    }
    case IMAP_FETCH_DATE:
        imap_server_put(server, "INTERNALDATE \"%s\"", message->date);
        return;
    case IMAP_FETCH_SIZE:
        imap_server_put(server, "RFC822.SIZE %" G_GUINT64_FORMAT, message->size_octets);
        return;
    case IMAP_FETCH_ENVELOPE:
        imap_server_put(server, "ENVELOPE ");
        imap_server_put_envelope(server, slice_span(message->content));
        return;
    case IMAP_FETCH_BODY:
    case IMAP_FETCH_STRUCTURE:
        imap_server_put(server, item->kind == IMAP_FETCH_BODY ? "BODY " : "BODYSTRUCTURE ");
        imap_server_put_structure(server, slice_span(message->content),
                                  item->kind == IMAP_FETCH_STRUCTURE);
        return;
    case IMAP_FETCH_SECTION:
    case IMAP_FETCH_BINARY:
    case IMAP_FETCH_BINARY_SIZE:
        put_section(server, item, message->content);
        return;
    case IMAP_FETCH_KINDS:
        break;
    }
    CHECK(false);
}

static void say_fetched(ImapServer *server, const ImapServerMessage *message, bool now_seen)
{
    const ImapFetch *fetch = &server->task.fetch;
    uint32_t uid = current_target(server);
    static const ImapFetchItem flags_item = {.kind = IMAP_FETCH_FLAGS};
    imap_server_put(server, "* %u FETCH (", imap_server_number_of(server, uid));
    for (size_t i = 0; i < fetch->count; i++) {
        if (i > 0)
            imap_server_put(server, " ");
        put_fetch_item(server, &fetch->items[i], uid, message);
    }
    if (now_seen && !imap_fetch_asks(fetch, IMAP_FETCH_FLAGS)) {
        imap_server_put(server, " ");
        put_fetch_item(server, &flags_item, uid, message);
    }
    imap_server_put(server, ")");
    imap_server_end_line(server);
    server->task.next_target++;
}

static void step_fetch(ImapServer *server)
{
    if (complete_at_end(server))
        return;
    const ImapFetch *fetch = &server->task.fetch;
    unsigned needs = imap_fetch_needs(fetch);
    if (imap_fetch_sets_seen(fetch) && !server->read_only)
        needs |= IMAP_NEED_FLAGS;
    if (needs == 0)
        say_fetched(server, &(ImapServerMessage){0}, false);
    else
        imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_MESSAGE,
                                                  .uid = current_target(server),
                                                  .needs = needs});
}

static void run_fetch(ImapServer *server)
{
    if (!imap_server_find_targets(server))
        return;
    if (server->task.by_uid)
        imap_fetch_add_uid(&server->task.fetch);
    server->task.step = step_fetch;
}

/* RFC 9051 §6.4.5 BODY[<section>]: \Seen is set, and where that changes the flags they are part of
 * the response. The message is held until the node has set the flag. */
static void hold_for_seen(ImapServer *server, const ImapServerMessage *message)
{
    ImapServerMessage *held = &server->task.held;
    *held = *message;
    held->content = slice_ref(message->content, 0, message->content.length);
    held->date = g_strdup(message->date);
    imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_STORE,
                                              .uid = current_target(server),
                                              .mode = IMAP_STORE_ADD,
                                              .flags = IMAP_FLAG_SEEN});
}

static void say_held(ImapServer *server, bool now_seen)
{
    ImapServerMessage *held = &server->task.held;
    say_fetched(server, held, now_seen);
    slice_clear(&held->content);
    g_free((char *)held->date);
    *held = (ImapServerMessage){0};
}

void imap_server_answer_message(ImapServer *server, uint32_t token,
                                const ImapServerMessage *message)
{
    if (!imap_server_take_answer(server, token, IMAP_SERVER_ASK_MESSAGE))
        return;
    const ImapServerTask *task = &server->task;
    if (task->command->input == IMAP_SERVER_ON_SEARCH) {
        imap_server_search_take(server, message);
        return;
    }
    bool sets_seen = imap_fetch_sets_seen(&task->fetch) && !server->read_only;
    if (sets_seen && (message->flags & IMAP_FLAG_SEEN) == 0)
        hold_for_seen(server, message);
    else
        say_fetched(server, message, false);
}

/* STORE, RFC 9051 §6.4.6 */

static bool parse_store(ImapServer *server, ImapLexer *lexer)
{
    ImapServerTask *task = &server->task;
    if (!imap_server_parse_set(server, lexer))
        return false;
    task->mode = IMAP_STORE_REPLACE;
    if (imap_lexer_char(lexer, '+'))
        task->mode = IMAP_STORE_ADD;
    else if (imap_lexer_char(lexer, '-'))
        task->mode = IMAP_STORE_REMOVE;
    task->silent = imap_lexer_keyword(lexer, "FLAGS.SILENT");
    bool right = (task->silent || imap_lexer_keyword(lexer, "FLAGS")) && imap_lexer_space(lexer);
    if (!imap_server_want(server, right, "Item",
                          "must be FLAGS or FLAGS.SILENT, with + or - in front or none"))
        return false;
    right = imap_lexer_peek(lexer) == '(' ? imap_lexer_flag_list(lexer, &task->flags)
                                          : imap_lexer_flags(lexer, &task->flags);
    return imap_server_want(server, right, "Flags", "must be such as (\\Seen \\Deleted)");
}

static void step_store(ImapServer *server)
{
    if (!complete_at_end(server))
        imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_STORE,
                                                  .uid = current_target(server),
                                                  .mode = server->task.mode,
                                                  .flags = server->task.flags});
}

static void run_store(ImapServer *server)
{
    if (!is_refused_read_only(server) && imap_server_find_targets(server))
        server->task.step = step_store;
}

/* UID STORE's responses name the UID (RFC 9051 §6.4.9). */
static void say_stored(ImapServer *server, uint32_t uid, ImapFlags flags)
{
    g_autofree char *text = imap_flags_text(flags);
    imap_server_put(server, "* %u FETCH (", imap_server_number_of(server, uid));
    if (server->task.by_uid)
        imap_server_put(server, "UID %u ", uid);
    imap_server_put(server, "FLAGS (%s))", text);
    imap_server_end_line(server);
}

void imap_server_answer_flags(ImapServer *server, uint32_t token, ImapFlags flags)
{
    if (!imap_server_take_answer(server, token, IMAP_SERVER_ASK_STORE))
        return;
    ImapServerTask *task = &server->task;
    uint32_t uid = current_target(server);
    imap_server_forget_flag_news(server, uid);
    if (task->command->input == IMAP_SERVER_ON_FETCH) {
        task->held.flags = flags;
        say_held(server, true);
        return;
    }
    if (!task->silent)
        say_stored(server, uid, flags);
    task->next_target++;
}

bool imap_server_has_held(const ImapServer *server)
{
    return server->task.command->input == IMAP_SERVER_ON_FETCH &&
           server->question.kind == IMAP_SERVER_ASK_STORE;
}

void imap_server_target_gone(ImapServer *server)
{
    ImapServerTask *task = &server->task;
    if (imap_server_has_held(server)) {
        say_held(server, false); /* gone since it was read, or the flag cannot be set */
        return;
    }
    task->gone = true;
    task->next_target++;
}

/* COPY and MOVE, RFC 9051 §6.4.7, §6.4.8 */

static bool parse_copy(ImapServer *server, ImapLexer *lexer)
{
    return imap_server_parse_set(server, lexer) &&
           imap_server_want(server, imap_lexer_mailbox(lexer, &server->task.first), "Mailbox",
                            IMAP_SERVER_NAME_RULE);
}

/* Asks about all targets at once. With none, which only UIDs can mean, nothing is to do. */
static void ask_targets(ImapServer *server, ImapServerEventKind kind)
{
    const GArray *targets = server->task.targets;
    if (targets->len == 0)
        imap_server_complete(server, IMAP_OK, NULL, NULL);
    else
        imap_server_ask(server, (ImapServerEvent){.kind = kind,
                                                  .mailbox = server->task.first,
                                                  .uids = (const void *)targets->data,
                                                  .uid_count = targets->len});
}

static void run_copy(ImapServer *server)
{
    if (imap_server_find_targets(server))
        ask_targets(server, IMAP_SERVER_ASK_COPY);
}

static void run_move(ImapServer *server)
{
    if (!is_refused_read_only(server) && imap_server_find_targets(server))
        ask_targets(server, IMAP_SERVER_ASK_MOVE);
}

/* "COPYUID 38505 304,319:320 3956:3958", RFC 9051 §7.1. */
static char *copy_code(const ImapServer *server, uint32_t uid_validity, const uint32_t *uids,
                       size_t count)
{
    const GArray *targets = server->task.targets;
    GString *code = g_string_new(NULL);
    CHECK(count == targets->len);
    g_string_printf(code, "COPYUID %u ", uid_validity);
    imap_set_append_text(code, (const void *)targets->data, targets->len);
    g_string_append_c(code, ' ');
    imap_set_append_text(code, uids, count);
    return g_string_free(code, FALSE);
}

void imap_server_answer_copied(ImapServer *server, uint32_t token, uint32_t uid_validity,
                               const uint32_t *uids, size_t count)
{
    ImapServerEventKind kind = server->question.kind;
    CHECK(kind == IMAP_SERVER_ASK_COPY || kind == IMAP_SERVER_ASK_MOVE ||
          kind == IMAP_SERVER_ASK_APPEND);
    if (!imap_server_take_answer(server, token, kind))
        return;
    if (kind == IMAP_SERVER_ASK_APPEND) {
        CHECK(count == 1);
        g_autofree char *code = g_strdup_printf("APPENDUID %u %u", uid_validity, uids[0]);
        imap_server_complete(server, IMAP_OK, code, NULL);
        return;
    }
    g_autofree char *code = copy_code(server, uid_validity, uids, count);
    if (kind == IMAP_SERVER_ASK_COPY) {
        imap_server_complete(server, IMAP_OK, code, NULL);
        return;
    }
    /* RFC 9051 §6.4.8: COPYUID goes before the EXPUNGE responses, untagged. */
    const GArray *targets = server->task.targets;
    imap_server_say(server, "* OK [%s] Moved", code);
    imap_server_expunge(server, (const void *)targets->data, targets->len);
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

/* EXPUNGE, RFC 9051 §6.4.3; UID EXPUNGE, §6.4.9 */

static bool parse_expunge(ImapServer *server, ImapLexer *lexer)
{
    bool right = !server->task.by_uid ||
                 (imap_lexer_space(lexer) && imap_lexer_set(lexer, &server->task.set));
    return imap_server_want(server, right, "Set", "must be UIDs such as 1, 2:4 or 7:*");
}

static void run_expunge(ImapServer *server)
{
    if (is_refused_read_only(server))
        return;
    if (server->task.by_uid) {
        if (!imap_server_find_targets(server))
            return;
    } else if (server->view->len > 0) {
        g_array_append_vals(server->task.targets, server->view->data, server->view->len);
    }
    ask_targets(server, IMAP_SERVER_ASK_EXPUNGE);
}

void imap_server_answer_removed(ImapServer *server, uint32_t token, const uint32_t *uids,
                                size_t count)
{
    if (!imap_server_take_answer(server, token, IMAP_SERVER_ASK_EXPUNGE))
        return;
    imap_server_expunge(server, uids, count);
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

const ImapServerCommand imap_server_message_commands[] = {
    {"FETCH", IMAP_SERVER_ON_FETCH, true, true, parse_fetch, run_fetch},
    {"STORE", IMAP_SERVER_ON_STORE, true, true, parse_store, run_store},
    {"COPY", IMAP_SERVER_ON_COPY, true, false, parse_copy, run_copy},
    {"MOVE", IMAP_SERVER_ON_MOVE, true, false, parse_copy, run_move},
    {"EXPUNGE", IMAP_SERVER_ON_EXPUNGE, true, false, parse_expunge, run_expunge},
    {0},
};
