/* The timeline: the scenario's actions as events of the simulation.
 *
 * An action that concerns one machine is an event of that machine's node, so that it has its place
 * in the order of what happens there; one that concerns links is an event of the timeline's own. */
#include "scenario/simulation_internal.h"

#include "core/check.h"
#include "core/text.h"
#include "core/units.h"
#include "scenario/format.h"

#include <string.h>

/* ---- Whom an action concerns ---- */

SimulatedServer *simulation_find_server(const Simulation *simulation, const char *name)
{
    for (size_t i = 0; i < simulation->scenario->servers.count; i++) {
        if (strcmp(simulation->servers[i].scenario->name.text, name) == 0)
            return &simulation->servers[i];
    }
    CHECK(false); /* the reader has looked */
    return NULL;
}

/* The person's agent of that name; without one, the first. */
static SimulatedAgent *find_agent(const Simulation *simulation, const char *person,
                                  const char *agent)
{
    for (guint i = 0; i < simulation->agents->len; i++) {
        SimulatedAgent *candidate = &g_array_index(simulation->agents, SimulatedAgent, i);
        if (strcmp(candidate->person->name.text, person) == 0 &&
            (agent == NULL || strcmp(candidate->scenario->name.text, agent) == 0))
            return candidate;
    }
    CHECK(false); /* the reader has looked */
    return NULL;
}

NodeId simulation_action_node(const Simulation *simulation, const ScenarioAction *action)
{
    switch (action->kind) {
    case ACTION_SEND: {
        const ScenarioMail *mail = scenario_find_mail(simulation->scenario, action->send.mail.text);
        return find_agent(simulation, mail->from.text, action->send.agent.text)->machine.node;
    }
    case ACTION_REPLY:
        return find_agent(simulation, action->reply.who.text, NULL)->machine.node;
    case ACTION_FETCH:
        return find_agent(simulation, action->fetch.who.text, action->fetch.agent.text)
            ->machine.node;
    case ACTION_READ:
        return find_agent(simulation, action->read.who.text, NULL)->machine.node;
    case ACTION_CRASH:
    case ACTION_POWER_OFF:
    case ACTION_RESTART:
    case ACTION_SHUTDOWN:
    case ACTION_FILL_DISK:
    case ACTION_FREE_DISK:
    case ACTION_DISK_FIX:
        return simulation_find_server(simulation, action->machine.host.text)->machine.node;
    case ACTION_DISK_FAIL:
        return simulation_find_server(simulation, action->disk_fail.host.text)->machine.node;
    case ACTION_MAILQ:
    case ACTION_HOLD:
    case ACTION_RELEASE:
    case ACTION_FLUSH:
        return simulation_find_server(simulation, action->queue.host.text)->machine.node;
    case ACTION_DNS_FAIL:
    case ACTION_DNS_FIX:
    case ACTION_DNS_SET:
        return simulation->name_server_machine.node;
    case ACTION_LINK_DOWN:
    case ACTION_LINK_UP:
    case ACTION_DEGRADE:
    case ACTION_RESTORE:
    case ACTION_PARTITION:
    case ACTION_HEAL:
    case ACTION_SET_FIREWALL:
    case ACTION_RENUMBER:
    case ACTION_NOTE:
    case ACTION_KINDS:
        break;
    }
    return NODE_TIMELINE;
}

static char *join(const ScenarioTexts *texts, const char *separator)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < texts->count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? separator : "", texts->items[i].text);
    return g_string_free(text, FALSE);
}

/* `a - b`, or `a to b` where one direction is meant; to free. */
static char *link_subject(const ScenarioAction *action)
{
    const ScenarioTexts *between = &action->link.between;
    if (action->link.from.text == NULL)
        return join(between, " - ");
    bool is_first = strcmp(action->link.from.text, between->items[0].text) == 0;
    return g_strdup_printf("%s to %s", between->items[!is_first].text,
                           between->items[is_first].text);
}

