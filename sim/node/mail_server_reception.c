/* The mail server takes messages in: SMTP server side, on port 25 for other servers and on port
 * 587 for the agents of its users (RFC 6409), who authenticate.
 *
 * The engine decides what is legal; here is the policy: whose mail is taken (RFC 5321 §3.6.1,
 * §7.9), and that 250 is said only once a message is durable in the queue (§4.2.5, §6.1). Before it
 * greets, the server looks up the name of the client's address, for the Received field (§4.4); that
 * the name leads back to the address is not checked. */
#include "node/mail_server_internal.h"

#include "proto/smtp_server.h"

typedef struct Reception {
    MailServer *server;
    SmtpServer *engine;
    Session *session;
    SmtpTrace trace;
    bool is_submission;
    bool is_authenticated;
    bool is_extended;
    bool is_encrypted;
    char *client_name;       /* by PTR; NULL: unknown */
    uint64_t name_look_up;   /* of it */
    uint32_t greeting_token; /* of the question that waits for it */
    char *helo_name;
    Envelope *envelope;  /* of the transaction under way */
    GByteArray *content; /* what has come of the message */
    uint32_t open_token; /* of the question that waits for the queue; 0: none */
    bool is_adding;      /* the queue is making a message durable */
    bool has_ended;      /* the connection is gone; waits for the queue only */
} Reception;

void reception_free(void *pointer)
{
    Reception *reception = pointer;
    resolver_forget(reception->server->resolver, reception->name_look_up);
    session_free(reception->session);
    smtp_server_free(reception->engine);
    envelope_free(reception->envelope);
    g_byte_array_unref(reception->content);
    g_free(reception->client_name);
    g_free(reception->helo_name);
    g_free(reception);
}

/* ---- The client's name ---- */

/* A failure gives no name, and that is all: who has none is greeted too. */
static void on_client_name(void *owner, const DnsResolverEvent *event, uint64_t because)
{
    (void)because;
    Reception *reception = owner;
    reception->name_look_up = 0;
    for (size_t i = 0; i < event->answer.record_count && reception->client_name == NULL; i++) {
        const DnsRecord *record = &event->answer.records[i];
        if (record->type == DNS_TYPE_PTR)
            reception->client_name = g_strdup(record->host);
    }
    smtp_server_accept(reception->engine, reception->greeting_token);
    session_pump(reception->session);
}

static void look_client_name_up(Reception *reception, uint32_t token)
{
    char name[DNS_NAME_TEXT_SIZE];
    dns_name_reverse(stream_remote_address(session_peek_stream(reception->session)), name);
    reception->greeting_token = token;
    reception->name_look_up = resolver_look_up(reception->server->resolver, name, DNS_TYPE_PTR,
                                               on_client_name, reception);
}

/* ---- Policy ---- */

static void answer(Reception *reception, uint32_t token, uint16_t code, const char *enhanced,
                   const char *text)
{
    smtp_server_answer(reception->engine, token, smtp_reply(code, enhanced, text));
}

static void handle_auth(Reception *reception, const SmtpServerEvent *event)
{
    reception->is_authenticated =
        mail_server_check_password(reception->server, event->auth.identity, event->auth.password);
    if (reception->is_authenticated)
        smtp_server_accept(reception->engine, event->token);
    else
        answer(reception, event->token, 535, "5.7.8", "Wrong user name or password");
}

static void reset_transaction(Reception *reception)
{
    g_clear_pointer(&reception->envelope, envelope_free);
    g_byte_array_set_size(reception->content, 0);
}

static void handle_mail(Reception *reception, const SmtpServerEvent *event)
{
    if (reception->is_submission && !reception->is_authenticated) {
        answer(reception, event->token, 530, "5.7.0", "Authentication required");
        return;
    }
    reset_transaction(reception);
    g_autofree char *reverse_path = address_format(&event->mail.reverse_path);
    reception->envelope = envelope_new(reverse_path);
    reception->envelope->return_content = event->mail.parameters.ret;
    g_autofree char *id = xtext_decode(event->mail.parameters.envid);
    if (event->mail.parameters.envid.length > 0)
        envelope_set_id(reception->envelope, id);
    smtp_server_accept(reception->engine, event->token);
}

/* Who has logged in, or whose machine is one that this server serves. */
static bool may_relay(const Reception *reception)
{
    const Stream *stream = session_peek_stream(reception->session);
    return reception->is_authenticated ||
           mail_server_relays_for(reception->server, stream_remote_address(stream));
}

