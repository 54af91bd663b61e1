/* What BAD says: which argument is wrong, and what would be right. */
#include "imap_test_session.h"

static const struct {
    const char *command, *bad;
} wrong[] = {
    {"LOGIN", "User name of LOGIN must be a string"},
    {"LOGIN bob", "Password of LOGIN must be a string"},
    {"LOGIN bob secret twice", "End of LOGIN must come here"},
    {"NOOP now", "End of NOOP must come at once"},
    {"ENABLE", "Capability of ENABLE must be a name such as IMAP4rev2"},
    {"SELECT", "Mailbox of SELECT must be a name such as INBOX or \"My mail\""},
    {"SELECT My mail", "End of SELECT must come here"},
    {"RENAME Work", "New name of RENAME must be a name"},
    {"LIST", "Reference of LIST must be a name, or \"\" for the root"},
    {"LIST \"\"", "Pattern of LIST must be a name or such as *"},
    {"STATUS INBOX", "Items of STATUS must be some of (MESSAGES"},
    {"STATUS INBOX (MESSAGES", "Items of STATUS must be some of (MESSAGES"},
    {"STATUS INBOX (NONSENSE)", "Items of STATUS must be some of (MESSAGES"},
    {"APPEND", "Mailbox of APPEND must be a name"},
    {"APPEND INBOX", "Message of APPEND must be a literal such as {310}"},
    {"APPEND INBOX (Seen {1+}\r\nx", "Flag list of APPEND must be such as (\\Seen \\Draft)"},
    {"APPEND INBOX \"yesterday\" {1+}\r\nx",
     "Date-time of APPEND must be such as \"02-Mar-2026 09:00:00 +0900\""},
    {"APPEND INBOX \"30-Feb-2026 09:00:00 +0900\" {1+}\r\nx",
     "Date-time of APPEND has a day that its month does not have"},
    {"APPEND INBOX (\\Seen) \"01-Abc-2026 09:00:00 +0900\" {1+}\r\nx",
     "Date-time of APPEND has no such month"},
    {"APPEND INBOX \"02-Mar-2026 09:00:00 +0900\"{1+}\r\nx",
     "Date-time of APPEND must have a space behind"},
    {"APPEND INBOX \"02-Mar-2026 09:00:00 +0900 {1+}\r\nx", "Date-time of APPEND must end with"},
    {"FETCH x FLAGS", "Set of FETCH must be numbers such as 1, 2:4 or 7:*"},
    {"FETCH 1", "Set of FETCH must be numbers such as 1, 2:4 or 7:*, with a space behind"},
    {"FETCH 1 NONSENSE", "Items of FETCH must be at most 32 such as FLAGS"},
    {"UID FETCH 1 NONSENSE", "Items of UID FETCH must be at most 32 such as FLAGS"},
    {"STORE 1 +LABELS (\\Seen)", "Item of STORE must be FLAGS or FLAGS.SILENT"},
    {"STORE 1 +FLAGS (Seen", "Flags of STORE must be such as (\\Seen \\Deleted)"},
    {"COPY 1 ", "Mailbox of COPY must be a name"},
    {"UID EXPUNGE", "Set of UID EXPUNGE must be UIDs"},
    {"SEARCH", "Keys of SEARCH must follow, such as UNSEEN"},
    {"SEARCH NONSENSE", "Key of SEARCH must be a set or a name such as ALL, FROM or SINCE"},
    {"SEARCH SEEN SINCE yesterday", "SINCE of SEARCH needs a date such as 1-Feb-1994"},
    {"SEARCH NOT (LARGER big)", "LARGER of SEARCH needs a number of octets"},
    {"SEARCH HEADER Subject", "HEADER of SEARCH needs a field name and a text in UTF-8"},
    {"SEARCH BODY {1+}\r\n\xff", "BODY of SEARCH needs a text in UTF-8"},
    {"SEARCH OR SEEN", "Keys of SEARCH must be whole, such as NOT SEEN or OR FROM bob TO bob"},
    {"SEARCH (SEEN", "Keys of SEARCH in ( must end with )"},
    {"SEARCH UID x", "Set of SEARCH must be numbers"},
    {"SEARCH CHARSET", "CHARSET of SEARCH needs a name such as UTF-8"},
    {"SEARCH RETURN MIN ALL", "RETURN of SEARCH needs options such as (MIN COUNT)"},
};

static void test_bad_names_the_argument(void **state)
{
    (void)state;
    Session session;
    session_begin_with(&session, &(ImapServerOptions){.host_name = "mx.test", .bad_maximum = 1000});
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *line = g_strdup_printf("1 %s\r\n", wrong[i].command);
        g_autofree char *answer = g_strdup_printf("1 BAD %s", wrong[i].bad);
        bool is_login = g_str_has_prefix(wrong[i].command, "LOGIN");
        if (!is_login && imap_server_state(session.server) == IMAP_SERVER_NOT_AUTHENTICATED)
            say(&session, "a LOGIN bob secret\r\n");
        if (g_str_has_prefix(wrong[i].command, "FETCH"))
            say(&session, "b SELECT INBOX\r\n");
        expect_part(&session, line, answer);
    }
    assert_int_equal(session.node.inbox.count, 3);
    session_end(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_names_the_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
