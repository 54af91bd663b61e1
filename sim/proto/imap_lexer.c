/* The words of an IMAP line, RFC 9051 §9 (formal syntax). See imap_lexer.h.
 *
 * Left out: literal8 ("~{n}"), which only BINARY brings. */
#include "proto/imap_lexer.h"

#include "core/check.h"

#include <string.h>

bool imap_want(ImapWrong *wrong, bool right, const char *argument, const char *rule)
{
    if (!right && wrong->argument == NULL)
        *wrong = (ImapWrong){argument, rule};
    return right;
}

bool imap_lexer_at_end(const ImapLexer *lexer)
{
    return lexer->at == lexer->end;
}

uint8_t imap_lexer_peek(const ImapLexer *lexer)
{
    return lexer->at < lexer->end ? *lexer->at : 0;
}

bool imap_lexer_char(ImapLexer *lexer, char octet)
{
    if (lexer->at == lexer->end || *lexer->at != (uint8_t)octet)
        return false;
    lexer->at++;
    return true;
}

bool imap_lexer_space(ImapLexer *lexer)
{
    return imap_lexer_char(lexer, ' ');
}

/* RFC 9051 §9 ATOM-CHAR: no CTL, no atom-specials; 7 bits. */
static bool is_atom_char(uint8_t octet)
{
    return octet > ' ' && octet < 0x7f && strchr("(){%*\"\\]", octet) == NULL;
}

/* ASTRING-CHAR: an atom with "]" too. */
static bool is_astring_char(uint8_t octet)
{
    return is_atom_char(octet) || octet == ']';
}

static bool is_tag_char(uint8_t octet)
{
    return is_astring_char(octet) && octet != '+';
}

/* list-char: a mailbox name or pattern unquoted. */
static bool is_pattern_char(uint8_t octet)
{
    return is_astring_char(octet) || octet == '%' || octet == '*';
}

/* One or more octets of a class. */
static bool lex_run(ImapLexer *lexer, bool (*belongs)(uint8_t), Span *run)
{
    uint8_t *start = lexer->at;
    while (lexer->at < lexer->end && belongs(*lexer->at))
        lexer->at++;
    *run = span_of(start, (size_t)(lexer->at - start));
    return run->length > 0;
}

bool imap_lexer_keyword(ImapLexer *lexer, const char *keyword)
{
    ImapLexer ahead = *lexer;
    Span atom;
    if (!lex_run(&ahead, is_atom_char, &atom) || !span_equals_text_nocase(atom, keyword))
        return false;
    *lexer = ahead;
    return true;
}

bool imap_lexer_tag(ImapLexer *lexer, Span *tag)
{
    return lex_run(lexer, is_tag_char, tag);
}

bool imap_lexer_atom(ImapLexer *lexer, Span *atom)
{
    return lex_run(lexer, is_atom_char, atom);
}

/* RFC 9051 §9 quoted: only the quote and the backslash are escaped; no CR, LF or NUL inside. */
static bool lex_quoted(ImapLexer *lexer, Span *string)
{
    if (!imap_lexer_char(lexer, '"'))
        return false;
    uint8_t *start = lexer->at, *write = start;
    while (lexer->at < lexer->end && *lexer->at != '"') {
        if (*lexer->at == '\\') {
            lexer->at++;
            if (lexer->at == lexer->end || (*lexer->at != '"' && *lexer->at != '\\'))
                return false;
        }
        if (*lexer->at == '\r' || *lexer->at == '\n' || *lexer->at == 0)
            return false;
        *write++ = *lexer->at++;
    }
    *string = span_of(start, (size_t)(write - start));
    return imap_lexer_char(lexer, '"');
}

bool imap_lexer_literal(ImapLexer *lexer, Span *content)
{
    uint64_t size = 0;
    if (!imap_lexer_char(lexer, '{') || !imap_lexer_number(lexer, SIZE_MAX, &size))
        return false;
    imap_lexer_char(lexer, '+');
    if (!imap_lexer_char(lexer, '}') || !imap_lexer_char(lexer, '\r') ||
        !imap_lexer_char(lexer, '\n'))
        return false;
    if (size > (size_t)(lexer->end - lexer->at))
        return false;
    *content = span_of(lexer->at, size);
    lexer->at += size;
    return true;
}

bool imap_lexer_string(ImapLexer *lexer, Span *string)
{
    return imap_lexer_peek(lexer) == '{' ? imap_lexer_literal(lexer, string)
                                         : lex_quoted(lexer, string);
}

/* A string, or a run of octets of a class. */
static bool lex_string_or_run(ImapLexer *lexer, bool (*belongs)(uint8_t), Span *string)
{
    uint8_t next = imap_lexer_peek(lexer);
    return next == '"' || next == '{' ? imap_lexer_string(lexer, string)
                                      : lex_run(lexer, belongs, string);
}

bool imap_lexer_astring(ImapLexer *lexer, Span *string)
{
    return lex_string_or_run(lexer, is_astring_char, string);
}

bool imap_lexer_pattern(ImapLexer *lexer, Span *pattern)
{
    return lex_string_or_run(lexer, is_pattern_char, pattern);
}

bool imap_lexer_nstring(ImapLexer *lexer, Span *string)
{
    *string = (Span){0};
    return imap_lexer_keyword(lexer, "NIL") || imap_lexer_string(lexer, string);
}

bool imap_lexer_mailbox(ImapLexer *lexer, Span *mailbox)
{
    if (!imap_lexer_astring(lexer, mailbox))
        return false;
    if (span_equals_text_nocase(*mailbox, "INBOX"))
        *mailbox = span_of_text("INBOX");
    return true;
}