/* `mail.naver.example`, and what it is about where that is not the whole queue; to free. */
static char *queue_subject(const ScenarioAction *action)
{
    const char *host = action->queue.host.text;
    if (action->queue.mail.text != NULL)
        return g_strdup_printf("%s: %s", host, action->queue.mail.text);
    if (action->queue.domain.text != NULL)
        return g_strdup_printf("%s: what is for %s", host, action->queue.domain.text);
    return g_strdup(host);
}

/* The action's object in words, to free. */
char *simulation_action_subject(const ScenarioAction *action)
{
    switch (action->kind) {
    case ACTION_SEND:
        return g_strdup(action->send.mail.text);
    case ACTION_REPLY:
        return g_strdup_printf("%s to %s as %s", action->reply.who.text, action->reply.mail.text,
                               action->reply.as.text);
    case ACTION_FETCH:
        return g_strdup(action->fetch.who.text);
    case ACTION_READ:
        return g_strdup_printf("%s %s", action->read.who.text, action->read.mail.text);
    case ACTION_CRASH:
    case ACTION_POWER_OFF:
    case ACTION_RESTART:
    case ACTION_SHUTDOWN:
    case ACTION_FILL_DISK:
    case ACTION_FREE_DISK:
    case ACTION_DISK_FIX:
        return g_strdup(action->machine.host.text);
    case ACTION_DISK_FAIL:
        return g_strdup(action->disk_fail.host.text);
    case ACTION_MAILQ:
    case ACTION_HOLD:
    case ACTION_RELEASE:
    case ACTION_FLUSH:
        return queue_subject(action);
    case ACTION_LINK_DOWN:
    case ACTION_LINK_UP:
    case ACTION_DEGRADE:
    case ACTION_RESTORE:
        return link_subject(action);
    case ACTION_PARTITION: {
        GString *text = g_string_new(NULL);
        for (size_t i = 0; i < action->partition.groups.count; i++) {
            g_autofree char *group = join(&action->partition.groups.items[i], ", ");
            g_string_append_printf(text, "%s%s", i > 0 ? " | " : "", group);
        }
        return g_string_free(text, FALSE);
    }
    case ACTION_SET_FIREWALL:
        return g_strdup(action->set_firewall.host.text);
    case ACTION_RENUMBER:
        return g_strdup(action->renumber.home.text);
    case ACTION_DNS_FAIL:
        return g_strdup(action->dns_fail.name.text);
    case ACTION_DNS_FIX:
        return g_strdup(action->dns_fix.name.text);
    case ACTION_DNS_SET:
        return g_strdup(action->dns_set.name.text);
    case ACTION_HEAL:
    case ACTION_NOTE:
    case ACTION_KINDS:
        break;
    }
    return NULL;
}

/* ---- People ---- */

static const char **addresses_of(const ScenarioTexts *texts)
{
    const char **addresses = g_new0(const char *, texts->count + 1);
    for (size_t i = 0; i < texts->count; i++)
        addresses[i] = texts->items[i].text;
    return addresses;
}

/* A repetition's name: `lunch`, `lunch.2`, `lunch.3`, … To free. */
char *simulation_occurrence_name(const char *name, int64_t occurrence)
{
    char room[TEXT_NUMBER_SIZE];
    return occurrence == 0
               ? g_strdup(name)
               : g_strconcat(name, ".", text_number((uint64_t)occurrence + 1, 1, room), NULL);
}

static uint8_t notify_bits(const ScenarioNumbers *notify)
{
    static const uint8_t BITS[] = {[MAIL_NOTIFY_NEVER] = NOTIFY_NEVER,
                                   [MAIL_NOTIFY_SUCCESS] = NOTIFY_SUCCESS,
                                   [MAIL_NOTIFY_FAILURE] = NOTIFY_FAILURE,
                                   [MAIL_NOTIFY_DELAY] = NOTIFY_DELAY};
    uint8_t bits = 0;
    for (size_t i = 0; i < notify->count; i++)
        bits |= BITS[notify->items[i]];
    return bits;
}

