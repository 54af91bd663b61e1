/* The few shapes that our SVG pictures are made of (SVG 1.1, no script, no font of its own), in the
 * colours of the timeline. Lengths are in user units, a pixel each. */
#pragma once

#include "export/timeline_phrases.h"

#include <stdbool.h>

/* Begins and ends a picture; `title` is for people and for screen readers. */
void svg_begin(GString *out, int width, int height, const char *title);
void svg_end(GString *out);

typedef enum SvgAnchor { SVG_START, SVG_MIDDLE, SVG_END } SvgAnchor;

/* One line of text, escaped; its base line is at `y`. */
void svg_text(GString *out, int x, int y, SvgAnchor anchor, TimelineTone tone, const char *text);
/* About how wide the text is: at most a little less than in a wide font. Korean is as wide as high.
 */
int svg_text_width(const char *text, bool is_bold);
/* How many octets of `text`, which has no line feed, go on one line of that width: up to a space
 * where there is one, and at least one character. */
size_t svg_line_length(const char *text, int width, bool is_bold);
void svg_line(GString *out, int x1, int y1, int x2, int y2, TimelineTone tone, bool is_dashed);
/* A horizontal line with a head at its end. */
void svg_arrow(GString *out, int x1, int x2, int y, TimelineTone tone);
/* A point on a line. */
void svg_dot(GString *out, int x, int y, TimelineTone tone);
void svg_box(GString *out, int x, int y, int width, int height, TimelineTone tone);

/* What happens at a moment, by shape as well as by colour. */
typedef enum SvgMark { SVG_MARK_GOOD, SVG_MARK_FAILED, SVG_MARK_GIVEN_UP, SVG_MARK_LOST } SvgMark;
void svg_mark(GString *out, int x, int y, SvgMark mark);

/* Machines as the viewer draws them, around a middle. */
typedef enum SvgMachine {
    SVG_SERVER,
    SVG_ROUTER,
    SVG_NAME_SERVER,
    SVG_LAPTOP,
    SVG_PHONE
} SvgMachine;
enum { SVG_MACHINE_HALF = 18 }; /* no machine is wider or higher than twice that */
void svg_machine(GString *out, int x, int y, SvgMachine machine);
/* The machine of a node by its role in the header of a trace, and its name. */
SvgMachine svg_machine_of(const char *role, const char *name);
