/* Address lists of header fields, RFC 5322 §3.4. */
#include "mail/mailbox_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* "[name]<local|domain> " for a mailbox, "name{ " for a group, "} " for its end. */
static char *shown(const char *value)
{
    GArray *items = mailbox_list_parse(span_of_text(value));
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < items->len; i++) {
        const MailboxItem *item = &g_array_index(items, MailboxItem, i);
        if (item->kind == MAILBOX_ITEM_GROUP_END)
            g_string_append(text, "} ");
        else if (item->kind == MAILBOX_ITEM_GROUP)
            g_string_append_printf(text, "%s{ ", item->name);
        else
            g_string_append_printf(text, "[%s]<%s|%s> ", item->name != NULL ? item->name : "",
                                   item->local_part, item->domain);
    }
    g_array_unref(items);
    return g_string_free(text, FALSE);
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *value, *items;
    } cases[] = {
        {"bob@b.test", "[]<bob|b.test> "},
        {" <bob@b.test> ", "[]<bob|b.test> "},
        {"Bob B. <bob@b.test>, ann@a.test", "[Bob B.]<bob|b.test> []<ann|a.test> "},
        {"\"B, \\\"o\\\" b\"\r\n <\"b b\"@b.test>", "[B, \"o\" b]<b b|b.test> "},
        {"bob (that (is) \\) he) @ b.test (here)", "[]<bob|b.test> "},
        {"Bob <@x.test,@y.test:bob@b.test>", "[Bob]<bob|b.test> "},
        {"bob@[192.0.2.1]", "[]<bob|[192.0.2.1]> "},
        {"G: a@a.test, B <b@b.test>;, c@c.test", "G{ []<a|a.test> [B]<b|b.test> } []<c|c.test> "},
        {"undisclosed-recipients:;", "undisclosed-recipients{ } "},
        {"G: a@a.test", "G{ []<a|a.test> } "},
        {"G: H: a@a.test;", "G{ } H{ []<a|a.test> } "},
        {",, a@a.test ,,", "[]<a|a.test> "},
        {"", ""},
        /* Commas left out, and words behind an address. */
        {"Bob <bob@b.test> at home, ann@a.test", "[Bob]<bob|b.test> []<ann|a.test> "},
        {"bob@b.test ann@a.test", "[]<bob|b.test> []<ann|a.test> "},
        {"\"Bob\" <bob@b.test> <b@y.test>", "[Bob]<bob|b.test> []<b|y.test> "},
        {"bob@b . test", "[]<bob|b.test> "},
        {"[Sales] Bob [x] <bob@b.test>", "[[Sales] Bob [x]]<bob|b.test> "},
        /* What is no address shows as far as it goes. */
        {"nobody", "[]<nobody|> "},
        {"Bob <", "[Bob]<|> "},
        {"<bob@b.test", "[]<bob|b.test> "},
        {"\"bob@b.test", "[]<bob@b.test|> "},
        {"(never closed bob@b.test", ""},
        {"@", "[]<|> "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *items = shown(cases[i].value);
        assert_string_equal(items, cases[i].items);
    }
}

static void test_is_bounded(void **state)
{
    (void)state;
    g_autoptr(GString) value = g_string_new("G:");
    for (int i = 0; i < 2 * MAILBOX_LIST_MAX; i++)
        g_string_append(value, "a@a.test,");
    GArray *items = mailbox_list_parse(span_of_text(value->str));
    assert_int_equal(items->len, MAILBOX_LIST_MAX);
    assert_int_equal(g_array_index(items, MailboxItem, items->len - 1).kind,
                     MAILBOX_ITEM_GROUP_END);
    g_array_unref(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
