/* The SMTP client's results: what became of each recipient, said once and in order. */
#include "proto/smtp_client_internal.h"

void smtp_client_settle(SmtpClient *client, const SmtpReply *reply, SmtpStage stage)
{
    client->settling = true;
    client->settling_next = 0;
    client->settling_reply = *reply;
    client->settling_class = smtp_reply_class(reply->code);
    client->settling_stage = stage;
}

void smtp_client_settle_recipient(SmtpClient *client, size_t index, const SmtpReply *reply,
                                  SmtpReplyClass class, SmtpStage stage)
{
    SmtpOwnTransaction *transaction = client->transaction;
    transaction->recipients[index].fate = SMTP_FATE_SETTLED;
    transaction->delivered += class == SMTP_REPLY_SUCCESS;
    transaction->temporary += class == SMTP_REPLY_TEMPORARY;
    transaction->permanent += class == SMTP_REPLY_PERMANENT;
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_RECIPIENT_RESULT};
    client->event.result.index = index;
    client->event.result.stage = stage;
    client->event.result.reply = *reply;
    client->event.result.class = class;
    client->event.result.is_all_sent =
        stage == SMTP_STAGE_FINAL_DOT || smtp_client_has_sent_chunks(client);
    client->has_event = true;
}

void smtp_client_settle_next(SmtpClient *client)
{
    SmtpOwnTransaction *transaction = client->transaction;
    while (client->settling_next < transaction->recipient_count) {
        size_t index = client->settling_next++;
        if (transaction->recipients[index].fate == SMTP_FATE_SETTLED)
            continue;
        smtp_client_settle_recipient(client, index, &client->settling_reply, client->settling_class,
                                     client->settling_stage);
        return;
    }
    client->settling = false;
    client->event = (SmtpClientEvent){.kind = SMTP_CLIENT_EVENT_TRANSACTION_DONE};
    client->event.done.delivered = transaction->delivered;
    client->event.done.temporary = transaction->temporary;
    client->event.done.permanent = transaction->permanent;
    client->has_event = true;
    transaction->done = true;
}

size_t smtp_client_in_flight(const SmtpClient *client)
{
    return client->transaction->sent - client->transaction->answered;
}
