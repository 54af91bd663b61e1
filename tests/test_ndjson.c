/* Tests of export/ndjson: the order of keys, absent fields, escapes, and that lines are JSON. */
#include "core/sanitized.h"
#include "export/ndjson.h"
#include "text_output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    NodeId host;
    NdjsonWriter *writer;
    GString *text;
} World;

static void world_open(World *world, const NdjsonHeader *header)
{
    NdjsonOutput output = {append_text, world->text};
    world->writer = ndjson_writer_new(world->trace, header, output);
}

static World world_new(TraceLevel level)
{
    World world = {.simulator = simulator_new(7), .text = g_string_new(NULL)};
    world.host = simulator_add_node(world.simulator, "a.example");
    world.trace = trace_new(world.simulator);
    NdjsonHeader header = {.title = "A \"title\"",
                           .start = "2026-03-02T09:00:00+09:00",
                           .scenario_sha256 = "00ff",
                           .seed = 7,
                           .level = level};
    world_open(&world, &header);
    return world;
}

static void world_clear(World *world)
{
    ndjson_writer_free(world->writer);
    trace_free(world->trace);
    simulator_free(world->simulator);
    g_string_free(world->text, TRUE);
}

static void test_lines_as_documented(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    TRACE(world.trace, world.host, HOST_CRASH, 0, .program = "mail server");
    TRACE(world.trace, world.host, QUEUE_DEFER, 1, .entry = "Q1", .mail = "lunch",
          .recipient = "bob@b.example", .reason = span_of("a\xff\"\x01", 4), .next_at = -5);
    TRACE(world.trace, world.host, TCP_SEND, 0, .packet = {world.host, 9}, .source = 0xC6120001,
          .flags = "SYN", .sequence_number = UINT64_MAX);
    ndjson_writer_flush(world.writer);
    assert_string_equal(
        world.text->str,
        "{\"mailsim_trace\":1,\"title\":\"A \\\"title\\\"\",\"seed\":7,"
        "\"start\":\"2026-03-02T09:00:00+09:00\",\"version\":\"0.1\",\"scenario_sha256\":\"00ff\","
        "\"level\":\"segment\",\"nodes\":[],\"links\":[]}\n"
        "{\"seq\":1,\"t\":0,\"kind\":\"host.crash\",\"host\":\"a.example\",\"cause\":0,"
        "\"program\":\"mail server\"}\n"
        "{\"seq\":2,\"t\":0,\"kind\":\"queue.defer\",\"host\":\"a.example\",\"cause\":1,"
        "\"because\":1,\"entry\":\"Q1\",\"mail\":\"lunch\",\"recipient\":\"bob@b.example\","
        "\"reason\":\"a\xEF\xBF\xBD\\\"\\u0001\",\"next_at\":-5}\n"
        "{\"seq\":3,\"t\":0,\"kind\":\"tcp.send\",\"host\":\"a.example\",\"cause\":2,"
        "\"packet\":\"a.example#9\",\"ip.src\":\"198.18.0.1\",\"tcp.srcport\":0,"
        "\"ip.dst\":\"0.0.0.0\",\"tcp.dstport\":0,\"tcp.seq_raw\":18446744073709551615,"
        "\"tcp.ack_raw\":0,\"tcp.flags\":\"SYN\",\"tcp.window_size_value\":0,\"tcp.len\":0}\n");
    world_clear(&world);
}

static void test_a_level_leaves_out_and_keeps_causes(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_MAIL);
    TRACE(world.trace, world.host, HOST_CRASH, 0, .program = "mail server");
    TRACE(world.trace, world.host, SMTP_REPLY, 0, .code = 220);
    TRACE(world.trace, world.host, HOST_RESTART, 0, .program = "mail server");
    ndjson_writer_flush(world.writer);
    assert_null(strstr(world.text->str, "smtp.reply"));
    assert_non_null(strstr(world.text->str, "\"seq\":3,\"t\":0,\"kind\":\"host.restart\","
                                            "\"host\":\"a.example\",\"cause\":1"));
    world_clear(&world);
}

