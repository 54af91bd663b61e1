/* SMTP replies: values, writing, reading. See smtp_reply.h.
 *
 * Reading is lenient where it does no harm: a line may end in LF alone, may be longer than 512
 * octets, and may have a code and nothing else (RFC 5321 §4.2 asks for the last). */
#include "proto/smtp_reply.h"

#include "core/check.h"
#include "core/sanitized.h"
#include "core/text.h"

#include <string.h>

SmtpReply smtp_reply(uint16_t code, const char *enhanced, const char *text)
{
    SmtpReply reply = {.code = code, .text = span_of_text(text)};
    if (enhanced != NULL) {
        size_t used = 0;
        CHECK(smtp_enhanced_parse(span_of_text(enhanced), &reply.enhanced, &used));
    }
    return reply;
}

SmtpReplyClass smtp_reply_class(uint16_t code)
{
    if (code >= 500)
        return SMTP_REPLY_PERMANENT;
    if (code >= 400 || code < 200) /* no reply at all (code 0) is a reason to try again */
        return SMTP_REPLY_TEMPORARY;
    return code >= 300 ? SMTP_REPLY_INTERMEDIATE : SMTP_REPLY_SUCCESS;
}

SmtpReplyClass smtp_reply_class_of_rcpt(const SmtpReply *reply)
{
    const SmtpEnhanced *enhanced = &reply->enhanced;
    bool is_of_mailbox = enhanced->subject == 2;
    bool is_of_size = enhanced->subject == 3 && enhanced->detail == 4;
    bool is_of_something_else = enhanced->class == 5 && (is_of_mailbox || is_of_size);
    return reply->code == 552 && !is_of_something_else ? SMTP_REPLY_TEMPORARY
                                                       : smtp_reply_class(reply->code);
}

/* Reads a dot and one to three digits, mostly one, at `at`; what is behind them, or NULL if there
 * are none. */
static inline const uint8_t *number_read(const uint8_t *at, const uint8_t *end, uint16_t *number)
{
    if (end - at < 2 || at[0] != '.' || at[1] < '0' || at[1] > '9')
        return NULL;
    unsigned value = (unsigned)(at[1] - '0');
    at += 2;
    for (int more = 0; more < 2 && at < end && *at >= '0' && *at <= '9'; more++)
        value = value * 10 + (unsigned)(*at++ - '0');
    *number = (uint16_t)value;
    return at;
}

bool smtp_enhanced_parse(Span text, SmtpEnhanced *enhanced, size_t *used)
{
    /* RFC 2034 §4: status-code ::= class "." subject "." detail, with class 2, 4 or 5. */
    const uint8_t *at = text.data, *end = at + text.length;
    SmtpEnhanced value = {0};
    if (text.length == 0 || (*at != '2' && *at != '4' && *at != '5'))
        return false;
    value.class = (uint8_t)(*at++ - '0');
    if ((at = number_read(at, end, &value.subject)) == NULL ||
        (at = number_read(at, end, &value.detail)) == NULL)
        return false;
    if (at < end && *at++ != ' ')
        return false;
    *enhanced = value;
    *used = (size_t)(at - text.data);
    return true;
}

/* Writing */

size_t smtp_enhanced_format(SmtpEnhanced enhanced, char text[static SMTP_ENHANCED_TEXT_SIZE])
{
    if (enhanced.class == 0)
        return 0;
    size_t length = text_put_number(enhanced.class, text);
    text[length++] = '.';
    length += text_put_number(enhanced.subject % 1000U, text + length);
    text[length++] = '.';
    length += text_put_number(enhanced.detail % 1000U, text + length);
    text[length++] = ' ';
    return length;
}

/* Whatever a node quotes must not be able to end the line. */
static void mask_controls(uint8_t *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
}

/* What each line of a reply begins with. */
typedef struct LineHead {
    char text[sizeof "250 " + SMTP_ENHANCED_TEXT_SIZE];
    size_t length;
} LineHead;

enum { SEPARATOR = 3 }; /* where in the head it stands: `-` if more lines follow, ` ` if not */