static void do_send(const Simulation *simulation, const PlannedAction *planned)
{
    const ScenarioMail *mail =
        scenario_find_mail(simulation->scenario, planned->action->send.mail.text);
    g_autofree char *name = simulation_occurrence_name(mail->name.text, planned->done);
    g_autofree const char **to = addresses_of(&mail->to);
    g_autofree const char **cc = addresses_of(&mail->cc);
    g_autofree const char **bcc = addresses_of(&mail->bcc);
    g_autofree MessageField *fields = g_new0(MessageField, mail->header.count + 1);
    for (size_t i = 0; i < mail->header.count; i++)
        fields[i] =
            (MessageField){mail->header.items[i].name.text, mail->header.items[i].value.text};
    g_autofree UserAgentOriginal *originals = g_new0(UserAgentOriginal, mail->orcpt.count + 1);
    for (size_t i = 0; i < mail->orcpt.count; i++)
        originals[i] =
            (UserAgentOriginal){mail->orcpt.items[i].to.text, mail->orcpt.items[i].original.text};
    g_autofree MessageAttachment *attachments = g_new0(MessageAttachment, mail->attach.count + 1);
    for (size_t i = 0; i < mail->attach.count; i++)
        attachments[i] = (MessageAttachment){mail->attach.items[i].name.text,
                                             (size_t)mail->attach.items[i].size_bytes};
    UserAgentMail message = {
        .name = name,
        .sender = mail->sender.text,
        .to = to,
        .cc = cc,
        .bcc = bcc,
        .to_count = mail->to.count,
        .cc_count = mail->cc.count,
        .bcc_count = mail->bcc.count,
        .subject = mail->subject.text,
        .body = mail->body.text,
        .size = mail->size_bytes != SCENARIO_UNSET ? (size_t)mail->size_bytes : 0,
        .raw = mail->raw.text,
        .notify = notify_bits(&mail->notify),
        .return_content = mail->return_content == SCENARIO_UNSET        ? RETURN_NOT_GIVEN
                          : mail->return_content == MAIL_RETURN_HEADERS ? RETURN_HEADERS
                                                                        : RETURN_FULL,
        .envid = mail->envid.text,
        .originals = originals,
        .original_count = mail->orcpt.count,
        .fields = fields,
        .field_count = mail->header.count,
        .attachments = attachments,
        .attachment_count = mail->attach.count,
    };
    const char *agent = planned->action->send.agent.text;
    user_agent_send(find_agent(simulation, mail->from.text, agent)->agent, &message);
}

static void do_reply(const Simulation *simulation, const PlannedAction *planned)
{
    const ScenarioAction *action = planned->action;
    g_autofree char *name = simulation_occurrence_name(action->reply.as.text, planned->done);
    user_agent_reply(find_agent(simulation, action->reply.who.text, NULL)->agent,
                     action->reply.mail.text, name, action->reply.body.text);
}

/* ---- Machines ---- */

static void do_machine(const Simulation *simulation, const ScenarioAction *action)
{
    SimulatedServer *server = simulation_find_server(simulation, action->machine.host.text);
    Trace *trace = simulation->trace;
    NodeId node = server->machine.node;
    const char *program = MAIL_SERVER_PROGRAM;
    bool is_running = mail_server_is_running(server->server);
    if (action->kind == ACTION_POWER_OFF && host_is_on(server->machine.host))
        mail_server_power_off(server->server,
                              TRACE(trace, node, HOST_POWER_OFF, 0, .program = program));
    else if (action->kind == ACTION_CRASH && is_running)
        mail_server_crash(server->server, TRACE(trace, node, HOST_CRASH, 0, .program = program));
    else if (action->kind == ACTION_SHUTDOWN && is_running)
        mail_server_shut_down(server->server,
                              TRACE(trace, node, HOST_SHUTDOWN, 0, .program = program));
    else if (action->kind == ACTION_RESTART)
        mail_server_restart(server->server);
    else if (action->kind == ACTION_FILL_DISK)
        mail_server_fill_disk(server->server);
    else if (action->kind == ACTION_FREE_DISK)
        mail_server_free_disk(server->server);
    else if (action->kind == ACTION_DISK_FIX)
        mail_server_fix_disk(server->server);
}

