/* A user agent. See user_agent.h; the dialogues are in user_agent_submit.c and user_agent_fetch.c.
 */
#include "node/user_agent_internal.h"

#include "mail/address.h"

#include <string.h>

/* One piece of memory: the mail, what is kept for each recipient, and the name. */
AgentMail *agent_mail_new(Span name, Octets *content, Envelope *envelope)
{
    const size_t count = envelope != NULL ? envelope->recipient_count : 0;
    const size_t recipients_size = count * (sizeof(size_t) + sizeof(uint8_t));
    const size_t size = sizeof(AgentMail) + recipients_size + name.length + 1;
    AgentMail *mail = memset(g_malloc(size), 0, size);
    mail->under_way = (size_t *)(void *)(mail + 1);
    mail->states = (uint8_t *)(mail->under_way + count);
    mail->name = (char *)mail->states + count;
    if (name.length > 0)
        memcpy(mail->name, name.data, name.length);
    mail->content = octets_ref(content);
    mail->envelope = envelope;
    return mail;
}

void agent_mail_free(void *mail)
{
    AgentMail *agent_mail = mail;
    octets_unref(agent_mail->content);
    envelope_free(agent_mail->envelope);
    g_free(agent_mail);
}

UserAgent *user_agent_new(const Machine *machine, const UserAgentOptions *options)
{
    UserAgent *agent = g_new0(UserAgent, 1);
    agent->machine = *machine;
    agent->address = g_strdup(options->address);
    agent->server = g_strdup(options->server);
    agent->user = g_strdup(options->user);
    agent->password = g_strdup(options->password);
    agent->helo_name =
        g_strdup(options->helo_name != NULL ? options->helo_name : host_name(machine->host));
    agent->sends_directly = options->sends_directly;
    if (options->through != NULL) {
        char address[IPV4_TEXT_SIZE];
        agent->through = g_strdup(options->through);
        agent->through_literal =
            g_strdup_printf("[%s]", ipv4_format(options->through_address, address));
    }
    agent->retry_ns = options->retry_ns;
    agent->lifetime_ns = options->lifetime_ns;
    agent->directs = g_ptr_array_new_with_free_func(direct_delivery_free);
    agent->route_draws = simulator_random(machine->simulator, machine->node, RANDOM_MX_ORDER);
    agent->resolver = resolver_new(machine);
    agent->outbox = g_ptr_array_new_with_free_func(agent_mail_free);
    agent->inbox = g_ptr_array_new_with_free_func(agent_mail_free);
    agent->next_uid = 1;
    return agent;
}

void user_agent_free(UserAgent *agent)
{
    user_agent_drop_submission(agent);
    simulator_cancel(agent->machine.simulator, &agent->retry_timer);
    g_ptr_array_unref(agent->directs);
    user_agent_drop_fetching(agent);
    resolver_free(agent->resolver);
    smtp_heard_clear(&agent->heard);
    g_ptr_array_unref(agent->outbox);
    g_ptr_array_unref(agent->inbox);
    g_free(agent->address);
    g_free(agent->server);
    g_free(agent->user);
    g_free(agent->password);
    g_free(agent->helo_name);
    g_free(agent->through);
    g_free(agent->through_literal);
    g_free(agent);
}

void user_agent_tell_failure(UserAgent *agent, const char *action, const char *mail,
                             const char *recipient, Span reason, uint64_t because)
{
    TRACE(agent->machine.trace, agent->machine.node, AGENT_FAILED, because, .action = action,
          .mail = mail, .recipient = recipient, .reason = reason);
}

AgentMail *user_agent_find_received(const UserAgent *agent, const char *mail)
{
    for (guint i = 0; i < agent->inbox->len; i++) {
        AgentMail *received = g_ptr_array_index(agent->inbox, i);
        if (strcmp(received->name, mail) == 0)
            return received;
    }
    return NULL;
}

static Span mail_span(const AgentMail *mail)
{
    return span_of_octets(mail->content);
}

/* ---- Writing ---- */

static bool has_recipient(const Envelope *envelope, const char *address)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (address_texts_equal(envelope->recipients[i].address, address))
            return true;
    }
    return false;
}

