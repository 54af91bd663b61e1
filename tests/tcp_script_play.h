/* Plays a script of tests/tcp against a TCP connection, as its host and its peer.
 *
 * After each thing that is done to the engine it is asked, as net/tcp.h wants it, for events and
 * then for segments. What it says, and each state that it enters, waits to be expected by a line;
 * nothing more is done to it, and no time passes, until all has been. */
#pragma once

#include "tcp_script_read.h"

enum { SCRIPT_SEGMENTS_MOST = 10000 }; /* that wait: an engine that sends without end */

typedef struct ScriptPlayer {
    const TcpScript *script;
    const ScriptStep *step; /* that is being played */
    const TcpOptions *options;
    TcpConnection *tcp; /* NULL before it is opened; stays when it is finished, to be read */
    bool is_listening, is_over;
    uint32_t iss; /* of a connection to be made, or that is */
    SimTime now;
    int64_t our_window, peer_window;    /* said last; -1: never */
    uint32_t written, read;             /* octets */
    GArray *segments, *events, *states; /* Segment, TcpEvent, uint8_t: not yet expected */
    unsigned *saved; /* counts how often a connection in TIME-WAIT was saved; NULL: none ever is */
    char *failure;   /* the first */
} ScriptPlayer;

/* ---- Failures ---- */

static inline char *script_time_text(SimTime time)
{
    return time == SIM_NEVER ? g_strdup("none") : units_format(UNITS_DURATION, time);
}

G_GNUC_PRINTF(2, 3)
static inline void script_fail(ScriptPlayer *player, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *time = script_time_text(player->now);
    if (player->failure == NULL)
        player->failure = g_strdup_printf("%s:%u: at %s %s", player->script->file,
                                          player->step->line, time, text);
}

/* A segment as scripts write it, its window always, why it is sent where that is not the usual. */
static inline char *script_segment_text(const Segment *segment, uint32_t length)
{
    GString *text = g_string_new("> ");
    for (size_t i = 0; i < G_N_ELEMENTS(script_flags); i++) {
        if ((segment->flags & script_flags[i].flag) != 0)
            g_string_append_c(text, script_flags[i].letter);
    }
    g_string_append_printf(text, "%s %u", segment->flags == 0 ? "-" : "", segment->seq);
    if (length > 0)
        g_string_append_printf(text, "+%u", length);
    if ((segment->flags & SEGMENT_ACK) != 0)
        g_string_append_printf(text, " ack %u", segment->ack);
    if ((segment->flags & SEGMENT_RST) == 0 || segment->window != 0)
        g_string_append_printf(text, " win %u", segment->window);
    if (segment->mss != 0)
        g_string_append_printf(text, " mss %u", segment->mss);
    if (segment->window_scale != SEGMENT_NO_WINDOW_SCALE)
        g_string_append_printf(text, " wscale %u", segment->window_scale);
    if (segment->sending != script_usual_sending(segment, length))
        g_string_append_printf(text, " %s", script_sending_names[segment->sending]);
    return g_string_free(text, FALSE);
}

static inline char *script_event_text(const TcpEvent *event)
{
    GString *text = g_string_new(script_event_names[event->kind]);
    if (event->icmp != TCP_ICMP_NONE)
        g_string_append_printf(text, " icmp %s", script_icmp_names[event->icmp]);
    g_string_append_printf(text, " retries %u unacknowledged %u", event->retries,
                           event->unacknowledged);
    return g_string_free(text, FALSE);
}

/* True when all that the engine has said was expected. */
static inline bool script_all_is_told(ScriptPlayer *player)
{
    const char *where = player->is_over ? "no line expects" : "no line before this one expects";
    if (player->failure != NULL)
        return false;
    if (player->states->len > 0) {
        script_fail(player, "%s `state %s`", where,
                    tcp_table.states[g_array_index(player->states, uint8_t, 0)]);
    } else if (player->events->len > 0) {
        g_autofree char *text = script_event_text(&g_array_index(player->events, TcpEvent, 0));
        script_fail(player, "%s `event %s`", where, text);
    } else if (player->segments->len > 0) {
        const Segment *segment = &g_array_index(player->segments, Segment, 0);
        g_autofree char *text = script_segment_text(segment, segment_payload_size(segment));
        script_fail(player, "%s `%s`", where, text);
    }
    return player->failure == NULL;
}

