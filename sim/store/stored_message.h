/* A message as servers keep it: what they have put on top of it (stored_front.h), and what came
 * from the client, which stays where the client had put it. So the octets of a body are there
 * once, however many servers have it.
 *
 * It is immutable and shared by reference count. A Return-Path (RFC 5321 §4.4) may stand on top of
 * all, for a mailbox: whoever passes the message on leaves that out. */
#pragma once

#include "core/bytes.h"
#include "store/disk.h"
#include "store/stored_front.h"

/* There is one for each mail that waits or lies, so it is packed. */
typedef struct StoredMessage {
    uint32_t references;
    bool is_plain;     /* known of the rest: as in SmtpClientTransaction (proto/smtp_client.h) */
    bool is_ascii;     /* known of the whole: no octet is beyond ASCII */
    bool is_in_room;   /* of `rest_bytes`: octets_take_room */
    uint8_t different; /* octets in `differences` */
    uint32_t rest_offset, rest_length;
    Octets *rest_bytes; /* a reference, or NULL */
    StoredFront *front; /* likewise */
    uint8_t differences[];
} StoredMessage;

/* A Return-Path (NULL: none), other fields, and what came from the client: `front`, which is copied
 * too, then `rest`, of which it takes over the reference. What stands before the rest is kept as in
 * stored_front.h; `fronts` may be NULL. */
StoredMessage *stored_message_new(StoredFronts *fronts, const char *return_path, Span fields,
                                  Span front, Slice rest);
/* Shares the bytes. */
StoredMessage *stored_message_of_octets(Octets *bytes);
StoredMessage *stored_message_ref(StoredMessage *message);
void stored_message_unref(StoredMessage *message); /* NULL is no message */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoredMessage, stored_message_unref)

/* ---- As it is passed on ---- */

static inline size_t stored_message_front_length(const StoredMessage *message)
{
    return message->front != NULL ? message->front->length - message->front->path_length : 0;
}

static inline size_t stored_message_size(const StoredMessage *message)
{
    return stored_message_front_length(message) + message->rest_length;
}
/* What stands before the rest, to free. */
uint8_t *stored_message_copy_front(const StoredMessage *message);
/* Borrowed. */
static inline Slice stored_message_rest(const StoredMessage *message)
{
    return (Slice){message->rest_bytes, message->rest_offset, message->rest_length};
}
/* All octets in one piece: a new reference. */
Octets *stored_message_join(const StoredMessage *message);
/* The same with other fields on top of it. */
StoredMessage *stored_message_with_fields(const StoredMessage *message, Span fields);
/* Whether both are the same as they are passed on. */
bool stored_message_equals(const StoredMessage *a, const StoredMessage *b);
void stored_message_copy(const StoredMessage *message, uint8_t *octets);

/* ---- As a mailbox gets it, with its Return-Path ---- */

/* Octets of the Return-Path; 0: it has none. */
static inline size_t stored_message_path_length(const StoredMessage *message)
{
    return message->front != NULL ? message->front->path_length : 0;
}
static inline size_t stored_message_delivered_size(const StoredMessage *message)
{
    return stored_message_size(message) + stored_message_path_length(message);
}
Octets *stored_message_join_delivered(const StoredMessage *message);
/* As disk_plan_write; shares the message. */
void disk_plan_write_delivered(DiskPlan *plan, const char *path, StoredMessage *message);
