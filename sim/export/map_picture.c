/* The network as a picture. See map_picture.h. */
#include "export/map_picture.h"

#include "core/units.h"
#include "export/svg.h"

#include <string.h>

enum {
    MARGIN = 24,
    TITLE_Y = 28,
    UPPER_Y = 104, /* middles of the machines in each row */
    ROUTER_Y = 224,
    LOWER_Y = 344,
    LOWERED = 44, /* a router that a link between two others would run through */
    NAME_ABOVE = SVG_MACHINE_HALF + 8,
    NAME_BELOW = SVG_MACHINE_HALF + 16,
    BETWEEN_NAMES = 24,
    SLOT_MINIMUM = 84,
    LABEL_RISE = 8, /* of a link's delay above its middle */
};

typedef enum Row { ROW_UPPER, ROW_ROUTER, ROW_LOWER } Row;

typedef struct Place {
    size_t router; /* the node that it is joined to; a router is its own */
    Row row;
    int x, y;
} Place;

typedef struct Layout {
    const MapPicture *map;
    Place *places; /* of each node */
    int width;
} Layout;

static Row row_of(const NdjsonNode *node)
{
    if (strcmp(node->role, "router") == 0)
        return ROW_ROUTER;
    return strcmp(node->role, "agent") == 0 ? ROW_LOWER : ROW_UPPER;
}

static size_t find_node(const MapPicture *map, const char *name)
{
    size_t i = 0;
    while (i < map->node_count && strcmp(map->nodes[i].name, name) != 0)
        i++;
    return i;
}

/* The router at the other end of a machine's first link to one; else the first node. */
static size_t router_of(const Layout *layout, size_t node)
{
    const MapPicture *map = layout->map;
    const char *name = map->nodes[node].name;
    if (row_of(&map->nodes[node]) == ROW_ROUTER)
        return node;
    for (size_t i = 0; i < map->link_count; i++) {
        const NdjsonLink *link = &map->links[i];
        bool is_a = strcmp(link->a, name) == 0;
        if (!is_a && strcmp(link->b, name) != 0)
            continue;
        size_t other = find_node(map, is_a ? link->b : link->a);
        if (other < map->node_count && row_of(&map->nodes[other]) == ROW_ROUTER)
            return other;
    }
    return 0;
}

static int slot_of(const NdjsonNode *node)
{
    return MAX(svg_text_width(node->name, row_of(node) == ROW_UPPER) + BETWEEN_NAMES, SLOT_MINIMUM);
}

/* The nodes of a router in a row: how many, and the widest one's slot. */
static int count_row(const Layout *layout, size_t router, Row row, int *slot)
{
    int count = 0;
    *slot = 0;
    for (size_t i = 0; i < layout->map->node_count; i++) {
        if (layout->places[i].router != router || layout->places[i].row != row)
            continue;
        *slot = MAX(*slot, slot_of(&layout->map->nodes[i]));
        count++;
    }
    return count;
}

static void place_row(Layout *layout, size_t router, Row row, int span)
{
    static const int ROW_Y[] = {UPPER_Y, ROUTER_Y, LOWER_Y};
    int slot, count = count_row(layout, router, row, &slot), k = 0;
    for (size_t i = 0; i < layout->map->node_count; i++) {
        Place *place = &layout->places[i];
        if (place->router != router || place->row != row)
            continue;
        place->x = layout->width + span * (2 * k + 1) / (2 * count);
        place->y = ROW_Y[row];
        k++;
    }
}

/* A router and its machines take as much width as their widest row. */
static void place_group(Layout *layout, size_t router)
{
    int span = 0;
    for (Row row = ROW_UPPER; row <= ROW_LOWER; row++) {
        int slot, count = count_row(layout, router, row, &slot);
        span = MAX(span, count * slot);
    }
    for (Row row = ROW_UPPER; row <= ROW_LOWER; row++)
        place_row(layout, router, row, span);
    layout->width += span;
}

static bool is_between(int x, int a, int b)
{
    return x > MIN(a, b) && x < MAX(a, b);
}

static void lower_the_passed(Layout *layout, const NdjsonLink *link)
{
    const MapPicture *map = layout->map;
    size_t a = find_node(map, link->a), b = find_node(map, link->b);
    if (layout->places[a].row != ROW_ROUTER || layout->places[b].row != ROW_ROUTER)
        return;
    for (size_t i = 0; i < map->node_count; i++) {
        Place *place = &layout->places[i];
        if (place->row == ROW_ROUTER &&
            is_between(place->x, layout->places[a].x, layout->places[b].x))
            place->y = ROUTER_Y + LOWERED;
    }
}

static void lay_out(Layout *layout)
{
    const MapPicture *map = layout->map;
    for (size_t i = 0; i < map->node_count; i++)
        layout->places[i] = (Place){.router = router_of(layout, i), .row = row_of(&map->nodes[i])};
    layout->width = MARGIN;
    for (size_t i = 0; i < map->node_count; i++) {
        if (layout->places[i].router == i)
            place_group(layout, i);
    }
    for (size_t i = 0; i < map->link_count; i++)
        lower_the_passed(layout, &map->links[i]);
    layout->width += MARGIN;
}

/* A link between routers says how long it takes. */
static void put_link(const Layout *layout, const NdjsonLink *link, GString *out)
{
    size_t ends[] = {find_node(layout->map, link->a), find_node(layout->map, link->b)};
    if (MAX(ends[0], ends[1]) >= layout->map->node_count)
        return;
    const Place *a = &layout->places[ends[0]], *b = &layout->places[ends[1]];
    bool is_between_routers = a->row == ROW_ROUTER && b->row == ROW_ROUTER;
    svg_line(out, a->x, a->y, b->x, b->y, is_between_routers ? TIMELINE_PLAIN : TIMELINE_DIM,
             false);
    if (!is_between_routers)
        return;
    g_autofree char *delay = units_format_readable(link->delay_ns);
    svg_text(out, (a->x + b->x) / 2, (a->y + b->y) / 2 - LABEL_RISE, SVG_MIDDLE, TIMELINE_DIM,
             delay);
}

static void put_node(const Layout *layout, size_t i, GString *out)
{
    const NdjsonNode *node = &layout->map->nodes[i];
    const Place *place = &layout->places[i];
    bool is_upper = place->row == ROW_UPPER;
    svg_machine(out, place->x, place->y, svg_machine_of(node->role, node->name));
    svg_text(out, place->x, place->y + (is_upper ? -NAME_ABOVE : NAME_BELOW), SVG_MIDDLE,
             is_upper ? TIMELINE_STRONG : TIMELINE_PLAIN, node->name);
}

void map_picture_write(const MapPicture *map, GString *out)
{
    g_autofree Place *places = g_new0(Place, map->node_count + 1);
    Layout layout = {map, places, 0};
    lay_out(&layout);
    int width = MAX(layout.width, svg_text_width(map->title, true) + 2 * MARGIN);
    svg_begin(out, width, LOWER_Y + NAME_BELOW + MARGIN, map->title);
    svg_text(out, MARGIN, TITLE_Y, SVG_START, TIMELINE_STRONG, map->title);
    for (size_t i = 0; i < map->link_count; i++)
        put_link(&layout, &map->links[i], out);
    g_string_append(out, "<g class=\"halo\">\n");
    for (size_t i = 0; i < map->node_count; i++)
        put_node(&layout, i, out);
    g_string_append(out, "</g>\n");
    svg_end(out);
}
