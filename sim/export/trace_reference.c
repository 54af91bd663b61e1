/* The documentation of the trace in NDJSON. See trace_reference.h. */
#include "export/trace_reference.h"

#include "export/ndjson.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* ---- The written reference ---- */

static const char INTRODUCTION[] =
    "# The trace\n"
    "\n"
    "Everything that happens in a run is a record of its trace, and every view is made from it. "
    "This\n"
    "page is made from the program's own list of kinds. `mailsim run --trace OUT.ndjson FILE` "
    "writes\n"
    "the trace as NDJSON: one JSON object a line, the first one a header.\n"
    "\n"
    "```json\n"
    "{\"mailsim_trace\":1,\"title\":\"The first "
    "mail\",\"seed\":1,\"start\":\"2026-03-02T09:00:00+09:00\",\n"
    " \"version\":\"0.1\",\"scenario_sha256\":\"...\",\"level\":\"segment\",\n"
    " \"nodes\":[{\"name\":\"mail.naver.example\",\"role\":\"server\"}],\n"
    " \"links\":[{\"a\":\"mail.naver.example\",\"b\":\"seoul\",\"delay\":10000000,\"rate\":"
    "100000000}]}\n"
    "{\"seq\":190,\"t\":1382315600,\"kind\":\"tcp.failed\",\"host\":\"mail.naver.example\","
    "\"cause\":174,\n"
    " \"because\":4,\"connection\":\"mail.naver.example#2\",\"remote\":\"mail.gmail.example\",\n"
    " \"reason\":\"connection refused\"}\n"
    "```\n"
    "\n"
    "(The lines are broken here for the page only.) Which records come after which is settled: "
    "the\n"
    "same scenario, seed and version give the same bytes. `scenarios/trace.schema.json` is the "
    "JSON\n"
    "Schema of one line. `mailsim_trace` is the version of this format, 1.\n"
    "\n"
    "The header's `nodes` are the routers, the name server, the servers and the agents (`role`: "
    "router,\n"
    "nameserver, server, agent; an agent also has `person`, `address` and `server`, its own mail "
    "server),\n"
    "its `links` what joins them: `delay` in nanoseconds, `rate` in bits per second.\n"
    "\n"
    "## What every record has\n"
    "\n"
    "| key | type | meaning |\n"
    "|---|---|---|\n"
    "| `seq` | integer | the record's number, from 1; it counts records that the level leaves out "
    "too, "
    "so it is the same at every level |\n"
    "| `t` | integer | nanoseconds since the start of the run |\n"
    "| `kind` | string | what happened; the closed list is below |\n"
    "| `host` | string | on which machine; `timeline` for the scenario's own |\n"
    "| `cause` | integer | the `seq` of the record that set this one off, the nearest one that the "
    "level holds; 0 for the timeline's own |\n"
    "| `because` | integer | the `seq` of the record that set the state which decided this one, "
    "such "
    "as the crash behind a refused connection; left out where there is none |\n"
    "\n"
    "Then come the kind's own fields, in the order below. Counts, flags and addresses are always\n"
    "there; any other field is left out where it has nothing to say. In the pages of `mailsim "
    "view`\n"
    "a sent packet's record ends with `frame`: its octets from the Ethernet header on, in base64.\n"
    "\n"
    "## Types\n"
    "\n"
    "| type | in JSON | meaning |\n"
    "|---|---|---|\n"
    "| text | string | |\n"
    "| octets | string | bytes from the wire; what is not UTF-8 shows as U+FFFD |\n"
    "| count | integer | not negative |\n"
    "| time | integer | nanoseconds since the start |\n"
    "| flag | true or false | |\n"
    "| id | string | `HOST#NUMBER`: a connection's end, or a packet, by the number that its host "
    "gave "
    "it |\n"
    "| address | string | an IPv4 address |\n"
    "\n"
    "## Levels\n"
    "\n"
    "`--level mail` holds what happens to messages and machines, `protocol` each line of a "
    "dialogue\n"
    "as well, `segment` also each packet, hop and disk step. `cause` always names a record that "
    "the\n"
    "level holds; `because` is always of level mail.\n"
    "\n"
    "## Reading it\n"
    "\n"
    "Why did an attempt fail? In Python, from a trace of any level:\n"
    "\n"
    "```python\n"
    "import json\n"
    "records = {r['seq']: r for r in map(json.loads, list(open('out.ndjson'))[1:])}\n"
    "for r in records.values():\n"
    "    if r['kind'] == 'queue.defer':\n"
    "        print(r['t'] / 1e9, r['mail'], r['reason'], records.get(r.get('because'), "
    "{}).get('kind'))\n"
    "```\n"
    "\n"
    "## Kinds\n";

