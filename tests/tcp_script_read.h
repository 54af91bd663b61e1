/* Reads scripts of TCP (tcp_script.h). What is wrong with a script is said in one line, `FILE:LINE:
 * ...`. */
#pragma once

#include "core/units.h"
#include "scenario/reader.h"
#include "scenario/tcp_parameters.h"
#include "tcp_script.h"

#include <string.h>

typedef struct ScriptReader {
    TcpScript *script;
    unsigned line;
    SimTime now;
    char **words; /* of the step that is being read, ended by NULL */
    size_t next;
    char *error; /* the first */
} ScriptReader;

/* Notes what is wrong, and gives false. */
G_GNUC_PRINTF(2, 3)
static inline bool script_wrong(ScriptReader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (reader->error == NULL)
        reader->error = g_strdup_printf("%s:%u: %s", reader->script->file, reader->line, text);
    return false;
}

static inline const char *script_peek(const ScriptReader *reader)
{
    return reader->words[reader->next];
}

/* Takes the next word if it is this one. */
static inline bool script_take(ScriptReader *reader, const char *word)
{
    if (g_strcmp0(script_peek(reader), word) != 0)
        return false;
    reader->next++;
    return true;
}

/* The next word as one of `names`, of which those that are NULL do not count. */
static inline bool script_read_name(ScriptReader *reader, const char *what,
                                    const char *const *names, size_t count, size_t *which)
{
    const char *word = script_peek(reader);
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            continue;
        if (g_strcmp0(word, names[i]) == 0) {
            reader->next++;
            *which = i;
            return true;
        }
        g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", names[i]);
    }
    return script_wrong(reader, "`%s` is no %s; there are %s", word != NULL ? word : "", what,
                        list->str);
}

static inline bool script_number_of(ScriptReader *reader, const char *what, const char *text,
                                    uint64_t maximum, uint64_t *number)
{
    if (text != NULL && g_ascii_string_to_unsigned(text, 10, 0, maximum, number, NULL))
        return true;
    return script_wrong(reader, "%s is a number up to %" G_GUINT64_FORMAT ", not `%s`", what,
                        maximum, text != NULL ? text : "");
}

static inline bool script_read_number(ScriptReader *reader, const char *what, uint64_t maximum,
                                      uint64_t *number)
{
    return script_number_of(reader, what, script_peek(reader), maximum, number) &&
           (reader->next++, true);
}

static inline bool script_read_u32(ScriptReader *reader, const char *what, uint32_t *number)
{
    uint64_t wide = 0;
    bool is_read = script_read_number(reader, what, UINT32_MAX, &wide);
    *number = (uint32_t)wide;
    return is_read;
}

/* A duration: two words, `10 ms`. */
static inline bool script_read_duration(ScriptReader *reader, SimTime *duration)
{
    const char *number = script_peek(reader);
    const char *unit = number != NULL ? reader->words[reader->next + 1] : NULL;
    g_autofree char *text = g_strjoin(" ", number != NULL ? number : "", unit, NULL);
    g_autofree char *reason = NULL;
    if (unit == NULL)
        return script_wrong(reader, "`%s` is no time; it is two words, such as `10 ms`", text);
    if (!units_parse(UNITS_DURATION, span_of_text(text), duration, &reason))
        return script_wrong(reader, "`%s` %s", text, reason);
    if (*duration > SCRIPT_LONGEST)
        return script_wrong(reader, "`%s` is longer than a script, 1000 d at most", text);
    reader->next += 2;
    return true;
}

/* A moment: `10 ms`, or `+10 ms` behind the one before. */
static inline bool script_read_moment(ScriptReader *reader, SimTime *moment)
{
    char *word = reader->words[reader->next];
    bool is_relative = word != NULL && word[0] == '+';
    if (is_relative)
        memmove(word, word + 1, strlen(word));
    if (!script_read_duration(reader, moment))
        return false;
    if (is_relative)
        *moment += reader->now;
    if (*moment > SCRIPT_LONGEST)
        return script_wrong(reader, "a script is not longer than 1000 d");
    return true;
}

/* ---- Segments ---- */

static inline bool script_read_flags(ScriptReader *reader, uint8_t *flags)
{
    const char *word = script_peek(reader);
    const char *at = word;
    *flags = 0;
    for (size_t i = 0; at != NULL && i < G_N_ELEMENTS(script_flags); i++) {
        if (*at == script_flags[i].letter) {
            *flags |= script_flags[i].flag;
            at++;
        }
    }
    if (g_strcmp0(word, "-") != 0 && (at == word || *at != '\0'))
        return script_wrong(reader,
                            "`%s` are no flags; they are of F, S, R, P, A in this order, "
                            "or - for none",
                            word != NULL ? word : "");
    reader->next++;
    return true;
}

