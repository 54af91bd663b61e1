/* Tests of queue: what enters, what is due, what becomes of it, and what a crash leaves. */
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

static void server_start(Server *server)
{
    server->spool = spool_new(server->world.disk, SPOOL_SYNC_FIRST);
    server->queue =
        queue_new(server->world.trace, server->world.host, server->spool, &server->schedule,
                  server->active_limit > 0 ? server->active_limit : QUEUE_ACTIVE_MAX);
}

static void server_stop(Server *server)
{
    queue_free(server->queue);
    spool_free(server->spool);
}

static void server_init_seeded(Server *server, DiskOptions options, uint64_t seed)
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

static void server_init(Server *server, DiskOptions options)
{
    server_init_seeded(server, options, 1);
}

static void server_clear(Server *server)
{
    server_stop(server);
    world_clear(&server->world);
    g_string_free(server->taken, TRUE);
}

/* Kills the server and starts it again; gives how many entries it finds. */
static size_t server_restart(Server *server, bool is_power_off)
{
    world_crash(&server->world, is_power_off);
    server_stop(server);
    server_start(server);
    return queue_recover(server->queue);
}

static void on_added(void *owner, QueueEntry *entry, DiskResult result)
{
    Server *server = owner;
    server->entry = entry;
    server->result = result;
    server->told++;
}

/* Adds a message for the recipients, which end with NULL; does not wait. */
static void ask_add(Server *server, const char *const *recipients)
{
    g_autoptr(Envelope) envelope = envelope_new("alice@naver.example");
    g_autoptr(GBytes) message = bytes_of(message_text);
    for (; *recipients != NULL; recipients++)
        assert_true(envelope_add_recipient(envelope, *recipients, 0, NULL));
    queue_add(server->queue, envelope, (QueueMessage){.octets = message},
              (QueueAdded){on_added, server});
}

static QueueEntry *add(Server *server, const char *const *recipients)
{
    ask_add(server, recipients);
    world_run(&server->world);
    assert_int_equal(server->result, DISK_OK);
    return server->entry;
}

static const char *const bob[] = {"bob@gmail.example", NULL};
static const char *const bob_and_carol[] = {"bob@gmail.example", "carol@b.test", NULL};

static SimTime now(const Server *server)
{
    return simulator_now(server->world.simulator);
}

/* Takes what is due; the batches are to unref. */
static GPtrArray *take(Server *server)
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

/* ---- In ---- */

static void test_add(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    assert_int_equal(queue_next_due_at(server.queue), SIM_NEVER);
    SimTime asked_at = now(&server);
    SpoolId id = queue_peek_next_id(server.queue);
    ask_add(&server, bob_and_carol);
    assert_int_equal(queue_length(server.queue), 0);
    world_run(&server.world);
    const QueueEntry *entry = server.entry;
    assert_string_equal(take_log(&server),
                        "queue.enter 1-1 lunch 2 1\n"
                        "mail.accepted lunch bob@gmail.example alice@naver.example 1-1 44\n"
                        "mail.accepted lunch carol@b.test alice@naver.example 1-1 44\n");
    assert_string_equal(entry->id, id.text);
    assert_string_equal(entry->mail, "lunch");
    assert_int_equal(queue_entry_arrived_at(entry), asked_at);
    assert_true(now(&server) >= asked_at + 2 * SIM_MILLISECOND);
    assert_int_equal(entry->waiting_count, 2);
    assert_int_equal(queue_length(server.queue), 1);
    assert_int_equal(queue_next_due_at(server.queue), now(&server));
    disk_power_off(server.world.disk);
    g_autoptr(GPtrArray) durable = spool_read_all(server.world.disk);
    assert_int_equal(durable->len, 1);
    server_clear(&server);
}

