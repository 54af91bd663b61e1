/* Reading recorded inputs. See inputs.h. */
#include "scenario/inputs.h"

#include "core/ipv4.h"
#include "export/ndjson.h"
#include "export/ndjson_reader.h"
#include "mail/address.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

typedef struct InputsReader {
    Inputs *inputs;
    Diagnostics *diagnostics;
    SourcePosition at; /* the line being read */
    bool has_outside;  /* timeline.outside has come */
    bool has_stopped;
    SimTime time;
} InputsReader;

static void item_clear(void *item)
{
    gateway_input_clear(item);
}

void inputs_free(Inputs *inputs)
{
    g_free(inputs->scenario_sha256);
    g_strfreev(inputs->domains);
    g_array_unref(inputs->items);
    g_free(inputs);
}

bool inputs_kind_is_input(TraceKind kind)
{
    return kind >= TRACE_TIMELINE_OUTSIDE && kind <= TRACE_TIMELINE_STOP;
}

/* ---- Members of a line ---- */

/* False after an error; a whole number within the bounds. */
static bool read_number(const InputsReader *reader, JsonObject *line, const char *key,
                        int64_t minimum, int64_t maximum, int64_t *number)
{
    JsonNode *node = json_object_get_member(line, key);
    bool is_whole = node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                    json_node_get_value_type(node) == G_TYPE_INT64;
    *number = is_whole ? json_node_get_int(node) : 0;
    if (is_whole && *number >= minimum && *number <= maximum)
        return true;
    diagnostics_error(reader->diagnostics, reader->at,
                      "`%s` must be a whole number from %lld to %lld", key, (long long)minimum,
                      (long long)maximum);
    return false;
}

/* NULL when there is none, or it is not a text. */
static const char *peek_text(JsonObject *line, const char *key)
{
    JsonNode *node = json_object_get_member(line, key);
    return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
}

static Octets *read_data(const InputsReader *reader, JsonObject *line)
{
    const char *text = peek_text(line, "text"), *base64 = peek_text(line, "base64");
    gsize size = text != NULL ? strlen(text) : 0;
    g_autofree guchar *decoded = NULL;
    if (text == NULL && base64 != NULL)
        decoded = g_base64_decode(base64, &size);
    if (size > 0 && size <= GATEWAY_DATA_MAX)
        return octets_new(text != NULL ? (const void *)text : decoded, size);
    diagnostics_error(reader->diagnostics, reader->at,
                      "`text` or `base64` must hold 1 to %d octets", GATEWAY_DATA_MAX);
    return NULL;
}

/* ---- Lines ---- */

static bool read_outside(InputsReader *reader, JsonObject *line)
{
    const char *domains = peek_text(line, "domains");
    g_auto(GStrv) list = g_strsplit(domains != NULL ? domains : "", ",", -1);
    if (reader->has_outside) {
        diagnostics_error(reader->diagnostics, reader->at, "a second timeline.outside");
        return false;
    }
    if (g_strv_length(list) > INPUTS_DOMAINS_MAXIMUM) {
        diagnostics_error(reader->diagnostics, reader->at, "more than %d domains",
                          INPUTS_DOMAINS_MAXIMUM);
        return false;
    }
    reader->has_outside = true;
    g_strfreev(reader->inputs->domains);
    reader->inputs->domains = g_steal_pointer(&list);
    return true;
}

static bool read_connect(const InputsReader *reader, JsonObject *line, GatewayInput *input)
{
    int64_t port = 0;
    const char *server = peek_text(line, "server");
    if (server == NULL) {
        diagnostics_error(reader->diagnostics, reader->at, "`server` must be a server's name");
        return false;
    }
    input->server = g_strdup(server);
    if (!read_number(reader, line, "tcp.dstport", 1, UINT16_MAX, &port))
        return false;
    input->port = (uint16_t)port;
    return true;
}

static bool read_time(InputsReader *reader, JsonObject *line, SimTime *time)
{
    if (!read_number(reader, line, "t", 0, SCENARIO_TIME_MAXIMUM, time))
        return false;
    bool is_in_order = *time >= MAX(reader->time, 1);
    if (!is_in_order)
        diagnostics_error(reader->diagnostics, reader->at,
                          "`t` is not after the start, or before that of an earlier input");
    else if (!reader->has_outside)
        diagnostics_error(reader->diagnostics, reader->at,
                          "there is no timeline.outside before the first input");
    else if (reader->has_stopped)
        diagnostics_error(reader->diagnostics, reader->at, "nothing can follow timeline.stop");
    return is_in_order && reader->has_outside && !reader->has_stopped;
}

