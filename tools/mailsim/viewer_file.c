/* The viewer as one offline HTML file. See viewer_file.h.
 *
 * The page has one marker; in its place come two script elements that no browser runs, since their
 * types are none: #meta, a JSON object, and #trace, the NDJSON. */
#include "viewer_file.h"

#include "core/check.h"
#include "export/ndjson_reader.h"
#include "export/viewer_data.h"
#include "machines.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MARKER "<!--TRACE-->"
#define META_BEGIN  "<script id=\"meta\" type=\"application/json\">"
#define TRACE_BEGIN "</script>\n<script id=\"trace\" type=\"application/x-ndjson\">\n"
#define TRACE_END   "</script>"

enum { LEVELS = TRACE_LEVEL_SEGMENT + 1 };

extern const char viewer_page_start[], viewer_page_end[];

/* The finest level that is small enough; MAIL when none is. */
static TraceLevel level_that_fits(const ViewerCounts *counts)
{
    uint64_t total = counts->records[TRACE_LEVEL_MAIL];
    int level = TRACE_LEVEL_MAIL;
    while (level < TRACE_LEVEL_SEGMENT &&
           total + counts->records[level + 1] <= VIEWER_RECORDS_MAXIMUM)
        total += counts->records[++level];
    return (TraceLevel)level;
}

/* ---- The page ---- */

static Span page_part(bool is_first)
{
    Span page = span_of(viewer_page_start, (size_t)(viewer_page_end - viewer_page_start));
    const char *marker = g_strstr_len((const char *)page.data, (gssize)page.length, PAGE_MARKER);
    CHECK(marker != NULL);
    size_t before = (size_t)(marker - viewer_page_start);
    return is_first ? span_of(page.data, before) : span_skip(page, before + strlen(PAGE_MARKER));
}

static void write_escaped(void *owner, Span json)
{
    g_autoptr(GString) text = g_string_sized_new(json.length);
    viewer_data_escape(json, text);
    output_write(owner, span_of(text->str, text->len));
}

static void page_begin(OutputFile *file, JsonBuilder *meta)
{
    g_autoptr(JsonNode) root = json_builder_get_root(meta);
    g_autofree char *text = json_to_string(root, FALSE);
    output_write(file, page_part(true));
    output_write(file, span_of_text(META_BEGIN));
    write_escaped(file, span_of_text(text));
    output_write(file, span_of_text(TRACE_BEGIN));
}

static bool page_end(OutputFile *file)
{
    output_write(file, span_of_text(TRACE_END));
    output_write(file, page_part(false));
    return output_close(file);
}

/* ---- What the page needs to know ---- */

static void add_text(JsonBuilder *builder, const char *key, const char *text)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_string_value(builder, text);
}

static void add_local_text(JsonBuilder *builder, const char *key, const LocalText *text)
{
    json_builder_set_member_name(builder, key);
    json_builder_begin_object(builder);
    for (size_t i = 0; i < text->count; i++) {
        const char *language = text->entries[i].language;
        add_text(builder, language[0] != '\0' ? language : "en", text->entries[i].text);
    }
    json_builder_end_object(builder);
}

/* Begins the object with what every page has. */
static JsonBuilder *meta_begin(const ViewerCounts *counts)
{
    JsonBuilder *builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "machines");
    json_builder_begin_array(builder);
    for (size_t i = 0; MACHINES[i] != NULL; i++)
        viewer_data_add_machine(builder, MACHINES[i]);
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "kinds");
    viewer_data_add_kinds(builder);
    json_builder_set_member_name(builder, "records");
    json_builder_begin_object(builder);
    for (int level = 0; level < LEVELS; level++) {
        json_builder_set_member_name(builder, trace_level_name((TraceLevel)level));
        json_builder_add_int_value(builder, (gint64)counts->records[level]);
    }
    json_builder_end_object(builder);
    return builder;
}

