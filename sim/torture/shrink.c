/* Shrinking by taking blocks of lines away. See shrink.h. */
#include "torture/shrink.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>

typedef struct Shrink {
    GPtrArray *lines; /* char *, of the smallest text that fails */
    ShrinkTest test;
    void *owner;
    unsigned tests_left;
} Shrink;

static GPtrArray *lines_of(const char *text)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(text, "\n", -1);
    for (char **part = parts; *part != NULL; part++) {
        if (part[1] != NULL || **part != '\0') /* nothing is behind the last line end */
            g_ptr_array_add(lines, g_strdup(*part));
    }
    return lines;
}

/* The text without the lines [from, to). */
static char *text_without(const GPtrArray *lines, guint from, guint to)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < lines->len; i++) {
        if (i < from || i >= to)
            g_string_append_printf(text, "%s\n", (const char *)lines->pdata[i]);
    }
    return g_string_free(text, FALSE);
}

static bool fails(Shrink *shrink, const char *text)
{
    if (shrink->tests_left == 0)
        return false;
    shrink->tests_left--;
    return shrink->test(shrink->owner, text);
}

/* ---- Blocks ---- */

/* An empty line belongs to the text that it stands in. */
static guint indent_of(const char *line)
{
    return *line == '\0' ? G_MAXUINT : (guint)strspn(line, " ");
}

/* Behind the last line of the block that begins at `line`. */
static guint block_end(const GPtrArray *lines, guint line)
{
    guint indent = indent_of(lines->pdata[line]), end = line + 1;
    while (end < lines->len && indent_of(lines->pdata[end]) > indent)
        end++;
    return end;
}

/* The next line from `line` on that begins a block of this indentation; the count: none. */
static guint next_block(const GPtrArray *lines, guint line, guint indent)
{
    while (line < lines->len && indent_of(lines->pdata[line]) != indent)
        line++;
    return line;
}

/* Behind `count` neighbouring blocks of one parent that begin at `line`, or fewer. */
static guint blocks_end(const GPtrArray *lines, guint line, guint indent, guint count)
{
    guint end = line;
    for (guint i = 0; i < count && end < lines->len && indent_of(lines->pdata[end]) == indent; i++)
        end = block_end(lines, end);
    return end;
}

static bool take_away(Shrink *shrink, guint from, guint to)
{
    g_autofree char *text = text_without(shrink->lines, from, to);
    if (!fails(shrink, text))
        return false;
    g_ptr_array_remove_range(shrink->lines, from, to - from);
    return true;
}

/* Tries to take away so many blocks of this indentation at a time, all over the text. */
static bool take_blocks(Shrink *shrink, guint indent, guint count)
{
    bool is_smaller = false;
    guint line = next_block(shrink->lines, 0, indent);
    while (line < shrink->lines->len) {
        guint end = blocks_end(shrink->lines, line, indent, count);
        if (take_away(shrink, line, end))
            is_smaller = true;
        else
            line = end;
        line = next_block(shrink->lines, line, indent);
    }
    return is_smaller;
}

/* The next larger indentation that there is; G_MAXUINT: there is none. */
static guint next_indent(const GPtrArray *lines, guint indent)
{
    guint next = G_MAXUINT;
    for (guint i = 0; i < lines->len; i++) {
        guint here = indent_of(lines->pdata[i]);
        if (here > indent)
            next = MIN(next, here);
    }
    return next;
}

static bool take_all_blocks(Shrink *shrink)
{
    enum { BLOCKS_FIRST = 32 };
    bool is_smaller = false;
    for (guint indent = 0; indent != G_MAXUINT; indent = next_indent(shrink->lines, indent)) {
        for (guint count = BLOCKS_FIRST; count > 0; count /= 2)
            is_smaller = take_blocks(shrink, indent, count) || is_smaller;
    }
    return is_smaller;
}

/* ---- Within a line ---- */

/* Puts the line in the place of another, if that still fails. Takes `changed` over. */
static bool replace_line(Shrink *shrink, guint line, char *changed)
{
    char *before = shrink->lines->pdata[line];
    shrink->lines->pdata[line] = changed;
    g_autofree char *text = text_without(shrink->lines, 0, 0);
    bool is_good = fails(shrink, text);
    if (!is_good)
        shrink->lines->pdata[line] = before;
    g_free(is_good ? before : changed);
    return is_good;
}