/* NULL when mail for this recipient is taken; otherwise the refusal. */
static const SmtpReply *refusal_of(const Reception *reception, const Address *address)
{
    static const SmtpReply UNKNOWN_USER = {
        550, {5, 1, 1}, {(const uint8_t *)"No such user here", sizeof "No such user here" - 1}};
    static const SmtpReply RELAYING = {
        550, {5, 7, 1}, {(const uint8_t *)"Relaying denied", sizeof "Relaying denied" - 1}};
    /* A backup MX does not know the users: it takes mail for all of them (RFC 5321 §3.6.2). */
    if (mail_server_is_backup_for(reception->server, address->domain))
        return NULL;
    switch (address_book_find(reception->server->addresses, address).lead) {
    case LEAD_ELSEWHERE:
        return may_relay(reception) ? NULL : &RELAYING;
    case LEAD_NOWHERE:
        return &UNKNOWN_USER;
    case LEAD_MAILBOX:
    case LEAD_ALIAS:
    case LEAD_FORWARD:
    case LEAD_LIST:
    case LEAD_OWNER:
        break;
    }
    return NULL;
}

static void handle_rcpt(Reception *reception, const SmtpServerEvent *event)
{
    Address address = event->rcpt.forward_path;
    if (address.domain[0] == '\0') /* the bare Postmaster is this server's, RFC 5321 §4.5.1 */
        g_strlcpy(address.domain, reception->server->domains[0], sizeof address.domain);
    address_book_redirect(reception->server->addresses, &address);
    const SmtpReply *refusal = refusal_of(reception, &address);
    if (refusal != NULL) {
        smtp_server_answer(reception->engine, event->token, *refusal);
        return;
    }
    g_autofree char *recipient = address_format(&address);
    g_autofree char *original =
        event->rcpt.parameters.orcpt.length > 0 ? xtext_decode(event->rcpt.parameters.orcpt) : NULL;
    if (envelope_add_recipient(reception->envelope, recipient, event->rcpt.parameters.notify,
                               original))
        smtp_server_accept(reception->engine, event->token);
    else
        answer(reception, event->token, 452, "4.5.3", "Too many recipients");
}

/* RFC 5321 §3.4: whose mail goes to one other address is answered by 251, which tells it. */
static void answer_vrfy(Reception *reception, uint32_t token, const AddressMeaning *meaning,
                        const char *domain)
{
    Address address = {0};
    g_strlcpy(address.local_part, meaning->name, sizeof address.local_part);
    g_strlcpy(address.domain, domain, sizeof address.domain);
    g_autofree char *who = address_format(&address);
    bool is_elsewhere = meaning->lead == LEAD_FORWARD && meaning->to[1] == NULL &&
                        !address_texts_equal(meaning->to[0], who);
    g_autofree char *text =
        is_elsewhere ? g_strdup_printf("User not local; will forward to <%s>", meaning->to[0])
                     : g_strdup_printf("<%s>", who);
    answer(reception, token, is_elsewhere ? 251 : 250, "2.1.5", text);
}

/* RFC 5321 §3.5.2: one member a line. */
static void answer_expn(Reception *reception, uint32_t token, const AddressMeaning *meaning)
{
    if (meaning->lead != LEAD_LIST && meaning->lead != LEAD_ALIAS) {
        answer(reception, token, 550, "5.2.4", "That is a user, not a mailing list");
        return;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    for (const char *const *to = meaning->to; *to != NULL; to++)
        g_string_append_printf(text, "%s<%s>", text->len > 0 ? "\n" : "", *to);
    answer(reception, token, 250, "2.1.5", text->str);
}

/* VRFY and EXPN (RFC 5321 §3.5): who it is, where the server tells; otherwise 252, which RFC 5321
 * §7.3 wants of a server that keeps its users to itself. A name without domain is one of the first
 * domain. */
static void handle_verify(Reception *reception, const SmtpServerEvent *event)
{
    const MailServer *server = reception->server;
    g_autofree char *text = span_dup_text(event->verify);
    bool in_angles = event->verify.length > 2 && event->verify.data[0] == '<' &&
                     event->verify.data[event->verify.length - 1] == '>';
    Span inner =
        in_angles ? span_of(event->verify.data + 1, event->verify.length - 2) : event->verify;
    Address address = {0};
    if (address_parse(inner, &address) != ADDRESS_OK) {
        g_strlcpy(address.local_part, text, sizeof address.local_part);
        g_strlcpy(address.domain, server->domains[0], sizeof address.domain);
    }
    AddressMeaning meaning = address_book_find(server->addresses, &address);
    if (!server->tells_users || meaning.lead == LEAD_ELSEWHERE)
        smtp_server_accept(reception->engine, event->token);
    else if (meaning.lead == LEAD_NOWHERE)
        answer(reception, event->token, 550, "5.1.1", "No such user here");
    else if (event->kind == SMTP_SERVER_EVENT_EXPN)
        answer_expn(reception, event->token, &meaning);
    else
        answer_vrfy(reception, event->token, &meaning, address.domain);
}

/* ---- Taking a message over ---- */

/* RFC 3848: the letters after ESMTP are S for TLS and A for AUTH. */
static const char *transmission_type(const Reception *reception)
{
    static const char *const TYPES[2][2] = {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}};
    return reception->is_extended ? TYPES[reception->is_encrypted][reception->is_authenticated]
                                  : "SMTP";
}

