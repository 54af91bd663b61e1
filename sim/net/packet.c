/* The life of a packet, and its sizes. See packet.h; its bytes are in packet_wire.c. */
#include "net/packet.h"

#include "core/check.h"

Packet *packet_new(Pool *pool, PacketProtocol protocol, Ipv4Address source, Ipv4Address destination)
{
    Packet *packet = pool_take(pool);
    packet->pool = pool;
    packet->ref = (TraceRef){0};
    packet->because = 0;
    packet->damage = NULL;
    packet->put_on_link_at = 0;
    packet->hop_from = packet->hop_to = NODE_TIMELINE;
    packet->source = source;
    packet->destination = destination;
    packet->ttl = PACKET_FIRST_TTL;
    packet->protocol = (uint8_t)protocol;
    if (protocol != PACKET_TCP)
        packet->icmp = (IcmpError){0};
    _Static_assert(sizeof(IcmpError) >= sizeof(Datagram), "a datagram is zero too");
    return packet;
}

void packet_free(void *data)
{
    Packet *packet = data;
    if (packet->protocol == PACKET_TCP)
        segment_clear(&packet->tcp);
    else if (packet->protocol == PACKET_UDP)
        slice_clear(&packet->udp.payload);
    g_free(packet->damage);
    pool_give_back(packet->pool, packet);
}

Packet *packet_copy(const Packet *packet)
{
    Packet *copy = pool_take(packet->pool);
    *copy = *packet;
    if (packet->damage != NULL)
        copy->damage = g_memdup2(packet->damage, sizeof *packet->damage);
    if (packet->protocol == PACKET_TCP)
        segment_share_payload(&copy->tcp);
    else if (packet->protocol == PACKET_UDP)
        copy->udp.payload = slice_ref(packet->udp.payload, 0, packet->udp.payload.length);
    return copy;
}

void packet_damage(Packet *packet, uint32_t bit)
{
    CHECK(bit / 8 < packet_ip_size(packet));
    if (packet->damage == NULL)
        packet->damage = g_new0(PacketDamage, 1);
    if (packet->damage->count < PACKET_MAX_DAMAGE)
        packet->damage->bits[packet->damage->count++] = bit;
}

uint32_t packet_options_size(const Segment *segment)
{
    enum {
        MSS_LENGTH = 4,
        WINDOW_SCALE_LENGTH = 4, /* with the no-operation that pads it */
    };
    uint32_t size = segment->mss != 0 ? MSS_LENGTH : 0;
    return size +
           (segment->window_scale != SEGMENT_NO_WINDOW_SCALE ? (uint32_t)WINDOW_SCALE_LENGTH : 0);
}

uint32_t packet_size_without_tcp(const Packet *packet)
{
    if (packet->protocol == PACKET_UDP)
        return PACKET_IP_HEADER + PACKET_UDP_HEADER + (uint32_t)packet->udp.payload.length;
    CHECK(packet->protocol == PACKET_ICMP);
    return PACKET_IP_HEADER + PACKET_ICMP_HEADER + PACKET_ICMP_QUOTE;
}

const char *packet_part_at(const Packet *packet, uint32_t octet)
{
    if (octet < PACKET_IP_HEADER)
        return "IP header";
    uint32_t rest = octet - PACKET_IP_HEADER;
    switch ((PacketProtocol)packet->protocol) {
    case PACKET_ICMP:
        return rest < PACKET_ICMP_HEADER ? "ICMP header" : "ICMP quotation";
    case PACKET_TCP: {
        uint32_t header =
            packet_ip_size(packet) - PACKET_IP_HEADER - segment_payload_size(&packet->tcp);
        return rest < header ? "TCP header" : "TCP payload";
    }
    case PACKET_UDP:
        return rest < PACKET_UDP_HEADER ? "UDP header" : "UDP payload";
    }
    CHECK(false);
    return NULL;
}

/* Flags as text, indexed by the bits ACK, PSH, RST, SYN, FIN from the highest (RFC 9293 §3.1);
 * URG is never set here. */
const char *packet_tcp_flags_text(uint8_t flags)
{
    static const char *const TEXTS[32] = {
        "",
        "FIN",
        "SYN",
        "SYN, FIN",
        "RST",
        "FIN, RST",
        "SYN, RST",
        "SYN, FIN, RST",
        "PSH",
        "PSH, FIN",
        "SYN, PSH",
        "SYN, PSH, FIN",
        "PSH, RST",
        "PSH, FIN, RST",
        "SYN, PSH, RST",
        "SYN, PSH, FIN, RST",
        "ACK",
        "ACK, FIN",
        "SYN, ACK",
        "SYN, ACK, FIN",
        "ACK, RST",
        "ACK, FIN, RST",
        "SYN, ACK, RST",
        "SYN, ACK, FIN, RST",
        "ACK, PSH",
        "ACK, PSH, FIN",
        "SYN, ACK, PSH",
        "SYN, ACK, PSH, FIN",
        "ACK, PSH, RST",
        "ACK, PSH, FIN, RST",
        "SYN, ACK, PSH, RST",
        "SYN, ACK, PSH, FIN, RST",
    };
    return TEXTS[flags & 31];
}