static void test_full_disk(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    disk_fill(server.world.disk, 0);
    ask_add(&server, bob);
    world_run(&server.world);
    assert_int_equal(server.told, 1);
    assert_int_equal(server.result, DISK_FULL);
    assert_null(server.entry);
    assert_int_equal(queue_length(server.queue), 0);
    assert_string_equal(take_log(&server), "");
    disk_free_space(server.world.disk);
    assert_string_equal(add(&server, bob)->id, "1-2");
    server_clear(&server);
}

static void test_order_and_find(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    assert_null(queue_first(server.queue));
    for (int i = 0; i < 3; i++)
        ask_add(&server, bob);
    world_run(&server.world);
    const QueueEntry *entry = queue_first(server.queue);
    assert_string_equal(entry->id, "1-1");
    assert_ptr_equal(queue_next(entry), queue_find(server.queue, "1-2"));
    assert_string_equal(queue_next(queue_next(entry))->id, "1-3");
    assert_null(queue_next(queue_next(queue_next(entry))));
    assert_null(queue_find(server.queue, "1-4"));
    server_clear(&server);
}

/* ---- What is due ---- */

static void assert_batch(const QueueBatch *batch, const char *id, const char *domain,
                         const char *indexes)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < batch->count; i++) {
        g_string_append_printf(text, " %zu", batch->recipients[i]);
        assert_int_equal(batch->entry->recipients[batch->recipients[i]].state, QUEUE_ACTIVE);
    }
    assert_string_equal(batch->entry->id, id);
    assert_string_equal(batch->domain, domain);
    assert_string_equal(text->str, indexes);
}

static void test_take_due(void **state)
{
    (void)state;
    static const char *const mixed[] = {"a@x.test",   "b@y.test", "c@X.test",
                                        "Postmaster", "d@y.test", NULL};
    Server server;
    server_init(&server, (DiskOptions){0});
    add(&server, mixed);
    add(&server, bob);
    GPtrArray *batches = take(&server);
    assert_int_equal(batches->len, 4);
    assert_batch(batches->pdata[0], "1-1", "x.test", " 0 2");
    assert_batch(batches->pdata[1], "1-1", "y.test", " 1 4");
    assert_batch(batches->pdata[2], "1-1", "", " 3");
    assert_batch(batches->pdata[3], "1-2", "gmail.example", " 0");
    g_ptr_array_unref(batches);
    assert_int_equal(queue_next_due_at(server.queue), SIM_NEVER);
    batches = take(&server);
    assert_int_equal(batches->len, 0);
    g_ptr_array_unref(batches);
    server_clear(&server);
}

/* RFC 5321 §4.5.3.1.8: no server need take more than a hundred recipients at a time. */
static void test_many_recipients_are_several_batches(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    g_auto(GStrv) many = g_new0(char *, 251 + 1);
    for (size_t i = 0; i < 251; i++)
        many[i] = g_strdup_printf("u%zu@x.test", i);
    add(&server, (const char *const *)many);
    GPtrArray *batches = take(&server);
    static const size_t counts[] = {100, 100, 51};
    assert_int_equal(batches->len, G_N_ELEMENTS(counts));
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        const QueueBatch *batch = batches->pdata[i];
        assert_int_equal(batch->count, counts[i]);
        assert_int_equal(batch->recipients[0], 100 * i);
        assert_string_equal(batch->domain, "x.test");
    }
    g_ptr_array_unref(batches);
    server_clear(&server);
}

/* ---- Results ---- */