static bool read_input(InputsReader *reader, JsonObject *line, TraceKind kind)
{
    static const GatewayInputKind KINDS[] = {
        [TRACE_TIMELINE_CONNECT] = GATEWAY_INPUT_CONNECT,
        [TRACE_TIMELINE_DATA] = GATEWAY_INPUT_DATA,
        [TRACE_TIMELINE_ROOM] = GATEWAY_INPUT_ROOM,
        [TRACE_TIMELINE_CLOSE] = GATEWAY_INPUT_CLOSE,
        [TRACE_TIMELINE_RESET] = GATEWAY_INPUT_RESET,
        [TRACE_TIMELINE_STOP] = GATEWAY_INPUT_STOP,
    };
    GatewayInput input = {.kind = KINDS[kind]};
    int64_t connection = 0;
    bool is_right = read_time(reader, line, &input.time);
    if (is_right && kind != TRACE_TIMELINE_STOP)
        is_right = read_number(reader, line, "outside", 1, INT64_MAX, &connection);
    input.connection = (uint64_t)connection;
    if (is_right && kind == TRACE_TIMELINE_CONNECT)
        is_right = read_connect(reader, line, &input);
    else if (is_right && kind == TRACE_TIMELINE_DATA)
        is_right = (input.data = read_data(reader, line)) != NULL;
    if (!is_right) {
        gateway_input_clear(&input);
        return false;
    }
    reader->time = input.time;
    reader->has_stopped = kind == TRACE_TIMELINE_STOP;
    g_array_append_val(reader->inputs->items, input);
    return true;
}

static bool read_header(InputsReader *reader, JsonObject *line)
{
    int64_t version = 0;
    const char *sha256 = peek_text(line, "scenario_sha256");
    if (sha256 == NULL || !json_object_has_member(line, "mailsim_trace")) {
        diagnostics_error(reader->diagnostics, reader->at,
                          "this is not the header of a recording of `mailsim live`");
        return false;
    }
    reader->inputs->scenario_sha256 = g_strdup(sha256);
    return read_number(reader, line, "mailsim_trace", NDJSON_VERSION, NDJSON_VERSION, &version) &&
           read_number(reader, line, "seed", 0, INT64_MAX, &reader->inputs->seed);
}

static bool read_record(InputsReader *reader, JsonObject *line)
{
    const char *name = peek_text(line, "kind");
    TraceKind kind = name != NULL ? trace_kind_find(name) : TRACE_KIND_COUNT;
    if (kind == TRACE_KIND_COUNT) {
        diagnostics_error(reader->diagnostics, reader->at, "there is no kind of record `%.60s`",
                          name != NULL ? name : "");
        return false;
    }
    if (!inputs_kind_is_input(kind))
        return true;
    return kind == TRACE_TIMELINE_OUTSIDE ? read_outside(reader, line)
                                          : read_input(reader, line, kind);
}

/* The line is read twice: json-glib, which leaks and accepts much when a line is no JSON, sees only
 * what the reader of traces has found right. */
static bool read_line(InputsReader *reader, NdjsonReader *lines, Span line)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!ndjson_reader_object(lines, line)) {
        size_t column = 0;
        const char *defect = ndjson_reader_defect(lines, &column);
        reader->at.column = (uint32_t)column;
        diagnostics_error(reader->diagnostics, reader->at, "%s", defect);
        return false;
    }
    bool is_object =
        json_parser_load_from_data(parser, (const char *)line.data, (gssize)line.length, NULL) &&
        JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser));
    if (!is_object) {
        diagnostics_error(reader->diagnostics, reader->at, "this is no JSON");
        return false;
    }
    JsonObject *object = json_node_get_object(json_parser_get_root(parser));
    return reader->at.line == 1 ? read_header(reader, object) : read_record(reader, object);
}

/* Ends at the first error: what follows a wrong line cannot be trusted either. */
static bool read_lines(InputsReader *reader, Span bytes)
{
    g_autoptr(NdjsonReader) lines = ndjson_reader_new();
    while (bytes.length > 0) {
        const uint8_t *end = memchr(bytes.data, '\n', bytes.length);
        size_t length = end != NULL ? (size_t)(end - bytes.data) : bytes.length;
        reader->at = (SourcePosition){reader->at.line + 1, 1};
        if (!read_line(reader, lines, span_of(bytes.data, length)))
            return false;
        bytes = span_skip(bytes, length + (end != NULL));
    }
    if (reader->has_outside)
        return true;
    reader->at = (SourcePosition){MAX(reader->at.line, 1), 1};
    diagnostics_error(reader->diagnostics, reader->at,
                      "there is no timeline.outside: this is no recording of `mailsim live`");
    return false;
}

