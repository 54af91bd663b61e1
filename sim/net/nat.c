/* NAT routers. See nat.h. */
#include "net/nat_internal.h"

#include "core/check.h"

enum {
    QUOTE_CHECKSUM_OFFSET = 10,
    QUOTE_PROTOCOL_OFFSET = 9,
    QUOTE_SOURCE_OFFSET = 12,
    QUOTE_DESTINATION_OFFSET = 16,
    QUOTE_PORTS_OFFSET = PACKET_IP_HEADER,
    QUOTE_UDP_CHECKSUM_OFFSET = PACKET_IP_HEADER + 6,
    OUTSIDE_FIRST_PORT = 1024,
};

/* A row of the translation table. */
typedef struct NatMapping {
    uint8_t protocol;
    uint16_t inside_port, outside_port;
    Ipv4Address inside;
    SimTime used_at; /* by a packet from inside; SIM_NEVER: a forward, which stays */
} NatMapping;

struct Nat {
    NetworkNode *router;
    NatOptions options;
    uint32_t index;
    GPtrArray *hosts;      /* NetworkNode *, in order of address */
    GHashTable *by_inside; /* key_of inside address and port -> NatMapping *, owned */
    GHashTable *by_port;   /* key_of the router's own port -> the same */
};

static uint64_t *key_of(uint8_t protocol, Ipv4Address address, uint16_t port)
{
    uint64_t *key = g_new(uint64_t, 1);
    *key = (uint64_t)protocol << 48 | (uint64_t)port << 32 | address;
    return key;
}

static NatMapping *find(GHashTable *table, uint8_t protocol, Ipv4Address address, uint16_t port)
{
    g_autofree uint64_t *key = key_of(protocol, address, port);
    return g_hash_table_lookup(table, key);
}

Nat *nat_new(NetworkNode *router, uint32_t index, NatOptions options)
{
    CHECK(options.tcp_timeout > 0 && options.udp_timeout > 0);
    Nat *nat = g_new0(Nat, 1);
    *nat = (Nat){.router = router, .options = options, .index = index};
    nat->hosts = g_ptr_array_new();
    nat->by_inside = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    nat->by_port = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return nat;
}

void nat_free(Nat *nat)
{
    g_ptr_array_unref(nat->hosts);
    g_hash_table_unref(nat->by_port);
    g_hash_table_unref(nat->by_inside);
    g_free(nat);
}

/* 10.x.y.2 and upward, a /24 for each home (RFC 1918). */
Ipv4Address nat_add_host(Nat *nat, NetworkNode *host)
{
    CHECK(nat->hosts->len < NAT_MAX_HOSTS);
    g_ptr_array_add(nat->hosts, host);
    return NAT_INSIDE | nat->index << 8 | (nat->hosts->len + 1);
}

NetworkNode *nat_host_at(const Nat *nat, Ipv4Address address)
{
    uint32_t index = (address & 0xFF) - 2;
    return index < nat->hosts->len ? nat->hosts->pdata[index] : NULL;
}

static bool is_inside(const Nat *nat, Ipv4Address address)
{
    return address >> 8 == (NAT_INSIDE >> 8 | nat->index);
}

static NatMapping *mapping_add(Nat *nat, NatMapping row)
{
    NatMapping *mapping = g_new(NatMapping, 1);
    *mapping = row;
    g_hash_table_insert(nat->by_inside, key_of(row.protocol, row.inside, row.inside_port), mapping);
    g_hash_table_insert(nat->by_port, key_of(row.protocol, 0, row.outside_port), mapping);
    return mapping;
}

static void mapping_remove(Nat *nat, const NatMapping *mapping)
{
    g_autofree uint64_t *port = key_of(mapping->protocol, 0, mapping->outside_port);
    g_autofree uint64_t *inside = key_of(mapping->protocol, mapping->inside, mapping->inside_port);
    g_hash_table_remove(nat->by_port, port);
    g_hash_table_remove(nat->by_inside, inside);
}

void nat_forward(Nat *nat, uint16_t outside_port, Ipv4Address inside, uint16_t inside_port)
{
    mapping_add(nat, (NatMapping){PACKET_TCP, inside_port, outside_port, inside, SIM_NEVER});
}

/* The row, if it is not too old; NULL otherwise. */
static NatMapping *fresh(Nat *nat, NatMapping *mapping)
{
    if (mapping == NULL || mapping->used_at == SIM_NEVER)
        return mapping;
    SimTime timeout =
        mapping->protocol == PACKET_TCP ? nat->options.tcp_timeout : nat->options.udp_timeout;
    if (simulator_now(nat->router->network->simulator) - mapping->used_at < timeout)
        return mapping;
    mapping_remove(nat, mapping);
    return NULL;
}

static bool port_is_free(Nat *nat, uint8_t protocol, uint16_t port)
{
    return fresh(nat, find(nat->by_port, protocol, 0, port)) == NULL;
}

