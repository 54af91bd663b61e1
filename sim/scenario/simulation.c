/* From a scenario to a running simulation. See simulation.h. */
#include "scenario/simulation_internal.h"

#include "core/check.h"
#include "mail/address.h"
#include "proto/smtp.h"

#include <string.h>

char *simulation_agent_host_name(const ScenarioPerson *person, const ScenarioAgent *agent)
{
    return g_strdup_printf("%s.%s", person->name.text, agent->name.text);
}

char *simulation_format_start(const Scenario *scenario)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_offset((gint32)scenario->start.offset_minutes * 60);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(scenario->start.unix_seconds);
    g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
    return g_date_time_format(local, "%Y-%m-%dT%H:%M:%S%:z");
}

Trace *simulation_trace(const Simulation *simulation)
{
    return simulation->trace;
}

Simulator *simulation_simulator(const Simulation *simulation)
{
    return simulation->simulator;
}

/* ---- The programs ---- */

static uint32_t extension_bits(const ScenarioNumbers *extensions)
{
    static const uint32_t BITS[] = {
        [SERVER_EXTENSION_PIPELINING] = SMTP_EXTENSION_PIPELINING,
        [SERVER_EXTENSION_SIZE] = SMTP_EXTENSION_SIZE,
        [SERVER_EXTENSION_8BITMIME] = SMTP_EXTENSION_8BITMIME,
        [SERVER_EXTENSION_ENHANCEDSTATUSCODES] = SMTP_EXTENSION_ENHANCEDSTATUSCODES,
        [SERVER_EXTENSION_DSN] = SMTP_EXTENSION_DSN,
        [SERVER_EXTENSION_SMTPUTF8] = SMTP_EXTENSION_SMTPUTF8,
        [SERVER_EXTENSION_CHUNKING] = SMTP_EXTENSION_CHUNKING,
        [SERVER_EXTENSION_STARTTLS] = SMTP_EXTENSION_STARTTLS,
        [SERVER_EXTENSION_EXPN] = SMTP_EXTENSION_EXPN,
        [SERVER_EXTENSION_HELP] = SMTP_EXTENSION_HELP,
    };
    uint32_t bits = 0;
    for (size_t i = 0; i < extensions->count; i++)
        bits |= BITS[extensions->items[i]];
    return bits;
}

static SmtpTimeouts smtp_timeouts(const ScenarioTimeouts *timeouts)
{
    return (SmtpTimeouts){{
        [SMTP_TIMEOUT_GREETING] = timeouts->greeting_ns,
        [SMTP_TIMEOUT_HELLO] = timeouts->hello_ns,
        [SMTP_TIMEOUT_MAIL] = timeouts->mail_ns,
        [SMTP_TIMEOUT_RCPT] = timeouts->rcpt_ns,
        [SMTP_TIMEOUT_DATA_INITIATION] = timeouts->data_ns,
        [SMTP_TIMEOUT_DATA_BLOCK] = timeouts->block_ns,
        [SMTP_TIMEOUT_DATA_TERMINATION] = timeouts->final_dot_ns,
        [SMTP_TIMEOUT_SERVER] = timeouts->command_ns,
    }};
}

/* Adds the host of that name, and those of the machines that are joined to the router of it. */
static void add_relay_clients(const Simulation *simulation, const char *name, GArray *addresses)
{
    const Scenario *scenario = simulation->scenario;
    for (size_t i = 0; i < scenario->servers.count; i++) {
        const SimulatedServer *server = &simulation->servers[i];
        Ipv4Address address = host_address(server->machine.host);
        if (strcmp(server->scenario->router.text, name) == 0 ||
            strcmp(server->scenario->name.text, name) == 0)
            g_array_append_val(addresses, address);
    }
    for (guint i = 0; i < simulation->agents->len; i++) {
        const SimulatedAgent *agent = &g_array_index(simulation->agents, SimulatedAgent, i);
        Ipv4Address address = host_address(agent->machine.host);
        if (strcmp(agent->scenario->router.text, name) == 0 ||
            strcmp(host_name(agent->machine.host), name) == 0)
            g_array_append_val(addresses, address);
    }
    if (simulation->outside != NULL && strcmp(scenario->network.routers.items[0].text, name) == 0) {
        Ipv4Address address = host_address(simulation->outside[0].host);
        g_array_append_val(addresses, address);
    }
}

