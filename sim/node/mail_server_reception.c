/* The mail server takes messages in: SMTP server side, on port 25 for other servers and on port
 * 587 for the agents of its users (RFC 6409), who authenticate.
 *
 * The engine decides what is legal; the rules of policy/policy.h decide who may send what to whom;
 * here both are asked, users are looked for, and 250 is said only once a message is durable in the
 * queue (RFC 5321 §4.2.5, §6.1). */
#include "node/mail_server_internal.h"

#include "node/incoming_message.h"
#include "node/policy_check.h"
#include "proto/smtp_server.h"

#include <string.h>

/* A recipient that is not in the envelope yet. */
typedef struct NamedRecipient {
    const char *address, *original; /* original: ORCPT, or NULL */
    uint8_t notify;
} NamedRecipient;

/* What most steps look at comes first. */
typedef struct Reception {
    SmtpServer *engine;
    Session *session;
    MailServer *server;
    PolicyCheck *check;
    SmtpTrace trace;
    bool is_submission;
    bool is_authenticated;
    bool is_extended;
    bool is_encrypted;
    bool is_for_mailbox;       /* a recipient of the envelope has one here */
    bool is_adding;            /* the queue is making a message durable */
    bool has_ended;            /* the connection is gone; waits for the queue only */
    SmtpServerEventKind asked; /* the question that the rules are asked about, */
    uint32_t policy_token;     /* and its token */
    uint32_t tls_token;        /* of the question that waits for the handshake; 0: none */
    uint32_t open_token;       /* of the question that waits for the queue; 0: none */
    IncomingMessage message;
    Envelope *envelope;              /* of the transaction under way */
    const char *helo_name;           /* the engine's */
    uint64_t declared_size;          /* SIZE of MAIL; 0: not said */
    const NamedRecipient *recipient; /* of RCPT, while the rules are asked about it */
    GList link;                      /* in server->receptions */
} Reception;

void reception_free(void *pointer)
{
    Reception *reception = pointer;
    policy_check_free(reception->check);
    session_free(reception->session);
    envelope_free(reception->envelope);
    incoming_message_clear(&reception->message);
    g_free(reception);
}

/* ---- Answers ---- */

static void answer(Reception *reception, uint32_t token, uint16_t code, const char *enhanced,
                   const char *text)
{
    smtp_server_answer(reception->engine, token, smtp_reply(code, enhanced, text));
}

/* The reply names the record as its reason, here and to the client. */
static void answer_because(Reception *reception, uint32_t token, SmtpReply reply, uint64_t record)
{
    stream_set_because(session_peek_stream(reception->session), record);
    reception->trace.because = record;
    smtp_server_answer(reception->engine, token, reply);
    reception->trace.because = 0;
}

/* ---- The rules ---- */

/* Asks the rules about the step begun; policy_decided goes on. */
static void ask_policy(Reception *reception, const SmtpServerEvent *event, const char *recipient)
{
    reception->asked = event->kind;
    reception->policy_token = event->token;
    bool has_sender = reception->envelope != NULL && event->kind != SMTP_SERVER_EVENT_CONNECT;
    const PolicyClient *client = policy_check_client(reception->check);
    policy_check_run(reception->check, has_sender ? policy_client_sender(client) : NULL, recipient);
}

/* One named twice is one recipient, as it was named first; the client hears 250 for each. */
static void add_recipient(Reception *reception, uint32_t token)
{
    const NamedRecipient *recipient = reception->recipient;
    if (envelope_has_recipient(reception->envelope, recipient->address) ||
        envelope_add_recipient(reception->envelope, recipient->address, recipient->notify,
                               recipient->original))
        smtp_server_accept(reception->engine, token);
    else
        answer(reception, token, 452, "4.5.3", "Too many recipients");
}

static void policy_decided(void *owner, const PolicyVerdict *verdict, uint64_t record,
                           bool is_later)
{
    Reception *reception = owner;
    uint32_t token = reception->policy_token;
    reception->policy_token = 0;
    /* In one transaction several may be refused, and their replies come in one segment. */
    bool is_new = reception->asked == SMTP_SERVER_EVENT_MAIL;
    if (is_new && !reception->server->is_shutting_down)
        stream_set_because(session_peek_stream(reception->session), 0);
    if (verdict->decision != POLICY_PASS)
        answer_because(reception, token, verdict->reply, record);
    else if (reception->asked == SMTP_SERVER_EVENT_RCPT)
        add_recipient(reception, token);
    else
        smtp_server_accept(reception->engine, token);
    if (is_later)
        session_pump(reception->session);
}

