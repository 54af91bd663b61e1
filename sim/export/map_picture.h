/* The network as an SVG picture: routers in a row in the order given, servers above the router that
 * they are joined to, user agents' machines below. */
#pragma once

#include <glib.h>

typedef enum MapKind { MAP_ROUTER, MAP_SERVER, MAP_AGENT } MapKind;

typedef struct MapNode {
    const char *name;
    MapKind kind;
    size_t router; /* index of the router that it is joined to; unused for routers */
} MapNode;

/* A link between two routers, as indexes. `label` is for people, such as "120 ms". */
typedef struct MapLink {
    size_t a, b;
    const char *label;
} MapLink;

typedef struct MapPicture {
    const char *title;
    const MapNode *nodes; /* routers come first */
    size_t node_count;
    const MapLink *links;
    size_t link_count;
} MapPicture;

void map_picture_write(const MapPicture *map, GString *out);