/* ---- The host ---- */

static inline void script_observe(void *context, TcpState from, TcpState to, TcpTrigger trigger)
{
    (void)from, (void)trigger;
    uint8_t state = (uint8_t)to;
    g_array_append_val(((ScriptPlayer *)context)->states, state);
}

/* As net/tcp_socket.c does with a connection that nobody holds. */
static inline void script_save(ScriptPlayer *player)
{
    TcpTimeWait wait;
    if (player->saved == NULL || !tcp_save_time_wait(player->tcp, player->now, &wait))
        return;
    tcp_free(player->tcp);
    player->tcp = g_malloc0(tcp_size());
    tcp_restore_time_wait(player->tcp, &wait);
    tcp_set_observer(player->tcp, script_observe, player);
    ++*player->saved;
}

/* Asks the engine what it has to say. */
static inline void script_ask(ScriptPlayer *player)
{
    TcpEvent event;
    Segment segment;
    if (player->tcp == NULL)
        return;
    while (tcp_next_event(player->tcp, &event))
        g_array_append_val(player->events, event);
    while (tcp_next_segment(player->tcp, player->now, &segment)) {
        g_array_append_val(player->segments, segment);
        if (player->segments->len > SCRIPT_SEGMENTS_MOST) {
            script_fail(player, "the engine sends without end");
            return;
        }
    }
    script_save(player);
}

/* The clock goes on; what a timer brings about on the way is expected by no line. Also without a
 * deadline the engine is told the time, which must do nothing. */
static inline void script_go_on(ScriptPlayer *player, SimTime to)
{
    while (player->now < to && script_all_is_told(player)) {
        SimTime deadline = player->tcp != NULL ? tcp_deadline(player->tcp) : SIM_NEVER;
        bool is_due = deadline <= to;
        player->now = is_due ? MAX(deadline, player->now) : to;
        if (player->tcp == NULL)
            continue;
        tcp_time_out(player->tcp, player->now);
        script_ask(player);
        if (is_due && player->segments->len + player->events->len + player->states->len == 0) {
            script_fail(player, "a timer fires, and nothing comes of it");
            return;
        }
    }
}

/* ---- What is done to the engine ---- */

static inline void script_connect(ScriptPlayer *player, TcpConnection *tcp)
{
    g_clear_pointer(&player->tcp, tcp_free);
    player->tcp = tcp;
    player->our_window = player->peer_window = -1;
    player->written = player->read = 0;
    script_observe(player, TCP_CLOSED, tcp_state(tcp), TCP_ON_ACTIVE_OPEN);
    tcp_set_observer(tcp, script_observe, player);
}

/* Each octet of a stream is known by its sequence number. */
static inline uint8_t script_octet(uint32_t seq)
{
    return (uint8_t)('a' + seq % 26);
}

static inline Slice script_octets(uint32_t seq, size_t length)
{
    Octets *octets = octets_allocate(length);
    for (size_t i = 0; i < length; i++)
        octets->here[i] = script_octet(seq + (uint32_t)i);
    return (Slice){octets, 0, length};
}

/* True when these are the octets of the stream at `seq`. */
static inline bool script_are_octets(Slice text, uint32_t seq)
{
    Span span = slice_span(text);
    for (size_t i = 0; i < span.length; i++) {
        if (span.data[i] != script_octet(seq + (uint32_t)i))
            return false;
    }
    return true;
}

/* As net/tcp_host.c does it. */
static inline void script_deliver(ScriptPlayer *player, Segment *segment)
{
    enum { KINDS = SEGMENT_SYN | SEGMENT_RST | SEGMENT_ACK };
    bool has_connection = player->tcp != NULL && !tcp_is_finished(player->tcp);
    bool opens = player->is_listening && (segment->flags & KINDS) == SEGMENT_SYN;
    if (has_connection && opens && tcp_can_reopen(player->tcp, segment)) {
        player->iss = tcp_peek_info(player->tcp).snd_nxt + 1;
        has_connection = false;
    }
    if (has_connection) {
        tcp_receive(player->tcp, segment, player->now);
    } else if (opens) {
        script_connect(player, tcp_new_passive(player->options, player->iss, segment, player->now));
    } else if (!player->is_listening || (segment->flags & KINDS) != 0) {
        Segment reply;
        if (tcp_reply_for_closed(segment, &reply))
            g_array_append_val(player->segments, reply);
    }
}

