/* What the two forms of a diagram share. */
#pragma once

#include "export/diagram.h"

struct Diagram {
    Trace *trace;
    TimelineReader *reader;
    struct TimelineFold *fold; /* NULL: nothing is folded */
    char *title;
    GArray *columns;   /* NodeId */
    GPtrArray *events; /* TimelineEvent */
    const NdjsonNode *network;
    size_t network_count;
    uint64_t left_out; /* events beyond the maximum */
    bool is_finished;
};

/* Takes what the fold holds back, once, and drops the columns in which nothing happens. */
void diagram_finish(Diagram *diagram);
/* The column of a host, or -1. */
int diagram_column(const Diagram *diagram, NodeId node);
const char *diagram_column_name(const Diagram *diagram, guint column);
/* What the header of a trace says of the host; NULL: nothing. */
const NdjsonNode *diagram_column_node(const Diagram *diagram, guint column);
/* "... 1 h 39 min ..." between the event and the one before it, to free; NULL: no pause. */
char *diagram_pause(const Diagram *diagram, guint event);
/* What the reader is told of events that are left out, to free; NULL: there are none. */
char *diagram_left_out(const Diagram *diagram);
/* The event's text, with the host before it where that has no column; to free. */
char *diagram_text(const Diagram *diagram, const TimelineEvent *event);
