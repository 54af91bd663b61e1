/* What FETCH asks of a message and how a part is cut from it. RFC 9051 §6.4.5, §7.5.2.
 *
 * Left out: MIME parts (BODY[1], BODY[1.MIME]), BODY and BODYSTRUCTURE, ENVELOPE, BINARY. A client
 * that asks for one of them is answered NO. */
#pragma once

#include "proto/imap_lexer.h"

enum {
    IMAP_FETCH_ITEMS_MAXIMUM = 32,
    IMAP_SECTION_FIELDS_MAXIMUM = 64, /* names in HEADER.FIELDS (...) */
};

typedef enum ImapFetchKind {
    IMAP_FETCH_UID,
    IMAP_FETCH_FLAGS,
    IMAP_FETCH_DATE,
    IMAP_FETCH_SIZE,
    IMAP_FETCH_SECTION,
} ImapFetchKind;

typedef enum ImapSectionPart {
    IMAP_SECTION_WHOLE,
    IMAP_SECTION_HEADER,
    IMAP_SECTION_FIELDS,     /* HEADER.FIELDS (...) */
    IMAP_SECTION_FIELDS_NOT, /* HEADER.FIELDS.NOT (...) */
    IMAP_SECTION_TEXT,
} ImapSectionPart;

typedef struct ImapFetchItem {
    ImapFetchKind kind;
    ImapSectionPart part; /* with SECTION, as all below */
    bool peek;            /* does not set \Seen */
    bool partial;         /* <first.count> */
    uint64_t first, count;
    GPtrArray *fields; /* names of header fields, owned */
    GString *label;    /* as the response names it: "BODY[TEXT]<0>" */
} ImapFetchItem;

typedef struct ImapFetch {
    ImapFetchItem items[IMAP_FETCH_ITEMS_MAXIMUM + 1]; /* and UID, which UID FETCH adds */
    size_t count;
    bool unsupported; /* the client asks for something that is left out */
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
/* What the item names of a message; the caller clears it. */
Slice imap_section_cut(const ImapFetchItem *item, Slice message);
