/* One connection to the mail servers of a domain, and what is sent over it. See delivery.h. */
#include "node/delivery.h"

#include "core/check.h"
#include "core/rare.h"
#include "mail/address.h"
#include "mail/message.h"
#include "node/session.h"
#include "node/smtp_trace.h"
#include "proto/mail_route.h"

/* The server closes the connection (RFC 5321 §3.8, §4.2.1). */
enum { REPLY_CLOSING = 421 };

/* What each step of a dialogue looks at comes first, then what each dialogue needs. */
struct Delivery {
    SmtpClient *client; /* the session's */
    Session *session;
    const DeliveryJob *job; /* under way; NULL: the connection is idle, or has ended */
    const DeliveryHandlers *handlers;
    void *owner;
    const Machine *machine;
    uint32_t results;    /* the job's recipients whose fate is told */
    uint32_t extensions; /* SmtpExtension bits that the server offers */
    bool is_connecting;  /* the timer runs */
    bool is_ready;       /* the server waits for a command of ours */
    bool is_used;        /* this connection has carried a job before this one */
    bool is_stale;       /* it was closed meanwhile: the job needs another one */
    bool keeps_bare_newlines;
    bool last_is_reply;

    SmtpTrace trace;
    const char *remote; /* name of the host under way; the route's */
    Timer timer;        /* while it connects, and when it is through */
    char *last_text;    /* why the last host did not take part */
    char *last_status;
    MailRoute *route;
    uint64_t look_up;
    Resolver *resolver;
    const char *helo_name;
    SimTime connect_timeout;
    const SmtpTimeouts *timeouts;
    SmtpHeard *heard;
    const char *own_name; /* of the host, which is not what it may call itself */
    Ipv4Address own_address;
    DeliveryOutcome last_outcome;
    uint64_t last_because;
    uint64_t question;              /* token of the route's open question */
    size_t next_host, next_address; /* where to connect next */
};

static void look_up_next(Delivery *delivery);
static void connect_next(Delivery *delivery);

static void end_connecting(Delivery *delivery)
{
    if (delivery->is_connecting)
        simulator_cancel(delivery->machine->simulator, &delivery->timer);
    delivery->is_connecting = false;
}

static void drop_session(Delivery *delivery)
{
    end_connecting(delivery);
    g_clear_pointer(&delivery->session, session_free);
    delivery->client = NULL;
    delivery->is_ready = false;
}

void delivery_free(Delivery *delivery)
{
    drop_session(delivery);
    simulator_cancel(delivery->machine->simulator, &delivery->timer);
    resolver_forget(delivery->resolver, delivery->look_up);
    mail_route_free(delivery->route);
    free_rare(delivery->last_text);
    free_rare(delivery->last_status);
    g_free(delivery);
}

static void report_done(void *owner, void *data)
{
    (void)data;
    Delivery *delivery = owner;
    delivery->handlers->done(delivery->owner, delivery);
}

static void finish(Delivery *delivery)
{
    EventAction action = {report_done, delivery, NULL, NULL};
    Simulator *simulator = delivery->machine->simulator;
    delivery->timer = simulator_schedule(simulator, simulator_now(simulator),
                                         delivery->machine->node, EVENT_FOREGROUND, action);
}

static void tell(Delivery *delivery, size_t index, const DeliveryResult *result)
{
    delivery->results++;
    delivery->handlers->result(delivery->owner, delivery, index, result);
}

/* The same result for every recipient: no session came about. */
static void tell_all(Delivery *delivery, const DeliveryResult *result)
{
    Cause *cause = simulator_cause(delivery->machine->simulator);
    Cause before = *cause;
    for (size_t i = 0; i < delivery->job->recipient_count; i++) {
        *cause = before;
        tell(delivery, i, result);
    }
    delivery->job = NULL;
    finish(delivery);
}

/* Remembers why this host did not take part, for the case that it was the last one. */
static void note_failure(Delivery *delivery, DeliveryOutcome outcome, const char *text,
                         const char *status, bool is_reply, uint64_t because)
{
    g_free(delivery->last_text);
    g_free(delivery->last_status);
    delivery->last_outcome = outcome;
    delivery->last_text = g_strdup(text);
    delivery->last_status = g_strdup(status);
    delivery->last_is_reply = is_reply;
    delivery->last_because = because;
}

static void give_up(Delivery *delivery)
{
    DeliveryResult result = {
        .outcome = delivery->last_outcome,
        .text = delivery->last_text,
        .status = delivery->last_status,
        .remote = delivery->remote,
        .is_reply = delivery->last_is_reply,
        .because = delivery->last_because,
    };
    tell_all(delivery, &result);
}

/* ---- The session ---- */

