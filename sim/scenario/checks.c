/* What can be said of a scenario only when all of it is read: defaults that depend on other parts,
 * and names that must exist. See reader_internal.h. */
#include "core/ipv4.h"
#include "mail/address.h"
#include "scenario/reader_internal.h"
#include "scenario/simulation.h"

#include <string.h>

/* --- Defaults that depend on other parts --- */

static void fill_number(int64_t *number, int64_t inherited)
{
    if (*number == SCENARIO_UNSET)
        *number = inherited;
}

static void fill_access(Scenario *scenario, LinkParameters *link, ScenarioText *router)
{
    const LinkParameters *usual = &scenario->network.default_link;
    fill_number(&link->delay_ns, usual->delay_ns);
    fill_number(&link->rate_bps, usual->rate_bps);
    fill_number(&link->loss_ppb, usual->loss_ppb);
    fill_number(&link->queue_packets, usual->queue_packets);
    fill_number(&link->buffer_bytes, usual->buffer_bytes);
    fill_number(&link->mtu_bytes, usual->mtu_bytes);
    fill_number(&link->jitter_ns, usual->jitter_ns);
    fill_number(&link->reorder_ppb, usual->reorder_ppb);
    fill_number(&link->duplicate_ppb, usual->duplicate_ppb);
    fill_number(&link->corrupt_ppb, usual->corrupt_ppb);
    if (router->text == NULL && scenario->network.routers.count > 0)
        router->text = scenario->network.routers.items[0].text;
}

/* The schedule's waits: as `like` names them, or as one of the other two keys gives them. */
static bool fill_waits(Reader *reader, ScenarioRetry *retry)
{
    g_autoptr(GError) error = NULL;
    if (retry->like.text != NULL && retry->intervals.count > 0) {
        reader_text_error(reader, &retry->like, "`like` and `intervals` exclude each other");
        return false;
    }
    if (retry->rules.text != NULL && (retry->like.text != NULL || retry->intervals.count > 0)) {
        reader_text_error(reader, &retry->rules, "`rules` excludes `like` and `intervals`");
        return false;
    }
    if (retry->rules.text != NULL) {
        retry->schedule = (RetrySchedule){.run_interval_ns = SIM_MINUTE};
        if (retry_schedule_set_rules(&retry->schedule, retry->rules.text, &error))
            return true;
        reader_text_error(reader, &retry->rules, "%s", error->message);
        return false;
    }
    for (size_t i = 0; i < retry->intervals.count; i++) {
        if (retry->intervals.items[i] <= 0) /* its value is none, as the reader has told */
            return false;
    }
    if (retry->intervals.count > 0) {
        retry_schedule_of_intervals(retry->intervals.items, retry->intervals.count,
                                    &retry->schedule);
    } else {
        retry->like.text = retry->like.text != NULL ? retry->like.text : "postfix";
        retry_schedule_like(retry->like.text, &retry->schedule);
    }
    return true;
}

/* The schedule, with the other keys put in their place, or taken from it. */
static void fill_retry(Reader *reader, ScenarioRetry *retry)
{
    if (!fill_waits(reader, retry))
        return;
    fill_number(&retry->run_every_ns, retry->schedule.run_interval_ns);
    retry->schedule.run_interval_ns = retry->run_every_ns;
    retry->schedule.run_phase_ns = MAX(retry->run_phase_ns, 0);
    retry->schedule.jitter_ppb = (uint32_t)MAX(retry->jitter_ppb, 0);
    fill_number(&retry->lifetime_ns, retry->schedule.lifetime_ns);
    retry->schedule.lifetime_ns = retry->lifetime_ns;
    if (retry->warn_after_ns != SCENARIO_UNSET)
        retry->schedule.warn_after_ns = retry->warn_after_ns;
    else if (retry->schedule.warn_after_ns > 0)
        retry->warn_after_ns = retry->schedule.warn_after_ns;
    const char *defect = retry_schedule_find_defect(&retry->schedule);
    bool was_read = retry->at.line > 0; /* of a server that is none, nothing was */
    if (defect != NULL && was_read)
        diagnostics_error(reader->diagnostics, retry->at, "a retry schedule that cannot be: %s",
                          defect);
}

/* A server is no backup for itself. */
static void check_backups(Reader *reader, const ScenarioServer *server)
{
    for (size_t i = 0; i < server->backup_for.count; i++) {
        for (size_t j = 0; j < server->domains.count; j++) {
            if (g_ascii_strcasecmp(server->backup_for.items[i].text,
                                   server->domains.items[j].text) == 0)
                reader_text_error(reader, &server->backup_for.items[i],
                                  "its mailboxes are on this server; a backup is another one");
        }
    }
}