/* `SEQ` or `SEQ+LENGTH`. */
static inline bool script_read_range(ScriptReader *reader, ScriptStep *step)
{
    const char *word = script_peek(reader);
    g_auto(GStrv) parts = g_strsplit(word != NULL ? word : "", "+", 2);
    uint64_t seq = 0, length = 0;
    if (!script_number_of(reader, "a sequence number", parts[0], UINT32_MAX, &seq))
        return false;
    if (parts[0] != NULL && parts[1] != NULL &&
        !script_number_of(reader, "a length", parts[1], UINT16_MAX, &length))
        return false;
    step->segment.seq = (uint32_t)seq;
    step->length = (uint32_t)length;
    reader->next++;
    return true;
}

static inline bool script_read_ack(ScriptReader *reader, ScriptStep *step)
{
    bool has_flag = (step->segment.flags & SEGMENT_ACK) != 0;
    bool has_ack = script_take(reader, "ack");
    if (has_flag != has_ack)
        return script_wrong(reader, has_flag ? "a segment with the flag A says `ack NUMBER`"
                                             : "`ack` needs the flag A");
    if (!has_ack)
        return true;
    return script_read_u32(reader, "an acknowledgement number", &step->segment.ack) &&
           (!script_take(reader, "step") || script_read_u32(reader, "a step", &step->ack_step));
}

static inline SegmentSending script_usual_sending(const Segment *segment, uint32_t length)
{
    if ((segment->flags & SEGMENT_RST) != 0)
        return SEGMENT_SENDING_RESET;
    return length > 0 || (segment->flags & (SEGMENT_SYN | SEGMENT_FIN)) != 0
               ? SEGMENT_SENDING_FIRST
               : SEGMENT_SENDING_PURE_ACK;
}

static inline bool script_read_segment(ScriptReader *reader, ScriptStep *step)
{
    Segment *segment = &step->segment;
    uint64_t window = 0, mss = 0, scale = SEGMENT_NO_WINDOW_SCALE, times = 1;
    if (!script_read_flags(reader, &segment->flags) || !script_read_range(reader, step) ||
        !script_read_ack(reader, step))
        return false;
    step->has_window = script_take(reader, "win");
    if (step->has_window && (segment->flags & SEGMENT_RST) != 0)
        return script_wrong(reader, "the window of a RST says nothing, so it has no `win`");
    if (step->has_window && !script_read_number(reader, "a window", UINT16_MAX, &window))
        return false;
    if (script_take(reader, "mss") && !script_read_number(reader, "an MSS", UINT16_MAX, &mss))
        return false;
    if (script_take(reader, "wscale") && !script_read_number(reader, "a shift count", 254, &scale))
        return false;
    if ((mss != 0 || scale != SEGMENT_NO_WINDOW_SCALE) && (segment->flags & SEGMENT_SYN) == 0)
        return script_wrong(reader, "`mss` and `wscale` need the flag S");
    const char *word = script_peek(reader);
    if (word != NULL && word[0] == 'x') {
        if (!script_number_of(reader, "how often", word + 1, SCRIPT_TIMES, &times))
            return false;
        reader->next++;
    }
    size_t sending = script_usual_sending(segment, step->length);
    if (step->kind == SCRIPT_WE_SEND && script_peek(reader) != NULL &&
        !script_read_name(reader, "reason to send", script_sending_names,
                          G_N_ELEMENTS(script_sending_names), &sending))
        return false;
    segment->window = (uint16_t)window;
    segment->mss = (uint16_t)mss;
    segment->window_scale = (uint8_t)scale;
    segment->sending = (uint8_t)sending;
    step->times = (uint32_t)times;
    return true;
}

/* ---- Steps ---- */

static inline bool script_read_nothing(ScriptReader *reader, ScriptStep *step)
{
    (void)reader, (void)step;
    return true;
}

static inline bool script_read_count(ScriptReader *reader, ScriptStep *step)
{
    uint32_t count = 0;
    bool is_read = script_read_u32(reader, "how many", &count);
    step->value = count;
    return is_read;
}

/* What is left of a hop's least MTU (RFC 791 §3.2) is the least MSS. */
static inline bool script_read_mss(ScriptReader *reader, ScriptStep *step)
{
    uint64_t mss = 0;
    if (!script_read_number(reader, "an MSS", UINT16_MAX, &mss))
        return false;
    step->value = (int64_t)mss;
    return mss >= tcp_mss_of_mtu(0) || script_wrong(reader, "an MSS is at least 28");
}