/* Writes the enhanced code, or what stands for it where there is none; returns `text`. */
static char *write_status(const SmtpReply *reply, char text[static SMTP_ENHANCED_TEXT_SIZE])
{
    SmtpEnhanced status = reply->enhanced;
    if (status.class == 0 && reply->code == 0)
        status = (SmtpEnhanced){4, 4, 2}; /* RFC 3463 §3.5: bad connection */
    else if (status.class == 0)
        status.class = (uint8_t)(reply->code / 100U);
    size_t length = smtp_enhanced_format(status, text);
    text[length - 1] = '\0'; /* instead of the blank */
    return text;
}

static DeliveryOutcome outcome_of(SmtpReplyClass class)
{
    switch (class) {
    case SMTP_REPLY_SUCCESS:
        return DELIVERY_RELAYED;
    case SMTP_REPLY_PERMANENT:
        return DELIVERY_PERMANENT;
    case SMTP_REPLY_INTERMEDIATE:
    case SMTP_REPLY_TEMPORARY:
        break;
    }
    return DELIVERY_TEMPORARY;
}

/* Whether the server closed the connection, which had carried other messages before, instead of
 * answering MAIL: then it has not looked at this job at all. */
static bool is_closed_meanwhile(const Delivery *delivery, const SmtpClientEvent *event)
{
    const SmtpReply *reply = &event->result.reply;
    return delivery->is_used && event->result.stage == SMTP_STAGE_MAIL &&
           ((reply->code == 0 && !event->result.is_all_sent) || reply->code == REPLY_CLOSING);
}

static void handle_result(Delivery *delivery, const SmtpClientEvent *event)
{
    const SmtpReply *reply = &event->result.reply;
    if (is_closed_meanwhile(delivery, event)) {
        delivery->is_stale = true;
        return;
    }
    g_autofree char *text =
        smtp_trace_outcome_text(reply, event->result.stage, session_failure(delivery->session));
    char status[SMTP_ENHANCED_TEXT_SIZE];
    DeliveryResult result = {
        .outcome = outcome_of(event->result.class),
        .text = text,
        .status = write_status(reply, status),
        .remote = delivery->remote,
        .is_reply = reply->code != 0,
        .passes_dsn = (delivery->extensions & SMTP_EXTENSION_DSN) != 0,
        .is_uncertain = reply->code == 0 && event->result.is_all_sent,
        .because = session_reply_because(delivery->session, reply->code),
    };
    tell(delivery, event->result.index, &result);
}

static bool has_utf8_address(const DeliveryJob *job)
{
    bool has = !span_is_ascii(span_of_text(job->reverse_path));
    for (size_t i = 0; i < job->recipient_count; i++)
        has = has || !span_is_ascii(span_of_text(job->recipients[i].mailbox));
    return has;
}

/* Says of an 8-bit message that it is one, and sends it in 7 bits where the server wants that (RFC
 * 6152 §3); where that cannot be, the engine fails it with 5.6.3. `*downgraded` is to be unref'd.
 */
static void choose_content(const Delivery *delivery, SmtpClientTransaction *transaction,
                           Slice *content, Octets **downgraded)
{
    const StoredMessage *message = delivery->job->message;
    transaction->parameters.utf8 = has_utf8_address(delivery->job);
    if (message->is_ascii || (span_is_ascii(transaction->content_front) &&
                              span_is_ascii(slice_span(stored_message_rest(message)))))
        return;
    g_autoptr(Octets) whole = stored_message_join(message);
    Span octets = span_of_octets(whole);
    transaction->parameters.utf8 |= !message_header_is_ascii(octets);
    transaction->parameters.body = SMTP_BODY_8BITMIME;
    if (delivery->extensions & SMTP_EXTENSION_8BITMIME)
        return;
    *downgraded = message_downgrade(octets);
    if (*downgraded == NULL)
        return;
    *content = (Slice){*downgraded, 0, octets_length(*downgraded)};
    transaction->content_front = (Span){0};
    transaction->is_plain = false;
    transaction->parameters.body = SMTP_BODY_7BIT;
}

static void send_job(Delivery *delivery)
{
    const DeliveryJob *job = delivery->job;
    Slice content = stored_message_rest(job->message);
    g_autofree uint8_t *front = stored_message_copy_front(job->message);
    g_autoptr(Octets) downgraded = NULL;
    SmtpClientTransaction transaction = {
        .reverse_path = job->reverse_path,
        .parameters = job->parameters,
        .recipients = job->recipients,
        .recipient_count = job->recipient_count,
        .content_front = span_of(front, stored_message_front_length(job->message)),
        .content = &content,
        .content_count = 1,
        .is_plain = job->message->is_plain,
    };
    choose_content(delivery, &transaction, &content, &downgraded);
    delivery->is_ready = false;
    delivery->trace.mail = job->mail;
    delivery->trace.size = transaction.content_front.length + content.length;
    smtp_client_send(delivery->client, &transaction);
}

