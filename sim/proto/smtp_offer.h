/* What a server says to EHLO behind the first line: the extensions that it offers (RFC 5321
 * §4.1.1.1). All clients that are offered the same are told the same, so it is put together once.
 */
#pragma once

#include "core/bytes.h"

typedef struct SmtpOffer {
    uint32_t extensions; /* SmtpExtension bits */
    uint64_t message_maximum;
    struct SmtpOffer *next;
    size_t wire_length;
    size_t text_length;
    char *wire;  /* the lines as they travel, behind the text */
    char text[]; /* the lines, each with an LF before it */
} SmtpOffer;

/* Those that were needed so far; zero: none. */
typedef struct SmtpOffers {
    SmtpOffer *first;
} SmtpOffers;

void smtp_offers_clear(SmtpOffers *offers);
/* The offer of these extensions; stays until smtp_offers_clear. `message_maximum` is that of SIZE,
 * in octets. */
const SmtpOffer *smtp_offers_need(SmtpOffers *offers, uint32_t extensions,
                                  uint64_t message_maximum);