static void test_results(void **state)
{
    (void)state;
    static const char *const four[] = {"a@x.test", "b@x.test", "c@x.test", "d@x.test", NULL};
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, four);
    g_ptr_array_unref(take(&server));
    take_log(&server);
    queue_begin_attempt(entry, 0, "smtp", "x.test");
    queue_relayed(entry, 0, "mail.x.test", span_of_text("250 ok"), 0);
    queue_delivered(entry, 1, 7, 0);
    queue_bounced(entry, 2, "b1", "5.1.1", span_of_text("550 no"), 0);
    assert_int_equal(entry->waiting_count, 1);
    assert_int_equal(entry->recipients[0].state, QUEUE_DONE);
    assert_int_equal(entry->recipients[3].state, QUEUE_ACTIVE);
    world_run(&server.world);
    assert_true(disk_has_file(server.world.disk, "spool/queue/1-1"));
    queue_discarded(entry, 3, "rule", 0);
    assert_int_equal(queue_length(server.queue), 1);
    world_run(&server.world);
    assert_string_equal(take_log(&server), "queue.attempt 1-1 lunch a@x.test 1 smtp x.test\n"
                                           "mail.relayed lunch a@x.test 1-1 mail.x.test\n"
                                           "mail.delivered lunch b@x.test 1-1 7\n"
                                           "mail.bounced lunch c@x.test 1-1 b1 5.1.1\n"
                                           "mail.discarded lunch d@x.test 1-1 rule\n"
                                           "queue.remove 1-1 lunch 0\n");
    assert_int_equal(queue_length(server.queue), 0);
    assert_null(queue_find(server.queue, "1-1"));
    assert_false(disk_has_file(server.world.disk, "spool/queue/1-1"));
    assert_int_equal(server_restart(&server, true), 0);
    server_clear(&server);
}

/* The journal's four outcomes and the order of steps: noted and synced before the entry goes. */
static void test_journal_before_removal(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob);
    g_ptr_array_unref(take(&server));
    g_string_truncate(server.world.disk_log, 0);
    queue_relayed(entry, 0, "mail.gmail.example", span_of_text("250 ok"), 0);
    world_run(&server.world);
    assert_string_equal(server.world.disk_log->str,
                        "disk.write spool/queue/1-1 11\ndisk.sync spool/queue/1-1\n"
                        "disk.unlink spool/queue/1-1\ndisk.sync spool/queue\n");
    server_clear(&server);
}

/* A full disk cannot keep an entry from going. */
static void test_result_on_full_disk(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob);
    g_ptr_array_unref(take(&server));
    disk_fill(server.world.disk, 0);
    queue_relayed(entry, 0, "mail.gmail.example", span_of_text("250 ok"), 0);
    world_run(&server.world);
    assert_int_equal(queue_length(server.queue), 0);
    assert_int_equal(server_restart(&server, true), 0);
    server_clear(&server);
}

/* ---- Deferral ---- */

/* Runs until the next recipient is due, takes it and defers it. */
static QueueDeferral defer_next(Server *server, QueueEntry *entry, const char *reason)
{
    world_run(&server->world);
    world_run_to(&server->world, MAX(now(server), queue_next_due_at(server->queue)));
    GPtrArray *batches = take(server);
    assert_int_equal(batches->len, 1);
    g_ptr_array_unref(batches);
    return queue_defer(entry, 0, span_of_text(reason), 0);
}

typedef struct Causes {
    uint64_t deferral; /* seq of the last queue.defer of entry 1-1 */
    uint64_t attempt;  /* cause of the last queue.attempt */
} Causes;

static void causes_write(void *owner, const TraceRecord *record)
{
    Causes *causes = owner;
    const TraceFields_QUEUE_DEFER *deferral = record->fields;
    if (record->kind == TRACE_QUEUE_DEFER && strcmp(deferral->entry, "1-1") == 0)
        causes->deferral = record->seq;
    else if (record->kind == TRACE_QUEUE_ATTEMPT)
        causes->attempt = record->cause.nearest[TRACE_LEVEL_MAIL];
}

/* Whatever wakes the queue, an attempt is set off by the deferral that it waited for. */
static void test_cause_of_an_attempt(void **state)
{
    (void)state;
    Server server;
    Causes causes = {0};
    server_init(&server, (DiskOptions){0});
    trace_add_sink(server.world.trace, (TraceSink){causes_write, &causes, TRACE_LEVEL_MAIL});
    QueueEntry *first = add(&server, bob);
    assert_int_equal(defer_next(&server, first, "no answer"), QUEUE_DEFERRED);
    QueueEntry *second = add(&server, bob);
    assert_int_equal(defer_next(&server, second, "no answer"), QUEUE_DEFERRED);
    world_run_to(&server.world, queue_next_due_at(server.queue));
    g_ptr_array_unref(take(&server));
    queue_begin_attempt(first, 0, "smtp", "gmail.example");
    assert_true(causes.deferral > 0);
    assert_int_equal(causes.attempt, causes.deferral);
    server_clear(&server);
}

