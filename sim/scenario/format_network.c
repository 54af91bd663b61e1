/* The section `network` of the scenario file, and the keys of a link's behaviour. See format.h. */
#include "scenario/format_links.h"

const char format_delay_of_zero[] =
    "a link of delay 0 would let two nodes act on each other within one instant; write a delay "
    "above 0, such as `1 us`";

static const KeySpec default_link_keys[] = {
    LINK_KEYS(0, "10 ms", "100 Mbit/s", "100 packets", LINK_DEFAULTS),
};

static const MappingSpec default_link = {
    .what = "`default_link`",
    .size = sizeof(LinkParameters),
    .keys = default_link_keys,
    .key_count = G_N_ELEMENTS(default_link_keys),
};

/* The link of one server or agent: what is not given is as in `default_link`. */
static const KeySpec access_link_keys[] = {
    LINK_KEYS(0, NULL, NULL, NULL, LINK_NO_DEFAULTS("as in `network.default_link`")),
};

const MappingSpec format_access_link = {
    .what = "the link of a machine",
    .size = sizeof(LinkParameters),
    .keys = access_link_keys,
    .key_count = G_N_ELEMENTS(access_link_keys),
};

static const ValueSpec a_router = {.type = VALUE_ROUTER};
static const ValueSpec a_router_name = {.type = VALUE_NAME};

static const KeySpec link_keys[] = {
    {.key = "between",
     .offset = offsetof(ScenarioLink, between),
     .value = {.type = VALUE_LIST, .element = &a_router, .least = 2, .most = 2},
     .is_required = true,
     .meaning = "the two routers that it joins"},
    LINK_KEYS(offsetof(ScenarioLink, parameters), "10 ms", "1 Gbit/s", "100 packets",
              LINK_DEFAULTS),
};

static const MappingSpec a_link = {
    .what = "a link",
    .size = sizeof(ScenarioLink),
    .keys = link_keys,
    .key_count = G_N_ELEMENTS(link_keys),
};

static const KeySpec one_way_keys[] = {
    {.key = "from",
     .offset = offsetof(ScenarioOneWay, from),
     .value = {.type = VALUE_NODE},
     .is_required = true,
     .meaning = "where the direction begins: a router, a server or an agent's machine"},
    {.key = "to",
     .offset = offsetof(ScenarioOneWay, to),
     .value = {.type = VALUE_NODE},
     .is_required = true,
     .meaning = "the link's other end"},
    LINK_KEYS(offsetof(ScenarioOneWay, changes), NULL, NULL, NULL,
              LINK_NO_DEFAULTS("as the link has it")),
};

static const MappingSpec a_one_way = {
    .what = "a direction of a link",
    .size = sizeof(ScenarioOneWay),
    .keys = one_way_keys,
    .key_count = G_N_ELEMENTS(one_way_keys),
};

static const ValueSpec one_way_value = {.type = VALUE_MAP, .mapping = &a_one_way};
static const ValueSpec link_value = {.type = VALUE_MAP, .mapping = &a_link};

static const KeySpec network_keys[] = {
    {.key = "routers",
     .offset = offsetof(ScenarioNetwork, routers),
     .value = {.type = VALUE_LIST, .element = &a_router_name, .least = 1},
     .default_text = "[internet]",
     .meaning = "the routers' names"},
    {.key = "default_link",
     .offset = offsetof(ScenarioNetwork, default_link),
     .value = {.type = VALUE_MAP, .mapping = &default_link},
     .meaning = "the link that joins each server and each agent to its router"},
    {.key = "links",
     .offset = offsetof(ScenarioNetwork, links),
     .value = {.type = VALUE_LIST, .element = &link_value},
     .when_absent = "none",
     .meaning = "the links between routers"},
    {.key = "one_way",
     .offset = offsetof(ScenarioNetwork, one_way),
     .value = {.type = VALUE_LIST, .element = &one_way_value},
     .when_absent = "none",
     .meaning =
         "directions of links that behave differently from the other: a slow way up, a loss on "
         "the way back"},
    {.key = "tcp",
     .offset = offsetof(ScenarioNetwork, tcp),
     .value = {.type = VALUE_MAP, .mapping = &format_tcp},
     .meaning = "how TCP behaves on every machine"},
};

const MappingSpec format_network = {
    .what = "`network`",
    .size = sizeof(ScenarioNetwork),
    .keys = network_keys,
    .key_count = G_N_ELEMENTS(network_keys),
};
