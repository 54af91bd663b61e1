/* The message store's file names from a disk that may have done anything to them. What is read is
 * written again the same way. */
#include "core/check.h"
#include "store/mailbox_names.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *name = g_strndup((const char *)data, size);
    MailMessage message;
    uint32_t uid_next = 0;
    g_autofree char *folder = NULL;
    g_autofree char *plain = mail_name_unescape(name);
    if (mail_message_name_parse(name, &message)) {
        char again[MAIL_MESSAGE_NAME_SIZE];
        mail_message_name_put(&message, again);
        CHECK(strcmp(again, name) == 0 && message.uid > 0);
    }
    if (mail_folder_name_parse(name, &uid_next, &folder)) {
        g_autofree char *again = mail_folder_name_format(uid_next, folder);
        CHECK(strcmp(again, name) == 0 && uid_next > 0 && mail_folder_name_is_valid(folder));
    }
    g_autofree char *subscribed = mail_subscription_name_parse(name);
    if (subscribed != NULL) {
        g_autofree char *again = mail_subscription_name_format(subscribed);
        CHECK(strcmp(again, name) == 0 && mail_folder_name_is_valid(subscribed));
    }
    if (plain != NULL) {
        g_autofree char *again = mail_name_escape(plain);
        CHECK(strcmp(again, name) == 0);
    }
    return 0;
}
