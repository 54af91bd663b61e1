/* A name server. See name_server.h. */
#include "node/name_server.h"

#include "core/check.h"
#include "proto/dns_answer.h"

struct NameServer {
    Machine machine;
    DnsZone *zone;
};

static char *describe_answers(const DnsMessage *response)
{
    DnsAnswer answer = {.record_count = dns_message_count(response, DNS_ANSWER)};
    if (answer.record_count > 0)
        answer.records = dns_message_peek(response, DNS_ANSWER, 0);
    return dns_answer_format(&answer);
}

/* What the datagram says, which may be less than the zone has said: so it is read for that. */
static void trace_response(const NameServer *server, Span datagram)
{
    if (!dns_message_has_question(datagram) || TRACE_PASS_OVER(server->machine.trace, DNS_RESPONSE))
        return;
    DnsMessage response;
    dns_message_init(&response);
    CHECK(dns_message_decode(datagram, &response));
    const char *name = response.question.name;
    char type[DNS_TYPE_TEXT_SIZE];
    g_autofree char *records = describe_answers(&response);
    TRACE(server->machine.trace, server->machine.node, DNS_RESPONSE,
          name_faults_find(server->machine.name_faults, name), .name = name,
          .type = dns_type_format(response.question.type, type), .id = response.id,
          .code = dns_rcode_name(response.rcode), .records = records);
    dns_message_clear(&response);
}

static void on_query(void *owner, Ipv4Address source, uint16_t source_port, Span data)
{
    NameServer *server = owner;
    uint8_t octets[DNS_DATAGRAM_MAX];
    size_t length = 0;
    if (!dns_zone_answer_datagram(server->zone, data, octets, &length))
        return;
    trace_response(server, span_of(octets, length));
    g_autoptr(Octets) datagram = octets_new(octets, length);
    host_udp_send(server->machine.host, DNS_PORT, source, source_port, datagram);
}

NameServer *name_server_new(const Machine *machine, DnsZone *zone)
{
    NameServer *server = g_new0(NameServer, 1);
    server->machine = *machine;
    server->zone = zone;
    uint16_t port = host_udp_bind(machine->host, DNS_PORT, on_query, server);
    CHECK(port == DNS_PORT);
    return server;
}

void name_server_free(NameServer *server)
{
    g_free(server);
}
