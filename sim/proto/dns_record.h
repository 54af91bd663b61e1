/* Questions and resource records as values (RFC 1035 §3.2, §4.1).
 *
 * Types that mail needs are taken apart; any other type, AAAA and TXT among them, keeps its RDATA
 * as it stands (RFC 3597). Names inside are in normal form (proto/dns_name.h). */
#pragma once

#include "core/bytes.h"
#include "core/ipv4.h"
#include "proto/dns_name.h"

/* RFC 1035 §3.2.2 and §3.2.3; AAAA: RFC 3596. On the wire any 16-bit number may stand, so fields
 * are uint16_t. */
enum {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_ANY = 255,
};

enum {
    DNS_CLASS_IN = 1, /* the Internet; the only class that is answered */
};

enum {
    DNS_TYPE_TEXT_SIZE = 10,   /* "TYPE65535" with its NUL */
    DNS_RDATA_MAX = 65535,     /* RDLENGTH has 16 bits */
    DNS_TXT_STRING_MAX = 255,  /* one character-string, RFC 1035 §3.3 */
    DNS_TXT_TEXT_MAX = 0x1000, /* bytes of text that dns_record_txt takes */
};

typedef struct DnsQuestion {
    char *name; /* owned */
    uint16_t type;
    uint16_t class;
} DnsQuestion;

typedef struct DnsSoa {
    char *primary; /* MNAME, owned */
    char *mailbox; /* RNAME, owned */
    uint32_t serial;
    uint32_t refresh_s, retry_s, expire_s;
    uint32_t minimum_s; /* how long a negative answer may be kept, RFC 2308 §4 */
} DnsSoa;

/* Which member of a record's union is used. */
typedef enum DnsRdata {
    DNS_RDATA_ADDRESS, /* A */
    DNS_RDATA_HOST,    /* NS, CNAME, PTR */
    DNS_RDATA_MX,
    DNS_RDATA_SOA,
    DNS_RDATA_BYTES, /* TXT, AAAA, any other type, any class but IN */
} DnsRdata;

/* A resource record; owns what it points to. */
typedef struct DnsRecord {
    char *name; /* owner name */
    uint16_t type;
    uint16_t class;
    uint32_t ttl_s;
    union {
        Ipv4Address address;
        char *host;
        struct {
            uint16_t preference;
            char *exchange;
        } mx;
        DnsSoa soa;
        Octets *bytes;
    };
} DnsRecord;

/* Records of class IN. Names need not be in normal form, but must be names (CHECKed). */
DnsRecord dns_record_a(const char *name, uint32_t ttl_s, Ipv4Address address);
DnsRecord dns_record_mx(const char *name, uint32_t ttl_s, uint16_t preference,
                        const char *exchange);
/* `type` is NS, CNAME or PTR. */
DnsRecord dns_record_host(const char *name, uint16_t type, uint32_t ttl_s, const char *host);
/* Names in `soa` are copied. */
DnsRecord dns_record_soa(const char *name, uint32_t ttl_s, const DnsSoa *soa);
/* `text`, at most DNS_TXT_TEXT_MAX bytes, is cut into character-strings of 255 bytes. */
DnsRecord dns_record_txt(const char *name, uint32_t ttl_s, const char *text);

/* The text of a TXT record, its character-strings put together (RFC 7208 §3.3) and NUL shown as
 * `?`; to free. What does not fit its own lengths is left out. */
char *dns_record_dup_text(const DnsRecord *record);

DnsRdata dns_record_rdata(const DnsRecord *record);
DnsRecord dns_record_copy(const DnsRecord *record);
void dns_record_clear(DnsRecord *record);
/* Equal but for the TTL: what RFC 2181 §5 calls a duplicate. */
bool dns_record_equals(const DnsRecord *a, const DnsRecord *b);
/* Appends the record as a line of a master file (RFC 1035 §5.1), without line end. */
void dns_record_append(GString *out, const DnsRecord *record);

/* An empty array of DnsRecord that clears its elements; g_array_unref frees. */
GArray *dns_records_new(void);

/* "MX", or "TYPE99" (RFC 3597 §5) for a type without a name here. Returns `text`. */
char *dns_type_format(uint16_t type, char text[DNS_TYPE_TEXT_SIZE]);

void dns_question_clear(DnsQuestion *question);
bool dns_question_equals(const DnsQuestion *a, const DnsQuestion *b);
