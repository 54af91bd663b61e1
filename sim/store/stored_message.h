/* A message as servers keep it: what they have put on top of it, in memory of its own, and what
 * came from the client, which stays where the client had put it. So the octets of a body are there
 * once, however many servers have it.
 *
 * It is immutable and shared by reference count. A Return-Path (RFC 5321 §4.4) may stand on top of
 * all, for a mailbox: whoever passes the message on leaves that out. */
#pragma once

#include "core/bytes.h"
#include "store/disk.h"

typedef struct StoredMessage {
    uint32_t references;
    uint32_t front_length; /* octets in `front` */
    uint32_t path_length;  /* of the Return-Path among them; 0: none */
    bool is_plain;         /* known of `rest`: as in SmtpClientTransaction (proto/smtp_client.h) */
    bool is_ascii;         /* known of the whole: no octet is beyond ASCII */
    Slice rest;
    uint8_t front[];
} StoredMessage;

/* A Return-Path (NULL: none), other fields, and what came from the client: `front`, which is copied
 * too, then `rest`, of which it takes over the reference. */
StoredMessage *stored_message_new(const char *return_path, Span fields, Span front, Slice rest);
/* Shares the bytes. */
StoredMessage *stored_message_of_octets(Octets *bytes);
StoredMessage *stored_message_ref(StoredMessage *message);
void stored_message_unref(StoredMessage *message); /* NULL is no message */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoredMessage, stored_message_unref)

/* ---- As it is passed on ---- */

static inline size_t stored_message_size(const StoredMessage *message)
{
    return message->front_length - message->path_length + message->rest.length;
}
/* What stands before `rest`. */
static inline Span stored_message_front(const StoredMessage *message)
{
    return span_of(message->front + message->path_length,
                   message->front_length - message->path_length);
}
/* All octets in one piece: a new reference. */
Octets *stored_message_join(const StoredMessage *message);
/* The same with other fields on top of it. */
StoredMessage *stored_message_with_fields(const StoredMessage *message, Span fields);
/* Whether both are the same as they are passed on. */
bool stored_message_equals(const StoredMessage *a, const StoredMessage *b);
void stored_message_copy(const StoredMessage *message, uint8_t *octets);

/* ---- As a mailbox gets it, with its Return-Path ---- */

static inline size_t stored_message_delivered_size(const StoredMessage *message)
{
    return message->front_length + message->rest.length;
}
Octets *stored_message_join_delivered(const StoredMessage *message);
/* As disk_plan_write; shares the message. */
void disk_plan_write_delivered(DiskPlan *plan, const char *path, StoredMessage *message);