/* NULL-terminated; the texts are borrowed. To free. */
static const char **texts_of(const ScenarioTexts *texts)
{
    const char **list = g_new0(const char *, texts->count + 1);
    for (size_t i = 0; i < texts->count; i++)
        list[i] = texts->items[i].text;
    return list;
}

/* What a server's options are made of, until the server has copied it. */
typedef struct ServerNames {
    GArray *users;  /* MailServerUser */
    GArray *groups; /* MailServerGroup */
    GPtrArray *lists;
} ServerNames;

static const char *const *keep_texts(const ServerNames *names, const ScenarioTexts *texts)
{
    const char **list = texts_of(texts);
    g_ptr_array_add(names->lists, (void *)(uintptr_t)list);
    return list;
}

static MailServerVacation vacation_of(const ScenarioUser *user)
{
    const ScenarioVacation *vacation = &user->vacation;
    bool has_end = vacation->until_ns != SCENARIO_UNSET;
    return (MailServerVacation){.body = vacation->body.text,
                                .subject = vacation->subject.text,
                                .from = vacation->from_ns,
                                .until = has_end ? vacation->until_ns : SIM_NEVER,
                                .again_after = vacation->again_after_ns};
}

static ServerNames server_names_of(const ScenarioServer *scenario)
{
    ServerNames names = {g_array_new(FALSE, FALSE, sizeof(MailServerUser)),
                         g_array_new(FALSE, FALSE, sizeof(MailServerGroup)),
                         g_ptr_array_new_with_free_func(g_free)};
    for (size_t i = 0; i < scenario->users.count; i++) {
        const ScenarioUser *user = &scenario->users.items[i];
        MailServerUser shown = {user->name.text, SIMULATION_PASSWORD,
                                (uint64_t)MAX(user->quota_bytes, 0), vacation_of(user),
                                keep_texts(&names, &user->forward)};
        g_array_append_val(names.users, shown);
    }
    for (size_t i = 0; i < scenario->aliases.count; i++) {
        const ScenarioAlias *alias = &scenario->aliases.items[i];
        MailServerGroup group = {alias->name.text, NULL, keep_texts(&names, &alias->to)};
        g_array_append_val(names.groups, group);
    }
    for (size_t i = 0; i < scenario->lists.count; i++) {
        const ScenarioList *list = &scenario->lists.items[i];
        MailServerGroup group = {list->name.text, list->owner.text,
                                 keep_texts(&names, &list->members)};
        g_array_append_val(names.groups, group);
    }
    return names;
}

static void server_names_clear(const ServerNames *names)
{
    g_array_unref(names->users);
    g_array_unref(names->groups);
    g_ptr_array_unref(names->lists);
}