Inputs *inputs_read_bytes(const char *name, Span bytes, Diagnostics *diagnostics)
{
    g_autoptr(Inputs) inputs = g_new0(Inputs, 1);
    inputs->items = g_array_new(FALSE, TRUE, sizeof(GatewayInput));
    g_array_set_clear_func(inputs->items, item_clear);
    inputs->domains = g_new0(char *, 1);
    InputsReader reader = {.inputs = inputs, .diagnostics = diagnostics};
    diagnostics_set_source(diagnostics, name, bytes);
    return read_lines(&reader, bytes) ? g_steal_pointer(&inputs) : NULL;
}

Inputs *inputs_read_file(const char *path, Diagnostics *diagnostics)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &error);
    diagnostics_set_source(diagnostics, path, (Span){0});
    if (file == NULL) {
        const char *reason = g_access(path, R_OK) != 0 ? g_strerror(errno) : error->message;
        diagnostics_error(diagnostics, (SourcePosition){0, 0}, "the file cannot be read: %s",
                          reason);
        return NULL;
    }
    if (g_mapped_file_get_length(file) > INPUTS_FILE_MAXIMUM) {
        diagnostics_error(diagnostics, (SourcePosition){0, 0}, "the file is too large");
        return NULL;
    }
    Span bytes =
        span_of((const uint8_t *)g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
    return inputs_read_bytes(path, bytes, diagnostics);
}

/* ---- Inputs and scenario ---- */

char *inputs_find_domain_defect(const Scenario *scenario, const char *domain)
{
    Address address;
    g_autofree char *probe = g_strconcat("postmaster@", domain, NULL);
    if (address_parse(span_of_text(probe), &address) != ADDRESS_OK || strchr(domain, '.') == NULL ||
        address.domain[0] == '[')
        return g_strdup("it is not a mail domain such as `out.example`");
    if (scenario_find_domain(scenario, domain) != NULL)
        return g_strdup("a server of the scenario serves it");
    if (scenario_find_server(scenario, domain) != NULL)
        return g_strdup("it is the name of a server");
    for (size_t i = 0; i < scenario->network.routers.count; i++) {
        if (strcmp(scenario->network.routers.items[i].text, domain) == 0)
            return g_strdup("it is the name of a router");
    }
    for (size_t i = 0; i < scenario->people.count; i++) {
        const ScenarioPerson *person = &scenario->people.items[i];
        for (size_t j = 0; j < person->agents.count; j++) {
            g_autofree char *host = simulation_agent_host_name(person, &person->agents.items[j]);
            if (strcmp(host, domain) == 0)
                return g_strdup("it is the name of an agent's machine");
        }
    }
    return NULL;
}

static bool is_name_taken(const ScenarioText *name)
{
    return g_ascii_strcasecmp(name->text, GATEWAY_HOST) == 0;
}

const ScenarioText *inputs_find_name_taken(const Scenario *scenario)
{
    const ScenarioNetwork *network = &scenario->network;
    for (size_t i = 0; i < network->routers.count; i++) {
        if (is_name_taken(&network->routers.items[i]))
            return &network->routers.items[i];
    }
    for (size_t i = 0; i < network->homes.count; i++) {
        if (is_name_taken(&network->homes.items[i].name))
            return &network->homes.items[i].name;
    }
    for (size_t i = 0; i < scenario->servers.count; i++) {
        if (is_name_taken(&scenario->servers.items[i].name))
            return &scenario->servers.items[i].name;
    }
    return NULL;
}

static char *find_domains_defect(const Inputs *inputs, const Scenario *scenario)
{
    for (size_t i = 0; inputs->domains[i] != NULL; i++) {
        g_autofree char *defect = inputs_find_domain_defect(scenario, inputs->domains[i]);
        for (size_t j = 0; j < i && defect == NULL; j++) {
            if (g_ascii_strcasecmp(inputs->domains[i], inputs->domains[j]) == 0)
                defect = g_strdup("it is there twice");
        }
        if (defect != NULL)
            return g_strdup_printf("domain `%.60s`: %s", inputs->domains[i], defect);
    }
    return NULL;
}

char *inputs_find_misfit(const Inputs *inputs, const Scenario *scenario)
{
    if (strcmp(inputs->scenario_sha256, scenario->sha256) != 0)
        return g_strdup_printf("they were recorded with another scenario (SHA-256 %.64s)",
                               inputs->scenario_sha256);
    for (guint i = 0; i < inputs->items->len; i++) {
        const GatewayInput *input = &g_array_index(inputs->items, GatewayInput, i);
        if (input->server != NULL && scenario_find_server(scenario, input->server) == NULL)
            return g_strdup_printf("the scenario has no server `%.60s`", input->server);
    }
    return find_domains_defect(inputs, scenario);
}

SimulationOutside inputs_outside(const Inputs *inputs)
{
    return (SimulationOutside){inputs->domains, (const GatewayInput *)(void *)inputs->items->data,
                               inputs->items->len};
}
