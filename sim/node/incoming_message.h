/* A message as it comes in from a client, piece by piece: its octets stay where the client has put
 * them until the message is whole, and are copied once. */
#pragma once

#include "mail/message.h"
#include "net/slice_queue.h"
#include "store/queue.h"

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
void incoming_message_take(IncomingMessage *message, Span octets, GBytes *within);
/* What the header says; borrowed from the message as it is now. */
MessageSurvey incoming_message_survey(IncomingMessage *message);
/* Puts the octets together, the fields on top, in memory of their size: they stay as long as the
 * message is in the queue. `survey` is that of the content. Where a mailbox is to get them,
 * `reverse_path` (else NULL) becomes their Return-Path (RFC 5321 §4.4), put before them at once, so
 * that they need not be copied for it. `placed` owns its octets then. */
void incoming_message_place(const IncomingMessage *message, const MessageSurvey *survey,
                            const char *reverse_path, const char *fields, QueueMessage *placed);
