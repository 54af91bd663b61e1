/* SEARCH programs, RFC 9051 §6.4.4, §9 search-key. See imap_search.h. */
#include "proto/imap_search.h"

#include "core/check.h"
#include "mail/date.h"
#include "mail/message.h"
#include "mail/message_search.h"
#include "mail/structured_field.h"

#include <string.h>

typedef enum KeyKind {
    KEY_ALL,
    KEY_NONE,
    KEY_FLAG,     /* flag is set */
    KEY_NOT_FLAG, /* flag is not set */
    KEY_HEADER,   /* field `name` holds `text` */
    KEY_BODY,
    KEY_TEXT,
    KEY_LARGER,
    KEY_SMALLER,
    KEY_BEFORE,
    KEY_ON,
    KEY_SINCE,
    KEY_SENT_BEFORE,
    KEY_SENT_ON,
    KEY_SENT_SINCE,
    KEY_UID,
    KEY_NUMBER,
    KEY_AND, /* all children */
    KEY_OR,
    KEY_NOT,
} KeyKind;

struct ImapSearchKey {
    KeyKind kind;
    ImapFlags flag;
    char *name;
    char *text; /* folded: message_search_key */
    uint64_t number;
    ImapSet set;
    guint child, next; /* indices of the first child and the next sibling; 0: none */
};

static ImapSearchKey *key_at(const ImapSearch *search, guint index)
{
    return &g_array_index(search->keys, ImapSearchKey, index);
}

static void key_clear(void *data)
{
    ImapSearchKey *key = data;
    g_free(key->name);
    g_free(key->text);
    imap_set_clear(&key->set);
}

void imap_search_clear(ImapSearch *search)
{
    if (search->keys != NULL)
        g_array_unref(search->keys);
    *search = (ImapSearch){0};
}

/* How a key's arguments read. */
typedef enum KeyForm {
    FORM_ALONE,
    FORM_FIELD,  /* astring, looked for in the field `field` */
    FORM_STRING, /* astring */
    FORM_HEADER, /* field name, astring */
    FORM_NUMBER,
    FORM_DATE,
    FORM_KEYWORD, /* atom */
} KeyForm;

/* The keys that are words; rev1's NEW, OLD and RECENT (RFC 3501 §6.4.4) see no message as recent.
 */
static const struct KeyName {
    const char *name;
    KeyForm form;
    KeyKind kind;
    ImapFlags flag;
    const char *field;
} key_names[] = {
    {"ALL", FORM_ALONE, KEY_ALL, 0, NULL},
    {"ANSWERED", FORM_ALONE, KEY_FLAG, IMAP_FLAG_ANSWERED, NULL},
    {"DELETED", FORM_ALONE, KEY_FLAG, IMAP_FLAG_DELETED, NULL},
    {"DRAFT", FORM_ALONE, KEY_FLAG, IMAP_FLAG_DRAFT, NULL},
    {"FLAGGED", FORM_ALONE, KEY_FLAG, IMAP_FLAG_FLAGGED, NULL},
    {"SEEN", FORM_ALONE, KEY_FLAG, IMAP_FLAG_SEEN, NULL},
    {"UNANSWERED", FORM_ALONE, KEY_NOT_FLAG, IMAP_FLAG_ANSWERED, NULL},
    {"UNDELETED", FORM_ALONE, KEY_NOT_FLAG, IMAP_FLAG_DELETED, NULL},
    {"UNDRAFT", FORM_ALONE, KEY_NOT_FLAG, IMAP_FLAG_DRAFT, NULL},
    {"UNFLAGGED", FORM_ALONE, KEY_NOT_FLAG, IMAP_FLAG_FLAGGED, NULL},
    {"UNSEEN", FORM_ALONE, KEY_NOT_FLAG, IMAP_FLAG_SEEN, NULL},
    {"NEW", FORM_ALONE, KEY_NONE, 0, NULL},
    {"OLD", FORM_ALONE, KEY_ALL, 0, NULL},
    {"RECENT", FORM_ALONE, KEY_NONE, 0, NULL},
    {"KEYWORD", FORM_KEYWORD, KEY_NONE, 0, NULL},
    {"UNKEYWORD", FORM_KEYWORD, KEY_ALL, 0, NULL},
    {"BCC", FORM_FIELD, KEY_HEADER, 0, "Bcc"},
    {"CC", FORM_FIELD, KEY_HEADER, 0, "Cc"},
    {"FROM", FORM_FIELD, KEY_HEADER, 0, "From"},
    {"SUBJECT", FORM_FIELD, KEY_HEADER, 0, "Subject"},
    {"TO", FORM_FIELD, KEY_HEADER, 0, "To"},
    {"HEADER", FORM_HEADER, KEY_HEADER, 0, NULL},
    {"BODY", FORM_STRING, KEY_BODY, 0, NULL},
    {"TEXT", FORM_STRING, KEY_TEXT, 0, NULL},
    {"LARGER", FORM_NUMBER, KEY_LARGER, 0, NULL},
    {"SMALLER", FORM_NUMBER, KEY_SMALLER, 0, NULL},
    {"BEFORE", FORM_DATE, KEY_BEFORE, 0, NULL},
    {"ON", FORM_DATE, KEY_ON, 0, NULL},
    {"SINCE", FORM_DATE, KEY_SINCE, 0, NULL},
    {"SENTBEFORE", FORM_DATE, KEY_SENT_BEFORE, 0, NULL},
    {"SENTON", FORM_DATE, KEY_SENT_ON, 0, NULL},
    {"SENTSINCE", FORM_DATE, KEY_SENT_SINCE, 0, NULL},
};

