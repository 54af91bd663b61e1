/* The mail server gives mailboxes to their readers: IMAP server side (RFC 9051).
 *
 * The engine asks, the message store answers; what changes the disk is answered once it is durable.
 * One question is open at a time, so a connection has at most one change under way. */
#include "node/mail_server_internal.h"

#include "mail/date.h"
#include "proto/imap_server.h"

typedef struct Access {
    MailServer *server;
    ImapServer *engine;
    Session *session;
    TraceRef connection;
    char *user;   /* logged in; NULL: nobody yet */
    char *folder; /* selected; NULL: none */
    uint32_t open_token;
    ImapServerEventKind open_kind; /* what the open question is */
    uint32_t open_uid;             /* of STORE */
    char *open_target;             /* folder of APPEND, COPY and MOVE */
    bool is_changing;              /* the store is working on a change */
    bool has_ended;                /* the connection is gone; waits for the store only */
} Access;

void access_free(void *pointer)
{
    Access *access = pointer;
    session_free(access->session);
    g_free(access->user);
    g_free(access->folder);
    g_free(access->open_target);
    g_free(access);
}

static void end_access(Access *access)
{
    MailServer *server = access->server;
    g_ptr_array_remove(server->accesses, access);
    mail_server_settle(server);
}

static MailFolder *find_folder(const Access *access, const char *name)
{
    return mail_store_find_folder(access->server->mailboxes, access->user, name);
}

/* ---- Answers that need no change ---- */

static void answer_login(Access *access, const ImapServerEvent *event)
{
    if (!mail_server_check_password(access->server, event->user, event->password)) {
        imap_server_answer_no(access->engine, event->token, "AUTHENTICATIONFAILED",
                              "Wrong user name or password");
        return;
    }
    Span name = span_of(event->user.data, span_find(event->user, '@'));
    access->user = g_ascii_strdown((const char *)name.data, (gssize)name.length);
    imap_server_answer_ok(access->engine, event->token);
}

static void answer_select(Access *access, const ImapServerEvent *event)
{
    g_autofree char *name = span_dup_text(event->mailbox);
    MailFolder *folder = find_folder(access, name);
    g_clear_pointer(&access->folder, g_free);
    if (folder == NULL) {
        imap_server_answer_no(access->engine, event->token, "NONEXISTENT", "No such mailbox");
        return;
    }
    size_t count = mail_folder_count(folder);
    g_autofree uint32_t *uids = g_new(uint32_t, count + 1);
    size_t first_unseen = 0;
    for (size_t i = 0; i < count; i++) {
        const MailMessage *message = mail_folder_message(folder, i);
        uids[i] = message->uid;
        if (first_unseen == 0 && (message->flags & MAIL_FLAG_SEEN) == 0)
            first_unseen = i + 1;
    }
    ImapServerMailbox mailbox = {
        .uid_validity = mail_folder_uid_validity(folder),
        .uid_next = mail_folder_uid_next(folder),
        .uids = uids,
        .count = count,
        .first_unseen = first_unseen,
        .read_only = event->read_only,
    };
    access->folder = g_steal_pointer(&name);
    imap_server_answer_mailbox(access->engine, event->token, &mailbox);
}

/* The folders, and what is subscribed to without being there (RFC 9051 §6.3.9.1). */
static void answer_list(Access *access, const ImapServerEvent *event)
{
    const MailStore *store = access->server->mailboxes;
    g_auto(GStrv) names = mail_store_list_folders(store, access->user);
    g_auto(GStrv) subscriptions = mail_store_list_subscriptions(store, access->user);
    guint count = names != NULL ? g_strv_length(names) : 0;
    guint most = count + (subscriptions != NULL ? g_strv_length(subscriptions) : 0);
    g_autofree ImapListEntry *entries = g_new0(ImapListEntry, most + 1);
    for (guint i = 0; i < count; i++) {
        bool is_subscribed = g_strv_contains((const char *const *)subscriptions, names[i]);
        entries[i] = (ImapListEntry){names[i], is_subscribed ? IMAP_LIST_SUBSCRIBED : 0};
    }
    for (char **name = subscriptions; name != NULL && *name != NULL; name++) {
        if (find_folder(access, *name) == NULL)
            entries[count++] = (ImapListEntry){*name, IMAP_LIST_SUBSCRIBED | IMAP_LIST_NONEXISTENT};
    }
    imap_server_answer_list(access->engine, event->token, entries, count);
}