static void check_notify(Reader *reader, const ScenarioMail *mail)
{
    for (size_t i = 0; i < mail->notify.count; i++) {
        if (mail->notify.items[i] == MAIL_NOTIFY_NEVER && mail->notify.count > 1)
            diagnostics_error(reader->diagnostics, mail->at,
                              "in `notify`, `never` stands alone (RFC 3461 §4.1)");
    }
}

static void fill_people(Scenario *scenario)
{
    for (size_t i = 0; i < scenario->people.count; i++) {
        ScenarioAgents *agents = &scenario->people.items[i].agents;
        for (size_t j = 0; j < agents->count; j++)
            fill_access(scenario, &agents->items[j].link, &agents->items[j].router);
    }
}

static void fill_in(Reader *reader)
{
    Scenario *scenario = reader->scenario;
    for (size_t i = 0; i < scenario->network.links.count; i++)
        scenario->network.links.items[i].parameters.at = scenario->network.links.items[i].at;
    for (size_t i = 0; i < scenario->servers.count; i++) {
        ScenarioServer *server = &scenario->servers.items[i];
        fill_access(scenario, &server->link, &server->router);
        fill_retry(reader, &server->retry);
        check_backups(reader, server);
    }
    for (size_t i = 0; i < scenario->mails.count; i++)
        check_notify(reader, &scenario->mails.items[i]);
    for (size_t i = 0; i < scenario->traffic.count; i++) {
        const ScenarioText *name = &scenario->traffic.items[i].name;
        if (name->text != NULL && scenario_find_mail(scenario, name->text) != NULL)
            reader_text_error(reader, name, "there is already a mail called `%s`", name->text);
    }
    for (size_t i = 0; i < scenario->network.homes.count; i++)
        fill_access(scenario, &scenario->network.homes.items[i].link,
                    &scenario->network.homes.items[i].router);
    fill_people(scenario);
}

/* --- The names of the file --- */

static void add_nodes(Checks *checks)
{
    const Scenario *scenario = checks->scenario;
    for (size_t i = 0; i < scenario->network.routers.count; i++) {
        const ScenarioText *router = &scenario->network.routers.items[i];
        names_add(checks->nodes, router->text, router, NODE_ROUTER);
    }
    for (size_t i = 0; i < scenario->network.homes.count; i++) {
        const ScenarioText *home = &scenario->network.homes.items[i].name;
        names_add(checks->nodes, home->text, home, NODE_HOME);
    }
    for (size_t i = 0; i < scenario->servers.count; i++) {
        const ScenarioServer *server = &scenario->servers.items[i];
        names_add(checks->nodes, server->name.text, &server->name, NODE_SERVER);
    }
    for (size_t i = 0; i < scenario->people.count; i++) {
        const ScenarioPerson *person = &scenario->people.items[i];
        names_add(checks->people, person->name.text, person, 0);
        for (size_t j = 0; person->name.text != NULL && j < person->agents.count; j++) {
            const ScenarioText *agent = &person->agents.items[j].name;
            if (agent->text == NULL)
                continue;
            g_autofree char *name = g_strconcat(person->name.text, ".", agent->text, NULL);
            names_add(checks->nodes, arena_text(checks->reader->arena, span_of_text(name)), agent,
                      NODE_AGENT);
        }
    }
}

static void add_mails(Checks *checks)
{
    const Scenario *scenario = checks->scenario;
    for (size_t i = 0; i < scenario->mails.count; i++)
        names_add(checks->mails, scenario->mails.items[i].name.text, &scenario->mails.items[i],
                  MAIL_OF_LIST);
    for (size_t i = 0; i < scenario->timeline.count; i++) {
        const ScenarioAction *action = &scenario->timeline.items[i];
        if (action->kind == ACTION_REPLY)
            names_add(checks->mails, action->reply.as.text, action, MAIL_OF_REPLY);
    }
}

static void add_users(Checks *checks, const ScenarioServer *server, size_t index)
{
    for (size_t i = 0; i < server->users.count; i++) {
        const char *user = server->users.items[i].name.text;
        if (user == NULL)
            continue;
        g_autofree char *word = g_strdup_printf("%zu %s", index, user);
        names_add(checks->users, arena_text(checks->reader->arena, span_of_text(word)), NULL, 0);
    }
}