static const char *const form_rules[] = {
    [FORM_ALONE] = "takes nothing",
    [FORM_FIELD] = "needs a text in UTF-8, such as lunch or \"two words\"",
    [FORM_STRING] = "needs a text in UTF-8, such as lunch or \"two words\"",
    [FORM_HEADER] = "needs a field name and a text in UTF-8, such as List-Id \"\"",
    [FORM_NUMBER] = "needs a number of octets",
    [FORM_DATE] = "needs a date such as 1-Feb-1994",
    [FORM_KEYWORD] = "needs the name of a keyword",
};

/* A number that rises with the day: yyyymmdd. */
static uint64_t day_number(uint64_t year, unsigned month, uint64_t day_of_month)
{
    return (year * 100 + month) * 100 + day_of_month;
}

/* RFC 9051 §9 date-text, "17-Jul-1996". The day may have one digit, or be padded with a space as in
 * date-time. */
static bool lex_day(ImapLexer *lexer, uint64_t *day)
{
    uint64_t day_of_month = 0, year = 0;
    imap_lexer_space(lexer);
    if (!imap_lexer_number(lexer, 31, &day_of_month) || !imap_lexer_char(lexer, '-') ||
        lexer->end - lexer->at < 3)
        return false;
    unsigned month = mail_month_named((const char *)lexer->at);
    lexer->at += 3;
    if (month == 0 || day_of_month == 0 || !imap_lexer_char(lexer, '-'))
        return false;
    const uint8_t *digits = lexer->at;
    if (!imap_lexer_number(lexer, 9999, &year) || lexer->at - digits != 4)
        return false;
    *day = day_number(year, month, day_of_month);
    return true;
}

static bool lex_date(ImapLexer *lexer, uint64_t *day)
{
    bool quoted = imap_lexer_char(lexer, '"');
    return lex_day(lexer, day) && (!quoted || imap_lexer_char(lexer, '"'));
}

/* RFC 9051 §6.4.4: the texts looked for are UTF-8. */
static bool lex_text(ImapLexer *lexer, ImapSearchKey *key)
{
    Span text;
    if (!imap_lexer_astring(lexer, &text))
        return false;
    key->text = message_search_key(text);
    return key->text != NULL;
}

static bool lex_arguments(ImapLexer *lexer, const struct KeyName *name, ImapSearchKey *key)
{
    Span field;
    if (name->form != FORM_ALONE && !imap_lexer_space(lexer))
        return false;
    switch (name->form) {
    case FORM_ALONE:
        return true;
    case FORM_FIELD:
        key->name = g_strdup(name->field);
        return lex_text(lexer, key);
    case FORM_STRING:
        return lex_text(lexer, key);
    case FORM_HEADER:
        if (!imap_lexer_astring(lexer, &field))
            return false;
        key->name = span_dup_text(field);
        return imap_lexer_space(lexer) && lex_text(lexer, key);
    case FORM_NUMBER:
        return imap_lexer_number(lexer, INT64_MAX, &key->number);
    case FORM_DATE:
        return lex_date(lexer, &key->number);
    case FORM_KEYWORD:
        return imap_lexer_atom(lexer, &field);
    }
    CHECK(false);
}

static bool lex_key(ImapLexer *lexer, ImapSearch *search, unsigned depth, guint *index);

