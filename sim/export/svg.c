/* Shapes of SVG pictures. See svg.h. */
#include "export/svg.h"

#include "export/timeline_text.h"

#include <string.h>

enum { FONT_SIZE = 13 };

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
        "text{font:13px Helvetica,Arial,\"Liberation Sans\",\"Noto Sans KR\","
        "\"Malgun Gothic\",NanumGothic,sans-serif;fill:#1f2933;white-space:pre}\n"
        ".halo text,text.d{paint-order:stroke;stroke:#fff;stroke-width:4px;"
        "stroke-linejoin:round}\n"
        "line,path{stroke:#1f2933;stroke-width:1.5;fill:none}\n"
        "rect{fill:#cbd5e1}\n"
        "circle{fill:#1f2933}circle.g{fill:#14692e}circle.b{fill:#b3261e}circle.d{fill:#9aa5b1}\n"
        "text.s{font-weight:bold}text.g{fill:#14692e}text.b{fill:#b3261e}text.d{fill:#5b6673}\n"
        "line.g,path.g{stroke:#14692e}line.b,path.b{stroke:#b3261e}"
        "line.d,path.d{stroke:#9aa5b1}\n"
        "rect.g{fill:#a7d7b5}rect.b{fill:#f3b8b3}rect.d{fill:#e5e9ee}\n"
        "path.m{fill:#fff;stroke-linejoin:round;stroke-linecap:round}"
        "path.full{fill:#cbd5e1;stroke:#5b6673}\n"
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

void svg_dot(GString *out, int x, int y, TimelineTone tone)
{
    g_string_append_printf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"3.5\" class=\"%s\"/>\n", x, y,
                           tone_class(tone));
}

void svg_box(GString *out, int x, int y, int width, int height, TimelineTone tone)
{
    g_string_append_printf(
        out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\" class=\"%s\"/>\n", x, y,
        width, height, tone_class(tone));
}

/* ---- Text ---- */

/* Thousandths of the font's size, as DejaVu Sans has them, which is wider than most. */
static int character_width(gunichar c, bool is_bold)
{
    enum { NARROW = 390, USUAL = 640, CAPITAL = 780, WIDE = 980, BOLD_PERCENT = 112 };
    int width = USUAL;
    if (timeline_character_columns(c) == 2)
        return 1000;
    if (c < 128 && strchr("ijlIfrt.,:;'|!/\\()[]- ", (int)c) != NULL)
        width = NARROW;
    else if (c < 128 && strchr("mwMW@%", (int)c) != NULL)
        width = WIDE;
    else if (g_unichar_isupper(c) || (c < 128 && strchr("<>=+~_#&", (int)c) != NULL))
        width = CAPITAL;
    return is_bold ? width * BOLD_PERCENT / 100 : width;
}

int svg_text_width(const char *text, bool is_bold)
{
    int width = 0;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
        width += character_width(g_utf8_get_char(c), is_bold);
    return (width * FONT_SIZE + 999) / 1000;
}

size_t svg_line_length(const char *text, int width, bool is_bold)
{
    const char *end = text, *space = NULL;
    for (int used = 0; *end != '\0'; end = g_utf8_next_char(end)) {
        used += character_width(g_utf8_get_char(end), is_bold);
        if (*end == ' ')
            space = end;
        if (used * FONT_SIZE > width * 1000 && end > text)
            return (size_t)((space != NULL && space > text ? space : end) - text);
    }
    return (size_t)(end - text);
}

/* ---- Marks and machines ---- */

void svg_mark(GString *out, int x, int y, SvgMark mark)
{
    static const struct {
        const char *shape, *tone;
    } MARKS[] = {
        [SVG_MARK_GOOD] = {"m-4 0l3 4 6-8", "g"},
        [SVG_MARK_FAILED] = {"m-4-4l8 8m0-8l-8 8", "b"},
        [SVG_MARK_GIVEN_UP] = {"m-5-5h10v10h-10zl10 10m0-10l-10 10", "b"},
        [SVG_MARK_LOST] = {"m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0m2-4l8 8", "b"},
    };
    g_string_append_printf(out, "<path d=\"M%d %d%s\" class=\"%s\" style=\"stroke-width:2\"/>\n", x,
                           y, MARKS[mark].shape, MARKS[mark].tone);
}

void svg_machine(GString *out, int x, int y, SvgMachine machine)
{
    static const char *const SHAPES[] = {
        [SVG_SERVER] = "M-13-16H13V16H-13ZM-8-8H3M-8 0H3M-8 8H3M8-8h.1M8 0h.1M8 8h.1",
        [SVG_ROUTER] = "M-13 0A13 13 0 1 0 13 0A13 13 0 1 0-13 0Z"
                       "M-8 0H8M5-3L8 0L5 3M-5-3L-8 0L-5 3M0-8V8M-3-5L0-8L3-5M-3 5L0 8L3 5",
        [SVG_NAME_SERVER] = "M-13-14H-2Q0-14 0-11V15Q-1 13-3 13H-13ZM13-14H2Q0-14 0-11V15Q1 13 3 "
                            "13H13ZM-9-8H-4M-9-2H-4M4-8H9M4-2H9",
        [SVG_LAPTOP] = "M-13-13H13V5H-13ZM-18 10H18L14 5H-14Z",
        [SVG_PHONE] = "M-8-15H8V15H-8ZM-2 11H2",
    };
    g_string_append_printf(out, "<path transform=\"translate(%d,%d)\" d=\"%s\" class=\"m\"/>\n", x,
                           y, SHAPES[machine]);
}

SvgMachine svg_machine_of(const char *role, const char *name)
{
    if (strcmp(role, "server") == 0)
        return SVG_SERVER;
    if (strcmp(role, "router") == 0)
        return SVG_ROUTER;
    if (strcmp(role, "nameserver") == 0)
        return SVG_NAME_SERVER;
    bool is_phone = strstr(name, "phone") != NULL || strstr(name, "tablet") != NULL ||
                    strstr(name, "mobile") != NULL;
    return is_phone ? SVG_PHONE : SVG_LAPTOP;
}
