/* The store's file names, for the store alone: see mailbox.h. Each result is to free. */
#pragma once

#include "store/mailbox.h"

/* %HH writing. */
char *mail_name_escape(const char *text);
char *mail_message_name_format(const MailMessage *message);
char *mail_folder_name_format(uint32_t uid_next, const char *folder);
/* "\\Answered \\Seen", for the trace. */
char *mail_flags_text(MailFlags flags);
/* Whether a folder may have this name: UTF-8 of 1 to MAIL_FOLDER_MAX octets, no empty level. */
bool mail_folder_name_is_valid(const char *folder);