/* A new key; false: there are too many. The key is named by its index, since the array moves. */
static bool add_key(ImapSearch *search, KeyKind kind, guint *index)
{
    if (!imap_want(&search->wrong, search->keys->len < IMAP_SEARCH_KEYS_MAXIMUM, "Keys",
                   "may be 256 at most"))
        return false;
    ImapSearchKey key = {.kind = kind};
    g_array_append_val(search->keys, key);
    *index = search->keys->len - 1;
    return true;
}

/* One or more keys, separated by spaces, as children of `parent`; at most `most`. */
static bool lex_children(ImapLexer *lexer, ImapSearch *search, unsigned depth, guint parent,
                         unsigned most)
{
    guint previous = 0;
    for (unsigned count = 0; count < most; count++) {
        guint child = 0;
        if ((count > 0 && !imap_lexer_space(lexer)))
            return most == UINT_MAX;
        if (!lex_key(lexer, search, depth, &child))
            return false;
        if (previous == 0)
            key_at(search, parent)->child = child;
        else
            key_at(search, previous)->next = child;
        previous = child;
    }
    return true;
}

/* A key made of a word and arguments that are no keys. */
static bool lex_named_key(ImapLexer *lexer, ImapSearch *search, guint *index)
{
    for (size_t i = 0; i < G_N_ELEMENTS(key_names); i++) {
        if (!imap_lexer_keyword(lexer, key_names[i].name))
            continue;
        if (!add_key(search, key_names[i].kind, index))
            return false;
        key_at(search, *index)->flag = key_names[i].flag;
        return imap_want(&search->wrong,
                         lex_arguments(lexer, &key_names[i], key_at(search, *index)),
                         key_names[i].name, form_rules[key_names[i].form]);
    }
    return imap_want(&search->wrong, false, "Key",
                     "must be a set or a name such as ALL, FROM or SINCE");
}

static bool lex_set_key(ImapLexer *lexer, ImapSearch *search, KeyKind kind, guint *index)
{
    return add_key(search, kind, index) &&
           imap_want(&search->wrong, imap_lexer_set(lexer, &key_at(search, *index)->set), "Set",
                     "must be numbers such as 1, 2:4 or 7:*");
}

static bool lex_key(ImapLexer *lexer, ImapSearch *search, unsigned depth, guint *index)
{
    if (!imap_want(&search->wrong, depth <= IMAP_SEARCH_DEPTH_MAXIMUM, "Keys",
                   "may be 16 within one another"))
        return false;
    uint8_t next = imap_lexer_peek(lexer);
    if (imap_lexer_char(lexer, '('))
        return add_key(search, KEY_AND, index) &&
               lex_children(lexer, search, depth + 1, *index, UINT_MAX) &&
               imap_want(&search->wrong, imap_lexer_char(lexer, ')'), "Keys",
                         "in ( must end with )");
    if (g_ascii_isdigit(next) || next == '*')
        return lex_set_key(lexer, search, KEY_NUMBER, index);
    if (imap_lexer_keyword(lexer, "UID"))
        return imap_lexer_space(lexer) && lex_set_key(lexer, search, KEY_UID, index);
    if (imap_lexer_keyword(lexer, "NOT"))
        return imap_lexer_space(lexer) && add_key(search, KEY_NOT, index) &&
               lex_children(lexer, search, depth + 1, *index, 1);
    if (imap_lexer_keyword(lexer, "OR"))
        return imap_lexer_space(lexer) && add_key(search, KEY_OR, index) &&
               lex_children(lexer, search, depth + 1, *index, 2);
    return lex_named_key(lexer, search, index);
}

/* RFC 9051 §6.4.4: RETURN () means ALL. */
static bool lex_return(ImapLexer *lexer, ImapSearch *search)
{
    static const struct {
        const char *name;
        ImapSearchReturn option;
    } options[] = {
        {"MIN", IMAP_SEARCH_MIN},
        {"MAX", IMAP_SEARCH_MAX},
        {"ALL", IMAP_SEARCH_ALL},
        {"COUNT", IMAP_SEARCH_COUNT},
    };
    if (!imap_lexer_space(lexer) || !imap_lexer_char(lexer, '('))
        return false;
    while (!imap_lexer_char(lexer, ')')) {
        Span name;
        unsigned before = search->returns;
        if ((before != 0 && !imap_lexer_space(lexer)) || !imap_lexer_atom(lexer, &name))
            return false;
        for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
            if (span_equals_text_nocase(name, options[i].name))
                search->returns |= options[i].option;
        }
        if (search->returns == before) {
            search->unsupported = true;
            return false;
        }
    }
    if (search->returns == 0)
        search->returns = IMAP_SEARCH_ALL;
    return imap_lexer_space(lexer);
}

