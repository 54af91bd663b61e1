/* Parameters of MAIL and RCPT, read by the server and written by the client.
 *
 * Source: RFC 5321 §4.1.2 (esmtp-param), RFC 1870 (SIZE), RFC 6152 (BODY), RFC 3461 §4 (DSN),
 * RFC 6531 §3.4 (SMTPUTF8), RFC 4954 §5 (AUTH). */
#pragma once

#include "core/bytes.h"
#include "proto/smtp_reply.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SMTP_ENVID_MAXIMUM = 100, /* octets, RFC 3461 §4.4 */
    SMTP_ORCPT_MAXIMUM = 500, /* octets with the address type, RFC 3461 §4.2 */
};

typedef enum SmtpBody { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME } SmtpBody;

/* RET: what a failure notice returns of the message (RFC 3461 §4.3). */
typedef enum SmtpReturn { SMTP_RETURN_UNSET, SMTP_RETURN_FULL, SMTP_RETURN_HEADERS } SmtpReturn;

/* NOTIFY: a set of bits (RFC 3461 §4.1); 0: the parameter was not given. */
typedef enum SmtpNotify {
    SMTP_NOTIFY_NEVER = 1 << 0, /* stands alone */
    SMTP_NOTIFY_SUCCESS = 1 << 1,
    SMTP_NOTIFY_FAILURE = 1 << 2,
    SMTP_NOTIFY_DELAY = 1 << 3,
} SmtpNotify;

typedef struct SmtpMailParameters {
    uint64_t size; /* octets declared; 0: not declared */
    SmtpBody body;
    bool utf8; /* SMTPUTF8 */
    SmtpReturn ret;
    Span envid; /* as xtext; empty: not given */
} SmtpMailParameters;

typedef struct SmtpRcptParameters {
    uint8_t notify; /* SmtpNotify bits */
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

/* xtext (RFC 3461 §4): text to free. Decoding gives NULL for text that is not xtext. */
char *smtp_xtext_encode(Span text);
char *smtp_xtext_decode(Span xtext);
