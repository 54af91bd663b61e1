/* The envelope: what SMTP carries beside a message, and what the spool keeps of it.
 *
 * Source: RFC 5321 §2.3.1, §3.3 (reverse-path, recipients); RFC 3461 §4 (NOTIFY, ORCPT, RET,
 * ENVID). Addresses are in the text form of mail/address.h; any other text for one is a bug of the
 * caller. Left out on purpose: BODY and SMTPUTF8, since the message itself tells. */
#pragma once

#include "core/bytes.h"

/* RFC 5321 §4.5.3.1.10 asks for at least 100; RFC 3461 §4.2 and §4.4 give the other two, which
 * count the encoded text. */
enum { ENVELOPE_RECIPIENTS_MAX = 1000, ENVELOPE_ORCPT_MAX = 500, ENVELOPE_ENVID_MAX = 100 };
enum { ENVELOPE_WORD_MAX = 64 }; /* of an Origin */
/* The longest text that envelope_format writes and envelope_parse reads. */
enum { ENVELOPE_TEXT_MAX = 1024 * (ENVELOPE_RECIPIENTS_MAX + 4) };

/* NOTIFY (RFC 3461 §4.1). None set: not given, which means FAILURE and perhaps DELAY. */
enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

/* RET (RFC 3461 §4.3): what a failure notice returns of the message. */
typedef enum ReturnContent { RETURN_NOT_GIVEN, RETURN_HEADERS, RETURN_FULL } ReturnContent;

typedef struct Recipient {
    char *address;
    char *original; /* ORCPT without its xtext: `rfc822;bob@b.test`; NULL when not given */
    uint8_t notify; /* NOTIFY_ bits */
} Recipient;

/* Where an envelope comes from that was made by expanding an address (mail/address_book.h): the
 * queue entry, the number of the recipient in it, and what that recipient was: "alias", "list". */
typedef struct Origin {
    char *entry; /* NULL: it came in from a client */
    size_t recipient;
    char *how;
} Origin;

/* What few envelopes have. */
typedef struct EnvelopeMore {
    char *id; /* ENVID without its xtext; NULL when not given */
    Origin origin;
} EnvelopeMore;

/* Each message in a queue has one, so it is packed. */
typedef struct Envelope {
    char *reverse_path;    /* "" is the null reverse-path */
    Recipient *recipients; /* in the order given */
    uint32_t references;
    uint16_t recipient_count;
    ReturnContent return_content : 8;
    bool has_more : 1; /* an EnvelopeMore: see envelope_id and envelope_origin */
    bool is_final : 1; /* nothing can be added */
    bool is_small : 1; /* made by envelope_copy. Only this and envelope_new and its like make any,
                          as there is memory behind it */
} Envelope;

/* ENVID without its xtext; NULL when not given. */
const char *envelope_id(const Envelope *envelope);
/* Never NULL: without an entry where it came in from a client. */
const Origin *envelope_origin(const Envelope *envelope);

/* An envelope without recipients; NULL counts as the null reverse-path. */
Envelope *envelope_new(const char *reverse_path);
/* Nothing is added to it or changed in it any more, its return_content neither. */
void envelope_finish(Envelope *envelope);
/* The same again of one that is final, as a copy is itself: small, in one piece of memory but for
 * the addresses, which are kept once, however many envelopes have them. Each is to free. */
Envelope *envelope_copy(const Envelope *envelope);
void envelope_free(Envelope *envelope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Envelope, envelope_free)

/* Makes `id` (may be NULL) the ENVID. False, and nothing done, when it is empty or too long. */
bool envelope_set_id(Envelope *envelope, const char *id);
/* Makes the envelope one that comes from expanding an address; words without blanks. */
void envelope_set_origin(Envelope *envelope, const char *entry, size_t recipient, const char *how);
/* Appends a recipient; `original` may be NULL. False, and nothing done, when there are too many or
 * `original` is too long or without its type. The same address twice is two recipients: whoever
 * delivers decides. */
bool envelope_add_recipient(Envelope *envelope, const char *address, uint8_t notify,
                            const char *original);
/* Whether it has a recipient of just this address. */
bool envelope_has_recipient(const Envelope *envelope, const char *address);
/* Whether `original` has a type, and is not too long. */
bool envelope_is_original(const char *original);
bool envelope_equals(const Envelope *a, const Envelope *b);

/* Whether `notify` asks for this notice; without NOTIFY a failure is told, and a delay too
 * (RFC 3461 §4.1: such default notices are the server's to choose). */
bool notify_wants_failure(uint8_t notify);
bool notify_wants_delay(uint8_t notify);
bool notify_wants_success(uint8_t notify);
/* NOTIFY's value as a command carries it: "SUCCESS,DELAY"; "" for 0. To free. */
char *notify_format(uint8_t notify);
/* False when `text` is no value of NOTIFY: an unknown word, or NEVER beside another. */
bool notify_parse(Span text, uint8_t *notify);

/* The spool's form: lines ending in LF, readable by people, equal for equal envelopes:
 *
 *     envelope 1
 *     from <alice@naver.example>
 *     envid QQ314159
 *     ret hdrs
 *     origin 1-3 0 list
 *     to <bob@gmail.example> notify=FAILURE,DELAY orcpt=rfc822;bob@gmail.example
 *     end 1
 *
 * `end` counts the recipients, so that a text cut short is never taken for a whole one. To free. */
char *envelope_format(const Envelope *envelope);
/* Writes the same, without a NUL, where there is room for it (NULL: nowhere); returns its length.
 */
size_t envelope_put(const Envelope *envelope, char *out);
/* What envelope_format wrote, or NULL when `text` is anything else. */
Envelope *envelope_parse(Span text);
