/* The form of a spool entry's file, for the spool alone: see spool.h. */
#pragma once

#include "store/spool.h"

/* What stands before the message. To unref. */
GBytes *spool_entry_format_head(const Envelope *envelope, size_t message_size, SimTime arrived_at);
/* A line of the journal. To unref. */
GBytes *spool_entry_format_note(size_t recipient, SpoolOutcome outcome);
