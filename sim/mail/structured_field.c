/* Words of structured header fields. See structured_field.h. */
#include "mail/structured_field.h"

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The length of what begins at the front of `text`, behind its opening octet, up to the octet that
 * ends it; a backslash takes the octet behind it along (RFC 5322 §3.2.1). */
static size_t enclosed_length(Span text, uint8_t end)
{
    size_t at = 0;
    while (at < text.length && text.data[at] != end)
        at += text.data[at] == '\\' && at + 1 < text.length ? 2 : 1;
    return at;
}

/* RFC 5322 §3.2.2: comments may hold comments. */
static size_t comment_length(Span text)
{
    size_t at = 0, depth = 0;
    while (at < text.length) {
        uint8_t c = text.data[at];
        at += c == '\\' && at + 1 < text.length ? 2 : 1;
        if (c == '(')
            depth++;
        if (c == ')' && --depth == 0)
            break;
    }
    return at;
}

static void skip_white_and_comments(Span *rest)
{
    while (rest->length > 0) {
        if (is_white(rest->data[0]))
            *rest = span_skip(*rest, 1);
        else if (rest->data[0] == '(')
            *rest = span_skip(*rest, comment_length(*rest));
        else
            return;
    }
}

static bool is_separator(uint8_t c, const char *separators)
{
    return c != '\0' && strchr(separators, c) != NULL;
}

static size_t word_length(Span text, const char *separators)
{
    size_t at = 0;
    while (at < text.length && !is_white(text.data[at]) && text.data[at] != '(' &&
           text.data[at] != '"' && text.data[at] != '[' && !is_separator(text.data[at], separators))
        at++;
    return at;
}

/* The token between the octet at the front of `rest` and the next `end`. */
static FieldToken take_enclosed(Span *rest, FieldTokenKind kind, uint8_t end)
{
    *rest = span_skip(*rest, 1);
    size_t length = enclosed_length(*rest, end);
    FieldToken token = {kind, span_of(rest->data, length)};
    *rest = span_skip(*rest, MIN(length + 1, rest->length));
    return token;
}

FieldToken field_token_take(Span *rest, const char *separators)
{
    skip_white_and_comments(rest);
    if (rest->length == 0)
        return (FieldToken){FIELD_TOKEN_END, {0}};
    if (rest->data[0] == '"')
        return take_enclosed(rest, FIELD_TOKEN_QUOTED, '"');
    if (rest->data[0] == '[')
        return take_enclosed(rest, FIELD_TOKEN_LITERAL, ']');
    FieldToken token = {FIELD_TOKEN_SEPARATOR, span_of(rest->data, 1)};
    if (!is_separator(rest->data[0], separators))
        token = (FieldToken){FIELD_TOKEN_WORD, span_of(rest->data, word_length(*rest, separators))};
    *rest = span_skip(*rest, token.text.length);
    return token;
}

bool field_token_is(const FieldToken *token, char separator)
{
    return token->kind == FIELD_TOKEN_SEPARATOR && token->text.data[0] == (uint8_t)separator;
}

void field_token_append(const FieldToken *token, GString *text)
{
    bool has_escapes = token->kind == FIELD_TOKEN_QUOTED || token->kind == FIELD_TOKEN_LITERAL;
    for (size_t i = 0; i < token->text.length; i++) {
        uint8_t c = token->text.data[i];
        if (has_escapes && c == '\\' && i + 1 < token->text.length)
            c = token->text.data[++i];
        if (c != '\r' && c != '\n' && c != '\0')
            g_string_append_c(text, (char)c);
    }
}
