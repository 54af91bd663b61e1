/* The offer of extensions. See smtp_offer.h. */
#include "proto/smtp_offer.h"

#include "core/text.h"
#include "proto/smtp.h"

#include <string.h>

static const struct {
    uint32_t extension;
    const char *line;
} extension_lines[] = {
    {SMTP_EXTENSION_PIPELINING, "\nPIPELINING"},
    {SMTP_EXTENSION_8BITMIME, "\n8BITMIME"},
    {SMTP_EXTENSION_ENHANCEDSTATUSCODES, "\nENHANCEDSTATUSCODES"},
    {SMTP_EXTENSION_DSN, "\nDSN"},
    {SMTP_EXTENSION_SMTPUTF8, "\nSMTPUTF8"},
    {SMTP_EXTENSION_CHUNKING, "\nCHUNKING"},
    {SMTP_EXTENSION_STARTTLS, "\nSTARTTLS"},
    {SMTP_EXTENSION_EXPN, "\nEXPN"},
    {SMTP_EXTENSION_HELP, "\nHELP"},
    {SMTP_EXTENSION_AUTH, "\nAUTH PLAIN LOGIN"},
};

static GString *put_lines(uint32_t extensions, uint64_t message_maximum)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(extension_lines); i++) {
        if (extensions & extension_lines[i].extension)
            g_string_append(text, extension_lines[i].line);
    }
    /* RFC 1870 §4: 0 says that there is no fixed maximum. */
    if (extensions & SMTP_EXTENSION_SIZE) {
        char number[TEXT_NUMBER_SIZE];
        g_string_append(text, "\nSIZE ");
        g_string_append(text, text_number(message_maximum, 1, number));
    }
    return text;
}

static void write_wire(const GString *text, Buffer *wire)
{
    buffer_init(wire, SMTP_REPLY_WIRE_MAXIMUM);
    SmtpReply reply = {.code = 250};
    if (text->len == 0)
        return;
    reply.text = span_of(text->str + 1, text->len - 1);
    smtp_reply_write(&reply, wire);
}

static SmtpOffer *offer_new(uint32_t extensions, uint64_t message_maximum)
{
    g_autoptr(GString) text = put_lines(extensions, message_maximum);
    Buffer wire;
    write_wire(text, &wire);
    SmtpOffer *offer = g_malloc(sizeof *offer + text->len + wire.length);
    *offer = (SmtpOffer){.extensions = extensions,
                         .message_maximum = message_maximum,
                         .text_length = text->len,
                         .wire_length = wire.length,
                         .wire = offer->text + text->len};
    memcpy(offer->text, text->str, text->len);
    if (wire.length > 0)
        memcpy(offer->wire, buffer_peek(&wire).data, wire.length);
    buffer_clear(&wire);
    return offer;
}

const SmtpOffer *smtp_offers_need(SmtpOffers *offers, uint32_t extensions, uint64_t message_maximum)
{
    SmtpOffer *offer = offers->first;
    while (offer != NULL &&
           (offer->extensions != extensions || offer->message_maximum != message_maximum))
        offer = offer->next;
    if (offer != NULL)
        return offer;
    offer = offer_new(extensions, message_maximum);
    offer->next = offers->first;
    offers->first = offer;
    return offer;
}

void smtp_offers_clear(SmtpOffers *offers)
{
    while (offers->first != NULL) {
        SmtpOffer *offer = offers->first;
        offers->first = offer->next;
        g_free(offer);
    }
}
