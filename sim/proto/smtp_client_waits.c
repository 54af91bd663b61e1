/* What the SMTP client waits for in each state: the stage of the mail that hangs on it, and how
 * long (RFC 5321 §4.5.3.2, in sim/proto/smtp.c). */
#include "proto/smtp_client_internal.h"

#include "core/check.h"

const char *smtp_stage_name(SmtpStage stage)
{
    static const char *const names[] = {
        [SMTP_STAGE_LOCAL] = "local",     [SMTP_STAGE_CONNECT] = "connect",
        [SMTP_STAGE_TLS] = "tls",         [SMTP_STAGE_HELO] = "helo",
        [SMTP_STAGE_AUTH] = "auth",       [SMTP_STAGE_MAIL] = "mail",
        [SMTP_STAGE_RCPT] = "rcpt",       [SMTP_STAGE_DATA] = "data",
        [SMTP_STAGE_CONTENT] = "content", [SMTP_STAGE_FINAL_DOT] = "final_dot",
        [SMTP_STAGE_IDLE] = "idle",
    };
    CHECK(stage < G_N_ELEMENTS(names));
    return names[stage];
}

static const struct {
    SmtpStage stage;
    SmtpTimeout timeout;
} waits[SMTP_CLIENT_STATE_COUNT] = {
    [SMTP_CLIENT_CONNECT] = {SMTP_STAGE_CONNECT, SMTP_TIMEOUT_GREETING},
    [SMTP_CLIENT_EHLO] = {SMTP_STAGE_HELO, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_HELO] = {SMTP_STAGE_HELO, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_STARTTLS] = {SMTP_STAGE_TLS, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_TLS] = {SMTP_STAGE_TLS, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_CHUNKS] = {SMTP_STAGE_CONTENT, SMTP_TIMEOUT_DATA_BLOCK},
    [SMTP_CLIENT_AUTH] = {SMTP_STAGE_AUTH, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_READY] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_NONE},
    [SMTP_CLIENT_MAIL] = {SMTP_STAGE_MAIL, SMTP_TIMEOUT_MAIL},
    [SMTP_CLIENT_RCPT] = {SMTP_STAGE_RCPT, SMTP_TIMEOUT_RCPT},
    [SMTP_CLIENT_DATA] = {SMTP_STAGE_DATA, SMTP_TIMEOUT_DATA_INITIATION},
    [SMTP_CLIENT_CONTENT] = {SMTP_STAGE_CONTENT, SMTP_TIMEOUT_DATA_BLOCK},
    [SMTP_CLIENT_FINAL_DOT] = {SMTP_STAGE_FINAL_DOT, SMTP_TIMEOUT_DATA_TERMINATION},
    [SMTP_CLIENT_DRAIN] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_RCPT},
    [SMTP_CLIENT_RSET] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_QUIT] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_HELLO},
    [SMTP_CLIENT_CLOSED] = {SMTP_STAGE_IDLE, SMTP_TIMEOUT_NONE},
};

bool smtp_client_has_sent_chunks(const SmtpClient *client)
{
    const SmtpOwnTransaction *transaction = client->transaction;
    return transaction->is_chunking && transaction->all_sent && transaction->chunk.length == 0;
}

SmtpStage smtp_client_stage_of(const SmtpClient *client, uint8_t state)
{
    bool decided_now = state == SMTP_CLIENT_CHUNKS && smtp_client_has_sent_chunks(client);
    return decided_now ? SMTP_STAGE_FINAL_DOT : waits[state].stage;
}

int64_t smtp_client_timeout_ns(const SmtpClient *client)
{
    return smtp_timeouts_ns(client->options.timeouts, smtp_client_timeout(client));
}

SmtpTimeout smtp_client_timeout(const SmtpClient *client)
{
    bool last_chunk = client->state == SMTP_CLIENT_CHUNKS && smtp_client_has_sent_chunks(client);
    return last_chunk ? SMTP_TIMEOUT_DATA_TERMINATION : waits[client->state].timeout;
}
