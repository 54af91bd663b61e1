/* The network as a picture. See map_picture.h. */
#include "export/map_picture.h"

#include "export/svg.h"

#include <string.h>

enum {
    MARGIN = 30,
    TITLE_Y = 28,
    ROUTER_GAP = 250,
    FIRST_HOST_GAP = 80, /* between a router and the hosts next to it */
    HOST_GAP = 44,       /* between hosts of the same router */
    HOST_WIDTH = 190,
    HOST_HEIGHT = 30,
    ROUTER_WIDTH = 120,
    STEM = 108, /* how far left of the middle the line to the hosts of a router runs */
    BELOW_TITLE = 60,
    ARC_RISE = 34, /* between links that pass over routers */
};

static size_t count_hosts(const MapPicture *map, size_t router, MapKind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < map->node_count; i++)
        count += map->nodes[i].kind == kind && map->nodes[i].router == router;
    return count;
}

static size_t count_routers(const MapPicture *map)
{
    size_t count = 0;
    for (size_t i = 0; i < map->node_count; i++)
        count += map->nodes[i].kind == MAP_ROUTER;
    return count;
}

static int most_hosts(const MapPicture *map, MapKind kind)
{
    size_t most = 0;
    for (size_t router = 0; router < count_routers(map); router++)
        most = MAX(most, count_hosts(map, router, kind));
    return (int)most;
}

static int router_x(size_t router)
{
    return MARGIN + ROUTER_GAP / 2 + (int)router * ROUTER_GAP;
}

/* Servers are boxes, agents are boxes with a dashed edge, routers lie on a line of their own. */
static void put_node(GString *out, const MapNode *node, int x, int y)
{
    int width = node->kind == MAP_ROUTER ? ROUTER_WIDTH : HOST_WIDTH;
    static const TimelineTone TONES[] = {TIMELINE_DIM, TIMELINE_PLAIN, TIMELINE_GOOD};
    svg_box(out, x - width / 2, y - HOST_HEIGHT / 2, width, HOST_HEIGHT, TONES[node->kind]);
    svg_text(out, x, y + 5, SVG_MIDDLE, node->kind == MAP_SERVER ? TIMELINE_STRONG : TIMELINE_PLAIN,
             node->name);
}

/* Servers go upward from the router, agents downward, on a line at its side. */
static void put_hosts(GString *out, const MapPicture *map, size_t router, MapKind kind, int y)
{
    int sign = kind == MAP_SERVER ? -1 : 1;
    int x = router_x(router), at = y + sign * FIRST_HOST_GAP;
    for (size_t i = 0; i < map->node_count; i++) {
        if (map->nodes[i].kind != kind || map->nodes[i].router != router)
            continue;
        svg_line(out, x - STEM, y, x - STEM, at, TIMELINE_DIM, false);
        svg_line(out, x - STEM, at, x, at, TIMELINE_DIM, false);
        put_node(out, &map->nodes[i], x, at);
        at += sign * HOST_GAP;
    }
    if (count_hosts(map, router, kind) > 0)
        svg_line(out, x - STEM, y, x, y, TIMELINE_DIM, false);
}

/* Neighbours are joined by a line, others by one that passes over those between. */
static void put_link(GString *out, const MapLink *link, int y, int rank)
{
    int a = router_x(MIN(link->a, link->b)), b = router_x(MAX(link->a, link->b));
    bool are_neighbours = b - a == ROUTER_GAP;
    int height = are_neighbours ? 0 : ARC_RISE + rank * ARC_RISE / 2;
    if (!are_neighbours) {
        svg_line(out, a, y, a + 20, y - height, TIMELINE_DIM, false);
        svg_line(out, b - 20, y - height, b, y, TIMELINE_DIM, false);
    }
    int inset = are_neighbours ? 0 : 20;
    svg_line(out, a + inset, y - height, b - inset, y - height, TIMELINE_PLAIN, false);
    svg_text(out, (a + b) / 2, y - height - 6, SVG_MIDDLE, TIMELINE_DIM, link->label);
}

void map_picture_write(const MapPicture *map, GString *out)
{
    size_t routers = count_routers(map);
    int servers = most_hosts(map, MAP_SERVER), agents = most_hosts(map, MAP_AGENT);
    int y = BELOW_TITLE + MAX(servers - 1, 0) * HOST_GAP + FIRST_HOST_GAP;
    int height = y + FIRST_HOST_GAP + MAX(agents - 1, 0) * HOST_GAP + MARGIN;
    svg_begin(out, 2 * MARGIN + (int)routers * ROUTER_GAP, height, map->title);
    svg_text(out, 8, TITLE_Y, SVG_START, TIMELINE_STRONG, map->title);
    for (size_t i = 0; i < map->link_count; i++)
        put_link(out, &map->links[i], y, (int)i);
    for (size_t router = 0; router < routers; router++) {
        put_hosts(out, map, router, MAP_SERVER, y);
        put_hosts(out, map, router, MAP_AGENT, y);
    }
    for (size_t router = 0; router < routers; router++)
        put_node(out, &map->nodes[router], router_x(router), y);
    svg_end(out);
}
