/* Coverage marks: rare paths of the mail system, recognised in the trace.
 *
 * A torture run that never comes to where a bounce cannot be delivered proves nothing about it. So
 * each run counts how often it passed each mark, and who runs a thousand is told which marks were
 * never reached. Marks are read from records and nothing else: the code that is judged does not
 * know of them. */
#pragma once

#include "trace/trace.h"

enum { MARKS_MAX = 48 };

/* How often each mark was passed; a plain value. */
typedef struct Marks {
    uint64_t counts[MARKS_MAX];
} Marks;

size_t marks_count(void);
/* Such as "lost-250", and what happens there, for people. */
const char *mark_name(size_t mark);
const char *mark_meaning(size_t mark);
/* The mark of that name; marks_count() when there is none. */
size_t mark_find(const char *name);

typedef struct MarksObserver MarksObserver;

/* Adds itself to the trace, at level SEGMENT, before the run. */
MarksObserver *marks_observer_new(Trace *trace);
/* After the run: what was counted; frees the observer. */
Marks marks_observer_take(MarksObserver *observer);
