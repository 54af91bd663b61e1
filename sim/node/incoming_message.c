/* A message on its way in. See incoming_message.h. */
#include "node/incoming_message.h"

#include "core/check.h"

#include <string.h>

void incoming_message_init(IncomingMessage *message)
{
    *message = (IncomingMessage){0};
    buffer_init(&message->copies, INT32_MAX);
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
void incoming_message_take(IncomingMessage *message, Span octets, Octets *within)
{
    enum { SMALL = 256 };
    SliceQueue *content = &message->content;
    CHECK(octets.length <= UINT32_MAX - content->length);
    if (within != NULL && slice_queue_extend(content, within, octets))
        return;
    if (within != NULL && octets.length >= SMALL) {
        size_t offset = (size_t)(octets.data - octets_data(within));
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

/* Whether a field may begin behind the piece: it has no empty line at its end, which would be that
 * of the header, and the next one does not go on with its last field. */
static bool ends_with_field(Span piece, Span next)
{
    size_t length = piece.length;
    return length >= 3 && piece.data[length - 1] == '\n' && piece.data[length - 3] != '\n' &&
           piece.data[length - 2] != '\n' && next.data[0] != ' ' && next.data[0] != '\t';
}

/* Looks at the pieces one by one; false where the header does not lie in them field by field. */
static bool survey_pieces(const SliceQueue *content, MessageSurvey *survey)
{
    const Slice *slices = slice_queue_first(content);
    *survey = (MessageSurvey){0};
    for (uint32_t i = 0; i < content->count; i++) {
        Span piece = slice_span(slices[i]);
        MessageSurvey its = message_survey(piece);
        survey->received += its.received;
        survey->has_return_path = survey->has_return_path || its.has_return_path;
        if (!survey->has_id)
            survey->id_left = its.id_left;
        survey->has_id = survey->has_id || its.has_id;
        survey->body_offset += its.body_offset;
        if (its.body_offset < piece.length || i + 1 == content->count)
            return survey->body_offset <= MESSAGE_HEADER_MAX;
        if (!ends_with_field(piece, slice_span(slices[i + 1])))
            return false;
    }
    return true;
}

MessageSurvey incoming_message_survey(IncomingMessage *message)
{
    SliceQueue *content = &message->content;
    MessageSurvey survey;
    if (survey_pieces(content, &survey))
        return survey;
    if (content->count > 1) {
        Slice whole = slice_queue_cut(content, 0, content->length);
        slice_queue_clear(content);
        slice_queue_take(content, whole);
    }
    return message_survey(slice_queue_peek(content));
}

/* Whether it is worth to keep all of the memory that it lies in. */
static bool is_worth_keeping(const Slice *slice)
{
    return slice->length >= octets_length(slice->bytes) / 2;
}

/* The part of the content, which is not empty, that can stay where it is: the last piece, or the
 * only one, where what comes before it is little. */
static const Slice *find_kept(const SliceQueue *content)
{
    enum { COPIED_MAX = 2048 };
    const Slice *first = slice_queue_first(content);
    const Slice *last = first + content->count - 1;
    bool is_little = content->count == 1 || (content->count == 2 && first->length <= COPIED_MAX);
    return is_little && is_worth_keeping(last) ? last : NULL;
}

StoredMessage *incoming_message_place(const IncomingMessage *message, const MessageSurvey *survey,
                                      const char *reverse_path, const char *fields,
                                      StoredFronts *fronts)
{
    const SliceQueue *content = &message->content;
    const bool is_delivered = reverse_path != NULL && !survey->has_return_path;
    g_autofree char *path = is_delivered ? message_format_return_path(reverse_path) : NULL;
    const Slice *kept = content->count > 0 ? find_kept(content) : NULL;
    Span front = {0};
    Slice rest = {0};
    if (kept != NULL) {
        front = content->count > 1 ? slice_queue_peek(content) : (Span){0};
        rest = slice_ref(*kept, 0, kept->length);
    } else if (content->length > 0) {
        rest = slice_queue_gather(slice_queue_first(content), 0, content->length);
    }
    return stored_message_new(fronts, path, span_of_text(fields), front, rest);
}
