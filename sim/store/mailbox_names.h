/* The store's file names, for the store alone: see mailbox.h. Each result is to free. */
#pragma once

#include "store/mailbox.h"

/* %HH writing. */
char *mail_name_escape(const char *text);
/* The longest: UID, date, three numbers of an origin with what parts them, five flags, NUL. */
enum { MAIL_MESSAGE_NAME_SIZE = 11 + 20 + 1 + 3 * 11 + 5 + 1 };
/* Writes the file name of a message; returns its length. */
size_t mail_message_name_put(const MailMessage *message, char out[static MAIL_MESSAGE_NAME_SIZE]);
char *mail_folder_name_format(uint32_t uid_next, const char *folder);
/* "\\Answered \\Seen", for the trace. */
char *mail_flags_text(MailFlags flags);
/* `subscribed.Work`; and the folder's name of such a one, NULL when it is none. */
char *mail_subscription_name_format(const char *folder);
char *mail_subscription_name_parse(const char *name);
/* Whether a folder may have this name: UTF-8 of 1 to MAIL_FOLDER_MAX octets, no empty level. */
bool mail_folder_name_is_valid(const char *folder);