static inline bool script_read_iss(ScriptReader *reader, ScriptStep *step)
{
    uint32_t iss = SCRIPT_OUR_ISS;
    bool is_read = !script_take(reader, "iss") || script_read_u32(reader, "an ISS", &iss);
    step->value = iss;
    return is_read;
}

static inline bool script_read_write(ScriptReader *reader, ScriptStep *step)
{
    uint64_t length = 0, taken = 0;
    if (!script_read_number(reader, "how many octets", SCRIPT_WRITE_MOST, &length))
        return false;
    taken = length;
    if (script_take(reader, "takes") &&
        !script_read_number(reader, "how many are taken", length, &taken))
        return false;
    step->value = (int64_t)length;
    step->taken = (int64_t)taken;
    return true;
}

static inline bool script_read_icmp(ScriptReader *reader, ScriptStep *step)
{
    size_t names = G_N_ELEMENTS(script_icmp_names);
    if (!script_read_name(reader, "ICMP error", script_icmp_names, names, &step->which))
        return false;
    if (step->which != TCP_ICMP_FRAGMENTATION_NEEDED)
        return true;
    uint32_t mtu = 0;
    if (!script_read_u32(reader, "a sequence number", &step->segment.seq))
        return false;
    if (!script_take(reader, "mtu"))
        return script_wrong(reader, "`icmp too-large SEQ mtu OCTETS` is how it is written");
    bool is_read = script_read_u32(reader, "an MTU", &mtu);
    step->value = mtu;
    return is_read;
}

static inline bool script_read_event(ScriptReader *reader, ScriptStep *step)
{
    uint64_t retries = 0, unacknowledged = 0;
    size_t icmp = TCP_ICMP_NONE;
    step->retries = step->unacknowledged = -1;
    if (!script_read_name(reader, "event", script_event_names, G_N_ELEMENTS(script_event_names),
                          &step->which))
        return false;
    if (script_take(reader, "icmp") && !script_read_name(reader, "ICMP error", script_icmp_names,
                                                         G_N_ELEMENTS(script_icmp_names), &icmp))
        return false;
    step->icmp = (TcpIcmp)icmp;
    if (script_take(reader, "retries")) {
        if (!script_read_number(reader, "how many retries", UINT8_MAX, &retries))
            return false;
        step->retries = (int64_t)retries;
    }
    if (script_take(reader, "unacknowledged")) {
        if (!script_read_number(reader, "how many octets", UINT32_MAX, &unacknowledged))
            return false;
        step->unacknowledged = (int64_t)unacknowledged;
    }
    return true;
}

static inline bool script_read_state(ScriptReader *reader, ScriptStep *step)
{
    return script_read_name(reader, "state", tcp_table.states, TCP_STATE_COUNT, &step->which);
}

static inline bool script_read_deadline(ScriptReader *reader, ScriptStep *step)
{
    step->value = SIM_NEVER;
    return script_take(reader, "none") || script_read_moment(reader, &step->value);
}

static inline bool script_read_info(ScriptReader *reader, ScriptStep *step)
{
    const char *names[G_N_ELEMENTS(script_fields)];
    for (size_t i = 0; i < G_N_ELEMENTS(script_fields); i++)
        names[i] = script_fields[i].name;
    if (!script_read_name(reader, "value of the connection", names, G_N_ELEMENTS(names),
                          &step->which))
        return false;
    static const char *const answers[] = {"no", "yes"};
    size_t answer = 0;
    uint32_t number = 0;
    bool is_read = false;
    switch (script_fields[step->which].unit) {
    case SCRIPT_NUMBER:
        is_read = script_read_u32(reader, "the value", &number);
        step->value = number;
        break;
    case SCRIPT_DURATION:
        is_read = script_read_duration(reader, &step->value);
        break;
    case SCRIPT_YES_OR_NO:
        is_read = script_read_name(reader, "answer", answers, G_N_ELEMENTS(answers), &answer);
        step->value = (int64_t)answer;
        break;
    }
    return is_read;
}

typedef bool ScriptReadStep(ScriptReader *reader, ScriptStep *step);

