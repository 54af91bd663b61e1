/* Tests of mail/auto_reply: what a program that answers for its user leaves unanswered. */
#include "mail/auto_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static bool is_bob(void *owner, const Address *address)
{
    (void)owner;
    return strcmp(address->local_part, "bob") == 0 && strcmp(address->domain, "b.test") == 0;
}

/* The rule holds these words; NULL: the message may be answered. */
static void assert_rule(const char *fields, const char *sender, const char *words)
{
    g_autofree char *message = g_strconcat(fields, "\r\nHello.\r\n", NULL);
    const char *rule =
        auto_reply_find_rule(span_of_text(message), sender, &(AutoReplyUser){is_bob, NULL});
    if ((rule == NULL) != (words == NULL) || (rule != NULL && strstr(rule, words) == NULL))
        fail_msg("%s from <%s>: %s, not %s", fields, sender, rule != NULL ? rule : "no rule",
                 words != NULL ? words : "none");
}

#define ALICE "alice@a.test"
#define TO    "To: bob@b.test\r\n"

static void test_a_person_is_answered(void **state)
{
    (void)state;
    assert_rule(TO, ALICE, NULL);
    assert_rule("Cc: \"Kim, Bob\" <bob@b.test>, x@x.test\r\n", ALICE, NULL);
    assert_rule("To: team: x@x.test;\r\nCC: <bob@b.test> (him)\r\n", ALICE, NULL);
    assert_rule("Resent-To: bob@b.test\r\nTo: x@x.test\r\n", ALICE, NULL);
    assert_rule(TO "Auto-Submitted: no\r\n", ALICE, NULL);
    assert_rule(TO "Auto-Submitted: NO; really=yes\r\n", ALICE, NULL);
    assert_rule(TO "Precedence: first-class\r\n", ALICE, NULL);
    assert_rule(TO, "ownership@a.test", NULL);
    assert_rule(TO, "requests@a.test", NULL);
}

static void test_programs_are_not(void **state)
{
    (void)state;
    assert_rule(TO, "", "notification");
    assert_rule(TO "Auto-Submitted: auto-replied\r\n", ALICE, "Auto-Submitted");
    assert_rule(TO "auto-submitted:\r\n auto-generated (cron)\r\n", ALICE, "Auto-Submitted");
    assert_rule(TO "Auto-Submitted: \r\n", ALICE, "Auto-Submitted");
    assert_rule(TO, "MAILER-DAEMON@a.test", "address of a program");
    assert_rule(TO, "Postmaster@a.test", "address of a program");
    assert_rule(TO, "owner-course@a.test", "address of a program");
    assert_rule(TO, "course-request@a.test", "address of a program");
    assert_rule(TO, "course-OWNER@a.test", "address of a program");
    assert_rule(TO, "no address", "address of a program");
}

static void test_lists_are_not(void **state)
{
    (void)state;
    assert_rule(TO "List-Id: <course.b.test>\r\n", ALICE, "mailing list");
    assert_rule(TO "LIST-UNSUBSCRIBE: <mailto:x@x.test>\r\n", ALICE, "mailing list");
    assert_rule(TO "Precedence: bulk\r\n", ALICE, "many");
    assert_rule(TO "Precedence: List\r\n", ALICE, "many");
    assert_rule(TO "precedence: junk (mail)\r\n", ALICE, "many");
}

/* RFC 3834 §2: who is not named in the header was written to by way of something else. */
static void test_others_recipients_are_not(void **state)
{
    (void)state;
    assert_rule("To: team@b.test\r\n", ALICE, "neither To nor Cc");
    assert_rule("Subject: bob@b.test\r\n", ALICE, "neither To nor Cc");
    assert_rule("To: undisclosed-recipients:;\r\n", ALICE, "neither To nor Cc");
    assert_rule("To: bob@b.test.x.test, <bob@>\r\n", ALICE, "neither To nor Cc");
    assert_rule("", ALICE, "neither To nor Cc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_person_is_answered),
        cmocka_unit_test(test_programs_are_not),
        cmocka_unit_test(test_lists_are_not),
        cmocka_unit_test(test_others_recipients_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
