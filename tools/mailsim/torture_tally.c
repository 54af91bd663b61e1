/* The tally of a torture run. See torture_tally.h. */
#include "torture_tally.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MICROSECONDS_BETWEEN_LINES = 500 * 1000 };

/* ---- Results from child processes ---- */

void torture_result_write(const TrialResult *result, GString *line)
{
    g_string_append_printf(line, "%d %d %d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, result->kind,
                           result->is_plain, result->is_healed, result->events, result->mails);
    for (size_t i = 0; i < marks_count(); i++)
        g_string_append_printf(line, " %" G_GUINT64_FORMAT, result->marks.counts[i]);
    g_string_append_printf(line, " %s", result->defect != NULL ? result->defect : "");
}

static uint64_t read_number(const char **at)
{
    char *end = NULL;
    uint64_t number = g_ascii_strtoull(*at, &end, 10);
    *at = end;
    return number;
}

static bool read_result(const char *line, TrialResult *result)
{
    const char *at = line;
    *result = (TrialResult){.is_readable = true};
    uint64_t kind = read_number(&at);
    if (at == line || kind >= DEFECT_KINDS)
        return false;
    result->kind = (DefectKind)kind;
    result->is_plain = read_number(&at) != 0;
    result->is_healed = read_number(&at) != 0;
    result->events = read_number(&at);
    result->mails = read_number(&at);
    for (size_t i = 0; i < marks_count(); i++)
        result->marks.counts[i] = read_number(&at);
    if (result->kind != DEFECT_NONE)
        result->defect = g_strdup(*at == ' ' ? at + 1 : at);
    return true;
}

TrialResult torture_result_of(const char *line, const char *death)
{
    TrialResult result = {0};
    if (death != NULL)
        return (TrialResult){
            .is_readable = true, .kind = DEFECT_DEATH, .is_plain = true, .defect = g_strdup(death)};
    if (!read_result(line, &result))
        result.is_readable = false;
    return result;
}

/* ---- Adding up ---- */

void torture_tally_add(TortureTally *tally, const TrialResult *result)
{
    tally->runs++;
    tally->failures += result->kind != DEFECT_NONE;
    tally->events += result->events;
    tally->mails += result->mails;
    for (size_t i = 0; i < marks_count(); i++) {
        tally->passed.counts[i] += result->marks.counts[i];
        tally->reached.counts[i] += result->marks.counts[i] > 0;
    }
}

/* ---- Telling ---- */

void torture_tally_show_progress(TortureTally *tally)
{
    gint64 now = g_get_monotonic_time();
    if (!isatty(STDERR_FILENO) || now - tally->shown_at < MICROSECONDS_BETWEEN_LINES)
        return;
    tally->shown_at = now;
    fprintf(stderr,
            "\r\033[K%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " runs, %" G_GUINT64_FORMAT
            " failures",
            tally->runs, tally->total, tally->failures);
    fflush(stderr);
}

void torture_tally_hide_progress(TortureTally *tally)
{
    if (tally->shown_at != 0 && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    tally->shown_at = 0;
}

static void print_marks(const TortureTally *tally, bool is_reached)
{
    bool has_title = false;
    for (size_t i = 0; i < marks_count(); i++) {
        if ((tally->reached.counts[i] > 0) != is_reached)
            continue;
        if (!has_title)
            printf("%s\n",
                   is_reached ? "Rare paths, with how many runs and how often" : "Never reached");
        has_title = true;
        if (is_reached)
            printf("  %-20s %8" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT "  %s\n", mark_name(i),
                   tally->reached.counts[i], tally->passed.counts[i], mark_meaning(i));
        else
            printf("  %-20s %s\n", mark_name(i), mark_meaning(i));
    }
}

void torture_tally_print(const TortureTally *tally)
{
    print_marks(tally, true);
    print_marks(tally, false);
    printf("%" G_GUINT64_FORMAT " runs, %" G_GUINT64_FORMAT " mails, %" G_GUINT64_FORMAT
           " events: ",
           tally->runs, tally->mails, tally->events);
    if (tally->failures == 0)
        printf("no failure\n");
    else
        printf("%" G_GUINT64_FORMAT " FAILED\n", tally->failures);
}
