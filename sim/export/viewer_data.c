/* What the viewer's page needs beside the trace. See viewer_data.h. */
#include "export/viewer_data.h"

#include "export/ndjson.h"
#include "export/timeline_phrases.h"
#include "export/trace_reference.h"

#include <string.h>

static void add_text(JsonBuilder *builder, const char *key, const char *text)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_string_value(builder, text);
}

static void add_names(JsonBuilder *builder, const char *key, const char *const *names, size_t count)
{
    json_builder_set_member_name(builder, key);
    json_builder_begin_array(builder);
    for (size_t i = 0; i < count; i++)
        json_builder_add_string_value(builder, names[i]);
    json_builder_end_array(builder);
}

static void add_edge(JsonBuilder *builder, uint8_t from, uint8_t to, uint8_t event)
{
    json_builder_begin_array(builder);
    json_builder_add_int_value(builder, from);
    json_builder_add_int_value(builder, to);
    json_builder_add_int_value(builder, event);
    json_builder_end_array(builder);
}

void viewer_data_add_machine(JsonBuilder *builder, const StateTable *table)
{
    json_builder_begin_object(builder);
    add_text(builder, "name", table->name);
    add_text(builder, "title", table->title);
    add_text(builder, "source", table->source);
    json_builder_set_member_name(builder, "initial");
    json_builder_add_int_value(builder, table->initial);
    add_names(builder, "states", table->states, table->state_count);
    add_names(builder, "events", table->events, table->event_count);
    json_builder_set_member_name(builder, "edges");
    json_builder_begin_array(builder);
    for (uint8_t from = 0; from < table->state_count; from++) {
        for (uint8_t event = 0; event < table->event_count; event++) {
            uint8_t to = state_table_cell(table, from, event)->next;
            if (to != from)
                add_edge(builder, from, to, event);
        }
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

/* The viewer's own tones have these names: the page's colours. */
static const char *tone_name(TimelineTone tone)
{
    return tone == TIMELINE_GOOD ? "good" : tone == TIMELINE_BAD ? "bad" : "plain";
}

static void add_kind(JsonBuilder *builder, TraceKind kind)
{
    const TraceKindInfo *info = trace_kind_info(kind);
    const TimelinePhrase *phrase = timeline_phrase(kind);
    json_builder_begin_object(builder);
    add_text(builder, "name", info->name);
    add_text(builder, "level", trace_level_name(info->level));
    add_text(builder, "meaning", info->meaning);
    if (phrase->template != NULL && phrase->template[0] != '\0')
        add_text(builder, "phrase", phrase->template);
    add_text(builder, "tone", tone_name(phrase->tone));
    json_builder_set_member_name(builder, "fields");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < info->field_count; i++) {
        json_builder_begin_object(builder);
        add_text(builder, "key", info->fields[i].key);
        add_text(builder, "type", trace_field_type_name(info->fields[i].type));
        add_text(builder, "meaning", info->fields[i].meaning);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

void viewer_data_add_kinds(JsonBuilder *builder)
{
    json_builder_begin_array(builder);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        add_kind(builder, kind);
    json_builder_end_array(builder);
}

/* U+2028 is E2 80 A8, U+2029 is E2 80 A9. */
static bool is_line_separator(Span rest)
{
    return rest.length >= 3 && rest.data[0] == 0xE2 && rest.data[1] == 0x80 &&
           (rest.data[2] == 0xA8 || rest.data[2] == 0xA9);
}

void viewer_data_escape(Span json, GString *out)
{
    while (json.length > 0) {
        size_t plain = 0;
        while (plain < json.length && json.data[plain] != '<' && json.data[plain] != 0xE2)
            plain++;
        g_string_append_len(out, (const char *)json.data, (gssize)plain);
        json = span_skip(json, plain);
        if (json.length == 0)
            return;
        bool is_separator = is_line_separator(json);
        if (json.data[0] == '<')
            g_string_append(out, "\\u003c");
        else if (is_separator)
            g_string_append(out, json.data[2] == 0xA8 ? "\\u2028" : "\\u2029");
        else
            g_string_append_c(out, (char)json.data[0]);
        json = span_skip(json, is_separator ? 3 : 1);
    }
}
