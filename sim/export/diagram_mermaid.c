/* A diagram as the text of a Mermaid sequence diagram. See diagram.h. */
#include "export/diagram_internal.h"

#include "export/timeline.h"

#include <string.h>

/* Appends text of a message or note: `#` and `;` mean something to Mermaid, and markup would be
 * taken for such. */
static void put_text(GString *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr("#;<>&\"", *c) != NULL)
            g_string_append_printf(out, "#%d;", *c);
        else if (*c == '\n')
            g_string_append(out, "<br/>");
        else
            g_string_append_c(out, *c);
    }
    g_string_append_c(out, '\n');
}

static void put_note_over_all(const Diagram *diagram, const char *text, GString *out)
{
    guint last = diagram->columns->len - 1;
    g_string_append(out, "    Note over h0");
    if (last > 0)
        g_string_append_printf(out, ",h%u", last);
    g_string_append(out, ": ");
    put_text(out, text);
}

static void put_event(const Diagram *diagram, const TimelineEvent *event, GString *out)
{
    int from = diagram_column(diagram, event->node);
    int to = event->peer != TIMELINE_NO_PEER ? diagram_column(diagram, event->peer) : -1;
    g_autofree char *own = diagram_text(diagram, event);
    g_autoptr(GString) text = g_string_new(NULL);
    timeline_format_time(event->time, 3, text);
    g_string_append_printf(text, " %s", own);
    if (from < 0) {
        put_note_over_all(diagram, text->str, out);
        return;
    }
    if (to < 0 || to == from)
        g_string_append_printf(out, "    Note over h%d: ", from);
    else
        g_string_append_printf(out, "    h%d->>h%d: ", from, to);
    put_text(out, text->str);
}

void diagram_write_mermaid(Diagram *diagram, GString *out)
{
    diagram_finish(diagram);
    g_string_append(out, "sequenceDiagram\n    title ");
    put_text(out, diagram->title);
    if (diagram->columns->len == 0)
        return;
    for (guint i = 0; i < diagram->columns->len; i++)
        g_string_append_printf(out, "    participant h%u as %s\n", i,
                               diagram_column_name(diagram, i));
    for (guint i = 0; i < diagram->events->len; i++) {
        g_autofree char *pause = diagram_pause(diagram, i);
        if (pause != NULL)
            put_note_over_all(diagram, pause, out);
        put_event(diagram, g_ptr_array_index(diagram->events, i), out);
    }
    g_autofree char *left_out = diagram_left_out(diagram);
    if (left_out != NULL)
        put_note_over_all(diagram, left_out, out);
}
