/* A name server. See name_server.h. */
#include "node/name_server.h"

#include "core/check.h"

struct NameServer {
    Machine machine;
    DnsZone *zone;
};

static char *describe_answers(const DnsMessage *response)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < dns_message_count(response, DNS_ANSWER); i++) {
        g_autofree char *line = dns_record_format(dns_message_peek(response, DNS_ANSWER, i));
        g_string_append_printf(text, "%s%s", i > 0 ? "; " : "", line);
    }
    return g_string_free(text, text->len == 0);
}

static void trace_response(const NameServer *server, const DnsMessage *response)
{
    const char *name = response->question.name;
    if (name == NULL || trace_pass_over(server->machine.trace, TRACE_DNS_RESPONSE))
        return;
    char type[DNS_TYPE_TEXT_SIZE];
    g_autofree char *records = describe_answers(response);
    TRACE(server->machine.trace, server->machine.node, DNS_RESPONSE,
          name_faults_find(server->machine.name_faults, name), .name = name,
          .type = dns_type_format(response->question.type, type), .id = response->id,
          .code = dns_rcode_name(response->rcode), .records = records);
}

static void on_query(void *owner, Ipv4Address source, uint16_t source_port, Span data)
{
    NameServer *server = owner;
    uint8_t octets[DNS_DATAGRAM_MAX];
    size_t length = 0;
    if (!dns_zone_answer_datagram(server->zone, data, octets, &length))
        return;
    DnsMessage response;
    dns_message_init(&response);
    if (dns_message_decode(span_of(octets, length), &response))
        trace_response(server, &response);
    dns_message_clear(&response);
    g_autoptr(GBytes) datagram = g_bytes_new(octets, length);
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
