/* The responses that an IMAP client reads, RFC 9051 §7. Those it has no use for are passed over, as
 * §2.2.2 asks; a known one that cannot be read ends the session. */
#include "core/check.h"
#include "proto/imap_client_internal.h"

/* resp-text, RFC 9051 §9: "[CODE arguments] text for people". */
typedef struct ResponseText {
    Span code, text;
} ResponseText;

static bool lex_response_text(ImapLexer *lexer, ResponseText *response)
{
    *response = (ResponseText){0};
    Span rest = span_of(lexer->at, (size_t)(lexer->end - lexer->at));
    lexer->at = lexer->end;
    if (rest.length > 0 && rest.data[0] == '[') {
        size_t end = span_find(rest, ']');
        if (end == rest.length)
            return false;
        response->code = span_of(rest.data + 1, end - 1);
        rest = span_skip(rest, end + 1);
        if (rest.length > 0 && rest.data[0] == ' ')
            rest = span_skip(rest, 1);
    }
    response->text = rest;
    return true;
}

static void push_text(ImapClient *client, ImapClientEventKind kind, Span text)
{
    imap_client_push(client, (ImapClientEvent){.kind = kind, .text = text}, NULL);
}

static void push_number(ImapClient *client, ImapClientEventKind kind, uint32_t number)
{
    imap_client_push(client, (ImapClientEvent){.kind = kind, .number = number}, NULL);
}

/* A code of the form "NAME number". */
static bool code_number(Span code, const char *name, uint32_t *number)
{
    /* The span lies in the reader's text, which is writable. */
    ImapLexer lexer = {(uint8_t *)code.data, (uint8_t *)code.data + code.length};
    return imap_lexer_keyword(&lexer, name) && imap_lexer_space(&lexer) &&
           imap_lexer_number32(&lexer, number) && imap_lexer_at_end(&lexer);
}

/* Response codes that mean something to the node wherever they stand, RFC 9051 §7.1. */
static void take_code(ImapClient *client, Span code)
{
    uint32_t number = 0;
    if (code.length == 0)
        return;
    if (code_number(code, "UIDVALIDITY", &number))
        push_number(client, IMAP_CLIENT_UID_VALIDITY, number);
    else if (code_number(code, "UIDNEXT", &number))
        push_number(client, IMAP_CLIENT_UID_NEXT, number);
    else if (span_starts_with_nocase(code, "CAPABILITY "))
        push_text(client, IMAP_CLIENT_CAPABILITY, span_skip(code, sizeof "CAPABILITY " - 1));
    else if (span_equals_text_nocase(code, "CLOSED") && client->state == IMAP_CLIENT_SELECTED)
        imap_client_happen(client, IMAP_CLIENT_ON_MAILBOX_CLOSED);
}

/* FETCH, RFC 9051 §7.5.2 */

/* The name of a message data item: "FLAGS", "BODY[HEADER.FIELDS (To)]<0>". */
static bool lex_item_name(ImapLexer *lexer, Span *name)
{
    uint8_t *start = lexer->at;
    uint64_t origin = 0;
    while (lexer->at < lexer->end && (g_ascii_isalnum(*lexer->at) || *lexer->at == '.'))
        lexer->at++;
    *name = span_of(start, (size_t)(lexer->at - start));
    if (imap_lexer_char(lexer, '[')) {
        Span rest = span_of(lexer->at, (size_t)(lexer->end - lexer->at));
        lexer->at += span_find(rest, ']');
        name->length++; /* "BODY[" is not "BODY" */
        if (!imap_lexer_char(lexer, ']'))
            return false;
        if (imap_lexer_char(lexer, '<') &&
            (!imap_lexer_number(lexer, UINT64_MAX, &origin) || !imap_lexer_char(lexer, '>')))
            return false;
    }
    return name->length > 0 && imap_lexer_space(lexer);
}

static bool is_content_item(Span name)
{
    return span_equals_text_nocase(name, "BODY[") || span_equals_text_nocase(name, "RFC822") ||
           span_equals_text_nocase(name, "RFC822.TEXT") ||
           span_equals_text_nocase(name, "RFC822.HEADER");
}

static bool lex_content(ImapLexer *lexer, ImapClientEvent *event)
{
    Span content;
    if (!imap_lexer_nstring(lexer, &content))
        return false;
    if ((event->has & IMAP_NEED_CONTENT) == 0)
        event->content = content;
    event->has |= IMAP_NEED_CONTENT;
    return true;
}

