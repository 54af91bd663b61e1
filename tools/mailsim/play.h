/* Reading a scenario file and playing it, with what goes wrong told on standard error. */
#pragma once

#include "scenario/inputs.h"
#include "scenario/run.h"

typedef struct Play {
    const char *path; /* borrowed */
    /* With programs outside: the file that holds what came from them, or will once the run is over;
     * NULL: it is recorded nowhere. Borrowed; set it before the run. */
    const char *recording;
    SimulationOptions options;
    Scenario *scenario;
    Run *run;
} Play;

/* NULL, with the errors told, when the file is wrong. */
Play *play_new(const char *path, const SimulationOptions *options);
/* The same with a session's inputs, which must be the scenario's; NULL: none. */
Play *play_new_with_inputs(const char *path, const SimulationOptions *options,
                           const Inputs *inputs);
void play_free(Play *play);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Play, play_free)

/* Plays it. Books that do not balance are a bug: it is told with the chain of its causes and the
 * command that replays it, and false is returned. */
bool play_to_end(Play *play);
/* Before the run: false, with the error told, when there can be no such mail (NULL: there can):
 * mails are named by words of the scenario, except those that come from outside. */
bool play_may_know_mail(const Play *play, const char *mail);
/* After the run: whether there was such a mail (NULL: yes); otherwise it is told which there were.
 */
bool play_knows_mail(const Play *play, const char *mail);
/* Of a session that is recorded: once the recording is complete. */
void play_tell_violation(const Play *play);