static void answer_status(Access *access, const ImapServerEvent *event)
{
    g_autofree char *name = span_dup_text(event->mailbox);
    MailFolder *folder = find_folder(access, name);
    if (folder == NULL) {
        imap_server_answer_no(access->engine, event->token, "NONEXISTENT", "No such mailbox");
        return;
    }
    ImapStatus status = {
        .messages = (uint32_t)mail_folder_count(folder),
        .uid_next = mail_folder_uid_next(folder),
        .uid_validity = mail_folder_uid_validity(folder),
    };
    for (size_t i = 0; i < mail_folder_count(folder); i++) {
        const MailMessage *message = mail_folder_message(folder, i);
        status.unseen += (message->flags & MAIL_FLAG_SEEN) == 0;
        status.deleted += (message->flags & MAIL_FLAG_DELETED) != 0;
        status.size_octets += message->size;
    }
    imap_server_answer_status(access->engine, event->token, &status);
}

static void answer_message(Access *access, const ImapServerEvent *event)
{
    MailFolder *folder = find_folder(access, access->folder);
    const MailMessage *message = folder != NULL ? mail_folder_find(folder, event->uid) : NULL;
    if (message == NULL) {
        imap_server_answer_no(access->engine, event->token, "EXPUNGEISSUED", "The message is gone");
        return;
    }
    const Machine *machine = &access->server->machine;
    char date[MAIL_INTERNAL_DATE_SIZE];
    mail_format_internal_date(machine_unix_at(machine, message->date),
                              machine->clock.utc_offset_minutes, date);
    g_autoptr(Octets) content =
        (event->needs & IMAP_NEED_CONTENT) != 0 ? mail_folder_read(folder, event->uid) : NULL;
    if (content == NULL && (event->needs & IMAP_NEED_CONTENT) != 0) {
        imap_server_answer_no(access->engine, event->token, "UNAVAILABLE",
                              "The message cannot be read now");
        return;
    }
    ImapServerMessage reply = {
        .flags = message->flags,
        .size_octets = message->size,
        .date = date,
        .content = {content, 0, content != NULL ? octets_length(content) : 0},
    };
    imap_server_answer_message(access->engine, event->token, &reply);
}

/* ---- Changes ---- */

static void refuse(Access *access, MailResult result)
{
    const char *code = NULL;
    const char *text = "Cannot be done";
    switch (result) {
    case MAIL_OK:
        break;
    case MAIL_NO_ROOM:
        code = "OVERQUOTA";
        text = "No room";
        break;
    case MAIL_NO_FOLDER:
        code = access->open_target != NULL ? "TRYCREATE" : "NONEXISTENT";
        text = "No such mailbox";
        break;
    case MAIL_NO_MESSAGE:
        code = "EXPUNGEISSUED";
        text = "The message is gone";
        break;
    case MAIL_EXISTS:
        code = "ALREADYEXISTS";
        text = "There is such a mailbox already";
        break;
    case MAIL_FORBIDDEN:
        code = "CANNOT";
        text = "Not with this name";
        break;
    case MAIL_FAILED: /* RFC 5530 §3 */
        code = "UNAVAILABLE";
        text = "The disk has failed";
        break;
    }
    imap_server_answer_no(access->engine, access->open_token, code, text);
}

