/* Octets as they come in. See intake.h. */
#include "core/intake.h"

void intake_init(Intake *intake, uint32_t maximum)
{
    *intake = (Intake){.maximum = maximum};
}

void intake_clear(Intake *intake)
{
    octets_unref(intake->within);
    if (intake->copied != NULL)
        buffer_clear(intake->copied);
    g_free(intake->copied);
    intake_init(intake, intake->maximum);
}

/* What is unread from now on lies there. */
static void intake_set(Intake *intake, Span octets)
{
    intake->data = octets.data;
    intake->length = (uint32_t)octets.length;
}

void intake_append(Intake *intake, Span octets)
{
    CHECK(octets.length <= intake_room(intake));
    if (intake->copied == NULL) {
        intake->copied = g_new(Buffer, 1);
        buffer_init(intake->copied, intake->maximum);
    }
    buffer_append(intake->copied, span_of(intake->data, intake->length));
    intake_set(intake, (Span){0});
    buffer_append(intake->copied, octets);
}

void intake_take(Intake *intake, Slice slice)
{
    Span octets = slice_span(slice);
    CHECK(octets.length <= intake_room(intake));
    bool is_behind = intake->length > 0 && intake->within == slice.bytes &&
                     intake->data + intake->length == octets.data;
    if (is_behind) {
        intake->length += (uint32_t)octets.length;
    } else if (intake->length > 0 || intake_copied_length(intake) > 0) {
        intake_append(intake, octets);
    } else {
        Octets *before = intake->within;
        intake_set(intake, octets);
        intake->within = slice.bytes;
        slice.bytes = before;
    }
    slice_clear(&slice);
}

void intake_consume(Intake *intake, size_t count)
{
    if (intake_copied_length(intake) > 0)
        buffer_consume(intake->copied, count);
    else
        intake_set(intake, span_skip(intake_peek(intake), count));
}
