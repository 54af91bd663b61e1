/* IMAP's lists of mailboxes: LIST, LSUB, SUBSCRIBE, UNSUBSCRIBE, NAMESPACE. RFC 9051 §6.3.7 to
 * §6.3.10, RFC 3501 §6.3.9.
 *
 * Left out: RECURSIVEMATCH, the return options but SUBSCRIBED, and more than one pattern. */
#include "core/check.h"
#include "proto/imap_server_internal.h"

#include <string.h>

/* SUBSCRIBE, UNSUBSCRIBE */

static void ask_subscribe(ImapServer *server, bool subscribes)
{
    imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_SUBSCRIBE,
                                              .mailbox = server->task.first,
                                              .subscribes = subscribes});
}

static void run_subscribe(ImapServer *server)
{
    ask_subscribe(server, true);
}

static void run_unsubscribe(ImapServer *server)
{
    ask_subscribe(server, false);
}

/* LIST and LSUB */

/* An option of RFC 9051 §6.3.9.1 or §6.3.9.2, or RFC 6154's, that is not offered. One that nobody
 * knows is an error (§6.3.9). */
static bool is_left_out(Span name, bool is_selecting)
{
    if (span_equals_text_nocase(name, "SPECIAL-USE"))
        return true;
    return is_selecting ? span_equals_text_nocase(name, "RECURSIVEMATCH")
                        : span_equals_text_nocase(name, "CHILDREN") ||
                              span_equals_text_nocase(name, "STATUS");
}

/* "(SUBSCRIBED REMOTE)" from the parenthesis on. Nothing is remote here. What is an option and left
 * out makes the command unsupported, and the rest is not read. */
static bool lex_options(ImapServer *server, ImapLexer *lexer, bool *subscribed, bool are_selecting)
{
    bool right = imap_lexer_char(lexer, '(');
    for (bool first = true; right && !imap_lexer_char(lexer, ')'); first = false) {
        Span name = {0};
        right = (first || imap_lexer_space(lexer)) && imap_lexer_atom(lexer, &name);
        if (right && is_left_out(name, are_selecting)) {
            server->task.unsupported = "Of the options of LIST only SUBSCRIBED is offered";
            return false;
        }
        bool is_subscribed = span_equals_text_nocase(name, "SUBSCRIBED");
        *subscribed |= is_subscribed;
        right =
            right && (is_subscribed || (are_selecting && span_equals_text_nocase(name, "REMOTE")));
    }
    return imap_server_want(server, right, "Options", "must be such as (SUBSCRIBED)");
}

static bool lex_names(ImapServer *server, ImapLexer *lexer)
{
    ImapServerTask *task = &server->task;
    bool reference = imap_lexer_space(lexer) && imap_lexer_mailbox(lexer, &task->first);
    if (!imap_server_want(server, reference, "Reference", "must be a name, or \"\" for the root"))
        return false;
    bool pattern = imap_lexer_space(lexer);
    if (pattern && imap_lexer_peek(lexer) == '(') {
        task->unsupported = "LIST takes one pattern here";
        return false;
    }
    pattern = pattern && imap_lexer_pattern(lexer, &task->second);
    return imap_server_want(server, pattern, "Pattern", "must be a name or such as * or Work/%");
}

/* RFC 9051 §6.3.9.1: to select by SUBSCRIBED is to return it, too. */
static bool parse_list(ImapServer *server, ImapLexer *lexer)
{
    ImapServerTask *task = &server->task;
    ImapLexer ahead = *lexer;
    if (imap_lexer_space(&ahead) && imap_lexer_peek(&ahead) == '(') {
        *lexer = ahead;
        task->is_extended = true;
        if (!lex_options(server, lexer, &task->only_subscribed, true))
            return false;
    }
    task->shows_subscribed = task->only_subscribed;
    if (!lex_names(server, lexer) || !imap_lexer_space(lexer))
        return task->wrong.argument == NULL && task->unsupported == NULL;
    bool right = imap_lexer_keyword(lexer, "RETURN") && imap_lexer_space(lexer);
    task->is_extended = true;
    return imap_server_want(server, right, "End", "must come here, or RETURN (SUBSCRIBED)") &&
           lex_options(server, lexer, &task->shows_subscribed, false);
}

static bool parse_lsub(ImapServer *server, ImapLexer *lexer)
{
    server->task.only_subscribed = true;
    return lex_names(server, lexer);
}

static void say_list(ImapServer *server, uint32_t attributes, const char *name)
{
    g_autofree char *text = imap_list_attributes_text(attributes);
    imap_server_put(server, "* %s (%s) \"/\" ", server->task.command->name, text);
    imap_server_put_string(server, span_of_text(name));
    imap_server_end_line(server);
}

/* RFC 9051 §6.3.9: in the basic syntax the empty pattern only asks for the hierarchy separator and
 * the root; RFC 3501 has no such thing for LSUB, which then finds no name. */
