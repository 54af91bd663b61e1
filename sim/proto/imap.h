/* What both ends of an IMAP connection share: results, flags, mailbox attributes, counts.
 *
 * IMAP4rev2 (RFC 9051), with IMAP4rev1 (RFC 3501) beside it as RFC 9051 appendix A describes: both
 * are announced, and a connection behaves as rev1 until the client says ENABLE IMAP4rev2. */
#pragma once

#include "core/bytes.h"

#include <stdint.h>

/* The three tagged results, RFC 9051 §7.1. */
typedef enum ImapResult {
    IMAP_OK,
    IMAP_NO,  /* the command failed; nothing was wrong with how it was said */
    IMAP_BAD, /* syntax, or a command out of place */
} ImapResult;

/* "OK", "NO" or "BAD". */
const char *imap_result_name(ImapResult result);

/* System flags, RFC 9051 §2.3.2, as a set. Keywords are not kept: PERMANENTFLAGS says so. */
typedef enum ImapFlag {
    IMAP_FLAG_SEEN = 1 << 0,
    IMAP_FLAG_ANSWERED = 1 << 1,
    IMAP_FLAG_FLAGGED = 1 << 2,
    IMAP_FLAG_DELETED = 1 << 3,
    IMAP_FLAG_DRAFT = 1 << 4,
} ImapFlag;

enum { IMAP_FLAG_COUNT = 5, IMAP_FLAGS_ALL = (1 << IMAP_FLAG_COUNT) - 1 };

/* A set of ImapFlag. */
typedef uint8_t ImapFlags;

/* "\\Seen \\Deleted" in the enum's order, without parentheses; the caller frees it. */
char *imap_flags_text(ImapFlags flags);
/* The flag of that name without regard to case, or 0 for a keyword or an unknown flag. */
ImapFlags imap_flag_named(Span name);

/* How STORE changes flags, RFC 9051 §6.4.6. */
typedef enum ImapStoreMode {
    IMAP_STORE_REPLACE, /* FLAGS */
    IMAP_STORE_ADD,     /* +FLAGS */
    IMAP_STORE_REMOVE,  /* -FLAGS */
} ImapStoreMode;

/* The flags after STORE. */
ImapFlags imap_flags_after_store(ImapFlags before, ImapStoreMode mode, ImapFlags flags);

/* Mailbox attributes of LIST, RFC 9051 §7.3.1, as a set. */
typedef enum ImapListAttribute {
    IMAP_LIST_NOSELECT = 1 << 0,
    IMAP_LIST_DRAFTS = 1 << 1,
    IMAP_LIST_FLAGGED = 1 << 2,
    IMAP_LIST_JUNK = 1 << 3,
    IMAP_LIST_SENT = 1 << 4,
    IMAP_LIST_TRASH = 1 << 5,
    IMAP_LIST_ARCHIVE = 1 << 6,
    IMAP_LIST_ALL = 1 << 7,
    IMAP_LIST_SUBSCRIBED = 1 << 8,
    IMAP_LIST_NONEXISTENT = 1 << 9, /* and so not to be selected */
} ImapListAttribute;

enum { IMAP_LIST_ATTRIBUTE_COUNT = 10 };

/* "\\Noselect \\Sent" in the enum's order; the caller frees it. */
char *imap_list_attributes_text(uint32_t attributes);
/* The attribute of that name without regard to case, or 0. */
uint32_t imap_list_attribute_named(Span name);

/* One mailbox of LIST. "/" separates levels: "Work/Lab". */
typedef struct ImapListEntry {
    const char *name;
    uint32_t attributes; /* a set of ImapListAttribute */
} ImapListEntry;

/* The numbers of STATUS, RFC 9051 §7.3.4 and (recent) RFC 3501 §7.2.4. */
typedef struct ImapStatus {
    uint32_t messages, unseen, deleted, recent;
    uint32_t uid_next, uid_validity;
    uint64_t size_octets; /* of all messages together */
} ImapStatus;

/* Which message data are meant; a set. */
typedef enum ImapNeed {
    IMAP_NEED_FLAGS = 1 << 0,
    IMAP_NEED_SIZE = 1 << 1,
    IMAP_NEED_DATE = 1 << 2,
    IMAP_NEED_CONTENT = 1 << 3,
} ImapNeed;
