/* The network as an SVG picture: routers in a row in the order given, what serves above the router
 * that it is joined to, people's machines below. */
#pragma once

#include "export/ndjson.h"

typedef struct MapPicture {
    const char *title;
    const NdjsonNode *nodes; /* as in the header of a trace */
    size_t node_count;
    const NdjsonLink *links;
    size_t link_count;
} MapPicture;

void map_picture_write(const MapPicture *map, GString *out);