/* Every step but `established`, which stands for several. */
static const struct {
    const char *name;
    ScriptReadStep *read;
} script_steps[] = {
    [SCRIPT_OPEN] = {"open", script_read_iss},
    [SCRIPT_LISTEN] = {"listen", script_read_iss},
    [SCRIPT_PEER_SENDS] = {"<", script_read_segment},
    [SCRIPT_WRITE] = {"write", script_read_write},
    [SCRIPT_READ] = {"read", script_read_count},
    [SCRIPT_SHUTDOWN] = {"shutdown", script_read_nothing},
    [SCRIPT_CLOSE] = {"close", script_read_nothing},
    [SCRIPT_ABORT] = {"abort", script_read_nothing},
    [SCRIPT_ICMP] = {"icmp", script_read_icmp},
    [SCRIPT_LIMIT_MSS] = {"limit-mss", script_read_mss},
    [SCRIPT_WE_SEND] = {">", script_read_segment},
    [SCRIPT_EVENT] = {"event", script_read_event},
    [SCRIPT_STATE] = {"state", script_read_state},
    [SCRIPT_DEADLINE] = {"deadline", script_read_deadline},
    [SCRIPT_READABLE] = {"readable", script_read_count},
    [SCRIPT_ROOM] = {"room", script_read_count},
    [SCRIPT_INFO] = {"info", script_read_info},
    [SCRIPT_NOTHING] = {"nothing", script_read_nothing},
};

static inline bool script_is_input(ScriptStepKind kind)
{
    return kind > SCRIPT_BEGIN && kind < SCRIPT_WE_SEND;
}

/* What may be listed: `event CONNECTED, READABLE`. */
static inline bool script_is_list(ScriptStepKind kind)
{
    return kind == SCRIPT_EVENT || kind == SCRIPT_STATE || kind == SCRIPT_INFO;
}

static inline bool script_read_step(ScriptReader *reader, bool is_joined)
{
    const char *names[G_N_ELEMENTS(script_steps)];
    size_t kind = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(script_steps); i++)
        names[i] = script_steps[i].name;
    if (!script_read_name(reader, "step", names, G_N_ELEMENTS(names), &kind))
        return false;
    bool has_more = false;
    do {
        ScriptStep step = {.kind = (ScriptStepKind)kind,
                           .line = reader->line,
                           .at = reader->now,
                           .is_joined = is_joined};
        if (!script_steps[kind].read(reader, &step))
            return false;
        g_array_append_val(reader->script->steps, step);
        has_more = script_is_list(step.kind) && script_take(reader, ",");
    } while (has_more);
    return true;
}

static inline ScriptStepKind script_last_kind(const ScriptReader *reader)
{
    const GArray *steps = reader->script->steps;
    return g_array_index(steps, ScriptStep, steps->len - 1).kind;
}

/* All steps of a line, which `;` joins. */
static inline bool script_read_steps(ScriptReader *reader)
{
    bool is_joined = false;
    do {
        if (!script_read_step(reader, is_joined))
            return false;
        bool goes_on = g_strcmp0(script_peek(reader), ";") == 0;
        if ((is_joined || goes_on) && !script_is_input(script_last_kind(reader)))
            return script_wrong(reader, "`;` joins what is done to the engine, not what is "
                                        "expected of it");
        is_joined = true;
    } while (script_take(reader, ";"));
    if (script_peek(reader) != NULL)
        return script_wrong(reader, "`%s` is too much on this line", script_peek(reader));
    return true;
}