static void run_list(ImapServer *server)
{
    const ImapServerTask *task = &server->task;
    bool asks_for_root = task->second.length == 0 && !task->is_extended &&
                         task->command->input == IMAP_SERVER_ON_LIST;
    if (!asks_for_root) {
        imap_server_ask(server, (ImapServerEvent){.kind = IMAP_SERVER_ASK_LIST});
        return;
    }
    say_list(server, IMAP_LIST_NOSELECT, "");
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

/* Whether the pattern matches all of the name: "*" stands for anything, "%" for anything but the
 * separator. `reached[i]` says that the first i octets of the pattern can match what has been read
 * of the name, so the work is bounded by the product of the lengths. */
static bool pattern_matches(const GString *pattern, const char *name, bool any_case)
{
    size_t length = pattern->len;
    g_autofree bool *reached = g_new0(bool, length + 1);
    reached[0] = true;
    for (size_t i = 0; i < length && strchr("*%", pattern->str[i]) != NULL; i++)
        reached[i + 1] = true;
    for (; *name != '\0'; name++) {
        bool diagonal = reached[0]; /* what reached[i] was before this octet */
        reached[0] = false;
        for (size_t i = 0; i < length; i++) {
            bool before = reached[i + 1];
            char want = pattern->str[i];
            if (want == '*')
                reached[i + 1] = before || reached[i];
            else if (want == '%')
                reached[i + 1] = (before && *name != '/') || reached[i];
            else
                reached[i + 1] =
                    diagonal &&
                    (any_case ? g_ascii_tolower(want) == g_ascii_tolower(*name) : want == *name);
            diagonal = before;
        }
    }
    return reached[length];
}

/* The attributes as the client has asked for them; rev1 knows but \Noselect. */
static uint32_t shown_attributes(const ImapServerTask *task, uint32_t attributes)
{
    if (task->command->input == IMAP_SERVER_ON_LSUB)
        return (attributes & (IMAP_LIST_NOSELECT | IMAP_LIST_NONEXISTENT)) != 0 ? IMAP_LIST_NOSELECT
                                                                                : 0;
    return task->shows_subscribed ? attributes : attributes & ~(uint32_t)IMAP_LIST_SUBSCRIBED;
}

static bool is_listed(const ImapServerTask *task, uint32_t attributes)
{
    return task->only_subscribed ? (attributes & IMAP_LIST_SUBSCRIBED) != 0
                                 : (attributes & IMAP_LIST_NONEXISTENT) == 0;
}

static bool name_matches(const GString *pattern, const char *name)
{
    return pattern_matches(pattern, name, strcmp(name, "INBOX") == 0);
}

/* Whether some entry that is listed has that name. */
static bool is_among(const ImapServerTask *task, const ImapListEntry *entries, size_t count,
                     const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (is_listed(task, entries[i].attributes) && strcmp(entries[i].name, name) == 0)
            return true;
    }
    return false;
}

/* With "%" last, levels of hierarchy match that no listed name has (RFC 9051 §6.3.9), and of LSUB
 * the name above one that is subscribed to stands for it (RFC 3501 §6.3.9); each once. */
static bool asks_for_levels(const ImapServerTask *task, const GString *pattern)
{
    bool is_last = pattern->len > 0 && pattern->str[pattern->len - 1] == '%';
    return is_last && (!task->only_subscribed || task->command->input == IMAP_SERVER_ON_LSUB);
}

static void say_names_above(ImapServer *server, const GString *pattern,
                            const ImapListEntry *entries, size_t count)
{
    const ImapServerTask *task = &server->task;
    g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < count; i++) {
        if (!is_listed(task, entries[i].attributes) || name_matches(pattern, entries[i].name))
            continue;
        const char *end = strchr(entries[i].name, '/');
        for (; end != NULL; end = strchr(end + 1, '/')) {
            g_autofree char *above = g_strndup(entries[i].name, (gsize)(end - entries[i].name));
            if (!name_matches(pattern, above) || is_among(task, entries, count, above) ||
                g_ptr_array_find_with_equal_func(told, above, g_str_equal, NULL))
                continue;
            say_list(server, IMAP_LIST_NOSELECT, above);
            g_ptr_array_add(told, g_steal_pointer(&above));
        }
    }
}

void imap_server_answer_list(ImapServer *server, uint32_t token, const ImapListEntry *entries,
                             size_t count)
{
    if (!imap_server_take_answer(server, token, IMAP_SERVER_ASK_LIST))
        return;
    const ImapServerTask *task = &server->task;
    g_autoptr(GString) pattern = g_string_new(NULL);
    g_string_append_len(pattern, (const char *)task->first.data, (gssize)task->first.length);
    g_string_append_len(pattern, (const char *)task->second.data, (gssize)task->second.length);
    for (size_t i = 0; i < count; i++) {
        if (is_listed(task, entries[i].attributes) && name_matches(pattern, entries[i].name))
            say_list(server, shown_attributes(task, entries[i].attributes), entries[i].name);
    }
    if (asks_for_levels(task, pattern))
        say_names_above(server, pattern, entries, count);
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

/* NAMESPACE */

/* One personal namespace at the root. */
static void run_namespace(ImapServer *server)
{
    imap_server_say(server, "* NAMESPACE ((\"\" \"/\")) NIL NIL");
    imap_server_complete(server, IMAP_OK, NULL, NULL);
}

const ImapServerCommand imap_server_list_commands[] = {
    {"SUBSCRIBE", IMAP_SERVER_ON_SUBSCRIBE, false, false, imap_server_parse_mailbox, run_subscribe},
    {"UNSUBSCRIBE", IMAP_SERVER_ON_UNSUBSCRIBE, false, false, imap_server_parse_mailbox,
     run_unsubscribe},
    {"LIST", IMAP_SERVER_ON_LIST, false, false, parse_list, run_list},
    {"LSUB", IMAP_SERVER_ON_LSUB, false, false, parse_lsub, run_list},
    {"NAMESPACE", IMAP_SERVER_ON_NAMESPACE, false, false, NULL, run_namespace},
    {0},
};
