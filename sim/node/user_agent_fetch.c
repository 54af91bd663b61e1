/* The user agent gets new messages from its mail server: RFC 9051, client side.
 *
 * LOGIN, SELECT INBOX, FETCH what has a UID not seen before, STORE \Seen for what the person has
 * opened since the last time, LOGOUT. Messages are fetched with BODY.PEEK: getting a message is
 * not reading it. */
#include "node/user_agent_internal.h"

#include "core/check.h"

enum { IMAP_PORT = 143 };

void user_agent_drop_fetching(UserAgent *agent)
{
    resolver_forget(agent->resolver, agent->imap_look_up);
    agent->imap_look_up = 0;
    agent->fetch_has_failed = false;
    g_clear_pointer(&agent->imap_session, session_free);
    agent->imap = NULL;
    agent->is_fetching = false;
}

/* The person is told once what it was that went wrong first. */
static void fail(UserAgent *agent, Span reason)
{
    if (agent->fetch_has_failed)
        return;
    agent->fetch_has_failed = true;
    enum { LIKE_A_421 = 421 }; /* BYE, of a server that does not go on */
    const Session *session = agent->imap_session;
    uint64_t because = session != NULL ? session_because(session) : 0;
    if (session != NULL && because == 0)
        because = session_reply_because(session, LIKE_A_421);
    user_agent_tell_failure(agent, "fetch", NULL, NULL, reason, because);
}

/* The first message that has been read here and not in the mailbox, or NULL. */
static AgentMail *find_unsynchronised(const UserAgent *agent)
{
    for (guint i = 0; i < agent->inbox->len; i++) {
        AgentMail *mail = g_ptr_array_index(agent->inbox, i);
        if (mail->is_read && !mail->is_seen)
            return mail;
    }
    return NULL;
}

static void give_command(UserAgent *agent, FetchStep step)
{
    agent->fetch_step = step;
    switch (step) {
    case FETCH_LOGIN:
        imap_client_login(agent->imap, agent->user, agent->password);
        break;
    case FETCH_SELECT:
        imap_client_select(agent->imap, "INBOX", false);
        break;
    case FETCH_MESSAGES:
        imap_client_fetch(agent->imap, agent->next_uid, UINT32_MAX,
                          IMAP_NEED_FLAGS | IMAP_NEED_SIZE | IMAP_NEED_CONTENT, true);
        break;
    case FETCH_STORE_SEEN: {
        AgentMail *mail = find_unsynchronised(agent);
        CHECK(mail != NULL);
        mail->is_seen = true;
        imap_client_store_flags(agent->imap, mail->uid, mail->uid, IMAP_STORE_ADD, IMAP_FLAG_SEEN);
        break;
    }
    case FETCH_LOGOUT:
        TRACE(agent->machine.trace, agent->machine.node, AGENT_FETCHED, 0,
              .count = agent->fetched_count);
        imap_client_logout(agent->imap);
        break;
    }
}

static void handle_done(UserAgent *agent, const ImapClientEvent *event)
{
    if (event->result != IMAP_OK) {
        fail(agent, event->text);
        imap_client_logout(agent->imap);
        agent->fetch_step = FETCH_LOGOUT;
        return;
    }
    switch (agent->fetch_step) {
    case FETCH_LOGIN:
        give_command(agent, FETCH_SELECT);
        break;
    case FETCH_SELECT:
        give_command(agent, agent->has_new                       ? FETCH_MESSAGES
                            : find_unsynchronised(agent) != NULL ? FETCH_STORE_SEEN
                                                                 : FETCH_LOGOUT);
        break;
    case FETCH_MESSAGES:
    case FETCH_STORE_SEEN:
        give_command(agent, find_unsynchronised(agent) != NULL ? FETCH_STORE_SEEN : FETCH_LOGOUT);
        break;
    case FETCH_LOGOUT:
        break;
    }
}

/* A FETCH response with content; "n:*" also gives the last message when it is older than n. */
static void take_message(UserAgent *agent, const ImapClientEvent *event)
{
    if ((event->has & IMAP_NEED_CONTENT) == 0 || event->uid < agent->next_uid)
        return;
    Span id = message_id_left(event->content);
    g_autoptr(Octets) content = octets_new(event->content.data, event->content.length);
    AgentMail *mail = agent_mail_new(id, content, NULL);
    mail->uid = event->uid;
    mail->is_seen = mail->is_read = (event->flags & IMAP_FLAG_SEEN) != 0;
    g_ptr_array_add(agent->inbox, mail);
    agent->next_uid = event->uid + 1;
    agent->fetched_count++;
    g_autofree char *subject = message_dup_header_shown(event->content, "Subject");
    g_autofree char *from = message_dup_header_shown(event->content, "From");
    TRACE(agent->machine.trace, agent->machine.node, AGENT_RECEIVE, 0, .mail = mail->name,
          .subject = subject, .from = from, .uid = event->uid, .size = event->content.length);
}

