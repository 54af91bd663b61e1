/* Tests of export/states on a small machine of its own. */
#include "export/states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const STATES[] = {"OPEN", "SHUT"};
static const char *const EVENTS[] = {"push", "knock", "call"};
static const char *const ACTIONS[] = {"nothing", "moves", "cannot happen"};
static const StateCell CELLS[] = {
    {1, 1, 250, "RFC 1 §1"}, {0, 0, 0, "RFC 1 §2"},   {0, 0, 0, "RFC 1 §2"},
    {0, 1, 0, "RFC 1 §1"},   {1, 0, 503, "RFC 1 §3"}, {1, 2, 0, "it is quiet"},
};
static const StateTable DOOR = {"door", "A door", "RFC 1", STATES, EVENTS, ACTIONS,
                                2,      3,        3,       1,      CELLS};

static void test_text(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    states_write_text(&DOOR, text);
    assert_string_equal(text->str, "door: A door\n"
                                   "Source: RFC 1\n"
                                   "First state: SHUT\n"
                                   "\n"
                                   "OPEN\n"
                                   "  push -> SHUT\n"
                                   "      250: moves (RFC 1 §1)\n"
                                   "  knock, call\n"
                                   "      nothing (RFC 1 §2)\n"
                                   "\n"
                                   "SHUT\n"
                                   "  push -> OPEN\n"
                                   "      moves (RFC 1 §1)\n"
                                   "  knock\n"
                                   "      503: nothing (RFC 1 §3)\n"
                                   "  cannot happen: call\n");
}

static void test_dot(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    states_write_dot(&DOOR, text);
    assert_non_null(strstr(text->str, "  \"SHUT\" [penwidth=2];\n"
                                      "  \"OPEN\" -> \"SHUT\" [label=\" push \\l\"];\n"
                                      "  \"SHUT\" -> \"OPEN\" [label=\" push \\l\"];\n"
                                      "}\n"));
    assert_null(strstr(text->str, "knock"));
}

/* What leads to GONE from all other states, or from all but one, is one edge; what leads there from
 * two of four is drawn from each. */
static void test_dot_of_many_states(void **state)
{
    (void)state;
    static const char *const states[] = {"A", "B", "C", "D", "GONE"};
    static const char *const events[] = {"fire", "flood", "storm", "sale"};
    static const char *const actions[] = {"moves"};
    static const StateCell cells[] = {
        {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, /* A */
        {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {1, 0, 0, "§1"}, {4, 0, 0, "§1"}, /* B */
        {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {0, 0, 0, "§1"}, /* C */
        {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {3, 0, 0, "§1"}, /* D */
        {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, {4, 0, 0, "§1"}, /* GONE */
    };
    static const StateTable gate = {"gate", "A gate", "§1", states, events, actions,
                                    5,      4,        1,    0,      cells};
    g_autoptr(GString) text = g_string_new(NULL);
    states_write_dot(&gate, text);
    const char *nodes = strstr(text->str, "  \"A\"");
    assert_non_null(nodes);
    assert_string_equal(
        nodes, "  \"A\" [penwidth=2];\n"
               "  \"B\";\n"
               "  \"C\";\n"
               "  \"D\";\n"
               "  \"GONE\";\n"
               "  \"A\" -> \"GONE\" [label=\" sale \\l\"];\n"
               "  \"B\" -> \"GONE\" [label=\" sale \\l\"];\n"
               "  \"C\" -> \"A\" [label=\" sale \\l\"];\n"
               "  \"0 to 4\" [label=\"every other state\", shape=plaintext, fontsize=11];\n"
               "  \"0 to 4\" -> \"GONE\" [label=\" fire \\l flood \\l\", style=dashed];\n"
               "  \"2 to 4\" [label=\"every other state but\\nB\", shape=plaintext, fontsize=11];\n"
               "  \"2 to 4\" -> \"GONE\" [label=\" storm \\l\", style=dashed];\n"
               "}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_dot_of_many_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