static bool lex_item(ImapLexer *lexer, ImapClientEvent *event)
{
    Span name;
    if (!lex_item_name(lexer, &name))
        return false;
    if (span_equals_text_nocase(name, "UID"))
        return imap_lexer_number32(lexer, &event->uid);
    if (is_content_item(name))
        return lex_content(lexer, event);
    if (span_equals_text_nocase(name, "FLAGS")) {
        event->has |= IMAP_NEED_FLAGS;
        return imap_lexer_flag_list(lexer, &event->flags);
    }
    if (span_equals_text_nocase(name, "RFC822.SIZE")) {
        event->has |= IMAP_NEED_SIZE;
        return imap_lexer_number(lexer, INT64_MAX, &event->size_octets);
    }
    if (span_equals_text_nocase(name, "INTERNALDATE")) {
        event->has |= IMAP_NEED_DATE;
        return imap_lexer_string(lexer, &event->date);
    }
    return imap_lexer_skip_value(lexer);
}

static bool take_message(ImapClient *client, ImapLexer *lexer, uint32_t number)
{
    ImapClientEvent event = {.kind = IMAP_CLIENT_MESSAGE, .number = number};
    if (!imap_lexer_space(lexer) || !imap_lexer_char(lexer, '('))
        return false;
    do {
        if (!lex_item(lexer, &event))
            return false;
    } while (imap_lexer_space(lexer));
    if (!imap_lexer_char(lexer, ')') || !imap_lexer_at_end(lexer))
        return false;
    imap_client_push(client, event, NULL);
    return true;
}

/* "* 3 EXISTS" and its like, RFC 9051 §7.4, §7.5. */
static bool take_numbered(ImapClient *client, ImapLexer *lexer)
{
    uint32_t number = 0;
    if (!imap_lexer_number32(lexer, &number) || !imap_lexer_space(lexer))
        return false;
    if (imap_lexer_keyword(lexer, "FETCH"))
        return take_message(client, lexer, number);
    if (imap_lexer_keyword(lexer, "EXISTS"))
        push_number(client, IMAP_CLIENT_EXISTS, number);
    else if (imap_lexer_keyword(lexer, "EXPUNGE"))
        push_number(client, IMAP_CLIENT_EXPUNGED, number);
    return true;
}

/* LIST and STATUS, RFC 9051 §7.3.1, §7.3.3 */

static bool lex_attributes(ImapLexer *lexer, uint32_t *attributes)
{
    if (!imap_lexer_char(lexer, '('))
        return false;
    if (imap_lexer_char(lexer, ')'))
        return true;
    do {
        uint8_t *start = lexer->at;
        Span name;
        if (!imap_lexer_char(lexer, '\\') || !imap_lexer_atom(lexer, &name))
            return false;
        *attributes |= imap_list_attribute_named(span_of(start, name.length + 1));
    } while (imap_lexer_space(lexer));
    return imap_lexer_char(lexer, ')');
}

/* What may follow the name, extended data, is passed over. */
static bool take_list(ImapClient *client, ImapLexer *lexer)
{
    ImapClientEvent event = {.kind = IMAP_CLIENT_MAILBOX};
    Span separator;
    if (!imap_lexer_space(lexer) || !lex_attributes(lexer, &event.attributes) ||
        !imap_lexer_space(lexer) || !imap_lexer_nstring(lexer, &separator) ||
        !imap_lexer_space(lexer) || !imap_lexer_mailbox(lexer, &event.mailbox))
        return false;
    imap_client_push(client, event, NULL);
    return true;
}

static bool lex_status_item(ImapLexer *lexer, ImapStatus *status)
{
    const struct {
        const char *name;
        uint32_t *number;
    } items[] = {
        {"MESSAGES", &status->messages}, {"UNSEEN", &status->unseen},
        {"DELETED", &status->deleted},   {"RECENT", &status->recent},
        {"UIDNEXT", &status->uid_next},  {"UIDVALIDITY", &status->uid_validity},
    };
    Span name;
    if (!imap_lexer_atom(lexer, &name) || !imap_lexer_space(lexer))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
        if (span_equals_text_nocase(name, items[i].name))
            return imap_lexer_number32(lexer, items[i].number);
    }
    if (span_equals_text_nocase(name, "SIZE"))
        return imap_lexer_number(lexer, INT64_MAX, &status->size_octets);
    return imap_lexer_skip_value(lexer);
}

