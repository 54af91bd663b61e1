/* The short way of message_compose for what needs no encoding, folding or structure. */
#pragma once

#include "mail/message.h"

/* The octets that message_compose gives, or NULL when the draft, which has been checked, is not
 * plain: it has display names, attachments, further fields, long fields, octets beyond ASCII. There
 * is memory for `size` octets, for who makes it longer. */
Octets *message_compose_plain(const MessageDraft *draft, size_t size);
