/* The message queues of a run as an SVG picture over time: for each server a bar for each message
 * from its entering to its leaving, with a tick for each attempt, and bands for the times when a
 * server was down. */
#pragma once

#include "trace/trace.h"

enum { QUEUE_PICTURE_BARS_MAXIMUM = 40 }; /* a server; how many more there were is said */

typedef struct QueuePicture QueuePicture;

/* Adds itself to the trace, before the run. The title is copied. */
QueuePicture *queue_picture_new(Trace *trace, const char *title);
void queue_picture_free(QueuePicture *picture);
/* After the run: appends the picture. */
void queue_picture_write(QueuePicture *picture, GString *out);
