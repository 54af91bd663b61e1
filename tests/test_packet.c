/* Tests of packet: the bytes of each kind, read back and their checksums verified by other code. */
#include "net/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define ALICE ((Ipv4Address)0xC6120001)
#define BOB   ((Ipv4Address)0xC6120002)

static unsigned u16_at(const GByteArray *bytes, guint offset)
{
    assert_true(offset + 2 <= bytes->len);
    return (unsigned)bytes->data[offset] << 8 | bytes->data[offset + 1];
}

static uint32_t u32_at(const GByteArray *bytes, guint offset)
{
    return (uint32_t)u16_at(bytes, offset) << 16 | u16_at(bytes, offset + 2);
}

/* One's complement sum, carries folded at each step: 0xFFFF over octets with a right checksum. */
static unsigned folded_sum(unsigned sum, const uint8_t *octets, guint length)
{
    for (guint i = 0; i < length; i++) {
        sum += i % 2 == 0 ? (unsigned)octets[i] << 8 : octets[i];
        if (sum > 0xFFFF)
            sum -= 0xFFFF;
    }
    return sum;
}

/* Checks the lower layers, and that the size is the one that links count. */
static GByteArray *write_frame(const Packet *packet)
{
    GByteArray *bytes = g_byte_array_new();
    packet_write(packet, bytes);
    assert_int_equal(bytes->len, packet_frame_size(packet));
    assert_memory_equal(bytes->data, "\x02\x00\x00\x00\x01\x09\x02\x00\x00\x00\x00\x07\x08\x00",
                        14);
    assert_int_equal(bytes->data[14], 0x45);
    assert_int_equal(u16_at(bytes, 16), bytes->len - 14);
    assert_int_equal(u16_at(bytes, 18), packet->ref.number & 0xFFFF);
    assert_int_equal(u16_at(bytes, 20), 0x4000);
    assert_int_equal(bytes->data[22], packet->ttl);
    assert_int_equal(bytes->data[23], packet->protocol);
    assert_int_equal(u32_at(bytes, 26), ALICE);
    assert_int_equal(u32_at(bytes, 30), BOB);
    assert_int_equal(folded_sum(0, bytes->data + 14, 20), 0xFFFF);
    return bytes;
}

static void assert_transport_checksum(const GByteArray *bytes)
{
    unsigned sum = folded_sum(0, bytes->data + 26, 8);
    uint8_t rest[] = {0, bytes->data[23], (uint8_t)((bytes->len - 34) >> 8),
                      (uint8_t)(bytes->len - 34)};
    sum = folded_sum(sum, rest, sizeof rest);
    assert_int_equal(folded_sum(sum, bytes->data + 34, bytes->len - 34), 0xFFFF);
}

static Packet *packet_between(PacketProtocol protocol)
{
    Pool *pool = pool_new(sizeof(Packet));
    Packet *packet = packet_new(pool, protocol, ALICE, BOB);
    pool_close(pool); /* the packet takes it along */
    packet->ref = (TraceRef){7, 0x12345};
    packet->hop_from = 7;
    packet->hop_to = 0x109;
    return packet;
}

static Slice slice_of_text(const char *text)
{
    g_autoptr(Octets) bytes = octets_new(text, strlen(text));
    return slice_new(bytes, 0, strlen(text));
}

static Packet *tcp_packet(uint8_t flags, const char *text)
{
    Packet *packet = packet_between(PACKET_TCP);
    packet->tcp = (Segment){
        .source_port = 49152,
        .destination_port = 25,
        .seq = 0xFEDCBA98,
        .ack = 0x01234567,
        .window = 65535,
        .window_scale = SEGMENT_NO_WINDOW_SCALE,
        .flags = flags,
        .payload = slice_of_text(text),
    };
    return packet;
}

static void test_tcp_data(void **state)
{
    (void)state;
    Packet *packet = tcp_packet(SEGMENT_ACK | SEGMENT_PSH, "EHLO a.example\r\n.");
    g_autoptr(GByteArray) bytes = write_frame(packet);
    assert_int_equal(u16_at(bytes, 34), 49152);
    assert_int_equal(u16_at(bytes, 36), 25);
    assert_int_equal(u32_at(bytes, 38), 0xFEDCBA98);
    assert_int_equal(u32_at(bytes, 42), 0x01234567);
    assert_int_equal(bytes->data[46], 5 << 4);
    assert_int_equal(bytes->data[47], 0x18);
    assert_int_equal(u16_at(bytes, 48), 65535);
    assert_int_equal(u16_at(bytes, 52), 0);
    assert_memory_equal(bytes->data + 54, "EHLO a.example\r\n.", 17);
    assert_transport_checksum(bytes);
    packet_free(packet);
}

