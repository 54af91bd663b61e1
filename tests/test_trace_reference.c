/* Tests of export/trace_reference: the committed files are what the list of kinds says, and what
 * real runs write is what they say.
 *
 * After a change of the kinds, `build/tests/test_trace_reference --write` writes both files. */
#include "export/ndjson.h"
#include "export/trace_reference.h"
#include "scenario/run.h"
#include "scenario_read.h"
#include "text_output.h"

#include <json-glib/json-glib.h>

static const char REFERENCE_PATH[] = "scenarios/TRACE.md";
static const char SCHEMA_PATH[] = "scenarios/trace.schema.json";

static void assert_file_is(const char *path, const char *expected)
{
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    if (strcmp(text, expected) != 0)
        fail_msg("%s is not what the list of kinds says; run this test with --write", path);
}

static void test_reference_is_committed(void **state)
{
    (void)state;
    g_autofree char *text = trace_reference_text();
    assert_file_is(REFERENCE_PATH, text);
}

static void test_schema_is_committed(void **state)
{
    (void)state;
    g_autofree char *text = trace_schema_text();
    assert_file_is(SCHEMA_PATH, text);
}

/* The trace of a scenario at a level, as lines. */
static char **lines_of(const char *path, TraceLevel level)
{
    g_autoptr(Scenario) scenario = scenario_of_file(path);
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    Run *run = run_new(scenario, &options);
    g_autoptr(GString) text = g_string_new(NULL);
    NdjsonHeader header = run_ndjson_header(run, level, "start");
    NdjsonWriter *writer = ndjson_writer_new(simulation_trace(run->simulation), &header,
                                             (NdjsonOutput){append_text, text});
    assert_true(run_play(run));
    ndjson_writer_flush(writer);
    run_free(run);
    ndjson_writer_free(writer);
    g_string_truncate(text, text->len - 1);
    return g_strsplit(text->str, "\n", -1);
}

/* The schema of the kind, or of the header for NULL: an object of `oneOf`. */
static JsonObject *schema_of(JsonArray *schemas, const char *kind)
{
    for (guint i = 0; i < json_array_get_length(schemas); i++) {
        JsonObject *schema = json_array_get_object_element(schemas, i);
        JsonObject *properties = json_object_get_object_member(schema, "properties");
        const char *name = NULL;
        if (json_object_has_member(properties, "kind"))
            name = json_object_get_string_member(json_object_get_object_member(properties, "kind"),
                                                 "const");
        if (g_strcmp0(name, kind) == 0)
            return schema;
    }
    return NULL;
}

static const char *type_of(JsonNode *value)
{
    switch (json_node_get_value_type(value)) {
    case G_TYPE_INT64:
        return "integer";
    case G_TYPE_BOOLEAN:
        return "boolean";
    case G_TYPE_STRING:
        return "string";
    default:
        return JSON_NODE_HOLDS_ARRAY(value) ? "array" : "other";
    }
}

static void check_value(JsonNode *value, JsonObject *property)
{
    if (json_object_has_member(property, "const")) {
        assert_true(json_node_equal(value, json_object_get_member(property, "const")));
        return;
    }
    assert_string_equal(type_of(value), json_object_get_string_member(property, "type"));
    if (json_object_has_member(property, "minimum"))
        assert_true(json_node_get_int(value) >= json_object_get_int_member(property, "minimum"));
    if (json_object_has_member(property, "pattern"))
        assert_true(g_regex_match_simple(json_object_get_string_member(property, "pattern"),
                                         json_node_get_string(value), 0, 0));
}

/* Every member is a property of the schema, as it says, and in its order. */
static void check_members(JsonObject *record, JsonObject *properties, const char *line)
{
    g_autoptr(GList) keys = json_object_get_members(record);
    g_autoptr(GList) allowed = json_object_get_members(properties);
    GList *at = allowed;
    for (GList *key = keys; key != NULL; key = key->next) {
        while (at != NULL && strcmp(at->data, key->data) != 0)
            at = at->next;
        if (at == NULL)
            fail_msg("`%s` is not a key of the kind, or out of order: %s", (char *)key->data, line);
        check_value(json_object_get_member(record, key->data),
                    json_object_get_object_member(properties, key->data));
    }
}

/* The line is an object as the schema says, which is the header's where `is_header`. */
static JsonNode *check_object(JsonArray *schemas, const char *line, bool is_header)
{
    JsonNode *node = json_from_string(line, NULL);
    assert_non_null(node);
    JsonObject *record = json_node_get_object(node);
    JsonObject *schema =
        schema_of(schemas, is_header ? NULL : json_object_get_string_member(record, "kind"));
    assert_non_null(schema);
    JsonArray *required = json_object_get_array_member(schema, "required");
    for (guint i = 0; i < json_array_get_length(required); i++) {
        const char *key = json_array_get_string_element(required, i);
        if (!json_object_has_member(record, key))
            fail_msg("`%s` is missing: %s", key, line);
    }
    check_members(record, json_object_get_object_member(schema, "properties"), line);
    return node;
}