static void test_any_octets_give_json(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    uint8_t octets[256];
    for (int i = 0; i < 256; i++)
        octets[i] = (uint8_t)i;
    TRACE(world.trace, world.host, SMTP_COMMAND, 0, .line = span_of(octets, sizeof octets));
    ndjson_writer_flush(world.writer);
    g_auto(GStrv) lines = g_strsplit(world.text->str, "\n", -1);
    for (int i = 0; i < 2; i++) {
        g_autoptr(JsonParser) parser = json_parser_new();
        assert_true(json_parser_load_from_data(parser, lines[i], -1, NULL));
    }
    assert_int_equal(g_strv_length(lines), 3);
    world_clear(&world);
}

/* The only line behind the header, with the writer's block emptied; the caller frees it. */
static char *world_take_line(World *world)
{
    ndjson_writer_flush(world->writer);
    g_auto(GStrv) lines = g_strsplit(world->text->str, "\n", 3);
    g_string_truncate(world->text, strlen(lines[0]) + 1);
    return g_strdup(lines[1]);
}

static char *world_take_command_line(World *world, Span octets)
{
    TRACE(world->trace, world->host, SMTP_COMMAND, 0, .line = octets);
    g_autofree char *line = world_take_line(world);
    const char *start = strstr(line, "\"smtp.command_line\":");
    assert_non_null(start);
    return g_strdup(start + strlen("\"smtp.command_line\":"));
}

/* Of blanks with one octet among them. */
static void expect_escaped(World *world, size_t length, size_t at, uint8_t octet,
                           const char *escaped)
{
    uint8_t text[32];
    memset(text, ' ', sizeof text);
    text[at] = octet;
    g_autofree char *line = world_take_command_line(world, span_of(text, length));
    g_autofree char *expected =
        g_strdup_printf("\"%*s%s%*s\"}", (int)at, "", escaped, (int)(length - 1 - at), "");
    assert_string_equal(line, expected);
}

/* Texts are looked at several octets at a time, and every one of them must be seen. */
static void test_an_octet_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    for (unsigned octet = 0; octet < 256; octet++) {
        char escaped[8];
        if (octet == '"' || octet == '\\')
            g_snprintf(escaped, sizeof escaped, "\\%c", (int)octet);
        else if (octet == '\n' || octet == '\r' || octet == '\t')
            g_snprintf(escaped, sizeof escaped, "\\%c", "tn  r"[octet - '\t']);
        else if (octet < 0x20 || octet == 0x7f)
            g_snprintf(escaped, sizeof escaped, "\\u%04x", octet);
        else if (octet < 0x80)
            g_snprintf(escaped, sizeof escaped, "%c", (int)octet);
        else
            g_snprintf(escaped, sizeof escaped, "\xEF\xBF\xBD");
        for (size_t length = 1; length < 24; length++)
            for (size_t at = 0; at < length; at++)
                expect_escaped(&world, length, at, (uint8_t)octet, escaped);
    }
    world_clear(&world);
}

static void expect_number(World *world, uint64_t number)
{
    TRACE(world->trace, world->host, TCP_CWND, 0, .cwnd = number);
    g_autofree char *line = world_take_line(world);
    g_autofree char *expected = g_strdup_printf(":%" G_GUINT64_FORMAT ",", number);
    assert_non_null(strstr(line, expected));
}

static void test_numbers_of_any_length(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    uint64_t power = 1;
    for (int digits = 1; digits <= 20; digits++) {
        expect_number(&world, power - 1);
        expect_number(&world, power);
        expect_number(&world, power + power / 10 * 2 + 7);
        power *= digits < 20 ? 10 : 1;
    }
    expect_number(&world, UINT64_MAX);
    world_clear(&world);
}

