/* A message on its way in. See incoming_message.h. */
#include "node/incoming_message.h"

#include "core/check.h"

#include <string.h>

void incoming_message_init(IncomingMessage *message)
{
    *message = (IncomingMessage){0};
    buffer_init(&message->copies, SIZE_MAX);
}

void incoming_message_clear(IncomingMessage *message)
{
    slice_queue_clear(&message->content);
    buffer_clear(&message->copies);
}

void incoming_message_drop(IncomingMessage *message)
{
    slice_queue_clear(&message->content);
}

/* A piece stays where it is if it is not so small that keeping it would cost more than it has.
 * Those that are copied lie one behind the other too. */
void incoming_message_take(IncomingMessage *message, Span octets, GBytes *within)
{
    enum { SMALL = 256 };
    SliceQueue *content = &message->content;
    CHECK(octets.length <= UINT32_MAX - content->length);
    if (within != NULL && slice_queue_extend(content, within, octets))
        return;
    if (within != NULL && octets.length >= SMALL) {
        size_t offset = (size_t)(octets.data - (const uint8_t *)g_bytes_get_data(within, NULL));
        slice_queue_take(content, slice_new(within, offset, octets.length));
        return;
    }
    CHECK(buffer_append(&message->copies, octets));
    Slice copy = buffer_take(&message->copies, octets.length);
    if (slice_queue_extend(content, copy.bytes, slice_span(copy)))
        slice_clear(&copy);
    else
        slice_queue_take(content, copy);
}

/* Makes the first slice of the content one that has the whole header, and looks at that. */
MessageSurvey incoming_message_survey(IncomingMessage *message)
{
    SliceQueue *content = &message->content;
    Span first = slice_queue_peek(content);
    MessageSurvey survey = message_survey(first);
    if (content->count <= 1 || survey.body_offset < first.length)
        return survey;
    Slice whole = slice_queue_cut(content, 0, content->length);
    slice_queue_clear(content);
    slice_queue_take(content, whole);
    return message_survey(slice_queue_peek(content));
}

void incoming_message_place(const IncomingMessage *message, const MessageSurvey *survey,
                            const char *reverse_path, const char *fields, QueueMessage *placed)
{
    const SliceQueue *content = &message->content;
    const bool is_delivered = reverse_path != NULL && !survey->has_return_path;
    g_autofree char *path = is_delivered ? message_format_return_path(reverse_path) : NULL;
    const size_t front = is_delivered ? strlen(path) : 0, size = strlen(fields);
    const size_t length = front + size + content->length;
    uint8_t *octets = g_malloc(length);
    if (is_delivered)
        memcpy(octets, path, front);
    memcpy(octets + front, fields, size);
    slice_queue_copy(content, octets + front + size);
    GBytes *whole = g_bytes_new_take(octets, length);
    placed->octets = is_delivered ? g_bytes_new_from_bytes(whole, front, length - front) : whole;
    placed->delivered = is_delivered ? whole : NULL;
    /* In a long one, what is on top may have moved it out of what is looked at. */
    if (length <= MESSAGE_HEADER_MAX)
        placed->left = survey->id_left;
}
