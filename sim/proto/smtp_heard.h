/* What a client has heard in reply to EHLO (RFC 5321 §4.1.1.1) behind its first line, which names
 * the server alone. Nearly all servers offer the same, so clients that share what they hear read it
 * once: the other side of smtp_offer.h. */
#pragma once

#include "proto/smtp_reply.h"

/* What the reply says. */
typedef struct SmtpAbilities {
    uint32_t extensions;         /* SmtpExtension bits that are offered */
    bool auth_plain, auth_login; /* mechanisms of AUTH */
    uint64_t size_maximum;       /* SIZE's limit in octets; 0: none told */
} SmtpAbilities;

/* The last one; zero: there was none. */
typedef struct SmtpHeard {
    SmtpReplyTail tail; /* lies in `memory` */
    SmtpAbilities abilities;
    char *memory;
} SmtpHeard;

void smtp_heard_clear(SmtpHeard *heard);
/* Keeps a copy in place of what was there. `tail` are the lines behind the first as they came;
 * without any, or with enhanced codes, which nobody sends there, the reply is not kept. */
void smtp_heard_keep(SmtpHeard *heard, const SmtpReply *reply, Span tail,
                     const SmtpAbilities *abilities);