static void head_write(const SmtpReply *reply, LineHead *head)
{
    head->text[0] = (char)('0' + reply->code / 100); /* three digits: checked by the caller */
    head->text[1] = (char)('0' + reply->code / 10 % 10);
    head->text[2] = (char)('0' + reply->code % 10);
    head->text[SEPARATOR] = '-';
    head->length = SEPARATOR + 1;
    head->length += smtp_enhanced_format(reply->enhanced, head->text + head->length);
}

/* Puts a line into the output; returns its text there. */
static Span line_put(const LineHead *head, Span text, Buffer *output)
{
    size_t taken = MIN(text.length, SMTP_REPLY_LINE_MAXIMUM - 2 - head->length);
    uint8_t *line = buffer_add(output, head->length + taken + 2);
    CHECK(line != NULL);
    line = mempcpy(line, head->text, head->length);
    if (taken > 0)
        memcpy(line, text.data, taken);
    memcpy(line + taken, "\r\n", 2);
    return span_of(line, taken);
}

static void line_write(const LineHead *head, Span text, Buffer *output)
{
    Span put = line_put(head, text, output);
    if (span_has_control(put))
        mask_controls((uint8_t *)put.data, put.length);
}

void smtp_reply_write_first(const SmtpReply *reply, Buffer *output)
{
    LineHead head;
    head_write(reply, &head);
    line_write(&head, reply->text, output);
}

void smtp_reply_write_line(const SmtpReply *reply, Buffer *output)
{
    CHECK_SANITIZED(!span_has_control(reply->text));
    LineHead head;
    head_write(reply, &head);
    head.text[SEPARATOR] = ' ';
    line_put(&head, reply->text, output);
}

void smtp_reply_write(const SmtpReply *reply, Buffer *output)
{
    CHECK(reply->code >= 200 && reply->code <= 599);
    CHECK(buffer_room(output) >= SMTP_REPLY_WIRE_MAXIMUM);
    Span rest = span_of(reply->text.data, MIN(reply->text.length, SMTP_REPLY_TEXT_MAXIMUM));
    LineHead head;
    head_write(reply, &head);
    for (size_t lines = 1;; lines++) {
        size_t length = span_find(rest, '\n');
        bool last = length == rest.length || lines == SMTP_REPLY_LINES_MAXIMUM;
        if (last)
            head.text[SEPARATOR] = ' ';
        line_write(&head, span_of(rest.data, length), output);
        if (last)
            return;
        rest = span_skip(rest, length + 1);
    }
}

/* Reading */

void smtp_reply_reader_init(SmtpReplyReader *reader)
{
    *reader = (SmtpReplyReader){0};
    buffer_init(&reader->text, SMTP_REPLY_READ_MAXIMUM);
}

void smtp_reply_reader_clear(SmtpReplyReader *reader)
{
    buffer_clear(&reader->text);
}

/* The three digits; 0 when the line does not start so. RFC 5321 §4.2 has the second digit end at 5,
 * but §4.3.2 has a client judge unknown codes by their first digit alone. */
static uint16_t code_parse(Span line)
{
    if (line.length < 3)
        return 0;
    unsigned digits[3];
    for (size_t i = 0; i < G_N_ELEMENTS(digits); i++)
        digits[i] = (unsigned)line.data[i] - '0'; /* what is below 0 becomes large */
    if (digits[0] < 2 || digits[0] > 5 || digits[1] > 9 || digits[2] > 9)
        return 0;
    return (uint16_t)(digits[0] * 100 + digits[1] * 10 + digits[2]);
}

/* Takes the enhanced code off the start of a line's text; RFC 2034 §4 repeats it on each line. */
static Span line_take_enhanced(SmtpReplyReader *reader, Span text)
{
    SmtpEnhanced enhanced = {0};
    size_t used = 0;
    bool may_be_there = text.length > 0 && text.data[0] == '0' + reader->code / 100;
    if (!may_be_there || !smtp_enhanced_parse(text, &enhanced, &used))
        return text;
    if (reader->enhanced.class == 0)
        reader->enhanced = enhanced;
    return span_skip(text, used);
}

