/* Whom the programs that answer for absent users have answered, and when, so that nobody gets the
 * same answer twice within some days (RFC 3834 §2).
 *
 * Each is the name of an empty file, which takes no room: `vacation/USER/SENDER.TIME`, escaped as
 * mailboxes' names are; TIME in ns since the start. What is noted counts at once; a loss of power
 * before it is durable may forget it, so the answer is sent after that. */
#pragma once

#include "store/disk.h"

typedef struct Answered Answered;

/* After a start: reads what the disk has. */
Answered *answered_new(Disk *disk);
void answered_free(Answered *answered);

/* When the sender was answered last in the user's name; SIM_NEVER: not yet. Addresses are compared
 * without regard to case. */
SimTime answered_last(const Answered *answered, const char *user, const char *sender);
/* Notes that he is answered now; `done` is told once that is durable. */
void answered_note(Answered *answered, const char *user, const char *sender, SimTime now,
                   DiskDone done);
