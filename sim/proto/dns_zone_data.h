/* How proto/dns_zone.c keeps its data; for it and proto/dns_zone_answer.c alone. */
#pragma once

#include "core/table.h"
#include "proto/dns_zone.h"

typedef struct DnsZoneEntry {
    char *name;
    GArray *records;  /* of DnsRecord, in the order they were added */
    GArray *original; /* records to restore; NULL when they have not been replaced */
    size_t populated; /* names with records at this name and below it; 0: it does not exist */
    DnsZoneFailure failure;
} DnsZoneEntry;

struct DnsZone {
    Table entries; /* DnsZoneEntry, by name; for look-up only */
};

/* The entry of a name in normal form, or NULL. */
const DnsZoneEntry *dns_zone_find(const DnsZone *zone, const char *name);
