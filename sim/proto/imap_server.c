/* The IMAP server side: life, events, transitions, news. See imap_server.h. */
#include "core/check.h"
#include "proto/imap_server_internal.h"

#include <string.h>

typedef struct QueuedEvent {
    ImapServerEvent event;
    char *text; /* owned; what event.line spans */
} QueuedEvent;

static void queued_event_free(void *data)
{
    QueuedEvent *queued = data;
    g_free(queued->text);
    g_free(queued);
}

static GArray *uids_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(uint32_t));
}

size_t imap_server_size(void)
{
    return sizeof(ImapServer);
}

ImapServer *imap_server_new(const ImapServerOptions *options)
{
    ImapServer *server = g_new(ImapServer, 1);
    imap_server_init(server, options);
    return server;
}

void imap_server_init(ImapServer *server, const ImapServerOptions *options)
{
    *server = (ImapServer){0};
    size_t line = options->line_maximum ? options->line_maximum : IMAP_SERVER_LINE_DEFAULT;
    size_t append = options->append_maximum ? options->append_maximum : IMAP_SERVER_APPEND_DEFAULT;
    server->host_name = g_strdup(options->host_name);
    server->bad_maximum = options->bad_maximum ? options->bad_maximum : IMAP_SERVER_BAD_DEFAULT;
    server->state = imap_server_table.initial;
    imap_reader_init(&server->reader, line, append);
    imap_output_init(&server->output);
    server->line = g_string_new(NULL);
    g_queue_init(&server->events);
    server->task.tag = g_string_new(NULL);
    server->task.targets = uids_new();
    server->task.found = uids_new();
    server->view = uids_new();
    server->arrived = uids_new();
    server->expunged = uids_new();
    server->flag_news = g_array_new(FALSE, FALSE, sizeof(ImapServerFlagNews));
    /* RFC 9051 §7.1.1: the greeting, with the capabilities to save the client a command. */
    imap_server_say(server, "* OK [CAPABILITY %s] %s IMAP4rev2 server ready",
                    imap_server_capabilities(), server->host_name);
}

void imap_server_free(ImapServer *server)
{
    if (server == NULL)
        return;
    imap_server_clear(server);
    g_free(server);
}

void imap_server_clear(ImapServer *server)
{
    imap_server_task_clear(server);
    g_string_free(server->task.tag, TRUE);
    g_array_unref(server->task.targets);
    g_array_unref(server->task.found);
    g_array_unref(server->view);
    g_array_unref(server->arrived);
    g_array_unref(server->expunged);
    g_array_unref(server->flag_news);
    g_queue_clear_full(&server->events, queued_event_free);
    g_string_free(server->line, TRUE);
    g_free(server->event_text);
    imap_output_clear(&server->output);
    imap_reader_clear(&server->reader);
    g_free(server->host_name);
}

void imap_server_task_clear(ImapServer *server)
{
    ImapServerTask *task = &server->task;
    imap_set_clear(&task->set);
    imap_fetch_clear(&task->fetch);
    imap_search_clear(&task->search);
    slice_clear(&task->held.content);
    g_free((char *)task->held.date);
    *task = (ImapServerTask){.tag = task->tag, .targets = task->targets, .found = task->found};
    g_string_truncate(task->tag, 0);
    g_array_set_size(task->targets, 0);
    g_array_set_size(task->found, 0);
}

/* Events and questions */

void imap_server_push(ImapServer *server, ImapServerEvent event, char *text)
{
    QueuedEvent *queued = g_new(QueuedEvent, 1);
    event.line.data = (const uint8_t *)text;
    *queued = (QueuedEvent){event, text};
    g_queue_push_tail(&server->events, queued);
}

void imap_server_ask(ImapServer *server, ImapServerEvent question)
{
    CHECK(!server->question_open);
    if (++server->last_token == 0)
        server->last_token = 1;
    question.token = server->last_token;
    server->question = question;
    server->question_open = server->question_new = true;
}

bool imap_server_take_answer(ImapServer *server, uint32_t token, ImapServerEventKind kind)
{
    if (server->state == IMAP_SERVER_LOGOUT)
        return false; /* the session ended while the node was thinking */
    CHECK(server->question_open && !server->question_new);
    CHECK(server->question.token == token && server->question.kind == kind);
    server->question_open = false;
    return true;
}

/* State */

static void forget_mailbox(ImapServer *server)
{
    g_array_set_size(server->view, 0);
    g_array_set_size(server->arrived, 0);
    g_array_set_size(server->expunged, 0);
    g_array_set_size(server->flag_news, 0);
}

