/* Tests of proto/dns_name, proto/dns_record and proto/dns_wire. */
#include "proto/dns_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* --- names ------------------------------------------------------------------------------- */

static void test_names_have_one_normal_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal; /* NULL: not a name */
    } examples[] = {
        {"Mail.Example.COM", "mail.example.com"},
        {"example.com.", "example.com"},
        {".", "."},
        {"_dmarc.example", "_dmarc.example"},
        {"a\\.b.example", "a\\.b.example"},
        {"\\097b.example", "ab.example"},
        {"a b", "a\\032b"},
        {"tab\\009", "tab\\009"},
        {"\\A", "a"},
        {"a\\\\b", "a\\\\b"},
        {"", NULL},
        {"..", NULL},
        {".a", NULL},
        {"a..b", NULL},
        {"a\\", NULL},
        {"a\\25", NULL},
        {"a\\256", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        char name[DNS_NAME_TEXT_SIZE];
        assert_int_equal(dns_name_normalise(examples[i].text, name), examples[i].normal != NULL);
        if (examples[i].normal)
            assert_string_equal(name, examples[i].normal);
    }
}

/* A name of `labels` labels of `size` octets that are all `octet`. */
static char *long_name(int labels, size_t size, const char *octet)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < labels; i++) {
        if (i > 0)
            g_string_append_c(text, '.');
        for (size_t j = 0; j < size; j++)
            g_string_append(text, octet);
    }
    return g_string_free(text, FALSE);
}

static void test_names_keep_their_limits(void **state)
{
    (void)state;
    char name[DNS_NAME_TEXT_SIZE];
    g_autofree char *label_63 = long_name(1, 63, "a");
    g_autofree char *label_64 = long_name(1, 64, "a");
    assert_true(dns_name_normalise(label_63, name));
    assert_false(dns_name_normalise(label_64, name));
    /* 4 * 62 octets of labels and 4 of length, and the root: 253; two more are 255. */
    g_autofree char *four = long_name(4, 62, "a");
    g_autofree char *wire_255 = g_strconcat(four, ".b", NULL);
    g_autofree char *wire_256 = g_strconcat(four, ".bb", NULL);
    assert_true(dns_name_normalise(wire_255, name));
    assert_false(dns_name_normalise(wire_256, name));
    g_autofree char *three = long_name(3, 63, "\\000");
    g_autofree char *last = long_name(1, 61, "\\000");
    g_autofree char *longest = g_strconcat(three, ".", last, NULL);
    assert_true(dns_name_normalise(longest, name));
    assert_int_equal(strlen(name) + 1, DNS_NAME_TEXT_SIZE);
}

static void test_names_step_along_labels(void **state)
{
    (void)state;
    assert_string_equal(dns_name_parent("a.b.c"), "b.c");
    assert_string_equal(dns_name_parent("a\\.b.c"), "c");
    assert_string_equal(dns_name_parent("c"), ".");
    assert_null(dns_name_parent("."));
    assert_true(dns_name_is_within("mail.a.example", "a.example"));
    assert_true(dns_name_is_within("a.example", "a.example"));
    assert_true(dns_name_is_within("a.example", "."));
    assert_false(dns_name_is_within("aa.example", "a.example"));
    char name[DNS_NAME_TEXT_SIZE];
    dns_name_reverse(0xC0000201, name);
    assert_string_equal(name, "1.2.0.192.in-addr.arpa");
}

/* --- records ----------------------------------------------------------------------------- */

static DnsSoa example_soa(void)
{
    return (DnsSoa){.primary = "ns.example",
                    .mailbox = "host\\.master.example",
                    .serial = 1,
                    .refresh_s = 7200,
                    .retry_s = 600,
                    .expire_s = 86400,
                    .minimum_s = 300};
}

static void assert_line(DnsRecord record, const char *expected)
{
    g_autoptr(GString) line = g_string_new("> ");
    dns_record_append(line, &record);
    assert_string_equal(line->str + strlen("> "), expected);
    DnsRecord copy = dns_record_copy(&record);
    assert_true(dns_record_equals(&record, &copy));
    copy.ttl_s++;
    assert_true(dns_record_equals(&record, &copy));
    copy.type++;
    assert_false(dns_record_equals(&record, &copy));
    copy.type--;
    dns_record_clear(&copy);
    dns_record_clear(&record);
}

