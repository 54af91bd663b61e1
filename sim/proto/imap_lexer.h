/* The words of an IMAP line: atoms, strings, numbers, sets, lists. RFC 9051 §4, §9.
 *
 * A lexer walks over one complete line, CRLF excluded, in which literals lie where they stand:
 * "{5}\r\nAlice". Each function takes one word from the front and returns false, with the lexer
 * anywhere, when the line does not continue that way.
 *
 * The bytes belong to the caller and must be writable: a quoted string is unescaped in place, so
 * that every word can be lent as a Span into the line. */
#pragma once

#include "proto/imap.h"

#include <stdbool.h>

typedef struct ImapLexer {
    uint8_t *at, *end;
} ImapLexer;

enum {
    IMAP_LEXER_DEPTH_MAXIMUM = 16,  /* parentheses within parentheses */
    IMAP_SET_RANGES_MAXIMUM = 4096, /* "1,3:5" has two ranges */
};

/* The first thing that is wrong of a command's arguments, which is the innermost, and what would be
 * right; both texts are constant, and NULL while nothing is. */
typedef struct ImapWrong {
    const char *argument, *rule;
} ImapWrong;

/* Gives `right` back; where it is false, and nothing was wrong before, notes the two texts. */
bool imap_want(ImapWrong *wrong, bool right, const char *argument, const char *rule);

bool imap_lexer_at_end(const ImapLexer *lexer);
/* The next octet, or 0 at the end (NUL is in no IMAP word). */
uint8_t imap_lexer_peek(const ImapLexer *lexer);
/* This very octet. */
bool imap_lexer_char(ImapLexer *lexer, char octet);
bool imap_lexer_space(ImapLexer *lexer);
/* The keyword without regard to case; takes nothing when it is another word. */
bool imap_lexer_keyword(ImapLexer *lexer, const char *keyword);

/* RFC 9051 §9 tag, atom, astring, string, nstring (NIL: data is NULL), list-mailbox. */
bool imap_lexer_tag(ImapLexer *lexer, Span *tag);
bool imap_lexer_atom(ImapLexer *lexer, Span *atom);
bool imap_lexer_astring(ImapLexer *lexer, Span *string);
bool imap_lexer_string(ImapLexer *lexer, Span *string);
bool imap_lexer_nstring(ImapLexer *lexer, Span *string);
bool imap_lexer_pattern(ImapLexer *lexer, Span *pattern);
/* A literal and nothing else. */
bool imap_lexer_literal(ImapLexer *lexer, Span *content);
/* An astring in which any spelling of INBOX has become "INBOX", RFC 9051 §5.1. */
bool imap_lexer_mailbox(ImapLexer *lexer, Span *mailbox);

bool imap_lexer_number(ImapLexer *lexer, uint64_t maximum, uint64_t *number);
bool imap_lexer_number32(ImapLexer *lexer, uint32_t *number);
/* "(\\Seen \\Deleted)"; unknown flags and keywords are taken and left out. */
bool imap_lexer_flag_list(ImapLexer *lexer, ImapFlags *flags);
/* Flags without parentheses, up to a word that is none. */
bool imap_lexer_flags(ImapLexer *lexer, ImapFlags *flags);
/* Any one value: atom, string or a parenthesised list of values. */
bool imap_lexer_skip_value(ImapLexer *lexer);

/* A sequence set or UID set, RFC 9051 §4.1.1. */
typedef struct ImapRange {
    uint32_t first, last; /* 0 stands for "*" until the set is resolved */
} ImapRange;

typedef struct ImapSet {
    ImapRange *ranges;
    size_t count;
} ImapSet;

void imap_set_clear(ImapSet *set);
bool imap_lexer_set(ImapLexer *lexer, ImapSet *set);
/* Gives "*" its meaning, the largest number in use, then orders and joins the ranges. With
 * `largest` 0 the mailbox is empty and "*" is no number: such ranges go. */
void imap_set_resolve(ImapSet *set, uint32_t largest);
/* Of a resolved set. */
bool imap_set_contains(const ImapSet *set, uint32_t number);
/* The largest number of a resolved set, or 0. */
uint32_t imap_set_largest(const ImapSet *set);
/* Appends "1:3,5" for numbers in their own order; neighbours that rise by one make a range. */
void imap_set_append_text(GString *text, const uint32_t *numbers, size_t count);
