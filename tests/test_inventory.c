/* Tests of inventory: it tells what the disk holds, not what a running server believes. */
#include "store/inventory.h"
#include "store/mailbox.h"
#include "store/spool.h"
#include "store_world.h"

typedef struct Sibling {
    unsigned count, finals;
    uint64_t cause; /* of all inventory records */
    bool is_one_cause;
} Sibling;

static void watch(void *owner, const TraceRecord *record)
{
    Sibling *sibling = owner;
    if (record->kind != TRACE_STORE_INVENTORY)
        return;
    uint64_t cause = record->cause.nearest[TRACE_LEVEL_SEGMENT];
    sibling->is_one_cause =
        sibling->count == 0 || (sibling->is_one_cause && cause == sibling->cause);
    sibling->cause = cause;
    sibling->count++;
    sibling->finals += ((const TraceFields_STORE_INVENTORY *)record->fields)->is_final ? 1 : 0;
}

static void add_entry(Spool *spool, const char *name)
{
    g_autoptr(Envelope) envelope = envelope_new("alice@naver.example");
    g_autofree char *text = g_strdup_printf("Message-ID: <%s@x.test>\r\n\r\nhi\r\n", name);
    g_autoptr(StoredMessage) message = stored_of(text);
    envelope_add_recipient(envelope, "bob@gmail.example", 0, NULL);
    envelope_add_recipient(envelope, "carol@gmail.example", 0, NULL);
    spool_add(spool, spool_take_id(spool).text, envelope, message, 0, (DiskDone){0});
}

static void deliver(MailStore *store, const char *user, const char *folder, const char *name)
{
    g_autofree char *text = g_strdup_printf("Message-ID: <%s@x.test>\r\n\r\nhi\r\n", name);
    g_autoptr(Octets) message = bytes_of(text);
    mail_store_append(store, user, folder, message, 0, 0, (MailDone){0});
}

/* The inventory's lines, from a disk as it is now. */
static void assert_inventory(World *world, const char *expected)
{
    g_string_truncate(world->log, 0);
    store_inventory(world->disk, world->trace, world->host, true);
    assert_string_equal(world->log->str, expected);
}

static void test_inventory(void **state)
{
    (void)state;
    World world;
    Sibling sibling = {0};
    world_init(&world, (DiskOptions){0});
    trace_add_sink(world.trace, (TraceSink){watch, &sibling, TRACE_LEVEL_SEGMENT});
    assert_inventory(&world, "");
    Spool *spool = spool_new(world.disk, SPOOL_SYNC_FIRST);
    g_ptr_array_unref(spool_recover(spool));
    world_run(&world); /* entries are noted once they are there */
    MailStore *store = mail_store_new(world.trace, world.host, world.disk, 999);
    mail_store_add_user(store, "a.b");
    mail_store_add_user(store, "bob");
    add_entry(spool, "one");
    add_entry(spool, "two");
    spool_note(spool, "1-1", 0, (SpoolOutcome){.kind = SPOOL_RELAYED}, (DiskDone){0});
    deliver(store, "bob", "INBOX", "three");
    deliver(store, "bob", "INBOX", "four");
    deliver(store, "bob", "Sent", "five");
    deliver(store, "a.b", "INBOX", "three");
    world_run(&world);
    static const char whole[] = "store.inventory queue one carol@gmail.example 1-1 0\n"
                                "store.inventory queue two bob@gmail.example 1-2 0\n"
                                "store.inventory queue two carol@gmail.example 1-2 0\n"
                                "store.inventory mailbox three a.b INBOX 1\n"
                                "store.inventory mailbox three bob INBOX 1\n"
                                "store.inventory mailbox four bob INBOX 2\n"
                                "store.inventory mailbox five bob Sent 1\n";
    assert_inventory(&world, whole);
    assert_int_equal(sibling.count, 7);
    assert_int_equal(sibling.finals, 7);
    assert_true(sibling.is_one_cause);
    assert_int_equal(sibling.cause, 0);

    /* What is not durable is gone, whatever the memory of the two still says. */
    spool_note(spool, "1-1", 1, (SpoolOutcome){.kind = SPOOL_RELAYED}, (DiskDone){0});
    deliver(store, "bob", "INBOX", "six");
    world_run_events(&world, 1);
    disk_power_off(world.disk);
    assert_inventory(&world, whole);
    spool_free(spool);
    mail_store_free(store);
    world_clear(&world);
}

/* However much of the header stands before it, a message's name is found, and a body's is not. */
static void test_names_deep_in_the_header(void **state)
{
    (void)state;
    enum { NEAR = 900, FAR = 1200, NOWHERE = FAR + 1 };
    World world;
    world_init(&world, (DiskOptions){0});
    MailStore *store = mail_store_new(world.trace, world.host, world.disk, 999);
    mail_store_add_user(store, "bob");
    g_autoptr(GString) expected = g_string_new(NULL);
    for (unsigned octets = NEAR; octets <= NOWHERE; octets++) {
        g_autofree char *before = g_strnfill(octets, 'x');
        g_autofree char *text = g_strdup_printf("X: %s\r\n%sMessage-ID: <m%u@x.test>\r\n\r\nhi\r\n",
                                                before, octets == NOWHERE ? "\r\n" : "", octets);
        g_autoptr(StoredMessage) message = stored_of(text);
        mail_store_deliver(store, "bob", "INBOX", message, "", (MailOrigin){1, octets, 0}, 0,
                           (MailDone){0});
        g_autofree char *name = g_strdup_printf("m%u", octets);
        g_string_append_printf(expected, "store.inventory mailbox %s bob INBOX %u\n",
                               octets == NOWHERE ? "" : name, octets - NEAR + 1);
    }
    world_run(&world);
    assert_inventory(&world, expected->str);
    mail_store_free(store);
    world_clear(&world);
}

/* A folder without its mark, and what is no message of ours, are not in a mailbox; a file of the
 * queue that is no entry is told of. */
static void test_what_is_not_counted(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "mail/bob/5/0000000001.0.",
        "mail/bob/x/folder.0000000001.INBOX",
        "mail/bob/x/0000000001.0.",
        "mail/b.b/6/folder.0000000001.INBOX",
        "mail/b.b/6/0000000001.0.",
        "mail/bob/6/folder.0000000001.INBOX",
        "mail/bob/6/tmp.0000000001",
        "mail/bob/6/note",
        "mail/bob/6/0000000002.0.",
        "mail/bob/11/folder.0000000001.Sent",
        "mail/bob/11/0000000001.0.ST",
        "spool/queue/1-1",
        "spool/tmp/1-2",
    };
    World world;
    world_init(&world, (DiskOptions){0});
    g_autoptr(Octets) message = bytes_of("Message-ID: <one@x.test>\r\n\r\n");
    DiskPlan *plan = disk_plan_new();
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        disk_plan_write(plan, paths[i], message);
    disk_run(world.disk, plan, (DiskDone){0});
    world_run(&world);
    assert_inventory(&world, "store.inventory damaged spool/queue/1-1 0\n"
                             "store.inventory damaged mail/bob/6/note 0\n"
                             "store.inventory damaged mail/bob/x/0000000001.0. 0\n"
                             "store.inventory damaged mail/bob/x/folder.0000000001.INBOX 0\n"
                             "store.inventory mailbox one bob INBOX 2\n"
                             "store.inventory mailbox one bob Sent 1\n");
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inventory),
        cmocka_unit_test(test_names_deep_in_the_header),
        cmocka_unit_test(test_what_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
