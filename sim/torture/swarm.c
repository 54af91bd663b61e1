/* The swarm's scenario: base, traffic, faults, healing. See swarm.h; swarm_faults.c draws the
 * faults. */
#include "torture/swarm_internal.h"

#include "scenario/full_writer.h"
#include "scenario/simulation.h"

#include <string.h>

/* The chance that a family is on: one in three. */
enum { FAMILY_CHANCE = 3 };
/* Restarts, then links and names: a server that starts finds a network that works. */
#define HEAL_STEP (1 * SIM_SECOND)

/* ---- Draws ---- */

uint64_t swarm_draw(Swarm *swarm, uint64_t bound)
{
    return random_draw_below(&swarm->random, bound);
}

/* Whole milliseconds, which read well. */
static SimTime draw_below(Swarm *swarm, SimTime bound)
{
    return (SimTime)swarm_draw(swarm, (uint64_t)(bound / SIM_MILLISECOND)) * SIM_MILLISECOND;
}

SimTime swarm_draw_time(Swarm *swarm)
{
    uint64_t where = swarm_draw(swarm, 4);
    if (where < 2)
        return draw_below(swarm, 3 * SIM_SECOND);
    if (where == 2)
        return draw_below(swarm, MIN(SIM_MINUTE, swarm->window_ns));
    return draw_below(swarm, swarm->window_ns);
}

SimTime swarm_draw_duration(Swarm *swarm)
{
    static const SimTime UNITS[] = {
        SIM_MILLISECOND, 100 * SIM_MILLISECOND, SIM_SECOND, 10 * SIM_SECOND,
        SIM_MINUTE,      10 * SIM_MINUTE,       SIM_HOUR,   6 * SIM_HOUR,
        SIM_DAY};
    if (swarm_draw(swarm, 6) == 0)
        return swarm->window_ns;
    SimTime unit = UNITS[swarm_draw(swarm, G_N_ELEMENTS(UNITS))];
    SimTime duration = unit * (SimTime)(1 + swarm_draw(swarm, 9));
    return MIN(duration, swarm->window_ns);
}

const char *swarm_draw_server(Swarm *swarm)
{
    return swarm->base->servers.items[swarm_draw(swarm, swarm->base->servers.count)].name.text;
}

static Random stream_of(uint64_t seed, const char *what)
{
    return random_stream(seed, what, RANDOM_TORTURE);
}

const char *swarm_family_name(size_t family)
{
    return family < SWARM_FAMILY_COUNT ? SWARM_FAMILIES[family].name : NULL;
}

uint32_t swarm_families_on(uint64_t seed)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < SWARM_FAMILY_COUNT; i++) {
        Random random = stream_of(seed, SWARM_FAMILIES[i].name);
        bits |= random_draw_below(&random, FAMILY_CHANCE) == 0 ? 1U << i : 0;
    }
    return bits;
}

/* ---- Actions ---- */

ScenarioAction swarm_action(ActionKind kind, int64_t time_ns)
{
    return (ScenarioAction){
        .kind = kind,
        .time_ns = time_ns,
        .when = {.machine = SCENARIO_UNSET, .nth = 1},
        .after_ns = SCENARIO_UNSET,
        .every_ns = SCENARIO_UNSET,
        .times = 1,
    };
}

void swarm_add(Swarm *swarm, const ScenarioAction *action)
{
    g_array_append_vals(swarm->actions, action, 1);
}

ScenarioText swarm_text(Swarm *swarm, const char *text)
{
    return (ScenarioText){.text = arena_text(swarm->arena, span_of_text(text))};
}

/* ---- What there is to break ---- */

static void add_link(Swarm *swarm, const char *a, const char *b)
{
    SwarmLink link = {a, b};
    g_array_append_val(swarm->links, link);
}

static void find_links(Swarm *swarm)
{
    const Scenario *base = swarm->base;
    const ScenarioNetwork *network = &base->network;
    for (size_t i = 0; i < network->links.count; i++)
        add_link(swarm, network->links.items[i].between.items[0].text,
                 network->links.items[i].between.items[1].text);
    for (size_t i = 0; i < network->homes.count; i++)
        add_link(swarm, network->homes.items[i].name.text, network->homes.items[i].router.text);
    for (size_t i = 0; i < base->servers.count; i++)
        add_link(swarm, base->servers.items[i].name.text, base->servers.items[i].router.text);
    for (size_t i = 0; i < base->people.count; i++) {
        const ScenarioPerson *person = &base->people.items[i];
        for (size_t j = 0; j < person->agents.count; j++) {
            g_autofree char *host = simulation_agent_host_name(person, &person->agents.items[j]);
            add_link(swarm, arena_text(swarm->arena, span_of_text(host)),
                     person->agents.items[j].router.text);
        }
    }
}