static bool take_status(ImapClient *client, ImapLexer *lexer)
{
    ImapClientEvent event = {.kind = IMAP_CLIENT_STATUS};
    if (!imap_lexer_space(lexer) || !imap_lexer_mailbox(lexer, &event.mailbox) ||
        !imap_lexer_space(lexer) || !imap_lexer_char(lexer, '('))
        return false;
    do {
        if (!lex_status_item(lexer, &event.status))
            return false;
    } while (imap_lexer_space(lexer));
    if (!imap_lexer_char(lexer, ')'))
        return false;
    imap_client_push(client, event, NULL);
    return true;
}

/* SEARCH and ESEARCH, RFC 3501 §7.2.5, RFC 9051 §7.3.4 */

static void push_found(ImapClient *client)
{
    ImapClientEvent event = {.kind = IMAP_CLIENT_FOUND,
                             .numbers = (const void *)client->numbers->data,
                             .number_count = client->numbers->len};
    imap_client_push(client, event, NULL);
}

static bool add_found(ImapClient *client, uint32_t number)
{
    if (client->numbers->len >= IMAP_CLIENT_FOUND_MAXIMUM)
        return false;
    g_array_append_val(client->numbers, number);
    return true;
}

static bool take_search(ImapClient *client, ImapLexer *lexer)
{
    g_array_set_size(client->numbers, 0);
    while (imap_lexer_space(lexer)) {
        uint32_t number = 0;
        if (!imap_lexer_number32(lexer, &number) || !add_found(client, number))
            return false;
    }
    push_found(client);
    return imap_lexer_at_end(lexer);
}

static bool lex_found_set(ImapClient *client, ImapLexer *lexer)
{
    ImapSet set = {0};
    bool good = imap_lexer_set(lexer, &set);
    imap_set_resolve(&set, 0);
    for (size_t i = 0; good && i < set.count; i++) {
        uint32_t number = set.ranges[i].first;
        do
            good = add_found(client, number);
        while (good && number++ < set.ranges[i].last);
    }
    imap_set_clear(&set);
    return good;
}

static bool take_esearch(ImapClient *client, ImapLexer *lexer)
{
    Span name;
    g_array_set_size(client->numbers, 0);
    while (imap_lexer_space(lexer)) {
        if (imap_lexer_peek(lexer) == '(') { /* the tag, which can only be the last one */
            if (!imap_lexer_skip_value(lexer))
                return false;
        } else if (imap_lexer_keyword(lexer, "UID")) {
            continue;
        } else if (imap_lexer_keyword(lexer, "ALL")) {
            if (!imap_lexer_space(lexer) || !lex_found_set(client, lexer))
                return false;
        } else if (!imap_lexer_atom(lexer, &name) || !imap_lexer_space(lexer) ||
                   !imap_lexer_skip_value(lexer)) {
            return false;
        }
    }
    push_found(client);
    return imap_lexer_at_end(lexer);
}

/* Status responses, RFC 9051 §7.1 */

static bool take_greeting(ImapClient *client, ImapClientInput input, const ResponseText *response)
{
    if (client->state != IMAP_CLIENT_GREETING)
        return false;
    imap_client_happen(client, input);
    take_code(client, response->code);
    push_text(client, IMAP_CLIENT_GREETED, response->text);
    return true;
}

/* RFC 9051 §7.1.5: asked for by LOGOUT, whose tagged response follows, or else the end. */
static bool take_bye(ImapClient *client, ImapLexer *lexer)
{
    ResponseText response;
    imap_lexer_space(lexer);
    if (!lex_response_text(lexer, &response))
        return false;
    bool awaited = client->busy && client->command == IMAP_CLIENT_ON_LOGOUT;
    push_text(client, IMAP_CLIENT_BYE, response.text);
    imap_client_happen(client, awaited ? IMAP_CLIENT_ON_BYE_AWAITED : IMAP_CLIENT_ON_BYE);
    return true;
}

static bool take_ok(ImapClient *client, ImapLexer *lexer)
{
    ResponseText response;
    imap_lexer_space(lexer);
    if (!lex_response_text(lexer, &response))
        return false;
    if (client->state == IMAP_CLIENT_GREETING)
        return take_greeting(client, IMAP_CLIENT_ON_GREETING_OK, &response);
    take_code(client, response.code);
    return true;
}

static bool take_preauth(ImapClient *client, ImapLexer *lexer)
{
    ResponseText response;
    imap_lexer_space(lexer);
    return lex_response_text(lexer, &response) &&
           take_greeting(client, IMAP_CLIENT_ON_GREETING_PREAUTH, &response);
}

static bool take_capability(ImapClient *client, ImapLexer *lexer)
{
    if (!imap_lexer_space(lexer))
        return false;
    push_text(client, IMAP_CLIENT_CAPABILITY, span_of(lexer->at, (size_t)(lexer->end - lexer->at)));
    return true;
}