static void test_tcp_options_on_syn(void **state)
{
    (void)state;
    Packet *packet = tcp_packet(SEGMENT_SYN, "");
    packet->tcp.mss = 1460;
    packet->tcp.window_scale = 7;
    g_autoptr(GByteArray) bytes = write_frame(packet);
    assert_int_equal(bytes->len, 14 + 20 + 28);
    assert_int_equal(u32_at(bytes, 42), 0); /* no ACK: no number */
    assert_int_equal(bytes->data[46], 7 << 4);
    assert_memory_equal(bytes->data + 54, "\x02\x04\x05\xB4\x01\x03\x03\x07", 8);
    assert_transport_checksum(bytes);
    packet_free(packet);
}

static Packet *udp_packet(const char *text)
{
    Packet *packet = packet_between(PACKET_UDP);
    packet->udp = (Datagram){49152, 53, slice_of_text(text)};
    return packet;
}

static void test_udp(void **state)
{
    (void)state;
    Packet *packet = udp_packet("query");
    g_autoptr(GByteArray) bytes = write_frame(packet);
    assert_int_equal(u16_at(bytes, 34), 49152);
    assert_int_equal(u16_at(bytes, 36), 53);
    assert_int_equal(u16_at(bytes, 38), 13);
    assert_memory_equal(bytes->data + 42, "query", 5);
    assert_transport_checksum(bytes);
    packet_free(packet);
}

/* RFC 768: a checksum that computes to zero is sent as all ones. */
static void test_udp_checksum_is_never_zero(void **state)
{
    (void)state;
    Packet *packet = packet_between(PACKET_UDP);
    uint8_t octets[2] = {0, 0};
    g_autoptr(Octets) zeros = octets_new(octets, 2);
    packet->udp = (Datagram){49152, 53, slice_new(zeros, 0, 2)};
    g_autoptr(GByteArray) first = write_frame(packet);
    octets[0] = first->data[40]; /* adding its own checksum brings the sum to all ones */
    octets[1] = first->data[41];
    slice_clear(&packet->udp.payload);
    g_autoptr(Octets) data = octets_new(octets, 2);
    packet->udp.payload = slice_new(data, 0, 2);
    g_autoptr(GByteArray) bytes = write_frame(packet);
    assert_int_equal(u16_at(bytes, 40), 0xFFFF);
    assert_transport_checksum(bytes);
    packet_free(packet);
}

static void test_icmp(void **state)
{
    (void)state;
    Packet *about = udp_packet("query");
    g_autoptr(GByteArray) quoted = write_frame(about);
    Packet *packet = packet_between(PACKET_ICMP);
    packet->icmp = (IcmpError){.type = ICMP_UNREACHABLE, .code = ICMP_CODE_PORT_UNREACHABLE};
    memcpy(packet->icmp.quote, quoted->data + 14, PACKET_ICMP_QUOTE);
    g_autoptr(GByteArray) bytes = write_frame(packet);
    assert_int_equal(bytes->data[34], 3);
    assert_int_equal(bytes->data[35], 3);
    assert_memory_equal(bytes->data + 42, quoted->data + 14, PACKET_ICMP_QUOTE);
    assert_int_equal(folded_sum(0, bytes->data + 34, bytes->len - 34), 0xFFFF);
    packet_free(about);
    packet_free(packet);
}

static void test_flags_text(void **state)
{
    (void)state;
    assert_string_equal(packet_tcp_flags_text(SEGMENT_SYN | SEGMENT_ACK), "SYN, ACK");
    assert_string_equal(packet_tcp_flags_text(SEGMENT_ACK | SEGMENT_PSH | SEGMENT_FIN),
                        "ACK, PSH, FIN");
    assert_string_equal(packet_tcp_flags_text(SEGMENT_RST), "RST");
    assert_string_equal(packet_tcp_flags_text(0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_data), cmocka_unit_test(test_tcp_options_on_syn),
        cmocka_unit_test(test_udp),      cmocka_unit_test(test_udp_checksum_is_never_zero),
        cmocka_unit_test(test_icmp),     cmocka_unit_test(test_flags_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
