/* A resolver's cache: a table for look-up, a list for the order of use; both hold the findings
 * themselves. */
#include "proto/dns_cache.h"

#include "core/check.h"
#include "core/table.h"

#include <string.h>

enum {
    /* Stands in the key of an NXDOMAIN, which counts for all types; RFC 6895 reserves type 0. */
    EVERY_TYPE = 0,
};

/* Keys are a name and a type: all questions are of class IN. */
struct DnsCache {
    Table findings;
    GQueue by_use; /* least recently used first, see move_to_end */
    uint64_t uses; /* entries found or put at the end of the list */
    size_t entry_maximum;
    size_t denied; /* findings of EVERY_TYPE */
};

static uint32_t hash_name(const char *name)
{
    return table_hash(name, strlen(name));
}

static uint32_t hash_key(uint32_t name_hash, uint16_t type)
{
    return table_hash_number((uint64_t)type << 32 | name_hash);
}

static uint32_t hash_of(const void *thing)
{
    const DnsFinding *finding = thing;
    return hash_key(finding->kept.name_hash, finding->kept.type);
}

DnsCache *dns_cache_new(size_t entry_maximum)
{
    CHECK(entry_maximum > 0);
    DnsCache *cache = g_new0(DnsCache, 1);
    cache->findings.hash_of = hash_of;
    g_queue_init(&cache->by_use);
    cache->entry_maximum = entry_maximum;
    return cache;
}

void dns_cache_free(DnsCache *cache)
{
    if (!cache)
        return;
    dns_cache_flush(cache);
    g_free(cache);
}

static void let_go(DnsFinding *finding)
{
    finding->kept.link.data = NULL;
    dns_finding_unref(finding);
}

void dns_cache_flush(DnsCache *cache)
{
    cache->denied = 0;
    table_clear(&cache->findings);
    GList *link;
    while ((link = g_queue_pop_head_link(&cache->by_use)) != NULL)
        let_go(link->data);
}

size_t dns_cache_count(const DnsCache *cache)
{
    return table_count(&cache->findings);
}

static void remove_finding(DnsCache *cache, DnsFinding *finding)
{
    g_queue_unlink(&cache->by_use, &finding->kept.link);
    cache->denied -= finding->kept.type == EVERY_TYPE;
    table_remove(&cache->findings, finding);
    let_go(finding);
}

static DnsFinding *find(const DnsCache *cache, const char *name, uint32_t name_hash, uint16_t type)
{
    TableProbe probe = table_probe(&cache->findings, hash_key(name_hash, type));
    DnsFinding *finding;
    while ((finding = table_next(&cache->findings, &probe)) != NULL &&
           (finding->kept.type != type || strcmp(finding->name, name) != 0))
        continue;
    return finding;
}

static void append(DnsCache *cache, DnsFinding *finding)
{
    g_queue_push_tail_link(&cache->by_use, &finding->kept.link);
    finding->kept.moved_at = ++cache->uses;
}

/* One that has come to the end a few uses ago stays: to move it costs more than to find it, as its
 * neighbours in the list have mostly left the processor's cache. So the entry that makes room may
 * have been used a quarter of the maximum earlier than another one. */
static void move_to_end(DnsCache *cache, DnsFinding *finding)
{
    if (++cache->uses - finding->kept.moved_at <= cache->entry_maximum / 4)
        return;
    g_queue_unlink(&cache->by_use, &finding->kept.link);
    append(cache, finding);
}

static DnsFinding *find_fresh(DnsCache *cache, const char *name, uint32_t name_hash, uint16_t type,
                              SimTime now)
{
    DnsFinding *finding = find(cache, name, name_hash, type);
    if (!finding)
        return NULL;
    if (now >= finding->expires_at) {
        remove_finding(cache, finding);
        return NULL;
    }
    move_to_end(cache, finding);
    return finding;
}

DnsFinding *dns_cache_find(DnsCache *cache, const char *name, uint16_t type, SimTime now)
{
    const uint32_t hash = hash_name(name);
    DnsFinding *finding = cache->denied > 0 ? find_fresh(cache, name, hash, EVERY_TYPE, now) : NULL;
    return finding ? finding : find_fresh(cache, name, hash, type, now);
}

void dns_cache_put(DnsCache *cache, uint16_t type, DnsFinding *finding)
{
    CHECK(finding->kept.link.data == NULL);
    if (finding->expires_at <= finding->cached_at)
        return;
    if (finding->outcome == DNS_OUTCOME_NXDOMAIN && finding->record_count == 0)
        type = EVERY_TYPE;
    const uint32_t hash = hash_name(finding->name);
    DnsFinding *same = find(cache, finding->name, hash, type);
    if (same)
        remove_finding(cache, same);
    else if (dns_cache_count(cache) == cache->entry_maximum)
        remove_finding(cache, g_queue_peek_head(&cache->by_use));
    finding->kept.name_hash = hash;
    finding->kept.type = type;
    finding->kept.link.data = dns_finding_ref(finding);
    cache->denied += type == EVERY_TYPE;
    table_add(&cache->findings, hash_of(finding), finding);
    append(cache, finding);
}
