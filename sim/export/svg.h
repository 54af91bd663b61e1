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
void svg_line(GString *out, int x1, int y1, int x2, int y2, TimelineTone tone, bool is_dashed);
/* A horizontal line with a head at its end. */
void svg_arrow(GString *out, int x1, int x2, int y, TimelineTone tone);
void svg_box(GString *out, int x, int y, int width, int height, TimelineTone tone);
