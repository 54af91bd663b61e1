/* Every state that a file of the spool can be in after a crash or a loss of power, in one table:
 * what it looks like, whether the steps of spool.h can leave it, and what recovery makes of it.
 *
 * A state that they cannot leave is a bug of ours, or a server that syncs too late (SpoolOrder).
 * Its file is left alone, since it may be somebody's mail, and reported: the inventory lists it,
 * and the books do not balance. */
#pragma once

#include "store/spool.h"

typedef enum SpoolState {
    SPOOL_STATE_START,        /* spool/start.3 */
    SPOOL_STATE_UNNAMED,      /* spool/tmp/ID alone, whatever is in it */
    SPOOL_STATE_TWO_NAMES,    /* spool/tmp/ID beside spool/queue/ID: both names of one rename */
    SPOOL_STATE_WAITING,      /* spool/queue/ID, with a recipient waiting */
    SPOOL_STATE_TORN,         /* likewise, and a note of the journal is not whole */
    SPOOL_STATE_DONE,         /* spool/queue/ID, with all recipients done */
    SPOOL_STATE_SECOND_START, /* another spool/start.2 beside the latest */
    SPOOL_STATE_DAMAGED,      /* spool/queue/ID that is no entry */
    SPOOL_STATE_STRANGE,      /* a file that the spool does not make */
    SPOOL_STATE_COUNT,
} SpoolState;

typedef enum SpoolRecovery {
    SPOOL_KEEPS,   /* makes it durable, and delivers what waits */
    SPOOL_REMOVES, /* nobody was told of it, or everybody was */
    SPOOL_RENAMES, /* the start's number goes up */
    SPOOL_LEAVES,  /* alone, and reports it */
} SpoolRecovery;

typedef struct SpoolStateInfo {
    const char *name;
    const char *reason; /* how it comes about, and why recovery does what it does */
    bool is_legal;
    SpoolRecovery recovery;
} SpoolStateInfo;

const SpoolStateInfo *spool_state_info(SpoolState state);

/* A file of the spool. */
typedef struct SpoolFile {
    char *path;
    SpoolState state;
} SpoolFile;

/* All files of the spool as they stand, in the order of their folders and names: SpoolFile, to
 * unref. Changes nothing. */
GArray *spool_survey(const Disk *disk);
/* Whether one of them is in a state that is not legal. */
bool spool_has_damage(const Disk *disk);
