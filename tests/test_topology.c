/* Tests of the network as a trace's header tells it: every machine is there once, and every link
 * leads from one that is there to another. */
#include "scenario/reader.h"
#include "scenario/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char HOME[] = "mailsim: 1\n"
                           "title: x\n"
                           "network:\n"
                           "  routers: [seoul, busan]\n"
                           "  links: [{between: [seoul, busan], delay: 5 ms}]\n"
                           "  homes: {cottage: {router: busan}}\n"
                           "servers:\n"
                           "  mail.naver.example: {domains: [naver.example], users: {alice: {}}}\n"
                           "  pc.bob.example: {domains: [bob.example], users: {bob: {}}, "
                           "router: cottage}\n"
                           "people:\n"
                           "  alice: {address: alice@naver.example, agents: {laptop: {}}}\n";

static const NdjsonNode *find_node(const Topology *topology, const char *name)
{
    const NdjsonNode *found = NULL;
    for (size_t i = 0; i < topology->node_count; i++) {
        if (strcmp(topology->nodes[i].name, name) != 0)
            continue;
        assert_null(found);
        found = &topology->nodes[i];
    }
    return found;
}

static const NdjsonLink *find_link(const Topology *topology, const char *a, const char *b)
{
    for (size_t i = 0; i < topology->link_count; i++) {
        const NdjsonLink *link = &topology->links[i];
        if (strcmp(link->a, a) == 0 && strcmp(link->b, b) == 0)
            return link;
    }
    return NULL;
}

static void test_every_machine_and_link(void **state)
{
    (void)state;
    Diagnostics *diagnostics = diagnostics_new();
    Scenario *scenario = scenario_read_bytes("x", span_of_text(HOME), diagnostics);
    assert_non_null(scenario);
    Topology *topology = topology_new(scenario);
    assert_int_equal(topology->node_count, 7);
    assert_int_equal(topology->link_count, 6);
    for (size_t i = 0; i < topology->link_count; i++) {
        assert_non_null(find_node(topology, topology->links[i].a));
        assert_non_null(find_node(topology, topology->links[i].b));
    }
    assert_string_equal(find_node(topology, "cottage")->role, "router");
    assert_string_equal(find_node(topology, "nameserver")->role, "nameserver");
    assert_string_equal(find_node(topology, "alice.laptop")->server, "mail.naver.example");
    assert_int_equal(find_link(topology, "seoul", "busan")->delay_ns, 5 * SIM_MILLISECOND);
    assert_non_null(find_link(topology, "cottage", "busan"));
    assert_non_null(find_link(topology, "pc.bob.example", "cottage"));
    topology_free(topology);
    scenario_free(scenario);
    diagnostics_free(diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_machine_and_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
