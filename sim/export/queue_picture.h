/* The message queues of a run as an SVG picture over time, servers in the order of the scenario: a
 * bar for each message from its entering to its leaving, with a mark for each attempt, and bands
 * for the times when a server was down. Of a server with many messages the queue's length is drawn
 * instead, all such to one scale. */
#pragma once

#include "trace/trace.h"

enum { QUEUE_PICTURE_BARS_MAXIMUM = 20 }; /* a server; with more, the length is drawn */

typedef struct QueuePicture QueuePicture;

/* Adds itself to the trace, before the run. The title is copied. */
QueuePicture *queue_picture_new(Trace *trace, const char *title);
void queue_picture_free(QueuePicture *picture);
/* After the run: appends the picture. */
void queue_picture_write(QueuePicture *picture, GString *out);
