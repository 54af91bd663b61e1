/* The user agent hands messages to its mail server: RFC 6409, with RFC 5321's client side. */
#include "node/user_agent_internal.h"

#include "mail/xtext.h"

enum {
    SUBMISSION_PORT = 587,
    RECIPIENTS_AT_ONCE = 100, /* what any server must take in a transaction, RFC 5321 §4.5.3.1.8 */
};

bool user_agent_first_address(const DnsResolverEvent *event, Ipv4Address *address)
{
    for (size_t i = 0; i < event->answer.record_count; i++) {
        const DnsRecord *record = &event->answer.records[i];
        if (record->type == DNS_TYPE_A) {
            *address = record->address;
            return true;
        }
    }
    return false;
}

void user_agent_drop_submission(UserAgent *agent)
{
    resolver_forget(agent->resolver, agent->smtp_look_up);
    agent->smtp_look_up = 0;
    g_clear_pointer(&agent->smtp_session, session_free);
    agent->smtp = NULL;
    agent->is_submitting = false;
    agent->has_quit = false;
}

/* ---- What is not taken ---- */

static bool may_try_again(const UserAgent *agent, const AgentMail *mail)
{
    SimTime now = simulator_now(agent->machine.simulator);
    return agent->retry_ns > 0 && now - mail->written_at < agent->lifetime_ns;
}

static void tell_of_wait(UserAgent *agent, const AgentMail *mail, const char *recipient,
                         const char *reason, uint64_t because)
{
    SimTime next = simtime_add(simulator_now(agent->machine.simulator), agent->retry_ns);
    TRACE(agent->machine.trace, agent->machine.node, AGENT_WAIT, because, .mail = mail->name,
          .recipient = recipient, .reason = span_of_text(reason), .next_at = next);
}

/* What is left of the outbox cannot be handed over now. Without an outbox that keeps it the agent
 * has no queue, so the person is told. */
static void give_up(UserAgent *agent, const char *reason, uint64_t because)
{
    guint index = agent->sending;
    while (index < agent->outbox->len) {
        AgentMail *mail = g_ptr_array_index(agent->outbox, index);
        mail->is_tried = true;
        if (may_try_again(agent, mail)) {
            tell_of_wait(agent, mail, NULL, reason, because);
            index++;
        } else {
            user_agent_tell_failure(agent, "submit", mail->name, NULL, span_of_text(reason),
                                    because);
            g_ptr_array_remove_index(agent->outbox, index);
        }
    }
    agent->sending = agent->outbox->len;
}

static void begin_submission(UserAgent *agent);

static void retry(void *owner, void *data)
{
    (void)data;
    UserAgent *agent = owner;
    agent->retry_timer = (Timer){0};
    if (!agent->is_submitting)
        begin_submission(agent);
}

/* What the outbox keeps is tried again after a while; what nobody has tried yet, at once. */
static void go_on(UserAgent *agent)
{
    for (guint i = 0; i < agent->outbox->len; i++) {
        const AgentMail *mail = g_ptr_array_index(agent->outbox, i);
        if (!mail->is_tried) {
            begin_submission(agent);
            return;
        }
    }
    Simulator *simulator = agent->machine.simulator;
    if (agent->outbox->len == 0 || simulator_is_pending(simulator, agent->retry_timer))
        return;
    EventAction action = {retry, agent, NULL, NULL};
    agent->retry_timer =
        simulator_schedule(simulator, simtime_add(simulator_now(simulator), agent->retry_ns),
                           agent->machine.node, EVENT_FOREGROUND, action);
}

/* ---- The dialogue ---- */

/* RFC 6531 §3.2: addresses beyond ASCII stand in the envelope, and the agent's own in the header.
 */
static void ask_for_utf8(const Envelope *envelope, const Octets *content,
                         SmtpMailParameters *parameters)
{
    bool has_ascii_header = content->is_plain || message_header_is_ascii(span_of_octets(content));
    bool is_ascii = has_ascii_header && span_is_ascii(span_of_text(envelope->reverse_path));
    for (size_t i = 0; i < envelope->recipient_count; i++)
        is_ascii = is_ascii && span_is_ascii(span_of_text(envelope->recipients[i].address));
    parameters->utf8 = !is_ascii;
    if (!has_ascii_header)
        parameters->body = SMTP_BODY_8BITMIME;
}

/* `text` as xtext, added to those in *kept; most mails have none. */
static Span xtext_of(const char *text, GPtrArray **kept)
{
    if (text == NULL)
        return (Span){0};
    if (*kept == NULL)
        *kept = g_ptr_array_new_with_free_func(g_free);
    char *xtext = xtext_encode(span_of_text(text));
    g_ptr_array_add(*kept, xtext);
    return span_of_text(xtext);
}

