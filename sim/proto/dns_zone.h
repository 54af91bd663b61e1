/* What an authoritative name server knows and how it answers (RFC 1034 §4.3.2, RFC 2308,
 * RFC 2181 §5, §10.1).
 *
 * One DnsZone holds any number of zones: each SOA record makes its name the apex of one. A name
 * below no apex is not ours, and refused. So that lessons can break names, each name has a failure
 * switch, and its records can be replaced and restored.
 *
 * Left out on purpose: wildcards, delegation (an NS record below an apex is plain data), dynamic
 * update, zone transfer, rotating the order of records: they come in the order they were added. */
#pragma once

#include "proto/dns_wire.h"

typedef struct DnsZone DnsZone;

typedef enum DnsZoneFailure {
    DNS_ZONE_FAILURE_NONE,
    DNS_ZONE_FAILURE_SERVFAIL,
    DNS_ZONE_FAILURE_TIMEOUT,  /* queries for the name get no answer at all */
    DNS_ZONE_FAILURE_NXDOMAIN, /* as if the name did not exist */
} DnsZoneFailure;

DnsZone *dns_zone_new(void);
void dns_zone_free(DnsZone *zone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsZone, dns_zone_free)

/* Adds a copy of a record of class IN. A record that is there already counts as added (RFC 2181
 * §5). False, with nothing changed, when it contradicts the data: a CNAME beside other records of
 * its name (RFC 2181 §10.1), a second SOA, or another TTL than its set has (RFC 2181 §5.2). */
bool dns_zone_add(DnsZone *zone, const DnsRecord *record);
/* Replaces the records of `type` at `name` by copies of `records`, all of that name and type;
 * none removes them. A CNAME also takes the place of whatever else the name has, and anything else
 * that of a CNAME. A name that is left without records, at it and below it, no longer exists.
 * False, with nothing changed, when `records` contradict each other as in dns_zone_add. */
bool dns_zone_set(DnsZone *zone, const char *name, uint16_t type, const DnsRecord *records,
                  size_t count);
/* Gives all records of `name` this TTL; a change like dns_zone_set's. */
void dns_zone_set_ttl(DnsZone *zone, const char *name, uint32_t ttl_s);
/* Undoes all dns_zone_set and dns_zone_set_ttl for `name`: its records are again as before the
 * first of them. */
void dns_zone_restore(DnsZone *zone, const char *name);
/* Sets the failure switch of exactly this name; DNS_ZONE_FAILURE_NONE mends it. */
void dns_zone_fail(DnsZone *zone, const char *name, DnsZoneFailure failure);

/* Fills an initialised `response` to `query`; it points to what is theirs, zone's and query's.
 * False: stay silent. */
bool dns_zone_answer(const DnsZone *zone, const DnsMessage *query, DnsMessage *response);
/* The same with octets: writes the response and its length. False: no datagram is sent, because of
 * a DNS_ZONE_FAILURE_TIMEOUT, or because `query` is itself a response or shorter than a header. */
bool dns_zone_answer_datagram(const DnsZone *zone, Span query, uint8_t response[DNS_DATAGRAM_MAX],
                              size_t *length);
