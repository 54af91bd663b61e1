/* Names that observers share: audit/roster.h. */
#include "audit/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* A number is a mail's as long as one of two holds it. */
static void test_two_hold_a_mail(void **state)
{
    (void)state;
    Roster *roster = roster_new();
    MailId lunch = roster_take(roster, ROSTER_BOOKS, "lunch");
    assert_int_not_equal(lunch, 0);
    assert_int_equal(roster_find(roster, ROSTER_FACTS, "lunch"), 0);
    assert_int_equal(roster_take(roster, ROSTER_FACTS, "lunch"), lunch);
    MailId dinner = roster_take(roster, ROSTER_FACTS, "dinner");
    assert_int_not_equal(dinner, lunch);
    assert_int_equal(roster_find(roster, ROSTER_BOOKS, "dinner"), 0);
    roster_release(roster, ROSTER_BOOKS, lunch);
    assert_int_equal(roster_find(roster, ROSTER_BOOKS, "lunch"), 0);
    assert_int_equal(roster_find(roster, ROSTER_FACTS, "lunch"), lunch);
    assert_string_equal(roster_name(roster, lunch), "lunch");
    assert_int_equal(roster_take(roster, ROSTER_BOOKS, "lunch"), lunch);
    roster_release(roster, ROSTER_FACTS, lunch);
    roster_release(roster, ROSTER_BOOKS, lunch);
    assert_int_equal(roster_find(roster, ROSTER_BOOKS, "lunch"), 0);
    assert_int_equal(roster_find(roster, ROSTER_FACTS, "lunch"), 0);
    assert_int_equal(roster_take(roster, ROSTER_BOOKS, NULL),
                     roster_take(roster, ROSTER_BOOKS, ""));
    roster_unref(roster);
}

/* Around the length up to which a name lies in its place, and far beyond; what a release leaves is
 * seen under AddressSanitizer. */
static void test_lengths(void **state)
{
    (void)state;
    enum { LENGTHS = 100 };
    Roster *roster = roster_new();
    MailId mails[LENGTHS];
    g_autofree char *text = g_strnfill(LENGTHS, 'x');
    for (size_t i = 0; i < LENGTHS; i++)
        mails[i] = roster_take(roster, ROSTER_BOOKS, text + i);
    for (size_t i = 0; i < LENGTHS; i++) {
        assert_int_equal(roster_find(roster, ROSTER_BOOKS, text + i), mails[i]);
        assert_string_equal(roster_name(roster, mails[i]), text + i);
        if (i % 2 == 0)
            roster_release(roster, ROSTER_BOOKS, mails[i]);
    }
    for (size_t i = 0; i < LENGTHS; i++)
        assert_int_equal(roster_find(roster, ROSTER_BOOKS, text + i), i % 2 == 0 ? 0 : mails[i]);
    roster_unref(roster);
}

/* Some are released and come again, under other numbers; the others are found all the time. */
static void test_mails_come_and_go(void **state)
{
    (void)state;
    enum { FEW = 700 };
    Roster *roster = roster_new();
    MailId kept[FEW] = {0};
    for (unsigned step = 0; step < 20 * FEW; step++) {
        unsigned i = step * 7919 % FEW;
        g_autofree char *text = g_strdup_printf("mail.%u", i);
        MailId mail = roster_take(roster, ROSTER_FACTS, text);
        assert_string_equal(roster_name(roster, mail), text);
        if (kept[i] != 0)
            assert_int_equal(mail, kept[i]);
        kept[i] = mail;
        assert_true(mail <= FEW); /* numbers are given out again */
        if (step % 3 == 0) {
            roster_release(roster, ROSTER_FACTS, mail);
            kept[i] = 0;
        }
    }
    roster_unref(roster);
}

/* Who shares it may end in any order. */
static void test_last_takes_it_along(void **state)
{
    (void)state;
    Roster *roster = roster_new();
    Roster *other = roster_ref(roster);
    NameId name = interner_take(roster_names(roster), "alice@a.example");
    roster_unref(roster);
    assert_string_equal(interner_text(roster_names(other), name), "alice@a.example");
    roster_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_hold_a_mail),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_mails_come_and_go),
        cmocka_unit_test(test_last_takes_it_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
