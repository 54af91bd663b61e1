/* What FETCH asks of a message and how a part is cut from it. RFC 9051 §6.4.5, §7.5.2. */
#pragma once

#include "proto/imap_lexer.h"

enum {
    IMAP_FETCH_ITEMS_MAXIMUM = 32,
    IMAP_SECTION_FIELDS_MAXIMUM = 64, /* names in HEADER.FIELDS (...) */
    IMAP_SECTION_DEPTH_MAXIMUM = 32,  /* numbers in BODY[1.2.1]; parts go no deeper */
};

typedef enum ImapFetchKind {
    IMAP_FETCH_UID,
    IMAP_FETCH_FLAGS,
    IMAP_FETCH_DATE,
    IMAP_FETCH_SIZE,
    IMAP_FETCH_ENVELOPE,
    IMAP_FETCH_BODY,      /* BODYSTRUCTURE without its extension data */
    IMAP_FETCH_STRUCTURE, /* BODYSTRUCTURE */
    IMAP_FETCH_SECTION,   /* BODY[…] */
    IMAP_FETCH_BINARY,    /* BINARY[…]: a part without its transfer encoding (RFC 3516) */
    IMAP_FETCH_BINARY_SIZE,
    IMAP_FETCH_KINDS,
} ImapFetchKind;

typedef enum ImapSectionPart {
    IMAP_SECTION_WHOLE,
    IMAP_SECTION_HEADER,
    IMAP_SECTION_FIELDS,     /* HEADER.FIELDS (...) */
    IMAP_SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT (...) */
    IMAP_SECTION_TEXT,
    IMAP_SECTION_MIME, /* the header of a part, behind its number */
} ImapSectionPart;

typedef struct ImapFetchItem {
    ImapFetchKind kind;
    ImapSectionPart part; /* with SECTION alone, as `fields` is; all else below with a section */
    uint32_t *path;       /* part numbers from the uppermost on, owned */
    size_t path_length;   /* 0: the message itself */
    bool peek;            /* does not set \Seen */
    bool partial;         /* <first.count> */
    uint64_t first, count;
    GPtrArray *fields; /* names of header fields, owned */
    GString *label;    /* as the response names it: "BODY[TEXT]<0>" */
} ImapFetchItem;

typedef struct ImapFetch {
    ImapFetchItem items[IMAP_FETCH_ITEMS_MAXIMUM + 1]; /* and UID, which UID FETCH adds */
    size_t count;
} ImapFetch;

void imap_fetch_clear(ImapFetch *fetch);
/* One item, a list of them, or a macro. */
bool imap_lexer_fetch(ImapLexer *lexer, ImapFetch *fetch);
/* A set of ImapNeed. */
unsigned imap_fetch_needs(const ImapFetch *fetch);
bool imap_fetch_asks(const ImapFetch *fetch, ImapFetchKind kind);
/* Whether it sets \Seen, RFC 9051 §6.4.5 BODY[<section>]. */
bool imap_fetch_sets_seen(const ImapFetch *fetch);
/* Puts UID in front unless it is asked for already. */
void imap_fetch_add_uid(ImapFetch *fetch);

typedef enum ImapCut {
    IMAP_CUT_DONE,
    IMAP_CUT_NO_PART,          /* the message has no such part, or, for BINARY, no such leaf: NIL */
    IMAP_CUT_UNKNOWN_ENCODING, /* BINARY alone: its Content-Transfer-Encoding is none that is known
                                */
} ImapCut;
/* What an item of SECTION, BINARY or BINARY_SIZE names of a message; the caller clears it. */
ImapCut imap_section_cut(const ImapFetchItem *item, Slice message, Slice *cut);
