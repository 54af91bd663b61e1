/* Tests of queue: what enters, what is due, and what becomes of it. */
#include "queue_server.h"

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
    assert_string_equal(queue_entry_id(entry), id.text);
    assert_string_equal(queue_entry_mail(entry), "lunch");
    assert_int_equal(entry->arrived_at, asked_at);
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
    assert_string_equal(queue_entry_id(add(&server, bob)), "1-2");
    server_clear(&server);
}

static void test_order_and_find(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    assert_int_equal(queue_length(server.queue), 0);
    for (int i = 0; i < 3; i++)
        ask_add(&server, bob);
    world_run(&server.world);
    g_autoptr(GPtrArray) entries = queue_list(server.queue);
    assert_int_equal(entries->len, 3);
    assert_string_equal(queue_entry_id(entries->pdata[0]), "1-1");
    assert_ptr_equal(entries->pdata[1], queue_find(server.queue, "1-2"));
    assert_string_equal(queue_entry_id(entries->pdata[2]), "1-3");
    assert_null(queue_find(server.queue, "1-4"));
    server_clear(&server);
}

/* In a queue that is not short the same envelope is there once; one that only begins like it is
 * another, and takes its place for those to come, not for those that have it. One of many
 * recipients is not looked for. */
static void test_envelopes_are_shared(void **state)
{
    (void)state;
    static const char *const many[] = {"a@x.test", "b@x.test", "c@x.test", "d@x.test", "e@x.test",
                                       "f@x.test", "g@x.test", "h@x.test", "i@x.test", NULL};
    Server server;
    server_init(&server, (DiskOptions){0});
    const QueueEntry *alone = add(&server, bob);
    while (queue_length(server.queue) < 100)
        assert_ptr_not_equal(add(&server, many)->envelope, alone->envelope);
    const QueueEntry *first = add(&server, bob), *second = add(&server, bob);
    assert_ptr_equal(first->envelope, second->envelope);
    assert_ptr_not_equal(first->envelope, alone->envelope);
    assert_true(envelope_equals(first->envelope, alone->envelope));
    const QueueEntry *other = add(&server, bob_and_carol), *after = add(&server, bob);
    assert_int_equal(other->envelope->recipient_count, 2);
    assert_int_equal(after->envelope->recipient_count, 1);
    assert_ptr_not_equal(after->envelope, other->envelope);
    assert_true(envelope_equals(first->envelope, after->envelope));
    const QueueEntry *long_one = add(&server, many), *long_other = add(&server, many);
    assert_ptr_not_equal(long_one->envelope, long_other->envelope);
    server_clear(&server);
}

/* ---- What is due ---- */

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
    assert_int_equal(recipient->attempts, 1);
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
    entry = first_entry(&server);
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
    entry = first_entry(&server);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_order_and_find),
        cmocka_unit_test(test_envelopes_are_shared),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
