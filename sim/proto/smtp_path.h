/* Paths and mailboxes as the SMTP envelope writes them.
 *
 * Source: RFC 5321 §4.1.2 (grammar), §4.1.3 (address literals), §4.5.3.1 (limits), RFC 6531 §3.3
 * (UTF-8). Source routes are read and dropped (§3.3, appendix C). Addresses of message headers
 * follow another grammar, RFC 5322, and are not read here. */
#pragma once

#include "core/bytes.h"

#include <stdbool.h>

enum {
    SMTP_LOCAL_PART_MAXIMUM = 64, /* RFC 5321 §4.5.3.1.1 */
    SMTP_DOMAIN_MAXIMUM = 255,    /* §4.5.3.1.2 */
    SMTP_PATH_MAXIMUM = 256,      /* with the angle brackets, §4.5.3.1.3 */
    SMTP_LABEL_MAXIMUM = 63,      /* RFC 1035 §2.3.4 */
};

/* A mailbox; all spans borrow the parsed text. The null path `<>` has both parts empty;
 * `<postmaster>` has an empty domain. */
typedef struct SmtpPath {
    Span local_part; /* as written: with its quotes when it is a quoted string */
    Span domain;     /* a domain name, or an address literal with its brackets */
} SmtpPath;

typedef enum SmtpPathError {
    SMTP_PATH_OK,
    SMTP_PATH_SYNTAX,
    SMTP_PATH_TOO_LONG, /* local-part, domain or the whole exceeds its limit */
} SmtpPathError;

typedef enum SmtpPathForm {
    SMTP_PATH_REVERSE, /* Reverse-path of MAIL: a Path, or `<>` */
    SMTP_PATH_FORWARD, /* Forward-path of RCPT: a Path, or `<postmaster>` in any case */
} SmtpPathForm;

/* Reads `<...>` at the start of `text` and sets `*used` to its length. `utf8` allows UTF-8. */
SmtpPathError smtp_path_parse(Span text, SmtpPathForm form, bool utf8, SmtpPath *path,
                              size_t *used);
/* The same without angle brackets; the whole of `text` must be a Mailbox. */
SmtpPathError smtp_mailbox_parse(Span text, bool utf8, SmtpPath *path);

bool smtp_path_is_null(const SmtpPath *path);
/* The local-part without quotes and backslashes, as text to free. */
char *smtp_path_dup_local_part(const SmtpPath *path);
/* "local-part@domain" as written, "" for the null path, as text to free. */
char *smtp_path_dup_mailbox(const SmtpPath *path);

/* Whether `text` is a Domain, and whether it is an address-literal (brackets included). */
bool smtp_domain_is_valid(Span text, bool utf8);
bool smtp_address_literal_is_valid(Span text);
