/* export/ndjson_reader: what a trace may be, and where a wrong one is wrong. */
#include "export/ndjson_reader.h"
#include "export/viewer_data.h"

#include "scenario/run.h"
#include "scenario_read.h"
#include "text_output.h"

#define HEADER "{\"mailsim_trace\":1,\"title\":\"t\",\"nodes\":[{\"name\":\"a\"}]}"

/* Reads the lines; the first error, or NULL. To free. */
static char *read_lines(const char *text)
{
    g_autoptr(NdjsonReader) reader = ndjson_reader_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    NdjsonRecord record;
    for (char **line = lines; *line != NULL; line++) {
        if (!ndjson_reader_line(reader, span_of_text(*line), &record))
            return g_strdup(ndjson_reader_error(reader));
    }
    return NULL;
}

static void test_a_record_is_read(void **state)
{
    (void)state;
    g_autoptr(NdjsonReader) reader = ndjson_reader_new();
    NdjsonRecord record;
    assert_true(ndjson_reader_line(reader, span_of_text(HEADER), &record));
    assert_int_equal(record.seq, 0);
    const char *line =
        "{\"seq\":12,\"t\":34,\"kind\":\"new.kind\",\"host\":\"a\",\"cause\":7,\"because\":3,"
        "\"x\":[1.5e-3,{\"y\":null}],\"z\":\"\\u00e4\\n\"}";
    assert_true(ndjson_reader_line(reader, span_of_text(line), &record));
    assert_int_equal(record.seq, 12);
    assert_int_equal(record.time, 34);
    assert_int_equal(record.cause, 7);
    assert_int_equal(record.because, 3);
    assert_true(span_equals(record.kind, span_of_text("new.kind")));
    assert_true(span_equals(record.cause_text, span_of_text("7")));
}

static void test_errors_have_a_place(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"[]", "1:1: a line of a trace is a JSON object: { belongs here"},
        {"{}", "1:1: the key `mailsim_trace` is missing"},
        {"{\"mailsim_trace\":2}", "1:18: only version 1 of the trace can be read"},
        {HEADER "\n{\"seq\":1", "2:9: a comma or } belongs here"},
        {HEADER "\n{\"seq\":1}", "2:1: the key `t` is missing"},
        {HEADER "\n{\"seq\":1,\"seq\":2}", "2:16: this key has been before"},
        {HEADER "\n{\"seq\":-1}", "2:8: a number of at most 19 digits belongs here"},
        {HEADER "\n{\"seq\":012}", "2:8: a number has no zeros before it"},
        {HEADER "\n{\"x\":\"\\q\"}", "2:8: no character is written so after a backslash"},
        {HEADER "\n{\"x\":\"\\u12", "2:11: four hexadecimal digits belong after \\u"},
        {HEADER "\n{\"x\":\"\\ud83d\\ude00\\udc00\"}", "2:25: this \\u is half of a character"},
        {HEADER "\n{\"x\":\"\\ud800\\ud83d\"}", "2:19: this \\u is half of a character"},
        {HEADER "\n{\"x\":\"\\ud800!\"}", "2:13: this \\u is half of a character"},
        {HEADER "\n{\"x\":\"a", "2:8: a string has no end"},
        {HEADER "\n{\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]}",
         "2:14: objects and arrays are nested too deeply"},
        {HEADER "\n{\"x\":\xff}", "2:6: this is not UTF-8, or it is an octet 0"},
        {HEADER "\n{\"seq\":1,\"t\":0,\"kind\":\"k\",\"host\":\"h\",\"cause\":1}",
         "2:46: `cause` is to be an earlier record"},
        {HEADER "\n{\"seq\":1,\"t\":0,\"kind\":\"k\",\"host\":\"h\",\"cause\":0} x",
         "2:49: the line goes on after its object"},
        {HEADER "\n{\"seq\":2,\"t\":5,\"kind\":\"k\",\"host\":\"h\",\"cause\":0}"
                "\n{\"seq\":3,\"t\":4,\"kind\":\"k\",\"host\":\"h\",\"cause\":2}",
         "3:14: `t` is to be no less than in the line before"},
        {HEADER "\n{\"seq\":2,\"t\":5,\"kind\":\"k\",\"host\":\"h\",\"cause\":0}"
                "\n{\"seq\":2,\"t\":5,\"kind\":\"k\",\"host\":\"h\",\"cause\":0}",
         "3:8: `seq` is to be more than in the line before"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autofree char *error = read_lines(CASES[i][0]);
        assert_non_null(error);
        assert_string_equal(error, CASES[i][1]);
    }
}

static void test_a_line_has_a_limit(void **state)
{
    (void)state;
    g_autoptr(GString) line = g_string_new("{\"mailsim_trace\":1");
    while (line->len <= NDJSON_LINE_MAXIMUM)
        g_string_append_c(line, ' ');
    g_autofree char *error = read_lines(line->str);
    assert_string_equal(error, "1:1: the line is longer than 8 MiB");
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_file("scenarios/05-receiver-down/scenario.yaml");
    SimulationOptions options = {.seed = SCENARIO_UNSET, .until_ns = SCENARIO_UNSET};
    g_autoptr(Run) run = run_new(scenario, &options);
    g_autoptr(GString) text = g_string_new(NULL);
    NdjsonHeader header = run_ndjson_header(run, TRACE_LEVEL_SEGMENT, "start");
    header.has_frames = true;
    NdjsonWriter *writer = ndjson_writer_new(simulation_trace(run->simulation), &header,
                                             (NdjsonOutput){append_text, text});
    run_play(run);
    ndjson_writer_flush(writer);
    ndjson_writer_free(writer);
    assert_non_null(strstr(text->str, ",\"frame\":\""));
    g_autofree char *error = read_lines(g_strchomp(text->str));
    assert_null(error);
}

static void test_nothing_ends_the_script_element(void **state)
{
    (void)state;
    g_autoptr(GString) out = g_string_new(NULL);
    viewer_data_escape(
        span_of_text("{\"a\":\"</script><!--\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xA6\"}"), out);
    assert_string_equal(out->str,
                        "{\"a\":\"\\u003c/script>\\u003c!--\\u2028\\u2029\xE2\x80\xA6\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_read),
        cmocka_unit_test(test_errors_have_a_place),
        cmocka_unit_test(test_a_line_has_a_limit),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_nothing_ends_the_script_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
