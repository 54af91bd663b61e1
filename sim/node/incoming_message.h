/* A message as it comes in from a client, piece by piece: its octets stay where the client has put
 * them. */
#pragma once

#include "mail/message.h"
#include "net/slice_queue.h"
#include "store/stored_message.h"

typedef struct IncomingMessage {
    SliceQueue content; /* what has come, where the client has put it */
    Buffer copies;      /* of small pieces, and others that cannot be kept so */
} IncomingMessage;

void incoming_message_init(IncomingMessage *message);
void incoming_message_clear(IncomingMessage *message);
/* Forgets what has come: another message may begin. */
void incoming_message_drop(IncomingMessage *message);
/* The next octets; `within` are the shared bytes that they lie in, or NULL. The limit of a
 * message's size is the SMTP engine's. */
void incoming_message_take(IncomingMessage *message, Span octets, Octets *within);
/* What the header says; borrowed from the message as it is now. */
MessageSurvey incoming_message_survey(IncomingMessage *message);
/* The whole, with fields on top of it: what the client has sent stays where it is, but for little
 * at its beginning, if that is worth the memory that it lies in. `survey` is that of the content.
 * Where a mailbox is to get it, `reverse_path` (else NULL) becomes its Return-Path (RFC 5321 §4.4),
 * put there at once, so that nothing need be copied for it. `fronts` as in stored_message_new. */
StoredMessage *incoming_message_place(const IncomingMessage *message, const MessageSurvey *survey,
                                      const char *reverse_path, const char *fields,
                                      StoredFronts *fronts);