/* RFC 4787 §4.2.1: the same number where it is free, else the next that is; 0: none. */
static uint16_t choose_port(Nat *nat, uint8_t protocol, uint16_t wanted)
{
    uint16_t port = wanted;
    for (uint32_t tried = 0; tried <= UINT16_MAX; tried++) {
        if (port >= OUTSIDE_FIRST_PORT && port_is_free(nat, protocol, port))
            return port;
        port = port == UINT16_MAX ? OUTSIDE_FIRST_PORT : (uint16_t)(port + 1);
    }
    return 0;
}

static NatMapping *mapping_for(Nat *nat, uint8_t protocol, Ipv4Address inside, uint16_t port)
{
    NatMapping *mapping = fresh(nat, find(nat->by_inside, protocol, inside, port));
    if (mapping != NULL)
        return mapping;
    uint16_t outside_port = choose_port(nat, protocol, port);
    if (outside_port == 0)
        return NULL;
    NetworkNode *router = nat->router;
    TRACE(router->network->trace, router->id, NAT_MAP, 0,
          .protocol = protocol == PACKET_TCP ? "TCP" : "UDP", .inside = inside, .inside_port = port,
          .outside = router->address, .outside_port = outside_port);
    return mapping_add(nat, (NatMapping){protocol, port, outside_port, inside, 0});
}

/* ---- Packets ---- */

static uint16_t *source_port(Packet *packet)
{
    return packet->protocol == PACKET_TCP ? &packet->tcp.source_port : &packet->udp.source_port;
}

static uint16_t *destination_port(Packet *packet)
{
    return packet->protocol == PACKET_TCP ? &packet->tcp.destination_port
                                          : &packet->udp.destination_port;
}

static void trace_translate(const Nat *nat, const Packet *packet, const char *direction)
{
    TraceFields_NAT_TRANSLATE fields = {
        .packet = packet->ref,
        .direction = direction,
        .source = packet->source,
        .destination = packet->destination,
    };
    trace_write_packet(nat->router->network->trace, nat->router->id, TRACE_NAT_TRANSLATE, 0,
                       &fields, packet_for_trace(packet));
}

/* ---- Quotations in ICMP errors (RFC 5508 §4) ---- */

static uint16_t read_u16(const uint8_t *octets)
{
    return (uint16_t)(octets[0] << 8 | octets[1]);
}

static void write_u16(uint8_t *octets, uint32_t value)
{
    octets[0] = (uint8_t)(value >> 8);
    octets[1] = (uint8_t)value;
}

/* RFC 1624: a checksum when a word that it covers changes. */
static void adjust_checksum(uint8_t *checksum, uint16_t before, uint16_t after)
{
    uint32_t sum = (uint16_t)~read_u16(checksum) + (uint32_t)(uint16_t)~before + after;
    write_u16(checksum, packet_checksum_finish(sum));
}

/* Writes one word of the quotation; its UDP checksum covers addresses and ports. */
static void requote(uint8_t *quote, int offset, uint16_t value)
{
    uint16_t before = read_u16(quote + offset);
    uint8_t *udp_checksum = quote + QUOTE_UDP_CHECKSUM_OFFSET;
    bool has_udp_checksum =
        quote[QUOTE_PROTOCOL_OFFSET] == PACKET_UDP && read_u16(udp_checksum) != 0;
    write_u16(quote + offset, value);
    if (offset < PACKET_IP_HEADER)
        adjust_checksum(quote + QUOTE_CHECKSUM_OFFSET, before, value);
    if (has_udp_checksum)
        adjust_checksum(udp_checksum, before, value);
}

static void requote_end(uint8_t *quote, int address_offset, int port_offset, Ipv4Address address,
                        uint16_t port)
{
    requote(quote, address_offset, (uint16_t)(address >> 16));
    requote(quote, address_offset + 2, (uint16_t)address);
    requote(quote, port_offset, port);
}

static Ipv4Address quoted_address(const uint8_t *quote, int offset)
{
    return (Ipv4Address)read_u16(quote + offset) << 16 | read_u16(quote + offset + 2);
}

void nat_hide_quote(Nat *nat, IcmpError *icmp)
{
    uint8_t *quote = icmp->quote;
    Ipv4Address inside = quoted_address(quote, QUOTE_DESTINATION_OFFSET);
    if (!is_inside(nat, inside))
        return;
    const NatMapping *mapping = find(nat->by_inside, quote[QUOTE_PROTOCOL_OFFSET], inside,
                                     read_u16(quote + QUOTE_PORTS_OFFSET + 2));
    if (mapping != NULL)
        requote_end(quote, QUOTE_DESTINATION_OFFSET, QUOTE_PORTS_OFFSET + 2, nat->router->address,
                    mapping->outside_port);
}

/* The error is about a packet that was sent from inside; false: nobody's. */
static bool icmp_inward(Nat *nat, Packet *packet)
{
    uint8_t *quote = packet->icmp.quote;
    NatMapping *mapping = fresh(nat, find(nat->by_port, quote[QUOTE_PROTOCOL_OFFSET], 0,
                                          read_u16(quote + QUOTE_PORTS_OFFSET)));
    if (mapping == NULL)
        return false;
    requote_end(quote, QUOTE_SOURCE_OFFSET, QUOTE_PORTS_OFFSET, mapping->inside,
                mapping->inside_port);
    packet->destination = mapping->inside;
    return true;
}