static void do_disk_fail(const Simulation *simulation, const ScenarioAction *action)
{
    const ScenarioNumbers *given = &action->disk_fail.operations;
    DiskOperations operations = given->count == 0 ? DISK_OPERATIONS_ALL : 0;
    for (size_t i = 0; i < given->count; i++)
        operations |= (DiskOperations)(1U << given->items[i]);
    int64_t failures = action->disk_fail.failures;
    mail_server_fail_disk(simulation_find_server(simulation, action->disk_fail.host.text)->server,
                          operations, failures == SCENARIO_UNSET ? 0 : (uint64_t)failures);
}

static void do_queue(const Simulation *simulation, const ScenarioAction *action)
{
    MailServer *server = simulation_find_server(simulation, action->queue.host.text)->server;
    if (action->kind == ACTION_MAILQ)
        mail_server_list_queue(server);
    else if (action->kind == ACTION_HOLD)
        mail_server_hold(server, action->queue.mail.text);
    else if (action->kind == ACTION_RELEASE)
        mail_server_release(server, action->queue.mail.text);
    else
        mail_server_flush(server, action->queue.domain.text);
}

/* ---- Links ---- */

/* The keys that are given, in the file's words; to free. */
static char *describe_changes(const ScenarioAction *action)
{
    GString *text = g_string_new(NULL);
    const ActionSpec *spec = format_action_of(ACTION_DEGRADE);
    for (size_t i = 0; i < spec->key_count; i++) {
        const KeySpec *key = &spec->keys[i];
        if (key->value.type != VALUE_QUANTITY)
            continue;
        int64_t number = *(const int64_t *)(const void *)((const char *)action + key->offset);
        if (number == SCENARIO_UNSET)
            continue;
        g_autofree char *value = units_format(key->value.units, number);
        g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", key->key, value);
    }
    return g_string_free(text, FALSE);
}

static void do_degrade(const Simulation *simulation, const ScenarioAction *action, uint64_t because)
{
    g_autofree char *changes = describe_changes(action);
    for (int i = 0; i < 2; i++) {
        const char *from = action->link.between.items[i].text;
        const char *to = action->link.between.items[1 - i].text;
        if (action->link.from.text != NULL && strcmp(action->link.from.text, from) != 0)
            continue;
        LinkOptions options = network_link_options(simulation->network, from, to);
        simulation_change_link(&options, &action->link.changes);
        network_link_change(simulation->network, from, to, options, changes, because);
    }
}

static void do_link(const Simulation *simulation, const ScenarioAction *action, uint64_t because)
{
    Network *network = simulation->network;
    const char *a = action->link.between.items[0].text, *b = action->link.between.items[1].text;
    const char *from = action->link.from.text;
    if (action->kind == ACTION_LINK_UP)
        network_link_up(network, a, b, because);
    else if (action->kind == ACTION_DEGRADE)
        do_degrade(simulation, action, because);
    else if (action->kind == ACTION_RESTORE)
        network_link_restore(network, a, b, because);
    else if (from == NULL)
        network_link_down(network, a, b, because);
    else
        network_link_down_one_way(network, from, strcmp(from, a) == 0 ? b : a, because);
}

static void do_partition(const Simulation *simulation, const ScenarioGroups *groups,
                         uint64_t because)
{
    g_autofree NetworkGroup *list = g_new0(NetworkGroup, groups->count);
    for (size_t i = 0; i < groups->count; i++)
        list[i] = (NetworkGroup){addresses_of(&groups->items[i]), groups->items[i].count};
    network_partition(simulation->network, list, groups->count, because);
    for (size_t i = 0; i < groups->count; i++)
        g_free((void *)(uintptr_t)list[i].names);
}

/* ---- Firewalls and homes ---- */

