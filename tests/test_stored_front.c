/* Tests of store/stored_front: texts are kept by what differs, and are the same when they are put
 * out. */
#include "store/stored_front.h"
#include "store_world.h"

#define RECEIVED                                                                                   \
    "Received: from mail.a.example (mail.a.example [10.0.0.1])\r\n\tby mail.b.example with ESMTP"
#define LONG_LINE RECEIVED RECEIVED RECEIVED RECEIVED

/* The text again. */
static void assert_put(const StoredFront *front, const FrontDifferences *differences, size_t from,
                       const char *text)
{
    char out[FRONT_SHARED_MAX * 2] = {0};
    assert_int_equal(front->length, strlen(text));
    front_put(front, span_of(differences->octets, differences->length), from, (uint8_t *)out);
    assert_string_equal(out, text + from);
}

static StoredFront *take(StoredFronts *fronts, const char *path, const char *fields,
                         FrontDifferences *differences)
{
    FrontParts parts = {span_of_text(path), span_of_text(fields), (Span){0}};
    return front_take(fronts, &parts, differences);
}

static void test_what_differs(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool is_shared;
        size_t differences; /* octets */
    } cases[] = {
        {RECEIVED " id 1-7\r\n", RECEIVED " id 1-7\r\n", true, 0},
        {RECEIVED " id 1-7\r\n", RECEIVED " id 1-8\r\n", true, 3},
        {RECEIVED " id 1-70 5\r\n", RECEIVED " id 1-81 6\r\n", true, 6},       /* one run */
        {RECEIVED " id 1-70 of 5\r\n", RECEIVED " id 1-81 of 6\r\n", true, 7}, /* two */
        {RECEIVED " id 1-7", RECEIVED " id 1-8", true, 3},
        {RECEIVED " id 1-9\r\n", RECEIVED " id 1-10\r\n", false, 0}, /* another length */
        {LONG_LINE "7\r\n", LONG_LINE "8\r\n", true, 5},             /* far behind */
        {RECEIVED "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789",
         RECEIVED "bcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01234567890", false,
         0},                                      /* too much */
        {"Received: a", "Received: b", false, 0}, /* differs at the beginning: of somebody else */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoredFronts fronts = {0};
        FrontDifferences first_differences, differences;
        StoredFront *first = take(&fronts, "", cases[i].first, &first_differences);
        StoredFront *second = take(&fronts, "", cases[i].second, &differences);
        assert_int_equal(first == second, cases[i].is_shared);
        assert_int_equal(differences.length, cases[i].differences);
        fronts_clear(&fronts);
        assert_put(first, &first_differences, 0, cases[i].first);
        for (size_t from = 0; from < strlen(cases[i].second); from++)
            assert_put(second, &differences, from, cases[i].second);
        front_unref(first);
        front_unref(second);
    }
}

/* Octets that are the same are told in pieces of at most 255, and up to 48 octets of what differs:
 * more is too much. What does not differ is kept as it is, up to 1024 octets. */
static void test_boundaries(void **state)
{
    (void)state;
    static const struct {
        size_t same, count, length; /* octets: before those that differ, of these, and in all */
        size_t differences;         /* octets; 0: it is not shared */
    } cases[] = {
        {254, 1, 300, 3},  {255, 1, 300, 3},  {256, 1, 300, 5}, {510, 1, 600, 5},
        {511, 1, 600, 7},  {60, 46, 200, 48}, {60, 47, 200, 0}, {316, 44, 400, 48},
        {316, 45, 400, 0}, {60, 1, 1024, 3},  {60, 1, 1025, 0}, {199, 1, 200, 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoredFronts fronts = {0};
        FrontDifferences first_differences, differences;
        g_autofree char *text = g_strnfill(cases[i].length, 'x');
        g_autofree char *other = g_strdup(text);
        memset(other + cases[i].same, 'y', cases[i].count);
        StoredFront *first = take(&fronts, "", text, &first_differences);
        StoredFront *second = take(&fronts, "", other, &differences);
        assert_int_equal(first == second, cases[i].differences > 0);
        assert_int_equal(differences.length, cases[i].differences);
        fronts_clear(&fronts);
        for (size_t from = 0; from <= cases[i].length; from++)
            assert_put(second, &differences, from, other);
        front_unref(first);
        front_unref(second);
    }
}

/* A Return-Path of another length is not taken for part of the fields, though the whole is alike.
 */
static void test_return_path(void **state)
{
    (void)state;
    StoredFronts fronts = {0};
    FrontDifferences differences;
    StoredFront *with = take(&fronts, "Return-Path: <a@b>\r\n", RECEIVED, &differences);
    StoredFront *without = take(&fronts, "", "Return-Path: <a@b>\r\n" RECEIVED, &differences);
    assert_ptr_not_equal(with, without);
    assert_int_equal(with->path_length, strlen("Return-Path: <a@b>\r\n"));
    assert_int_equal(without->path_length, 0);
    assert_null(take(&fronts, "", "", &differences));
    front_unref(with);
    front_unref(without);
    fronts_clear(&fronts);
}

/* Without any others, and where it is long, a text is kept by itself. */
static void test_by_itself(void **state)
{
    (void)state;
    StoredFronts fronts = {0};
    FrontDifferences differences;
    g_autofree char *text = g_strnfill(FRONT_SHARED_MAX + 1, 'x');
    StoredFront *first = take(&fronts, "", text, &differences);
    StoredFront *second = take(&fronts, "", text, &differences);
    StoredFront *third = take(NULL, "", RECEIVED, &differences);
    assert_ptr_not_equal(first, second);
    assert_put(first, &differences, 0, text);
    assert_put(third, &differences, 0, RECEIVED);
    front_unref(first);
    front_unref(second);
    front_unref(third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_differs),
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_return_path),
        cmocka_unit_test(test_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