/* RFC 6409 §8.3, RFC 5321 §6.4: who takes a message first gives it the identity that it lacks. The
 * field, or "" where there is one; to free. */
static char *missing_id(const Reception *reception, const char *id)
{
    Span content = span_of(reception->content->data, reception->content->len);
    if (message_id_left(content).length > 0)
        return g_strdup("");
    return g_strdup_printf("Message-ID: <%s@%s>\r\n", id,
                           host_name(reception->server->machine.host));
}

/* The message as this server passes it on: its Received field on top (RFC 5321 §4.4). */
static GBytes *build_message(const Reception *reception)
{
    const Machine *machine = &reception->server->machine;
    SpoolId id = queue_peek_next_id(reception->server->queue);
    char address[IPV4_TEXT_SIZE];
    const Stream *stream = session_peek_stream(reception->session);
    const Envelope *envelope = reception->envelope;
    ReceivedField field = {
        .helo_name = reception->helo_name,
        .client_name = reception->client_name,
        .client_address = ipv4_format(stream_remote_address(stream), address),
        .host = host_name(machine->host),
        .protocol = transmission_type(reception),
        .queue_id = id.text,
        .recipient = envelope->recipient_count == 1 ? envelope->recipients[0].address : NULL,
        .date_unix = machine_unix_now(machine),
        .utc_offset_minutes = machine->clock.utc_offset_minutes,
    };
    g_autofree char *received = message_format_received(&field);
    g_autofree char *identity = missing_id(reception, id.text);
    size_t received_length = strlen(received), identity_length = strlen(identity);
    size_t content_length = reception->content->len;
    /* Allocated to measure: it stays as long as the message is in the queue. */
    uint8_t *message = g_malloc(received_length + identity_length + content_length + 1);
    memcpy(message, received, received_length);
    memcpy(message + received_length, identity, identity_length);
    if (content_length > 0)
        memcpy(message + received_length + identity_length, reception->content->data,
               content_length);
    return g_bytes_new_take(message, received_length + identity_length + content_length);
}

static void end_reception(Reception *reception)
{
    MailServer *server = reception->server;
    g_ptr_array_remove(server->receptions, reception);
    mail_server_settle(server);
}

/* The queue has made the message durable, or could not. The client may be gone by now: then it
 * will send again, and the recipients get two copies (RFC 1047). */
static void message_added(void *owner, QueueEntry *entry, DiskResult result)
{
    (void)result;
    Reception *reception = owner;
    MailServer *server = reception->server;
    reception->is_adding = false;
    if (!reception->has_ended && reception->open_token != 0) {
        uint32_t token = reception->open_token;
        reception->open_token = 0;
        g_autofree char *text =
            entry != NULL ? g_strdup_printf("Ok: queued as %s", entry->id) : NULL;
        if (entry != NULL)
            answer(reception, token, 250, "2.0.0", text);
        else
            answer(reception, token, 452, "4.3.1", "Insufficient system storage");
        session_pump(reception->session);
    }
    if (reception->has_ended)
        end_reception(reception);
    if (entry != NULL)
        mail_server_run_queue(server);
}

static void handle_message_end(Reception *reception, const SmtpServerEvent *event)
{
    Span content = span_of(reception->content->data, reception->content->len);
    if (message_count_received(content) >= reception->server->hop_limit) {
        answer(reception, event->token, 554, "5.4.6", "Too many hops: the message goes in circles");
        reset_transaction(reception);
        return;
    }
    g_autoptr(GBytes) message = build_message(reception);
    reception->open_token = event->token;
    reception->is_adding = true;
    QueueAdded added = {message_added, reception};
    queue_add(reception->server->queue, reception->envelope, message, added);
    reset_transaction(reception);
}

/* ---- The connection ---- */