static MailServer *build_server(const Simulation *simulation, const SimulatedServer *simulated)
{
    static const SmtpBareNewlines NEWLINES[] = {
        [NEWLINE_CHOICE_REFUSE] = SMTP_BARE_NEWLINES_REFUSED,
        [NEWLINE_CHOICE_ACCEPT] = SMTP_BARE_NEWLINES_END_LINES,
        [NEWLINE_CHOICE_KEEP] = SMTP_BARE_NEWLINES_KEPT,
    };
    static const DiskLoss LOSSES[] = {[POWER_LOSS_CHOICE_SEEDED] = DISK_LOSS_SEEDED,
                                      [POWER_LOSS_CHOICE_ALL] = DISK_LOSS_ALL,
                                      [POWER_LOSS_CHOICE_NOTHING] = DISK_LOSS_NOTHING};
    const ScenarioServer *scenario = simulated->scenario;
    g_autoptr(GArray) relay_clients = g_array_new(FALSE, FALSE, sizeof(Ipv4Address));
    for (size_t i = 0; i < scenario->relay_for.count; i++)
        add_relay_clients(simulation, scenario->relay_for.items[i].text, relay_clients);
    g_autofree const char **domains = texts_of(&scenario->domains);
    g_autofree const char **backups = texts_of(&scenario->backup_for);
    ServerNames names = server_names_of(scenario);
    PolicyLists policy_lists = {0};
    MailServerOptions options = {
        .backup_domains = backups,
        .backup_domain_count = scenario->backup_for.count,
        .domains = domains,
        .domain_count = scenario->domains.count,
        .users = (const MailServerUser *)(const void *)names.users->data,
        .user_count = names.users->len,
        .groups = (const MailServerGroup *)(const void *)names.groups->data,
        .group_count = names.groups->len,
        .accepts_plus = scenario->plus_addresses == PLUS_CHOICE_ACCEPT,
        .hop_limit = (uint32_t)scenario->smtp.hop_limit,
        .extensions = extension_bits(&scenario->extensions),
        .size_limit = (uint64_t)scenario->smtp.size_limit,
        .recipient_limit = (uint32_t)scenario->smtp.recipient_limit,
        .error_limit = (uint32_t)scenario->smtp.error_limit,
        .tells_users = scenario->smtp.verify == VERIFY_CHOICE_TELL,
        .bare_newlines = NEWLINES[scenario->smtp.bare_newlines],
        .auth_needs_tls = scenario->smtp.auth == AUTH_CHOICE_AFTER_STARTTLS,
        .timeouts = smtp_timeouts(&scenario->timeouts),
        .connect_timeout = scenario->timeouts.connect_ns,
        .disk =
            {
                .write_latency_ns = scenario->disk.write_ns,
                .sync_latency_ns = scenario->disk.sync_ns,
                .capacity =
                    scenario->disk.size != SCENARIO_UNSET ? (uint64_t)scenario->disk.size : 0,
                .loss = LOSSES[scenario->disk.power_loss],
            },
        .spool_order = scenario->smtp.final_reply == FINAL_REPLY_CHOICE_BEFORE_SYNC
                           ? SPOOL_TELL_FIRST
                           : SPOOL_SYNC_FIRST,
        .retry = scenario->retry.schedule,
        .connections =
            {
                .messages = (uint32_t)scenario->connections.messages,
                .idle_ns = scenario->connections.idle_ns,
                .per_destination = (uint32_t)scenario->connections.per_destination,
                .total = (uint32_t)scenario->connections.total,
            },
        .active_limit = (uint32_t)scenario->connections.active_limit,
        .relay_clients = (const Ipv4Address *)(void *)relay_clients->data,
        .relay_client_count = relay_clients->len,
        .reports_double_bounces = scenario->double_bounces == DOUBLE_BOUNCE_POSTMASTER,
        .catch_all = scenario->catch_all.text,
        .policy = simulation_policy(simulation, &scenario->policy, &policy_lists),
    };
    MailServer *server = mail_server_new(&simulated->machine, &options);
    server_names_clear(&names);
    policy_lists_clear(&policy_lists);
    return server;
}