const char *trace_field_type_name(TraceFieldType type)
{
    switch (type) {
    case TRACE_FIELD_TEXT:
        return "text";
    case TRACE_FIELD_OCTETS:
        return "octets";
    case TRACE_FIELD_COUNT:
        return "count";
    case TRACE_FIELD_TIME:
        return "time";
    case TRACE_FIELD_FLAG:
        return "flag";
    case TRACE_FIELD_REF:
        return "id";
    case TRACE_FIELD_IP:
        return "address";
    }
    return NULL;
}

/* What the kind's name says before its dot: "smtp". */
static size_t layer_length(const char *name)
{
    return strcspn(name, ".");
}

static bool is_same_layer(const char *a, const char *b)
{
    return layer_length(a) == layer_length(b) && strncmp(a, b, layer_length(a)) == 0;
}

static void append_kind(const TraceKindInfo *info, GString *out)
{
    g_string_append_printf(
        out, "\n**`%s`** (level %s): %s\n\n| field | type | meaning |\n|---|---|---|\n", info->name,
        trace_level_name(info->level), info->meaning);
    for (size_t i = 0; i < info->field_count; i++)
        g_string_append_printf(out, "| `%s` | %s | %s |\n", info->fields[i].key,
                               trace_field_type_name(info->fields[i].type),
                               info->fields[i].meaning);
}

/* All kinds of the layer that `first` begins, wherever they stand in the list. */
static void append_layer(TraceKind first, GString *out)
{
    const char *name = trace_kind_info(first)->name;
    g_string_append_printf(out, "\n### %.*s\n", (int)layer_length(name), name);
    for (TraceKind kind = first; kind < TRACE_KIND_COUNT; kind++) {
        if (is_same_layer(name, trace_kind_info(kind)->name))
            append_kind(trace_kind_info(kind), out);
    }
}

static bool is_first_of_layer(TraceKind kind)
{
    for (TraceKind earlier = 0; earlier < kind; earlier++) {
        if (is_same_layer(trace_kind_info(earlier)->name, trace_kind_info(kind)->name))
            return false;
    }
    return true;
}

char *trace_reference_text(void)
{
    GString *out = g_string_new(INTRODUCTION);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++) {
        if (is_first_of_layer(kind))
            append_layer(kind, out);
    }
    return g_string_free(out, FALSE);
}

/* ---- The schema ---- */

static void add_member(JsonBuilder *builder, const char *key, const char *value)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_string_value(builder, value);
}

/* Begins a property with its type and what it means; the caller may add to it, and ends it. */
static void begin_property(JsonBuilder *builder, const char *key, const char *type,
                           const char *description)
{
    json_builder_set_member_name(builder, key);
    json_builder_begin_object(builder);
    add_member(builder, "type", type);
    if (description != NULL)
        add_member(builder, "description", description);
}

static void add_text(JsonBuilder *builder, const char *key, const char *description)
{
    begin_property(builder, key, "string", description);
    json_builder_end_object(builder);
}

static void add_integer(JsonBuilder *builder, const char *key, int minimum, const char *description)
{
    begin_property(builder, key, "integer", description);
    json_builder_set_member_name(builder, "minimum");
    json_builder_add_int_value(builder, minimum);
    json_builder_end_object(builder);
}

static void add_pattern(JsonBuilder *builder, const char *key, const char *pattern,
                        const char *description)
{
    begin_property(builder, key, "string", description);
    add_member(builder, "pattern", pattern);
    json_builder_end_object(builder);
}

static void add_constant(JsonBuilder *builder, const char *key, const char *value)
{
    json_builder_set_member_name(builder, key);
    json_builder_begin_object(builder);
    add_member(builder, "const", value);
    json_builder_end_object(builder);
}