static void add_domains(Checks *checks)
{
    const Scenario *scenario = checks->scenario;
    for (size_t i = 0; i < scenario->servers.count; i++) {
        const ScenarioServer *server = &scenario->servers.items[i];
        names_add(checks->looked_up, server->name.text, NULL, 0);
        add_users(checks, server, i);
        for (size_t j = 0; j < server->domains.count; j++) {
            names_add(checks->domains, server->domains.items[j].text, &server->domains.items[j],
                      (int)i);
            names_add(checks->looked_up, server->domains.items[j].text, NULL, 0);
        }
    }
    for (size_t i = 0; i < scenario->dns.count; i++)
        names_add(checks->looked_up, scenario->dns.items[i].name.text, NULL, 0);
    for (size_t i = 0; i < scenario->timeline.count; i++) {
        const ScenarioAction *action = &scenario->timeline.items[i];
        if (action->kind == ACTION_DNS_SET)
            names_add(checks->looked_up, action->dns_set.name.text, NULL, 0);
    }
}

/* Two nodes of one name, or a domain with two servers: the later one is told of the earlier. */
void check_names_differ(const Checks *checks, const Names *names, const char *format)
{
    const NamesEntry *before = names_at(names, 0), *entry = NULL;
    for (size_t i = 1; (entry = names_at(names, i)) != NULL; before = entry, i++) {
        if (strcmp(before->name, entry->name) != 0)
            continue;
        const ScenarioText *first = before->what, *second = entry->what;
        g_autofree char *place = g_strdup_printf("line %u", first->at.line);
        reader_text_error(checks->reader, second, "`%s` %s %s", entry->name, format,
                          first->at.line > 0 ? place : "a default");
    }
}

static void check_answers_differ(const Checks *checks)
{
    const NamesEntry *before = names_at(checks->mails, 0), *entry = NULL;
    for (size_t i = 1; (entry = names_at(checks->mails, i)) != NULL; before = entry, i++) {
        bool is_clash = strcmp(before->name, entry->name) == 0 && entry->kind == MAIL_OF_REPLY;
        if (is_clash)
            reader_text_error(checks->reader, &((const ScenarioAction *)entry->what)->reply.as,
                              "there is already a mail called `%s`; the answer needs a name of "
                              "its own",
                              entry->name);
    }
}

const ScenarioServer *checks_find_domain(const Checks *checks, const char *domain)
{
    const NamesEntry *entry = names_find(checks->domains, domain);
    return entry != NULL ? &checks->scenario->servers.items[entry->kind] : NULL;
}

const ScenarioMail *checks_find_mail(const Checks *checks, const char *name)
{
    const NamesEntry *entry = name != NULL ? names_find(checks->mails, name) : NULL;
    return entry != NULL && entry->kind == MAIL_OF_LIST ? entry->what : NULL;
}

static bool texts_hold_address(const ScenarioTexts *texts, const char *address)
{
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = texts->items[i].text;
        if (text != NULL && strlen(text) == strlen(address) && address_texts_equal(text, address))
            return true;
    }
    return false;
}

bool mail_is_for(const ScenarioMail *mail, const char *address)
{
    return texts_hold_address(&mail->to, address) || texts_hold_address(&mail->cc, address) ||
           texts_hold_address(&mail->bcc, address);
}

/* Whether some server replaces an address by this one. */
static bool is_led_to(const Scenario *scenario, const char *address)
{
    for (size_t i = 0; i < scenario->servers.count; i++) {
        const ScenarioServer *server = &scenario->servers.items[i];
        for (size_t j = 0; j < server->users.count; j++) {
            if (texts_hold_address(&server->users.items[j].forward, address))
                return true;
        }
        for (size_t j = 0; j < server->aliases.count; j++) {
            if (texts_hold_address(&server->aliases.items[j].to, address))
                return true;
        }
        for (size_t j = 0; j < server->lists.count; j++) {
            const ScenarioList *list = &server->lists.items[j];
            if (texts_hold_address(&list->members, address) ||
                (list->owner.text != NULL && address_texts_equal(list->owner.text, address)))
                return true;
        }
    }
    return false;
}

bool mail_may_reach(const Checks *checks, const ScenarioMail *mail, const char *address)
{
    return mail_is_for(mail, address) || is_led_to(checks->scenario, address);
}

/* --- References --- */

/* The kinds of node that a reference may mean. */
static bool node_fits(ValueType type, int kind)
{
    if (type == VALUE_ROUTER)
        return kind == NODE_ROUTER || kind == NODE_HOME;
    if (type == VALUE_SERVER || type == VALUE_DNS_TARGET)
        return kind == NODE_SERVER;
    return true;
}

static const char *const node_kind_names[] = {
    [NODE_ROUTER] = "a router",
    [NODE_SERVER] = "a server",
    [NODE_AGENT] = "an agent's machine",
    [NODE_HOME] = "a home's router",
};

static const Names *names_for(const Checks *checks, ValueType type)
{
    switch (type) {
    case VALUE_PERSON:
        return checks->people;
    case VALUE_MAIL:
        return checks->mails;
    case VALUE_KNOWN_NAME:
        return checks->looked_up;
    default: /* a node */
        return checks->nodes;
    }
}

