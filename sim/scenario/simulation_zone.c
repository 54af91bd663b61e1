/* The names of a simulation: A, MX and PTR generated from its servers and machines, and what the
 * scenario says about names itself. */
#include "scenario/simulation_internal.h"

#include "core/check.h"

#include <string.h>

enum {
    DNS_DEFAULT_TTL_S = 3600,
    DNS_DEFAULT_PREFERENCE = 10,
    DNS_BACKUP_PREFERENCE = 20,
    DNS_NEGATIVE_TTL_S = 300
};

#define DNS_BLOCK_LIST_ENTRY ((Ipv4Address)0x7F000002) /* 127.0.0.2 */

static void add_record(DnsZone *zone, DnsRecord record)
{
    dns_zone_add(zone, &record);
    dns_record_clear(&record);
}

/* A machine behind NAT is known by its router's address, which has no name of its own. */
static void add_machine_names(DnsZone *zone, const Machine *machine)
{
    const char *name = host_name(machine->host);
    Ipv4Address address = network_address_of(machine->network, name);
    add_record(zone, dns_record_a(name, DNS_DEFAULT_TTL_S, address));
    if (address != host_address(machine->host))
        return;
    char reverse[DNS_NAME_TEXT_SIZE];
    dns_name_reverse(address, reverse);
    add_record(zone, dns_record_host(reverse, DNS_TYPE_PTR, DNS_DEFAULT_TTL_S, name));
}

static void add_generated(const Simulation *simulation, DnsZone *zone)
{
    add_machine_names(zone, &simulation->name_server_machine);
    for (size_t i = 0; i < simulation->scenario->servers.count; i++) {
        const SimulatedServer *server = &simulation->servers[i];
        add_machine_names(zone, &server->machine);
        for (size_t d = 0; d < server->scenario->domains.count; d++)
            add_record(zone,
                       dns_record_mx(server->scenario->domains.items[d].text, DNS_DEFAULT_TTL_S,
                                     DNS_DEFAULT_PREFERENCE, server->scenario->name.text));
        for (size_t d = 0; d < server->scenario->backup_for.count; d++)
            add_record(zone,
                       dns_record_mx(server->scenario->backup_for.items[d].text, DNS_DEFAULT_TTL_S,
                                     DNS_BACKUP_PREFERENCE, server->scenario->name.text));
    }
    for (guint i = 0; i < simulation->agents->len; i++)
        add_machine_names(zone, &g_array_index(simulation->agents, SimulatedAgent, i).machine);
    if (simulation->outside != NULL)
        add_machine_names(zone, &simulation->outside[0]);
}

/* What the scenario says of these names does not count: their servers are outside. */
static void set_outside(const Simulation *simulation, DnsZone *zone)
{
    char **domains = simulation->options.outside->domains;
    for (size_t i = 0; domains[i] != NULL; i++) {
        const Machine *machine = &simulation->outside[i + 1];
        DnsRecord mx =
            dns_record_mx(domains[i], DNS_DEFAULT_TTL_S, DNS_DEFAULT_PREFERENCE, domains[i]);
        dns_zone_set(zone, domains[i], DNS_TYPE_CNAME, NULL, 0);
        dns_zone_set(zone, domains[i], DNS_TYPE_MX, &mx, 1);
        dns_zone_set(zone, domains[i], DNS_TYPE_A, NULL, 0);
        add_machine_names(zone, machine);
        dns_record_clear(&mx);
    }
}

/* An address, or the address of a machine of that name. */
static Ipv4Address find_address(const Simulation *simulation, const char *text)
{
    Ipv4Address address = 0;
    if (ipv4_parse(text, &address))
        return address;
    Host *host = network_find_host(simulation->network, text);
    CHECK(host != NULL); /* the reader has looked */
    return network_address_of(simulation->network, text);
}

static void set_records_of_type(DnsZone *zone, const char *name, uint16_t type, GArray *records)
{
    if (records->len > 0)
        dns_zone_set(zone, name, type, (const DnsRecord *)(void *)records->data, records->len);
    g_array_set_size(records, 0);
}

static void append(GArray *records, DnsRecord record)
{
    g_array_append_val(records, record);
}

/* `.`: the address has no name. */
static void set_pointer(DnsZone *zone, Ipv4Address address, uint32_t ttl_s, const char *host)
{
    char reverse[DNS_NAME_TEXT_SIZE];
    dns_name_reverse(address, reverse);
    if (strcmp(host, ".") == 0) {
        dns_zone_set(zone, reverse, DNS_TYPE_PTR, NULL, 0);
        return;
    }
    DnsRecord pointer = dns_record_host(reverse, DNS_TYPE_PTR, ttl_s, host);
    dns_zone_set(zone, reverse, DNS_TYPE_PTR, &pointer, 1);
    dns_record_clear(&pointer);
}

/* RFC 5782 §2.1: the entry of an address in a block list. */
static void list_address(DnsZone *zone, Ipv4Address address, uint32_t ttl_s, const char *host,
                         const char *list)
{
    g_autofree char *name = g_strdup_printf("%u.%u.%u.%u.%s", address & 255, address >> 8 & 255,
                                            address >> 16 & 255, address >> 24, list);
    g_autofree char *text = g_strdup_printf("%s has been seen sending spam", host);
    DnsRecord entry = dns_record_a(name, ttl_s, DNS_BLOCK_LIST_ENTRY);
    DnsRecord reason = dns_record_txt(name, ttl_s, text);
    dns_zone_set(zone, name, DNS_TYPE_A, &entry, 1);
    dns_zone_set(zone, name, DNS_TYPE_TXT, &reason, 1);
    dns_record_clear(&entry);
    dns_record_clear(&reason);
}