static void set_state(ImapServer *server, uint8_t to)
{
    if (to == server->state)
        return;
    ImapServerEvent event = {.kind = IMAP_SERVER_STATE_CHANGED, .from = server->state, .to = to};
    if (server->state == IMAP_SERVER_SELECTED)
        forget_mailbox(server);
    server->state = to;
    imap_server_push(server, event, NULL);
}

void imap_server_end(ImapServer *server)
{
    server->question_open = server->question_new = server->idling = false;
    imap_server_task_clear(server);
    imap_server_push(server, (ImapServerEvent){.kind = IMAP_SERVER_FINISHED}, NULL);
}

const StateCell *imap_server_transition(ImapServer *server, ImapServerInput input, const char *text)
{
    const StateCell *cell = state_table_cell(&imap_server_table, server->state, (uint8_t)input);
    CHECK(cell->action != IMAP_SERVER_NEVER);
    if (cell->action == IMAP_SERVER_SAY_BYE)
        imap_server_say(server, "* BYE %s", text);
    set_state(server, cell->next);
    if (cell->action == IMAP_SERVER_SAY_BYE || cell->action == IMAP_SERVER_END)
        imap_server_end(server);
    return cell;
}

/* Bytes */

void imap_server_receive(ImapServer *server, Span bytes)
{
    if (server->state != IMAP_SERVER_LOGOUT)
        imap_reader_receive(&server->reader, bytes);
}

void imap_server_receive_end(ImapServer *server)
{
    server->input_ended = true;
}

size_t imap_server_input_room(const ImapServer *server)
{
    return imap_reader_room(&server->reader);
}

Span imap_server_peek_output(const ImapServer *server)
{
    return imap_output_peek(&server->output);
}

void imap_server_consume_output(ImapServer *server, size_t count)
{
    imap_output_consume(&server->output, count);
}

/* One step of work; false: there is none until bytes, an answer, news or room come. */
static bool advance(ImapServer *server)
{
    if (server->state == IMAP_SERVER_LOGOUT || server->question_open)
        return false;
    if (server->output_full) {
        imap_server_transition(server, IMAP_SERVER_ON_OUTPUT_FULL, NULL);
        return true;
    }
    if (server->bad_count >= server->bad_maximum) {
        imap_server_transition(server, IMAP_SERVER_ON_TOO_MANY_BAD, "Too many bad commands");
        return true;
    }
    if (server->output.length >= IMAP_SERVER_OUTPUT_HIGH)
        return false;
    if (server->task.step != NULL) {
        server->task.step(server);
        return true;
    }
    if (server->idling && server->state == IMAP_SERVER_SELECTED &&
        imap_server_say_news(server, true))
        return true;
    return imap_server_read(server);
}

bool imap_server_next_event(ImapServer *server, ImapServerEvent *event)
{
    g_clear_pointer(&server->event_text, g_free);
    do {
        QueuedEvent *queued = g_queue_pop_head(&server->events);
        if (queued != NULL) {
            *event = queued->event;
            server->event_text = queued->text;
            g_free(queued);
            return true;
        }
        if (server->question_new) {
            server->question_new = false;
            *event = server->question;
            return true;
        }
    } while (advance(server));
    return false;
}

/* The view and the news */