static void add_questions(JsonBuilder *builder, const Run *run)
{
    const ScenarioQuestions *questions = &run->scenario->questions;
    json_builder_set_member_name(builder, "questions");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < questions->count; i++) {
        g_autofree char *answer = expectations_answer(run->expectations, i);
        json_builder_begin_object(builder);
        add_local_text(builder, "ask", &questions->items[i].ask);
        add_text(builder, "answer", answer);
        add_local_text(builder, "explain", &questions->items[i].explain);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void add_expectations(JsonBuilder *builder, const Run *run)
{
    json_builder_set_member_name(builder, "expectations");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < expectations_count(run->expectations); i++) {
        g_autofree char *text = expectations_describe(run->expectations, i);
        g_autofree char *actual = expectations_actual(run->expectations, i);
        json_builder_begin_object(builder);
        add_text(builder, "text", text);
        json_builder_set_member_name(builder, "holds");
        json_builder_add_boolean_value(builder, expectations_hold(run->expectations, i));
        add_text(builder, "actual", actual);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

/* The whole object of a scenario's page, after its run. */
static JsonBuilder *meta_of_run(const Run *run, const ViewerCounts *counts)
{
    JsonBuilder *builder = meta_begin(counts);
    add_local_text(builder, "title", &run->scenario->title);
    add_local_text(builder, "about", &run->scenario->about);
    add_questions(builder, run);
    if (run->end != SIMULATOR_END_STOPPED) /* or else nothing is judged */
        add_expectations(builder, run);
    json_builder_end_object(builder);
    return builder;
}

/* ---- From a scenario ---- */

static void count_record(void *owner, const TraceRecord *record)
{
    ViewerCounts *counts = owner;
    counts->records[trace_kind_info(record->kind)->level]++;
}

void viewer_file_count(Trace *trace, ViewerCounts *counts)
{
    *counts = (ViewerCounts){0};
    trace_add_sink(trace, (TraceSink){count_record, counts, TRACE_LEVEL_SEGMENT});
}

bool viewer_file_write(const Run *run, const ViewerCounts *counts, const ViewerFileOptions *options,
                       const char *path)
{
    OutputFile file;
    if (!output_open(&file, path))
        return false;
    g_autoptr(JsonBuilder) meta = meta_of_run(run, counts);
    page_begin(&file, meta);

    g_autoptr(Run) again = run_new(run->scenario, options->simulation);
    g_autofree char *start = simulation_format_start(run->scenario);
    TraceLevel level = options->has_level ? options->level : level_that_fits(counts);
    NdjsonHeader header = run_ndjson_header(again, level, start);
    header.has_frames = true;
    NdjsonWriter *writer = ndjson_writer_new(simulation_trace(again->simulation), &header,
                                             (NdjsonOutput){write_escaped, &file});
    run_play(again);
    ndjson_writer_flush(writer);
    ndjson_writer_free(writer);
    return page_end(&file);
}

/* ---- From a trace ---- */

/* A trace file being read. */
typedef struct TraceFile {
    const char *path;
    FILE *file;
    char *line; /* of NDJSON_LINE_MAXIMUM + 1 octets: a longer one is not read to its end */
    NdjsonReader *reader;
} TraceFile;

static bool trace_file_open(TraceFile *trace, const char *path)
{
    *trace = (TraceFile){.path = path, .file = fopen(path, "rbe")};
    if (trace->file == NULL) {
        fprintf(stderr, "mailsim: %s: cannot be read: %s\n", path, g_strerror(errno));
        return false;
    }
    trace->reader = ndjson_reader_new();
    trace->line = g_malloc(NDJSON_LINE_MAXIMUM + 1);
    return true;
}

static void trace_file_close(TraceFile *trace)
{
    fclose(trace->file);
    ndjson_reader_free(trace->reader);
    g_free(trace->line);
}

/* Reads up to the next LF, or one octet more than a line may have; false at the end of the file. */
static bool read_line(TraceFile *trace, Span *line)
{
    size_t length = 0;
    int octet = getc(trace->file);
    if (octet == EOF)
        return false;
    while (octet != EOF && octet != '\n' && length <= NDJSON_LINE_MAXIMUM) {
        trace->line[length++] = (char)octet;
        octet = length <= NDJSON_LINE_MAXIMUM ? getc(trace->file) : EOF;
    }
    *line = span_of(trace->line, length);
    return true;
}

/* The next line; false at the end or after an error, which is told. */
static bool trace_file_next(TraceFile *trace, Span *line, NdjsonRecord *record)
{
    if (!read_line(trace, line))
        return false;
    if (ndjson_reader_line(trace->reader, *line, record))
        return true;
    fprintf(stderr, "mailsim: %s:%s\n", trace->path, ndjson_reader_error(trace->reader));
    return false;
}

/* The level of a kind; one that is not known counts as the finest. */
static TraceLevel level_of(Span name)
{
    g_autofree char *text = span_dup_text(name);
    TraceKind kind = trace_kind_find(text);
    return kind == TRACE_KIND_COUNT ? TRACE_LEVEL_SEGMENT : trace_kind_info(kind)->level;
}

static bool count_levels(const char *path, ViewerCounts *counts)
{
    TraceFile trace;
    Span line;
    NdjsonRecord record;
    uint64_t lines = 0;
    if (!trace_file_open(&trace, path))
        return false;
    for (; trace_file_next(&trace, &line, &record); lines++) {
        if (record.seq > 0)
            counts->records[level_of(record.kind)]++;
    }
    bool is_read = ndjson_reader_error(trace.reader) == NULL && !ferror(trace.file);
    if (is_read && lines == 0)
        fprintf(stderr, "mailsim: %s: the file is empty: a trace begins with its header\n", path);
    trace_file_close(&trace);
    return is_read && lines > 0;
}

/* A record left out, and the nearest one before it that is not. */
typedef struct LeftOut {
    uint64_t seq, nearest;
} LeftOut;

/* The nearest record that is written: `seq` itself, unless it was left out. */
static uint64_t nearest_written(const GArray *left_out, uint64_t seq)
{
    size_t low = 0, high = left_out->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g_array_index(left_out, LeftOut, middle).seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_found = low < left_out->len && g_array_index(left_out, LeftOut, low).seq == seq;
    return is_found ? g_array_index(left_out, LeftOut, low).nearest : seq;
}

/* Writes a line with another cause. */
static void write_line(OutputFile *file, Span line, const NdjsonRecord *record, uint64_t cause)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (record->seq == 0) {
        g_string_append_len(text, (const char *)line.data, (gssize)line.length);
    } else {
        const uint8_t *after = record->cause_text.data + record->cause_text.length;
        g_string_append_len(text, (const char *)line.data, record->cause_text.data - line.data);
        g_string_append_printf(text, "%llu", (unsigned long long)cause);
        g_string_append_len(text, (const char *)after, line.data + line.length - after);
    }
    g_string_append_c(text, '\n');
    write_escaped(file, span_of(text->str, text->len));
}

static bool copy_records(OutputFile *file, const char *path, TraceLevel level)
{
    TraceFile trace;
    Span line;
    NdjsonRecord record;
    if (!trace_file_open(&trace, path))
        return false;
    g_autoptr(GArray) left_out = g_array_new(FALSE, FALSE, sizeof(LeftOut));
    while (trace_file_next(&trace, &line, &record)) {
        uint64_t cause = nearest_written(left_out, record.cause);
        LeftOut omitted = {record.seq, cause};
        if (record.seq > 0 && level_of(record.kind) > level)
            g_array_append_val(left_out, omitted);
        else
            write_line(file, line, &record, cause);
    }
    bool is_read = ndjson_reader_error(trace.reader) == NULL && !ferror(trace.file);
    trace_file_close(&trace);
    return is_read;
}

bool viewer_file_write_trace(const char *trace_path, const char *path)
{
    OutputFile file;
    ViewerCounts counts = {0};
    if (!count_levels(trace_path, &counts) || !output_open(&file, path))
        return false;
    g_autoptr(JsonBuilder) meta = meta_begin(&counts);
    json_builder_end_object(meta);
    page_begin(&file, meta);
    bool is_copied = copy_records(&file, trace_path, level_that_fits(&counts));
    return page_end(&file) && is_copied;
}

bool viewer_file_is_trace(const char *path)
{
    static const char BEGIN[] = "{\"mailsim_trace\"";
    char begin[sizeof BEGIN] = {0};
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return false;
    size_t length = fread(begin, 1, sizeof BEGIN - 1, file);
    fclose(file);
    return length == sizeof BEGIN - 1 && strcmp(begin, BEGIN) == 0;
}
