/* The captures that a run writes: --pcap FILE and --pcap-at HOST=FILE. */
#pragma once

#include "scenario/run.h"

typedef struct Captures Captures;

/* What the options say; both may be NULL. */
typedef struct CapturesOptions {
    const char *network_file; /* of --pcap */
    char *const *host_files;  /* "HOST=FILE" of each --pcap-at, NULL at the end */
} CapturesOptions;

/* Opens the files, before the run. NULL, with the error told, when one cannot be opened or a host
 * is none. */
Captures *captures_new(const Run *run, const CapturesOptions *options);
/* After the run; false, with the error told, when a file could not be written to its end. */
bool captures_finish(Captures *captures);
void captures_free(Captures *captures);
