/* A queue on a simulated disk, as its tests hold it. */
#pragma once

#include "store/queue.h"
#include "store_world.h"

static const char message_text[] = "Message-ID: <lunch@naver.example>\r\n\r\nNoon?\r\n";

typedef struct Server {
    World world;
    Spool *spool;
    Queue *queue;
    RetrySchedule schedule;
    size_t active_limit; /* 0: Postfix's */
    QueueEntry *entry;   /* the last one added */
    DiskResult result;
    unsigned told;
    GString *taken; /* what take_log gave last */
} Server;

static inline void server_start(Server *server)
{
    server->spool = spool_new(server->world.disk, SPOOL_SYNC_FIRST);
    server->queue =
        queue_new(server->world.trace, server->world.host, server->spool, &server->schedule,
                  server->active_limit > 0 ? server->active_limit : QUEUE_ACTIVE_MAX);
}

static inline void server_stop(Server *server)
{
    queue_free(server->queue);
    spool_free(server->spool);
}

static inline void server_init_seeded(Server *server, DiskOptions options, uint64_t seed)
{
    static const SimTime waits[] = {10 * SIM_MINUTE, SIM_HOUR};
    *server = (Server){.taken = g_string_new(NULL)};
    world_init_seeded(&server->world, options, seed);
    assert_true(retry_schedule_of_intervals(waits, 2, &server->schedule));
    server->schedule.lifetime_ns = 2 * SIM_HOUR;
    server->schedule.warn_after_ns = 15 * SIM_MINUTE;
    server_start(server);
    assert_int_equal(queue_recover(server->queue), 0);
    world_run(&server->world);
}

static inline void server_init(Server *server, DiskOptions options)
{
    server_init_seeded(server, options, 1);
}

static inline void server_clear(Server *server)
{
    server_stop(server);
    world_clear(&server->world);
    g_string_free(server->taken, TRUE);
}

/* Kills the server and starts it again; gives how many entries it finds. */
static inline size_t server_restart(Server *server, bool is_power_off)
{
    world_crash(&server->world, is_power_off);
    server_stop(server);
    server_start(server);
    return queue_recover(server->queue);
}

/* The one that has arrived before all others. */
static inline QueueEntry *first_entry(const Server *server)
{
    g_autoptr(GPtrArray) entries = queue_list(server->queue);
    assert_int_not_equal(entries->len, 0);
    return entries->pdata[0];
}

static inline void on_added(void *owner, QueueEntry *entry, DiskResult result)
{
    Server *server = owner;
    server->entry = entry;
    server->result = result;
    server->told++;
}

/* Adds a message for the recipients, which end with NULL; does not wait. */
static inline void ask_add(Server *server, const char *const *recipients)
{
    g_autoptr(Envelope) envelope = envelope_new("alice@naver.example");
    g_autoptr(StoredMessage) message = stored_of(message_text);
    for (; *recipients != NULL; recipients++)
        assert_true(envelope_add_recipient(envelope, *recipients, 0, NULL));
    queue_add(server->queue, envelope, (QueueMessage){.message = message},
              (QueueAdded){on_added, server});
}

static inline QueueEntry *add(Server *server, const char *const *recipients)
{
    ask_add(server, recipients);
    world_run(&server->world);
    assert_int_equal(server->result, DISK_OK);
    return server->entry;
}

static const char *const bob[] = {"bob@gmail.example", NULL};
static const char *const bob_and_carol[] = {"bob@gmail.example", "carol@b.test", NULL};

static inline SimTime now(const Server *server)
{
    return simulator_now(server->world.simulator);
}

/* Takes what is due; the batches are to unref. */
static inline GPtrArray *take(Server *server)
{
    GPtrArray *batches = g_ptr_array_new_with_free_func((GDestroyNotify)queue_batch_free);
    for (QueueBatch *batch = queue_take_due(server->queue, now(server)); batch != NULL;
         batch = batch->after)
        g_ptr_array_add(batches, batch);
    return batches;
}

/* The log since the last call. */
static const char *take_log(Server *server)
{
    g_string_assign(server->taken, server->world.log->str);
    g_string_truncate(server->world.log, 0);
    return server->taken->str;
}

static inline void assert_batch(const QueueBatch *batch, const char *id, const char *domain,
                                const char *indexes)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < batch->count; i++) {
        g_string_append_printf(text, " %zu", batch->recipients[i]);
        assert_int_equal(batch->entry->recipients[batch->recipients[i]].state, QUEUE_ACTIVE);
    }
    assert_string_equal(queue_entry_id(batch->entry), id);
    assert_string_equal(batch->domain, domain);
    assert_string_equal(text->str, indexes);
}