static void do_set_firewall(const Simulation *simulation, const ScenarioAction *action,
                            uint64_t because)
{
    const ScenarioRules *rules = &action->set_firewall.rules;
    g_autoptr(GArray) filters = g_array_new(FALSE, FALSE, sizeof(FilterRule));
    for (size_t i = 0; i < rules->count; i++)
        simulation_append_rule(simulation, &rules->items[i], filters);
    network_set_filters(simulation->network, action->set_firewall.host.text,
                        (const FilterRule *)(const void *)filters->data, filters->len, because);
}

static void on_dynamic_dns(void *owner, void *data)
{
    (void)data;
    const PlannedAction *planned = owner;
    const ScenarioAction *action = planned->action;
    simulation_update_home_names(planned->simulation, action->renumber.home.text);
    if (action->renumber.old_address_to.text != NULL)
        simulation_update_home_names(planned->simulation, action->renumber.old_address_to.text);
}

static void do_renumber(const PlannedAction *planned, uint64_t because)
{
    const Simulation *simulation = planned->simulation;
    const ScenarioAction *action = planned->action;
    int64_t dns_after = action->renumber.dns_after_ns;
    network_renumber(simulation->network, action->renumber.home.text,
                     action->renumber.old_address_to.text, because);
    if (dns_after == SCENARIO_UNSET)
        return;
    EventAction update = {on_dynamic_dns, (void *)(uintptr_t)planned, NULL, NULL};
    simulator_schedule(simulation->simulator,
                       simtime_add(simulator_now(simulation->simulator), dns_after),
                       simulation->name_server_machine.node, EVENT_FOREGROUND, update);
}

/* ---- Names ---- */

static void do_dns_fail(const Simulation *simulation, const ScenarioAction *action)
{
    static const struct {
        DnsZoneFailure failure;
        const char *name;
    } HOW[] = {
        [DNS_FAILURE_SERVFAIL] = {DNS_ZONE_FAILURE_SERVFAIL, "servfail"},
        [DNS_FAILURE_TIMEOUT] = {DNS_ZONE_FAILURE_TIMEOUT, "timeout"},
        [DNS_FAILURE_NXDOMAIN] = {DNS_ZONE_FAILURE_NXDOMAIN, "nxdomain"},
    };
    const char *name = action->dns_fail.name.text;
    int64_t how = action->dns_fail.how;
    uint64_t seq = TRACE(simulation->trace, simulation->name_server_machine.node, DNS_FAIL, 0,
                         .name = name, .how = HOW[how].name);
    dns_zone_fail(simulation->zone, name, HOW[how].failure);
    name_faults_set(simulation->name_faults, name, seq);
}

static void do_dns_fix(const Simulation *simulation, const char *name)
{
    TRACE(simulation->trace, simulation->name_server_machine.node, DNS_FIX, 0, .name = name);
    dns_zone_fail(simulation->zone, name, DNS_ZONE_FAILURE_NONE);
    dns_zone_restore(simulation->zone, name);
    const ScenarioDns *dns = &simulation->scenario->dns;
    for (size_t i = 0; i < dns->count; i++) {
        if (g_ascii_strcasecmp(dns->items[i].name.text, name) == 0)
            simulation_set_records(simulation, simulation->zone, name, &dns->items[i]);
    }
    name_faults_set(simulation->name_faults, name, 0);
    name_faults_change(simulation->name_faults, name, 0);
}

static void do_dns_set(const Simulation *simulation, const ScenarioAction *action)
{
    const char *name = action->dns_set.name.text;
    g_autofree char *records = simulation_describe_records(&action->dns_set.records);
    uint64_t seq = TRACE(simulation->trace, simulation->name_server_machine.node, DNS_SET, 0,
                         .name = name, .records = records);
    simulation_set_records(simulation, simulation->zone, name, &action->dns_set.records);
    name_faults_change(simulation->name_faults, name, seq);
}

/* ---- All of them ---- */