static void handle_event(Reception *reception, const SmtpServerEvent *event)
{
    switch (event->kind) {
    case SMTP_SERVER_EVENT_CONNECT:
        look_client_name_up(reception, event->token);
        break;
    case SMTP_SERVER_EVENT_DATA:
        smtp_server_accept(reception->engine, event->token);
        break;
    case SMTP_SERVER_EVENT_HELO:
        g_free(reception->helo_name);
        reception->helo_name = span_dup_text(event->helo.name);
        reception->is_extended = event->helo.extended;
        smtp_server_accept(reception->engine, event->token);
        break;
    case SMTP_SERVER_EVENT_TLS:
        session_start_tls(reception->session, TLS_SERVER);
        smtp_server_accept(reception->engine, event->token);
        reception->is_authenticated = false;
        reception->is_encrypted = true;
        break;
    case SMTP_SERVER_EVENT_VRFY:
    case SMTP_SERVER_EVENT_EXPN:
        handle_verify(reception, event);
        break;
    case SMTP_SERVER_EVENT_AUTH:
        handle_auth(reception, event);
        break;
    case SMTP_SERVER_EVENT_MAIL:
        handle_mail(reception, event);
        break;
    case SMTP_SERVER_EVENT_RCPT:
        handle_rcpt(reception, event);
        break;
    case SMTP_SERVER_EVENT_CONTENT:
        g_byte_array_append(reception->content, event->content.data, (guint)event->content.length);
        break;
    case SMTP_SERVER_EVENT_MESSAGE_END:
        handle_message_end(reception, event);
        break;
    case SMTP_SERVER_EVENT_RESET:
        reset_transaction(reception);
        break;
    case SMTP_SERVER_EVENT_CLOSED:
        reception->open_token = 0;
        break;
    }
}

static void handle_events(void *owner)
{
    Reception *reception = owner;
    SmtpServerEvent event;
    while (smtp_server_next_event(reception->engine, &event))
        handle_event(reception, &event);
}

static void reception_ended(void *owner)
{
    Reception *reception = owner;
    reception->has_ended = true;
    if (!reception->is_adding)
        end_reception(reception);
}

static StreamHandler accept_client(MailServer *server, Stream *stream, bool is_submission)
{
    const Machine *machine = &server->machine;
    Reception *reception = g_new0(Reception, 1);
    reception->server = server;
    reception->is_submission = is_submission;
    reception->content = g_byte_array_new();
    reception->trace = (SmtpTrace){
        .trace = machine->trace, .node = machine->node, .connection = stream_ref(stream)};
    SmtpServerOptions options = smtp_server_options(host_name(machine->host));
    options.extensions = server->extensions;
    if (!machine_may_encrypt(machine, stream_remote_address(stream)))
        options.extensions &= ~(uint32_t)SMTP_EXTENSION_STARTTLS;
    options.message_maximum = server->size_limit;
    options.recipient_maximum = server->recipient_limit;
    options.error_maximum = server->error_limit;
    options.bare_newlines = server->bare_newlines;
    options.timeouts = server->timeouts;
    options.auth_needs_tls = server->auth_needs_tls && options.extensions & SMTP_EXTENSION_STARTTLS;
    options.observer = smtp_trace_server_observer(&reception->trace);
    if (is_submission)
        options.extensions |= SMTP_EXTENSION_AUTH;
    reception->engine = smtp_server_new(&options);
    SessionOwner owner = {reception, handle_events, reception_ended};
    reception->session = session_new(machine->simulator, machine->node, &SESSION_SMTP_SERVER,
                                     reception->engine, owner, EVENT_BACKGROUND);
    g_ptr_array_add(server->receptions, reception);
    session_take_stream(reception->session, stream);
    session_pump(reception->session); /* the server speaks first */
    return session_stream_handler(reception->session);
}

static StreamHandler accept_server(void *owner, Stream *stream)
{
    return accept_client(owner, stream, false);
}

static StreamHandler accept_agent(void *owner, Stream *stream)
{
    return accept_client(owner, stream, true);
}

void mail_server_listen_smtp(MailServer *server)
{
    host_listen(server->machine.host, SMTP_PORT, accept_server, server);
    host_listen(server->machine.host, SUBMISSION_PORT, accept_agent, server);
}

void mail_server_shut_down_receptions(MailServer *server)
{
    for (guint i = 0; i < server->receptions->len; i++) {
        Reception *reception = g_ptr_array_index(server->receptions, i);
        Stream *stream = session_peek_stream(reception->session);
        if (reception->has_ended || stream == NULL) /* it has let go, and is about to end */
            continue;
        smtp_server_shut_down(reception->engine);
        stream_set_because(stream, server->shutdown_because);
        session_pump(reception->session);
    }
}
