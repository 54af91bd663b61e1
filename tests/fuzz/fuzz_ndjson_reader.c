/* Traces from hostile hands: whatever is let through is JSON, in order, and safe inside a page. */
#include "core/check.h"
#include "export/ndjson_reader.h"
#include "export/viewer_data.h"

#include <json-glib/json-glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(Span line, const NdjsonRecord *record)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    CHECK(json_parser_load_from_data(parser, (const char *)line.data, (gssize)line.length, NULL));
    CHECK(record->cause <= record->seq && record->because <= record->seq && record->time >= 0);
    g_autoptr(GString) escaped = g_string_new(NULL);
    viewer_data_escape(line, escaped);
    CHECK(strchr(escaped->str, '<') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(NdjsonReader) reader = ndjson_reader_new();
    Span rest = span_of(data, size);
    while (rest.length > 0) {
        size_t length = span_find(rest, '\n');
        NdjsonRecord record;
        Span line = span_of(rest.data, MIN(length, rest.length));
        if (!ndjson_reader_line(reader, line, &record)) {
            CHECK(ndjson_reader_error(reader) != NULL);
            return 0;
        }
        check_line(line, &record);
        rest = span_skip(rest, MIN(line.length + 1, rest.length));
    }
    return 0;
}