static void find_names(Swarm *swarm)
{
    for (size_t i = 0; i < swarm->base->servers.count; i++) {
        const ScenarioServer *server = &swarm->base->servers.items[i];
        g_ptr_array_add(swarm->names, (char *)(uintptr_t)server->name.text);
        for (size_t j = 0; j < server->domains.count; j++)
            g_ptr_array_add(swarm->names, (char *)(uintptr_t)server->domains.items[j].text);
    }
}

/* ---- Healing ---- */

static void heal_machines(Swarm *swarm, SimTime time)
{
    for (size_t i = 0; i < swarm->base->servers.count; i++) {
        ScenarioAction action = swarm_action(ACTION_FREE_DISK, time);
        action.machine.host = swarm->base->servers.items[i].name;
        swarm_add(swarm, &action);
        action.kind = ACTION_DISK_FIX;
        swarm_add(swarm, &action);
        action.kind = ACTION_RESTART;
        swarm_add(swarm, &action);
    }
}

static void heal_network(Swarm *swarm, SimTime time)
{
    ScenarioAction heal = swarm_action(ACTION_HEAL, time);
    swarm_add(swarm, &heal);
    for (guint i = 0; i < swarm->links->len; i++) {
        const SwarmLink *link = &g_array_index(swarm->links, SwarmLink, i);
        ScenarioAction action = swarm_action(ACTION_LINK_UP, time);
        action.link.between.items = arena_allocate(swarm->arena, 2, sizeof(ScenarioText));
        action.link.between.count = 2;
        action.link.between.items[0].text = link->a;
        action.link.between.items[1].text = link->b;
        swarm_add(swarm, &action);
        action.kind = ACTION_RESTORE;
        swarm_add(swarm, &action);
    }
    for (guint i = 0; i < swarm->names->len; i++) {
        ScenarioAction action = swarm_action(ACTION_DNS_FIX, time);
        action.dns_fix.name.text = swarm->names->pdata[i];
        swarm_add(swarm, &action);
    }
}

static void fetch_all(Swarm *swarm, SimTime time)
{
    for (size_t i = 0; i < swarm->base->people.count; i++) {
        const ScenarioPerson *person = &swarm->base->people.items[i];
        ScenarioAction action = swarm_action(ACTION_FETCH, time);
        action.fetch.who = person->name;
        action.fetch.agent = person->agents.items[0].name;
        swarm_add(swarm, &action);
    }
}

/* ---- Traffic ---- */

/* Everybody who has a mailbox, a postmaster, and somebody whom nobody knows. */
static ScenarioTexts all_addresses(Swarm *swarm)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new();
    for (size_t i = 0; i < swarm->base->servers.count; i++) {
        const ScenarioServer *server = &swarm->base->servers.items[i];
        const char *domain = server->domains.count > 0 ? server->domains.items[0].text : NULL;
        for (size_t j = 0; domain != NULL && j < server->users.count; j++)
            g_ptr_array_add(addresses,
                            g_strdup_printf("%s@%s", server->users.items[j].name.text, domain));
        if (domain != NULL && i == swarm_draw(swarm, swarm->base->servers.count))
            g_ptr_array_add(addresses, g_strdup_printf("nobody-knows@%s", domain));
    }
    ScenarioTexts texts = {arena_allocate(swarm->arena, addresses->len, sizeof(ScenarioText)),
                           addresses->len};
    for (guint i = 0; i < addresses->len; i++) {
        texts.items[i] = swarm_text(swarm, addresses->pdata[i]);
        g_free(addresses->pdata[i]);
    }
    return texts;
}

static ScenarioTexts all_people(const Swarm *swarm)
{
    const ScenarioPeople *people = &swarm->base->people;
    ScenarioTexts texts = {arena_allocate(swarm->arena, people->count, sizeof(ScenarioText)),
                           people->count};
    for (size_t i = 0; i < people->count; i++)
        texts.items[i].text = people->items[i].name.text;
    return texts;
}

enum { TRAFFIC_ENTRIES = 3 };

/* Two lots of mail within the window, and one of each person behind it. */
static void add_traffic(Swarm *swarm, Scenario *scenario, SimTime healed_at)
{
    static const int64_t SIZES[] = {100, 2000, 40000};
    static const char *const NAMES[TRAFFIC_ENTRIES] = {"swarm-early", "swarm-late", "swarm-healed"};
    const ScenarioTexts to = all_addresses(swarm), from = all_people(swarm);
    if (to.count == 0 || from.count == 0)
        return;
    size_t before = scenario->traffic.count;
    ScenarioTraffic *items =
        arena_allocate(swarm->arena, before + TRAFFIC_ENTRIES, sizeof(ScenarioTraffic));
    if (before > 0)
        memcpy(items, scenario->traffic.items, before * sizeof *items);
    for (size_t i = 0; i < TRAFFIC_ENTRIES; i++) {
        bool is_last = i == TRAFFIC_ENTRIES - 1;
        items[before + i] = (ScenarioTraffic){
            .name = {.text = NAMES[i]},
            .from = from,
            .to = to,
            .start_ns = is_last ? healed_at : swarm_draw_time(swarm),
            .arrivals = swarm_draw(swarm, 2) == 0 ? ARRIVAL_POISSON : ARRIVAL_BURST,
            .every_ns = 1 + (SimTime)swarm_draw(swarm, SIM_SECOND),
            .count = is_last ? (int64_t)from.count : 1 + (int64_t)swarm_draw(swarm, 5),
            .size_bytes = SIZES[swarm_draw(swarm, G_N_ELEMENTS(SIZES))],
            .sizes = SIZES_FIXED,
        };
    }
    scenario->traffic = (ScenarioTraffics){items, before + TRAFFIC_ENTRIES};
}

