/* The addresses in From, To, Cc and their like, taken apart: RFC 5322 §3.4, with §4.4's routes.
 *
 * Reading is generous, as whoever shows a message must show what there is; what an envelope may
 * hold is another matter (mail/address.h). */
#pragma once

#include "core/bytes.h"

enum { MAILBOX_LIST_MAX = 1000 }; /* items; further ones are left out */

typedef enum MailboxItemKind {
    MAILBOX_ITEM,
    MAILBOX_ITEM_GROUP,     /* only with a name: mailboxes up to its end are its members */
    MAILBOX_ITEM_GROUP_END, /* with nothing */
} MailboxItemKind;

/* Strings are owned, without quotes and backslashes; encoded words (RFC 2047) stay as they are. */
typedef struct MailboxItem {
    MailboxItemKind kind;
    char *name; /* the display name; NULL when there is none */
    char *local_part;
    char *domain; /* "" when there is none; `[192.0.2.1]` keeps its brackets */
} MailboxItem;

/* The items in their order, each group closed; to unref. Never NULL. */
GArray *mailbox_list_parse(Span value);
