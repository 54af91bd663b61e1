/* The header line of an NDJSON trace. See ndjson.h. */
#include "export/ndjson_internal.h"

#include "mailsim/version.h"

static void append_string(GString *line, const char *text)
{
    size_t start = line->len;
    Span octets = span_of_text(text);
    g_string_set_size(line, start + octets.length * NDJSON_ESCAPE_SIZE + 2);
    const char *end = ndjson_put_string(line->str + start, octets);
    g_string_set_size(line, (gsize)(end - line->str));
}

/* A member that is left out where it has no value. */
static void append_member(GString *line, const char *key, const char *text)
{
    if (text == NULL)
        return;
    g_string_append_printf(line, ",\"%s\":", key);
    append_string(line, text);
}

static void append_node(GString *line, const NdjsonNode *node)
{
    g_string_append(line, "{\"name\":");
    append_string(line, node->name);
    append_member(line, "role", node->role);
    append_member(line, "person", node->person);
    append_member(line, "address", node->address);
    append_member(line, "server", node->server);
    g_string_append_c(line, '}');
}

static void append_link(GString *line, const NdjsonLink *link)
{
    g_string_append(line, "{\"a\":");
    append_string(line, link->a);
    append_member(line, "b", link->b);
    g_string_append_printf(line, ",\"delay\":%" G_GINT64_FORMAT ",\"rate\":%" G_GINT64_FORMAT "}",
                           link->delay_ns, link->rate_bps);
}

static void append_network(GString *line, const NdjsonHeader *header)
{
    g_string_append(line, ",\"nodes\":[");
    for (size_t i = 0; i < header->node_count; i++) {
        g_string_append(line, i > 0 ? "," : "");
        append_node(line, &header->nodes[i]);
    }
    g_string_append(line, "],\"links\":[");
    for (size_t i = 0; i < header->link_count; i++) {
        g_string_append(line, i > 0 ? "," : "");
        append_link(line, &header->links[i]);
    }
    g_string_append_c(line, ']');
}

GString *ndjson_header_line(const NdjsonHeader *header)
{
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "{\"mailsim_trace\":%d", NDJSON_VERSION);
    append_member(line, "title", header->title);
    g_string_append_printf(line, ",\"seed\":%" G_GUINT64_FORMAT, header->seed);
    append_member(line, "start", header->start);
    append_member(line, "version", MS_VERSION);
    append_member(line, "scenario_sha256", header->scenario_sha256);
    append_member(line, "level", trace_level_name(header->level));
    append_network(line, header);
    g_string_append(line, "}\n");
    return line;
}