void simulation_set_records(const Simulation *simulation, DnsZone *zone, const char *name,
                            const DnsRecords *records)
{
    uint32_t ttl_s = (uint32_t)(records->ttl_ns / SIM_SECOND);
    g_autoptr(GArray) list = dns_records_new();
    for (size_t i = 0; i < records->mx.count; i++)
        append(list, dns_record_mx(name, ttl_s, (uint16_t)records->mx.items[i].preference,
                                   records->mx.items[i].host.text));
    set_records_of_type(zone, name, DNS_TYPE_MX, list);
    for (size_t i = 0; i < records->a.count; i++)
        append(list, dns_record_a(name, ttl_s, find_address(simulation, records->a.items[i].text)));
    set_records_of_type(zone, name, DNS_TYPE_A, list);
    for (size_t i = 0; i < records->txt.count; i++)
        append(list, dns_record_txt(name, ttl_s, records->txt.items[i].text));
    set_records_of_type(zone, name, DNS_TYPE_TXT, list);
    if (records->cname.text != NULL)
        append(list, dns_record_host(name, DNS_TYPE_CNAME, ttl_s, records->cname.text));
    set_records_of_type(zone, name, DNS_TYPE_CNAME, list);
    if (records->ptr.text != NULL)
        set_pointer(zone, find_address(simulation, name), ttl_s, records->ptr.text);
    for (size_t i = 0; i < records->listed_by.count; i++)
        list_address(zone, find_address(simulation, name), ttl_s, name,
                     records->listed_by.items[i].text);
    dns_zone_set_ttl(zone, name, ttl_s);
}

/* The time to live that the scenario gives the name's records. */
static uint32_t ttl_of(const Simulation *simulation, const char *name)
{
    const ScenarioDns *dns = &simulation->scenario->dns;
    for (size_t i = 0; i < dns->count; i++) {
        if (g_ascii_strcasecmp(dns->items[i].name.text, name) == 0)
            return (uint32_t)(dns->items[i].ttl_ns / SIM_SECOND);
    }
    return DNS_DEFAULT_TTL_S;
}

static void update_name(const Simulation *simulation, const Machine *machine)
{
    const char *name = host_name(machine->host);
    Ipv4Address address = network_address_of(simulation->network, name);
    char text[IPV4_TEXT_SIZE];
    g_autofree char *words = g_strdup_printf("A %s", ipv4_format(address, text));
    DnsRecord record = dns_record_a(name, ttl_of(simulation, name), address);
    TRACE(simulation->trace, simulation->name_server_machine.node, DNS_SET, 0, .name = name,
          .records = words);
    dns_zone_set(simulation->zone, name, DNS_TYPE_A, &record, 1);
    dns_record_clear(&record);
}

void simulation_update_home_names(const Simulation *simulation, const char *home)
{
    Cause *cause = simulator_cause(simulation->simulator);
    Cause before = *cause;
    for (size_t i = 0; i < simulation->scenario->servers.count; i++) {
        *cause = before;
        if (strcmp(simulation->servers[i].scenario->router.text, home) == 0)
            update_name(simulation, &simulation->servers[i].machine);
    }
    for (guint i = 0; i < simulation->agents->len; i++) {
        const SimulatedAgent *agent = &g_array_index(simulation->agents, SimulatedAgent, i);
        *cause = before;
        if (strcmp(agent->scenario->router.text, home) == 0)
            update_name(simulation, &agent->machine);
    }
    *cause = before;
}

char *simulation_describe_records(const DnsRecords *records)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < records->mx.count; i++)
        g_string_append_printf(text, "MX %d %s; ", (int)records->mx.items[i].preference,
                               records->mx.items[i].host.text);
    for (size_t i = 0; i < records->a.count; i++)
        g_string_append_printf(text, "A %s; ", records->a.items[i].text);
    for (size_t i = 0; i < records->txt.count; i++)
        g_string_append_printf(text, "TXT \"%s\"; ", records->txt.items[i].text);
    if (records->cname.text != NULL)
        g_string_append_printf(text, "CNAME %s; ", records->cname.text);
    if (records->ptr.text != NULL)
        g_string_append_printf(text, "PTR %s; ", records->ptr.text);
    for (size_t i = 0; i < records->listed_by.count; i++)
        g_string_append_printf(text, "on the block list %s; ", records->listed_by.items[i].text);
    if (text->len > 0)
        g_string_truncate(text, text->len - 2);
    return g_string_free(text, FALSE);
}

/* One zone for everything: the apex is the root, so that no name is out of it. */
DnsZone *simulation_build_zone(const Simulation *simulation)
{
    DnsZone *zone = dns_zone_new();
    char primary[] = SIMULATION_NAME_SERVER, mailbox[] = "postmaster." SIMULATION_NAME_SERVER;
    DnsSoa soa = {.primary = primary,
                  .mailbox = mailbox,
                  .serial = 1,
                  .refresh_s = DNS_DEFAULT_TTL_S,
                  .retry_s = DNS_DEFAULT_TTL_S,
                  .expire_s = DNS_DEFAULT_TTL_S,
                  .minimum_s = DNS_NEGATIVE_TTL_S};
    add_record(zone, dns_record_soa(".", DNS_DEFAULT_TTL_S, &soa));
    add_generated(simulation, zone);
    const ScenarioDns *dns = &simulation->scenario->dns;
    for (size_t i = 0; i < dns->count; i++)
        simulation_set_records(simulation, zone, dns->items[i].name.text, &dns->items[i]);
    if (simulation->outside != NULL)
        set_outside(simulation, zone);
    return zone;
}