static void test_records_show_as_master_lines(void **state)
{
    (void)state;
    DnsSoa soa = example_soa();
    assert_line(dns_record_a("A.example", 60, 0xC0000201), "a.example. 60 IN A 192.0.2.1");
    assert_line(dns_record_mx("example", 60, 10, "mail.example"),
                "example. 60 IN MX 10 mail.example.");
    assert_line(dns_record_mx("example", 60, 0, "."), "example. 60 IN MX 0 .");
    assert_line(dns_record_host("b.example", DNS_TYPE_CNAME, 5, "a.example"),
                "b.example. 5 IN CNAME a.example.");
    assert_line(dns_record_soa("example", 60, &soa),
                "example. 60 IN SOA ns.example. host\\.master.example. 1 7200 600 86400 300");
    assert_line(dns_record_txt("example", 60, "say \"hi\""),
                "example. 60 IN TXT \"say \\\"hi\\\"\"");
    assert_line(dns_record_txt("example", 60, ""), "example. 60 IN TXT \"\"");
    DnsRecord unknown = {.name = g_strdup("x"), .type = 99, .class = 3, .ttl_s = 1};
    unknown.bytes = octets_new("\x01\xAB", 2);
    assert_line(unknown, "x. 1 CLASS3 TYPE99 \\# 2 01ab");
}

static void test_long_text_is_cut_into_strings(void **state)
{
    (void)state;
    g_autofree char *text = g_strnfill(300, 'x');
    DnsRecord record = dns_record_txt("example", 60, text);
    const uint8_t *bytes = octets_data(record.bytes);
    assert_int_equal(octets_length(record.bytes), 302);
    assert_int_equal(bytes[0], 255);
    assert_int_equal(bytes[256], 45);
    dns_record_clear(&record);
}

/* --- messages ---------------------------------------------------------------------------- */

static DnsQuestion question_of(const char *name, uint16_t type)
{
    return (DnsQuestion){.name = dns_name_dup(name), .type = type, .class = DNS_CLASS_IN};
}

static void assert_encodes_to(const DnsMessage *message, const void *expected, size_t length)
{
    uint8_t datagram[DNS_DATAGRAM_MAX];
    assert_int_equal(dns_message_encode(message, datagram), length);
    assert_memory_equal(datagram, expected, length);
}

/* Decoding what was encoded, and encoding that again, gives the same octets. */
static void assert_reads_back(Span datagram)
{
    DnsMessage message;
    uint8_t again[DNS_DATAGRAM_MAX];
    dns_message_init(&message);
    assert_true(dns_message_decode(datagram, &message));
    assert_int_equal(dns_message_encode(&message, again), datagram.length);
    assert_memory_equal(again, datagram.data, datagram.length);
    dns_message_clear(&message);
}

/* RFC 1034 §6.2.1: QNAME=SRI-NIC.ARPA, QCLASS=IN, QTYPE=A. */
static void test_query_as_octets(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x12, 0x34, 0x01, 0x00,                                     /* ID, RD */
        0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,             /* QDCOUNT 1 */
        7,    's',  'r',  'i',  '-',  'n',  'i',  'c',              /* */
        4,    'a',  'r',  'p',  'a',  0,    0x00, 0x01, 0x00, 0x01, /* A IN */
    };
    DnsMessage message;
    dns_message_init(&message);
    message.id = 0x1234;
    message.recursion_desired = true;
    message.question = question_of("SRI-NIC.ARPA", DNS_TYPE_A);
    assert_encodes_to(&message, expected, sizeof expected);
    assert_reads_back(span_of(expected, sizeof expected));
    dns_message_clear(&message);
}