static UserAgent *build_agent(const Simulation *simulation, const SimulatedAgent *simulated)
{
    const char *text = simulated->person->address.text;
    Address address;
    CHECK(address_parse(span_of_text(text), &address) == ADDRESS_OK);
    const ScenarioServer *server = scenario_find_domain(simulation->scenario, address.domain);
    CHECK(server != NULL);
    const char *through = simulated->scenario->through.text;
    Ipv4Address through_address =
        through != NULL ? network_address_of(simulation->network, through) : 0;
    UserAgentOptions options = {
        .address = text,
        .server = server->name.text,
        .user = address.local_part,
        .password = SIMULATION_PASSWORD,
        .helo_name = simulated->scenario->helo.text,
        .sends_directly = simulated->scenario->send == AGENT_SEND_DIRECT,
        .through = through,
        .through_address = through_address,
        .retry_ns = simulated->scenario->outbox.retry_ns,
        .lifetime_ns = simulated->scenario->outbox.lifetime_ns,
    };
    return user_agent_new(&simulated->machine, &options);
}

static void build_programs(Simulation *simulation)
{
    Ipv4Address name_server = host_address(simulation->name_server_machine.host);
    simulation->zone = simulation_build_zone(simulation);
    simulation->name_server = name_server_new(&simulation->name_server_machine, simulation->zone);
    Ipv4Address outside_from =
        simulation->outside != NULL ? host_address(simulation->outside[0].host) : 0;
    for (size_t i = 0; i < simulation->scenario->servers.count; i++) {
        simulation->servers[i].machine.name_server = name_server;
        simulation->servers[i].machine.outside_from = outside_from;
        simulation->servers[i].server = build_server(simulation, &simulation->servers[i]);
    }
    if (simulation->outside != NULL)
        simulation->gateway =
            gateway_new(simulation->outside, g_strv_length(simulation->options.outside->domains));
    for (guint i = 0; i < simulation->agents->len; i++) {
        SimulatedAgent *agent = &g_array_index(simulation->agents, SimulatedAgent, i);
        agent->machine.name_server = name_server;
        agent->agent = build_agent(simulation, agent);
    }
}

Simulation *simulation_new(const Scenario *scenario, const SimulationOptions *options)
{
    Simulation *simulation = g_new0(Simulation, 1);
    simulation->scenario = scenario;
    simulation->options = *options;
    int64_t seed = options->seed != SCENARIO_UNSET ? options->seed : scenario->seed;
    simulation->seed = (uint64_t)seed;
    simulation->simulator = simulator_new_with_queue(simulation->seed, options->queue);
    simulation->trace = trace_new(simulation->simulator);
    simulation->name_faults = name_faults_new();
    simulation->fault_end_rules = g_array_new(FALSE, FALSE, sizeof(ScenarioRule));
    simulation->servers = g_new0(SimulatedServer, scenario->servers.count + 1);
    simulation->agents = g_array_new(FALSE, TRUE, sizeof(SimulatedAgent));
    simulation->triggers = g_array_new(FALSE, TRUE, sizeof(Trigger));
    g_array_set_clear_func(simulation->triggers, trigger_clear);
    simulation->actions = g_new0(PlannedAction, scenario->timeline.count + 1);
    simulation_build_network(simulation);
    build_programs(simulation);
    return simulation;
}

void simulation_free(Simulation *simulation)
{
    trace_close(simulation->trace);
    g_clear_pointer(&simulation->gateway, gateway_free);
    for (guint i = 0; i < simulation->agents->len; i++)
        user_agent_free(g_array_index(simulation->agents, SimulatedAgent, i).agent);
    for (size_t i = 0; i < simulation->scenario->servers.count; i++)
        mail_server_free(simulation->servers[i].server);
    name_server_free(simulation->name_server);
    dns_zone_free(simulation->zone);
    network_free(simulation->network);
    trace_free(simulation->trace);
    simulator_free(simulation->simulator);
    name_faults_free(simulation->name_faults);
    g_array_unref(simulation->agents);
    g_free(simulation->outside);
    g_free(simulation->servers);
    g_free(simulation->actions);
    g_array_unref(simulation->triggers);
    g_free(simulation->planned_mails);
    g_array_unref(simulation->fault_end_rules);
    g_free(simulation);
}

/* ---- The run ---- */