static void handle_ready(Delivery *delivery, uint32_t extensions)
{
    delivery->is_ready = true;
    delivery->extensions = extensions;
    if (delivery->results < delivery->job->recipient_count) {
        send_job(delivery);
        return;
    }
    delivery->job = NULL;
    delivery->trace.mail = NULL;
    delivery->is_used = true;
    delivery->handlers->ready(delivery->owner, delivery);
}

bool delivery_is_ready(const Delivery *delivery)
{
    return delivery->is_ready;
}

void delivery_send(Delivery *delivery, const DeliveryJob *job)
{
    CHECK(delivery->is_ready);
    delivery->job = job;
    delivery->results = 0;
    send_job(delivery);
    session_pump(delivery->session);
}

void delivery_quit(Delivery *delivery)
{
    if (!delivery->is_ready)
        return;
    delivery->is_ready = false;
    smtp_client_quit(delivery->client);
    session_pump(delivery->session);
}

/* A greeting is the host's word about itself, spoken before it knows of any mail: whatever its
 * digits, another host is asked, or this one later, as Postfix does (smtp_skip_5xx_greeting). */
static void handle_refused(Delivery *delivery, const SmtpClientEvent *event)
{
    g_autofree char *text = smtp_trace_reply_text(&event->refused.reply);
    char status[SMTP_ENHANCED_TEXT_SIZE];
    write_status(&event->refused.reply, status);
    DeliveryOutcome outcome = outcome_of(event->refused.class);
    if (event->refused.stage == SMTP_STAGE_CONNECT) {
        outcome = DELIVERY_TEMPORARY;
        if (status[0] == '5')
            status[0] = '4';
    }
    note_failure(delivery, outcome, text, status, true,
                 session_reply_because(delivery->session, event->refused.reply.code));
}

/* The host did not get so far as to be given the message. */
static void handle_closed(Delivery *delivery, const SmtpClientEvent *event)
{
    delivery->is_ready = false;
    if (delivery->job == NULL || delivery->results > 0 || delivery->is_stale ||
        delivery->last_text != NULL)
        return;
    const SmtpReply *reply = &event->closed.reply;
    StreamFailure failure = session_failure(delivery->session);
    g_autofree char *text = smtp_trace_outcome_text(reply, event->closed.stage, failure);
    char room[SMTP_ENHANCED_TEXT_SIZE];
    const char *status = stream_failure_is_opening(failure) ? "4.4.1" : write_status(reply, room);
    note_failure(delivery, DELIVERY_TEMPORARY, text, status, reply->code != 0,
                 session_because(delivery->session));
}

static void on_tls(void *owner)
{
    Delivery *delivery = owner;
    delivery->trace.is_encrypted = true;
    smtp_client_start_tls(delivery->client);
}

static void handle_events(void *owner)
{
    Delivery *delivery = owner;
    SmtpClientEvent event;
    end_connecting(delivery); /* the stream has come about, or has failed */
    while (smtp_client_next_event(delivery->client, &event)) {
        switch (event.kind) {
        case SMTP_CLIENT_EVENT_TLS:
            session_start_tls(delivery->session, TLS_CLIENT);
            break;
        case SMTP_CLIENT_EVENT_READY:
            handle_ready(delivery, event.ready.extensions);
            break;
        case SMTP_CLIENT_EVENT_REFUSED:
            handle_refused(delivery, &event);
            break;
        case SMTP_CLIENT_EVENT_RECIPIENT_RESULT:
            handle_result(delivery, &event);
            break;
        case SMTP_CLIENT_EVENT_TRANSACTION_DONE:
            break;
        case SMTP_CLIENT_EVENT_CLOSED:
            handle_closed(delivery, &event);
            break;
        }
    }
}

static void session_ended(void *owner)
{
    Delivery *delivery = owner;
    drop_session(delivery);
    if (delivery->is_stale)
        delivery->next_host = delivery->next_address = 0;
    if (delivery->job != NULL && delivery->results == 0) {
        connect_next(delivery);
        return;
    }
    delivery->job = NULL;
    delivery->handlers->done(delivery->owner, delivery); /* this step is the session's last */
}

/* ---- Connecting ---- */

static void on_connect_timeout(void *owner, void *data)
{
    (void)data;
    Delivery *delivery = owner;
    Stream *stream = session_peek_stream(delivery->session);
    note_failure(delivery, DELIVERY_TEMPORARY, stream_failure_text(STREAM_TIMED_OUT_CONNECTING),
                 "4.4.1", false, stream_silence_because(stream));
    drop_session(delivery);
    connect_next(delivery);
}