/* How far the next segment of a row lies behind this one. */
static inline uint32_t script_stride(const ScriptStep *step)
{
    const uint8_t flags = step->segment.flags;
    return step->length + ((flags & SEGMENT_SYN) != 0) + ((flags & SEGMENT_FIN) != 0);
}

/* The peer's text comes in two pieces, as it may: in one it comes in the tests of the engine. */
static inline void script_fill(Segment *segment, size_t length)
{
    uint32_t seq = segment->seq + ((segment->flags & SEGMENT_SYN) != 0);
    size_t here = (length + 2) / 3;
    segment->payload = script_octets(seq, here);
    segment->payload_rest = script_octets(seq + (uint32_t)here, length - here);
}

static inline void script_peer_sends(ScriptPlayer *player, const ScriptStep *step)
{
    bool is_reset = (step->segment.flags & SEGMENT_RST) != 0;
    int64_t window = step->has_window ? step->segment.window : player->peer_window;
    if (window < 0 && !is_reset)
        script_fail(player, "the first segment of the peer says `win`");
    for (uint32_t i = 0; i < step->times && player->failure == NULL; i++) {
        Segment segment = step->segment;
        segment.seq += i * script_stride(step);
        segment.ack += i * step->ack_step;
        segment.window = (uint16_t)MAX(window, 0);
        script_fill(&segment, step->length);
        if (i > 0)
            script_ask(player);
        script_deliver(player, &segment);
        segment_clear(&segment);
    }
    if (!is_reset)
        player->peer_window = window; /* now, as a new connection has forgotten it */
}

static inline void script_write(ScriptPlayer *player, const ScriptStep *step)
{
    Slice text = script_octets(player->iss + 1 + player->written, (size_t)step->value);
    size_t taken = tcp_write(player->tcp, text);
    slice_clear(&text);
    player->written += (uint32_t)taken;
    if (taken != (size_t)step->taken)
        script_fail(player, "%" G_GINT64_FORMAT " octets are to be taken, but %zu are", step->taken,
                    taken);
}

static inline void script_read(ScriptPlayer *player, const ScriptStep *step)
{
    Slice text = tcp_read(player->tcp, (size_t)step->value);
    if (text.length != (size_t)step->value)
        script_fail(player, "only %zu octets can be read", text.length);
    else if (!script_are_octets(text, tcp_peek_info(player->tcp).irs + 1 + player->read))
        script_fail(player, "what is read is not what was sent");
    player->read += (uint32_t)text.length;
    slice_clear(&text);
}

static inline void script_icmp(ScriptPlayer *player, const ScriptStep *step)
{
    if (step->which == TCP_ICMP_FRAGMENTATION_NEEDED)
        tcp_icmp_too_large(player->tcp, step->segment.seq, (uint32_t)step->value);
    else
        tcp_icmp_unreachable(player->tcp, (TcpIcmp)step->which);
}

/* ---- What is expected ---- */

static inline void script_compare_segment(ScriptPlayer *player, Segment *expected, uint32_t length)
{
    g_autofree char *wanted = script_segment_text(expected, length);
    if (player->segments->len == 0) {
        g_autofree char *deadline =
            script_time_text(player->tcp != NULL ? tcp_deadline(player->tcp) : SIM_NEVER);
        script_fail(player, "`%s` is expected, but the engine sends nothing (deadline %s)", wanted,
                    deadline);
        return;
    }
    Segment *sent = &g_array_index(player->segments, Segment, 0);
    g_autofree char *got = script_segment_text(sent, segment_payload_size(sent));
    uint32_t is_syn = (sent->flags & SEGMENT_SYN) != 0;
    if (strcmp(wanted, got) != 0)
        script_fail(player, "`%s` is expected, but the engine sends `%s`", wanted, got);
    else if (!script_are_octets(sent->payload, sent->seq + is_syn) ||
             !script_are_octets(sent->payload_rest,
                                sent->seq + is_syn + (uint32_t)sent->payload.length))
        script_fail(player, "the text of `%s` is not what was written", got);
    segment_clear(sent);
    g_array_remove_index(player->segments, 0);
}