/* RFC 1034 §6.2.3: QNAME=SRI-NIC.ARPA, QTYPE=MX; the answer with the addresses of the exchange. */
static const uint8_t mx_response[] = {
    0x12, 0x34, 0x84, 0x00,                                     /* QR, AA */
    0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02,             /* 1, 1, 0, 2 */
    7,    's',  'r',  'i',  '-',  'n',  'i',  'c',              /* offset 12 */
    4,    'a',  'r',  'p',  'a',  0,    0x00, 0x0F, 0x00, 0x01, /* MX IN */
    0xC0, 12,   0x00, 0x0F, 0x00, 0x01, 0x00, 0x01, 0x51, 0x80, /* TTL 86400 */
    0x00, 0x04, 0x00, 0x00, 0xC0, 12,                           /* 0 sri-nic.arpa */
    0xC0, 12,   0x00, 0x01, 0x00, 0x01, 0x00, 0x01, 0x51, 0x80, /* A */
    0x00, 0x04, 26,   0,    0,    73,                           /* 26.0.0.73 */
    0xC0, 12,   0x00, 0x01, 0x00, 0x01, 0x00, 0x01, 0x51, 0x80, /* A */
    0x00, 0x04, 10,   0,    0,    51,                           /* 10.0.0.51 */
};

static void test_response_as_octets(void **state)
{
    (void)state;
    DnsMessage message;
    dns_message_init(&message);
    message.id = 0x1234;
    message.is_response = message.is_authoritative = true;
    message.question = question_of("SRI-NIC.ARPA", DNS_TYPE_MX);
    dns_message_take(&message, DNS_ANSWER, dns_record_mx("SRI-NIC.ARPA", 86400, 0, "SRI-NIC.ARPA"));
    dns_message_take(&message, DNS_ADDITIONAL, dns_record_a("SRI-NIC.ARPA", 86400, 0x1A000049));
    dns_message_take(&message, DNS_ADDITIONAL, dns_record_a("SRI-NIC.ARPA", 86400, 0x0A000033));
    assert_encodes_to(&message, mx_response, sizeof mx_response);
    assert_reads_back(span_of(mx_response, sizeof mx_response));
    dns_message_clear(&message);
}

/* RFC 1035 §4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA and the root, here from offset 12. */
static void test_compression_of_the_rfc(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x00, 0x00, 0x80, 0x00, 0x00, 0x01, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 1, 'f', 3, 'i', 's',
        'i',  4,    'a',  'r',  'p',  'a',  0,    0x00, 0x01, 0x00, 0x01, /* A IN */
        3,    'f',  'o',  'o',  0xC0, 12,   0x00, 0x01, 0x00, 0x01, 0,    0,    0, 1,   0, 4,   1,
        2,    3,    4,    0xC0, 18,   0x00, 0x01, 0x00, 0x01, 0,    0,    0,    2, 0,   4, 5,   6,
        7,    8,    0,    0x00, 0x01, 0x00, 0x01, 0,    0,    0,    3,    0,    4, 9,   9, 9,   9,
    };
    DnsMessage message;
    dns_message_init(&message);
    message.is_response = true;
    message.question = question_of("F.ISI.ARPA", DNS_TYPE_A);
    dns_message_take(&message, DNS_ANSWER, dns_record_a("FOO.F.ISI.ARPA", 1, 0x01020304));
    dns_message_take(&message, DNS_ANSWER, dns_record_a("ARPA", 2, 0x05060708));
    dns_message_take(&message, DNS_ANSWER, dns_record_a(".", 3, 0x09090909));
    assert_encodes_to(&message, expected, sizeof expected);
    assert_reads_back(span_of(expected, sizeof expected));
    dns_message_clear(&message);
}

