/* DNS messages as octets of a UDP datagram (RFC 1035 §4; RFC 2181 §9; RFC 9619).
 *
 * Left out on purpose: EDNS (RFC 6891; an OPT record is carried like any other type), DNS over
 * TCP, and so messages of more than 512 octets; more than one question, which RFC 9619 forbids. */
#pragma once

#include "proto/dns_record.h"

enum {
    DNS_PORT = 53,
    DNS_DATAGRAM_MAX = 512, /* RFC 1035 §4.2.1 */
    DNS_HEADER_SIZE = 12,
};

/* RFC 1035 §4.1.1; other numbers may stand in the four bits. */
enum {
    DNS_OPCODE_QUERY = 0,
};

enum {
    DNS_RCODE_NOERROR = 0,
    DNS_RCODE_FORMERR = 1,
    DNS_RCODE_SERVFAIL = 2,
    DNS_RCODE_NXDOMAIN = 3,
    DNS_RCODE_NOTIMP = 4,
    DNS_RCODE_REFUSED = 5,
};

/* "NXDOMAIN"; "RCODE" for a number without a name here. */
const char *dns_rcode_name(uint8_t rcode);

/* The parts after the question, in their order. */
typedef enum DnsSection {
    DNS_ANSWER,
    DNS_AUTHORITY,
    DNS_ADDITIONAL,
    DNS_SECTION_COUNT,
} DnsSection;

/* The records of a section, one behind the other. */
typedef struct DnsSectionRecords {
    DnsRecord *records;
    size_t count, room;
} DnsSectionRecords;

/* A message. Initialise with dns_message_init, release with dns_message_clear. */
typedef struct DnsMessage {
    uint16_t id;
    bool is_response; /* QR */
    uint8_t opcode;
    bool is_authoritative;    /* AA */
    bool is_truncated;        /* TC */
    bool recursion_desired;   /* RD */
    bool recursion_available; /* RA */
    uint8_t rcode;
    bool is_lent;         /* what question and records point to is another's, who keeps it */
    DnsQuestion question; /* name is NULL when there is none */
    DnsSectionRecords sections[DNS_SECTION_COUNT];
} DnsMessage;

void dns_message_init(DnsMessage *message);
void dns_message_clear(DnsMessage *message);
size_t dns_message_count(const DnsMessage *message, DnsSection section);
const DnsRecord *dns_message_peek(const DnsMessage *message, DnsSection section, size_t index);
/* Appends `record`, which the message then owns, unless it is one that only points to others'. */
void dns_message_take(DnsMessage *message, DnsSection section, DnsRecord record);

/* Empties a section. */
void dns_message_drop(DnsMessage *message, DnsSection section);

/* Writes the message with compressed names and returns its length. Records that find no room are
 * left out: in the additional section without a word, with the rest of their set; elsewhere TC is
 * set (RFC 2181 §9). */
size_t dns_message_encode(const DnsMessage *message, uint8_t datagram[DNS_DATAGRAM_MAX]);

/* Reads a datagram into an initialised message. False when it is malformed: cut short, bytes left
 * over, a name that is too long or points anywhere but backwards, RDATA of the wrong length, more
 * than one question. The message may then hold a part, and is still to be cleared. */
bool dns_message_decode(Span datagram, DnsMessage *message);
/* Reads the header alone; false when it is cut short. */
bool dns_message_decode_header(Span datagram, DnsMessage *message);
/* Whether the header says that a question follows it. */
bool dns_message_has_question(Span datagram);
