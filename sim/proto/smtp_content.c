/* Dot-stuffing and its removal. See smtp_content.h. */
#include "proto/smtp_content.h"

#include "core/sanitized.h"

#include <string.h>

/* Reading */

SmtpContentDecoder smtp_content_decoder(SmtpBareNewlines bare_newlines, uint32_t line_maximum)
{
    /* The CRLF of the DATA command itself ends the line before the first (§4.1.1.4). */
    return (SmtpContentDecoder){
        .bare_newlines = bare_newlines, .at_line_start = true, .line_maximum = line_maximum};
}

static void decoder_fault(SmtpContentDecoder *decoder, SmtpContentFault fault)
{
    if (decoder->fault == SMTP_CONTENT_SOUND)
        decoder->fault = fault;
}

static void decoder_meet_bare_newline(SmtpContentDecoder *decoder)
{
    if (decoder->bare_newlines != SMTP_BARE_NEWLINES_KEPT)
        decoder_fault(decoder, SMTP_CONTENT_BARE_NEWLINE);
}

/* What a dot at the start of a line is. */
typedef enum Dot { DOT_UNDECIDED, DOT_STUFFED, DOT_FINAL } Dot;

static Dot classify_dot(const SmtpContentDecoder *decoder, Span input, size_t *length)
{
    if (input.length < 2)
        return DOT_UNDECIDED;
    *length = 2;
    if (decoder->bare_newlines == SMTP_BARE_NEWLINES_END_LINES && input.data[1] == '\n')
        return DOT_FINAL;
    if (input.data[1] != '\r')
        return DOT_STUFFED;
    if (input.length < 3)
        return DOT_UNDECIDED;
    *length = 3;
    return input.data[2] == '\n' ? DOT_FINAL : DOT_STUFFED;
}

/* Accounts for so many octets of a line, without its end. */
static void decoder_lengthen_line(SmtpContentDecoder *decoder, size_t length)
{
    if (length == 0)
        return;
    decoder->at_line_start = false;
    decoder->line_length += (uint32_t)length;
    if (decoder->line_length + 2 > decoder->line_maximum)
        decoder_fault(decoder, SMTP_CONTENT_LINE_TOO_LONG);
}

static void decoder_add_text(SmtpContentDecoder *decoder, Span text)
{
    decoder_lengthen_line(decoder, text.length);
    if (decoder->bare_newlines == SMTP_BARE_NEWLINES_REFUSED && span_find(text, '\r') < text.length)
        decoder_fault(decoder, SMTP_CONTENT_BARE_NEWLINE);
}

static void decoder_end_line(SmtpContentDecoder *decoder)
{
    decoder->at_line_start = true;
    decoder->line_length = 0;
}

/* A CR at the end of text may be half a CRLF and waits. */
static Span without_last_cr(Span text)
{
    bool has_cr = text.length > 0 && text.data[text.length - 1] == '\r';
    return span_of(text.data, text.length - has_cr);
}

/* Takes text that has no LF behind it yet. */
static size_t take_unfinished_line(SmtpContentDecoder *decoder, Span rest)
{
    Span text = without_last_cr(rest);
    decoder_add_text(decoder, text);
    return text.length;
}

/* Whether nothing need be looked for in octets of which that is known, but how their lines go on
 * from those before: they do not begin in the middle of a CRLF, nor with a dot, which has been
 * dealt with.
 */
static bool is_known(const SmtpContentDecoder *decoder, Span input, const Octets *within)
{
    return within != NULL && within->is_plain && decoder->line_maximum >= OCTETS_PLAIN_LINE_MAX &&
           input.length > 0 && input.data[0] != '\n';
}

/* As take_lines, of such octets: nothing but their first line and their last is looked at. */
static size_t take_known_lines(SmtpContentDecoder *decoder, Span input)
{
    Span text = without_last_cr(input), rest = text;
    if (!decoder->at_line_start) {
        size_t lf = span_find(rest, '\n');
        bool has_end = lf < rest.length;
        decoder_lengthen_line(decoder, has_end ? lf - 1 : lf);
        if (!has_end)
            return text.length;
        decoder_end_line(decoder);
        rest = span_skip(rest, lf + 1);
    }
    const uint8_t *end = rest.length > 0 ? memrchr(rest.data, '\n', rest.length) : NULL;
    size_t whole = end != NULL ? (size_t)(end + 1 - rest.data) : 0;
    CHECK_SANITIZED(span_is_plain(span_of(rest.data, whole)));
    decoder_lengthen_line(decoder, rest.length - whole);
    return text.length;
}

/* Text without the final dot where that is all that follows a line's end: it would be found to be
 * no plain line last, and what is in front of it looked at again. */
static Span without_final_dot(Span text)
{
    size_t length = strlen("\r\n.\r\n");
    bool has_dot =
        text.length >= length && memcmp(text.data + text.length - length, "\r\n.\r\n", length) == 0;
    return has_dot ? span_of(text.data, text.length - strlen(".\r\n")) : text;
}

/* Takes lines from `input` on, up to one that starts with a dot; returns their length. `*newline`
 * is set when a lone LF is the next octet and counts as a line end. */