static const char *reference_what(ValueType type)
{
    switch (type) {
    case VALUE_ROUTER:
        return "router";
    case VALUE_SERVER:
    case VALUE_DNS_TARGET:
        return "server";
    case VALUE_PERSON:
        return "person";
    case VALUE_MAIL:
        return "mail";
    case VALUE_KNOWN_NAME:
        return "name with records";
    default:
        return "router, server or agent's machine";
    }
}

/* Offers only nodes that could be meant. */
static void suggest_fitting(const Names *names, ValueType type, bool are_nodes,
                            Suggestion *suggestion)
{
    const NamesEntry *entry = NULL;
    for (size_t i = 0; i < NAMES_SUGGESTED && (entry = names_at(names, i)) != NULL; i++) {
        if (!are_nodes || node_fits(type, entry->kind))
            suggestion_offer(suggestion, entry->name);
    }
}

/* Right name, wrong kind of thing: `gmail.example` where `mail.gmail.example` is the server. */
static const char *server_of_domain(const Checks *checks, const char *domain)
{
    const ScenarioServer *server = checks_find_domain(checks, domain);
    return server != NULL ? server->name.text : NULL;
}

/* The machine that answers look-ups is in the trace, but no part of a scenario's network. */
static bool is_name_server(const Reference *reference)
{
    return reference->type == VALUE_NODE &&
           strcmp(reference->text->text, SIMULATION_NAME_SERVER) == 0;
}

static void report_unknown(const Checks *checks, const Reference *reference, const Names *names)
{
    Reader *reader = checks->reader;
    const char *word = reference->text->text, *what = reference_what(reference->type);
    Suggestion suggestion = reader_suggestion(reader, word);
    suggest_fitting(names, reference->type, names == checks->nodes, &suggestion);
    if (suggestion.best == NULL && node_fits(reference->type, NODE_SERVER))
        suggestion.best = server_of_domain(checks, word);
    if (names == checks->nodes && is_name_server(reference)) {
        reader_text_error(reader, reference->text,
                          "`%s`, which answers look-ups, cannot be named here; to make look-ups of "
                          "a name fail, write `do: dns_fail`, with `how: timeout` for silence",
                          word);
        return;
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_error(reader, reference->text, "there is no %s `%.60s`%s", what, word, hint);
}

static void check_reference(const Checks *checks, const Reference *reference)
{
    const Names *names = names_for(checks, reference->type);
    const NamesEntry *entry = names_find(names, reference->text->text);
    bool is_reverse = reference->type == VALUE_KNOWN_NAME &&
                      g_str_has_suffix(reference->text->text, ".in-addr.arpa");
    if (is_reverse) /* of an address: each machine has one, which the scenario does not name */
        return;
    if (entry == NULL)
        report_unknown(checks, reference, names);
    else if (names == checks->nodes && !node_fits(reference->type, entry->kind))
        reader_text_error(checks->reader, reference->text, "`%s` is %s; a %s belongs here",
                          entry->name, node_kind_names[entry->kind],
                          reference_what(reference->type));
}

/* --- All of it --- */

static void checks_init(Checks *checks, Reader *reader)
{
    *checks = (Checks){.reader = reader,
                       .scenario = reader->scenario,
                       .nodes = names_new(),
                       .people = names_new(),
                       .mails = names_new(),
                       .domains = names_new(),
                       .users = names_new(),
                       .links = names_new(),
                       .looked_up = names_new()};
    add_nodes(checks);
    add_mails(checks);
    add_domains(checks);
    names_sort(checks->nodes);
    names_sort(checks->people);
    names_sort(checks->mails);
    names_sort(checks->domains);
    names_sort(checks->users);
    names_sort(checks->looked_up);
}

static void checks_clear(Checks *checks)
{
    names_free(checks->nodes);
    names_free(checks->people);
    names_free(checks->mails);
    names_free(checks->domains);
    names_free(checks->users);
    names_free(checks->links);
    names_free(checks->looked_up);
}

void check_scenario(Reader *reader)
{
    Checks checks;
    fill_in(reader);
    checks_init(&checks, reader);
    check_names_differ(&checks, checks.nodes, "is the name of another node too, in");
    check_names_differ(&checks, checks.domains, "is served by two servers; the other one is in");
    check_answers_differ(&checks);
    reader_warn_of_real_names(reader, checks.nodes);
    for (guint i = 0; i < reader->references->len; i++)
        check_reference(&checks, &g_array_index(reader->references, Reference, i));
    check_network(&checks);
    check_servers(&checks);
    check_outboxes(&checks);
    check_dns(&checks);
    check_people(&checks);
    check_mails(&checks);
    check_timeline(&checks);
    check_selectors(&checks);
    checks_clear(&checks);
}
