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

static const KeySpec forward_keys[] = {
    {.key = "port",
     .offset = offsetof(ScenarioForward, port),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = UINT16_MAX},
     .is_required = true,
     .meaning = "the port, outside and inside"},
    {.key = "to",
     .offset = offsetof(ScenarioForward, to),
     .value = {.type = VALUE_NODE},
     .is_required = true,
     .meaning =
         "the server or agent's machine, behind this router, that its TCP connections go to"},
};

static const MappingSpec a_forward = {
    .what = "a forwarded port",
    .size = sizeof(ScenarioForward),
    .keys = forward_keys,
    .key_count = G_N_ELEMENTS(forward_keys),
};

static const ValueSpec forward_value = {.type = VALUE_MAP, .mapping = &a_forward};

static const KeySpec home_keys[] = {
    {.key = "router",
     .offset = offsetof(ScenarioHome, router),
     .value = {.type = VALUE_ROUTER},
     .when_absent = "the first router",
     .meaning = "the provider's router"},
    {.key = "link",
     .offset = offsetof(ScenarioHome, link),
     .value = {.type = VALUE_MAP, .mapping = &format_access_link},
     .meaning = "the link to it"},
    {.key = "tcp_timeout",
     .offset = offsetof(ScenarioHome, tcp_timeout_ns),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_DURATION,
               .minimum = SIM_SECOND,
               .maximum = SIM_DAY},
     .default_text = "124 min",
     .meaning = "a connection's mapping is forgotten when nothing has come from inside for so long "
                "(RFC 5382: 2 h 4 min; many devices wait less)"},
    {.key = "udp_timeout",
     .offset = offsetof(ScenarioHome, udp_timeout_ns),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_DURATION,
               .minimum = SIM_SECOND,
               .maximum = SIM_DAY},
     .default_text = "5 min",
     .meaning = "the same for datagrams (RFC 4787)"},
    {.key = "forward",
     .offset = offsetof(ScenarioHome, forward),
     .value = {.type = VALUE_LIST, .element = &forward_value},
     .when_absent = "none: nobody outside can open a connection",
     .meaning = "ports at which machines inside can be reached from outside"},
};

static const MappingSpec a_home = {
    .what = "a home",
    .size = sizeof(ScenarioHome),
    .keys = home_keys,
    .key_count = G_N_ELEMENTS(home_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioHome, name),
    .name_meaning = "the home's router, which machines name as their `router`",
};

static const ValueSpec a_place = {.type = VALUE_PLACE};
static const char *const firewall_actions[] = {[FIREWALL_ALLOW] = "allow",
                                               [FIREWALL_DROP] = "drop",
                                               [FIREWALL_REJECT] = "reject",
                                               [FIREWALL_RESET] = "reset",
                                               NULL};
static const char *const firewall_protocols[] = {[FIREWALL_TCP] = "tcp",
                                                 [FIREWALL_UDP] = "udp",
                                                 [FIREWALL_ICMP] = "icmp",
                                                 [FIREWALL_ANY] = "any",
                                                 NULL};

/* The first is of rules in `network` alone: the action names the host itself. */
static const KeySpec rule_keys[] = {
    {.key = "host",
     .offset = offsetof(ScenarioRule, host),
     .value = {.type = VALUE_NODE},
     .is_required = true,
     .meaning = "whose firewall it is: a router looks at what it passes on, a server or an agent's "
                "machine at what it sends and what comes to it"},
    {.key = "action",
     .offset = offsetof(ScenarioRule, action),
     .value = {.type = VALUE_CHOICE, .choices = firewall_actions},
     .is_required = true,
     .meaning = "what becomes of a packet that fits: it passes, vanishes, is answered by ICMP, or "
                "its connection by a reset. Of several rules the first that fits decides; without "
                "one the packet passes"},
    {.key = "protocol",
     .offset = offsetof(ScenarioRule, protocol),
     .value = {.type = VALUE_CHOICE, .choices = firewall_protocols},
     .default_text = "tcp",
     .meaning = "which packets"},
    {.key = "port",
     .offset = offsetof(ScenarioRule, port),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = UINT16_MAX},
     .when_absent = "any",
     .meaning = "only packets to this port"},
    {.key = "from",
     .offset = offsetof(ScenarioRule, from),
     .value = {.type = VALUE_LIST, .element = &a_place, .least = 1},
     .when_absent = "anybody",
     .meaning = "only packets from these: nodes, or ranges of addresses such as `198.51.100.0/24`"},
    {.key = "to",
     .offset = offsetof(ScenarioRule, to),
     .value = {.type = VALUE_LIST, .element = &a_place, .least = 1},
     .when_absent = "anybody",
     .meaning = "only packets to these"},
};

static const MappingSpec a_rule = {
    .what = "a firewall rule",
    .size = sizeof(ScenarioRule),
    .keys = rule_keys,
    .key_count = G_N_ELEMENTS(rule_keys),
};

/* A rule of the action set_firewall. */
const MappingSpec format_rule_of_action = {
    .what = "a firewall rule",
    .size = sizeof(ScenarioRule),
    .keys = rule_keys + 1,
    .key_count = G_N_ELEMENTS(rule_keys) - 1,
};

static const ValueSpec rule_value = {.type = VALUE_MAP, .mapping = &a_rule};

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
    {.key = "homes",
     .offset = offsetof(ScenarioNetwork, homes),
     .value = {.type = VALUE_NAMED, .mapping = &a_home},
     .when_absent = "none",
     .meaning =
         "networks with private addresses behind one public address (NAT), by their router's "
         "name"},
    {.key = "firewall",
     .offset = offsetof(ScenarioNetwork, firewall),
     .value = {.type = VALUE_LIST, .element = &rule_value},
     .when_absent = "none",
     .meaning = "rules at routers and machines about which packets pass, in order: a provider that "
                "keeps port 25 to itself, say"},
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
