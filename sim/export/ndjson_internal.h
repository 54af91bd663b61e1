/* What the files of the NDJSON writer share.
 *
 * Each function that puts something does so at a place where there is room for it, and returns the
 * place behind it. Where a record begins there is room for all of it, so that nobody has to look;
 * only what may be longer than all records are, a text of more than NDJSON_SHORT octets, makes its
 * own room (ndjson_make_room). */
#pragma once

#include "export/ndjson.h"

#include <glib.h>
#include <string.h>

enum {
    NDJSON_NUMBER_SIZE = 20, /* digits of a 64-bit number, or a sign and digits */
    NDJSON_ESCAPE_SIZE = 6,  /* the longest form of one octet, \u001f */
    NDJSON_IP_SIZE = 17,     /* "255.255.255.255" with its quotes */
    NDJSON_SHORT = 64,       /* octets of a text for which there always is room, escaped */
    NDJSON_PIECE = 32,       /* octets of a ready made text that are copied at once */
};

/* A text whose length the compiler knows. */
#define NDJSON_PUT(at, literal)                                                                    \
    ((char *)memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

/* ---- ndjson_numbers.c ---- */

char *ndjson_put_unsigned(char *at, uint64_t number);
char *ndjson_put_signed(char *at, int64_t number);

/* The leading digits that numbers close to each other have in common: all but the last four, or
 * the last eight. */
typedef struct NdjsonLead {
    uint64_t first;  /* of the numbers that begin with them */
    uint32_t length; /* how many they are */
    char digits[16]; /* copied as a whole */
} NdjsonLead;

enum { NDJSON_FOUR_DIGITS = 10000, NDJSON_EIGHT_DIGITS = 100000000 };

/* `size` is NDJSON_FOUR_DIGITS or NDJSON_EIGHT_DIGITS. */
NdjsonLead ndjson_lead_new(uint64_t size);
/* Takes over those of the number, unless it has no more digits than `size` leaves open. */
void ndjson_lead_move(NdjsonLead *lead, uint64_t size, uint64_t number);
/* Any number, with less effort for one that begins with these digits. */
char *ndjson_put_led_four(char *at, const NdjsonLead *lead, uint64_t number);
char *ndjson_put_led_eight(char *at, const NdjsonLead *lead, int64_t number);

/* ---- ndjson_octets.c ---- */

/* The octets of a text, escaped where they must be: NDJSON_ESCAPE_SIZE for each at most. */
char *ndjson_put_escaped(char *at, Span text);
/* The same in quotes. */
char *ndjson_put_string(char *at, Span text);

/* ---- ndjson.c ---- */

/* A text made ready, with memory of NDJSON_PIECE octets at least: it is copied without a look at
 * how long it is, unless it is longer than that. */
typedef struct NdjsonPiece {
    char *text;
    size_t length;
} NdjsonPiece;

/* The names of a node. */
typedef struct NdjsonNodeForm {
    NdjsonPiece host; /* "alice.laptop","cause": */
    NdjsonPiece ref;  /* "alice.laptop# */
} NdjsonNodeForm;

/* A number or an address as it was written last. */
typedef struct NdjsonShortText {
    uint64_t number;
    uint32_t length;
    char text[NDJSON_NUMBER_SIZE]; /* copied as a whole */
} NdjsonShortText;

enum { NDJSON_RECENT_ADDRESSES = 64 };

struct NdjsonWriter {
    Trace *trace;
    NdjsonOutput output;
    TraceLevel level;
    bool has_frames;
    GByteArray *frame; /* the octets of the packet at hand */
    bool (*holds)(TraceKind kind);
    char *block;
    size_t length, capacity; /* of the block, used and allocated */
    NdjsonNodeForm *nodes;   /* of those that records have named so far, by id */
    uint32_t node_count;
    NdjsonLead seq_lead, time_lead; /* of the last record's number and time */
    NdjsonShortText time;           /* of the last record */
    NdjsonShortText addresses[NDJSON_RECENT_ADDRESSES];
};

/* Makes room for `count` octets at `at`, and for a whole record behind them; returns where `at` is
 * now. */
char *ndjson_make_room(NdjsonWriter *writer, char *at, size_t count);
/* Asks the simulator for the nodes that are not in writer->nodes yet. */
void ndjson_learn_nodes(NdjsonWriter *writer);

/* ---- ndjson_records.c ---- */

/* Puts the record, without its line's end. */
char *ndjson_put_record(NdjsonWriter *writer, char *at, const TraceRecord *record);
/* What a record takes at most, but for what makes its own room. */
size_t ndjson_record_size(void);
/* At the beginning of a writer's life. */
void ndjson_init_numbers(NdjsonWriter *writer);

/* ---- ndjson_header.c ---- */

/* The first line; the caller frees it. */
GString *ndjson_header_line(const NdjsonHeader *header);
