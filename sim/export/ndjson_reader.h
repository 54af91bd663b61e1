/* A trace in NDJSON read back, line by line, as from a hostile hand: it may come from anybody.
 *
 * Each line is a JSON object of its own (RFC 8259), in UTF-8, of at most NDJSON_LINE_MAXIMUM
 * octets. The first is the header of a trace of this version. Each other one is a record: its `seq`
 * rises, its `t` does not fall, its causes are earlier records. Kinds and fields that this program
 * does not know are let through, since a newer one may have written them. */
#pragma once

#include "trace/trace.h"

enum { NDJSON_LINE_MAXIMUM = 8 * 1024 * 1024 }; /* the header of a large network is long */

/* A record as far as a reader has to know it; spans are borrowed from the line. */
typedef struct NdjsonRecord {
    uint64_t seq, cause, because; /* 0: none */
    SimTime time;
    Span kind;       /* as written, without the quotes */
    Span cause_text; /* the digits of the cause, so that a line can be written with another one */
} NdjsonRecord;

typedef struct NdjsonReader NdjsonReader;

NdjsonReader *ndjson_reader_new(void);
void ndjson_reader_free(NdjsonReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NdjsonReader, ndjson_reader_free)

/* Reads the next line, without its LF. True when it is as it should be; `record` is filled in, and
 * its seq is 0 for the header. After an error the reader is not to be used further. */
bool ndjson_reader_line(NdjsonReader *reader, Span line, NdjsonRecord *record);
/* Reads the next line as any JSON object, whatever its members are; errors as above. */
bool ndjson_reader_object(NdjsonReader *reader, Span line);
/* What is wrong: "3:17: a string has no end". Borrowed; NULL when nothing is. */
const char *ndjson_reader_error(const NdjsonReader *reader);
/* The same without the line, and the column in octets that it begins at, from 1. */
const char *ndjson_reader_defect(const NdjsonReader *reader, size_t *column);
