/* Names with numbers. See yaml_ranges.h. */
#include "scenario/yaml_ranges.h"

#include <string.h>

typedef struct Expansion {
    Arena *arena;
    Diagnostics *diagnostics;
    size_t nodes, octets; /* made so far; octets of texts */
    bool has_failed;
} Expansion;

/* `1..40` in a text. */
typedef struct Range {
    const char *start; /* in the text */
    size_t length;     /* of `1..40` */
    uint32_t first, last;
} Range;

enum { RANGE_DIGITS_MAX = 6, RANGE_OCTETS_MAX = 64 << 20 };

static bool take_number(const char **text, uint32_t *number)
{
    const char *start = *text;
    *number = 0;
    while (g_ascii_isdigit(**text) && *text - start < RANGE_DIGITS_MAX)
        *number = 10 * *number + (uint32_t)(*(*text)++ - '0');
    bool has_leading_zero = start[0] == '0' && *text - start > 1;
    return *text > start && !g_ascii_isdigit(**text) && !has_leading_zero;
}

/* The first range of a text: digits, two dots, digits. */
static bool find_range(const char *text, Range *range)
{
    for (const char *dots = strstr(text, ".."); dots != NULL; dots = strstr(dots + 1, "..")) {
        const char *start = dots, *end = dots + 2;
        while (start > text && g_ascii_isdigit(start[-1]))
            start--;
        const char *from = start;
        if (!take_number(&from, &range->first) || from != dots || !take_number(&end, &range->last))
            continue;
        range->start = start;
        range->length = (size_t)(end - start);
        return true;
    }
    return false;
}

/* The place of the range's very letters in `text`, or NULL; not within a longer number. */
static const char *find_words(const char *text, const char *words)
{
    size_t length = strlen(words);
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words)) {
        bool is_within = (at > text && g_ascii_isdigit(at[-1])) || g_ascii_isdigit(at[length]);
        if (!is_within)
            return at;
    }
    return NULL;
}

/* The text with the number wherever it has these words. To free. */
static char *put_number(const char *text, const char *words, uint32_t number)
{
    GString *result = g_string_new(NULL);
    for (const char *at; (at = find_words(text, words)) != NULL; text = at + strlen(words)) {
        g_string_append_len(result, text, at - text);
        g_string_append_printf(result, "%" G_GUINT32_FORMAT, number);
    }
    return g_string_free(g_string_append(result, text), FALSE);
}

static void complain(Expansion *expansion, const YamlNode *node, const char *text)
{
    if (!expansion->has_failed)
        diagnostics_add(expansion->diagnostics, SEVERITY_ERROR, node->at, node->length, "%s", text);
    expansion->has_failed = true;
}

static YamlNode *copy(Expansion *expansion, const YamlNode *node, const char *words,
                      uint32_t number)
{
    YamlNode *new = arena_allocate(expansion->arena, 1, sizeof *new);
    *new = *node;
    new->next = NULL;
    expansion->octets += node->text != NULL ? strlen(node->text) : 0;
    if (++expansion->nodes > YAML_NODES_MAXIMUM || expansion->octets > RANGE_OCTETS_MAX) {
        complain(expansion, node, "the names with numbers, such as `pc1..40`, come to too many");
        new->first = NULL;
        new->count = 0;
        return new;
    }
    if (node->text != NULL && find_words(node->text, words) != NULL) {
        g_autofree char *text = put_number(node->text, words, number);
        new->text = arena_text(expansion->arena, span_of_text(text));
    }
    if (node->key != NULL)
        new->key = copy(expansion, node->key, words, number);
    YamlNode **end = &new->first;
    for (const YamlNode *child = node->first; child != NULL && !expansion->has_failed;
         child = child->next) {
        *end = copy(expansion, child, words, number);
        end = &(*end)->next;
    }
    return new;
}

/* The text that makes of a child of a map or list several, or NULL. */
static const char *range_text(const YamlNode *child)
{
    if (child->key != NULL)
        return child->key->text;
    return child->kind == YAML_SCALAR && child->is_plain ? child->text : NULL;
}

/* Puts the children that the one at `place` stands for in its place. */
static void expand_child(Expansion *expansion, YamlNode *parent, YamlNode **place,
                         const Range *range)
{
    const YamlNode *child = *place;
    g_autofree char *words = g_strndup(range->start, range->length);
    if (range->first > range->last) {
        complain(expansion, child->key != NULL ? child->key : child,
                 "numbers go from the smaller to the greater, as in `pc1..40`");
        return;
    }
    for (uint32_t number = range->first; number <= range->last && !expansion->has_failed;
         number++) {
        *place = copy(expansion, child, words, number);
        place = &(*place)->next;
    }
    *place = child->next;
    parent->count += range->last - range->first;
}

static void expand(Expansion *expansion, YamlNode *node)
{
    bool has_ranges = false;
    for (YamlNode **place = &node->first; *place != NULL; place = &(*place)->next) {
        const char *text = NULL;
        Range range;
        while (!expansion->has_failed && (text = range_text(*place)) != NULL &&
               find_range(text, &range)) {
            has_ranges = true;
            expand_child(expansion, node, place, &range);
        }
        expand(expansion, *place);
    }
    if (has_ranges && node->kind == YAML_MAP && !expansion->has_failed)
        yaml_check_keys_differ(node, expansion->diagnostics); /* one in a range and by itself */
}

bool yaml_expand_ranges(YamlNode *root, Arena *arena, Diagnostics *diagnostics)
{
    Expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    expand(&expansion, root);
    return !expansion.has_failed;
}
