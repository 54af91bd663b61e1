/* A resolver's cache: a hash table for look-up, a list for the order of use. */
#include "proto/dns_cache.h"

#include "core/check.h"

enum {
    /* Stands in the key of an NXDOMAIN, which counts for all types; RFC 6895 reserves type 0. */
    EVERY_TYPE = 0,
};

typedef struct CacheNode {
    DnsQuestion question; /* the key */
    DnsCacheEntry entry;
    GList link; /* in DnsCache.by_use; its data is this node */
} CacheNode;

struct DnsCache {
    GHashTable *nodes; /* DnsQuestion -> CacheNode */
    GQueue by_use;     /* least recently used first */
    size_t entry_maximum;
};

static void node_free(gpointer data)
{
    CacheNode *node = data;
    dns_question_clear(&node->question);
    g_array_unref(node->entry.records);
    g_free(node);
}

DnsCache *dns_cache_new(size_t entry_maximum)
{
    CHECK(entry_maximum > 0);
    DnsCache *cache = g_new0(DnsCache, 1);
    cache->nodes = g_hash_table_new_full(dns_question_hash, dns_question_equal, NULL, node_free);
    g_queue_init(&cache->by_use);
    cache->entry_maximum = entry_maximum;
    return cache;
}

void dns_cache_free(DnsCache *cache)
{
    if (!cache)
        return;
    g_hash_table_unref(cache->nodes);
    g_free(cache);
}

void dns_cache_flush(DnsCache *cache)
{
    g_queue_init(&cache->by_use); /* the links lie inside the nodes */
    g_hash_table_remove_all(cache->nodes);
}

size_t dns_cache_count(const DnsCache *cache)
{
    return g_hash_table_size(cache->nodes);
}

static void remove_node(DnsCache *cache, CacheNode *node)
{
    g_queue_unlink(&cache->by_use, &node->link);
    g_hash_table_remove(cache->nodes, &node->question);
}

static const DnsCacheEntry *find_fresh(DnsCache *cache, const DnsQuestion *question, SimTime now)
{
    CacheNode *node = g_hash_table_lookup(cache->nodes, question);
    if (!node)
        return NULL;
    if (now >= node->entry.expires_at) {
        remove_node(cache, node);
        return NULL;
    }
    g_queue_unlink(&cache->by_use, &node->link);
    g_queue_push_tail_link(&cache->by_use, &node->link);
    return &node->entry;
}

const DnsCacheEntry *dns_cache_find(DnsCache *cache, const DnsQuestion *question, SimTime now)
{
    DnsQuestion every_type = *question;
    every_type.type = EVERY_TYPE;
    const DnsCacheEntry *entry = find_fresh(cache, &every_type, now);
    return entry ? entry : find_fresh(cache, question, now);
}

static CacheNode *node_new(const DnsQuestion *question, const DnsAnswer *answer)
{
    CacheNode *node = g_new0(CacheNode, 1);
    node->link.data = node;
    node->question = dns_question_copy(question);
    if (answer->outcome == DNS_OUTCOME_NXDOMAIN && answer->record_count == 0)
        node->question.type = EVERY_TYPE;
    node->entry.outcome = answer->outcome;
    node->entry.records = dns_records_new();
    for (size_t i = 0; i < answer->record_count; i++) {
        DnsRecord copy = dns_record_copy(&answer->records[i]);
        g_array_append_val(node->entry.records, copy);
    }
    return node;
}

void dns_cache_put(DnsCache *cache, const DnsQuestion *question, const DnsAnswer *answer,
                   uint32_t ttl_s, SimTime now)
{
    if (ttl_s == 0)
        return;
    CacheNode *node = node_new(question, answer);
    node->entry.cached_at = now;
    node->entry.expires_at = simtime_add(now, ttl_s * SIM_SECOND);
    CacheNode *same = g_hash_table_lookup(cache->nodes, &node->question);
    if (same)
        remove_node(cache, same);
    else if (dns_cache_count(cache) == cache->entry_maximum)
        remove_node(cache, g_queue_peek_head(&cache->by_use));
    g_hash_table_insert(cache->nodes, &node->question, node);
    g_queue_push_tail_link(&cache->by_use, &node->link);
}
