/* How far a long run is. See progress.h. */
#include "progress.h"

#include "export/timeline.h"

#include <stdio.h>
#include <unistd.h>

enum {
    RECORDS_BETWEEN_LOOKS = 64, /* at the wall clock */
    MICROSECONDS_BETWEEN_LINES = 500 * 1000,
    MICROSECONDS_TO_NS = 1000,
};

struct Progress {
    SimTime until;
    gint64 began, shown; /* of the wall clock, in microseconds */
    unsigned records;
    bool is_shown;
};

static void put_line(Progress *progress, SimTime now, gint64 wall)
{
    g_autoptr(GString) line = g_string_new("\r\033[K");
    timeline_format_time(now, 0, line);
    gint64 elapsed_ns = MAX(wall - progress->began, 1) * MICROSECONDS_TO_NS;
    double speed = (double)now / (double)elapsed_ns;
    g_string_append_printf(line, ", %.3g times as fast as real time", speed);
    if (progress->until != SIM_NEVER && speed > 0) {
        double left_s = (double)(progress->until - now) / speed / (double)SIM_SECOND;
        g_string_append_printf(line, ", about %.0f s left", left_s);
    }
    fputs(line->str, stderr);
    fflush(stderr);
    progress->is_shown = true;
}

static void progress_write(void *owner, const TraceRecord *record)
{
    Progress *progress = owner;
    if (++progress->records % RECORDS_BETWEEN_LOOKS != 0)
        return;
    gint64 wall = g_get_monotonic_time();
    if (wall - progress->shown < MICROSECONDS_BETWEEN_LINES)
        return;
    progress->shown = wall;
    put_line(progress, record->time, wall);
}

Progress *progress_new(Trace *trace, SimTime until)
{
    if (!isatty(STDERR_FILENO))
        return NULL;
    Progress *progress = g_new0(Progress, 1);
    progress->until = until;
    progress->began = progress->shown = g_get_monotonic_time();
    trace_add_sink(trace, (TraceSink){progress_write, progress, TRACE_LEVEL_MAIL});
    return progress;
}

void progress_free(Progress *progress)
{
    if (progress == NULL)
        return;
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    g_free(progress);
}
