/* Tests of store/stored_message: what is passed on, and what a mailbox gets. */
#include "disk_plans.h"

/* Of "body\r\n" that lies within other octets. */
static StoredMessage *message_of(const char *path, const char *fields, const char *front)
{
    g_autoptr(Octets) sent = octets_new("x: y\r\n\r\nbody\r\n.\r\n", 17);
    return stored_message_new(NULL, path, span_of_text(fields), span_of_text(front),
                              slice_new(sent, 8, 6));
}

static void test_what_is_passed_on(void **state)
{
    (void)state;
    static const struct {
        const char *path, *fields, *front, *joined;
        size_t delivered;
    } cases[] = {
        {NULL, "", "", "body\r\n", 6},
        {NULL, "a: b\r\n", "", "a: b\r\nbody\r\n", 12},
        {NULL, "a: b\r\n", "\r\n", "a: b\r\n\r\nbody\r\n", 14},
        {"p\r\n", "a: b\r\n", "\r\n", "a: b\r\n\r\nbody\r\n", 17},
        {"p\r\n", "", "", "body\r\n", 9},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(StoredMessage) message =
            message_of(cases[i].path, cases[i].fields, cases[i].front);
        assert_message(message, cases[i].joined);
        assert_int_equal(stored_message_size(message), strlen(cases[i].joined));
        assert_int_equal(stored_message_delivered_size(message), cases[i].delivered);
    }
}

/* The bytes themselves where nothing stands before them. */
static void test_bytes_are_shared(void **state)
{
    (void)state;
    g_autoptr(Octets) bytes = bytes_of("a: b\r\n\r\n");
    g_autoptr(StoredMessage) message = stored_message_of_octets(bytes);
    g_autoptr(Octets) joined = stored_message_join(message);
    assert_ptr_equal(joined, bytes);
}

/* Where there is room behind the octets, one message lies there, and does not change them. */
static void test_in_the_room_behind(void **state)
{
    (void)state;
    Octets *octets = octets_allocate(OCTETS_MANY);
    memcpy(octets->here, "a: b\r\n\r\nbody\r\n", 14);
    octets->length = 14;
    StoredMessage *messages[3];
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        messages[i] = stored_message_new(NULL, NULL, span_of_text("c: d\r\n"), (Span){0},
                                         slice_new(octets, 0, 14));
        assert_int_equal(messages[i]->is_in_room, i == 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
        assert_message(messages[i], "c: d\r\na: b\r\n\r\nbody\r\n");
    stored_message_unref(messages[0]);
    assert_message(messages[1], "c: d\r\na: b\r\n\r\nbody\r\n");
    stored_message_unref(messages[1]);
    g_autoptr(StoredMessage) again = stored_message_of_octets(octets);
    assert_true(again->is_in_room);
    octets_unref(octets);
    assert_message(again, "a: b\r\n\r\nbody\r\n");
    stored_message_unref(messages[2]);
}

/* A list's fields go on top; its members get no Return-Path of the list's own copy. */
static void test_with_fields(void **state)
{
    (void)state;
    g_autoptr(StoredMessage) message = message_of("p\r\n", "a: b\r\n", "");
    message->is_plain = message->is_ascii = true;
    g_autoptr(StoredMessage) made = stored_message_with_fields(message, span_of_text("c: d\r\n"));
    assert_message(made, "c: d\r\na: b\r\nbody\r\n");
    assert_int_equal(stored_message_path_length(made), 0);
    assert_true(made->is_plain && made->is_ascii);
    assert_ptr_equal(made->rest_bytes, message->rest_bytes);
    g_autoptr(StoredMessage) beyond =
        stored_message_with_fields(message, span_of_text("c: \xc3\xa9\r\n"));
    assert_false(beyond->is_ascii);
}

static void test_in_a_mailbox(void **state)
{
    (void)state;
    World world;
    world_init(&world, (DiskOptions){0});
    StoredMessage *message = message_of("p\r\n", "a: b\r\n", "");
    g_autoptr(Octets) empty = octets_new(NULL, 0);
    g_autoptr(StoredMessage) nothing = stored_message_of_octets(empty);
    DiskPlan *plan = disk_plan_new();
    disk_plan_write_delivered(plan, "mailbox", message);
    disk_plan_write_delivered(plan, "empty", nothing);
    stored_message_unref(message); /* the disk has it */
    assert_int_equal(run_plan(&world, plan), DISK_OK);
    assert_file(&world, "mailbox", "p\r\na: b\r\nbody\r\n");
    assert_file(&world, "empty", "");
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_passed_on),  cmocka_unit_test(test_bytes_are_shared),
        cmocka_unit_test(test_in_the_room_behind), cmocka_unit_test(test_with_fields),
        cmocka_unit_test(test_in_a_mailbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
