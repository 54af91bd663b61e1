/* The prose of the scenario file's reference, in the order in which it stands there. Markdown. */
#pragma once

extern const char reference_prose_introduction[]; /* ends before the table of units */
extern const char reference_prose_names[];
extern const char reference_prose_keys[]; /* ends before the table of the file's keys */
extern const char reference_prose_timeline[];
extern const char reference_prose_when[];
extern const char reference_prose_when_event[];
extern const char reference_prose_expect[];
extern const char reference_prose_events[];
extern const char reference_prose_end[];
