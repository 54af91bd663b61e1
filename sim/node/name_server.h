/* A name server: answers queries over UDP from its zones (RFC 1034 §4.3.2). One of them knows all
 * names of a simulation. */
#pragma once

#include "node/machine.h"
#include "proto/dns_zone.h"

typedef struct NameServer NameServer;

/* Listens at once. The zone is the caller's, may change during the run, and outlives the server. */
NameServer *name_server_new(const Machine *machine, DnsZone *zone);
void name_server_free(NameServer *server);