static void send_next(UserAgent *agent)
{
    if (agent->sending == agent->outbox->len) {
        agent->has_quit = true;
        smtp_client_quit(agent->smtp);
        return;
    }
    AgentMail *mail = g_ptr_array_index(agent->outbox, agent->sending);
    const Envelope *envelope = mail->envelope;
    g_autoptr(GPtrArray) kept = NULL;
    SmtpClientRecipient recipients[RECIPIENTS_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; i < envelope->recipient_count && count < RECIPIENTS_AT_ONCE; i++) {
        const Recipient *recipient = &envelope->recipients[i];
        if (mail->states[i] != RECIPIENT_OPEN)
            continue;
        recipients[count] = (SmtpClientRecipient){
            .mailbox = recipient->address,
            .parameters = {recipient->notify, xtext_of(recipient->original, &kept)},
        };
        mail->under_way[count++] = i;
    }
    mail->is_tried = true;
    Slice content = {mail->content, 0, octets_length(mail->content)};
    SmtpClientTransaction transaction = {
        .reverse_path = envelope->reverse_path,
        .parameters = {.ret = envelope->return_content,
                       .envid = xtext_of(envelope_id(envelope), &kept)},
        .recipients = recipients,
        .recipient_count = count,
        .content = &content,
        .content_count = 1,
    };
    ask_for_utf8(envelope, mail->content, &transaction.parameters);
    agent->smtp_trace.mail = mail->name;
    agent->smtp_trace.size = content.length;
    smtp_client_send(agent->smtp, &transaction);
}

static void note_accepted(UserAgent *agent, AgentMail *mail, const SmtpClientEvent *event)
{
    if (mail->accepted++ > 0)
        return;
    g_autofree char *reply = smtp_trace_reply_text(&event->result.reply);
    TRACE(agent->machine.trace, agent->machine.node, AGENT_SENT, 0, .mail = mail->name,
          .server = agent->server, .reply = span_of_text(reply));
}

static void note_result(UserAgent *agent, const SmtpClientEvent *event)
{
    AgentMail *mail = g_ptr_array_index(agent->outbox, agent->sending);
    size_t index = mail->under_way[event->result.index];
    const char *recipient = mail->envelope->recipients[index].address;
    mail->states[index] = RECIPIENT_SETTLED;
    if (event->result.class == SMTP_REPLY_SUCCESS) {
        note_accepted(agent, mail, event);
        return;
    }
    g_autofree char *reason = smtp_trace_outcome_text(&event->result.reply, event->result.stage,
                                                      session_failure(agent->smtp_session));
    uint64_t because = session_reply_because(agent->smtp_session, event->result.reply.code);
    bool is_final = event->result.class == SMTP_REPLY_PERMANENT || !may_try_again(agent, mail);
    mail->states[index] = is_final ? RECIPIENT_SETTLED : RECIPIENT_WAITS;
    if (is_final)
        user_agent_tell_failure(agent, "submit", mail->name, recipient, span_of_text(reason),
                                because);
    else
        tell_of_wait(agent, mail, recipient, reason, because);
}

static bool has_recipient(const AgentMail *mail, RecipientState state)
{
    for (size_t i = 0; i < mail->envelope->recipient_count; i++) {
        if (mail->states[i] == state)
            return true;
    }
    return false;
}

/* The message is out of the way once it has been handed over for all its recipients; it stays in
 * the outbox for those that have been put off. */
static void end_transaction(UserAgent *agent)
{
    const AgentMail *mail = g_ptr_array_index(agent->outbox, agent->sending);
    if (has_recipient(mail, RECIPIENT_OPEN))
        return;
    if (has_recipient(mail, RECIPIENT_WAITS))
        agent->sending++;
    else
        g_ptr_array_remove_index(agent->outbox, agent->sending);
}

/* What has not been begun by now will not be, unless this side has quit. */
static void handle_closed(UserAgent *agent, const SmtpClientEvent *event)
{
    if (agent->has_quit)
        return;
    g_autofree char *reason = smtp_trace_outcome_text(&event->closed.reply, event->closed.stage,
                                                      session_failure(agent->smtp_session));
    give_up(agent, reason, session_because(agent->smtp_session));
}

static void on_tls(void *owner)
{
    UserAgent *agent = owner;
    agent->smtp_trace.is_encrypted = true;
    smtp_client_start_tls(agent->smtp);
}