static void expect_record(World *world, uint64_t cause, SimTime next_at)
{
    simulator_cause(world->simulator)->nearest[TRACE_LEVEL_SEGMENT] = cause;
    uint64_t seq = TRACE(world->trace, world->host, QUEUE_DEFER, 0, .next_at = next_at);
    g_autofree char *line = world_take_line(world);
    g_autofree char *expected =
        g_strdup_printf("{\"seq\":%d,\"t\":%d,\"kind\":\"queue.defer\",\"host\":\"a.example\","
                        "\"cause\":%d,\"next_at\":%d}",
                        (int)seq, (int)simulator_now(world->simulator), (int)cause, (int)next_at);
    assert_string_equal(line, expected);
}

/* Those of the record before are at hand, and must give way to others. */
static void test_numbers_that_go_on(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    for (uint64_t seq = 1; seq < 10300; seq++) {
        uint64_t causes[] = {seq - 1, 0, seq / 2, seq > 9 ? seq - 2 : 0, 7};
        expect_record(&world, causes[seq / 3 % G_N_ELEMENTS(causes)], (SimTime)(seq % 4));
        simulator_run(world.simulator, (SimulatorLimits){.until = (SimTime)(seq / 5)});
    }
    world_clear(&world);
}

/* Times on both sides of one at which all digits but the first change, as times of records and
 * within them. */
static void test_times_close_to_each_other(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    const SimTime turn = 2 * SIM_SECOND;
    const SimTime steps[] = {0, 5, 99999999, 100000000, 100000001, turn - 1, turn, turn + 1};
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        simulator_run(world.simulator, (SimulatorLimits){.until = steps[i]});
        for (size_t j = 0; j < G_N_ELEMENTS(steps); j++) {
            expect_record(&world, 0, steps[j]);
            expect_record(&world, 0, -steps[j]);
        }
    }
    world_clear(&world);
}

/* More names than are kept ready: plain ones, such as must be escaped, and long ones. */
static void test_many_names(void **state)
{
    (void)state;
    enum { NAMES = 3000 };
    World world = world_new(TRACE_LEVEL_SEGMENT);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < NAMES; i++)
        g_ptr_array_add(names, g_strdup_printf("%*d%s", i % 90, i, i % 7 == 0 ? "\n" : ""));
    for (int i = 0; i < NAMES; i++) {
        const char *from = names->pdata[i], *to = names->pdata[i * 13 % NAMES];
        TRACE(world.trace, world.host, TCP_STATE, 0, .from = from, .to = i % 5 == 0 ? NULL : to);
        g_autofree char *line = world_take_line(&world);
        g_autoptr(JsonParser) parser = json_parser_new();
        assert_true(json_parser_load_from_data(parser, line, -1, NULL));
        JsonObject *record = json_node_get_object(json_parser_get_root(parser));
        assert_string_equal(json_object_get_string_member(record, "from"), from);
        assert_int_equal(json_object_has_member(record, "to"), i % 5 != 0);
        if (i % 5 != 0)
            assert_string_equal(json_object_get_string_member(record, "to"), to);
    }
    world_clear(&world);
}

/* A name that is not what it was is a bug of who recorded it, which builds under a sanitizer find.
 */
static void test_a_name_that_changes_is_found(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    char name[] = "CLOSED";
    TRACE(world.trace, world.host, TCP_STATE, 0, .from = name, .to = name);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        name[0] = 'c';
        fclose(stderr); /* which would tell of the bug */
        TRACE(world.trace, world.host, TCP_STATE, 0, .from = name);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    bool is_found = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    assert_int_equal(is_found, IS_SANITIZED);
    world_clear(&world);
}

static void expect_addresses(World *world, Ipv4Address source, Ipv4Address destination)
{
    char text[2][IPV4_TEXT_SIZE];
    TRACE(world->trace, world->host, TCP_SEND, 0, .source = source, .destination = destination);
    g_autofree char *line = world_take_line(world);
    g_autofree char *expected =
        g_strdup_printf("\"ip.src\":\"%s\",\"tcp.srcport\":0,\"ip.dst\":\"%s\"",
                        ipv4_format(source, text[0]), ipv4_format(destination, text[1]));
    assert_non_null(strstr(line, expected));
}

