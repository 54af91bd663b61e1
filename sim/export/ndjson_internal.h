/* What the files of the NDJSON writer share.
 *
 * Each function puts something at a place where there is room for it, and returns the place behind
 * it. */
#pragma once

#include "export/ndjson.h"

#include <glib.h>
#include <string.h>

enum {
    NDJSON_NUMBER_SIZE = 20, /* digits of a 64-bit number, or a sign and digits */
    NDJSON_ESCAPE_SIZE = 6,  /* the longest form of one octet, \u001f */
};

/* A text whose length the compiler knows. */
#define NDJSON_PUT(at, literal)                                                                    \
    ((char *)memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

char *ndjson_put_unsigned(char *at, uint64_t number);
char *ndjson_put_signed(char *at, int64_t number);
/* The octets of a text, escaped where they must be: NDJSON_ESCAPE_SIZE for each at most. */
char *ndjson_put_escaped(char *at, Span text);
/* The same in quotes. */
char *ndjson_put_string(char *at, Span text);

/* ndjson_header.c: the first line; the caller frees it. */
GString *ndjson_header_line(const NdjsonHeader *header);
