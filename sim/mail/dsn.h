/* Delivery status notifications: the bounce and the delay warning.
 *
 * A multipart/report (RFC 6522) of a text for people, a message/delivery-status (RFC 3464) and what
 * is returned of the message. Its envelope, which is the sender's to make, has the null
 * reverse-path (RFC 3464 §2, RFC 5321 §4.5.5). */
#pragma once

#include "core/bytes.h"

/* Action (RFC 3464 §2.3.3). */
typedef enum DsnAction {
    DSN_FAILED,
    DSN_DELAYED,
    DSN_DELIVERED,
    DSN_RELAYED,
    DSN_EXPANDED,
} DsnAction;
/* "failed", … as the field says it. */
const char *dsn_action_text(DsnAction action);

/* More recipients in one report, or longer values, are left out when read. */
enum { DSN_RECIPIENTS_MAX = 1000, DSN_VALUE_MAX = 998 };

/* ---- Composing: everything is borrowed, NULL where absent ---- */

typedef struct DsnRecipient {
    const char *final_recipient;    /* the address as this server had it */
    const char *original_recipient; /* ORCPT: `rfc822;bob@b.test` */
    DsnAction action;
    bool has_expired;       /* with DSN_FAILED: it was tried for as long as it may be */
    const char *status;     /* "5.1.1" (RFC 3463) */
    const char *remote_mta; /* the server that spoke, when one did */
    const char *reply;      /* what it said: "550 5.1.1 No such user", lines joined by spaces */
    const char *reason;     /* our own words when nobody spoke: "connection timed out" */
    int64_t last_attempt_unix;
    int64_t will_retry_until_unix; /* used with DSN_DELAYED alone */
} DsnRecipient;

typedef struct DsnReport {
    const char *reporting_mta; /* this server's name, a domain; MAILER-DAEMON@ it is From */
    const char *to;            /* who gets it: the reverse-path, or the postmaster */
    const char *message_id; /* without brackets; its left part names the mail: "lunch.bounce@…" */
    const char *boundary_seed;
    const char *envelope_id; /* ENVID, decoded */
    int64_t arrival_unix;    /* when the message came to this server */
    int64_t date_unix;       /* now */
    int utc_offset_minutes;
    Span original;    /* the message it is about */
    bool return_full; /* RET=FULL: all of it; otherwise its header (RFC 3461 §6.2) */
    const DsnRecipient *recipients;
    size_t recipient_count; /* at least one */
} DsnReport;

/* The report as a message; the same input gives the same octets. What peers said is made safe for
 * header fields, and neither that nor the returned message can end the report early. */
Octets *dsn_compose(const DsnReport *report);

/* ---- Reading ---- */

typedef struct DsnStatus {
    char *final_recipient; /* without its type: "bob@b.test" */
    char *original_recipient;
    char *action; /* as written, such as "failed" */
    char *status;
    char *remote_mta;
    char *diagnostic; /* Diagnostic-Code without its type: "550 5.1.1 No such user" */
    char *last_attempt;
    char *will_retry_until;
} DsnStatus;

/* What a report says; strings are UTF-8 and owned, NULL where the report has none. */
typedef struct Dsn {
    char *reporting_mta; /* without its type */
    char *envelope_id;
    char *arrival_date;
    char *original_message_id; /* of the returned header, without brackets */
    DsnStatus *recipients;
    size_t recipient_count;
} Dsn;

/* The report in a message, or NULL when the message is no report. */
Dsn *dsn_parse(Span message);
void dsn_free(Dsn *dsn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dsn, dsn_free)
