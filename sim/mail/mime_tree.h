/* The MIME parts of a message as ranges of its octets: what IMAP's part numbers and BODYSTRUCTURE
 * mean, where every octet counts.
 *
 * Source: RFC 2045 (fields of a part), RFC 2046 §5.1 (multipart), §5.2.1 (message/rfc822), RFC 2183
 * (Content-Disposition). Any octets are safe. What cannot be taken apart (a multipart without
 * boundary or parts) is a text/plain part, as RFC 2045 §5.2 says of a wrong Content-Type. */
#pragma once

#include "core/bytes.h"

enum {
    MIME_DEPTH_MAX = 32,      /* parts within parts; a multipart deeper than that is a leaf */
    MIME_PARTS_MAX = 1000,    /* of one message; further ones are left out */
    MIME_PARAMETERS_MAX = 64, /* of one field; likewise */
};

typedef struct MimeParameter {
    char *name, *value; /* the value without quotes and backslashes */
} MimeParameter;

/* `text/plain; charset=utf-8`, or `attachment; filename=a.txt` without a subtype. */
typedef struct MimeField {
    char *type;         /* NULL: the field is absent, or wrong */
    char *subtype;      /* NULL when there is none */
    GArray *parameters; /* MimeParameter; NULL when there is none */
} MimeField;

typedef struct MimePart {
    Span header;       /* up to the body, with the empty line that ends it; of a message its own */
    Span body;         /* without the line end that belongs to the boundary behind it */
    MimeField content; /* Content-Type, or what it is by default; never absent */
    struct MimePart **parts; /* of a multipart; of a message/rfc822 the one message that it holds */
    size_t part_count;
} MimePart;

/* The whole message as its uppermost part; borrows its octets. */
MimePart *mime_tree_new(Span message);
void mime_tree_free(MimePart *part);

bool mime_part_is_multipart(const MimePart *part);
/* Whether parts[0] is an encapsulated message. */
bool mime_part_is_message(const MimePart *part);
/* A field of its header such as Content-ID, unfolded; NULL when absent. To free. */
char *mime_part_dup_field(const MimePart *part, const char *name);
/* Whether it has no transfer encoding that changes octets. */
bool mime_part_is_as_it_is(const MimePart *part);
/* Its body without the transfer encoding (RFC 2045 §6); NULL when that is none that is known. To
 * unref. */
Octets *mime_part_decode(const MimePart *part);
/* A field such as Content-Disposition taken apart; to clear. */
MimeField mime_part_field(const MimePart *part, const char *name);
/* The value of a parameter, borrowed; NULL when there is none of that name. */
const char *mime_field_parameter(const MimeField *field, const char *name);
void mime_field_clear(MimeField *field);
