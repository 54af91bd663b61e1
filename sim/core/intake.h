/* Octets as they come in, for who reads them in lines or other pieces: one run, which lies where
 * the sender has put it as long as what comes lies behind it there, and is copied otherwise. */
#pragma once

#include "core/bytes.h"

typedef struct Intake {
    const uint8_t *data; /* unread, `length` octets; none once some are in `copied` */
    uint32_t length;
    uint32_t maximum;
    Octets *within; /* what they lie in, or those read last lay in; NULL: nothing has come so */
    Buffer *copied; /* NULL: nothing had to be copied yet */
} Intake;

/* It never holds more than `maximum` octets: whoever gives it some asks for the room before. */
void intake_init(Intake *intake, uint32_t maximum);
void intake_clear(Intake *intake);
/* Adds octets; the intake becomes the owner of the slice. */
void intake_take(Intake *intake, Slice slice);
/* Adds a copy of octets. */
void intake_append(Intake *intake, Span octets);
/* Drops `count` octets from the front. They stay where they are until more are added. */
void intake_consume(Intake *intake, size_t count);

static inline size_t intake_copied_length(const Intake *intake)
{
    return G_UNLIKELY(intake->copied != NULL) ? intake->copied->length : 0;
}

/* All that is unread. */
static inline Span intake_peek(const Intake *intake)
{
    return intake_copied_length(intake) > 0 ? buffer_peek(intake->copied)
                                            : span_of(intake->data, intake->length);
}

/* The shared bytes that it lies in, for who keeps a reference: ask before consuming. NULL: it
 * is a copy. */
static inline Octets *intake_bytes(const Intake *intake)
{
    return intake_copied_length(intake) > 0 ? NULL : intake->within;
}

static inline size_t intake_room(const Intake *intake)
{
    return intake->maximum - intake->length - intake_copied_length(intake);
}
