/* What is wrong with a scenario file, and where: a list that the caller prints.
 *
 * Each entry has the form compilers use, so that editors can jump to it:
 *
 *     lunch.yaml:12:9: error: unknown key `dealy`; did you mean `delay`?
 *        12 |         dealy: 10 ms
 *           |         ^~~~~
 */
#pragma once

#include "core/bytes.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Where something stands in the file; both count from 1, columns in characters (not bytes). A line
 * of 0 means that it stands nowhere: it is a default. */
typedef struct SourcePosition {
    uint32_t line;
    uint32_t column;
} SourcePosition;

typedef enum Severity {
    SEVERITY_ERROR,
    SEVERITY_WARNING,
} Severity;

typedef struct Diagnostic {
    Severity severity;
    SourcePosition at;
    uint32_t length; /* characters to underline, at least 1 */
    char *text;      /* one sentence without a full stop; control characters escaped */
} Diagnostic;

enum {
    DIAGNOSTICS_KEPT = 1000,  /* further ones are only counted */
    DIAGNOSTICS_PRINTED = 50, /* further ones are summed up in one line */
};

typedef struct Diagnostics Diagnostics;

Diagnostics *diagnostics_new(void);
void diagnostics_free(Diagnostics *diagnostics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Diagnostics, diagnostics_free)

/* Names the file and keeps a copy of its bytes, for the source lines. Forgets earlier entries. */
void diagnostics_set_source(Diagnostics *diagnostics, const char *name, Span bytes);

/* Adds an entry; `length` is the number of characters to underline. */
void diagnostics_add(Diagnostics *diagnostics, Severity severity, SourcePosition at,
                     uint32_t length, const char *format, ...) G_GNUC_PRINTF(5, 6);
/* An error of a later layer about an element of the model. */
void diagnostics_error(Diagnostics *diagnostics, SourcePosition at, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* How many there are, those that are not kept included. */
size_t diagnostics_error_count(const Diagnostics *diagnostics);
size_t diagnostics_warning_count(const Diagnostics *diagnostics);
/* How many are kept; index < this. Entries are sorted by position, valid until the next change. */
size_t diagnostics_kept(const Diagnostics *diagnostics);
const Diagnostic *diagnostics_peek(const Diagnostics *diagnostics, size_t index);
/* Sorts by line, then column; entries at one position keep their order. The reader has done it. */
void diagnostics_sort(Diagnostics *diagnostics);

/* Appends what a person reads: each entry with its source line and a caret line. */
void diagnostics_format(const Diagnostics *diagnostics, GString *out);
void diagnostics_print(const Diagnostics *diagnostics, FILE *out);