static bool take_untagged(ImapClient *client, ImapLexer *lexer)
{
    static const struct {
        const char *name;
        bool (*take)(ImapClient *client, ImapLexer *lexer);
        bool greets;
    } responses[] = {
        {"OK", take_ok, true},          {"PREAUTH", take_preauth, true},
        {"BYE", take_bye, true},        {"CAPABILITY", take_capability, false},
        {"LIST", take_list, false},     {"STATUS", take_status, false},
        {"SEARCH", take_search, false}, {"ESEARCH", take_esearch, false},
    };
    bool greeting = client->state == IMAP_CLIENT_GREETING;
    if (g_ascii_isdigit(imap_lexer_peek(lexer)))
        return !greeting && take_numbered(client, lexer);
    for (size_t i = 0; i < G_N_ELEMENTS(responses); i++) {
        if (imap_lexer_keyword(lexer, responses[i].name))
            return (responses[i].greets || !greeting) && responses[i].take(client, lexer);
    }
    return !greeting;
}

/* RFC 9051 §7.6: the server invites the content of APPEND, or says that IDLE has begun. */
static bool take_continuation(ImapClient *client)
{
    if (client->content_waits) {
        imap_client_send_content(client);
        return true;
    }
    if (!client->busy || client->command != IMAP_CLIENT_ON_IDLE || client->idling)
        return false;
    client->idling = true;
    imap_client_push(client, (ImapClientEvent){.kind = IMAP_CLIENT_IDLING}, NULL);
    return true;
}

/* What the success of a command does to the state; false: nothing. */
static bool input_of_success(ImapClientInput command, ImapClientInput *input)
{
    static const struct {
        ImapClientInput command, input;
    } successes[] = {
        {IMAP_CLIENT_ON_LOGIN, IMAP_CLIENT_ON_LOGGED_IN},
        {IMAP_CLIENT_ON_SELECT, IMAP_CLIENT_ON_OPENED},
        {IMAP_CLIENT_ON_CLOSE, IMAP_CLIENT_ON_MAILBOX_CLOSED},
        {IMAP_CLIENT_ON_UNSELECT, IMAP_CLIENT_ON_MAILBOX_CLOSED},
        {IMAP_CLIENT_ON_LOGOUT, IMAP_CLIENT_ON_LOGGED_OUT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(successes); i++) {
        *input = successes[i].input;
        if (successes[i].command == command)
            return true;
    }
    return false;
}

static bool lex_result(ImapLexer *lexer, ImapResult *result)
{
    for (*result = IMAP_OK; *result <= IMAP_BAD; ++*result) {
        if (imap_lexer_keyword(lexer, imap_result_name(*result)))
            return true;
    }
    return false;
}

/* The tagged response: the command is complete. */
static bool take_tagged(ImapClient *client, ImapLexer *lexer)
{
    ImapClientEvent event = {.kind = IMAP_CLIENT_DONE, .tag = client->last_tag};
    ResponseText response;
    uint32_t tag = 0;
    if (!client->busy || !imap_lexer_char(lexer, 'A') || !imap_lexer_number32(lexer, &tag) ||
        tag != client->last_tag || !imap_lexer_space(lexer) || !lex_result(lexer, &event.result))
        return false;
    imap_lexer_space(lexer);
    if (!lex_response_text(lexer, &response))
        return false;
    event.code = response.code;
    event.text = response.text;
    client->busy = client->idling = client->content_waits = false;
    slice_clear(&client->content);
    take_code(client, response.code);
    ImapClientInput input;
    bool ends = false;
    /* LOGOUT cannot fail: whatever the server says to it, the session is over. */
    bool success = event.result == IMAP_OK || client->command == IMAP_CLIENT_ON_LOGOUT;
    if (success && input_of_success(client->command, &input))
        ends = imap_client_transition(client, input)->action == IMAP_CLIENT_END;
    imap_client_push(client, event, NULL);
    if (ends)
        imap_client_end(client, "logged out");
    return true;
}

void imap_client_respond(ImapClient *client)
{
    Buffer *text = &client->reader.text;
    uint8_t *start = text->memory->here + text->start;
    ImapLexer lexer = {start, start + text->length};
    bool good = false;
    if (imap_lexer_char(&lexer, '*'))
        good = imap_lexer_space(&lexer) && take_untagged(client, &lexer);
    else if (imap_lexer_char(&lexer, '+'))
        good = take_continuation(client);
    else
        good = take_tagged(client, &lexer);
    if (!good)
        imap_client_protocol_error(client, "The server sends what cannot be understood");
}
