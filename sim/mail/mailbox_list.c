/* Address lists of header fields. See mailbox_list.h. */
#include "mail/mailbox_list.h"

#include "mail/structured_field.h"

/* The item that is being read. What stands before an `@` or `<` may be a phrase or a local-part:
 * that shows only later, so it is kept as both. */
typedef struct ItemReader {
    GArray *items;
    GString *phrase; /* words with a space between */
    GString *local_part;
    GString *domain;
    bool has_words;
    bool is_in_angle;
    bool has_angle;
    bool is_behind_at;
    bool is_in_group;
} ItemReader;

static void item_clear(void *item)
{
    MailboxItem *its = item;
    g_free(its->name);
    g_free(its->local_part);
    g_free(its->domain);
}

static void reader_start_item(ItemReader *reader)
{
    g_string_truncate(reader->phrase, 0);
    g_string_truncate(reader->local_part, 0);
    g_string_truncate(reader->domain, 0);
    reader->has_words = reader->has_angle = reader->is_in_angle = reader->is_behind_at = false;
}

static void add_item(ItemReader *reader, const MailboxItem *item)
{
    g_array_append_vals(reader->items, item, 1);
}

static bool is_full(const ItemReader *reader)
{
    /* A group that is open needs its end. */
    return reader->items->len + 1 >= MAILBOX_LIST_MAX;
}

static void end_mailbox(ItemReader *reader)
{
    if ((reader->has_words || reader->has_angle || reader->is_behind_at) && !is_full(reader)) {
        const MailboxItem item = {
            .kind = MAILBOX_ITEM,
            .name = reader->has_angle && reader->has_words ? g_strdup(reader->phrase->str) : NULL,
            .local_part = g_strdup(reader->local_part->str),
            .domain = g_strdup(reader->domain->str),
        };
        add_item(reader, &item);
    }
    reader_start_item(reader);
}

static void end_group(ItemReader *reader)
{
    if (reader->is_in_group)
        add_item(reader, &(MailboxItem){.kind = MAILBOX_ITEM_GROUP_END});
    reader->is_in_group = false;
}

/* The phrase is its name. There are no groups in groups. */
static void begin_group(ItemReader *reader)
{
    end_group(reader);
    if (!is_full(reader)) {
        const MailboxItem item = {.kind = MAILBOX_ITEM_GROUP,
                                  .name = g_strdup(reader->phrase->str)};
        add_item(reader, &item);
        reader->is_in_group = true;
    }
    reader_start_item(reader);
}

/* A literal is part of a domain, or somebody's ornament in a name. */
static void append_token(const FieldToken *token, GString *text)
{
    bool is_literal = token->kind == FIELD_TOKEN_LITERAL;
    if (is_literal)
        g_string_append_c(text, '[');
    field_token_append(token, text);
    if (is_literal)
        g_string_append_c(text, ']');
}

/* White space within a domain stands only at its dots (RFC 5322 §4.4). */
static bool continues_domain(const ItemReader *reader, const FieldToken *token)
{
    const GString *domain = reader->domain;
    return domain->len == 0 || domain->str[domain->len - 1] == '.' || token->text.data[0] == '.';
}

static void take_word(ItemReader *reader, const FieldToken *token)
{
    if (reader->has_angle && !reader->is_in_angle)
        return; /* words behind the address say nothing */
    if (reader->is_behind_at && token->text.length > 0 && continues_domain(reader, token)) {
        append_token(token, reader->domain);
        return;
    }
    if (reader->is_behind_at && reader->is_in_angle)
        return;
    if (reader->is_behind_at) /* a comma has been left out */
        end_mailbox(reader);
    append_token(token, reader->local_part);
    if (reader->has_angle)
        return;
    if (reader->has_words)
        g_string_append_c(reader->phrase, ' ');
    append_token(token, reader->phrase);
    reader->has_words = true;
}

static void take_separator(ItemReader *reader, const FieldToken *token)
{
    if (field_token_is(token, '<') && !reader->is_in_angle) {
        if (reader->has_angle) /* a comma has been left out */
            end_mailbox(reader);
        g_string_truncate(reader->local_part, 0);
        g_string_truncate(reader->domain, 0);
        reader->is_behind_at = false;
        reader->is_in_angle = reader->has_angle = true;
    } else if (field_token_is(token, '>')) {
        reader->is_in_angle = false;
    } else if (field_token_is(token, '@')) {
        reader->is_behind_at = reader->is_in_angle || !reader->has_angle;
    } else if (field_token_is(token, ':') && reader->is_in_angle) {
        g_string_truncate(reader->domain, 0); /* what was before it is a route, RFC 5322 §4.4 */
        reader->is_behind_at = false;
    } else if (field_token_is(token, ':')) {
        begin_group(reader);
    } else if (field_token_is(token, ';')) {
        end_mailbox(reader);
        end_group(reader);
    } else if (field_token_is(token, ',') &&
               !(reader->is_in_angle && reader->local_part->len == 0)) {
        end_mailbox(reader);
    }
}

GArray *mailbox_list_parse(Span value)
{
    ItemReader reader = {
        .items = g_array_new(FALSE, FALSE, sizeof(MailboxItem)),
        .phrase = g_string_new(NULL),
        .local_part = g_string_new(NULL),
        .domain = g_string_new(NULL),
    };
    g_array_set_clear_func(reader.items, item_clear);
    FieldToken token;
    while ((token = field_token_take(&value, FIELD_SEPARATORS_ADDRESS)).kind != FIELD_TOKEN_END) {
        if (token.kind == FIELD_TOKEN_SEPARATOR)
            take_separator(&reader, &token);
        else
            take_word(&reader, &token);
    }
    end_mailbox(&reader);
    end_group(&reader);
    g_string_free(reader.phrase, TRUE);
    g_string_free(reader.local_part, TRUE);
    g_string_free(reader.domain, TRUE);
    return reader.items;
}
