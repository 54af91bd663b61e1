/* Names, each kept once: audit/interner.h. */
#include "audit/interner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { MANY = 20000 };

static const void **meaning_of(const Interner *names, const char *name)
{
    return interner_meaning(names, name);
}

/* Far more than are remembered as recent. */
static void test_each_is_kept_once(void **state)
{
    (void)state;
    Interner *names = interner_new(sizeof(const void *));
    const char **kept = g_new0(const char *, MANY);
    for (int i = 0; i < MANY; i++) {
        g_autofree char *text = g_strdup_printf("m.%d", i);
        kept[i] = interner_take(names, text);
        assert_string_equal(kept[i], text);
        assert_ptr_not_equal(kept[i], text);
        assert_null(*meaning_of(names, kept[i]));
        *meaning_of(names, kept[i]) = &kept[i];
    }
    for (int i = MANY - 1; i >= 0; i--) {
        g_autofree char *text = g_strdup_printf("m.%d", i);
        assert_ptr_equal(interner_take(names, text), kept[i]);
        assert_ptr_equal(*meaning_of(names, kept[i]), &kept[i]);
    }
    g_free(kept);
    interner_free(names, NULL);
}

/* Texts of every length, equal but for their last octet. */
static void test_lengths(void **state)
{
    (void)state;
    Interner *names = interner_new(0);
    assert_ptr_equal(interner_take(names, NULL), interner_take(names, ""));
    for (size_t length = 1; length < 20000; length += length < 64 ? 1 : 997) {
        g_autofree char *text = g_strnfill(length, 'x');
        text[length - 1] = 'a';
        const char *first = interner_take(names, text);
        text[length - 1] = 'b';
        const char *second = interner_take(names, text);
        assert_ptr_not_equal(first, second);
        assert_ptr_equal(interner_take(names, text), second);
        text[length - 1] = 'a';
        assert_ptr_equal(interner_take(names, text), first);
        assert_string_equal(first, text);
    }
    interner_free(names, NULL);
}

static void clear_text(void *meaning)
{
    g_free(*(char **)meaning);
}

static void test_meanings_are_cleared(void **state)
{
    (void)state;
    Interner *names = interner_new(sizeof(const void *));
    *meaning_of(names, interner_take(names, "a")) = g_strdup("meaning");
    interner_take(names, "without");
    interner_free(names, clear_text); /* what it leaves is seen under AddressSanitizer */
}

/* Some are removed and come again; the others are found all the time. */
static void test_removal(void **state)
{
    (void)state;
    enum { FEW = 700 };
    Interner *names = interner_new(sizeof(const void *));
    const char *kept[FEW] = {0};
    for (unsigned step = 0; step < 20 * FEW; step++) {
        unsigned i = step * 7919 % FEW;
        g_autofree char *text = g_strdup_printf("m.%u", i);
        const char *name = interner_take(names, text);
        assert_string_equal(name, text);
        if (kept[i] != NULL)
            assert_ptr_equal(name, kept[i]);
        else
            assert_null(*meaning_of(names, name));
        *meaning_of(names, name) = &kept[i];
        kept[i] = name;
        if (step % 3 == 0) {
            interner_remove(names, name);
            kept[i] = NULL;
        }
    }
    interner_free(names, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_kept_once),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_meanings_are_cleared),
        cmocka_unit_test(test_removal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