static const char *original_of(const UserAgentMail *mail, const char *address)
{
    for (size_t i = 0; i < mail->original_count; i++)
        if (address_texts_equal(mail->originals[i].address, address))
            return mail->originals[i].original;
    return NULL;
}

/* Who is named twice, as in To and in Cc, gets the mail once. */
static void add_recipients(Envelope *envelope, const UserAgentMail *mail,
                           const char *const *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!has_recipient(envelope, addresses[i]))
            envelope_add_recipient(envelope, addresses[i], mail->notify,
                                   original_of(mail, addresses[i]));
    }
}

/* NULL: there is no more than one to join. */
static char *join_recipients(const Envelope *envelope)
{
    if (envelope->recipient_count <= 1)
        return NULL;
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", envelope->recipients[i].address);
    return g_string_free(text, FALSE);
}

/* NULL: there are none. */
static MessageMailbox *mailboxes_of(const char *const *addresses, size_t count)
{
    MessageMailbox *mailboxes = g_new(MessageMailbox, count);
    for (size_t i = 0; i < count; i++)
        mailboxes[i] = (MessageMailbox){.address = addresses[i]};
    return mailboxes;
}

/* The message id of `answered`, without brackets, or NULL. To free. */
static char *message_id_of(const AgentMail *answered)
{
    if (answered == NULL)
        return NULL;
    char *id = message_dup_header(mail_span(answered), "Message-ID");
    if (id == NULL)
        return NULL;
    g_strdelimit(id, "<>", ' ');
    return g_strstrip(id);
}

/* What stands behind the text without being made right: a message need not be a good one. */
static Octets *with_raw_octets(Octets *message, const char *raw)
{
    if (raw == NULL)
        return octets_ref(message);
    size_t length = octets_length(message), more = strlen(raw);
    Octets *octets = octets_allocate(length + more);
    memcpy(octets->here, octets_data(message), length);
    memcpy(octets->here + length, raw, more);
    return octets;
}

static Octets *compose(UserAgent *agent, const UserAgentMail *mail, const AgentMail *answered,
                       GError **error)
{
    g_autofree MessageMailbox *to = mailboxes_of(mail->to, mail->to_count);
    g_autofree MessageMailbox *cc = mailboxes_of(mail->cc, mail->cc_count);
    g_autofree char *message_id =
        g_strconcat(mail->name, "@", address_text_peek_domain(agent->address), NULL);
    g_autofree char *answered_id = message_id_of(answered);
    MessageDraft draft = {
        .from = {.address = agent->address},
        .to = to,
        .cc = cc,
        .to_count = mail->to_count,
        .cc_count = mail->cc_count,
        .subject = mail->subject,
        .body = mail->body,
        .fields = mail->fields,
        .field_count = mail->field_count,
        .attachments = mail->attachments,
        .attachment_count = mail->attachment_count,
        .message_id = message_id,
        .in_reply_to = answered_id,
        .references = answered_id,
        .date_unix = machine_unix_now(&agent->machine),
        .utc_offset_minutes = agent->machine.clock.utc_offset_minutes,
        .boundary_seed = mail->name,
    };
    size_t raw_size = mail->raw != NULL ? strlen(mail->raw) : 0;
    size_t size = mail->size > raw_size ? mail->size - raw_size : 0;
    g_autoptr(Octets) composed = message_compose_of_size(&draft, size, error);
    return composed != NULL ? with_raw_octets(composed, mail->raw) : NULL;
}

static Envelope *envelope_of(const UserAgent *agent, const UserAgentMail *mail)
{
    Envelope *envelope = envelope_new(mail->sender != NULL ? mail->sender : agent->address);
    add_recipients(envelope, mail, mail->to, mail->to_count);
    add_recipients(envelope, mail, mail->cc, mail->cc_count);
    add_recipients(envelope, mail, mail->bcc, mail->bcc_count);
    envelope->return_content = mail->return_content;
    envelope_set_id(envelope, mail->envid);
    return envelope;
}