/* ---- All of it ---- */

/* The last moment at which the timeline of the base does something by itself. */
static SimTime last_time_of(const ScenarioTimeline *timeline)
{
    SimTime last = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        const ScenarioAction *action = &timeline->items[i];
        if (action->time_ns != SCENARIO_UNSET)
            last = MAX(last, action->time_ns + (action->times - 1) * MAX(action->every_ns, 0));
    }
    return last;
}

/* After this long at the latest a message is gone, and so is the bounce that it has become. */
static SimTime rest_time_of(const Scenario *scenario)
{
    SimTime lifetime = 0;
    for (size_t i = 0; i < scenario->servers.count; i++)
        lifetime = MAX(lifetime, scenario->servers.items[i].retry.schedule.lifetime_ns);
    return 2 * (lifetime + SIM_DAY) + SIM_DAY;
}

static void add_expectations(const Swarm *swarm, Scenario *scenario)
{
    size_t count = scenario->servers.count;
    ScenarioExpectation *items = arena_allocate(swarm->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = (ScenarioExpectation){
            .selector = {.fact = FACT_HOST_QUEUE_LENGTH,
                         .host = scenario->servers.items[i].name.text,
                         .before = SIM_NEVER},
            .comparator = FACT_IS,
        };
    scenario->expect = (ScenarioExpectations){items, count};
}

static void draw_families(Swarm *swarm)
{
    uint32_t on = swarm_families_on(swarm->seed);
    for (size_t i = 0; i < SWARM_FAMILY_COUNT; i++) {
        swarm->random = stream_of(swarm->seed, SWARM_FAMILIES[i].name);
        swarm_draw(swarm, FAMILY_CHANCE); /* as swarm_families_on has done */
        if ((on & 1U << i) != 0)
            SWARM_FAMILIES[i].draw(swarm);
    }
}

static void add_timeline(Swarm *swarm, Scenario *scenario, SimTime heal_at)
{
    g_array_append_vals(swarm->actions, scenario->timeline.items, (guint)scenario->timeline.count);
    draw_families(swarm);
    heal_network(swarm, heal_at);
    heal_machines(swarm, heal_at + HEAL_STEP);
    fetch_all(swarm, heal_at + SIM_DAY);
    scenario->timeline =
        (ScenarioTimeline){(ScenarioAction *)(void *)swarm->actions->data, swarm->actions->len};
}

char *swarm_write(const Scenario *base, uint64_t seed)
{
    static const SimTime WINDOWS[] = {10 * SIM_SECOND, 10 * SIM_MINUTE, 6 * SIM_HOUR, 2 * SIM_DAY,
                                      8 * SIM_DAY};
    g_autoptr(Arena) arena = arena_new();
    Swarm swarm = {.base = base,
                   .seed = seed,
                   .random = stream_of(seed, "swarm"),
                   .arena = arena,
                   .actions = g_array_new(FALSE, FALSE, sizeof(ScenarioAction)),
                   .links = g_array_new(FALSE, FALSE, sizeof(SwarmLink)),
                   .names = g_ptr_array_new()};
    swarm.window_ns = WINDOWS[swarm_draw(&swarm, G_N_ELEMENTS(WINDOWS))];
    find_links(&swarm);
    find_names(&swarm);
    Scenario scenario = *base;
    SimTime heal_at = MAX(swarm.window_ns, last_time_of(&base->timeline) + SIM_SECOND);
    scenario.seed = (int64_t)(seed & INT64_MAX);
    scenario.about = (LocalText){0};
    scenario.questions = (ScenarioQuestions){0};
    scenario.until_ns = heal_at + rest_time_of(base);
    add_traffic(&swarm, &scenario, heal_at + SIM_MINUTE);
    add_timeline(&swarm, &scenario, heal_at);
    add_expectations(&swarm, &scenario);
    char *text = scenario_format_full(&scenario);
    g_array_unref(swarm.actions);
    g_array_unref(swarm.links);
    g_ptr_array_unref(swarm.names);
    return text;
}
