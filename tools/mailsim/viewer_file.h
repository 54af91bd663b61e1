/* The viewer as one offline HTML file: the page, what it needs to know, and the trace. */
#pragma once

#include "scenario/run.h"

/* A page with more records than this opens at a coarser level. */
enum { VIEWER_RECORDS_MAXIMUM = 100000 };

typedef struct ViewerFileOptions {
    const SimulationOptions *simulation;
    bool has_level; /* or else the finest level of at most VIEWER_RECORDS_MAXIMUM records */
    TraceLevel level;
} ViewerFileOptions;

/* How many records each level of a run adds. */
typedef struct ViewerCounts {
    uint64_t records[TRACE_LEVEL_SEGMENT + 1];
} ViewerCounts;

/* Counts from now on; before the run is played. Borrowed until the run is over. */
void viewer_file_count(Trace *trace, ViewerCounts *counts);
/* Plays the run, which is over, once more, and writes the page. False, with the error told, when
 * the file cannot be written. */
bool viewer_file_write(const Run *run, const ViewerCounts *counts, const ViewerFileOptions *options,
                       const char *path);
/* Writes the page of a trace in NDJSON. False, with the error told, when it cannot be read, is no
 * trace, or the page cannot be written. */
bool viewer_file_write_trace(const char *trace_path, const char *path);
/* Whether the file is a trace rather than a scenario: its first line begins as a header does. */
bool viewer_file_is_trace(const char *path);
