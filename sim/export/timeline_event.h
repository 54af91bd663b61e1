/* What a trace record is to a reader of a timeline: one event, a few words, at one host or as an
 * arrow from one host to another. Timeline, ladder and sequence diagram are all made from these. */
#pragma once

#include "export/timeline_phrases.h"
#include "trace/trace.h"

/* Points nowhere: the event happens at its host alone. */
#define TIMELINE_NO_PEER UINT32_MAX

typedef struct TimelineEvent {
    SimTime time;
    TraceKind kind;
    NodeId node;
    NodeId peer; /* to whom an arrow points, or TIMELINE_NO_PEER */
    TimelineTone tone;
    char *text; /* lines separated by LF; owned */
} TimelineEvent;

void timeline_event_free(TimelineEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TimelineEvent, timeline_event_free)

/* The text in the field of that key; NULL when the kind has no such field, or the record no text.
 */
const char *timeline_record_text(const TraceRecord *record, const char *key);

/* Turns records into events, and knows which connection leads where. */
typedef struct TimelineReader TimelineReader;

/* `follow` is NULL, or the name of the mail to follow: then only what that mail (its bounce, its
 * delay warning) sets off is an event, beside what happens to machines, links and names. */
TimelineReader *timeline_reader_new(Trace *trace, TraceLevel level, const char *follow);
void timeline_reader_free(TimelineReader *reader);
/* The event, owned by the caller; NULL when the record is none at this level, or not followed. */
TimelineEvent *timeline_reader_read(TimelineReader *reader, const TraceRecord *record);