static void test_deferral(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob);
    SimTime first_at = now(&server);
    assert_int_equal(defer_next(&server, entry, "451 later"), QUEUE_DEFERRED);
    const QueueRecipient *recipient = &entry->recipients[0];
    assert_int_equal(recipient->state, QUEUE_WAITING);
    assert_int_equal(recipient->retry.attempts, 1);
    assert_string_equal(recipient->reason, "451 later");
    assert_int_equal(recipient->next_attempt_at, first_at + 10 * SIM_MINUTE);
    assert_int_equal(queue_next_due_at(server.queue), recipient->next_attempt_at);

    assert_int_equal(defer_next(&server, entry, ""), QUEUE_DEFERRED);
    assert_string_equal(recipient->reason, "");
    assert_int_equal(recipient->next_attempt_at, first_at + 70 * SIM_MINUTE);

    assert_int_equal(defer_next(&server, entry, "451"), QUEUE_DEFERRED_WARN);
    queue_warned(entry, 0, "w1", 0);
    assert_true(recipient->is_warned);
    take_log(&server);

    assert_int_equal(defer_next(&server, entry, "451 too long"), QUEUE_EXPIRED);
    assert_int_equal(recipient->state, QUEUE_ACTIVE);
    assert_string_equal(take_log(&server), "mail.expired lunch bob@gmail.example 1-1\n");
    queue_bounced(entry, 0, "b1", "4.4.7", span_of_text("451 too long"), 0);
    world_run(&server.world);
    assert_int_equal(queue_length(server.queue), 0);
    server_clear(&server);
}

/* Without queue_warned the warning is asked for again; with it, never. */
static void test_warning_once(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    server.schedule.warn_after_ns = SIM_MINUTE;
    server.schedule.lifetime_ns = SIM_DAY;
    server_restart(&server, false);
    QueueEntry *entry = add(&server, bob);
    assert_int_equal(defer_next(&server, entry, "451"), QUEUE_DEFERRED);
    assert_int_equal(defer_next(&server, entry, "451"), QUEUE_DEFERRED_WARN);
    assert_int_equal(defer_next(&server, entry, "451"), QUEUE_DEFERRED_WARN);
    queue_warned(entry, 0, "w1", 0);
    assert_int_equal(defer_next(&server, entry, "451"), QUEUE_DEFERRED);
    world_run(&server.world);
    assert_int_equal(server_restart(&server, true), 1);
    entry = queue_first(server.queue);
    assert_true(entry->recipients[0].is_warned);
    assert_int_equal(defer_next(&server, entry, "451"), QUEUE_DEFERRED);
    server_clear(&server);
}

static void test_reason_is_bounded(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob);
    g_autofree char *reason = g_strnfill(3 * QUEUE_REASON_MAX, '\xff');
    assert_int_equal(defer_next(&server, entry, reason), QUEUE_DEFERRED);
    const char *kept = entry->recipients[0].reason;
    assert_true(strlen(kept) <= QUEUE_REASON_MAX && strlen(kept) > QUEUE_REASON_MAX - 4);
    assert_true(g_utf8_validate(kept, -1, NULL));
    server_clear(&server);
}

/* ---- What the administrator does ---- */