/* Words of a line without its comment; `,` and `;` are words too. */
static inline char **script_split(const char *line)
{
    g_autoptr(GString) spaced = g_string_new(NULL);
    for (const char *at = line; *at != '\0' && *at != '#'; at++) {
        bool is_mark = *at == ',' || *at == ';';
        g_string_append_printf(spaced, is_mark ? " %c " : "%c", *at);
    }
    g_auto(GStrv) parts = g_strsplit_set(spaced->str, " \t\r", -1);
    GPtrArray *words = g_ptr_array_new();
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (*parts[i] != '\0')
            g_ptr_array_add(words, g_strdup(parts[i]));
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

static inline TcpOptions *script_options(const ScriptReader *reader)
{
    const GArray *options = reader->script->options;
    return &g_array_index(options, TcpOptions, options->len - 1);
}

static inline void script_begin(ScriptReader *reader)
{
    TcpOptions options;
    tcp_options_init(&options, TCP_PROFILE_RFC);
    options.mss = SCRIPT_MSS;
    ScriptStep step = {
        .kind = SCRIPT_BEGIN, .line = reader->line, .which = reader->script->options->len};
    g_array_append_val(reader->script->options, options);
    g_array_append_val(reader->script->steps, step);
    reader->now = 0;
}

/* `tcp: {profile: linux}`: the keys of a scenario, read as one. */
static inline bool script_read_options(ScriptReader *reader, const char *line)
{
    if (script_last_kind(reader) != SCRIPT_BEGIN)
        return script_wrong(reader, "`tcp:` comes before all steps");
    g_autofree char *text = g_strdup_printf("mailsim: 1\nservers: {a.example: {domains: "
                                            "[a.example]}}\nnetwork:\n  %s\n",
                                            line);
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_bytes("tcp", span_of_text(text), diagnostics);
    if (scenario == NULL)
        return script_wrong(reader, "%s", diagnostics_peek(diagnostics, 0)->text);
    TcpOptions *options = script_options(reader);
    *options = tcp_parameters_options(&scenario->network.tcp, NULL);
    if (scenario->network.tcp.mss_bytes == SCENARIO_UNSET)
        options->mss = SCRIPT_MSS;
    return true;
}

static inline bool script_read_line(ScriptReader *reader, const char *line);

/* `established`: the handshake of figure 6, in so many lines. */
static inline bool script_establish(ScriptReader *reader, SimTime at)
{
    const TcpOptions *options = script_options(reader);
    uint32_t window = SCRIPT_PEER_WINDOW;
    if (script_take(reader, "win") && !script_read_u32(reader, "a window", &window))
        return false;
    if (script_peek(reader) != NULL)
        return script_wrong(reader, "`TIME established` or `TIME established win NUMBER` is how it "
                                    "is written");
    g_autofree char *scale = options->window_scale != SEGMENT_NO_WINDOW_SCALE
                                 ? g_strdup_printf(" wscale %u", options->window_scale)
                                 : g_strdup("");
    g_autofree char *text =
        g_strdup_printf("open\nstate SYN-SENT\n> S 1000 win %u mss %u%s\n"
                        "%" G_GINT64_FORMAT " ns < SA 5000 ack 1001 win %u mss 1000\n"
                        "state ESTABLISHED\nevent CONNECTED\n> A 1001 ack 5001",
                        MIN(options->receive_buffer, UINT16_MAX), options->mss, scale, at, window);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (!script_read_line(reader, lines[i]))
            return false;
    }
    return true;
}

static inline bool script_read_words(ScriptReader *reader)
{
    SimTime at = reader->now;
    const char *word = script_peek(reader);
    if (word == NULL)
        return true;
    if ((g_ascii_isdigit(*word) || *word == '+') && !script_read_moment(reader, &at))
        return false;
    if (at < reader->now)
        return script_wrong(reader, "the time goes back");
    if (script_take(reader, "established"))
        return script_establish(reader, at);
    reader->now = at;
    return script_read_steps(reader);
}

static inline bool script_read_line(ScriptReader *reader, const char *line)
{
    if (g_str_has_prefix(line, "== ")) {
        if (script_last_kind(reader) != SCRIPT_BEGIN)
            script_begin(reader);
        return true;
    }
    if (g_str_has_prefix(line, "tcp:"))
        return script_read_options(reader, line);
    char **words = reader->words;
    size_t next = reader->next;
    reader->words = script_split(line);
    reader->next = 0;
    bool is_read = script_read_words(reader);
    g_strfreev(reader->words);
    reader->words = words;
    reader->next = next;
    return is_read;
}

static inline bool script_read_text(ScriptReader *reader, Span text)
{
    g_autofree char *copy = g_strndup((const char *)text.data, text.length);
    reader->line = 1;
    script_begin(reader);
    if (text.length > SCRIPT_SIZE_MOST)
        return script_wrong(reader, "the file is too large");
    if (!g_utf8_validate(copy, (gssize)text.length, NULL))
        return script_wrong(reader, "the file is not UTF-8");
    if (!g_regex_match_simple("^# RFC [0-9]+ §[0-9A-Z][0-9.]*\\b.*: .", copy, 0, 0))
        return script_wrong(reader, "the first line names the rule: `# RFC 9293 §3.5: what it "
                                    "says`");
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++) {
        reader->line = (unsigned)i + 1;
        if (!script_read_line(reader, lines[i]))
            return false;
    }
    if (script_last_kind(reader) == SCRIPT_BEGIN)
        return script_wrong(reader, "there are no steps");
    return true;
}

/* The steps of a script; NULL when it is wrong: `*error` then says where and why, to be freed. */
static inline TcpScript *tcp_script_read(const char *file, Span text, char **error)
{
    g_autoptr(TcpScript) script = g_new0(TcpScript, 1);
    script->file = g_strdup(file);
    script->steps = g_array_new(FALSE, TRUE, sizeof(ScriptStep));
    script->options = g_array_new(FALSE, TRUE, sizeof(TcpOptions));
    ScriptReader reader = {.script = script};
    if (script_read_text(&reader, text))
        return g_steal_pointer(&script);
    *error = reader.error;
    return NULL;
}