static void test_every_kind_of_record_reads_back(void **state)
{
    (void)state;
    DnsMessage message, copy;
    DnsSoa soa = example_soa();
    dns_message_init(&message);
    message.is_response = message.recursion_available = true;
    message.rcode = DNS_RCODE_NXDOMAIN;
    message.opcode = 5;
    message.question = question_of("x.example", DNS_TYPE_ANY);
    dns_message_take(&message, DNS_ANSWER, dns_record_a("x.example", 1, 7));
    dns_message_take(&message, DNS_ANSWER, dns_record_mx("x.example", 2, 65535, "m.example"));
    dns_message_take(&message, DNS_ANSWER, dns_record_txt("x.example", 3, "v=spf1 -all"));
    dns_message_take(&message, DNS_ANSWER,
                     dns_record_host("1.2.0.192.in-addr.arpa", DNS_TYPE_PTR, 4, "x.example"));
    DnsRecord aaaa = {.name = g_strdup("x.example"), .type = DNS_TYPE_AAAA, .class = DNS_CLASS_IN};
    aaaa.bytes = octets_new("0123456789abcdef", 16);
    dns_message_take(&message, DNS_ANSWER, aaaa);
    dns_message_take(&message, DNS_AUTHORITY, dns_record_soa("example", 5, &soa));
    dns_message_take(&message, DNS_ADDITIONAL,
                     dns_record_host("example", DNS_TYPE_NS, 6, "ns.example"));
    DnsRecord opt = {
        .name = g_strdup("."), .type = 41, .class = 1232, .bytes = octets_new(NULL, 0)};
    dns_message_take(&message, DNS_ADDITIONAL, opt);

    uint8_t datagram[DNS_DATAGRAM_MAX];
    size_t length = dns_message_encode(&message, datagram);
    dns_message_init(&copy);
    assert_true(dns_message_decode(span_of(datagram, length), &copy));
    assert_true(copy.is_response && copy.recursion_available && !copy.is_truncated);
    assert_int_equal(copy.rcode, DNS_RCODE_NXDOMAIN);
    assert_int_equal(copy.opcode, 5);
    assert_true(dns_question_equals(&copy.question, &message.question));
    for (DnsSection section = DNS_ANSWER; section < DNS_SECTION_COUNT; section++) {
        assert_int_equal(dns_message_count(&copy, section), dns_message_count(&message, section));
        for (size_t i = 0; i < dns_message_count(&copy, section); i++) {
            const DnsRecord *record = dns_message_peek(&message, section, i);
            assert_true(dns_record_equals(dns_message_peek(&copy, section, i), record));
            assert_int_equal(dns_message_peek(&copy, section, i)->ttl_s, record->ttl_s);
        }
    }
    dns_message_clear(&copy);
    dns_message_clear(&message);
}

static size_t encode_mx_list(size_t answers, size_t additional, DnsMessage *copy)
{
    DnsMessage message;
    uint8_t datagram[DNS_DATAGRAM_MAX];
    dns_message_init(&message);
    message.is_response = true;
    message.question = question_of("example", DNS_TYPE_MX);
    for (size_t i = 0; i < MAX(answers, additional); i++) {
        char name[32];
        g_snprintf(name, sizeof name, "m%02zu.example", i);
        if (i < answers)
            dns_message_take(&message, DNS_ANSWER, dns_record_mx("example", 60, 1, name));
        for (uint32_t j = 0; j < 3 && i < additional; j++)
            dns_message_take(&message, DNS_ADDITIONAL, dns_record_a(name, 60, j));
    }
    size_t length = dns_message_encode(&message, datagram);
    dns_message_init(copy);
    assert_true(dns_message_decode(span_of(datagram, length), copy));
    dns_message_clear(&message);
    return length;
}

/* Header and question take 12 + 13; an MX here 12 + 2 + 6; an address 16. */
static void test_what_finds_no_room(void **state)
{
    (void)state;
    DnsMessage copy;
    assert_int_equal(encode_mx_list(24, 0, &copy), 25 + 24 * 20);
    assert_false(copy.is_truncated);
    dns_message_clear(&copy);
    encode_mx_list(25, 0, &copy); /* one too many: the answer is cut, and says so */
    assert_int_equal(dns_message_count(&copy, DNS_ANSWER), 24);
    assert_true(copy.is_truncated);
    dns_message_clear(&copy);
    /* 25 + 20 * 20 leaves 87: room for five addresses, but a host's three stay together. */
    encode_mx_list(20, 2, &copy);
    assert_int_equal(dns_message_count(&copy, DNS_ANSWER), 20);
    assert_int_equal(dns_message_count(&copy, DNS_ADDITIONAL), 3);
    assert_false(copy.is_truncated);
    dns_message_clear(&copy);
}

