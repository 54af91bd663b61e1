/* Traffic: many mails, drawn from the seed.
 *
 * All is drawn before the run, from a stream of each entry's own, so that another entry, a fault or
 * the course of the run changes nothing in it. Each mail is an event at its author's agent. */
#include "scenario/simulation_internal.h"

#include <string.h>

/* As `size` of a mail. */
enum { TRAFFIC_SIZE_MAX = 64 << 20 };

static SimulatedAgent *first_agent_of(const Simulation *simulation, const char *person)
{
    for (guint i = 0; i < simulation->agents->len; i++) {
        SimulatedAgent *agent = &g_array_index(simulation->agents, SimulatedAgent, i);
        if (strcmp(agent->person->name.text, person) == 0)
            return agent;
    }
    return NULL; /* the reader has looked */
}

/* The agents of those in `from`; to free. */
static SimulatedAgent **authors_of(const Simulation *simulation, const ScenarioTraffic *traffic)
{
    SimulatedAgent **authors = g_new(SimulatedAgent *, traffic->from.count);
    for (size_t i = 0; i < traffic->from.count; i++)
        authors[i] = first_agent_of(simulation, traffic->from.items[i].text);
    return authors;
}

static void write_mail(void *owner, void *data)
{
    (void)data;
    const PlannedMail *planned = owner;
    const ScenarioTraffic *traffic = planned->traffic;
    g_autofree char *name = simulation_occurrence_name(traffic->name.text, planned->index);
    UserAgentMail mail = {
        .name = name,
        .sender = traffic->sender.text,
        .to = &planned->to,
        .to_count = 1,
        .subject = name,
        .size = (size_t)planned->size,
    };
    TRACE(planned->agent->machine.trace, NODE_TIMELINE, TIMELINE_ACTION, 0,
          .action = action_name(ACTION_SEND), .subject = name);
    user_agent_send(planned->agent->agent, &mail);
}

static SimTime draw_gap(const ScenarioTraffic *traffic, Random *random)
{
    switch ((ArrivalChoice)traffic->arrivals) {
    case ARRIVAL_POISSON:
        return random_draw_exponential(random, traffic->every_ns);
    case ARRIVAL_FIXED:
        return traffic->every_ns;
    case ARRIVAL_BURST:
        break;
    }
    return 0;
}

static int64_t draw_size(const ScenarioTraffic *traffic, Random *random)
{
    if (traffic->sizes == SIZES_FIXED)
        return traffic->size_bytes;
    return CLAMP(random_draw_exponential(random, traffic->size_bytes), 1, TRAFFIC_SIZE_MAX);
}

static void plan_entry(Simulation *simulation, const ScenarioTraffic *traffic, uint64_t seed,
                       PlannedMail *mails)
{
    Random random = random_stream(seed, traffic->name.text, RANDOM_WORKLOAD);
    SimTime time = traffic->start_ns;
    g_autofree SimulatedAgent **authors = authors_of(simulation, traffic);
    for (int64_t i = 0; i < traffic->count; i++) {
        size_t from = random_draw_below(&random, traffic->from.count);
        size_t to = random_draw_below(&random, traffic->to.count);
        mails[i] = (PlannedMail){
            .traffic = traffic,
            .index = i,
            .agent = authors[from],
            .to = traffic->to.items[to].text,
            .size = draw_size(traffic, &random),
        };
        EventAction action = {write_mail, &mails[i], NULL, NULL};
        simulator_schedule(simulation->simulator, time, mails[i].agent->machine.node,
                           EVENT_FOREGROUND, action);
        time = simtime_add(time, draw_gap(traffic, &random));
    }
}

void simulation_plan_traffic(Simulation *simulation)
{
    const ScenarioTraffics *traffic = &simulation->scenario->traffic;
    int64_t count = 0;
    for (size_t i = 0; i < traffic->count; i++)
        count += traffic->items[i].count;
    simulation->planned_mails = g_new0(PlannedMail, (gsize)count + 1);
    PlannedMail *mails = simulation->planned_mails;
    for (size_t i = 0; i < traffic->count; i++) {
        plan_entry(simulation, &traffic->items[i], simulation->seed, mails);
        mails += traffic->items[i].count;
    }
}
