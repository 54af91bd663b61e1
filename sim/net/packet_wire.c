/* The bytes of a packet: Ethernet II, IPv4 (RFC 791 §3.1), and TCP (RFC 9293 §3.1), UDP (RFC 768)
 * or ICMP (RFC 792). Each layer is written with a checksum of zero, which is filled in when the
 * octets that it covers are there. */
#include "net/packet.h"

enum {
    ETHERNET_TYPE_IPV4 = 0x0800,
    IP_VERSION_AND_LENGTH = 0x45, /* version 4, five words */
    IP_DO_NOT_FRAGMENT = 0x4000,
    IP_CHECKSUM_OFFSET = 10,
    TCP_CHECKSUM_OFFSET = 16,
    UDP_CHECKSUM_OFFSET = 6,
    ICMP_CHECKSUM_OFFSET = 2,
    TCP_OPTION_NO_OPERATION = 1,
    TCP_OPTION_MSS = 2,
    TCP_OPTION_WINDOW_SCALE = 3,
};

static void write_u8(GByteArray *out, uint8_t value)
{
    g_byte_array_append(out, &value, 1);
}

static void write_u16(GByteArray *out, uint32_t value)
{
    uint8_t octets[] = {(uint8_t)(value >> 8), (uint8_t)value};
    g_byte_array_append(out, octets, sizeof octets);
}

static void write_u32(GByteArray *out, uint32_t value)
{
    write_u16(out, value >> 16);
    write_u16(out, value & 0xFFFF);
}

static void write_slice(GByteArray *out, Slice slice)
{
    Span span = slice_span(slice);
    if (span.length > 0)
        g_byte_array_append(out, span.data, (guint)span.length);
}

/* RFC 1071: the one's complement sum of 16-bit words; an odd last octet is padded with zero. */
uint32_t packet_checksum_add(uint32_t sum, Span octets)
{
    for (size_t i = 0; i + 1 < octets.length; i += 2)
        sum += (uint32_t)octets.data[i] << 8 | octets.data[i + 1];
    if (octets.length % 2 != 0)
        sum += (uint32_t)octets.data[octets.length - 1] << 8;
    return sum;
}

