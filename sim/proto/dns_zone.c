/* The data of an authoritative name server; proto/dns_zone_answer.c answers from it. */
#include "proto/dns_zone_data.h"

#include "core/check.h"

#include <string.h>

static uint32_t hash_name(const char *name)
{
    return table_hash(name, strlen(name));
}

static uint32_t hash_entry(const void *thing)
{
    return hash_name(((const DnsZoneEntry *)thing)->name);
}

static void entry_free(DnsZoneEntry *entry)
{
    g_clear_pointer(&entry->records, g_array_unref);
    g_clear_pointer(&entry->original, g_array_unref);
    g_free(entry->name);
    g_free(entry);
}

DnsZone *dns_zone_new(void)
{
    DnsZone *zone = g_new0(DnsZone, 1);
    zone->entries.hash_of = hash_entry;
    return zone;
}

void dns_zone_free(DnsZone *zone)
{
    if (!zone)
        return;
    size_t at = 0;
    for (DnsZoneEntry *entry; (entry = table_each(&zone->entries, &at)) != NULL;)
        entry_free(entry);
    table_clear(&zone->entries);
    g_free(zone);
}

static DnsZoneEntry *find_entry(const DnsZone *zone, const char *name)
{
    TableProbe probe = table_probe(&zone->entries, hash_name(name));
    DnsZoneEntry *entry;
    while ((entry = table_next(&zone->entries, &probe)) != NULL && strcmp(entry->name, name) != 0)
        continue;
    return entry;
}

const DnsZoneEntry *dns_zone_find(const DnsZone *zone, const char *name)
{
    return find_entry(zone, name);
}

/* The entry of a name in normal form, made when there is none. */
static DnsZoneEntry *need_entry(DnsZone *zone, const char *name)
{
    DnsZoneEntry *entry = find_entry(zone, name);
    if (entry)
        return entry;
    entry = g_new0(DnsZoneEntry, 1);
    entry->name = g_strdup(name);
    entry->records = dns_records_new();
    table_add(&zone->entries, hash_name(name), entry);
    return entry;
}

static DnsZoneEntry *need_entry_of_text(DnsZone *zone, const char *text)
{
    char name[DNS_NAME_TEXT_SIZE];
    CHECK(dns_name_normalise(text, name));
    return need_entry(zone, name);
}

/* Counts a name with records at itself and at all names above it, which exist by that too:
 * RFC 4592 §2.2.2's empty non-terminals. */
static void count_populated(DnsZone *zone, const char *name, int change)
{
    for (; name; name = dns_name_parent(name)) {
        DnsZoneEntry *entry = need_entry(zone, name);
        CHECK(change > 0 || entry->populated > 0);
        entry->populated += (size_t)change;
    }
}

/* The one place where a name's records are exchanged; takes `records`. */
static void take_records(DnsZone *zone, DnsZoneEntry *entry, GArray *records)
{
    int change = (records->len > 0) - (entry->records->len > 0);
    g_array_unref(entry->records);
    entry->records = records;
    if (change != 0)
        count_populated(zone, entry->name, change);
}

static void append_copy(GArray *records, const DnsRecord *record)
{
    DnsRecord copy = dns_record_copy(record);
    g_array_append_val(records, copy);
}

static GArray *copy_records(const GArray *records)
{
    GArray *copies = dns_records_new();
    for (guint i = 0; i < records->len; i++)
        append_copy(copies, &g_array_index(records, DnsRecord, i));
    return copies;
}

/* RFC 2181 §10.1: an alias has no other data, and one target; §5.2: a set has one TTL. */
static bool contradicts(const DnsRecord *there, const DnsRecord *record)
{
    bool is_alias = record->type == DNS_TYPE_CNAME;
    if (is_alias || there->type == DNS_TYPE_CNAME)
        return true;
    if (there->type != record->type)
        return false;
    return record->type == DNS_TYPE_SOA || there->ttl_s != record->ttl_s;
}

/* Appends a copy of `record` unless it is there already; false when it contradicts what is. */
static bool append_consistent(GArray *records, const DnsRecord *record)
{
    for (guint i = 0; i < records->len; i++) {
        if (dns_record_equals(&g_array_index(records, DnsRecord, i), record))
            return true;
    }
    for (guint i = 0; i < records->len; i++) {
        if (contradicts(&g_array_index(records, DnsRecord, i), record))
            return false;
    }
    append_copy(records, record);
    return true;
}

bool dns_zone_add(DnsZone *zone, const DnsRecord *record)
{
    CHECK(record->class == DNS_CLASS_IN);
    DnsZoneEntry *entry = need_entry_of_text(zone, record->name);
    g_autoptr(GArray) records = copy_records(entry->records);
    if (!append_consistent(records, record))
        return false;
    take_records(zone, entry, g_steal_pointer(&records));
    return true;
}

/* Keeps what was there before the first change. */
static void save_original(DnsZoneEntry *entry)
{
    if (!entry->original)
        entry->original = copy_records(entry->records);
}

bool dns_zone_set(DnsZone *zone, const char *name, uint16_t type, const DnsRecord *records,
                  size_t count)
{
    DnsZoneEntry *entry = need_entry_of_text(zone, name);
    g_autoptr(GArray) result = dns_records_new();
    for (guint i = 0; i < entry->records->len; i++) {
        const DnsRecord *there = &g_array_index(entry->records, DnsRecord, i);
        bool gives_way = there->type == type ||
                         (count > 0 && (type == DNS_TYPE_CNAME || there->type == DNS_TYPE_CNAME));
        if (!gives_way)
            append_copy(result, there);
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(records[i].type == type && strcmp(records[i].name, entry->name) == 0);
        if (!append_consistent(result, &records[i]))
            return false;
    }
    save_original(entry);
    take_records(zone, entry, g_steal_pointer(&result));
    return true;
}

void dns_zone_set_ttl(DnsZone *zone, const char *name, uint32_t ttl_s)
{
    DnsZoneEntry *entry = need_entry_of_text(zone, name);
    save_original(entry);
    for (guint i = 0; i < entry->records->len; i++)
        g_array_index(entry->records, DnsRecord, i).ttl_s = ttl_s;
}

void dns_zone_restore(DnsZone *zone, const char *name)
{
    DnsZoneEntry *entry = need_entry_of_text(zone, name);
    if (entry->original)
        take_records(zone, entry, g_steal_pointer(&entry->original));
}

void dns_zone_fail(DnsZone *zone, const char *name, DnsZoneFailure failure)
{
    need_entry_of_text(zone, name)->failure = failure;
}