static void check_record(JsonArray *schemas, const char *line, gint64 *last_seq)
{
    g_autoptr(JsonNode) node = check_object(schemas, line, false);
    JsonObject *record = json_node_get_object(node);
    gint64 seq = json_object_get_int_member(record, "seq");
    assert_true(seq > *last_seq);
    assert_true(json_object_get_int_member(record, "cause") < seq);
    if (json_object_has_member(record, "because"))
        assert_true(json_object_get_int_member(record, "because") < seq);
    *last_seq = seq;
}

static void test_runs_follow_the_schema(void **state)
{
    (void)state;
    g_autofree char *text = trace_schema_text();
    g_autoptr(JsonNode) root = json_from_string(text, NULL);
    JsonArray *schemas = json_object_get_array_member(json_node_get_object(root), "oneOf");
    assert_int_equal(json_array_get_length(schemas), TRACE_KIND_COUNT + 1);
    static const char *const SCENARIOS[] = {"scenarios/01-first-mail/scenario.yaml",
                                            "scenarios/17-names-fail/scenario.yaml"};
    for (size_t i = 0; i < G_N_ELEMENTS(SCENARIOS); i++) {
        for (int level = TRACE_LEVEL_MAIL; level <= TRACE_LEVEL_SEGMENT; level++) {
            g_auto(GStrv) lines = lines_of(SCENARIOS[i], (TraceLevel)level);
            gint64 last_seq = 0;
            assert_true(g_strv_length(lines) > 20);
            g_autoptr(JsonNode) header = check_object(schemas, lines[0], true);
            assert_string_equal(
                json_object_get_string_member(json_node_get_object(header), "level"),
                trace_level_name((TraceLevel)level));
            for (char **line = lines + 1; *line != NULL; line++)
                check_record(schemas, *line, &last_seq);
        }
    }
}

/* What stood where a name stood first. */
static void remember_name(GHashTable *names, TraceField_NAME name)
{
    const char *before = name != NULL ? g_hash_table_lookup(names, name) : NULL;
    if (before != NULL)
        assert_string_equal(name, before);
    else if (name != NULL)
        g_hash_table_insert(names, (gpointer)name, g_strdup(name));
}

/* Where fields of type NAME lie, for the compiler does not tell them from texts. */
#define NAME_IS_NAME   true
#define TEXT_IS_NAME   false
#define OCTETS_IS_NAME false
#define COUNT_IS_NAME  false
#define TIME_IS_NAME   false
#define FLAG_IS_NAME   false
#define REF_IS_NAME    false
#define IP_IS_NAME     false
#define KIND(id, name, level, meaning)
#define FIELD(id, type, name, key, meaning)                                                        \
    {TRACE_##id, type##_IS_NAME, offsetof(TraceFields_##id, name)},
#define END(id)
static const struct {
    TraceKind kind;
    bool is_name;
    size_t offset;
} FIELDS[] = {
#include "trace/kinds.def"
};
#undef KIND
#undef FIELD
#undef END

static void remember_names(void *owner, const TraceRecord *record)
{
    const char *fields = record->fields;
    for (size_t i = 0; i < G_N_ELEMENTS(FIELDS); i++) {
        if (FIELDS[i].kind == record->kind && FIELDS[i].is_name)
            remember_name(owner,
                          *(const TraceField_NAME *)(const void *)(fields + FIELDS[i].offset));
    }
}

/* Writers know a name by where it stands. */
static void test_names_stay_where_they_are(void **state)
{
    (void)state;
    static const char *const SCENARIOS[] = {"scenarios/01-first-mail/scenario.yaml",
                                            "scenarios/15-lossy-link/scenario.yaml",
                                            "scenarios/17-names-fail/scenario.yaml"};
    for (size_t i = 0; i < G_N_ELEMENTS(SCENARIOS); i++) {
        g_autoptr(Scenario) scenario = scenario_of_file(SCENARIOS[i]);
        g_autoptr(GHashTable) names = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
        Run *run = run_new(scenario, &options);
        trace_add_sink(simulation_trace(run->simulation),
                       (TraceSink){remember_names, names, TRACE_LEVEL_SEGMENT});
        run_play(run);
        assert_true(g_hash_table_size(names) > 20);
        run_free(run);
    }
}

static int write_files(void)
{
    g_autofree char *reference = trace_reference_text();
    g_autofree char *schema = trace_schema_text();
    return g_file_set_contents(REFERENCE_PATH, reference, -1, NULL) &&
                   g_file_set_contents(SCHEMA_PATH, schema, -1, NULL)
               ? 0
               : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_files();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_is_committed),
        cmocka_unit_test(test_schema_is_committed),
        cmocka_unit_test(test_runs_follow_the_schema),
        cmocka_unit_test(test_names_stay_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