/* Appends a line to those before it, LF between them; false: they are too long. */
static bool append_line(Buffer *lines, Span text, bool is_first)
{
    size_t length = text.length + !is_first;
    uint8_t *line = length > 0 ? buffer_add(lines, length) : NULL;
    if (line == NULL)
        return length == 0;
    if (!is_first)
        *line++ = '\n';
    if (text.length > 0)
        memcpy(line, text.data, text.length);
    return true;
}

/* Adds one line, without its line end, to the reply under way. A reply of one line, as most are,
 * stays where it is. */
static SmtpReplyRead reader_add_line(SmtpReplyReader *reader, Span line, SmtpReply *reply)
{
    uint16_t code = code_parse(line);
    bool first = reader->code == 0;
    if (code == 0 || (!first && code != reader->code))
        return SMTP_REPLY_READ_MALFORMED;
    uint8_t separator = line.length > 3 ? line.data[3] : ' ';
    if (separator != ' ' && separator != '-')
        return SMTP_REPLY_READ_MALFORMED;
    reader->code = code;
    Span text = line_take_enhanced(reader, span_skip(line, MIN(line.length, 4)));
    bool last = separator == ' ';
    if (!(first && last)) {
        if (!append_line(&reader->text, text, first))
            return SMTP_REPLY_READ_MALFORMED;
        text = buffer_peek(&reader->text);
    }
    if (!last)
        return SMTP_REPLY_READ_MORE;
    reader->done = true;
    *reply = (SmtpReply){reader->code, reader->enhanced, text};
    return SMTP_REPLY_READ_DONE;
}

/* Starts anew once a whole reply has been handed out. */
static void reader_restart(SmtpReplyReader *reader)
{
    if (reader->text.length > 0)
        buffer_consume(&reader->text, reader->text.length);
    reader->code = 0;
    reader->enhanced = (SmtpEnhanced){0};
    reader->done = reader->is_known = false;
    reader->tail_length = 0;
}

/* Takes the lines that are known, where they are what follows the first line. */
static bool reader_take_known(SmtpReplyReader *reader, Span rest, const SmtpReplyTail *known,
                              SmtpReply *reply)
{
    if (known == NULL || known->code != reader->code || reader->enhanced.class != 0 ||
        rest.length < known->wire.length ||
        memcmp(rest.data, known->wire.data, known->wire.length) != 0 ||
        !append_line(&reader->text, known->text, false))
        return false;
    reader->done = reader->is_known = true;
    *reply = (SmtpReply){reader->code, reader->enhanced, buffer_peek(&reader->text)};
    return true;
}

SmtpReplyRead smtp_reply_reader_read(SmtpReplyReader *reader, Intake *input,
                                     const SmtpReplyTail *known, SmtpReply *reply)
{
    if (reader->done)
        reader_restart(reader);
    Span whole = intake_peek(input), rest = whole;
    size_t used = 0, first_line = 0;
    SmtpReplyRead read = SMTP_REPLY_READ_MORE;
    while (read == SMTP_REPLY_READ_MORE && rest.length > 0) {
        size_t end = span_find(rest, '\n');
        if (end >= SMTP_REPLY_LINE_LENIENT_MAXIMUM)
            read = SMTP_REPLY_READ_MALFORMED;
        if (end == rest.length || read == SMTP_REPLY_READ_MALFORMED)
            break;
        size_t length = end > 0 && rest.data[end - 1] == '\r' ? end - 1 : end;
        bool is_first = reader->code == 0;
        read = reader_add_line(reader, span_of(rest.data, length), reply);
        rest = span_skip(rest, end + 1);
        used += end + 1;
        if (!is_first || read != SMTP_REPLY_READ_MORE)
            continue;
        first_line = used;
        if (reader_take_known(reader, rest, known, reply)) {
            read = SMTP_REPLY_READ_DONE;
            used += known->wire.length;
        }
    }
    if (first_line > 0 && read == SMTP_REPLY_READ_DONE) {
        reader->tail = whole.data + first_line;
        reader->tail_length = (uint32_t)(used - first_line);
    }
    if (used > 0)
        intake_consume(input, used);
    return read;
}