static void handle_connect(Reception *reception, const SmtpServerEvent *event)
{
    policy_begin_connect(policy_check_client(reception->check));
    ask_policy(reception, event, NULL);
}

static void handle_helo(Reception *reception, const SmtpServerEvent *event)
{
    reception->helo_name = event->helo.name;
    reception->is_extended = event->helo.extended;
    policy_begin_helo(policy_check_client(reception->check), reception->helo_name);
    ask_policy(reception, event, NULL);
}

static void handle_auth(Reception *reception, const SmtpServerEvent *event)
{
    reception->is_authenticated =
        mail_server_check_password(reception->server, event->auth.identity, event->auth.password);
    if (reception->is_authenticated) {
        policy_client_log_in(policy_check_client(reception->check));
        smtp_server_accept(reception->engine, event->token);
    } else {
        answer(reception, event->token, 535, "5.7.8", "Wrong user name or password");
    }
}

static void reset_transaction(Reception *reception)
{
    g_clear_pointer(&reception->envelope, envelope_free);
    reception->is_for_mailbox = false;
    incoming_message_drop(&reception->message);
}

static void handle_mail(Reception *reception, const SmtpServerEvent *event)
{
    reset_transaction(reception);
    char reverse_path[ADDRESS_TEXT_SIZE];
    reception->envelope = envelope_new(address_write(event->mail.reverse_path, reverse_path));
    reception->declared_size = event->mail.parameters.size;
    reception->envelope->return_content = event->mail.parameters.ret;
    if (event->mail.parameters.envid.length > 0) {
        g_autofree char *id = xtext_decode(event->mail.parameters.envid);
        envelope_set_id(reception->envelope, id);
    }
    policy_begin_mail(policy_check_client(reception->check), reverse_path,
                      simulator_now(reception->server->machine.simulator));
    ask_policy(reception, event, NULL);
}

static void handle_rcpt(Reception *reception, const SmtpServerEvent *event)
{
    const Address *address = event->rcpt.forward_path;
    Address completed;
    if (address->domain[0] == '\0') { /* the bare Postmaster is this server's, RFC 5321 §4.5.1 */
        completed = *address;
        g_strlcpy(completed.domain, reception->server->domains[0], sizeof completed.domain);
        address = &completed;
    }
    AddressMeaning meaning = address_book_find(reception->server->addresses, address);
    /* A backup MX does not know the users: it takes mail for all of them (RFC 5321 §3.6.2). */
    bool is_backup = mail_server_is_backup_for(reception->server, address->domain);
    if (meaning.lead == LEAD_NOWHERE && !is_backup) {
        answer(reception, event->token, 550, "5.1.1", "No such user here");
        return;
    }
    const SmtpRcptParameters *parameters = &event->rcpt.parameters;
    char text[ADDRESS_TEXT_SIZE];
    g_autofree char *original =
        parameters->orcpt.length > 0 ? xtext_decode(parameters->orcpt) : NULL;
    const NamedRecipient named = {address_write(address, text), original, parameters->notify};
    PolicyRecipient recipient = {
        .address = named.address,
        .place = (uint32_t)reception->envelope->recipient_count,
        .is_ours = meaning.lead != LEAD_ELSEWHERE || is_backup,
        .size = reception->declared_size,
    };
    reception->is_for_mailbox |= meaning.lead == LEAD_MAILBOX;
    if (meaning.lead == LEAD_MAILBOX)
        recipient.quota = mail_server_quota_of(reception->server, meaning.name);
    if (recipient.quota > 0) {
        recipient.used = mail_store_used(reception->server->mailboxes, meaning.name);
        recipient.filled_by = mail_store_last_stored(reception->server->mailboxes, meaning.name);
    }
    policy_begin_rcpt(policy_check_client(reception->check), &recipient,
                      simulator_now(reception->server->machine.simulator));
    reception->recipient = &named; /* these rules decide at once */
    ask_policy(reception, event, recipient.address);
    reception->recipient = NULL;
}