static const char *end_reason(SimulatorEnd end)
{
    switch (end) {
    case SIMULATOR_END_UNTIL:
        return "until";
    case SIMULATOR_END_QUIET:
        return "quiet";
    case SIMULATOR_END_STOPPED:
        return "stopped";
    case SIMULATOR_END_BUDGET:
        return "budget";
    }
    return NULL;
}

/* Plays to the end, with the fault of the options on the way if there is one. */
static SimulatorEnd run_with_fault(Simulation *simulation, SimulatorLimits limits)
{
    const SimulationFault *fault = &simulation->options.fault;
    if (fault->number > 0 && fault->point == FAULT_AFTER_EVENT) {
        SimulatorLimits until_fault = {.until = limits.until, .max_events = fault->number};
        SimulatorEnd end = simulator_run(simulation->simulator, until_fault);
        if (end != SIMULATOR_END_BUDGET)
            return end;
        simulation_strike(simulation);
    }
    return simulator_run(simulation->simulator, limits);
}

SimTime simulation_until(const Simulation *simulation)
{
    const Scenario *scenario = simulation->scenario;
    int64_t given = simulation->options.until_ns;
    int64_t until = given != SCENARIO_UNSET ? given : scenario->until_ns;
    return until != SCENARIO_UNSET ? until : SIM_NEVER;
}

void simulation_begin(Simulation *simulation)
{
    const Scenario *scenario = simulation->scenario;
    g_autofree char *start = simulation_format_start(scenario);
    simulation_plan_timeline(simulation);
    simulation_plan_traffic(simulation);
    simulation_watch_disk(simulation);
    TRACE(simulation->trace, NODE_TIMELINE, TIMELINE_BEGIN, 0, .start = start);
    Cause begin = *simulator_cause(simulation->simulator);
    network_announce(simulation->network);
    if (simulation->gateway != NULL)
        gateway_start(simulation->gateway);
    for (size_t i = 0; i < scenario->servers.count; i++) {
        *simulator_cause(simulation->simulator) = begin;
        mail_server_start(simulation->servers[i].server);
    }
}

SimulatorEnd simulation_advance(Simulation *simulation, SimulatorLimits limits)
{
    return simulator_run(simulation->simulator, limits);
}

Gateway *simulation_gateway(const Simulation *simulation)
{
    return simulation->gateway;
}

void simulation_end(Simulation *simulation, SimulatorEnd end)
{
    TRACE(simulation->trace, NODE_TIMELINE, TIMELINE_END, 0, .reason = end_reason(end));
    Cause end_cause = *simulator_cause(simulation->simulator);
    for (size_t i = 0; i < simulation->scenario->servers.count; i++) {
        *simulator_cause(simulation->simulator) = end_cause;
        mail_server_take_inventory(simulation->servers[i].server, true);
    }
}

/* The recorded inputs, each between the events before its time and those at it, as a live session
 * had them. False when the run ends before the last. */
static bool run_inputs(Simulation *simulation, SimulatorLimits limits, SimulatorEnd *end)
{
    const SimulationOutside *outside = simulation->options.outside;
    for (size_t i = 0; i < outside->input_count; i++) {
        const GatewayInput *input = &outside->inputs[i];
        if (input->time > limits.until)
            return true;
        SimulatorLimits before = {.until = input->time - 1, .max_events = limits.max_events};
        *end = simulator_run(simulation->simulator, before);
        if (*end != SIMULATOR_END_UNTIL)
            return false;
        gateway_schedule(simulation->gateway, input);
    }
    return true;
}

SimulatorEnd simulation_run(Simulation *simulation)
{
    SimulatorLimits limits = {.until = simulation_until(simulation),
                              .max_events = simulation->options.max_events};
    SimulatorEnd end = SIMULATOR_END_STOPPED;
    simulation_begin(simulation);
    if (simulation->gateway == NULL || run_inputs(simulation, limits, &end))
        end = run_with_fault(simulation, limits);
    simulation_end(simulation, end);
    return end;
}
