/* Pictures of a run for slides and pages: --svg [ladder=|queue=|map=]FILE and --mermaid FILE. */
#pragma once

#include "scenario/run.h"

typedef struct Pictures Pictures;

typedef struct PicturesOptions {
    char *const *svg;    /* each "KIND=FILE", or "FILE" for a ladder; NULL at the end; or NULL */
    const char *mermaid; /* FILE, or NULL */
    TraceLevel level;
    const char *follow; /* a mail, or NULL */
    bool is_unfolded;
} PicturesOptions;

/* Opens the files, before the run. NULL, with the error told, when one cannot be opened. */
Pictures *pictures_new(const Run *run, const PicturesOptions *options);
/* After the run; false, with the error told, when a file could not be written to its end. */
bool pictures_finish(Pictures *pictures);
void pictures_free(Pictures *pictures);
