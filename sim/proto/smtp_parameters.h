/* Parameters of MAIL and RCPT, read by the server and written by the client.
 *
 * Source: RFC 5321 §4.1.2 (esmtp-param), RFC 1870 (SIZE), RFC 6152 (BODY), RFC 3461 §4 (DSN),
 * RFC 6531 §3.4 (SMTPUTF8), RFC 4954 §5 (AUTH). */
#pragma once

#include "core/bytes.h"
#include "mail/envelope.h"
#include "proto/smtp_reply.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum SmtpBody { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME } SmtpBody;

typedef struct SmtpMailParameters {
    uint64_t size; /* octets declared; 0: not declared */
    SmtpBody body : 8;
    ReturnContent ret : 8; /* RET */
    bool utf8;             /* SMTPUTF8 */
    Span envid;            /* as xtext; empty: not given */
} SmtpMailParameters;

typedef struct SmtpRcptParameters {
    uint8_t notify; /* NOTIFY_ bits; 0: not given */
    Span orcpt;     /* "rfc822;" and xtext, as it travels; empty: not given */
} SmtpRcptParameters;

/* Read " KEY=VALUE KEY ..." as it follows the path; `extensions` (SmtpExtension bits) are those
 * offered. On failure they return false and the reply to send: 555 for a parameter not known or not
 * offered, 504 for a value not implemented, 501 for bad syntax. */
bool smtp_mail_parameters_parse(Span text, uint32_t extensions, SmtpMailParameters *parameters,
                                SmtpReply *refusal);
bool smtp_rcpt_parameters_parse(Span text, uint32_t extensions, SmtpRcptParameters *parameters,
                                SmtpReply *refusal);
/* Append the parameters, each behind a space, leaving out those whose extension is not in
 * `extensions`. False: no room. */
bool smtp_mail_parameters_write(const SmtpMailParameters *parameters, uint32_t extensions,
                                Buffer *output);
bool smtp_rcpt_parameters_write(const SmtpRcptParameters *parameters, uint32_t extensions,
                                Buffer *output);