bool imap_lexer_number(ImapLexer *lexer, uint64_t maximum, uint64_t *number)
{
    uint8_t *start = lexer->at;
    uint64_t value = 0;
    while (lexer->at < lexer->end && g_ascii_isdigit(*lexer->at)) {
        unsigned digit = *lexer->at - '0';
        if (value > (maximum - digit) / 10)
            return false;
        value = value * 10 + digit;
        lexer->at++;
    }
    *number = value;
    return lexer->at > start;
}

bool imap_lexer_number32(ImapLexer *lexer, uint32_t *number)
{
    uint64_t value = 0;
    if (!imap_lexer_number(lexer, UINT32_MAX, &value))
        return false;
    *number = (uint32_t)value;
    return true;
}

/* One flag: "\Seen", "\*" of PERMANENTFLAGS, or a keyword. */
static bool lex_flag(ImapLexer *lexer, ImapFlags *flags)
{
    uint8_t *start = lexer->at;
    Span name;
    bool system = imap_lexer_char(lexer, '\\');
    if (system && imap_lexer_char(lexer, '*'))
        return true;
    if (!imap_lexer_atom(lexer, &name))
        return false;
    *flags |= imap_flag_named(span_of(start, (size_t)(lexer->at - start)));
    return true;
}

bool imap_lexer_flags(ImapLexer *lexer, ImapFlags *flags)
{
    *flags = 0;
    do {
        if (!lex_flag(lexer, flags))
            return false;
    } while (imap_lexer_space(lexer));
    return true;
}

bool imap_lexer_flag_list(ImapLexer *lexer, ImapFlags *flags)
{
    *flags = 0;
    if (!imap_lexer_char(lexer, '('))
        return false;
    if (imap_lexer_char(lexer, ')'))
        return true;
    return imap_lexer_flags(lexer, flags) && imap_lexer_char(lexer, ')');
}

/* Not a list: "\Flag", a string, or an atom with brackets in it, such as BODY[TEXT]. */
static bool skip_word(ImapLexer *lexer)
{
    Span word;
    imap_lexer_char(lexer, '\\');
    return lex_string_or_run(lexer, is_pattern_char, &word);
}

bool imap_lexer_skip_value(ImapLexer *lexer)
{
    unsigned depth = 0;
    do {
        if (imap_lexer_char(lexer, '(')) {
            if (++depth > IMAP_LEXER_DEPTH_MAXIMUM)
                return false;
        } else if (depth > 0 && imap_lexer_char(lexer, ')')) {
            depth--;
        } else if (!skip_word(lexer)) {
            return false;
        }
        /* BODYSTRUCTURE puts no space between the parts of a multipart, ")(" (RFC 9051 §9
         * body-type-mpart), so inside a list the space is optional here. */
        if (depth > 0)
            imap_lexer_space(lexer);
    } while (depth > 0);
    return true;
}

static bool lex_set_number(ImapLexer *lexer, uint32_t *number)
{
    *number = 0;
    if (imap_lexer_char(lexer, '*'))
        return true;
    return imap_lexer_number32(lexer, number) && *number != 0;
}

bool imap_lexer_set(ImapLexer *lexer, ImapSet *set)
{
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(ImapRange));
    bool good = true;
    do {
        ImapRange range = {0};
        good = ranges->len < IMAP_SET_RANGES_MAXIMUM && lex_set_number(lexer, &range.first);
        range.last = range.first;
        if (good && imap_lexer_char(lexer, ':'))
            good = lex_set_number(lexer, &range.last);
        if (good)
            g_array_append_val(ranges, range);
    } while (good && imap_lexer_char(lexer, ','));
    imap_set_clear(set);
    set->count = ranges->len;
    set->ranges = (ImapRange *)(void *)g_array_free(ranges, FALSE);
    return good;
}

void imap_set_clear(ImapSet *set)
{
    g_free(set->ranges);
    *set = (ImapSet){0};
}

static int compare_ranges(const void *left, const void *right)
{
    const ImapRange *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->last > b->last) - (a->last < b->last);
}

/* RFC 9051 §9 seq-range: "*" is the largest number in use, and the two ends may stand in any
 * order. False: the range names no number. */
static bool range_resolve(ImapRange *range, uint32_t largest)
{
    uint32_t first = range->first ? range->first : largest;
    uint32_t last = range->last ? range->last : largest;
    if (first == 0 || last == 0)
        return false;
    *range = (ImapRange){MIN(first, last), MAX(first, last)};
    return true;
}

void imap_set_resolve(ImapSet *set, uint32_t largest)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (range_resolve(&set->ranges[i], largest))
            set->ranges[kept++] = set->ranges[i];
    }
    set->count = kept;
    if (kept == 0)
        return;
    qsort(set->ranges, kept, sizeof(ImapRange), compare_ranges);
    size_t joined = 0;
    for (size_t i = 1; i < kept; i++) {
        if (set->ranges[i].first <= set->ranges[joined].last)
            set->ranges[joined].last = MAX(set->ranges[joined].last, set->ranges[i].last);
        else
            set->ranges[++joined] = set->ranges[i];
    }
    set->count = joined + 1;
}

bool imap_set_contains(const ImapSet *set, uint32_t number)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ranges[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count && set->ranges[low].first <= number;
}

uint32_t imap_set_largest(const ImapSet *set)
{
    return set->count == 0 ? 0 : set->ranges[set->count - 1].last;
}

void imap_set_append_text(GString *text, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t last = i;
        while (last + 1 < count && numbers[last] != UINT32_MAX &&
               numbers[last + 1] == numbers[last] + 1)
            last++;
        g_string_append_printf(text, "%s%u", i == 0 ? "" : ",", numbers[i]);
        if (last > i)
            g_string_append_printf(text, ":%u", numbers[last]);
        i = last + 1;
    }
}
