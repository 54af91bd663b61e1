/* Tests of queue: what a crash leaves, wherever it comes. */
#include "queue_server.h"

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
    SimTime arrived_at = first->arrived_at;
    add(&server, bob);
    take_log(&server);

    assert_int_equal(server_restart(&server, true), 2);
    assert_string_equal(take_log(&server), "queue.recover 1-1 lunch 1 1\n"
                                           "queue.recover 1-2 lunch 1 2\n");
    QueueEntry *found = first_entry(&server);
    assert_int_equal(found->arrived_at, arrived_at);
    assert_int_equal(found->waiting_count, 1);
    assert_int_equal(found->recipients[0].attempts, 1);
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
    queue_begin_attempt(first_entry(&server), 0, "smtp", "gmail.example");
    assert_non_null(strstr(take_log(&server), "queue.attempt 1-1 lunch bob@gmail.example 2 "));
    server_clear(&server);
}

/* What the disk keeps of an entry is not there a second time after a start. */
static void test_recovery_shares_with_the_disk(void **state)
{
    (void)state;
    Server server;
    server_init(&server, (DiskOptions){0});
    QueueEntry *entry = add(&server, bob_and_carol);
    const StoredMessage *message = entry->message;
    const Envelope *envelope = entry->envelope;
    for (unsigned starts = 0; starts < 3; starts++) {
        assert_int_equal(server_restart(&server, starts == 1), 1);
        QueueEntry *found = first_entry(&server);
        assert_ptr_equal(found->message, message);
        assert_ptr_equal(found->envelope, envelope);
        g_ptr_array_unref(take(&server));
        if (starts < 2)
            queue_defer(found, starts, span_of_text("451"), 0);
        world_run(&server.world);
    }
    server_clear(&server);
}

/* ---- Expansion ---- */

/* Asks the queue for an entry for Carol and Dave in the place of recipient 1 of `first`. */
static QueueEntry *add_outcome(Server *server, const QueueEntry *first)
{
    g_autoptr(Envelope) envelope = envelope_new("course-owner@naver.example");
    g_autoptr(StoredMessage) message = stored_of(message_text);
    envelope_add_recipient(envelope, "carol@naver.example", 0, NULL);
    envelope_add_recipient(envelope, "dave@naver.example", 0, NULL);
    envelope_set_origin(envelope, queue_entry_id(first), 1, "list");
    queue_add(server->queue, envelope, (QueueMessage){.message = message},
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
    assert_string_equal(queue_entry_id(first_entry(&server)), "1-1");
    take_log(&server);
    queue_finish_expansions(server.queue);
    assert_string_equal(take_log(&server), EXPANDED);
    queue_finish_expansions(server.queue);
    assert_string_equal(take_log(&server), "");
    QueueEntry *found = first_entry(&server);
    assert_int_equal(found->waiting_count, 1);
    assert_int_equal(found->active_count, 0);
    for (int turn = 0; turn < 2; turn++) { /* one message at a time, each in its turn */
        GPtrArray *batches = take(&server);
        assert_int_equal(batches->len, 1);
        const QueueBatch *batch = batches->pdata[0];
        assert_string_equal(queue_entry_id(batch->entry), turn == 0 ? "1-1" : "1-2");
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
    g_autoptr(StoredMessage) message = stored_of(message_text);
    envelope_add_recipient(envelope, bob[0], 0, NULL);
    queue_add(server.queue, envelope, (QueueMessage){.message = message},
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
        queue_relayed(first_entry(&server), 0, "again", span_of_text("250 ok"), 0);
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
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_recovery_shares_with_the_disk),
        cmocka_unit_test(test_expansion),
        cmocka_unit_test(test_crash_within_an_expansion),
        cmocka_unit_test(test_kill_at_each_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
