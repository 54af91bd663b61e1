/* The commands of the IMAP client, RFC 9051 §6. Strings are sent quoted; the content of APPEND as a
 * synchronizing literal, so that a server may refuse it before it is sent (§4.3). */
#include "core/check.h"
#include "proto/imap_client_internal.h"

#include <string.h>

/* Begins a command; NULL when it may not be given now. */
static GString *begin(ImapClient *client, ImapClientInput input, const char *words)
{
    const StateCell *cell = state_table_cell(&imap_client_table, client->state, (uint8_t)input);
    if (client->ended || client->busy || cell->action != IMAP_CLIENT_SEND)
        return NULL;
    client->busy = true;
    client->command = input;
    client->last_tag++;
    GString *line = g_string_new(NULL);
    g_string_printf(line, "A%u %s", client->last_tag, words);
    return line;
}

/* RFC 9051 §9 quoted. */
static void add_quoted(GString *line, const char *text)
{
    g_string_append_c(line, '"');
    for (; *text != '\0'; text++) {
        CHECK(*text != '\r' && *text != '\n');
        if (*text == '"' || *text == '\\')
            g_string_append_c(line, '\\');
        g_string_append_c(line, *text);
    }
    g_string_append_c(line, '"');
}

static void add_argument(GString *line, const char *text)
{
    g_string_append_c(line, ' ');
    add_quoted(line, text);
}

static void add_uids(GString *line, uint32_t first_uid, uint32_t last_uid)
{
    CHECK(first_uid > 0 && last_uid > 0);
    g_string_append_printf(line, " %u", first_uid);
    if (last_uid == UINT32_MAX)
        g_string_append(line, ":*");
    else if (last_uid != first_uid)
        g_string_append_printf(line, ":%u", last_uid);
}

static void put(ImapClient *client, const char *line)
{
    /* One command at a time goes out, so the output cannot be full. */
    CHECK(imap_output_append(&client->output, span_of_text(line)));
    CHECK(imap_output_append(&client->output, span_of_text("\r\n")));
}

/* Sends the line, which is taken, and gives its tag. */
static uint32_t send_line(ImapClient *client, GString *line)
{
    put(client, line->str);
    imap_client_push(client, (ImapClientEvent){.kind = IMAP_CLIENT_COMMAND_LINE},
                     g_string_free(line, FALSE));
    imap_client_transition(client, client->command);
    return client->last_tag;
}

static uint32_t send_plain(ImapClient *client, ImapClientInput input, const char *words)
{
    GString *line = begin(client, input, words);
    return line == NULL ? 0 : send_line(client, line);
}

/* A command with one string. */
static uint32_t send_named(ImapClient *client, ImapClientInput input, const char *words,
                           const char *name)
{
    GString *line = begin(client, input, words);
    if (line == NULL)
        return 0;
    add_argument(line, name);
    return send_line(client, line);
}

uint32_t imap_client_capability(ImapClient *client)
{
    return send_plain(client, IMAP_CLIENT_ON_CAPABILITY, "CAPABILITY");
}

uint32_t imap_client_noop(ImapClient *client)
{
    return send_plain(client, IMAP_CLIENT_ON_NOOP, "NOOP");
}

uint32_t imap_client_logout(ImapClient *client)
{
    return send_plain(client, IMAP_CLIENT_ON_LOGOUT, "LOGOUT");
}

uint32_t imap_client_enable_rev2(ImapClient *client)
{
    return send_plain(client, IMAP_CLIENT_ON_ENABLE, "ENABLE IMAP4rev2");
}

uint32_t imap_client_login(ImapClient *client, const char *user, const char *password)
{
    GString *line = begin(client, IMAP_CLIENT_ON_LOGIN, "LOGIN");
    if (line == NULL)
        return 0;
    add_argument(line, user);
    add_argument(line, password);
    return send_line(client, line);
}

uint32_t imap_client_select(ImapClient *client, const char *mailbox, bool read_only)
{
    return send_named(client, IMAP_CLIENT_ON_SELECT, read_only ? "EXAMINE" : "SELECT", mailbox);
}

uint32_t imap_client_create(ImapClient *client, const char *mailbox)
{
    return send_named(client, IMAP_CLIENT_ON_CREATE, "CREATE", mailbox);
}

uint32_t imap_client_delete(ImapClient *client, const char *mailbox)
{
    return send_named(client, IMAP_CLIENT_ON_DELETE, "DELETE", mailbox);
}

uint32_t imap_client_list(ImapClient *client, const char *reference, const char *pattern)
{
    GString *line = begin(client, IMAP_CLIENT_ON_LIST, "LIST");
    if (line == NULL)
        return 0;
    add_argument(line, reference);
    add_argument(line, pattern);
    return send_line(client, line);
}