static void connect_to(Delivery *delivery, Ipv4Address address)
{
    const Machine *machine = delivery->machine;
    g_clear_pointer(&delivery->last_text, g_free); /* that was another host's */
    delivery->is_used = delivery->is_stale = false;
    SmtpClientOptions options = smtp_client_options(delivery->helo_name);
    if (machine_may_encrypt(machine, address))
        options.extensions |= SMTP_EXTENSION_STARTTLS;
    options.send_bare_newlines = delivery->keeps_bare_newlines;
    options.timeouts = delivery->timeouts;
    options.heard = delivery->heard;
    options.observer = smtp_trace_client_observer(&delivery->trace);
    static const SessionHandlers HANDLERS = {handle_events, session_ended, on_tls};
    delivery->session = session_new(machine->simulator, machine->node, &SESSION_SMTP_CLIENT,
                                    &HANDLERS, delivery, EVENT_FOREGROUND);
    delivery->client = session_engine(delivery->session);
    smtp_client_init(delivery->client, &options);
    Stream *stream = host_connect(machine->host, address, DELIVERY_PORT,
                                  session_stream_handler(delivery->session));
    if (stream == NULL) {
        note_failure(delivery, DELIVERY_TEMPORARY, "no free port", "4.3.0", false, 0);
        drop_session(delivery);
        give_up(delivery);
        return;
    }
    delivery->trace = (SmtpTrace){
        .trace = machine->trace, .node = machine->node, .connection = stream_ref(stream)};
    session_take_stream(delivery->session, stream);
    EventAction action = {on_connect_timeout, delivery, NULL, NULL};
    SimTime time = simtime_add(simulator_now(machine->simulator), delivery->connect_timeout);
    delivery->is_connecting = true;
    delivery->timer =
        simulator_schedule(machine->simulator, time, machine->node, EVENT_FOREGROUND, action);
}

static void connect_next(Delivery *delivery)
{
    if (delivery->next_host == mail_route_host_count(delivery->route)) {
        give_up(delivery);
        return;
    }
    MailRouteHost host = mail_route_peek_host(delivery->route, delivery->next_host);
    Ipv4Address address = host.addresses[delivery->next_address++];
    delivery->remote = host.name;
    if (delivery->next_address == host.address_count) {
        delivery->next_host++;
        delivery->next_address = 0;
    }
    connect_to(delivery, address);
}

/* ---- The route ---- */

static void on_answer(void *owner, const DnsResolverEvent *event, uint64_t because)
{
    Delivery *delivery = owner;
    if (because != 0)
        delivery->last_because = because;
    delivery->look_up = 0;
    mail_route_answer(delivery->route, delivery->question, &event->answer);
    look_up_next(delivery);
}

static void look_up_next(Delivery *delivery)
{
    MailRouteQuestion question;
    if (mail_route_peek_question(delivery->route, &question)) {
        delivery->question = question.token;
        delivery->look_up =
            resolver_look_up(delivery->resolver, question.name, question.type, on_answer, delivery);
        return;
    }
    MailRouteResult result = mail_route_result(delivery->route);
    if (result == MAIL_ROUTE_HOSTS) {
        connect_next(delivery);
        return;
    }
    const MailRouteStatus *status = mail_route_status(result);
    DeliveryOutcome outcome = status->reply >= 500 ? DELIVERY_PERMANENT : DELIVERY_TEMPORARY;
    note_failure(delivery, outcome, status->text, status->enhanced, false, delivery->last_because);
    give_up(delivery);
}

Delivery *delivery_new(const Machine *machine, Resolver *resolver, const DeliveryOptions *options,
                       const DeliveryJob *job, const DeliveryHandlers *handlers, void *owner)
{
    Delivery *delivery = g_new(Delivery, 1);
    *delivery = (Delivery){0};
    delivery->machine = machine;
    delivery->resolver = resolver;
    delivery->helo_name = options->helo_name;
    delivery->keeps_bare_newlines = options->keeps_bare_newlines;
    delivery->connect_timeout = options->connect_timeout;
    delivery->timeouts = options->timeouts;
    delivery->heard = options->heard;
    delivery->job = job;
    delivery->handlers = handlers;
    delivery->owner = owner;
    delivery->own_name = host_name(machine->host);
    delivery->own_address = host_address(machine->host);
    g_autofree char *ascii = span_is_ascii(span_of_text(options->domain))
                                 ? NULL
                                 : address_domain_to_ascii(options->domain);
    MailRouteOptions route = {
        .domain = ascii != NULL ? ascii : options->domain,
        .own_names = &delivery->own_name,
        .own_name_count = 1,
        .own_addresses = &delivery->own_address,
        .own_address_count = 1,
        .draw = options->route_draw,
    };
    delivery->route = mail_route_new(&route);
    look_up_next(delivery);
    return delivery;
}