static void grant_copy(Access *access, const uint32_t *uids, size_t count)
{
    MailFolder *target = find_folder(access, access->open_target);
    if (target == NULL)
        refuse(access, MAIL_NO_FOLDER);
    else
        imap_server_answer_copied(access->engine, access->open_token,
                                  mail_folder_uid_validity(target), uids, count);
}

static void grant_flags(Access *access)
{
    MailFolder *folder = find_folder(access, access->folder);
    const MailMessage *message = folder != NULL ? mail_folder_find(folder, access->open_uid) : NULL;
    if (message == NULL)
        refuse(access, MAIL_NO_MESSAGE);
    else
        imap_server_answer_flags(access->engine, access->open_token, message->flags);
}

static void grant(Access *access, const uint32_t *uids, size_t count)
{
    if (access->open_kind == IMAP_SERVER_ASK_STORE)
        grant_flags(access);
    else if (access->open_kind == IMAP_SERVER_ASK_EXPUNGE)
        imap_server_answer_removed(access->engine, access->open_token, uids, count);
    else if (access->open_target != NULL)
        grant_copy(access, uids, count);
    else
        imap_server_answer_ok(access->engine, access->open_token);
}

static void changed(void *owner, MailResult result, const uint32_t *uids, size_t count)
{
    Access *access = owner;
    access->is_changing = false;
    if (access->has_ended) {
        end_access(access);
        return;
    }
    if (result == MAIL_OK)
        grant(access, uids, count);
    else
        refuse(access, result);
    access->open_token = 0;
    g_clear_pointer(&access->open_target, g_free);
    session_pump(access->session);
}

static void begin_change(Access *access, const ImapServerEvent *event)
{
    access->is_changing = true;
    access->open_token = event->token;
    access->open_kind = event->kind;
    access->open_uid = event->uid;
}

/* When the message came: now, or what APPEND says. False: the store cannot hold such a date. */
static bool date_of_append(const Machine *machine, const ImapServerEvent *event, SimTime *date)
{
    *date = simulator_now(machine->simulator);
    if (!event->has_date)
        return true;
    int64_t since_start = event->date_unix - machine->clock.start_unix;
    int64_t kept = CLAMP(since_start, -SIM_NEVER / SIM_SECOND, SIM_NEVER / SIM_SECOND);
    *date = SIM_SECOND * kept;
    return kept == since_start;
}

/* RFC 9051 §6.3.12: never into a mailbox that is not there. */
static void append(Access *access, const ImapServerEvent *event)
{
    g_autofree char *target = span_dup_text(event->mailbox);
    if (find_folder(access, target) == NULL) {
        imap_server_answer_no(access->engine, event->token, "TRYCREATE", "No such mailbox");
        return;
    }
    SimTime date = 0;
    if (!date_of_append(&access->server->machine, event, &date)) {
        imap_server_answer_no(access->engine, event->token, "CANNOT",
                              "No internal date more than 292 years from the start is kept");
        return;
    }
    begin_change(access, event);
    g_autoptr(Octets) message = octets_new(event->content.data, event->content.length);
    access->open_target = g_steal_pointer(&target);
    mail_store_append(access->server->mailboxes, access->user, access->open_target, message,
                      event->flags, date, (MailDone){changed, access});
}

static void copy_or_move(Access *access, const ImapServerEvent *event)
{
    MailStore *store = access->server->mailboxes;
    access->open_target = span_dup_text(event->mailbox);
    MailDone done = {changed, access};
    if (event->kind == IMAP_SERVER_ASK_COPY)
        mail_store_copy(store, access->user, access->folder, event->uids, event->uid_count,
                        access->open_target, done);
    else
        mail_store_move(store, access->user, access->folder, event->uids, event->uid_count,
                        access->open_target, done);
}