/* More of them than are kept ready. */
static void test_many_addresses(void **state)
{
    (void)state;
    World world = world_new(TRACE_LEVEL_SEGMENT);
    expect_addresses(&world, 0, UINT32_MAX);
    for (Ipv4Address i = 0; i < 1000; i++)
        expect_addresses(&world, 0xc6120000 + i * 77, 0xc6120000 + (i % 3) * 64);
    world_clear(&world);
}

static void write_octets(const void *packet, GByteArray *out)
{
    const Span *octets = packet;
    g_byte_array_append(out, octets->data, (guint)octets->length);
}

static bool is_no_receipt(TraceKind kind)
{
    return kind != TRACE_UDP_RECEIVE;
}

/* As the viewer asks for them: in the records of sending, and not all kinds. */
static void test_octets_of_packets_and_kinds_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *octets, *base64;
    } PACKETS[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    World world = world_new(TRACE_LEVEL_SEGMENT);
    ndjson_writer_free(world.writer);
    trace_close(world.trace);
    NdjsonHeader header = {.title = "",
                           .start = "",
                           .scenario_sha256 = "",
                           .level = TRACE_LEVEL_SEGMENT,
                           .has_frames = true,
                           .holds = is_no_receipt};
    world_open(&world, &header);
    for (size_t i = 0; i < G_N_ELEMENTS(PACKETS); i++) {
        Span octets = span_of_text(PACKETS[i].octets);
        TracePacket packet = {write_octets, &octets};
        trace_write_packet(world.trace, world.host, TRACE_UDP_RECEIVE, 0,
                           &(TraceFields_UDP_RECEIVE){.length = 8}, packet);
        trace_write_packet(world.trace, world.host, TRACE_UDP_SEND, 0,
                           &(TraceFields_UDP_SEND){.length = 8}, packet);
        g_autofree char *line = world_take_line(&world);
        g_autofree char *expected =
            g_strdup_printf(",\"udp.length\":8,\"frame\":\"%s\"}", PACKETS[i].base64);
        assert_true(g_str_has_suffix(line, expected));
    }
    world_clear(&world);
}

/* A node that comes after the writer, whose name has to be escaped and is longer than any piece,
 * and texts longer than the block. */
static void test_long_names_and_texts(void **state)
{
    (void)state;
    enum { LONG = 300000 };
    World world = world_new(TRACE_LEVEL_SEGMENT);
    g_autofree char *name = g_strnfill(5000, '"');
    NodeId node = simulator_add_node(world.simulator, name);
    g_autofree char *text = g_strnfill(LONG, '\x01');
    TRACE(world.trace, node, SMTP_COMMAND, 0, .connection = {node, 77},
          .line = span_of(text, LONG));
    g_autofree char *line = world_take_line(&world);
    g_autoptr(JsonParser) parser = json_parser_new();
    assert_true(json_parser_load_from_data(parser, line, -1, NULL));
    JsonObject *object = json_node_get_object(json_parser_get_root(parser));
    assert_string_equal(json_object_get_string_member(object, "host"), name);
    g_autofree char *ref = g_strdup_printf("%s#77", name);
    assert_string_equal(json_object_get_string_member(object, "connection"), ref);
    assert_int_equal(strlen(json_object_get_string_member(object, "smtp.command_line")), LONG);
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_as_documented),
        cmocka_unit_test(test_a_level_leaves_out_and_keeps_causes),
        cmocka_unit_test(test_any_octets_give_json),
        cmocka_unit_test(test_an_octet_is_escaped_wherever_it_stands),
        cmocka_unit_test(test_numbers_of_any_length),
        cmocka_unit_test(test_numbers_that_go_on),
        cmocka_unit_test(test_times_close_to_each_other),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_a_name_that_changes_is_found),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_octets_of_packets_and_kinds_left_out),
        cmocka_unit_test(test_long_names_and_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