uint16_t packet_checksum_finish(uint32_t sum)
{
    while (sum > 0xFFFF)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Fills in the checksum of the octets from `start` to the end of `out`. */
static void fill_checksum(GByteArray *out, guint start, guint offset, uint32_t sum)
{
    Span octets = span_of(out->data + start, out->len - start);
    uint16_t checksum = packet_checksum_finish(packet_checksum_add(sum, octets));
    out->data[start + offset] = (uint8_t)(checksum >> 8);
    out->data[start + offset + 1] = (uint8_t)checksum;
}

/* The pseudo-header that TCP's and UDP's checksums cover (RFC 9293 §3.1, RFC 768). */
static uint32_t pseudo_header_sum(const Packet *packet)
{
    uint32_t length = packet_ip_size(packet) - PACKET_IP_HEADER;
    return (packet->source >> 16) + (packet->source & 0xFFFF) + (packet->destination >> 16) +
           (packet->destination & 0xFFFF) + packet->protocol + length;
}

void packet_mac_address(NodeId node, uint8_t mac[PACKET_MAC_SIZE])
{
    mac[0] = 0x02; /* IEEE 802: locally administered, one station */
    mac[1] = 0;
    mac[2] = (uint8_t)(node >> 24);
    mac[3] = (uint8_t)(node >> 16);
    mac[4] = (uint8_t)(node >> 8);
    mac[5] = (uint8_t)node;
}

static void write_ethernet(const Packet *packet, GByteArray *out)
{
    uint8_t mac[PACKET_MAC_SIZE];
    packet_mac_address(packet->hop_to, mac);
    g_byte_array_append(out, mac, sizeof mac);
    packet_mac_address(packet->hop_from, mac);
    g_byte_array_append(out, mac, sizeof mac);
    write_u16(out, ETHERNET_TYPE_IPV4);
}

static void write_ip(const Packet *packet, GByteArray *out)
{
    guint start = out->len;
    write_u8(out, IP_VERSION_AND_LENGTH);
    write_u8(out, 0); /* type of service */
    write_u16(out, packet_ip_size(packet));
    /* RFC 6864 §4.1: a packet that is never fragmented may have any identification. */
    write_u16(out, (uint32_t)(packet->ref.number & 0xFFFF));
    write_u16(out, IP_DO_NOT_FRAGMENT);
    write_u8(out, packet->ttl);
    write_u8(out, packet->protocol);
    write_u16(out, 0);
    write_u32(out, packet->source);
    write_u32(out, packet->destination);
    fill_checksum(out, start, IP_CHECKSUM_OFFSET, 0);
}

static void write_tcp_options(const Segment *segment, GByteArray *out)
{
    if (segment->mss != 0) { /* RFC 9293 §3.2 */
        write_u8(out, TCP_OPTION_MSS);
        write_u8(out, 4);
        write_u16(out, segment->mss);
    }
    if (segment->window_scale != SEGMENT_NO_WINDOW_SCALE) { /* RFC 7323 §2.2 */
        write_u8(out, TCP_OPTION_NO_OPERATION);
        write_u8(out, TCP_OPTION_WINDOW_SCALE);
        write_u8(out, 3);
        write_u8(out, segment->window_scale);
    }
}

static void write_tcp(const Packet *packet, GByteArray *out)
{
    const Segment *segment = &packet->tcp;
    guint start = out->len;
    uint32_t header_size =
        packet_ip_size(packet) - PACKET_IP_HEADER - segment_payload_size(segment);
    write_u16(out, segment->source_port);
    write_u16(out, segment->destination_port);
    write_u32(out, segment->seq);
    write_u32(out, segment->flags & SEGMENT_ACK ? segment->ack : 0);
    write_u8(out, (uint8_t)(header_size / 4 << 4));
    write_u8(out, segment->flags);
    write_u16(out, segment->window);
    write_u16(out, 0);
    write_u16(out, segment->flags & SEGMENT_URG ? segment->urgent : 0);
    if (segment->flags & SEGMENT_SYN)
        write_tcp_options(segment, out);
    write_slice(out, segment->payload);
    write_slice(out, segment->payload_rest);
    fill_checksum(out, start, TCP_CHECKSUM_OFFSET, pseudo_header_sum(packet));
}

static void write_udp(const Packet *packet, GByteArray *out)
{
    guint start = out->len;
    write_u16(out, packet->udp.source_port);
    write_u16(out, packet->udp.destination_port);
    write_u16(out, packet_ip_size(packet) - PACKET_IP_HEADER);
    write_u16(out, 0);
    write_slice(out, packet->udp.payload);
    fill_checksum(out, start, UDP_CHECKSUM_OFFSET, pseudo_header_sum(packet));
    uint8_t *checksum = out->data + start + UDP_CHECKSUM_OFFSET;
    /* RFC 768: zero means that there is no checksum, so a sum of zero is sent as all ones. */
    if (checksum[0] == 0 && checksum[1] == 0)
        checksum[0] = checksum[1] = 0xFF;
}

static void write_icmp(const Packet *packet, GByteArray *out)
{
    guint start = out->len;
    write_u8(out, packet->icmp.type);
    write_u8(out, packet->icmp.code);
    write_u16(out, 0);
    write_u32(out, packet->icmp.mtu); /* RFC 1191 §4; otherwise unused and zero */
    g_byte_array_append(out, packet->icmp.quote, PACKET_ICMP_QUOTE);
    fill_checksum(out, start, ICMP_CHECKSUM_OFFSET, 0);
}

static void turn_bits_over(const PacketDamage *damage, uint8_t *ip)
{
    for (uint32_t i = 0; i < damage->count; i++)
        ip[damage->bits[i] / 8] ^= (uint8_t)(0x80 >> damage->bits[i] % 8);
}

void packet_write(const Packet *packet, GByteArray *out)
{
    guint start = out->len;
    write_ethernet(packet, out);
    write_ip(packet, out);
    switch ((PacketProtocol)packet->protocol) {
    case PACKET_ICMP:
        write_icmp(packet, out);
        break;
    case PACKET_TCP:
        write_tcp(packet, out);
        break;
    case PACKET_UDP:
        write_udp(packet, out);
        break;
    }
    if (packet->damage != NULL)
        turn_bits_over(packet->damage, out->data + start + PACKET_ETHERNET_HEADER);
}

/* RFC 768: a checksum of zero is none. */
static bool udp_has_checksum(const uint8_t *udp)
{
    return udp[UDP_CHECKSUM_OFFSET] != 0 || udp[UDP_CHECKSUM_OFFSET + 1] != 0;
}

/* The sum over octets and their checksum is all ones where they fit (RFC 1071 §1). */
static bool sums_up(uint32_t sum, const uint8_t *octets, size_t length)
{
    return packet_checksum_finish(packet_checksum_add(sum, span_of(octets, length))) == 0;
}

/* The octets' addresses, protocol and length are those of the packet, or the IP header's own
 * checksum would be wrong: one bit, or a few, cannot change two fields of it alike. */
static const char *find_defect_behind_ip(const Packet *packet, const uint8_t *octets, size_t length)
{
    switch ((PacketProtocol)packet->protocol) {
    case PACKET_ICMP:
        return sums_up(0, octets, length) ? NULL : "wrong ICMP checksum";
    case PACKET_TCP:
        return sums_up(pseudo_header_sum(packet), octets, length) ? NULL : "wrong TCP checksum";
    case PACKET_UDP:
        return !udp_has_checksum(octets) || sums_up(pseudo_header_sum(packet), octets, length)
                   ? NULL
                   : "wrong UDP checksum";
    }
    return NULL;
}

const char *packet_find_damage(const Packet *packet, bool only_ip)
{
    g_autoptr(GByteArray) frame = g_byte_array_new();
    packet_write(packet, frame);
    const uint8_t *ip = frame->data + PACKET_ETHERNET_HEADER;
    size_t length = frame->len - PACKET_ETHERNET_HEADER;
    if (!sums_up(0, ip, PACKET_IP_HEADER))
        return "wrong IP checksum";
    return only_ip
               ? NULL
               : find_defect_behind_ip(packet, ip + PACKET_IP_HEADER, length - PACKET_IP_HEADER);
}

static void write_for_trace(const void *packet, GByteArray *out)
{
    packet_write(packet, out);
}

TracePacket packet_for_trace(const Packet *packet)
{
    return (TracePacket){write_for_trace, packet};
}