static void handle_smtp_events(void *owner)
{
    UserAgent *agent = owner;
    SmtpClientEvent event;
    while (smtp_client_next_event(agent->smtp, &event)) {
        switch (event.kind) {
        case SMTP_CLIENT_EVENT_TLS:
            session_start_tls(agent->smtp_session, TLS_CLIENT);
            break;
        case SMTP_CLIENT_EVENT_READY:
            send_next(agent);
            break;
        case SMTP_CLIENT_EVENT_RECIPIENT_RESULT:
            note_result(agent, &event);
            break;
        case SMTP_CLIENT_EVENT_TRANSACTION_DONE:
            end_transaction(agent);
            break;
        case SMTP_CLIENT_EVENT_REFUSED: {
            g_autofree char *reason = smtp_trace_reply_text(&event.refused.reply);
            give_up(agent, reason,
                    session_reply_because(agent->smtp_session, event.refused.reply.code));
            break;
        }
        case SMTP_CLIENT_EVENT_CLOSED:
            handle_closed(agent, &event);
            break;
        }
    }
}

static void submission_ended(void *owner)
{
    UserAgent *agent = owner;
    user_agent_drop_submission(agent);
    go_on(agent); /* what was written since then goes by another connection */
}

static void connect_for_submission(UserAgent *agent, Ipv4Address address)
{
    const Machine *machine = &agent->machine;
    SmtpClientOptions options = smtp_client_options(agent->helo_name);
    options.extensions |= SMTP_EXTENSION_AUTH | SMTP_EXTENSION_STARTTLS;
    options.identity = agent->user;
    options.password = agent->password;
    options.send_bare_newlines = true; /* only `raw` octets have any */
    options.observer = smtp_trace_client_observer(&agent->smtp_trace);
    options.heard = &agent->heard;
    static const SessionHandlers HANDLERS = {handle_smtp_events, submission_ended, on_tls};
    agent->smtp_session = session_new(machine->simulator, machine->node, &SESSION_SMTP_CLIENT,
                                      &HANDLERS, agent, EVENT_FOREGROUND);
    agent->smtp = session_engine(agent->smtp_session);
    smtp_client_init(agent->smtp, &options);
    Stream *stream = host_connect(machine->host, address, SUBMISSION_PORT,
                                  session_stream_handler(agent->smtp_session));
    if (stream == NULL) {
        user_agent_drop_submission(agent);
        give_up(agent, "no free port", 0);
        go_on(agent);
        return;
    }
    agent->smtp_trace = (SmtpTrace){
        .trace = machine->trace, .node = machine->node, .connection = stream_ref(stream)};
    session_take_stream(agent->smtp_session, stream);
}

static void on_server_address(void *owner, const DnsResolverEvent *event, uint64_t because)
{
    UserAgent *agent = owner;
    agent->smtp_look_up = 0;
    Ipv4Address address = 0;
    if (user_agent_first_address(event, &address)) {
        connect_for_submission(agent, address);
        return;
    }
    agent->is_submitting = false;
    give_up(agent, "the server's name cannot be resolved", because);
    go_on(agent);
}

static void tell_of_submission(UserAgent *agent, const AgentMail *mail)
{
    TRACE(agent->machine.trace, agent->machine.node, AGENT_SUBMIT, 0, .mail = mail->name,
          .server = agent->server);
}

static void begin_submission(UserAgent *agent)
{
    if (agent->outbox->len == 0)
        return;
    simulator_cancel(agent->machine.simulator, &agent->retry_timer);
    agent->is_submitting = true;
    agent->sending = 0;
    Cause before = *simulator_cause(agent->machine.simulator);
    for (guint i = 0; i < agent->outbox->len; i++) {
        const AgentMail *mail = g_ptr_array_index(agent->outbox, i);
        for (size_t r = 0; r < mail->envelope->recipient_count; r++) {
            if (mail->states[r] == RECIPIENT_WAITS)
                mail->states[r] = RECIPIENT_OPEN;
        }
        if (mail->is_tried)
            tell_of_submission(agent, mail);
        *simulator_cause(agent->machine.simulator) = before;
    }
    agent->smtp_look_up =
        resolver_look_up(agent->resolver, agent->server, DNS_TYPE_A, on_server_address, agent);
}

void user_agent_submit(UserAgent *agent)
{
    const AgentMail *last = g_ptr_array_index(agent->outbox, agent->outbox->len - 1);
    tell_of_submission(agent, last);
    if (!agent->is_submitting)
        begin_submission(agent);
}
