/* The words of a structured header field, one after the other; comments and folds are passed over.
 *
 * Any octets are safe: what is not finished ends with the field.
 *
 * Source: RFC 5322 §3.2 (white space, comments, atoms, quoted strings), §3.4.1 (domain literals);
 * RFC 2045 §5.1 (tokens). */
#pragma once

#include "core/bytes.h"

typedef enum FieldTokenKind {
    FIELD_TOKEN_END,
    FIELD_TOKEN_WORD,      /* an atom, a dot-atom, or a token */
    FIELD_TOKEN_QUOTED,    /* what stands between the quotes, backslashes and all */
    FIELD_TOKEN_LITERAL,   /* what stands between the brackets */
    FIELD_TOKEN_SEPARATOR, /* one octet */
} FieldTokenKind;

typedef struct FieldToken {
    FieldTokenKind kind;
    Span text; /* borrowed from the field */
} FieldToken;

/* The specials of RFC 5322 §3.2.3 without the dot, and the tspecials of RFC 2045 §5.1, as far as
 * they are not told by their kind. */
#define FIELD_SEPARATORS_ADDRESS "<>@,;:"
#define FIELD_SEPARATORS_MIME    "<>@,;:/?="

/* Takes the next token off the front of `rest`. A word ends before white space, a comment, a quote,
 * a bracket, or one of `separators`. */
FieldToken field_token_take(Span *rest, const char *separators);
bool field_token_is(const FieldToken *token, char separator);
/* What the token means: without backslashes, line ends and NUL. */
void field_token_append(const FieldToken *token, GString *text);
