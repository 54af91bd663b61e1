/* Greylisting: who comes for the first time, too early, late enough, or too late. */
#include "policy/greylist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CLIENT    ((Ipv4Address)0xC6120005) /* 198.18.0.5 */
#define NEIGHBOUR ((Ipv4Address)0xC6120006)

static Greylist *five_minutes(unsigned prefix)
{
    GreylistOptions options = {5 * SIM_MINUTE, 2 * SIM_DAY, 36 * SIM_DAY, prefix};
    return greylist_new(&options);
}

static GreylistFinding ask(Greylist *greylist, Ipv4Address client, SimTime now)
{
    return greylist_ask(greylist, client, "alice@a.test", "bob@b.test", now).finding;
}

static void test_greylist_lets_pass_after_the_delay(void **state)
{
    (void)state;
    Greylist *greylist = five_minutes(32);
    assert_int_equal(ask(greylist, CLIENT, 0), GREYLIST_NEW);
    assert_int_equal(ask(greylist, CLIENT, 5 * SIM_MINUTE - 1), GREYLIST_EARLY);
    assert_int_equal(ask(greylist, CLIENT, 5 * SIM_MINUTE), GREYLIST_WAITED);
    assert_int_equal(ask(greylist, CLIENT, 5 * SIM_MINUTE + 1), GREYLIST_KNOWN);
    greylist_free(greylist);
}

static void test_greylist_looks_at_all_three(void **state)
{
    (void)state;
    Greylist *greylist = five_minutes(32);
    ask(greylist, CLIENT, 0);
    assert_int_equal(ask(greylist, NEIGHBOUR, SIM_HOUR), GREYLIST_NEW);
    assert_int_equal(greylist_ask(greylist, CLIENT, "carol@a.test", "bob@b.test", SIM_HOUR).finding,
                     GREYLIST_NEW);
    assert_int_equal(
        greylist_ask(greylist, CLIENT, "alice@a.test", "dave@b.test", SIM_HOUR).finding,
        GREYLIST_NEW);
    assert_int_equal(greylist_ask(greylist, CLIENT, "", "bob@b.test", SIM_HOUR).finding,
                     GREYLIST_NEW);
    assert_int_equal(greylist_ask(greylist, CLIENT, "alice@A.test", "bob@B.test", SIM_HOUR).finding,
                     GREYLIST_WAITED);
    greylist_free(greylist);
}

static void test_greylist_takes_neighbours_for_one_client(void **state)
{
    (void)state;
    Greylist *greylist = five_minutes(24);
    ask(greylist, CLIENT, 0);
    assert_int_equal(ask(greylist, NEIGHBOUR, SIM_HOUR), GREYLIST_WAITED);
    assert_int_equal(ask(greylist, CLIENT + 0x100, SIM_HOUR), GREYLIST_NEW);
    greylist_free(greylist);
}

static void test_greylist_forgets(void **state)
{
    (void)state;
    Greylist *greylist = five_minutes(32);
    ask(greylist, CLIENT, 0);
    assert_int_equal(ask(greylist, CLIENT, 2 * SIM_DAY + 1), GREYLIST_NEW); /* came back too late */
    assert_int_equal(ask(greylist, CLIENT, 4 * SIM_DAY), GREYLIST_WAITED);
    SimTime last = 4 * SIM_DAY + 36 * SIM_DAY; /* used on its last day, it lives on */
    assert_int_equal(ask(greylist, CLIENT, last), GREYLIST_KNOWN);
    assert_int_equal(ask(greylist, CLIENT, last + 36 * SIM_DAY), GREYLIST_KNOWN);
    assert_int_equal(ask(greylist, CLIENT, last + 72 * SIM_DAY + 1), GREYLIST_NEW);
    greylist_free(greylist);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greylist_lets_pass_after_the_delay),
        cmocka_unit_test(test_greylist_looks_at_all_three),
        cmocka_unit_test(test_greylist_takes_neighbours_for_one_client),
        cmocka_unit_test(test_greylist_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