/* RFC 5321 §3.4: whose mail goes to one other address is answered by 251, which tells it. */
static void answer_vrfy(Reception *reception, uint32_t token, const AddressMeaning *meaning,
                        const char *domain)
{
    Address address = {0};
    address_set_local_part(&address, meaning->name);
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

/* The address that VRFY or EXPN names, with or without angle brackets. What is none is a local-part
 * of the first domain, quoted or not, or a person's name, which nobody has here. */
static Address named_address(const MailServer *server, Span text)
{
    bool in_angles = text.length > 2 && text.data[0] == '<' && text.data[text.length - 1] == '>';
    if (in_angles)
        text = span_of(text.data + 1, text.length - 2);
    Address address = {0};
    if (address_parse(text, &address) == ADDRESS_OK)
        return address;
    g_autofree char *name = span_dup_text(text);
    g_autofree char *whole = g_strconcat(name, "@", server->domains[0], NULL);
    if (address_parse(span_of_text(whole), &address) == ADDRESS_OK)
        return address;
    address = (Address){0};
    address_set_local_part(&address, name);
    g_strlcpy(address.domain, server->domains[0], sizeof address.domain);
    return address;
}

/* VRFY and EXPN (RFC 5321 §3.5): who it is, where the server tells; otherwise 252, which RFC 5321
 * §7.3 wants of a server that keeps its users to itself. One that gives mail for unknown users to
 * another takes it for any, and cannot say more. */
static void handle_verify(Reception *reception, const SmtpServerEvent *event)
{
    const MailServer *server = reception->server;
    Address address = named_address(server, event->verify);
    AddressMeaning meaning = address_book_find(server->addresses, &address);
    bool is_expn = event->kind == SMTP_SERVER_EVENT_EXPN;
    if (!server->tells_users || meaning.lead == LEAD_ELSEWHERE ||
        (meaning.lead == LEAD_CATCH_ALL && !is_expn))
        smtp_server_accept(reception->engine, event->token);
    else if (meaning.lead == LEAD_NOWHERE || meaning.lead == LEAD_CATCH_ALL)
        answer(reception, event->token, 550, "5.1.1", "No such user here");
    else if (is_expn)
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
 * field, to free. */
static char *missing_id(const Reception *reception, const char *id)
{
    /* its left part names the message in the simulation: no other server's may be equal */
    const char *host = host_name(reception->server->machine.host);
    return g_strdup_printf("Message-ID: <%s-%s@%s>\r\n", host, id, host);
}

/* The message as this server passes it on: its Received field on top (RFC 5321 §4.4). `survey` is
 * that of its content. */
static StoredMessage *build_message(const Reception *reception, const MessageSurvey *survey,
                                    const SmtpServerEvent *event)
{
    const Machine *machine = &reception->server->machine;
    SpoolId id = queue_peek_next_id(reception->server->queue);
    char address[IPV4_TEXT_SIZE];
    const Stream *stream = session_peek_stream(reception->session);
    const Envelope *envelope = reception->envelope;
    ReceivedField field = {
        .helo_name = reception->helo_name,
        .client_name = policy_client_name(policy_check_client(reception->check)),
        .client_address = ipv4_format(stream_remote_address(stream), address),
        .host = host_name(machine->host),
        .protocol = transmission_type(reception),
        .queue_id = id.text,
        .recipient = envelope->recipient_count == 1 ? envelope->recipients[0].address : NULL,
        .date_unix = machine_unix_now(machine),
        .utc_offset_minutes = machine->clock.utc_offset_minutes,
    };
    g_autofree char *received = message_format_received(&field);
    g_autofree char *identity = survey->id_left.length == 0 ? missing_id(reception, id.text) : NULL;
    /* RFC 7208 §9.1: Received-SPF stands above the Received field of the same server. */
    const char *spf = policy_client_spf_field(policy_check_client(reception->check));
    g_autofree char *fields = NULL;
    if (spf != NULL || identity != NULL)
        fields = g_strconcat(spf != NULL ? spf : "", received, identity, NULL);
    const char *all_fields = fields != NULL ? fields : received;
    StoredMessage *message = incoming_message_place(
        &reception->message, survey, reception->is_for_mailbox ? envelope->reverse_path : NULL,
        all_fields, &reception->server->fronts);
    message->is_plain = event->message.is_plain;
    message->is_ascii = !event->message.is_beyond_ascii && span_is_ascii(span_of_text(all_fields));
    return message;
}

static void end_reception(Reception *reception)
{
    MailServer *server = reception->server;
    g_queue_unlink(&server->receptions, &reception->link);
    reception_free(reception);
    mail_server_settle(server);
}

static SmtpReply storage_reply(DiskResult result)
{
    return result == DISK_ERROR
               ? smtp_reply(451, "4.3.0", "Local error: the message cannot be stored")
               : smtp_reply(452, "4.3.1", "Insufficient system storage");
}

static void answer_queued(Reception *reception, uint32_t token, const char *id)
{
    static const char TEXT[] = "Ok: queued as ";
    char text[sizeof TEXT + SPOOL_ID_MAX];
    memcpy(text, TEXT, sizeof TEXT);
    g_strlcpy(text + sizeof TEXT - 1, id, SPOOL_ID_MAX);
    answer(reception, token, 250, "2.0.0", text);
}

/* The queue has made the message durable, or could not. The client may be gone by now: then it
 * will send again, and the recipients get two copies (RFC 1047). */
static void message_added(void *owner, QueueEntry *entry, DiskResult result)
{
    Reception *reception = owner;
    MailServer *server = reception->server;
    reception->is_adding = false;
    if (entry != NULL) /* the nearest record is its mail.accepted */
        policy_client_mark_message(
            policy_check_client(reception->check),
            simulator_cause(server->machine.simulator)->nearest[TRACE_LEVEL_MAIL]);
    if (!reception->has_ended && reception->open_token != 0) {
        uint32_t token = reception->open_token;
        reception->open_token = 0;
        if (entry != NULL)
            answer_queued(reception, token, queue_entry_id(entry));
        else
            answer_because(reception, token, storage_reply(result),
                           disk_last_failure(server->disk));
        session_pump(reception->session);
    }
    if (reception->has_ended)
        end_reception(reception);
    if (entry != NULL)
        mail_server_run_queue(server);
}

static void handle_message_end(Reception *reception, const SmtpServerEvent *event)
{
    const MessageSurvey survey = incoming_message_survey(&reception->message);
    if (survey.received >= reception->server->hop_limit) {
        answer(reception, event->token, 554, "5.4.6", "Too many hops: the message goes in circles");
        reset_transaction(reception);
        return;
    }
    g_autoptr(StoredMessage) message = build_message(reception, &survey, event);
    /* In a long one, what is on top may have moved it out of what is looked at. */
    bool has_name = stored_message_delivered_size(message) <= MESSAGE_HEADER_MAX;
    QueueMessage queued = {message, has_name ? survey.id_left : (Span){0}};
    reception->open_token = event->token;
    reception->is_adding = true;
    QueueAdded added = {message_added, reception};
    queue_add(reception->server->queue, reception->envelope, queued, added);
    reset_transaction(reception);
}

/* ---- What the engine says by itself ---- */

/* The engine refuses a message for its size (RFC 1870 §6), at MAIL or at its end, and asks nobody.
 * The verdict's seq. */
static uint64_t record_size_verdict(const Reception *reception, const SmtpReply *reply)
{
    const Machine *machine = &reception->server->machine;
    const Stream *stream = session_peek_stream(reception->session);
    g_autofree char *reason =
        g_strdup_printf("it is larger than the %" G_GUINT64_FORMAT " octets that the server takes",
                        reception->server->size_limit);
    return TRACE(machine->trace, machine->node, POLICY_VERDICT, 0,
                 .policy = policy_rule_name(POLICY_RULE_SIZE),
                 .verdict = reply->code < 500 ? "deferred" : "refused",
                 .client = stream_remote_address(stream),
                 .sender = reception->envelope != NULL ? reception->envelope->reverse_path : NULL,
                 .code = reply->code, .reason = reason);
}

static void observe_reply(void *user, const SmtpReply *reply)
{
    Reception *reception = user;
    bool is_for_size = smtp_server_refuses_size(reception->engine);
    if (is_for_size) {
        reception->trace.because = record_size_verdict(reception, reply);
        stream_set_because(session_peek_stream(reception->session), reception->trace.because);
    }
    smtp_trace_reply(&reception->trace, reply);
    if (is_for_size)
        reception->trace.because = 0;
}

static void observe_state(void *user, const StateTable *table, uint8_t from, uint8_t to)
{
    const Reception *reception = user;
    smtp_trace_state(&reception->trace, table, from, to);
}

/* ---- The connection ---- */

static void handle_event(Reception *reception, const SmtpServerEvent *event)
{
    switch (event->kind) {
    case SMTP_SERVER_EVENT_CONNECT:
        handle_connect(reception, event);
        break;
    case SMTP_SERVER_EVENT_DATA:
        smtp_server_accept(reception->engine, event->token);
        break;
    case SMTP_SERVER_EVENT_HELO:
        handle_helo(reception, event);
        break;
    case SMTP_SERVER_EVENT_TLS:
        session_start_tls(reception->session, TLS_SERVER);
        reception->tls_token = event->token;
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
        incoming_message_take(&reception->message, event->content, event->within);
        break;
    case SMTP_SERVER_EVENT_MESSAGE_END:
        handle_message_end(reception, event);
        break;
    case SMTP_SERVER_EVENT_RESET:
        reset_transaction(reception);
        break;
    case SMTP_SERVER_EVENT_CLOSED:
        reception->open_token = reception->tls_token = 0;
        break;
    }
}

static void on_tls(void *owner)
{
    Reception *reception = owner;
    if (reception->tls_token == 0) /* too late: the engine has closed */
        return;
    reception->is_authenticated = false;
    reception->is_encrypted = true;
    reception->trace.is_encrypted = true;
    smtp_server_accept(reception->engine, reception->tls_token);
    reception->tls_token = 0;
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
    Reception *reception = g_new(Reception, 1);
    *reception = (Reception){0};
    reception->server = server;
    reception->is_submission = is_submission;
    incoming_message_init(&reception->message);
    reception->trace = (SmtpTrace){
        .trace = machine->trace, .node = machine->node, .connection = stream_ref(stream)};
    SmtpServerOptions options = smtp_server_options(host_name(machine->host));
    options.extensions = server->extensions;
    if (!machine_may_encrypt(machine, stream_remote_address(stream)))
        options.extensions &= ~(uint32_t)SMTP_EXTENSION_STARTTLS;
    options.message_maximum = server->size_limit;
    options.size_reply = policy_size_reply(server->policy);
    options.recipient_maximum = UINT32_MAX; /* the rules count them */
    options.error_maximum = server->error_limit;
    options.bare_newlines = server->bare_newlines;
    options.offers = &server->offers;
    options.timeouts = server->timeouts;
    options.auth_needs_tls = server->auth_needs_tls && options.extensions & SMTP_EXTENSION_STARTTLS;
    options.observer =
        (SmtpObserver){.user = reception, .reply = observe_reply, .state = observe_state};
    if (is_submission)
        options.extensions |= SMTP_EXTENSION_AUTH;
    static const SessionHandlers HANDLERS = {handle_events, reception_ended, on_tls};
    reception->session = session_new(machine->simulator, machine->node, &SESSION_SMTP_SERVER,
                                     &HANDLERS, reception, EVENT_BACKGROUND);
    reception->engine = session_engine(reception->session);
    smtp_server_init(reception->engine, &options);
    reception->check = policy_check_new(machine, server->resolver, server->policy,
                                        stream_remote_address(stream), policy_decided, reception);
    if (is_submission)
        policy_client_submits(policy_check_client(reception->check));
    if (mail_server_relays_for(server, stream_remote_address(stream)))
        policy_client_trust(policy_check_client(reception->check));
    reception->link.data = reception;
    g_queue_push_tail_link(&server->receptions, &reception->link);
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
    GList *next;
    for (GList *link = server->receptions.head; link != NULL; link = next) {
        Reception *reception = link->data;
        next = link->next;
        Stream *stream = session_peek_stream(reception->session);
        if (reception->has_ended || stream == NULL) /* it has let go, and is about to end */
            continue;
        reception->trace.closing_because = server->shutdown_because;
        stream_set_because(stream, server->shutdown_because);
        smtp_server_shut_down(reception->engine);
        session_pump(reception->session);
    }
}