static void assert_malformed(const uint8_t *bytes, size_t length)
{
    DnsMessage message;
    dns_message_init(&message);
    g_autofree uint8_t *exact = g_memdup2(bytes, length); /* so that ASan sees a byte too far */
    assert_false(dns_message_decode(span_of(exact, length), &message));
    dns_message_clear(&message);
}

static void test_every_cut_is_malformed(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof mx_response; length++)
        assert_malformed(mx_response, length);
    uint8_t longer[sizeof mx_response + 1] = {0};
    memcpy(longer, mx_response, sizeof mx_response);
    assert_malformed(longer, sizeof longer);
}

/* A query whose question's name is `name`. */
static void assert_malformed_name(const char *name, size_t length)
{
    uint8_t bytes[DNS_DATAGRAM_MAX] = {0, 0, 0, 0, 0, 1};
    memcpy(bytes + DNS_HEADER_SIZE, name, length);
    assert_malformed(bytes, DNS_HEADER_SIZE + length + 4);
}

static void test_hostile_names_are_malformed(void **state)
{
    (void)state;
    assert_malformed_name("\xC0\x0C", 2); /* to itself */
    assert_malformed_name("\x01"
                          "a\xC0\x0C",
                          4);                     /* to where it began: a loop */
    assert_malformed_name("\xC0\x0E\xC0\x0C", 4); /* two that point at each other */
    assert_malformed_name("\xC0\x00", 2);         /* into the header */
    assert_malformed_name("\xC0\xFF", 2);         /* beyond the end */
    assert_malformed_name("\x40"
                          "a\x00",
                          3); /* reserved label types */
    assert_malformed_name("\x80"
                          "a\x00",
                          3);
    char long_one[256];
    memset(long_one, 1, sizeof long_one);
    long_one[255] = 0; /* 127 labels of one octet would be 255 octets; this is 256 */
    memcpy(long_one, "\x02xx", 3);
    assert_malformed_name(long_one, sizeof long_one);
}

static void test_wrong_rdata_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[sizeof mx_response];
    static const struct {
        size_t offset;
        uint8_t value;
    } changes[] = {
        {41, 3},  /* RDLENGTH of the MX one less */
        {41, 5},  /* one more */
        {57, 3},  /* RDLENGTH of the first A */
        {5, 2},   /* QDCOUNT */
        {7, 2},   /* ANCOUNT: an additional record is an answer then, and one is missing */
        {11, 3},  /* ARCOUNT */
        {49, 28}, /* AAAA of four octets */
        {49, 16}, /* TXT whose string is longer than the RDATA */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        memcpy(bytes, mx_response, sizeof bytes);
        bytes[changes[i].offset] = changes[i].value;
        if (memcmp(bytes, mx_response, sizeof bytes) == 0)
            fail_msg("change %zu changes nothing", i);
        assert_malformed(bytes, sizeof bytes);
    }
}

static void test_header_alone_can_be_read(void **state)
{
    (void)state;
    DnsMessage message;
    dns_message_init(&message);
    assert_false(dns_message_decode_header(span_of(mx_response, 11), &message));
    assert_true(dns_message_decode_header(span_of(mx_response, 12), &message));
    assert_int_equal(message.id, 0x1234);
    assert_true(message.is_response && message.is_authoritative);
    assert_string_equal(dns_rcode_name(DNS_RCODE_REFUSED), "REFUSED");
    assert_string_equal(dns_rcode_name(15), "RCODE");
    dns_message_clear(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_have_one_normal_form),
        cmocka_unit_test(test_names_keep_their_limits),
        cmocka_unit_test(test_names_step_along_labels),
        cmocka_unit_test(test_records_show_as_master_lines),
        cmocka_unit_test(test_long_text_is_cut_into_strings),
        cmocka_unit_test(test_query_as_octets),
        cmocka_unit_test(test_response_as_octets),
        cmocka_unit_test(test_compression_of_the_rfc),
        cmocka_unit_test(test_every_kind_of_record_reads_back),
        cmocka_unit_test(test_what_finds_no_room),
        cmocka_unit_test(test_every_cut_is_malformed),
        cmocka_unit_test(test_hostile_names_are_malformed),
        cmocka_unit_test(test_wrong_rdata_is_malformed),
        cmocka_unit_test(test_header_alone_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
