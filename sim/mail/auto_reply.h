/* Whether a program that answers for its user may answer a message, such as one that tells that he
 * is away. Source: RFC 3834 §2 (when to send a response), §3.1.7 and §5 (Auto-Submitted).
 *
 * Such programs must not answer each other for ever, nor a notification, nor a mailing list. That
 * nobody gets the same answer twice within some days is the caller's business. */
#pragma once

#include "mail/address.h"

/* Whether an address is one of the user for whom the program answers. */
typedef struct AutoReplyUser {
    bool (*is_own)(void *owner, const Address *address);
    void *owner;
} AutoReplyUser;

/* The rule that forbids to answer, for people: "it comes from a mailing list (List-Id)"; NULL: it
 * may be answered. `sender` is the envelope's, "" for none. */
const char *auto_reply_find_rule(Span message, const char *sender, const AutoReplyUser *user);