/* ---- Both ways ---- */

static bool outward(Nat *nat, Packet *packet)
{
    if (packet->protocol == PACKET_ICMP) {
        nat_hide_quote(nat, &packet->icmp);
    } else {
        uint16_t *port = source_port(packet);
        NatMapping *mapping = mapping_for(nat, packet->protocol, packet->source, *port);
        if (mapping == NULL)
            return false;
        if (mapping->used_at != SIM_NEVER)
            mapping->used_at = simulator_now(nat->router->network->simulator);
        *port = mapping->outside_port;
    }
    packet->source = nat->router->address;
    trace_translate(nat, packet, "out");
    return true;
}

static bool inward(Nat *nat, Packet *packet)
{
    if (packet->protocol == PACKET_ICMP) {
        if (!icmp_inward(nat, packet))
            return false;
    } else {
        uint16_t *port = destination_port(packet);
        NatMapping *mapping = fresh(nat, find(nat->by_port, packet->protocol, 0, *port));
        if (mapping == NULL)
            return false;
        packet->destination = mapping->inside;
        *port = mapping->inside_port;
    }
    trace_translate(nat, packet, "in");
    return true;
}

/* From inside to the router's own address both ends are translated (RFC 4787 §6). */
bool nat_translate(Nat *nat, Packet *packet)
{
    bool is_from_inside = is_inside(nat, packet->source);
    if (is_from_inside && is_inside(nat, packet->destination))
        return true;
    if (is_from_inside && !outward(nat, packet))
        return false;
    return packet->destination != nat->router->address || inward(nat, packet);
}

/* ---- In thought ---- */

static const NatMapping *peek(const Nat *nat, GHashTable *table, uint8_t protocol,
                              Ipv4Address address, uint16_t port)
{
    const NatMapping *mapping = find(table, protocol, address, port);
    if (mapping == NULL || mapping->used_at == SIM_NEVER)
        return mapping;
    SimTime timeout = protocol == PACKET_TCP ? nat->options.tcp_timeout : nat->options.udp_timeout;
    SimTime now = simulator_now(nat->router->network->simulator);
    return now - mapping->used_at < timeout ? mapping : NULL;
}

static void peek_outward(const Nat *nat, NetworkFlow *flow)
{
    const NatMapping *mapping =
        peek(nat, nat->by_inside, flow->protocol, flow->source, flow->source_port);
    if (mapping != NULL) {
        flow->source_port = mapping->outside_port;
    } else {
        flow->opened = nat;
        flow->opened_inside = flow->source;
        flow->opened_port = flow->source_port;
    }
    flow->source = nat->router->address;
}

static bool peek_inward(const Nat *nat, NetworkFlow *flow)
{
    const NatMapping *mapping = peek(nat, nat->by_port, flow->protocol, 0, flow->destination_port);
    bool is_opened = flow->opened == nat && flow->opened_port == flow->destination_port;
    if (mapping != NULL) {
        flow->destination = mapping->inside;
        flow->destination_port = mapping->inside_port;
    } else if (is_opened) {
        flow->destination = flow->opened_inside;
    }
    return mapping != NULL || is_opened;
}

bool nat_peek(const Nat *nat, NetworkFlow *flow)
{
    bool is_from_inside = is_inside(nat, flow->source);
    if (is_from_inside && is_inside(nat, flow->destination))
        return true;
    if (is_from_inside)
        peek_outward(nat, flow);
    return flow->destination != nat->router->address || peek_inward(nat, flow);
}

/* ---- A new address ---- */

static GArray *copy_forwards(const Nat *nat)
{
    GArray *forwards = g_array_new(FALSE, FALSE, sizeof(NatMapping));
    for (uint32_t port = 1; port <= UINT16_MAX; port++) {
        const NatMapping *mapping = find(nat->by_port, PACKET_TCP, 0, (uint16_t)port);
        if (mapping != NULL && mapping->used_at == SIM_NEVER)
            g_array_append_val(forwards, *mapping);
    }
    return forwards;
}

void nat_forget(Nat *nat)
{
    g_autoptr(GArray) forwards = copy_forwards(nat);
    g_hash_table_remove_all(nat->by_port);
    g_hash_table_remove_all(nat->by_inside);
    for (guint i = 0; i < forwards->len; i++)
        mapping_add(nat, g_array_index(forwards, NatMapping, i));
}

char *nat_format_forwards(const Nat *nat)
{
    g_autoptr(GArray) forwards = copy_forwards(nat);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < forwards->len; i++) {
        const NatMapping *mapping = &g_array_index(forwards, NatMapping, i);
        const NetworkNode *host = nat_host_at(nat, mapping->inside);
        g_string_append_printf(text, "%s%u to %s", i > 0 ? ", " : "", mapping->outside_port,
                               host != NULL ? host->name : "nobody");
    }
    return g_string_free(text, forwards->len == 0);
}