/* Where `uid` is among rising UIDs, or where it would be put. */
static guint place_of(const GArray *uids, uint32_t uid)
{
    guint low = 0, high = uids->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(uids, uint32_t, middle) < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool holds(const GArray *uids, uint32_t uid)
{
    guint place = place_of(uids, uid);
    return place < uids->len && g_array_index(uids, uint32_t, place) == uid;
}

uint32_t imap_server_number_of(const ImapServer *server, uint32_t uid)
{
    return holds(server->view, uid) ? place_of(server->view, uid) + 1 : 0;
}

void imap_server_expunge(ImapServer *server, const uint32_t *uids, size_t count)
{
    GArray *view = server->view;
    guint kept = 0;
    size_t next = 0;
    for (guint i = 0; i < view->len; i++) {
        uint32_t uid = g_array_index(view, uint32_t, i);
        while (next < count && uids[next] < uid)
            next++;
        if (next < count && uids[next] == uid) {
            imap_server_say(server, "* %u EXPUNGE", kept + 1);
            imap_server_forget_flag_news(server, uid);
        } else {
            g_array_index(view, uint32_t, kept++) = uid;
        }
    }
    g_array_set_size(view, kept);
}

/* Where the news of `uid` is, or would be put; `there` says which. */
static guint flag_news_place(const ImapServer *server, uint32_t uid, bool *there)
{
    const ImapServerFlagNews *news = (const void *)server->flag_news->data;
    guint low = 0, high = server->flag_news->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (news[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    *there = low < server->flag_news->len && news[low].uid == uid;
    return low;
}

void imap_server_forget_flag_news(ImapServer *server, uint32_t uid)
{
    bool there = false;
    guint place = flag_news_place(server, uid, &there);
    if (there)
        g_array_remove_index(server->flag_news, place);
}

static void say_flag_news(ImapServer *server)
{
    for (guint i = 0; i < server->flag_news->len; i++) {
        ImapServerFlagNews news = g_array_index(server->flag_news, ImapServerFlagNews, i);
        uint32_t number = imap_server_number_of(server, news.uid);
        g_autofree char *flags = imap_flags_text(news.flags);
        if (number != 0)
            imap_server_say(server, "* %u FETCH (UID %u FLAGS (%s))", number, news.uid, flags);
    }
    g_array_set_size(server->flag_news, 0);
}

bool imap_server_say_news(ImapServer *server, bool expunges_too)
{
    bool expunges = expunges_too && server->expunged->len > 0;
    bool some = expunges || server->arrived->len > 0 || server->flag_news->len > 0;
    if (expunges) {
        imap_server_expunge(server, (const uint32_t *)(const void *)server->expunged->data,
                            server->expunged->len);
        g_array_set_size(server->expunged, 0);
    }
    if (server->arrived->len > 0) {
        g_array_append_vals(server->view, server->arrived->data, server->arrived->len);
        g_array_set_size(server->arrived, 0);
        imap_server_say(server, "* %u EXISTS", server->view->len);
    }
    say_flag_news(server);
    return some;
}

/* The largest UID that is known, or 0. */
static uint32_t largest_known(const ImapServer *server)
{
    const GArray *last = server->arrived->len > 0 ? server->arrived : server->view;
    return last->len == 0 ? 0 : g_array_index(last, uint32_t, last->len - 1);
}

void imap_server_tell_exists(ImapServer *server, uint32_t uid)
{
    if (server->state != IMAP_SERVER_SELECTED || uid <= largest_known(server))
        return;
    if (server->view->len + server->arrived->len >= IMAP_SERVER_MESSAGES_MAXIMUM) {
        imap_server_shut_down(server, "The mailbox holds too many messages");
        return;
    }
    g_array_append_val(server->arrived, uid);
}

void imap_server_tell_expunged(ImapServer *server, uint32_t uid)
{
    if (server->state != IMAP_SERVER_SELECTED)
        return;
    if (holds(server->arrived, uid)) {
        g_array_remove_index(server->arrived, place_of(server->arrived, uid));
        return;
    }
    if (holds(server->view, uid) && !holds(server->expunged, uid))
        g_array_insert_val(server->expunged, place_of(server->expunged, uid), uid);
}

void imap_server_tell_flags(ImapServer *server, uint32_t uid, ImapFlags flags)
{
    if (server->state != IMAP_SERVER_SELECTED || !holds(server->view, uid))
        return;
    ImapServerFlagNews news = {uid, flags};
    bool there = false;
    guint place = flag_news_place(server, uid, &there);
    if (there)
        g_array_index(server->flag_news, ImapServerFlagNews, place) = news;
    else
        g_array_insert_val(server->flag_news, place, news);
}

/* The end */

void imap_server_shut_down(ImapServer *server, const char *text)
{
    if (server->state != IMAP_SERVER_LOGOUT)
        imap_server_transition(server, IMAP_SERVER_ON_SHUT_DOWN, text);
}

ImapServerTimeout imap_server_timeout(const ImapServer *server)
{
    bool waits = server->state != IMAP_SERVER_LOGOUT && !server->question_open;
    return waits ? IMAP_SERVER_TIMEOUT_AUTOLOGOUT : IMAP_SERVER_TIMEOUT_NONE;
}

int64_t imap_server_timeout_ns(ImapServerTimeout timeout)
{
    switch (timeout) {
    case IMAP_SERVER_TIMEOUT_NONE:
        return 0;
    case IMAP_SERVER_TIMEOUT_AUTOLOGOUT:
        return INT64_C(30) * 60 * 1000000000;
    }
    CHECK(false);
}

void imap_server_time_out(ImapServer *server)
{
    if (imap_server_timeout(server) != IMAP_SERVER_TIMEOUT_NONE)
        imap_server_transition(server, IMAP_SERVER_ON_TIMEOUT, "Autologout; idle for too long");
}

uint8_t imap_server_state(const ImapServer *server)
{
    return server->state;
}

bool imap_server_is_idling(const ImapServer *server)
{
    return server->idling;
}

bool imap_server_is_finished(const ImapServer *server)
{
    return server->state == IMAP_SERVER_LOGOUT && server->events.length == 0 &&
           server->output.length == 0;
}