static void do_action(const Simulation *simulation, const PlannedAction *planned, uint64_t because)
{
    const ScenarioAction *action = planned->action;
    switch (action->kind) {
    case ACTION_SEND:
        do_send(simulation, planned);
        break;
    case ACTION_REPLY:
        do_reply(simulation, planned);
        break;
    case ACTION_FETCH:
        user_agent_fetch(
            find_agent(simulation, action->fetch.who.text, action->fetch.agent.text)->agent);
        break;
    case ACTION_READ:
        user_agent_read(find_agent(simulation, action->read.who.text, NULL)->agent,
                        action->read.mail.text);
        break;
    case ACTION_CRASH:
    case ACTION_POWER_OFF:
    case ACTION_RESTART:
    case ACTION_SHUTDOWN:
    case ACTION_FILL_DISK:
    case ACTION_FREE_DISK:
    case ACTION_DISK_FIX:
        do_machine(simulation, action);
        break;
    case ACTION_DISK_FAIL:
        do_disk_fail(simulation, action);
        break;
    case ACTION_MAILQ:
    case ACTION_HOLD:
    case ACTION_RELEASE:
    case ACTION_FLUSH:
        do_queue(simulation, action);
        break;
    case ACTION_LINK_DOWN:
    case ACTION_LINK_UP:
    case ACTION_DEGRADE:
    case ACTION_RESTORE:
        do_link(simulation, action, because);
        break;
    case ACTION_PARTITION:
        do_partition(simulation, &action->partition.groups, because);
        break;
    case ACTION_HEAL:
        network_heal(simulation->network);
        break;
    case ACTION_SET_FIREWALL:
        do_set_firewall(simulation, action, because);
        break;
    case ACTION_RENUMBER:
        do_renumber(planned, because);
        break;
    case ACTION_DNS_FAIL:
        do_dns_fail(simulation, action);
        break;
    case ACTION_DNS_FIX:
        do_dns_fix(simulation, action->dns_fix.name.text);
        break;
    case ACTION_DNS_SET:
        do_dns_set(simulation, action);
        break;
    case ACTION_NOTE:
    case ACTION_KINDS:
        break;
    }
}

void simulation_run_action(void *owner, void *data)
{
    (void)data;
    PlannedAction *planned = owner;
    const Simulation *simulation = planned->simulation;
    const ScenarioAction *action = planned->action;
    SimTime now = simulator_now(simulation->simulator);
    if (planned->done + 1 < action->times)
        simulation_plan_next(planned, simtime_add(now, action->every_ns));
    if (action->kind == ACTION_NOTE) {
        TRACE(simulation->trace, NODE_TIMELINE, TIMELINE_NOTE, 0,
              .text = local_text_choose(&action->note.text, "en"));
    } else {
        g_autofree char *subject = simulation_action_subject(action);
        uint64_t seq = TRACE(simulation->trace, NODE_TIMELINE, TIMELINE_ACTION, 0,
                             .action = action_name(action->kind), .subject = subject);
        do_action(simulation, planned, seq);
        if (trace_count(simulation->trace) == seq && planned->idle_at == 0)
            planned->idle_at = now;
    }
    planned->done++;
}

void simulation_plan_next(PlannedAction *planned, SimTime time)
{
    Simulation *simulation = planned->simulation;
    EventAction action = {simulation_run_action, planned, NULL, NULL};
    simulator_schedule(simulation->simulator, time,
                       simulation_action_node(simulation, planned->action), EVENT_FOREGROUND,
                       action);
}

void simulation_plan_timeline(Simulation *simulation)
{
    const ScenarioTimeline *timeline = &simulation->scenario->timeline;
    for (size_t i = 0; i < timeline->count; i++) {
        simulation->actions[i] =
            (PlannedAction){.simulation = simulation, .action = &timeline->items[i]};
        if (timeline->items[i].time_ns != SCENARIO_UNSET)
            simulation_plan_next(&simulation->actions[i], timeline->items[i].time_ns);
    }
    simulation_watch_triggers(simulation);
}
