/* A trace in NDJSON read back. See ndjson_reader.h. The JSON is only walked, not built: what the
 * reader wants of a line is a few numbers, and that the whole of it is well formed. */
#include "export/ndjson_reader.h"

#include "export/ndjson.h"

#include <string.h>

enum { JSON_DEPTH_MAXIMUM = 8, JSON_DIGITS_MAXIMUM = 19 };

struct NdjsonReader {
    Span line;       /* the one being read */
    size_t at;       /* where in it */
    uint64_t number; /* of the line, from 1 */
    uint64_t last_seq;
    SimTime last_time;
    size_t column; /* of the defect */
    char *defect;  /* the first one, NULL: none */
    char *error;   /* where, and the defect */
};

/* ---- Errors ---- */

/* Keeps the first one. Always false. */
static bool fail(NdjsonReader *reader, const char *text)
{
    if (reader->error == NULL) {
        reader->defect = g_strdup(text);
        reader->column = reader->at + 1;
        reader->error = g_strdup_printf("%llu:%zu: %s", (unsigned long long)reader->number,
                                        reader->column, text);
    }
    return false;
}

static bool fail_at(NdjsonReader *reader, size_t at, const char *text)
{
    reader->at = at;
    return fail(reader, text);
}

/* ---- JSON, RFC 8259 ---- */

/* The octet at hand; 0 at the line's end. */
static uint8_t peek(const NdjsonReader *reader)
{
    return reader->at < reader->line.length ? reader->line.data[reader->at] : 0;
}

static void skip_space(NdjsonReader *reader)
{
    while (peek(reader) == ' ' || peek(reader) == '\t')
        reader->at++;
}

static bool take(NdjsonReader *reader, char wanted)
{
    if (peek(reader) != (uint8_t)wanted)
        return false;
    reader->at++;
    return true;
}

/* \uXXXX behind its backslash. */
static bool read_unit(NdjsonReader *reader, unsigned *unit)
{
    *unit = 0;
    reader->at++;
    for (unsigned i = 0; i < 4; i++, reader->at++) {
        if (!g_ascii_isxdigit((char)peek(reader)))
            return fail(reader, "four hexadecimal digits belong after \\u");
        *unit = *unit * 16 + (unsigned)g_ascii_xdigit_value((char)peek(reader));
    }
    return true;
}

/* Half of a surrogate pair stands for no character; json-glib loses memory over it. */
static bool skip_unicode(NdjsonReader *reader)
{
    unsigned high = 0, low = 0;
    if (!read_unit(reader, &high))
        return false;
    bool is_pair = high >= 0xd800 && high < 0xdc00;
    if (is_pair && take(reader, '\\') && peek(reader) == 'u' && !read_unit(reader, &low))
        return false;
    if (is_pair ? low < 0xdc00 || low > 0xdfff : high >= 0xdc00 && high <= 0xdfff)
        return fail(reader, "this \\u is half of a character");
    return true;
}

static bool skip_escape(NdjsonReader *reader)
{
    if (peek(reader) == 'u')
        return skip_unicode(reader);
    if (peek(reader) == 0 || strchr("\"\\/bfnrt", peek(reader)) == NULL)
        return fail(reader, "no character is written so after a backslash");
    reader->at++;
    return true;
}

/* A string; `inside` is what stands between its quotes, as written. */
static bool read_string(NdjsonReader *reader, Span *inside)
{
    if (!take(reader, '"'))
        return fail(reader, "a string in double quotes belongs here");
    size_t start = reader->at;
    while (!take(reader, '"')) {
        if (reader->at >= reader->line.length)
            return fail(reader, "a string has no end");
        if (peek(reader) < 0x20)
            return fail(reader, "a control character in a string is written as \\u00..");
        if (take(reader, '\\')) {
            if (!skip_escape(reader))
                return false;
        } else {
            reader->at++;
        }
    }
    *inside = span_of(reader->line.data + start, reader->at - 1 - start);
    return true;
}

static size_t skip_digits(NdjsonReader *reader)
{
    size_t start = reader->at;
    while (g_ascii_isdigit((char)peek(reader)))
        reader->at++;
    return reader->at - start;
}

