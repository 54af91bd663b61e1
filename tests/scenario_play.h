/* For tests that play a scenario's text and look at its trace. */
#pragma once

#include "export/ndjson.h"
#include "scenario/reader.h"
#include "scenario/run.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

/* A run that has been played: its records as JSON objects, by their order. */
typedef struct Played {
    Scenario *scenario;
    Run *run;
    GString *text;
    GPtrArray *nodes; /* JsonNode */
} Played;

static inline void played_append(void *owner, Span bytes)
{
    g_string_append_len(owner, (const char *)bytes.data, (gssize)bytes.length);
}

static inline void played_parse(Played *played)
{
    g_auto(GStrv) lines = g_strsplit(played->text->str, "\n", -1);
    for (char **line = lines + 1; *line != NULL && **line != '\0'; line++)
        g_ptr_array_add(played->nodes, json_from_string(*line, NULL));
}

/* Plays the text to its end; the books must balance. */
static inline Played play_text(const char *text)
{
    Played played = {.text = g_string_new(NULL),
                     .nodes = g_ptr_array_new_with_free_func((GDestroyNotify)json_node_unref)};
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    played.scenario = scenario_read_bytes("test", span_of_text(text), diagnostics);
    if (played.scenario == NULL) {
        diagnostics_print(diagnostics, stderr);
        fail_msg("the scenario has errors");
    }
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    played.run = run_new(played.scenario, &options);
    NdjsonHeader header = run_ndjson_header(played.run, TRACE_LEVEL_SEGMENT, "start");
    NdjsonWriter *writer = ndjson_writer_new(simulation_trace(played.run->simulation), &header,
                                             (NdjsonOutput){played_append, played.text});
    if (!run_play(played.run))
        fail_msg("%s", books_first_violation(played.run->books)->text);
    ndjson_writer_flush(writer);
    ndjson_writer_free(writer);
    played_parse(&played);
    return played;
}

static inline void played_clear(Played *played)
{
    run_free(played->run);
    scenario_free(played->scenario);
    g_string_free(played->text, TRUE);
    g_ptr_array_unref(played->nodes);
}

static inline JsonObject *played_record(const Played *played, guint index)
{
    return json_node_get_object(g_ptr_array_index(played->nodes, index));
}

static inline bool record_has(JsonObject *record, const char *key, const char *value)
{
    return json_object_has_member(record, key) &&
           strcmp(json_object_get_string_member(record, key), value) == 0;
}

/* The first record of that kind from `*position` on whose `key` (NULL: any) is `value`; NULL when
 * there is none. Moves the position behind it. */
static inline JsonObject *played_find(const Played *played, guint *position, const char *kind,
                                      const char *key, const char *value)
{
    while (*position < played->nodes->len) {
        JsonObject *record = played_record(played, (*position)++);
        if (record_has(record, "kind", kind) && (key == NULL || record_has(record, key, value)))
            return record;
    }
    return NULL;
}

static inline JsonObject *played_first(const Played *played, const char *kind, const char *key,
                                       const char *value)
{
    guint position = 0;
    return played_find(played, &position, kind, key, value);
}

static inline unsigned played_count(const Played *played, const char *kind, const char *key,
                                    const char *value)
{
    guint position = 0;
    unsigned count = 0;
    while (played_find(played, &position, kind, key, value) != NULL)
        count++;
    return count;
}

static inline gint64 record_number(JsonObject *record, const char *key)
{
    return json_object_has_member(record, key) ? json_object_get_int_member(record, key) : 0;
}

/* The record that `because` names, or NULL. */
static inline JsonObject *played_because(const Played *played, JsonObject *record)
{
    gint64 seq = record_number(record, "because");
    for (guint i = 0; seq != 0 && i < played->nodes->len; i++) {
        JsonObject *candidate = played_record(played, i);
        if (record_number(candidate, "seq") == seq)
            return candidate;
    }
    return NULL;
}
