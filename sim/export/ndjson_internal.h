/* What the files of the NDJSON writer share.
 *
 * Each function that puts something does so at a place where there is room for it, and returns the
 * place behind it. Where a record begins there is room for all of it, so that nobody has to look;
 * only what may be longer than all records are, a text of more than NDJSON_SHORT octets, makes its
 * own room (ndjson_make_room). */
#pragma once

#include "core/digits.h"
#include "export/ndjson.h"

#include <glib.h>
#include <string.h>

enum {
    NDJSON_ESCAPE_SIZE = 6,   /* the longest form of one octet, \u001f */
    NDJSON_IP_SIZE = 17,      /* "255.255.255.255" with its quotes */
    NDJSON_BLOCK = 64 * 1024, /* octets that are handed on at a time */
    NDJSON_SHORT = 64,        /* octets of a text for which there always is room, escaped */
    NDJSON_BEGINNING = sizeof "{\"seq\":,\"t\":" - 1 + 2 * DIGITS_SIZE,
    NDJSON_PIECE = 32, /* octets of a ready made text that are copied at once */
};

/* A text whose length the compiler knows. */
#define NDJSON_PUT(at, literal)                                                                    \
    ((char *)memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

/* ---- ndjson_octets.c ---- */

/* The octets of a text in quotes, escaped where they must be: NDJSON_ESCAPE_SIZE for each at most.
 */
char *ndjson_put_string(char *at, Span text);

/* ---- ndjson.c ---- */

/* The names of a node as its records have them; a length of 0 where that is longer than
 * NDJSON_PIECE, so that it is made anew each time. */
typedef struct NdjsonNodeForm {
    uint32_t host_length, ref_length;
    char host[NDJSON_PIECE]; /* "alice.laptop","cause": copied as a whole */
    char ref[NDJSON_PIECE];  /* "alice.laptop# likewise */
} NdjsonNodeForm;

/* A TraceField_NAME as it was written last: known by where it stands. */
typedef struct NdjsonName {
    const char *name;
    uint32_t length;
    char text[36]; /* in quotes; copied as a whole */
} NdjsonName;

/* A number or an address as it was written last. */
typedef struct NdjsonShortText {
    uint64_t number;
    uint32_t length;
    char text[DIGITS_SIZE]; /* copied as a whole */
} NdjsonShortText;

/* The beginning of a line, as of the record before. */
typedef struct NdjsonBeginning {
    uint64_t first_seq; /* of a hundred records that begin so, but for the last two digits */
    SimTime time;
    uint32_t seq_at, time_at; /* where those two digits come, and those of the time */
    uint32_t length;
    char text[NDJSON_BEGINNING]; /* {"seq":1200,"t":10000000 copied as a whole */
} NdjsonBeginning;

enum {
    NDJSON_RECENT_ADDRESSES = 64,
    NDJSON_NAME_BITS = 10, /* so many that two names which are in use seldom share a place */
    NDJSON_RECENT_NAMES = 1 << NDJSON_NAME_BITS,
};

struct NdjsonWriter {
    Trace *trace;
    NdjsonOutput output;
    TraceLevel level;
    bool has_frames;
    GByteArray *frame; /* the octets of the packet at hand */
    char *block;
    size_t length, capacity; /* of the block, used and allocated */
    NdjsonNodeForm *nodes;   /* of those that records have named so far, by id */
    uint32_t node_count;
    NdjsonBeginning beginning;
    DigitsLead cause_lead, time_lead; /* of the last record's number and time */
    NdjsonShortText addresses[NDJSON_RECENT_ADDRESSES];
    NdjsonName names[NDJSON_RECENT_NAMES];
};

/* Makes room for `count` octets at `at`, and for a whole record behind them; returns where `at` is
 * now. */
char *ndjson_make_room(NdjsonWriter *writer, char *at, size_t count);
/* For what the quick ways of ndjson_records.c are not made for: a text longer than there is room
 * for at once; a name that has not been written lately, and is remembered; nodes whose names are
 * long or not known here yet. */
char *ndjson_put_long_string(NdjsonWriter *writer, char *at, Span text);
char *ndjson_put_new_name(NdjsonWriter *writer, char *at, NdjsonName *place, const char *name);
char *ndjson_put_rare_host(NdjsonWriter *writer, char *at, NodeId node);
char *ndjson_put_rare_ref(NdjsonWriter *writer, char *at, TraceRef ref);
/* Adds the octets of the record's packet, if there are any to be shown. */
char *ndjson_put_frame(NdjsonWriter *writer, char *at, const TraceRecord *record);

/* ---- ndjson_records.c ---- */

/* The sink of a NdjsonWriter. */
void ndjson_write(void *writer, const TraceRecord *record);
/* What a record takes at most, but for what makes its own room. */
size_t ndjson_record_size(void);
/* At the beginning of a writer's life. */
void ndjson_init_numbers(NdjsonWriter *writer);

/* ---- ndjson_header.c ---- */

/* The first line; the caller frees it. */
GString *ndjson_header_line(const NdjsonHeader *header);