/* CLOSE removes the messages flagged \Deleted (RFC 9051 §6.4.2). */
static void close_folder(Access *access, const ImapServerEvent *event)
{
    MailFolder *folder = find_folder(access, access->folder);
    size_t count = event->expunge && folder != NULL ? mail_folder_count(folder) : 0;
    if (count == 0) {
        g_clear_pointer(&access->folder, g_free);
        imap_server_answer_ok(access->engine, event->token);
        return;
    }
    begin_change(access, event);
    g_autofree uint32_t *uids = g_new(uint32_t, count);
    for (size_t i = 0; i < count; i++)
        uids[i] = mail_folder_message(folder, i)->uid;
    g_autofree char *name = g_steal_pointer(&access->folder);
    mail_store_expunge(access->server->mailboxes, access->user, name, uids, count, true,
                       (MailDone){changed, access});
}

static void change_folders(Access *access, const ImapServerEvent *event)
{
    MailStore *store = access->server->mailboxes;
    g_autofree char *name = span_dup_text(event->mailbox);
    g_autofree char *new_name = span_dup_text(event->new_name);
    MailDone done = {changed, access};
    if (event->kind == IMAP_SERVER_ASK_CREATE)
        mail_store_create_folder(store, access->user, name, done);
    else if (event->kind == IMAP_SERVER_ASK_DELETE)
        mail_store_delete_folder(store, access->user, name, done);
    else
        mail_store_rename_folder(store, access->user, name, new_name, done);
}

static void subscribe(Access *access, const ImapServerEvent *event)
{
    g_autofree char *name = span_dup_text(event->mailbox);
    mail_store_subscribe(access->server->mailboxes, access->user, name, event->subscribes,
                         (MailDone){changed, access});
}

static MailFlagMode flag_mode(ImapStoreMode mode)
{
    switch (mode) {
    case IMAP_STORE_REPLACE:
        return MAIL_FLAGS_REPLACE;
    case IMAP_STORE_ADD:
        return MAIL_FLAGS_ADD;
    case IMAP_STORE_REMOVE:
        break;
    }
    return MAIL_FLAGS_REMOVE;
}

/* ---- Events ---- */

static void trace_response(const Access *access, Span line)
{
    const Machine *machine = &access->server->machine;
    TRACE(machine->trace, machine->node, IMAP_RESPONSE, 0, .connection = access->connection,
          .line = line);
}

static void trace_state(const Access *access, const ImapServerEvent *event)
{
    const Machine *machine = &access->server->machine;
    TRACE(machine->trace, machine->node, IMAP_STATE, 0, .connection = access->connection,
          .machine = imap_server_table.name, .from = imap_server_table.states[event->from],
          .to = imap_server_table.states[event->to]);
}

static void handle_event(Access *access, const ImapServerEvent *event)
{
    MailDone done = {changed, access};
    switch (event->kind) {
    case IMAP_SERVER_COMMAND_LINE: /* recorded by the client, who sends it */
    case IMAP_SERVER_FINISHED:
        break;
    case IMAP_SERVER_RESPONSE_LINE:
        trace_response(access, event->line);
        break;
    case IMAP_SERVER_STATE_CHANGED:
        trace_state(access, event);
        break;
    case IMAP_SERVER_ASK_LOGIN:
        answer_login(access, event);
        break;
    case IMAP_SERVER_ASK_SELECT:
        answer_select(access, event);
        break;
    case IMAP_SERVER_ASK_LIST:
        answer_list(access, event);
        break;
    case IMAP_SERVER_ASK_STATUS:
        answer_status(access, event);
        break;
    case IMAP_SERVER_ASK_MESSAGE:
        answer_message(access, event);
        break;
    case IMAP_SERVER_ASK_CLOSE:
        close_folder(access, event);
        break;
    case IMAP_SERVER_ASK_CREATE:
    case IMAP_SERVER_ASK_DELETE:
    case IMAP_SERVER_ASK_RENAME:
        begin_change(access, event);
        change_folders(access, event);
        break;
    case IMAP_SERVER_ASK_SUBSCRIBE:
        begin_change(access, event);
        subscribe(access, event);
        break;
    case IMAP_SERVER_ASK_APPEND:
        append(access, event);
        break;
    case IMAP_SERVER_ASK_COPY:
    case IMAP_SERVER_ASK_MOVE:
        begin_change(access, event);
        copy_or_move(access, event);
        break;
    case IMAP_SERVER_ASK_STORE:
        begin_change(access, event);
        mail_store_set_flags(access->server->mailboxes, access->user, access->folder, event->uid,
                             flag_mode(event->mode), event->flags, done);
        break;
    case IMAP_SERVER_ASK_EXPUNGE:
        begin_change(access, event);
        mail_store_expunge(access->server->mailboxes, access->user, access->folder, event->uids,
                           event->uid_count, true, done);
        break;
    }
}

