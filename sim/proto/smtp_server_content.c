/* Mail content as it comes to the SMTP server: by DATA up to its final dot, by BDAT in chunks whose
 * sizes are told.
 *
 * Source: RFC 5321 §4.1.1.4, §4.5.3.1.9; RFC 3030 §2. */
#include "proto/smtp_server_internal.h"

void smtp_server_begin_data(SmtpServer *server)
{
    server->decoder = smtp_content_decoder(server->options.bare_newlines, SMTP_TEXT_LINE_MAXIMUM);
    const uint64_t maximum = server->options.message_maximum;
    server->content_size = 0;
    server->content_limit = maximum != 0 ? maximum : UINT64_MAX;
    server->is_beyond_ascii = false;
}

static void refuse_content(SmtpServer *server)
{
    SmtpReply reply = smtp_reply(500, "5.5.2", "Line too long");
    if (server->decoder.fault == SMTP_CONTENT_SOUND) {
        smtp_server_refuse_size(server, SMTP_SERVER_ON_CONTENT_REFUSED);
        return;
    }
    if (server->decoder.fault == SMTP_CONTENT_BARE_NEWLINE)
        reply = smtp_reply(550, "5.5.2", "Bare CR or LF is not allowed in a message");
    smtp_server_fire(server, SMTP_SERVER_ON_CONTENT_REFUSED, &reply);
}

static bool content_is_sound(const SmtpServer *server)
{
    return server->decoder.fault == SMTP_CONTENT_SOUND &&
           server->content_size <= server->content_limit;
}

/* Hands out a piece of the input that has been read. */
static void tell_content(SmtpServer *server, Span content, Octets *within)
{
    server->is_beyond_ascii = server->is_beyond_ascii || !span_is_ascii_within(content, within);
    server->event = (SmtpServerEvent){.kind = SMTP_SERVER_EVENT_CONTENT};
    server->event.content = content;
    server->event.within = within;
    server->has_event = content.length > 0;
}

bool smtp_server_step_data(SmtpServer *server)
{
    Octets *within = intake_bytes(&server->input);
    Span input = intake_peek(&server->input);
    if (input.length == 0)
        return false;
    SmtpContentPiece piece = smtp_content_decoder_read(&server->decoder, input, within);
    if (piece.consumed == 0)
        return false;
    intake_consume(&server->input, piece.consumed);
    server->epoch++;
    server->content_size += piece.content.length;
    if (piece.end) {
        if (content_is_sound(server))
            smtp_server_fire(server, SMTP_SERVER_ON_END_OF_CONTENT, NULL);
        else
            refuse_content(server);
    } else if (content_is_sound(server)) {
        tell_content(server, piece.content, piece.is_made_up ? NULL : within);
    }
    return true;
}

/* Chunks */

void smtp_server_begin_chunk(SmtpServer *server, bool is_first)
{
    if (is_first)
        smtp_server_begin_data(server);
}

/* The chunk has come to its end. A fault is told at once (RFC 3030 §2); further chunks of the
 * message are then out of order. */
static void finish_chunk(SmtpServer *server)
{
    if (server->chunk_is_last)
        smtp_content_decoder_add_chunk(&server->decoder, (Span){0}, true);
    if (!content_is_sound(server))
        refuse_content(server);
    else
        smtp_server_fire(
            server,
            server->chunk_is_last ? SMTP_SERVER_ON_END_OF_CONTENT : SMTP_SERVER_ON_CHUNK_END, NULL);
}

bool smtp_server_step_chunk(SmtpServer *server)
{
    if (server->chunk_left == 0) {
        finish_chunk(server);
        return true;
    }
    Octets *within = intake_bytes(&server->input);
    Span input = intake_peek(&server->input);
    Span octets = span_of(input.data, (size_t)MIN(input.length, server->chunk_left));
    if (octets.length == 0)
        return false;
    intake_consume(&server->input, octets.length);
    server->epoch++;
    server->chunk_left -= octets.length;
    server->content_size += octets.length;
    smtp_content_decoder_add_chunk(&server->decoder, octets, false);
    if (content_is_sound(server)) {
        tell_content(server, octets, within);
    }
    return true;
}

bool smtp_server_skip_chunk(SmtpServer *server)
{
    size_t count = (size_t)MIN(intake_peek(&server->input).length, server->chunk_left);
    if (count == 0)
        return false;
    intake_consume(&server->input, count);
    server->epoch++;
    server->chunk_left -= count;
    if (server->chunk_left == 0) {
        server->skipping_chunk = false;
        smtp_server_fire(server, SMTP_SERVER_ON_BDAT, NULL);
    }
    return true;
}
