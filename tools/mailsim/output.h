/* Files that a run writes, with what goes wrong told on standard error. */
#pragma once

#include "core/bytes.h"

#include <stdio.h>

/* A file that is written without following links, so that no other file is ever overwritten.
 * Zeroed: not open. */
typedef struct OutputFile {
    FILE *file;
    const char *path; /* borrowed */
    bool has_failed;
} OutputFile;

/* Whether a path that is to be written is not that of the input; false with the error told. Of
 * "KIND=FILE" the part behind counts. NULL is well. */
bool output_spares(const char *input, const char *path);
/* Whether it is `-`, which stands for standard output. */
bool output_is_standard(const char *path);
bool output_open(OutputFile *output, const char *path);
/* Takes an OutputFile *; what goes wrong is remembered for output_close. */
void output_write(void *output, Span bytes);
/* False when the file could not be written to its end. A file that is not open is well. */
bool output_close(OutputFile *output);
