/* Shapes of SVG pictures. See svg.h. */
#include "export/svg.h"

static const char *tone_class(TimelineTone tone)
{
    switch (tone) {
    case TIMELINE_PLAIN:
        return "p";
    case TIMELINE_STRONG:
        return "s";
    case TIMELINE_GOOD:
        return "g";
    case TIMELINE_BAD:
        return "b";
    case TIMELINE_DIM:
    case TIMELINE_DETAIL:
        return "d";
    }
    return "p";
}

static void put_escaped(GString *out, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    g_string_append(out, escaped);
}

void svg_begin(GString *out, int width, int height, const char *title)
{
    g_string_append_printf(out,
                           "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                           "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
                           width, height, width, height);
    put_escaped(out, title);
    g_string_append(
        out,
        "</title>\n<style>\n"
        "text{font:13px sans-serif;fill:#1f2933;white-space:pre;"
        "paint-order:stroke;stroke:#fff;stroke-width:3px}\n"
        "line,path{stroke:#1f2933;stroke-width:1.5;fill:none}\n"
        "rect{fill:#cbd5e1}\n"
        "text.s{font-weight:bold}text.g{fill:#14692e}text.b{fill:#b3261e}text.d{fill:#5b6673}\n"
        "line.g,path.g{stroke:#14692e}line.b,path.b{stroke:#b3261e}"
        "line.d,path.d{stroke:#9aa5b1}\n"
        "rect.g{fill:#a7d7b5}rect.b{fill:#f3b8b3}rect.d{fill:#e5e9ee}\n"
        "</style>\n");
    g_string_append_printf(out, "<path d=\"M0 0h%dv%dh-%dz\" style=\"fill:#fff;stroke:none\"/>\n",
                           width, height, width);
}

void svg_end(GString *out)
{
    g_string_append(out, "</svg>\n");
}

void svg_text(GString *out, int x, int y, SvgAnchor anchor, TimelineTone tone, const char *text)
{
    static const char *const ANCHORS[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    g_string_append_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\"%s>", x, y, tone_class(tone),
                           ANCHORS[anchor]);
    put_escaped(out, text);
    g_string_append(out, "</text>\n");
}

void svg_line(GString *out, int x1, int y1, int x2, int y2, TimelineTone tone, bool is_dashed)
{
    g_string_append_printf(out, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"%s\"%s/>\n",
                           x1, y1, x2, y2, tone_class(tone),
                           is_dashed ? " stroke-dasharray=\"3 5\"" : "");
}

void svg_arrow(GString *out, int x1, int x2, int y, TimelineTone tone)
{
    enum { HEAD_LENGTH = 8, HEAD_HALF_WIDTH = 4 };
    int back = x2 > x1 ? -HEAD_LENGTH : HEAD_LENGTH;
    g_string_append_printf(out, "<path d=\"M%d %dH%dm%d -%dl%d %dl%d %d\" class=\"%s\"/>\n", x1, y,
                           x2, back, HEAD_HALF_WIDTH, -back, HEAD_HALF_WIDTH, back, HEAD_HALF_WIDTH,
                           tone_class(tone));
}

void svg_box(GString *out, int x, int y, int width, int height, TimelineTone tone)
{
    g_string_append_printf(
        out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\" class=\"%s\"/>\n", x, y,
        width, height, tone_class(tone));
}