static void test_hold(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob_and_carol);
    assert_int_equal(queue_entry_state(entry), QUEUE_STATE_INCOMING);
    assert_false(queue_release(entry));
    assert_true(queue_hold(entry));
    assert_false(queue_hold(entry));
    assert_int_equal(queue_entry_state(entry), QUEUE_STATE_HOLD);
    assert_int_equal(queue_next_due_at(server.queue), SIM_NEVER);
    assert_int_equal(queue_flush(server.queue, NULL), 0);
    world_run(&server.world);
    assert_int_equal(server_restart(&server, true), 1);
    entry = queue_first(server.queue);
    assert_int_equal(queue_entry_state(entry), QUEUE_STATE_HOLD);
    assert_int_equal(queue_next_due_at(server.queue), SIM_NEVER);
    world_run_to(&server.world, SIM_HOUR);
    take_log(&server);
    assert_true(queue_release(entry));
    assert_string_equal(take_log(&server), "queue.release 1-1 lunch\n");
    assert_int_equal(queue_next_due_at(server.queue), SIM_HOUR);
    world_run(&server.world);
    assert_int_equal(server_restart(&server, true), 1);
    assert_int_equal(queue_next_due_at(server.queue), now(&server));
    server_clear(&server);
}

/* An attempt under way is brought to its end; only then nothing more happens. */
static void test_hold_while_active(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob_and_carol);
    g_ptr_array_unref(take(&server));
    assert_true(queue_hold(entry));
    assert_int_equal(queue_entry_state(entry), QUEUE_STATE_ACTIVE);
    queue_relayed(entry, 1, "mail.b.test", span_of_text("250 ok"), 0);
    assert_int_equal(queue_defer(entry, 0, span_of_text("451"), 0), QUEUE_DEFERRED);
    assert_int_equal(queue_entry_state(entry), QUEUE_STATE_HOLD);
    assert_int_equal(queue_next_due_at(server.queue), SIM_NEVER);
    SimTime next_at = entry->recipients[0].next_attempt_at;
    assert_true(next_at > now(&server));
    queue_release(entry);
    assert_int_equal(queue_entry_state(entry), QUEUE_STATE_DEFERRED);
    assert_int_equal(queue_next_due_at(server.queue), next_at);
    server_clear(&server);
}

static void test_flush(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob_and_carol);
    g_ptr_array_unref(take(&server));
    queue_defer(entry, 0, span_of_text("451"), 0);
    queue_defer(entry, 1, span_of_text("451"), 0);
    assert_int_equal(queue_flush(server.queue, "elsewhere.test"), 0);
    assert_true(queue_next_due_at(server.queue) > now(&server));
    assert_int_equal(queue_flush(server.queue, "B.test"), 1);
    GPtrArray *batches = take(&server);
    assert_int_equal(batches->len, 1);
    assert_batch(batches->pdata[0], "1-1", "b.test", " 1");
    g_ptr_array_unref(batches);
    assert_int_equal(queue_flush(server.queue, NULL), 1);
    assert_int_equal(queue_flush(server.queue, NULL), 0); /* is due */
    assert_int_equal(queue_next_due_at(server.queue), now(&server));
    server_clear(&server);
}

static void test_active_limit(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    server.active_limit = 1;
    server_restart(&server, false);
    QueueEntry *first = add(&server, bob_and_carol), *second = add(&server, bob);
    GPtrArray *batches = take(&server);
    assert_int_equal(batches->len, 2); /* both recipients of one message */
    assert_ptr_equal(((QueueBatch *)batches->pdata[1])->entry, first);
    g_ptr_array_unref(batches);
    assert_int_equal(queue_entry_state(second), QUEUE_STATE_INCOMING);
    assert_int_equal(queue_next_due_at(server.queue), SIM_NEVER); /* until there is a result */
    queue_relayed(first, 0, "mail.gmail.example", span_of_text("250 ok"), 0);
    assert_int_equal(queue_next_due_at(server.queue), SIM_NEVER);
    queue_defer(first, 1, span_of_text("451"), 0);
    assert_true(queue_next_due_at(server.queue) <= now(&server));
    batches = take(&server);
    assert_int_equal(batches->len, 1);
    assert_batch(batches->pdata[0], "2-2", "gmail.example", " 0");
    g_ptr_array_unref(batches);
    server_clear(&server);
}

/* ---- Recovery ---- */