uint32_t imap_client_status(ImapClient *client, const char *mailbox)
{
    GString *line = begin(client, IMAP_CLIENT_ON_STATUS, "STATUS");
    if (line == NULL)
        return 0;
    add_argument(line, mailbox);
    g_string_append(line, " (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)");
    return send_line(client, line);
}

uint32_t imap_client_append(ImapClient *client, const char *mailbox, ImapFlags flags,
                            const char *date, Slice content)
{
    GString *line = begin(client, IMAP_CLIENT_ON_APPEND, "APPEND");
    if (line == NULL)
        return 0;
    g_autofree char *names = imap_flags_text(flags);
    add_argument(line, mailbox);
    g_string_append_printf(line, " (%s)", names);
    if (date != NULL)
        add_argument(line, date);
    g_string_append_printf(line, " {%zu}", content.length);
    client->content = slice_ref(content, 0, content.length);
    client->content_waits = true;
    return send_line(client, line);
}

void imap_client_send_content(ImapClient *client)
{
    CHECK(imap_output_append_slice(&client->output, client->content));
    put(client, "");
    slice_clear(&client->content);
    client->content_waits = false;
}

/* RFC 9051 §6.4.5; the answers to UID FETCH name the UID without being asked. */
uint32_t imap_client_fetch(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                           unsigned needs, bool peek)
{
    GString *line = begin(client, IMAP_CLIENT_ON_FETCH, "UID FETCH");
    if (line == NULL)
        return 0;
    add_uids(line, first_uid, last_uid);
    g_string_append(line, " (UID");
    if (needs & IMAP_NEED_FLAGS)
        g_string_append(line, " FLAGS");
    if (needs & IMAP_NEED_SIZE)
        g_string_append(line, " RFC822.SIZE");
    if (needs & IMAP_NEED_DATE)
        g_string_append(line, " INTERNALDATE");
    if (needs & IMAP_NEED_CONTENT)
        g_string_append(line, peek ? " BODY.PEEK[]" : " BODY[]");
    g_string_append_c(line, ')');
    return send_line(client, line);
}

uint32_t imap_client_store_flags(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                                 ImapStoreMode mode, ImapFlags flags)
{
    static const char *const names[] = {
        [IMAP_STORE_REPLACE] = "FLAGS",
        [IMAP_STORE_ADD] = "+FLAGS",
        [IMAP_STORE_REMOVE] = "-FLAGS",
    };
    GString *line = begin(client, IMAP_CLIENT_ON_STORE, "UID STORE");
    if (line == NULL)
        return 0;
    g_autofree char *text = imap_flags_text(flags);
    add_uids(line, first_uid, last_uid);
    g_string_append_printf(line, " %s (%s)", names[mode], text);
    return send_line(client, line);
}

static uint32_t send_copy(ImapClient *client, ImapClientInput input, const char *words,
                          uint32_t first_uid, uint32_t last_uid, const char *mailbox)
{
    GString *line = begin(client, input, words);
    if (line == NULL)
        return 0;
    add_uids(line, first_uid, last_uid);
    add_argument(line, mailbox);
    return send_line(client, line);
}

uint32_t imap_client_copy(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                          const char *mailbox)
{
    return send_copy(client, IMAP_CLIENT_ON_COPY, "UID COPY", first_uid, last_uid, mailbox);
}

uint32_t imap_client_move(ImapClient *client, uint32_t first_uid, uint32_t last_uid,
                          const char *mailbox)
{
    return send_copy(client, IMAP_CLIENT_ON_MOVE, "UID MOVE", first_uid, last_uid, mailbox);
}

uint32_t imap_client_search(ImapClient *client, const char *criteria)
{
    GString *line = begin(client, IMAP_CLIENT_ON_SEARCH, "UID SEARCH ");
    if (line == NULL)
        return 0;
    CHECK(strpbrk(criteria, "\r\n") == NULL);
    g_string_append(line, criteria);
    return send_line(client, line);
}

uint32_t imap_client_expunge(ImapClient *client)
{
    return send_plain(client, IMAP_CLIENT_ON_EXPUNGE, "EXPUNGE");
}

uint32_t imap_client_close(ImapClient *client)
{
    return send_plain(client, IMAP_CLIENT_ON_CLOSE, "CLOSE");
}

uint32_t imap_client_unselect(ImapClient *client)
{
    return send_plain(client, IMAP_CLIENT_ON_UNSELECT, "UNSELECT");
}

uint32_t imap_client_idle(ImapClient *client)
{
    uint32_t tag = send_plain(client, IMAP_CLIENT_ON_IDLE, "IDLE");
    if (tag != 0)
        client->idle_ended = false;
    return tag;
}

bool imap_client_idle_done(ImapClient *client)
{
    if (!client->idling || client->idle_ended)
        return false;
    client->idle_ended = true;
    put(client, "DONE");
    imap_client_push(client, (ImapClientEvent){.kind = IMAP_CLIENT_COMMAND_LINE}, g_strdup("DONE"));
    return true;
}
