/* A resolver's cache: a hash table for look-up, a list for the order of use. */
#include "proto/dns_cache.h"

#include "core/check.h"

#include <string.h>

enum {
    /* Stands in the key of an NXDOMAIN, which counts for all types; RFC 6895 reserves type 0. */
    EVERY_TYPE = 0,
};

/* All questions are of class IN. */
typedef struct CacheKey {
    const char *name;
    guint hash; /* of the name, which is looked for under two types */
    uint16_t type;
} CacheKey;

typedef struct CacheNode {
    CacheKey key; /* its name is the finding's */
    DnsFinding *finding;
    GList link; /* in DnsCache.by_use; its data is this node */
} CacheNode;

struct DnsCache {
    GHashTable *nodes; /* CacheKey -> CacheNode */
    GQueue by_use;     /* least recently used first */
    size_t entry_maximum;
    size_t denied; /* nodes of EVERY_TYPE */
};

static CacheKey key_of(const char *name, uint16_t type)
{
    return (CacheKey){name, g_str_hash(name), type};
}

static guint key_hash(gconstpointer key)
{
    const CacheKey *it = key;
    return it->hash * 31U + it->type;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    const CacheKey *left = a, *right = b;
    return left->hash == right->hash && left->type == right->type &&
           strcmp(left->name, right->name) == 0;
}

static void node_free(gpointer data)
{
    CacheNode *node = data;
    dns_finding_unref(node->finding);
    g_free(node);
}

DnsCache *dns_cache_new(size_t entry_maximum)
{
    CHECK(entry_maximum > 0);
    DnsCache *cache = g_new0(DnsCache, 1);
    cache->nodes = g_hash_table_new_full(key_hash, key_equal, NULL, node_free);
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
    cache->denied = 0;
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
    cache->denied -= node->key.type == EVERY_TYPE;
    g_hash_table_remove(cache->nodes, &node->key);
}

static DnsFinding *find_fresh(DnsCache *cache, const CacheKey *key, SimTime now)
{
    CacheNode *node = g_hash_table_lookup(cache->nodes, key);
    if (!node)
        return NULL;
    if (now >= node->finding->expires_at) {
        remove_node(cache, node);
        return NULL;
    }
    g_queue_unlink(&cache->by_use, &node->link);
    g_queue_push_tail_link(&cache->by_use, &node->link);
    return node->finding;
}

DnsFinding *dns_cache_find(DnsCache *cache, const char *name, uint16_t type, SimTime now)
{
    CacheKey key = key_of(name, EVERY_TYPE);
    DnsFinding *finding = cache->denied > 0 ? find_fresh(cache, &key, now) : NULL;
    key.type = type;
    return finding ? finding : find_fresh(cache, &key, now);
}

void dns_cache_put(DnsCache *cache, uint16_t type, DnsFinding *finding)
{
    if (finding->expires_at <= finding->cached_at)
        return;
    if (finding->outcome == DNS_OUTCOME_NXDOMAIN && dns_finding_answer(finding).record_count == 0)
        type = EVERY_TYPE;
    CacheNode *node = g_new0(CacheNode, 1);
    node->key = key_of(finding->name, type);
    node->finding = dns_finding_ref(finding);
    node->link.data = node;
    CacheNode *same = g_hash_table_lookup(cache->nodes, &node->key);
    if (same)
        remove_node(cache, same);
    else if (dns_cache_count(cache) == cache->entry_maximum)
        remove_node(cache, g_queue_peek_head(&cache->by_use));
    cache->denied += type == EVERY_TYPE;
    g_hash_table_insert(cache->nodes, &node->key, node);
    g_queue_push_tail_link(&cache->by_use, &node->link);
}