static bool skip_number(NdjsonReader *reader)
{
    take(reader, '-');
    bool is_zero = peek(reader) == '0';
    size_t digits = skip_digits(reader);
    if (digits == 0 || (is_zero && digits > 1))
        return fail(reader, "this is no number");
    if (take(reader, '.') && skip_digits(reader) == 0)
        return fail(reader, "digits belong after the point");
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+'))
            take(reader, '-');
        if (skip_digits(reader) == 0)
            return fail(reader, "digits belong into the exponent");
    }
    return true;
}

static bool skip_word(NdjsonReader *reader)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < G_N_ELEMENTS(WORDS); i++) {
        size_t length = strlen(WORDS[i]);
        if (reader->line.length - reader->at >= length &&
            memcmp(reader->line.data + reader->at, WORDS[i], length) == 0) {
            reader->at += length;
            return true;
        }
    }
    return fail(reader, "a value belongs here: a string, a number, true, false, null");
}

static bool skip_value(NdjsonReader *reader, unsigned depth);

/* The members of an array or object, up to its closing bracket; the opening one is taken. */
static bool skip_members(NdjsonReader *reader, unsigned depth, bool is_object)
{
    char close = is_object ? '}' : ']';
    Span key;
    if (depth > JSON_DEPTH_MAXIMUM)
        return fail(reader, "objects and arrays are nested too deeply");
    skip_space(reader);
    if (take(reader, close))
        return true;
    do {
        skip_space(reader);
        if (is_object) {
            if (!read_string(reader, &key))
                return false;
            skip_space(reader);
            if (!take(reader, ':'))
                return fail(reader, "a colon belongs after a key");
        }
        if (!skip_value(reader, depth))
            return false;
        skip_space(reader);
    } while (take(reader, ','));
    return take(reader, close) || fail(reader, "a comma or the closing bracket belongs here");
}

static bool skip_value(NdjsonReader *reader, unsigned depth)
{
    Span ignored;
    skip_space(reader);
    uint8_t first = peek(reader);
    if (first == '"')
        return read_string(reader, &ignored);
    if (take(reader, '{'))
        return skip_members(reader, depth + 1, true);
    if (take(reader, '['))
        return skip_members(reader, depth + 1, false);
    if (first == '-' || g_ascii_isdigit((char)first))
        return skip_number(reader);
    return skip_word(reader);
}

/* ---- Lines ---- */

/* The members of a line that are looked at. */
typedef struct Member {
    const char *key;
    bool is_text, is_required;
    Span value; /* as written, without quotes; data NULL: not there */
    size_t at;  /* where it stands */
} Member;

static Member *find_member(Member *members, size_t count, Span key)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equals(key, span_of_text(members[i].key)))
            return &members[i];
    }
    return NULL;
}

static bool read_member(NdjsonReader *reader, Member *member)
{
    if (member->value.data != NULL)
        return fail(reader, "this key has been before");
    member->at = reader->at;
    if (member->is_text)
        return read_string(reader, &member->value);
    bool is_zero = peek(reader) == '0';
    size_t digits = skip_digits(reader);
    if (digits == 0 || digits > JSON_DIGITS_MAXIMUM)
        return fail(reader, "a number of at most 19 digits belongs here");
    if (is_zero && digits > 1)
        return fail_at(reader, member->at, "a number has no zeros before it");
    member->value = span_of(reader->line.data + member->at, digits);
    return true;
}

static bool read_key_and_value(NdjsonReader *reader, Member *members, size_t count)
{
    Span key;
    skip_space(reader);
    if (!read_string(reader, &key))
        return false;
    skip_space(reader);
    if (!take(reader, ':'))
        return fail(reader, "a colon belongs after a key");
    skip_space(reader);
    Member *member = find_member(members, count, key);
    return member != NULL ? read_member(reader, member) : skip_value(reader, 1);
}

static bool require_members(NdjsonReader *reader, const Member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i].is_required && members[i].value.data == NULL) {
            g_autofree char *text = g_strdup_printf("the key `%s` is missing", members[i].key);
            return fail_at(reader, 0, text);
        }
    }
    return true;
}

