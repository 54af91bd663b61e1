/* Bytes to send: text, with large message contents between it by reference and not copied. */
#pragma once

#include "core/bytes.h"

enum {
    IMAP_OUTPUT_TEXT_MAXIMUM = 16 * 1024 * 1024,
    IMAP_OUTPUT_COPY_MAXIMUM = 4096,    /* shorter contents are copied into the text */
    IMAP_OUTPUT_CONTENTS_MAXIMUM = 256, /* contents waiting by reference */
};

typedef struct ImapOutput {
    Buffer text;
    GArray *contents; /* of struct OutputContent, in order */
    size_t length;    /* of everything that waits */
} ImapOutput;

void imap_output_init(ImapOutput *output);
void imap_output_clear(ImapOutput *output);
/* False, with nothing taken: a maximum would be exceeded. */
bool imap_output_append(ImapOutput *output, Span text);
/* Takes its own reference. */
bool imap_output_append_slice(ImapOutput *output, Slice content);
/* The next contiguous part; empty only when nothing waits. */
Span imap_output_peek(const ImapOutput *output);
/* `count` is at most the length of imap_output_peek(). */
void imap_output_consume(ImapOutput *output, size_t count);
