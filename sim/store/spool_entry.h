/* The form of a spool entry's file, for the spool alone: see spool.h. */
#pragma once

#include "store/spool.h"

/* A step that writes what stands before the message: with the envelope shared, if it is in one
 * piece as the queue's is. */
void spool_entry_plan_head(DiskPlan *plan, const char *path, const Envelope *envelope,
                           size_t message_size, SimTime arrived_at);
/* A step that adds the message, which is shared. */
void spool_entry_plan_message(DiskPlan *plan, const char *path, StoredMessage *message);
/* The entry that has been read from this file shares envelope and message with the disk, where that
 * keeps the same: so they are not there twice after a start. */
void spool_entry_share(SpoolEntry *entry, const Disk *disk, const char *path);
/* A step that adds a line to the journal. */
void spool_entry_plan_note(DiskPlan *plan, const char *path, size_t recipient,
                           const SpoolOutcome *outcome);