/* Reads a line that is one object, and nothing after it. */
static bool read_object(NdjsonReader *reader, Member *members, size_t count)
{
    skip_space(reader);
    if (!take(reader, '{'))
        return fail(reader, "a line of a trace is a JSON object: { belongs here");
    skip_space(reader);
    if (!take(reader, '}')) {
        do {
            if (!read_key_and_value(reader, members, count))
                return false;
            skip_space(reader);
        } while (take(reader, ','));
        if (!take(reader, '}'))
            return fail(reader, "a comma or } belongs here");
    }
    skip_space(reader);
    if (reader->at < reader->line.length)
        return fail(reader, "the line goes on after its object");
    return require_members(reader, members, count);
}

/* The number that at most 19 digits write; 0 where there are none. */
static uint64_t number_of(const Member *member)
{
    uint64_t number = 0;
    for (size_t i = 0; i < member->value.length; i++)
        number = number * 10 + (uint64_t)(member->value.data[i] - '0');
    return number;
}

static bool read_header(NdjsonReader *reader)
{
    Member version = {.key = "mailsim_trace", .is_required = true};
    if (!read_object(reader, &version, 1))
        return false;
    if (number_of(&version) != NDJSON_VERSION)
        return fail_at(reader, version.at, "only version 1 of the trace can be read");
    return true;
}

static bool check_order(NdjsonReader *reader, const NdjsonRecord *record, const Member *members)
{
    if (record->seq <= reader->last_seq)
        return fail_at(reader, members[0].at, "`seq` is to be more than in the line before");
    if (record->time < reader->last_time)
        return fail_at(reader, members[1].at, "`t` is to be no less than in the line before");
    if (record->cause >= record->seq)
        return fail_at(reader, members[4].at, "`cause` is to be an earlier record");
    if (record->because >= record->seq)
        return fail_at(reader, members[5].at, "`because` is to be an earlier record");
    return true;
}

static bool read_record(NdjsonReader *reader, NdjsonRecord *record)
{
    Member members[] = {
        {.key = "seq", .is_required = true},
        {.key = "t", .is_required = true},
        {.key = "kind", .is_text = true, .is_required = true},
        {.key = "host", .is_text = true, .is_required = true},
        {.key = "cause", .is_required = true},
        {.key = "because"},
    };
    if (!read_object(reader, members, G_N_ELEMENTS(members)))
        return false;
    if (number_of(&members[1]) > INT64_MAX)
        return fail_at(reader, members[1].at, "this is more nanoseconds than can be counted");
    *record = (NdjsonRecord){.seq = number_of(&members[0]),
                             .time = (SimTime)number_of(&members[1]),
                             .kind = members[2].value,
                             .cause = number_of(&members[4]),
                             .cause_text = members[4].value,
                             .because = number_of(&members[5])};
    if (!check_order(reader, record, members))
        return false;
    reader->last_seq = record->seq;
    reader->last_time = record->time;
    return true;
}

static bool begin_line(NdjsonReader *reader, Span line)
{
    const char *end = NULL;
    reader->line = line;
    reader->at = 0;
    reader->number++;
    if (line.length > NDJSON_LINE_MAXIMUM)
        return fail(reader, "the line is longer than 8 MiB");
    if (!g_utf8_validate_len((const char *)line.data, line.length, &end))
        return fail_at(reader, (size_t)(end - (const char *)line.data),
                       "this is not UTF-8, or it is an octet 0");
    return true;
}

bool ndjson_reader_line(NdjsonReader *reader, Span line, NdjsonRecord *record)
{
    *record = (NdjsonRecord){0};
    if (!begin_line(reader, line))
        return false;
    return reader->number == 1 ? read_header(reader) : read_record(reader, record);
}

bool ndjson_reader_object(NdjsonReader *reader, Span line)
{
    return begin_line(reader, line) && read_object(reader, NULL, 0);
}

/* ---- Life ---- */

NdjsonReader *ndjson_reader_new(void)
{
    return g_new0(NdjsonReader, 1);
}

void ndjson_reader_free(NdjsonReader *reader)
{
    g_free(reader->defect);
    g_free(reader->error);
    g_free(reader);
}

const char *ndjson_reader_error(const NdjsonReader *reader)
{
    return reader->error;
}

const char *ndjson_reader_defect(const NdjsonReader *reader, size_t *column)
{
    *column = reader->column;
    return reader->defect;
}
