/* Octets as they come in. See intake.h. */
#include "core/intake.h"

void intake_init(Intake *intake, uint32_t maximum)
{
    *intake = (Intake){0};
    buffer_init(&intake->copied, maximum);
}

void intake_clear(Intake *intake)
{
    g_clear_pointer(&intake->within, octets_unref);
    buffer_clear(&intake->copied);
    intake->octets = (Span){0};
}

void intake_append(Intake *intake, Span octets)
{
    CHECK(octets.length <= intake_room(intake));
    if (intake->octets.length > 0) {
        buffer_append(&intake->copied, intake->octets);
        intake->octets = (Span){0};
    }
    buffer_append(&intake->copied, octets);
}

void intake_take(Intake *intake, Slice slice)
{
    Span octets = slice_span(slice);
    CHECK(octets.length <= intake_room(intake));
    bool is_behind = intake->octets.length > 0 && intake->within == slice.bytes &&
                     intake->octets.data + intake->octets.length == octets.data;
    if (is_behind) {
        intake->octets.length += octets.length;
    } else if (intake->copied.length > 0 || intake->octets.length > 0) {
        intake_append(intake, octets);
    } else {
        Octets *before = intake->within;
        intake->octets = octets;
        intake->within = slice.bytes;
        slice.bytes = before;
    }
    slice_clear(&slice);
}

void intake_consume(Intake *intake, size_t count)
{
    if (intake->copied.length > 0)
        buffer_consume(&intake->copied, count);
    else
        intake->octets = span_skip(intake->octets, count);
}
