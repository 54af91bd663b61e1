/* A small scenario played in memory, and its trace as a list of records to look into.
 *
 *     Played played = play("mailsim: 1 …");
 *     const Record *defer = played_find(&played, "queue.defer", "mail=lunch");
 *     assert_string_equal(record_text(defer, "reason"), "connection refused");
 *     played_end(&played);
 *
 * The records are those of the NDJSON output at level SEGMENT, read back with json-glib, so that
 * what is tested is what everybody sees. Playing asserts that the scenario has no error and that
 * the books balance. */
#pragma once

#include "scenario/run.h"
#include "scenario_read.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>

typedef JsonObject Record;

typedef struct Played {
    Scenario *scenario;
    Run *run;
    GPtrArray *records; /* Record */
} Played;

static inline void played_write(void *owner, Span bytes)
{
    g_byte_array_append(owner, bytes.data, (guint)bytes.length);
}

/* Reads and builds the scenario; what is to be changed in the simulation can be changed now. */
static inline Played played_prepare(const char *text)
{
    Played played = {.scenario = scenario_of_text(text)};
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    played.run = run_new(played.scenario, &options);
    return played;
}

static inline void played_read_records(Played *played, const GByteArray *bytes)
{
    played->records = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
    g_autoptr(JsonParser) parser = json_parser_new();
    const char *line = (const char *)bytes->data, *end = line + bytes->len;
    line = memchr(line, '\n', bytes->len); /* the header is not a record */
    while (++line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        assert_true(json_parser_load_from_data(parser, line, line_end - line, NULL));
        g_ptr_array_add(played->records,
                        json_object_ref(json_node_get_object(json_parser_get_root(parser))));
        line = line_end;
    }
}

static inline void played_run(Played *played)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree char *start = simulation_format_start(played->scenario);
    NdjsonHeader header = run_ndjson_header(played->run, TRACE_LEVEL_SEGMENT, start);
    NdjsonWriter *writer = ndjson_writer_new(simulation_trace(played->run->simulation), &header,
                                             (NdjsonOutput){played_write, bytes});
    bool is_balanced = run_play(played->run);
    ndjson_writer_flush(writer);
    ndjson_writer_free(writer);
    const char *show = g_getenv("PLAYED"); /* a file in which to look at the trace */
    if (show != NULL)
        g_file_set_contents(show, (const char *)bytes->data, bytes->len, NULL);
    if (!is_balanced)
        fail_msg("%s", books_first_violation(played->run->books)->text);
    played_read_records(played, bytes);
}

static inline Played play(const char *text)
{
    Played played = played_prepare(text);
    played_run(&played);
    return played;
}

static inline void played_end(Played *played)
{
    g_ptr_array_unref(played->records);
    run_free(played->run);
    scenario_free(played->scenario);
}

/* A run in which the server is struck after so many events, and is back ten minutes later. */
static inline Run *run_struck(const Scenario *scenario, const char *server,
                              SimulationFaultKind kind, uint64_t after)
{
    SimulationOptions options = {
        .seed = SCENARIO_UNSET,
        .until_ns = SCENARIO_UNSET,
        .fault = {
            .number = after, .kind = kind, .server = server, .restart_after_ns = 10 * SIM_MINUTE}};
    return run_new(scenario, &options);
}

/* ---- A record's fields ---- */

/* The field's text, or NULL when it is absent. */
static inline const char *record_text(const Record *record, const char *key)
{
    return json_object_get_string_member_with_default((Record *)(uintptr_t)record, key, NULL);
}

/* The field's number, or 0. */
static inline int64_t record_number(const Record *record, const char *key)
{
    return json_object_get_int_member_with_default((Record *)(uintptr_t)record, key, 0);
}

static inline SimTime record_time(const Record *record)
{
    return record_number(record, "t");
}

/* Whether a field is as `condition` says: "key=value"; "key~part" when the value holds the part. */
static inline bool record_meets(const Record *record, const char *condition)
{
    size_t length = strcspn(condition, "=~");
    g_autofree char *key = g_strndup(condition, length);
    const char *value = condition + length + 1;
    JsonNode *node = json_object_get_member((Record *)(uintptr_t)record, key);
    if (node == NULL)
        return false;
    if (json_node_get_value_type(node) == G_TYPE_INT64)
        return json_node_get_int(node) == g_ascii_strtoll(value, NULL, 10);
    if (json_node_get_value_type(node) == G_TYPE_BOOLEAN)
        return json_node_get_boolean(node) == (strcmp(value, "true") == 0);
    const char *text = json_node_get_string(node);
    return condition[length] == '=' ? strcmp(text, value) == 0 : strstr(text, value) != NULL;
}

/* ---- Looking for records: a kind, and conditions with spaces between: "mail=lunch t=0" ---- */

static inline bool record_matches(const Record *record, const char *kind, char **conditions)
{
    if (strcmp(record_text(record, "kind"), kind) != 0)
        return false;
    for (char **condition = conditions; *condition != NULL; condition++) {
        if (**condition != '\0' && !record_meets(record, *condition))
            return false;
    }
    return true;
}

/* The first match after `after` (NULL: from the beginning), or NULL. */
static inline const Record *played_find_after(const Played *played, const Record *after,
                                              const char *kind, const char *conditions)
{
    g_auto(GStrv) list = g_strsplit(conditions, " ", 0);
    int64_t seq = after != NULL ? record_number(after, "seq") : 0;
    for (guint i = 0; i < played->records->len; i++) {
        const Record *record = played->records->pdata[i];
        if (record_number(record, "seq") > seq && record_matches(record, kind, list))
            return record;
    }
    return NULL;
}

/* The first match, which there is. */
static inline const Record *played_find(const Played *played, const char *kind,
                                        const char *conditions)
{
    const Record *record = played_find_after(played, NULL, kind, conditions);
    if (record == NULL)
        fail_msg("no record %s %s", kind, conditions);
    return record;
}

static inline unsigned played_count(const Played *played, const char *kind, const char *conditions)
{
    unsigned count = 0;
    const Record *record = NULL;
    while ((record = played_find_after(played, record, kind, conditions)) != NULL)
        count++;
    return count;
}

/* The only match. */
static inline const Record *played_only(const Played *played, const char *kind,
                                        const char *conditions)
{
    assert_int_equal(played_count(played, kind, conditions), 1);
    return played_find(played, kind, conditions);
}

/* The record that a state which decided `record` comes from: its `because`; NULL: none is named. */
static inline const Record *played_because(const Played *played, const Record *record)
{
    int64_t because = record_number(record, "because");
    for (guint i = 0; because != 0 && i < played->records->len; i++) {
        if (record_number(played->records->pdata[i], "seq") == because)
            return played->records->pdata[i];
    }
    return NULL;
}

/* Asserts that `record` names a record of this kind, with these conditions, as its `because`. */
static inline void assert_because(const Played *played, const Record *record, const char *kind,
                                  const char *conditions)
{
    const Record *because = played_because(played, record);
    g_auto(GStrv) list = g_strsplit(conditions, " ", 0);
    if (because == NULL || !record_matches(because, kind, list))
        fail_msg("record %d (%s) is because of %s, not %s %s", (int)record_number(record, "seq"),
                 record_text(record, "kind"),
                 because != NULL ? record_text(because, "kind") : "nothing", kind, conditions);
}