static void test_recovery(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *first = add(&server, bob_and_carol);
    g_ptr_array_unref(take(&server));
    queue_relayed(first, 1, "mail.b.test", span_of_text("250 ok"), 0);
    queue_defer(first, 0, span_of_text("451"), 0);
    SimTime next_at = first->recipients[0].next_attempt_at;
    SimTime arrived_at = queue_entry_arrived_at(first);
    add(&server, bob);
    take_log(&server);

    assert_int_equal(server_restart(&server, true), 2);
    assert_string_equal(take_log(&server), "queue.recover 1-1 lunch 1 1\n"
                                           "queue.recover 1-2 lunch 1 2\n");
    QueueEntry *found = queue_first(server.queue);
    assert_int_equal(queue_entry_arrived_at(found), arrived_at);
    assert_int_equal(found->waiting_count, 1);
    assert_int_equal(found->recipients[0].retry.attempts, 1);
    assert_int_equal(found->recipients[0].next_attempt_at, next_at);
    assert_int_equal(found->recipients[1].state, QUEUE_DONE);
    GPtrArray *batches = take(&server); /* never tried: due at once */
    assert_int_equal(batches->len, 1);
    assert_batch(batches->pdata[0], "1-2", "gmail.example", " 0");
    g_ptr_array_unref(batches);
    assert_int_equal(queue_next_due_at(server.queue), next_at);

    /* The server was down until long after the time of the attempt. */
    world_run_to(&server.world, 2 * SIM_HOUR);
    server_restart(&server, true);
    assert_int_equal(queue_next_due_at(server.queue), 2 * SIM_HOUR);
    batches = take(&server);
    assert_batch(batches->pdata[0], "1-1", "gmail.example", " 0");
    g_ptr_array_unref(batches);
    queue_begin_attempt(queue_first(server.queue), 0, "smtp", "gmail.example");
    assert_non_null(strstr(take_log(&server), "queue.attempt 1-1 lunch bob@gmail.example 2 "));
    server_clear(&server);
}

/* ---- Expansion ---- */

/* Asks the queue for an entry for Carol and Dave in the place of recipient 1 of `first`. */
static QueueEntry *add_outcome(Server *server, const QueueEntry *first)
{
    g_autoptr(Envelope) envelope = envelope_new("course-owner@naver.example");
    g_autoptr(GBytes) message = bytes_of(message_text);
    envelope_add_recipient(envelope, "carol@naver.example", 0, NULL);
    envelope_add_recipient(envelope, "dave@naver.example", 0, NULL);
    envelope_set_origin(envelope, first->id, 1, "list");
    queue_add(server->queue, envelope, (QueueMessage){.octets = message},
              (QueueAdded){on_added, server});
    world_run(&server->world);
    assert_non_null(server->entry);
    return server->entry;
}

#define EXPANDED                                                                                   \
    "mail.expanded lunch carol@b.test 1-1 list 1-2 carol@naver.example, dave@naver.example 2 "     \
    "course-owner@naver.example\n"

static void test_expansion(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *first = add(&server, bob_and_carol);
    g_ptr_array_unref(take(&server));
    const QueueEntry *into = add_outcome(&server, first);
    take_log(&server);
    queue_expanded(first, 1, into);
    assert_string_equal(take_log(&server), EXPANDED);
    assert_int_equal(first->waiting_count, 1);
    assert_int_equal(first->recipients[1].state, QUEUE_DONE);
    queue_finish_expansions(server.queue); /* there is nothing to finish */
    assert_string_equal(take_log(&server), "");
    server_clear(&server);
}

/* The outcome is durable, the note is not: it is found to be done, once, and the queue's count of
 * messages being attempted is right. */
