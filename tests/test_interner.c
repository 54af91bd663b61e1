/* Names, each kept once: audit/interner.h. */
#include "audit/interner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { MANY = 20000 };

/* Far more than are remembered as recent. */
static void test_each_is_kept_once(void **state)
{
    (void)state;
    Interner *names = interner_new();
    NameId *kept = g_new0(NameId, MANY);
    for (int i = 0; i < MANY; i++) {
        g_autofree char *text = g_strdup_printf("m.%d", i);
        kept[i] = interner_take(names, text);
        assert_int_equal(kept[i], NAME_EMPTY + 1 + i);
        assert_string_equal(interner_text(names, kept[i]), text);
        assert_ptr_not_equal(interner_text(names, kept[i]), text);
    }
    const char *first = interner_text(names, kept[0]);
    for (int i = MANY - 1; i >= 0; i--) {
        g_autofree char *text = g_strdup_printf("m.%d", i);
        assert_int_equal(interner_take(names, text), kept[i]);
    }
    assert_ptr_equal(interner_text(names, kept[0]), first);
    g_free(kept);
    interner_free(names);
}

/* Texts of every length, equal but for their last octet. */
static void test_lengths(void **state)
{
    (void)state;
    Interner *names = interner_new();
    for (size_t length = 1; length < 20000; length += length < 64 ? 1 : 997) {
        g_autofree char *text = g_strnfill(length, 'x');
        text[length - 1] = 'a';
        NameId first = interner_take(names, text);
        text[length - 1] = 'b';
        NameId second = interner_take(names, text);
        assert_int_not_equal(first, second);
        assert_int_equal(interner_take(names, text), second);
        text[length - 1] = 'a';
        assert_int_equal(interner_take(names, text), first);
        assert_string_equal(interner_text(names, first), text);
    }
    interner_free(names);
}

static void test_none_and_empty(void **state)
{
    (void)state;
    Interner *names = interner_new();
    assert_int_equal(interner_take(names, NULL), NAME_EMPTY);
    assert_int_equal(interner_take(names, ""), NAME_EMPTY);
    assert_string_equal(interner_text(names, NAME_EMPTY), "");
    assert_null(interner_text(names, NAME_NONE));
    interner_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_kept_once),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_none_and_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
