/* Tests of scenario/schema and scenario/reference: the committed files are what the tables say.
 *
 * After a change of the tables, `build/tests/test_scenario_reference --write` writes both. */
#include "scenario/reader.h"
#include "scenario/reference.h"
#include "scenario/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <json-glib/json-glib.h>

static const char schema_path[] = "scenarios/schema.json";
static const char reference_path[] = "scenarios/README.md";

static void assert_file_is(const char *path, const char *expected)
{
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    if (strcmp(text, expected) != 0)
        fail_msg("%s is not what the tables say; run this test with --write", path);
}

static void test_schema_is_committed(void **state)
{
    (void)state;
    g_autofree char *text = scenario_schema_text();
    assert_file_is(schema_path, text);
}

static void test_reference_is_committed(void **state)
{
    (void)state;
    g_autofree char *text = scenario_reference_text();
    assert_file_is(reference_path, text);
}

static void test_schema_is_json(void **state)
{
    (void)state;
    g_autofree char *text = scenario_schema_text();
    g_autoptr(JsonNode) root = json_from_string(text, NULL);
    assert_non_null(root);
    JsonObject *properties =
        json_object_get_object_member(json_node_get_object(root), "properties");
    assert_true(json_object_has_member(properties, "timeline"));
    JsonObject *servers = json_object_get_object_member(properties, "servers");
    JsonObject *server = json_object_get_object_member(servers, "additionalProperties");
    assert_false(json_object_get_boolean_member(server, "additionalProperties"));
    JsonArray *required = json_object_get_array_member(server, "required");
    assert_int_equal(json_array_get_length(required), 1);
    assert_string_equal(json_array_get_string_element(required, 0), "domains");
}

/* The text between the first line that is `begin` and the next that is "```". */
static char *example_of(const char *text, const char *begin)
{
    const char *start = strstr(text, begin);
    assert_non_null(start);
    start += strlen(begin);
    const char *end = strstr(start, "```\n");
    assert_non_null(end);
    return g_strndup(start, (size_t)(end - start));
}

/* What the page shows is what the program does. */
static void test_examples_hold(void **state)
{
    (void)state;
    g_autofree char *text = scenario_reference_text();
    g_autofree char *scenario_text = example_of(text, "\n```yaml\n");
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario =
        scenario_read_bytes("lunch.yaml", span_of_text(scenario_text), diagnostics);
    assert_non_null(scenario);
    assert_int_equal(diagnostics_warning_count(diagnostics), 0);

    char *action = strstr(scenario_text, "do: crash");
    memcpy(action, "do: crahs", strlen("do: crahs"));
    assert_null(scenario_read_bytes("lunch.yaml", span_of_text(scenario_text), diagnostics));
    g_autoptr(GString) printed = g_string_new(NULL);
    diagnostics_format(diagnostics, printed);
    g_autofree char *shown = example_of(text, "\n\n```\n");
    assert_string_equal(printed->str, shown);
}

static int write_files(void)
{
    g_autofree char *schema = scenario_schema_text();
    g_autofree char *reference = scenario_reference_text();
    bool written = g_file_set_contents(schema_path, schema, -1, NULL) &&
                   g_file_set_contents(reference_path, reference, -1, NULL);
    return written ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_is_committed),
        cmocka_unit_test(test_reference_is_committed),
        cmocka_unit_test(test_schema_is_json),
        cmocka_unit_test(test_examples_hold),
    };
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_files();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