static void write_and_submit(UserAgent *agent, const UserAgentMail *mail, const AgentMail *answered)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Octets) content = compose(agent, mail, answered, &error);
    if (content == NULL) {
        user_agent_tell_failure(agent, "compose", mail->name, NULL, span_of_text(error->message),
                                0);
        return;
    }
    AgentMail *written =
        agent_mail_new(span_of_text(mail->name), content, envelope_of(agent, mail));
    written->written_at = simulator_now(agent->machine.simulator);
    const Envelope *envelope = written->envelope;
    g_autofree char *recipients = join_recipients(envelope);
    const char *only = envelope->recipient_count == 1 ? envelope->recipients[0].address : "";
    TRACE(agent->machine.trace, agent->machine.node, AGENT_COMPOSE, 0, .mail = mail->name,
          .from = agent->address, .to = recipients != NULL ? recipients : only,
          .subject = mail->subject, .size = octets_length(content));
    if (agent->sends_directly) {
        user_agent_send_directly_take(agent, written);
    } else {
        g_ptr_array_add(agent->outbox, written);
        user_agent_submit(agent);
    }
}

void user_agent_send(UserAgent *agent, const UserAgentMail *mail)
{
    write_and_submit(agent, mail, NULL);
}

/* RFC 5322 §3.6.2: an answer goes to Reply-To, or else to From. */
static char *answer_address(const AgentMail *answered)
{
    char *address = message_dup_header(mail_span(answered), "Reply-To");
    if (address == NULL)
        address = message_dup_header(mail_span(answered), "From");
    if (address == NULL)
        return NULL;
    char *open = strchr(address, '<');
    char *close = open != NULL ? strchr(open, '>') : NULL;
    if (close == NULL)
        return g_strstrip(address);
    char *bare = g_strndup(open + 1, (gsize)(close - open - 1));
    g_free(address);
    return bare;
}

void user_agent_reply(UserAgent *agent, const char *mail, const char *name, const char *body)
{
    const AgentMail *answered = user_agent_find_received(agent, mail);
    g_autofree char *to = answered != NULL ? answer_address(answered) : NULL;
    if (to == NULL || to[0] == '\0' || !address_text_is_valid(to)) {
        const char *reason = answered == NULL ? "this agent has not fetched the message"
                                              : "the message does not say whom to answer";
        user_agent_tell_failure(agent, "reply", mail, NULL, span_of_text(reason), 0);
        return;
    }
    g_autofree char *subject = message_dup_header_shown(mail_span(answered), "Subject");
    bool is_answer_already = subject != NULL && g_ascii_strncasecmp(subject, "Re:", 3) == 0;
    g_autofree char *re_subject =
        is_answer_already ? g_strdup(subject) : g_strdup_printf("Re: %s", subject ? subject : "");
    const char *recipients[] = {to};
    UserAgentMail answer = {
        .name = name, .to = recipients, .to_count = 1, .subject = re_subject, .body = body};
    write_and_submit(agent, &answer, answered);
}

/* ---- Reading ---- */

enum { AGENT_SHOWN_TEXT_MAXIMUM = 600 }; /* characters of the text that the trace shows */

void user_agent_read(UserAgent *agent, const char *mail)
{
    AgentMail *received = user_agent_find_received(agent, mail);
    if (received == NULL) {
        user_agent_tell_failure(agent, "read", mail, NULL,
                                span_of_text("this agent has not fetched the message"), 0);
        return;
    }
    Span content = mail_span(received);
    g_autofree char *from = message_dup_header_shown(content, "From");
    g_autofree char *to = message_dup_header_shown(content, "To");
    g_autofree char *cc = message_dup_header_shown(content, "Cc");
    g_autofree char *return_path = message_dup_header(content, "Return-Path");
    g_autofree char *subject = message_dup_header_shown(content, "Subject");
    g_autofree char *text = message_dup_text(mail_span(received));
    g_autofree char *shown =
        g_utf8_substring(text, 0, MIN(g_utf8_strlen(text, -1), AGENT_SHOWN_TEXT_MAXIMUM));
    TRACE(agent->machine.trace, agent->machine.node, AGENT_READ, 0, .mail = mail, .from = from,
          .to = to, .cc = cc != NULL ? cc : "", .return_path = return_path,
          .received = message_count_received(content), .subject = subject,
          .text = g_strstrip(shown));
    received->is_read = true;
}