static void test_crash_within_an_expansion(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    server.active_limit = 1;
    const QueueEntry *first = add(&server, bob_and_carol);
    g_ptr_array_unref(take(&server));
    add_outcome(&server, first);
    assert_int_equal(server_restart(&server, true), 2);
    assert_string_equal(queue_first(server.queue)->id, "1-1");
    take_log(&server);
    queue_finish_expansions(server.queue);
    assert_string_equal(take_log(&server), EXPANDED);
    queue_finish_expansions(server.queue);
    assert_string_equal(take_log(&server), "");
    QueueEntry *found = queue_first(server.queue);
    assert_int_equal(found->waiting_count, 1);
    assert_int_equal(found->active_count, 0);
    for (int turn = 0; turn < 2; turn++) { /* one message at a time, each in its turn */
        GPtrArray *batches = take(&server);
        assert_int_equal(batches->len, 1);
        const QueueBatch *batch = batches->pdata[0];
        assert_string_equal(batch->entry->id, turn == 0 ? "1-1" : "1-2");
        assert_int_equal(batch->count, turn == 0 ? 1 : 2);
        for (size_t i = 0; i < batch->count; i++)
            queue_relayed(batch->entry, batch->recipients[i], "mx", span_of_text("250"), 0);
        g_ptr_array_unref(batches);
    }
    world_run(&server.world);
    assert_int_equal(queue_length(server.queue), 0);
    assert_int_equal(server_restart(&server, true), 0);
    server_clear(&server);
}

/* What the story of one message had come to. */
typedef struct Story {
    Server *server;
    bool is_relayed; /* the next server has said 250 */
} Story;

static void story_relay(void *owner, QueueEntry *entry, DiskResult result)
{
    Story *story = owner;
    on_added(story->server, entry, result);
    g_ptr_array_unref(take(story->server));
    queue_begin_attempt(entry, 0, "smtp", "gmail.example");
    queue_relayed(entry, 0, "mail.gmail.example", span_of_text("250 ok"), 0);
    story->is_relayed = true;
}

/* Wherever the server is killed: an accepted message is in the queue again, or has been relayed;
 * and the whole story ends with an empty queue and disk. */
static bool kill_after(uint64_t seed, uint64_t events, bool is_power_off)
{
    Server server;
    server_init_seeded(&server, (DiskOptions){0}, seed);
    Story story = {.server = &server};
    g_autoptr(Envelope) envelope = envelope_new("");
    g_autoptr(GBytes) message = bytes_of(message_text);
    envelope_add_recipient(envelope, bob[0], 0, NULL);
    queue_add(server.queue, envelope, (QueueMessage){.octets = message},
              (QueueAdded){story_relay, &story});
    bool is_cut = world_run_events(&server.world, events);
    size_t found = server_restart(&server, is_power_off);
    if (server.told > 0)
        assert_true(found == 1 || story.is_relayed);
    if (!is_cut)
        assert_int_equal(found, 0);
    GPtrArray *batches = take(&server);
    assert_int_equal(batches->len, found);
    g_ptr_array_unref(batches);
    if (found > 0)
        queue_relayed(queue_first(server.queue), 0, "again", span_of_text("250 ok"), 0);
    world_run(&server.world);
    assert_int_equal(queue_length(server.queue), 0);
    assert_int_equal(server_restart(&server, true), 0);
    assert_int_equal(disk_used(server.world.disk), 0);
    server_clear(&server);
    return is_cut;
}

static void test_kill_at_each_step(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed <= 20; seed++) { /* 0: the program crashes */
        uint64_t events = 0;
        while (kill_after(seed, events, seed > 0))
            events++;
        assert_true(events >= 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_order_and_find),
        cmocka_unit_test(test_take_due),
        cmocka_unit_test(test_many_recipients_are_several_batches),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_journal_before_removal),
        cmocka_unit_test(test_result_on_full_disk),
        cmocka_unit_test(test_cause_of_an_attempt),
        cmocka_unit_test(test_deferral),
        cmocka_unit_test(test_warning_once),
        cmocka_unit_test(test_reason_is_bounded),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_hold_while_active),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_active_limit),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_expansion),
        cmocka_unit_test(test_crash_within_an_expansion),
        cmocka_unit_test(test_kill_at_each_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