static void begin_object_schema(JsonBuilder *builder, const char *description)
{
    json_builder_begin_object(builder);
    add_member(builder, "description", description);
    add_member(builder, "type", "object");
    json_builder_set_member_name(builder, "additionalProperties");
    json_builder_add_boolean_value(builder, FALSE);
}

/* Begins the list of the keys that must be there, with those given, which end with NULL. */
static void begin_required(JsonBuilder *builder, const char *const *keys)
{
    json_builder_set_member_name(builder, "required");
    json_builder_begin_array(builder);
    for (; *keys != NULL; keys++)
        json_builder_add_string_value(builder, *keys);
}

static void add_header_schema(JsonBuilder *builder)
{
    static const char *const KEYS[] = {"mailsim_trace",   "title", "seed",  "start", "version",
                                       "scenario_sha256", "level", "nodes", "links", NULL};
    begin_object_schema(builder, "the first line");
    begin_required(builder, KEYS);
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "properties");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "mailsim_trace");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "const");
    json_builder_add_int_value(builder, NDJSON_VERSION);
    json_builder_end_object(builder);
    add_text(builder, "title", "the scenario's");
    add_integer(builder, "seed", 0, "where chance began");
    add_text(builder, "start", "the wall clock of time zero, RFC 3339");
    add_text(builder, "version", "of the program");
    add_pattern(builder, "scenario_sha256", "^[0-9a-f]{64}$", "of the scenario file's bytes");
    add_pattern(builder, "level", "^(mail|protocol|segment)$", "which records are here");
    begin_property(builder, "nodes", "array", "who is there");
    json_builder_end_object(builder);
    begin_property(builder, "links", "array", "what joins the nodes");
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
}

/* Counts, flags and addresses have no value that means absent. */
static bool field_is_always_there(TraceFieldType type)
{
    return type == TRACE_FIELD_COUNT || type == TRACE_FIELD_FLAG || type == TRACE_FIELD_IP;
}

static void add_field(JsonBuilder *builder, const TraceFieldInfo *field)
{
    switch (field->type) {
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_OCTETS:
        add_text(builder, field->key, field->meaning);
        break;
    case TRACE_FIELD_COUNT:
    case TRACE_FIELD_TIME:
        add_integer(builder, field->key, 0, field->meaning);
        break;
    case TRACE_FIELD_FLAG:
        begin_property(builder, field->key, "boolean", field->meaning);
        json_builder_end_object(builder);
        break;
    case TRACE_FIELD_REF:
        add_pattern(builder, field->key, "^[^#]+#[1-9][0-9]*$", field->meaning);
        break;
    case TRACE_FIELD_IP:
        add_pattern(builder, field->key, "^([0-9]{1,3}[.]){3}[0-9]{1,3}$", field->meaning);
        break;
    }
}

static void add_kind_schema(JsonBuilder *builder, const TraceKindInfo *info)
{
    static const char *const KEYS[] = {"seq", "t", "kind", "host", "cause", NULL};
    begin_object_schema(builder, info->meaning);
    begin_required(builder, KEYS);
    for (size_t i = 0; i < info->field_count; i++) {
        if (field_is_always_there(info->fields[i].type))
            json_builder_add_string_value(builder, info->fields[i].key);
    }
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "properties");
    json_builder_begin_object(builder);
    add_integer(builder, "seq", 1, NULL);
    add_integer(builder, "t", 0, NULL);
    add_constant(builder, "kind", info->name);
    add_text(builder, "host", NULL);
    add_integer(builder, "cause", 0, NULL);
    add_integer(builder, "because", 1, NULL);
    for (size_t i = 0; i < info->field_count; i++)
        add_field(builder, &info->fields[i]);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
}

char *trace_schema_text(void)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    add_member(builder, "$schema", "http://json-schema.org/draft-07/schema#");
    add_member(builder, "title", "One line of a trace of mailsim");
    json_builder_set_member_name(builder, "oneOf");
    json_builder_begin_array(builder);
    add_header_schema(builder);
    for (TraceKind kind = 0; kind < TRACE_KIND_COUNT; kind++)
        add_kind_schema(builder, trace_kind_info(kind));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = json_to_string(root, TRUE);
    return g_strconcat(text, "\n", NULL);
}