static inline void script_we_send(ScriptPlayer *player, const ScriptStep *step)
{
    Segment expected = step->segment;
    bool is_reset = (expected.flags & SEGMENT_RST) != 0;
    if (step->has_window && !is_reset)
        player->our_window = step->segment.window;
    if (!is_reset)
        expected.window = (uint16_t)MAX(player->our_window, 0);
    for (uint32_t i = 0; i < step->times && player->failure == NULL; i++) {
        script_compare_segment(player, &expected, step->length);
        expected.seq += script_stride(step);
        expected.ack += step->ack_step;
    }
}

static inline void script_expect_event(ScriptPlayer *player, const ScriptStep *step)
{
    const char *wanted = script_event_names[step->which];
    if (player->events->len == 0) {
        script_fail(player, "`event %s` is expected, but none is told", wanted);
        return;
    }
    const TcpEvent *event = &g_array_index(player->events, TcpEvent, 0);
    bool is_right = event->kind == (TcpEventKind)step->which &&
                    (step->icmp == TCP_ICMP_NONE || step->icmp == event->icmp) &&
                    (step->retries < 0 || step->retries == event->retries) &&
                    (step->unacknowledged < 0 || step->unacknowledged == event->unacknowledged);
    g_autofree char *got = script_event_text(event);
    if (!is_right)
        script_fail(player, "another `event %s` is expected, but what is told is `event %s`",
                    wanted, got);
    g_array_remove_index(player->events, 0);
}

/* The next state that was entered; when there is none, that which still is. */
static inline void script_expect_state(ScriptPlayer *player, const ScriptStep *step)
{
    TcpState state = player->tcp != NULL ? tcp_state(player->tcp) : TCP_CLOSED;
    if (player->states->len > 0) {
        state = (TcpState)g_array_index(player->states, uint8_t, 0);
        g_array_remove_index(player->states, 0);
    }
    if (state != (TcpState)step->which)
        script_fail(player, "`state %s` is expected, but it is %s", tcp_table.states[step->which],
                    tcp_table.states[state]);
}

static inline void script_expect_number(ScriptPlayer *player, const char *what, int64_t expected,
                                        int64_t actual)
{
    if (expected != actual)
        script_fail(player, "`%s %" G_GINT64_FORMAT "` is expected, but it is %" G_GINT64_FORMAT,
                    what, expected, actual);
}

static inline void script_expect_time(ScriptPlayer *player, const char *what, SimTime expected,
                                      SimTime actual)
{
    g_autofree char *wanted = script_time_text(expected);
    g_autofree char *got = script_time_text(actual);
    if (expected != actual)
        script_fail(player, "`%s %s` is expected, but it is %s", what, wanted, got);
}

static inline int64_t script_field_value(const TcpInfo *info, const ScriptField *field)
{
    const char *at = (const char *)info + field->offset;
    uint32_t word = 0;
    int64_t wide = 0;
    bool flag = false;
    if (field->size == sizeof flag)
        return memcpy(&flag, at, sizeof flag), flag;
    if (field->size == sizeof word)
        return memcpy(&word, at, sizeof word), word;
    return memcpy(&wide, at, sizeof wide), wide;
}

static inline void script_expect_info(ScriptPlayer *player, const ScriptStep *step)
{
    const ScriptField *field = &script_fields[step->which];
    TcpInfo info = tcp_peek_info(player->tcp);
    int64_t actual = script_field_value(&info, field);
    g_autofree char *what = g_strdup_printf("info %s", field->name);
    if (field->unit == SCRIPT_DURATION)
        script_expect_time(player, what, step->value, actual);
    else
        script_expect_number(player, what, step->value, actual);
}

/* ---- Playing ---- */

static inline void script_clear_connection(ScriptPlayer *player)
{
    g_clear_pointer(&player->tcp, tcp_free);
    for (guint i = 0; i < player->segments->len; i++)
        segment_clear(&g_array_index(player->segments, Segment, i));
    g_array_set_size(player->segments, 0);
    g_array_set_size(player->events, 0);
    g_array_set_size(player->states, 0);
}

static inline void script_play_begin(ScriptPlayer *player, const ScriptStep *step)
{
    script_clear_connection(player);
    player->options = &g_array_index(player->script->options, TcpOptions, step->which);
    player->is_listening = false;
    player->iss = SCRIPT_OUR_ISS;
    player->our_window = player->peer_window = -1;
    player->now = 0;
}