static bool lex_charset(ImapLexer *lexer, ImapSearch *search)
{
    Span name;
    if (!imap_lexer_space(lexer) || !imap_lexer_astring(lexer, &name))
        return false;
    search->bad_charset =
        !span_equals_text_nocase(name, "US-ASCII") && !span_equals_text_nocase(name, "UTF-8");
    return imap_lexer_space(lexer);
}

bool imap_lexer_search(ImapLexer *lexer, ImapSearch *search)
{
    guint root = 0;
    imap_search_clear(search);
    search->keys = g_array_new(FALSE, FALSE, sizeof(ImapSearchKey));
    g_array_set_clear_func(search->keys, key_clear);
    if (imap_lexer_keyword(lexer, "RETURN") &&
        !imap_want(&search->wrong, lex_return(lexer, search), "RETURN",
                   "needs options such as (MIN COUNT), and keys behind them"))
        return false;
    if (imap_lexer_keyword(lexer, "CHARSET") &&
        !imap_want(&search->wrong, lex_charset(lexer, search), "CHARSET",
                   "needs a name such as UTF-8, and keys behind it"))
        return false;
    bool right = add_key(search, KEY_AND, &root) && lex_children(lexer, search, 0, root, UINT_MAX);
    return imap_want(&search->wrong, right, "Keys",
                     "must be whole, such as NOT SEEN or OR FROM bob TO bob");
}

bool imap_search_resolve(ImapSearch *search, uint32_t messages, uint32_t largest_uid)
{
    for (guint i = 0; i < search->keys->len; i++) {
        ImapSearchKey *key = key_at(search, i);
        imap_set_resolve(&key->set, key->kind == KEY_UID ? largest_uid : messages);
        if (key->kind == KEY_NUMBER && imap_set_largest(&key->set) > messages)
            return false;
    }
    return true;
}

/* The day of an INTERNALDATE; 0 when the text is none. */
static uint64_t day_of(const char *date)
{
    g_autofree char *copy = g_strdup(date);
    ImapLexer lexer = {(uint8_t *)copy, (uint8_t *)copy + strlen(copy)};
    uint64_t day = 0;
    return lex_day(&lexer, &day) ? day : 0;
}

/* The number that a token is; false when it is none of at most `digits`. */
static bool token_number(const FieldToken *token, size_t digits, uint64_t *number)
{
    *number = 0;
    if (token->kind != FIELD_TOKEN_WORD || token->text.length > digits)
        return false;
    for (size_t i = 0; i < token->text.length; i++) {
        if (!g_ascii_isdigit(token->text.data[i]))
            return false;
        *number = *number * 10 + (token->text.data[i] - '0');
    }
    return true;
}

/* The day of the Date field as it is written, whatever the zone (RFC 9051 §6.4.4); 0 when there is
 * none. RFC 5322 §3.3: "Mon, 2 Mar 2026 …", with or without the day of the week; §4.3: a year of
 * two or three digits. */
static uint64_t sent_day_of(Span message)
{
    Span rest = message_find_header(message, "Date");
    FieldToken token = field_token_take(&rest, FIELD_SEPARATORS_ADDRESS);
    uint64_t day_of_month, year;
    if (token.kind == FIELD_TOKEN_WORD && !g_ascii_isdigit(token.text.data[0])) {
        token = field_token_take(&rest, FIELD_SEPARATORS_ADDRESS);
        if (field_token_is(&token, ','))
            token = field_token_take(&rest, FIELD_SEPARATORS_ADDRESS);
    }
    FieldToken name = field_token_take(&rest, FIELD_SEPARATORS_ADDRESS);
    FieldToken year_token = field_token_take(&rest, FIELD_SEPARATORS_ADDRESS);
    if (!token_number(&token, 2, &day_of_month) || day_of_month < 1 || day_of_month > 31 ||
        name.kind != FIELD_TOKEN_WORD || name.text.length != 3 ||
        !token_number(&year_token, 4, &year))
        return 0;
    if (year_token.text.length < 4)
        year += year_token.text.length == 2 && year < 50 ? 2000 : 1900;
    unsigned month = mail_month_named((const char *)name.text.data);
    return month == 0 ? 0 : day_number(year, month, day_of_month);
}