static void handle_events(void *owner)
{
    Access *access = owner;
    ImapServerEvent event;
    while (imap_server_next_event(access->engine, &event))
        handle_event(access, &event);
}

static void access_ended(void *owner)
{
    Access *access = owner;
    access->has_ended = true;
    if (!access->is_changing)
        end_access(access);
}

/* ---- News for the readers of a folder ---- */

static void tell_news(Access *access, const MailNews *news)
{
    switch (news->kind) {
    case MAIL_NEWS_STORED:
        imap_server_tell_exists(access->engine, news->uid);
        break;
    case MAIL_NEWS_FLAGS:
        imap_server_tell_flags(access->engine, news->uid, news->flags);
        break;
    case MAIL_NEWS_EXPUNGED:
        imap_server_tell_expunged(access->engine, news->uid);
        break;
    }
}

static void on_news(void *owner, const MailNews *news)
{
    MailServer *server = owner;
    for (guint i = 0; i < server->accesses->len; i++) {
        Access *access = g_ptr_array_index(server->accesses, i);
        bool sees_it = !access->has_ended && access->folder != NULL &&
                       g_strcmp0(access->user, news->user) == 0 &&
                       g_strcmp0(access->folder, news->folder) == 0;
        bool is_own = news->origin == access;
        /* What it has changed itself it is answered; what it has added is news to it too. */
        if (!sees_it || (is_own && news->kind != MAIL_NEWS_STORED))
            continue;
        tell_news(access, news);
        if (!is_own) /* its own command is still to be answered */
            session_pump(access->session);
    }
}

/* ---- The connection ---- */

static StreamHandler accept_reader(void *owner, Stream *stream)
{
    MailServer *server = owner;
    const Machine *machine = &server->machine;
    Access *access = g_new0(Access, 1);
    access->server = server;
    access->connection = stream_ref(stream);
    static const SessionHandlers HANDLERS = {handle_events, access_ended, NULL};
    access->session = session_new(machine->simulator, machine->node, &SESSION_IMAP_SERVER,
                                  &HANDLERS, access, EVENT_BACKGROUND);
    access->engine = session_engine(access->session);
    imap_server_init(access->engine, &(ImapServerOptions){.host_name = host_name(machine->host)});
    g_ptr_array_add(server->accesses, access);
    session_take_stream(access->session, stream);
    session_pump(access->session);
    return session_stream_handler(access->session);
}

void mail_server_listen_imap(MailServer *server)
{
    mail_store_watch(server->mailboxes, (MailWatcher){on_news, server});
    host_listen(server->machine.host, IMAP_PORT, accept_reader, server);
}

void mail_server_shut_down_accesses(MailServer *server)
{
    for (guint i = 0; i < server->accesses->len; i++) {
        Access *access = g_ptr_array_index(server->accesses, i);
        Stream *stream = session_peek_stream(access->session);
        if (access->has_ended || stream == NULL)
            continue;
        stream_set_because(stream, server->shutdown_because);
        imap_server_shut_down(access->engine, "The server shuts down");
        session_pump(access->session);
    }
}
