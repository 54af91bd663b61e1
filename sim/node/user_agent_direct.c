/* The user agent as its own mail server, or what it takes for one: it looks up where each
 * recipient's mail goes (RFC 5321 §5.1) and speaks SMTP there, once. It has no queue: where a mail
 * server would put a message off (§4.5.4.1), the message is lost. */
#include "node/user_agent_internal.h"

#include "mail/address.h"

/* One message to the recipients in one domain. */
typedef struct DirectDelivery {
    UserAgent *agent;
    char *mail;
    Envelope *envelope; /* of those recipients */
    StoredMessage *message;
    SmtpClientRecipient *recipients;
    DeliveryJob job;
    Delivery *delivery;
    bool is_accepted;
} DirectDelivery;

void direct_delivery_free(void *pointer)
{
    DirectDelivery *direct = pointer;
    delivery_free(direct->delivery);
    envelope_free(direct->envelope);
    stored_message_unref(direct->message);
    g_free(direct->recipients);
    g_free(direct->mail);
    g_free(direct);
}

static void note_result(void *owner, Delivery *delivery, size_t index, const DeliveryResult *result)
{
    (void)delivery;
    DirectDelivery *direct = owner;
    UserAgent *agent = direct->agent;
    const char *recipient = direct->envelope->recipients[index].address;
    Span text = span_of_text(result->text);
    if (result->outcome == DELIVERY_TEMPORARY) {
        TRACE(agent->machine.trace, agent->machine.node, AGENT_LOST, result->because,
              .mail = direct->mail, .recipient = recipient, .server = result->remote,
              .reason = text);
    } else if (result->outcome == DELIVERY_PERMANENT) {
        user_agent_tell_failure(agent, "submit", direct->mail, recipient, text, result->because);
    } else if (!direct->is_accepted) {
        direct->is_accepted = true;
        TRACE(agent->machine.trace, agent->machine.node, AGENT_SENT, 0, .mail = direct->mail,
              .server = agent->through != NULL ? agent->through : result->remote, .reply = text);
    }
}

static void quit(void *owner, Delivery *delivery)
{
    (void)owner;
    delivery_quit(delivery);
}

static void end(void *owner, Delivery *delivery)
{
    (void)delivery;
    DirectDelivery *direct = owner;
    g_ptr_array_remove(direct->agent->directs, direct);
}

/* The domain of a recipient that no delivery has yet; its other recipients go with it. All go
 * together where one server is to relay for them. */
static Envelope *take_domain(const UserAgent *agent, AgentMail *mail, size_t first)
{
    const Envelope *whole = mail->envelope;
    const char *domain = address_text_peek_domain(whole->recipients[first].address);
    Envelope *part = envelope_new(whole->reverse_path);
    part->return_content = whole->return_content;
    for (size_t i = first; i < whole->recipient_count; i++) {
        const Recipient *recipient = &whole->recipients[i];
        if (mail->states[i] != RECIPIENT_OPEN ||
            (agent->through == NULL &&
             g_ascii_strcasecmp(address_text_peek_domain(recipient->address), domain) != 0))
            continue;
        mail->states[i] = RECIPIENT_SETTLED;
        envelope_add_recipient(part, recipient->address, recipient->notify, NULL);
    }
    return part;
}

static void deliver(UserAgent *agent, const AgentMail *mail, Envelope *part)
{
    DirectDelivery *direct = g_new0(DirectDelivery, 1);
    const char *domain = agent->through != NULL
                             ? agent->through_literal
                             : address_text_peek_domain(part->recipients[0].address);
    direct->agent = agent;
    direct->mail = g_strdup(mail->name);
    direct->envelope = part;
    direct->message = stored_message_of_octets(mail->content);
    direct->recipients = g_new0(SmtpClientRecipient, part->recipient_count);
    for (size_t i = 0; i < part->recipient_count; i++) {
        direct->recipients[i].mailbox = part->recipients[i].address;
        direct->recipients[i].parameters.notify = part->recipients[i].notify;
    }
    direct->job = (DeliveryJob){
        .mail = direct->mail,
        .reverse_path = part->reverse_path,
        .parameters = {.ret = part->return_content},
        .recipients = direct->recipients,
        .recipient_count = part->recipient_count,
        .message = direct->message,
    };
    DeliveryOptions options = {.helo_name = agent->helo_name,
                               .domain = domain,
                               .keeps_bare_newlines = true,
                               .connect_timeout = DELIVERY_CONNECT_TIMEOUT,
                               .heard = &agent->heard,
                               .route_draw = random_draw(&agent->route_draws)};
    TRACE(agent->machine.trace, agent->machine.node, AGENT_SUBMIT, 0, .mail = mail->name,
          .server = agent->through != NULL ? agent->through : domain, .is_direct = true);
    g_ptr_array_add(agent->directs, direct);
    static const DeliveryHandlers HANDLERS = {note_result, quit, end};
    direct->delivery =
        delivery_new(&agent->machine, agent->resolver, &options, &direct->job, &HANDLERS, direct);
}

void user_agent_send_directly_take(UserAgent *agent, AgentMail *mail)
{
    Cause *cause = simulator_cause(agent->machine.simulator);
    Cause before = *cause;
    for (size_t i = 0; i < mail->envelope->recipient_count; i++) {
        *cause = before;
        if (mail->states[i] == RECIPIENT_OPEN)
            deliver(agent, mail, take_domain(agent, mail, i));
    }
    agent_mail_free(mail);
}