/* The line without the element of its list that begins at `at`, with one comma; to free. */
static char *without_element(const char *line, const char *at)
{
    size_t length = strcspn(at, ",]");
    if (at[length] == ',')
        length += at[length + 1] == ' ' ? 2 : 1;
    else if (at[-1] == ' ' && at[-2] == ',') /* the last one */
        return g_strdup_printf("%.*s%s", (int)(at - 2 - line), line, at + length);
    return g_strdup_printf("%.*s%s", (int)(at - line), line, at + length);
}

/* `[a, b, c]`: takes elements away. */
static bool shorten_list(Shrink *shrink, guint line)
{
    bool is_smaller = false;
    const char *text = shrink->lines->pdata[line];
    const char *open = strchr(text, '[');
    ptrdiff_t at = open != NULL ? open + 1 - text : 0;
    while (at != 0 && text[at] != '\0' && text[at] != ']') {
        if (replace_line(shrink, line, without_element(text, text + at))) {
            is_smaller = true;
            text = shrink->lines->pdata[line];
            continue;
        }
        at += (ptrdiff_t)strcspn(text + at, ",]");
        if (text[at] == ',')
            at += text[at + 1] == ' ' ? 2 : 1;
    }
    return is_smaller;
}

/* `count: 12`: makes the number 1, or half of what it is. */
static bool lower_number(Shrink *shrink, guint line)
{
    const char *text = shrink->lines->pdata[line];
    const char *colon = strstr(text, ": ");
    guint64 number = 0;
    if (colon == NULL || !g_ascii_string_to_unsigned(colon + 2, 10, 2, G_MAXINT64, &number, NULL))
        return false;
    const guint64 smaller[] = {1, number / 2};
    for (size_t i = 0; i < G_N_ELEMENTS(smaller); i++) {
        if (replace_line(
                shrink, line,
                g_strdup_printf("%.*s: %" G_GUINT64_FORMAT, (int)(colon - text), text, smaller[i])))
            return true;
    }
    return false;
}

/* `key:` with lines below it: tries the empty map in their place, which may not be left out. */
static bool empty_map(Shrink *shrink, guint line)
{
    guint end = block_end(shrink->lines, line);
    if (end == line + 1 || !g_str_has_suffix(shrink->lines->pdata[line], ":"))
        return false;
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < shrink->lines->len; i++) {
        if (i <= line || i >= end)
            g_string_append_printf(text, "%s%s\n", (const char *)shrink->lines->pdata[i],
                                   i == line ? " {}" : "");
    }
    if (!fails(shrink, text->str))
        return false;
    char *before = shrink->lines->pdata[line];
    shrink->lines->pdata[line] = g_strconcat(before, " {}", NULL);
    g_free(before);
    g_ptr_array_remove_range(shrink->lines, line + 1, end - line - 1);
    return true;
}

static bool shorten_lines(Shrink *shrink)
{
    bool is_smaller = false;
    for (guint line = 0; line < shrink->lines->len; line++) {
        is_smaller = empty_map(shrink, line) || is_smaller;
        is_smaller = shorten_list(shrink, line) || is_smaller;
        is_smaller = lower_number(shrink, line) || is_smaller;
    }
    return is_smaller;
}

/* ---- All of it ---- */

/* Remarks go at once, if they are such: a block of text may have lines that look so. */
static void drop_remarks(Shrink *shrink)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < shrink->lines->len; i++) {
        const char *line = shrink->lines->pdata[i];
        if (line[strspn(line, " ")] != '#')
            g_string_append_printf(text, "%s\n", line);
    }
    if (!fails(shrink, text->str))
        return;
    g_ptr_array_unref(shrink->lines);
    shrink->lines = lines_of(text->str);
}

char *shrink_text(const char *text, ShrinkTest test, void *owner, unsigned most_tests)
{
    Shrink shrink = {lines_of(text), test, owner, most_tests};
    drop_remarks(&shrink);
    bool is_smaller = true;
    while (is_smaller && shrink.tests_left > 0) {
        is_smaller = take_all_blocks(&shrink);
        is_smaller = shorten_lines(&shrink) || is_smaller;
    }
    char *result = text_without(shrink.lines, 0, 0);
    g_ptr_array_unref(shrink.lines);
    return result;
}