/* The session is over before this side has asked for that. */
static void handle_closed(UserAgent *agent, const ImapClientEvent *event)
{
    if (agent->fetch_step == FETCH_LOGOUT)
        return;
    StreamFailure failure = session_failure(agent->imap_session);
    fail(agent, failure != STREAM_OK ? span_of_text(stream_failure_text(failure)) : event->text);
}

static void trace_command(const UserAgent *agent, Span line)
{
    TRACE(agent->machine.trace, agent->machine.node, IMAP_COMMAND, 0,
          .connection = agent->imap_connection, .line = line);
}

static void trace_state(const UserAgent *agent, const ImapClientEvent *event)
{
    TRACE(agent->machine.trace, agent->machine.node, IMAP_STATE, 0,
          .connection = agent->imap_connection, .machine = imap_client_table.name,
          .from = imap_client_table.states[event->from], .to = imap_client_table.states[event->to]);
}

static void handle_event(UserAgent *agent, const ImapClientEvent *event)
{
    switch (event->kind) {
    case IMAP_CLIENT_COMMAND_LINE:
        trace_command(agent, event->line);
        break;
    case IMAP_CLIENT_STATE_CHANGED:
        trace_state(agent, event);
        break;
    case IMAP_CLIENT_GREETED:
        give_command(agent, FETCH_LOGIN);
        break;
    case IMAP_CLIENT_UID_NEXT:
        agent->has_new = event->number > agent->next_uid;
        break;
    case IMAP_CLIENT_MESSAGE:
        take_message(agent, event);
        break;
    case IMAP_CLIENT_DONE:
        handle_done(agent, event);
        break;
    case IMAP_CLIENT_BYE:
        if (agent->fetch_step != FETCH_LOGOUT)
            fail(agent, event->text);
        break;
    case IMAP_CLIENT_PROTOCOL_ERROR:
        fail(agent, event->text);
        break;
    case IMAP_CLIENT_RESPONSE_LINE: /* recorded by the server, who sends it */
    case IMAP_CLIENT_CAPABILITY:
    case IMAP_CLIENT_EXISTS:
    case IMAP_CLIENT_EXPUNGED:
    case IMAP_CLIENT_UID_VALIDITY:
    case IMAP_CLIENT_MAILBOX:
    case IMAP_CLIENT_STATUS:
    case IMAP_CLIENT_FOUND:
    case IMAP_CLIENT_IDLING:
        break;
    case IMAP_CLIENT_CLOSED:
        handle_closed(agent, event);
        break;
    }
}

static void handle_imap_events(void *owner)
{
    UserAgent *agent = owner;
    ImapClientEvent event;
    while (imap_client_next_event(agent->imap, &event))
        handle_event(agent, &event);
}

static void fetching_ended(void *owner)
{
    UserAgent *agent = owner;
    user_agent_drop_fetching(agent);
    if (agent->fetch_again) {
        agent->fetch_again = false;
        user_agent_fetch(agent);
    }
}

static void connect_for_fetching(UserAgent *agent, Ipv4Address address)
{
    const Machine *machine = &agent->machine;
    static const SessionHandlers HANDLERS = {handle_imap_events, fetching_ended, NULL};
    agent->imap_session = session_new(machine->simulator, machine->node, &SESSION_IMAP_CLIENT,
                                      &HANDLERS, agent, EVENT_FOREGROUND);
    agent->imap = session_engine(agent->imap_session);
    imap_client_init(agent->imap, &(ImapClientOptions){0});
    Stream *stream = host_connect(machine->host, address, IMAP_PORT,
                                  session_stream_handler(agent->imap_session));
    if (stream == NULL) {
        fail(agent, span_of_text("no free port"));
        user_agent_drop_fetching(agent);
        return;
    }
    agent->imap_connection = stream_ref(stream);
    session_take_stream(agent->imap_session, stream);
}

static void on_server_address(void *owner, const DnsResolverEvent *event, uint64_t because)
{
    UserAgent *agent = owner;
    agent->imap_look_up = 0;
    Ipv4Address address = 0;
    if (user_agent_first_address(event, &address)) {
        connect_for_fetching(agent, address);
        return;
    }
    user_agent_tell_failure(agent, "fetch", NULL, NULL,
                            span_of_text("the server's name cannot be resolved"), because);
    agent->is_fetching = false;
}

void user_agent_fetch(UserAgent *agent)
{
    if (agent->is_fetching) {
        agent->fetch_again = true;
        return;
    }
    agent->is_fetching = true;
    agent->has_new = false;
    agent->fetched_count = 0;
    agent->fetch_step = FETCH_LOGIN;
    TRACE(agent->machine.trace, agent->machine.node, AGENT_FETCH, 0, .server = agent->server);
    agent->imap_look_up =
        resolver_look_up(agent->resolver, agent->server, DNS_TYPE_A, on_server_address, agent);
}
