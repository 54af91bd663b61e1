/* What is wrong with a scenario file, and where. See diagnostics.h. */
#include "scenario/diagnostics.h"

#include <stdarg.h>
#include <string.h>

enum {
    TEXT_SHOWN = 600, /* octets of an entry's sentence; more is cut */
    LINE_CELLS = 72,  /* columns of the terminal that a source line may take */
    LINE_LEAD = 40,   /* how far before the caret a long line is shown */
};

struct Diagnostics {
    char *name;
    Octets *source;
    GArray *line_starts; /* size_t offsets into the source */
    GPtrArray *entries;  /* of Diagnostic */
    size_t errors, warnings;
};

static void diagnostic_free(void *data)
{
    Diagnostic *entry = data;
    g_free(entry->text);
    g_free(entry);
}

Diagnostics *diagnostics_new(void)
{
    Diagnostics *diagnostics = g_new0(Diagnostics, 1);
    diagnostics->name = g_strdup("scenario");
    diagnostics->source = octets_new("", 0);
    diagnostics->line_starts = g_array_new(FALSE, FALSE, sizeof(size_t));
    diagnostics->entries = g_ptr_array_new_with_free_func(diagnostic_free);
    return diagnostics;
}

void diagnostics_free(Diagnostics *diagnostics)
{
    if (diagnostics == NULL)
        return;
    g_free(diagnostics->name);
    octets_unref(diagnostics->source);
    g_array_unref(diagnostics->line_starts);
    g_ptr_array_unref(diagnostics->entries);
    g_free(diagnostics);
}

/* YAML 1.2 §5.4: lines end in LF, CRLF or CR. */
static void find_lines(GArray *starts, Span bytes)
{
    size_t start = 0;
    g_array_set_size(starts, 0);
    g_array_append_val(starts, start);
    for (size_t i = 0; i < bytes.length; i++) {
        bool is_break =
            bytes.data[i] == '\n' ||
            (bytes.data[i] == '\r' && (i + 1 == bytes.length || bytes.data[i + 1] != '\n'));
        if (is_break) {
            start = i + 1;
            g_array_append_val(starts, start);
        }
    }
}

void diagnostics_set_source(Diagnostics *diagnostics, const char *name, Span bytes)
{
    g_free(diagnostics->name);
    diagnostics->name = g_strdup(name);
    octets_unref(diagnostics->source);
    diagnostics->source = octets_new(bytes.data, bytes.length);
    find_lines(diagnostics->line_starts, bytes);
    g_ptr_array_set_size(diagnostics->entries, 0);
    diagnostics->errors = diagnostics->warnings = 0;
}