/* What a key looks at. */
static unsigned key_needs(KeyKind kind)
{
    switch (kind) {
    case KEY_FLAG:
    case KEY_NOT_FLAG:
        return IMAP_NEED_FLAGS;
    case KEY_HEADER:
    case KEY_BODY:
    case KEY_TEXT:
    case KEY_SENT_BEFORE:
    case KEY_SENT_ON:
    case KEY_SENT_SINCE:
        return IMAP_NEED_CONTENT;
    case KEY_LARGER:
    case KEY_SMALLER:
        return IMAP_NEED_SIZE;
    case KEY_BEFORE:
    case KEY_ON:
    case KEY_SINCE:
        return IMAP_NEED_DATE;
    case KEY_ALL:
    case KEY_NONE:
    case KEY_UID:
    case KEY_NUMBER:
    case KEY_AND:
    case KEY_OR:
    case KEY_NOT:
        return 0;
    }
    CHECK(false);
}

static bool sent_day_holds(const ImapSearchKey *key, uint64_t day)
{
    if (day == 0)
        return false;
    return key->kind == KEY_SENT_BEFORE ? day < key->number
           : key->kind == KEY_SENT_ON   ? day == key->number
                                        : day >= key->number;
}

/* A key without children, of which everything it looks at is known. */
static bool key_holds(const ImapSearchKey *key, const ImapSearchMessage *message,
                      MessageSearch *content)
{
    switch (key->kind) {
    case KEY_ALL:
        return true;
    case KEY_NONE:
        return false;
    case KEY_FLAG:
        return (message->flags & key->flag) != 0;
    case KEY_NOT_FLAG:
        return (message->flags & key->flag) == 0;
    case KEY_HEADER:
        return message_search_field(content, key->name, key->text);
    case KEY_BODY:
        return message_search_body(content, key->text);
    case KEY_TEXT:
        return message_search_text(content, key->text);
    case KEY_LARGER:
        return message->size_octets > key->number;
    case KEY_SMALLER:
        return message->size_octets < key->number;
    case KEY_BEFORE:
        return day_of(message->date) < key->number;
    case KEY_ON:
        return day_of(message->date) == key->number;
    case KEY_SINCE:
        return day_of(message->date) >= key->number;
    case KEY_SENT_BEFORE:
    case KEY_SENT_ON:
    case KEY_SENT_SINCE:
        return sent_day_holds(key, sent_day_of(message->content));
    case KEY_UID:
        return imap_set_contains(&key->set, message->uid);
    case KEY_NUMBER:
        return imap_set_contains(&key->set, message->number);
    case KEY_AND:
    case KEY_OR:
    case KEY_NOT:
        break;
    }
    CHECK(false);
}

typedef struct Judge {
    const ImapSearch *search;
    const ImapSearchMessage *message;
    MessageSearch content;
    unsigned needs;
} Judge;

static ImapSearchVerdict judge_key(Judge *judge, guint index);

/* AND is the least of the verdicts, OR the greatest: NO < OPEN < YES. */
static ImapSearchVerdict judge_children(Judge *judge, const ImapSearchKey *parent)
{
    bool all = parent->kind == KEY_AND;
    ImapSearchVerdict verdict = all ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
    ImapSearchVerdict settled = all ? IMAP_SEARCH_NO : IMAP_SEARCH_YES;
    for (guint child = parent->child; child != 0; child = key_at(judge->search, child)->next) {
        ImapSearchVerdict one = judge_key(judge, child);
        verdict = all ? MIN(verdict, one) : MAX(verdict, one);
        if (verdict == settled)
            break;
    }
    return verdict;
}

/* Recursion is bounded: the parser takes no more than IMAP_SEARCH_DEPTH_MAXIMUM levels. */
static ImapSearchVerdict judge_key(Judge *judge, guint index)
{
    const ImapSearchKey *key = key_at(judge->search, index);
    if (key->kind == KEY_AND || key->kind == KEY_OR)
        return judge_children(judge, key);
    if (key->kind == KEY_NOT)
        return (ImapSearchVerdict)(IMAP_SEARCH_YES - judge_key(judge, key->child));
    unsigned missing = key_needs(key->kind) & ~judge->message->known;
    judge->needs |= missing;
    if (missing != 0)
        return IMAP_SEARCH_OPEN;
    return key_holds(key, judge->message, &judge->content) ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
}

ImapSearchVerdict imap_search_judge(const ImapSearch *search, const ImapSearchMessage *message,
                                    unsigned *needs)
{
    Judge judge = {search, message, {.message = message->content}, 0};
    ImapSearchVerdict verdict = judge_key(&judge, 0);
    message_search_clear(&judge.content);
    *needs = judge.needs;
    return verdict;
}