static size_t take_lines(SmtpContentDecoder *decoder, Span input, bool *newline)
{
    size_t at = 0;
    while (at < input.length) {
        Span rest = span_skip(input, at);
        if (decoder->at_line_start) {
            /* With nearly all lines nothing is the matter. */
            size_t plain = span_plain_lines(without_final_dot(rest));
            plain = span_short_lines(span_of(rest.data, plain), decoder->line_maximum);
            at += plain;
            rest = span_skip(rest, plain);
            if (rest.length == 0 || rest.data[0] == '.')
                break;
        }
        size_t lf = span_find(rest, '\n');
        if (lf == rest.length)
            return at + take_unfinished_line(decoder, rest);
        if (lf > 0 && rest.data[lf - 1] == '\r') {
            decoder_add_text(decoder, span_of(rest.data, lf - 1));
            decoder_end_line(decoder);
            at += lf + 1;
            continue;
        }
        decoder_add_text(decoder, span_of(rest.data, lf));
        if (decoder->bare_newlines == SMTP_BARE_NEWLINES_END_LINES) {
            *newline = true;
            return at + lf;
        }
        decoder_meet_bare_newline(decoder);
        /* It ends no line, so that a dot behind it is neither stuffed nor final. */
        decoder->at_line_start = false;
        at += lf + 1;
    }
    return at;
}

SmtpContentPiece smtp_content_decoder_read(SmtpContentDecoder *decoder, Span input,
                                           const Octets *within)
{
    size_t dots = 0;
    if (decoder->at_line_start && input.length > 0 && input.data[0] == '.') {
        size_t length = 0;
        switch (classify_dot(decoder, input, &length)) {
        case DOT_UNDECIDED:
            return (SmtpContentPiece){0};
        case DOT_FINAL:
            return (SmtpContentPiece){.consumed = length, .end = true};
        case DOT_STUFFED:
            /* §4.5.2: the first character is a dot and others follow: it is deleted. */
            decoder->at_line_start = false;
            decoder->may_have_dots = true;
            dots = 1;
        }
    }
    Span rest = span_skip(input, dots);
    bool newline = false;
    size_t length = is_known(decoder, rest, within) ? take_known_lines(decoder, rest)
                                                    : take_lines(decoder, rest, &newline);
    if (newline && length == 0) {
        decoder_end_line(decoder);
        return (SmtpContentPiece){
            .content = span_of_text("\r\n"), .consumed = dots + 1, .is_made_up = true};
    }
    return (SmtpContentPiece){.content = span_of(rest.data, length), .consumed = dots + length};
}

void smtp_content_decoder_add_chunk(SmtpContentDecoder *decoder, Span octets, bool is_last)
{
    decoder->may_have_dots = true; /* which are nothing special here */
    for (size_t i = 0; i < octets.length; i++) {
        bool is_lf = octets.data[i] == '\n';
        if (is_lf != decoder->after_cr)
            decoder_meet_bare_newline(decoder);
        decoder->after_cr = octets.data[i] == '\r';
        decoder->line_length = is_lf ? 0 : decoder->line_length + 1;
        if (decoder->line_length + 1 > decoder->line_maximum) /* its CR is counted, its LF not */
            decoder_fault(decoder, SMTP_CONTENT_LINE_TOO_LONG);
    }
    if (is_last && decoder->after_cr)
        decoder_meet_bare_newline(decoder);
}

/* Writing */

enum { LINE_END_ROOM = 2 };

SmtpContentEncoder smtp_content_encoder(bool send_bare_newlines, bool is_chunked)
{
    return (SmtpContentEncoder){
        .send_bare_newlines = send_bare_newlines, .is_chunked = is_chunked, .at_line_start = true};
}

/* A CR or LF that is not part of a pair. */
static void encoder_write_bare(SmtpContentEncoder *encoder, const char *octet, Buffer *output)
{
    encoder->at_line_start = !encoder->send_bare_newlines;
    buffer_append_text(output, encoder->send_bare_newlines ? octet : "\r\n");
}

/* Appends text up to the next CR or LF, a dot before it where the line starts with one; returns how
 * much of `source` that was. */
static size_t encoder_write_text(SmtpContentEncoder *encoder, Span source, Buffer *output)
{
    size_t length = MIN(source.length, buffer_room(output) - 1);
    length = span_find(span_of(source.data, length), '\n');
    length = span_find(span_of(source.data, length), '\r');
    if (encoder->at_line_start && source.data[0] == '.' && !encoder->is_chunked)
        buffer_append_text(output, ".");
    encoder->at_line_start = false;
    buffer_append(output, span_of(source.data, length));
    return length;
}

size_t smtp_content_encoder_write(SmtpContentEncoder *encoder, Span source, Buffer *output)
{
    size_t at = 0;
    while (at < source.length && buffer_room(output) >= LINE_END_ROOM) {
        uint8_t octet = source.data[at];
        if (encoder->at_line_start && !encoder->pending_cr) {
            Span rest = span_of(source.data + at, MIN(source.length - at, buffer_room(output)));
            size_t lines = span_plain_lines(rest);
            buffer_append(output, span_of(source.data + at, lines));
            at += lines;
            if (lines > 0)
                continue;
        }
        if (encoder->pending_cr) {
            encoder->pending_cr = false;
            if (octet == '\n') {
                buffer_append_text(output, "\r\n");
                encoder->at_line_start = true;
                at++;
            } else {
                encoder_write_bare(encoder, "\r", output);
            }
        } else if (octet == '\r') {
            encoder->pending_cr = true;
            at++;
        } else if (octet == '\n') {
            encoder_write_bare(encoder, "\n", output);
            at++;
        } else {
            at += encoder_write_text(encoder, span_skip(source, at), output);
        }
    }
    return at;
}

bool smtp_content_encoder_finish(SmtpContentEncoder *encoder, Buffer *output)
{
    if (buffer_room(output) < SMTP_CONTENT_FINISH_ROOM)
        return false;
    if (encoder->pending_cr)
        encoder_write_bare(encoder, "\r", output);
    encoder->pending_cr = false;
    if (!encoder->at_line_start)
        buffer_append_text(output, "\r\n");
    encoder->at_line_start = true;
    return encoder->is_chunked || buffer_append_text(output, ".\r\n");
}
