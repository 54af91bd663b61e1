/* SEARCH programs: parsed to a tree, judged message by message. RFC 9051 §6.4.4.
 *
 * A judgement has three outcomes: what has not been asked of the node about a message may leave it
 * open, and then the engine asks for it.
 *
 * Texts are looked for in what a person reads, whatever the case: mail/message_search.h. Left out:
 * the SAVE option. KEYWORD finds nothing, since no keywords are kept. */
#pragma once

#include "proto/imap_lexer.h"

enum {
    IMAP_SEARCH_KEYS_MAXIMUM = 256,
    IMAP_SEARCH_DEPTH_MAXIMUM = 16, /* of NOT, OR and parentheses */
};

typedef struct ImapSearchKey ImapSearchKey;

/* What the result must say, RFC 9051 §6.4.4 result options; a set. */
typedef enum ImapSearchReturn {
    IMAP_SEARCH_MIN = 1 << 0,
    IMAP_SEARCH_MAX = 1 << 1,
    IMAP_SEARCH_ALL = 1 << 2,
    IMAP_SEARCH_COUNT = 1 << 3,
} ImapSearchReturn;

typedef struct ImapSearch {
    GArray *keys;     /* of ImapSearchKey: the whole tree, the root first */
    unsigned returns; /* a set of ImapSearchReturn; 0: the client gave no RETURN */
    bool bad_charset; /* neither US-ASCII nor UTF-8 */
    bool unsupported; /* an option that is left out */
    ImapWrong wrong;  /* of the arguments */
} ImapSearch;

void imap_search_clear(ImapSearch *search);
/* The arguments of SEARCH, from RETURN on. */
bool imap_lexer_search(ImapLexer *lexer, ImapSearch *search);
/* Gives "*" its meaning. False: a message number is larger than there are messages. */
bool imap_search_resolve(ImapSearch *search, uint32_t messages, uint32_t largest_uid);

/* A message as far as it is known. */
typedef struct ImapSearchMessage {
    uint32_t number, uid;
    unsigned known; /* a set of ImapNeed */
    ImapFlags flags;
    uint64_t size_octets;
    const char *date;
    Span content;
} ImapSearchMessage;

typedef enum ImapSearchVerdict {
    IMAP_SEARCH_NO,
    IMAP_SEARCH_OPEN, /* `needs` would settle it */
    IMAP_SEARCH_YES,
} ImapSearchVerdict;

/* `needs`: a set of ImapNeed, given with OPEN. */
ImapSearchVerdict imap_search_judge(const ImapSearch *search, const ImapSearchMessage *message,
                                    unsigned *needs);