/* Makes a sentence fit for a terminal: one line, valid UTF-8, not endless. */
static char *text_made_safe(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);
    for (const char *next = valid; *next != '\0'; next = g_utf8_next_char(next)) {
        gunichar c = g_utf8_get_char(next);
        if (out->len > TEXT_SHOWN) {
            g_string_append(out, "…");
            break;
        }
        if (c == '\n')
            g_string_append(out, "\\n");
        else if (g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT)
            g_string_append_printf(out, "\\u%04X", c);
        else
            g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

static void add_list(Diagnostics *diagnostics, Severity severity, SourcePosition at,
                     uint32_t length, const char *format, va_list arguments)
{
    if (severity == SEVERITY_ERROR)
        diagnostics->errors++;
    else
        diagnostics->warnings++;
    if (diagnostics->entries->len >= DIAGNOSTICS_KEPT)
        return;
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    Diagnostic *entry = g_new(Diagnostic, 1);
    *entry = (Diagnostic){severity, at, MAX(length, 1), text_made_safe(text)};
    g_ptr_array_add(diagnostics->entries, entry);
}

void diagnostics_add(Diagnostics *diagnostics, Severity severity, SourcePosition at,
                     uint32_t length, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_list(diagnostics, severity, at, length, format, arguments);
    va_end(arguments);
}

void diagnostics_error(Diagnostics *diagnostics, SourcePosition at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_list(diagnostics, SEVERITY_ERROR, at, 1, format, arguments);
    va_end(arguments);
}

size_t diagnostics_error_count(const Diagnostics *diagnostics)
{
    return diagnostics->errors;
}

size_t diagnostics_warning_count(const Diagnostics *diagnostics)
{
    return diagnostics->warnings;
}

size_t diagnostics_kept(const Diagnostics *diagnostics)
{
    return diagnostics->entries->len;
}

const Diagnostic *diagnostics_peek(const Diagnostics *diagnostics, size_t index)
{
    return g_ptr_array_index(diagnostics->entries, index);
}

static int compare_entries(const void *a, const void *b)
{
    const Diagnostic *left = *(Diagnostic *const *)a, *right = *(Diagnostic *const *)b;
    if (left->at.line != right->at.line)
        return left->at.line < right->at.line ? -1 : 1;
    if (left->at.column != right->at.column)
        return left->at.column < right->at.column ? -1 : 1;
    return 0;
}

void diagnostics_sort(Diagnostics *diagnostics)
{
    /* g_ptr_array_sort is stable: it is g_qsort_with_data, a merge sort. */
    g_ptr_array_sort(diagnostics->entries, compare_entries);
}

/* The line without its end; empty when there is no such line. */
static Span source_line(const Diagnostics *diagnostics, uint32_t line)
{
    const GArray *starts = diagnostics->line_starts;
    if (line == 0 || line > starts->len)
        return (Span){0};
    size_t size = octets_length(diagnostics->source);
    const uint8_t *data = octets_data(diagnostics->source);
    size_t start = g_array_index(starts, size_t, line - 1);
    size_t end = line < starts->len ? g_array_index(starts, size_t, line) : size;
    while (end > start && (data[end - 1] == '\n' || data[end - 1] == '\r'))
        end--;
    return end > start ? span_of(data + start, end - start) : (Span){0};
}

/* Appends the line to `shown` and what stands below it to `marks`, character by character, so that
 * the caret is right below wide characters (Korean ones take two columns) and behind tabs. */
static void append_line(Span line, const Diagnostic *entry, GString *shown, GString *marks)
{
    g_autofree char *raw = span_dup_text(line);
    g_autofree char *text = g_utf8_make_valid(raw, -1);
    uint32_t first = entry->at.column > LINE_CELLS - 10 ? entry->at.column - LINE_LEAD : 1;
    uint32_t column = 1, cells = 0;
    for (const char *next = text; *next != '\0' && cells < LINE_CELLS;
         next = g_utf8_next_char(next), column++) {
        if (column < first)
            continue;
        gunichar c = g_utf8_get_char(next);
        if (!g_unichar_isprint(c) && !g_unichar_iszerowidth(c))
            c = c == '\t' ? ' ' : 0xfffd;
        g_string_append_unichar(shown, c);
        uint32_t width = g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
        cells += width;
        bool is_marked = column >= entry->at.column && column - entry->at.column < entry->length;
        for (uint32_t i = 0; i < width; i++)
            g_string_append_c(marks, !is_marked                             ? ' '
                                     : column == entry->at.column && i == 0 ? '^'
                                                                            : '~');
    }
    if (column <= entry->at.column && cells < LINE_CELLS)
        g_string_append_c(marks, '^'); /* just behind the line's end */
}

static void format_entry(const Diagnostics *diagnostics, const Diagnostic *entry, GString *out)
{
    const char *severity = entry->severity == SEVERITY_ERROR ? "error" : "warning";
    if (entry->at.line == 0) {
        g_string_append_printf(out, "%s: %s: %s\n", diagnostics->name, severity, entry->text);
        return;
    }
    g_string_append_printf(out, "%s:%u:%u: %s: %s\n", diagnostics->name, entry->at.line,
                           entry->at.column, severity, entry->text);
    Span line = source_line(diagnostics, entry->at.line);
    if (line.length == 0)
        return;
    g_autoptr(GString) shown = g_string_new(NULL);
    g_autoptr(GString) marks = g_string_new(NULL);
    append_line(line, entry, shown, marks);
    while (marks->len > 0 && marks->str[marks->len - 1] == ' ')
        g_string_truncate(marks, marks->len - 1);
    g_string_append_printf(out, "%5u | %s\n      | %s\n", entry->at.line, shown->str, marks->str);
}

void diagnostics_format(const Diagnostics *diagnostics, GString *out)
{
    size_t errors = diagnostics->errors, warnings = diagnostics->warnings;
    for (size_t i = 0; i < diagnostics->entries->len && i < DIAGNOSTICS_PRINTED; i++) {
        const Diagnostic *entry = diagnostics_peek(diagnostics, i);
        format_entry(diagnostics, entry, out);
        if (entry->severity == SEVERITY_ERROR)
            errors--;
        else
            warnings--;
    }
    if (errors > 0)
        g_string_append_printf(out, "%s: %zu more error%s\n", diagnostics->name, errors,
                               errors == 1 ? "" : "s");
    if (warnings > 0)
        g_string_append_printf(out, "%s: %zu more warning%s\n", diagnostics->name, warnings,
                               warnings == 1 ? "" : "s");
}

void diagnostics_print(const Diagnostics *diagnostics, FILE *out)
{
    g_autoptr(GString) text = g_string_new(NULL);
    diagnostics_format(diagnostics, text);
    fwrite(text->str, 1, text->len, out);
}
