/* A run's events as a sequence diagram to keep: an SVG picture of the ladder for a slide, or the
 * text of a Mermaid diagram for a page.
 *
 * Both show what the timeline shows at the same level, folded alike. A diagram is to be read, so it
 * has a maximum; what is left out is said in it. */
#pragma once

#include "export/ndjson.h"
#include "export/timeline_event.h"

enum { DIAGRAM_EVENTS_MAXIMUM = 600 };

typedef struct DiagramOptions {
    TraceLevel level;
    const char *title;  /* for people; borrowed until the diagram is written */
    const char *follow; /* one mail, or NULL: everything */
    bool is_unfolded;
    const NodeId
        *columns; /* hosts, from left to right; those that do nothing are left out; copied */
    size_t column_count;
    const NdjsonNode *network; /* says what the hosts are; borrowed until the diagram is written */
    size_t network_count;
} DiagramOptions;

typedef struct Diagram Diagram;

/* Adds itself to the trace, before the run. */
Diagram *diagram_new(Trace *trace, const DiagramOptions *options);
void diagram_free(Diagram *diagram);
/* After the run: appends the diagram. */
void diagram_write_svg(Diagram *diagram, GString *out);
void diagram_write_mermaid(Diagram *diagram, GString *out);
