/* The story of one mail, in plain sentences: what `mailsim explain` tells.
 *
 * It follows the mail and the notifications about it through the trace, and `cause` and `because`
 * from there to what decided each step: the crash behind a refused connection, the timeline's entry
 * behind the crash. One paragraph a step; the same failure again and again is told once and
 * counted. In the end it says what became of the mail for each recipient, and why, back to the
 * timeline.
 *
 * Sentences are in one table (story_words.c), so that they can be translated. */
#pragma once

#include "trace/trace.h"

typedef struct Story Story;

typedef struct StoryOptions {
    const char *mail; /* its name */
    unsigned width;   /* columns to wrap paragraphs at; 0: not at all; else at least 40 */
} StoryOptions;

/* Adds itself to the trace, at level PROTOCOL; it is to outlive the run. It keeps some 100
 * octets of each record of level MAIL and 48 of each of level PROTOCOL. */
Story *story_new(Trace *trace, const StoryOptions *options);
void story_free(Story *story);

/* Whether the trace knows a mail of that name. */
bool story_has_mail(const Story *story);
/* After the run: the story, a text to free. Without such a mail, one sentence that says so. */
char *story_tell(const Story *story);