/* Steps that need no connection, or make one. */
static inline bool script_play_opening(ScriptPlayer *player, const ScriptStep *step)
{
    switch (step->kind) {
    case SCRIPT_BEGIN:
        script_play_begin(player, step);
        return true;
    case SCRIPT_OPEN:
        player->iss = (uint32_t)step->value;
        script_connect(player, tcp_new_active(player->options, player->iss, player->now));
        return true;
    case SCRIPT_LISTEN:
        player->iss = (uint32_t)step->value;
        player->is_listening = true;
        return true;
    case SCRIPT_PEER_SENDS:
        script_peer_sends(player, step);
        return true;
    case SCRIPT_WE_SEND:
        script_we_send(player, step);
        return true;
    case SCRIPT_EVENT:
        script_expect_event(player, step);
        return true;
    case SCRIPT_STATE:
        script_expect_state(player, step);
        return true;
    case SCRIPT_NOTHING:
        script_all_is_told(player);
        return true;
    default:
        return false;
    }
}

static inline void script_play_connected(ScriptPlayer *player, const ScriptStep *step)
{
    TcpConnection *tcp = player->tcp;
    switch (step->kind) {
    case SCRIPT_WRITE:
        script_write(player, step);
        break;
    case SCRIPT_READ:
        script_read(player, step);
        break;
    case SCRIPT_SHUTDOWN:
        tcp_close_sending(tcp);
        break;
    case SCRIPT_CLOSE:
        tcp_close(tcp);
        break;
    case SCRIPT_ABORT:
        tcp_abort(tcp);
        break;
    case SCRIPT_ICMP:
        script_icmp(player, step);
        break;
    case SCRIPT_LIMIT_MSS:
        tcp_limit_mss(tcp, (uint16_t)step->value);
        break;
    case SCRIPT_DEADLINE:
        script_expect_time(player, "deadline", step->value, tcp_deadline(tcp));
        break;
    case SCRIPT_READABLE:
        script_expect_number(player, "readable", step->value, (int64_t)tcp_readable(tcp));
        break;
    case SCRIPT_ROOM:
        script_expect_number(player, "room", step->value, (int64_t)tcp_write_room(tcp));
        break;
    case SCRIPT_INFO:
        script_expect_info(player, step);
        break;
    default:
        g_assert_not_reached();
    }
}

static inline void script_play_step(ScriptPlayer *player, const ScriptStep *step)
{
    if (script_is_input(step->kind) && !step->is_joined && !script_all_is_told(player))
        return;
    if (script_play_opening(player, step))
        return;
    if (player->tcp == NULL)
        script_fail(player, "there is no connection yet");
    else
        script_play_connected(player, step);
}

static inline bool script_is_joined_to_next(const GArray *steps, guint i)
{
    return i + 1 < steps->len && g_array_index(steps, ScriptStep, i + 1).is_joined;
}

static inline void script_play_all(ScriptPlayer *player)
{
    const GArray *steps = player->script->steps;
    for (guint i = 0; i < steps->len && player->failure == NULL; i++) {
        player->step = &g_array_index(steps, ScriptStep, i);
        if (player->step->kind == SCRIPT_BEGIN && !script_all_is_told(player))
            return;
        script_go_on(player, player->step->at);
        if (player->failure == NULL)
            script_play_step(player, player->step);
        if (script_is_input(player->step->kind) && !script_is_joined_to_next(steps, i))
            script_ask(player);
    }
    player->is_over = true;
    script_all_is_told(player);
}

/* NULL when all goes as the script says; else what does not, and in which line, to be freed. If
 * `saved` is not NULL, a connection in TIME-WAIT is saved and restored after each thing that is
 * done to it, where that can be, and counted. */
static inline char *tcp_script_play(const TcpScript *script, unsigned *saved)
{
    ScriptPlayer player = {
        .script = script,
        .saved = saved,
        .segments = g_array_new(FALSE, FALSE, sizeof(Segment)),
        .events = g_array_new(FALSE, FALSE, sizeof(TcpEvent)),
        .states = g_array_new(FALSE, FALSE, sizeof(uint8_t)),
    };
    script_play_all(&player);
    script_clear_connection(&player);
    g_array_unref(player.segments);
    g_array_unref(player.events);
    g_array_unref(player.states);
    return player.failure;
}
