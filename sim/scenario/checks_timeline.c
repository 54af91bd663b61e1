/* Checks of people, mails and the timeline. See reader_internal.h. */
#include "mail/address.h"
#include "mail/envelope.h"
#include "scenario/reader_internal.h"

#include <string.h>

/* --- People: each has a mailbox --- */

static void suggest_domain(Checks *checks, const ScenarioPerson *person, const Address *address)
{
    Suggestion suggestion = reader_suggestion(checks->reader, address->domain);
    names_suggest(checks->domains, &suggestion);
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_error(checks->reader, &person->address, "no server serves the domain `%s`%s",
                      address->domain, hint);
}

static void check_user(Checks *checks, const ScenarioPerson *person, const Address *address,
                       const ScenarioServer *server)
{
    size_t index = (size_t)(server - checks->scenario->servers.items);
    g_autofree char *word = g_strdup_printf("%zu %s", index, address->local_part);
    if (names_find(checks->users, word) != NULL)
        return;
    Suggestion suggestion = reader_suggestion(checks->reader, address->local_part);
    for (size_t i = 0; i < server->users.count && i < NAMES_SUGGESTED; i++) {
        if (server->users.items[i].name.text != NULL)
            suggestion_offer(&suggestion, server->users.items[i].name.text);
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_error(checks->reader, &person->address, "`%s` has no user `%s`%s",
                      server->name.text, address->local_part, hint);
}

static void check_person(Checks *checks, const ScenarioPerson *person)
{
    Address address;
    if (person->address.text == NULL ||
        address_parse(span_of_text(person->address.text), &address) != ADDRESS_OK)
        return;
    const ScenarioServer *server = checks_find_domain(checks, address.domain);
    if (server == NULL)
        suggest_domain(checks, person, &address);
    else if (server->name.text != NULL)
        check_user(checks, person, &address, server);
}

void check_people(Checks *checks)
{
    for (size_t i = 0; i < checks->scenario->people.count; i++)
        check_person(checks, &checks->scenario->people.items[i]);
}

/* --- Mails --- */

/* What the agent keeps in its own hands: the mail's name, who may see whom, the structure. */
static bool is_agents_own_field(const char *name)
{
    return g_ascii_strcasecmp(name, "Message-ID") == 0 || g_ascii_strcasecmp(name, "Bcc") == 0 ||
           g_ascii_strcasecmp(name, "MIME-Version") == 0 ||
           g_ascii_strncasecmp(name, "Content-", strlen("Content-")) == 0;
}

/* ftext of RFC 5322 §3.6.8. */
static bool is_field_name(const char *name)
{
    bool good = name[0] != '\0' && strlen(name) <= 64;
    for (const char *c = name; *c != '\0'; c++)
        good = good && g_ascii_isgraph(*c) && *c != ':';
    return good;
}

static void check_header(Checks *checks, const ScenarioMail *mail)
{
    for (size_t i = 0; i < mail->header.count; i++) {
        const ScenarioText *name = &mail->header.items[i].name;
        if (name->text == NULL)
            continue;
        if (!is_field_name(name->text))
            reader_text_error(checks->reader, name,
                              "`%s` is no name of a header field; one is made of visible ASCII "
                              "characters without a colon, such as `X-Mailer`",
                              name->text);
        else if (is_agents_own_field(name->text))
            reader_text_error(checks->reader, name,
                              "the field `%s` is always the agent's own and cannot be given; "
                              "`From`, `To`, `Date`, `Subject` and others can",
                              name->text);
    }
}

static void check_originals(Checks *checks, const ScenarioMail *mail)
{
    for (size_t i = 0; i < mail->orcpt.count; i++) {
        const ScenarioOriginal *item = &mail->orcpt.items[i];
        if (item->to.text != NULL && !mail_is_for(mail, item->to.text))
            reader_text_error(checks->reader, &item->to, "`%s` is no recipient of `%s`",
                              item->to.text, mail->name.text);
        if (item->original.text != NULL && !envelope_is_original(item->original.text))
            reader_text_error(checks->reader, &item->original,
                              "an original recipient has a type, `;` and an address, as "
                              "`rfc822;bob@old.example`, of at most %d octets",
                              ENVELOPE_ORCPT_MAX);
    }
}

static void check_mail(Checks *checks, const ScenarioMail *mail)
{
    Reader *reader = checks->reader;
    if (mail->name.text == NULL)
        return;
    if (mail->to.count + mail->cc.count + mail->bcc.count == 0 &&
        !reader_has_misread(reader, mail->at))
        reader_text_error(reader, &mail->name,
                          "the mail `%s` is for nobody; `to`, `cc` or `bcc` must name somebody",
                          mail->name.text);
    check_header(checks, mail);
    check_originals(checks, mail);
    if (mail->raw.text != NULL && mail->attach.count > 0)
        reader_text_error(reader, &mail->raw,
                          "`raw` stands behind a text alone; leave out `raw` or `attach`");
    size_t length = mail->body.text != NULL ? strlen(mail->body.text) : 0;
    if (mail->size_bytes != SCENARIO_UNSET && (uint64_t)mail->size_bytes < length)
        reader_text_error(reader, &mail->name,
                          "the text of `%s` has %zu octets, more than its `size`; it can only be "
                          "filled up",
                          mail->name.text, length);
}

void check_mails(Checks *checks)
{
    for (size_t i = 0; i < checks->scenario->mails.count; i++)
        check_mail(checks, &checks->scenario->mails.items[i]);
}

/* --- The timeline --- */

/* Fills in the number of occurrences, and the time of the last one is checked to be within what
 * can be. */
static int64_t check_repetition(Checks *checks, ScenarioAction *action)
{
    bool has_every = action->every_ns != SCENARIO_UNSET,
         has_times = action->times != SCENARIO_UNSET;
    if (has_every != has_times)
        diagnostics_error(checks->reader->diagnostics, action->at,
                          "`every` and `times` go together; `%s` is missing",
                          has_every ? "times" : "every");
    if (!has_every || !has_times) {
        action->times = 1;
        return action->time_ns;
    }
    int64_t span = 0, last = 0, first = MAX(action->time_ns, 0);
    bool fits = !__builtin_mul_overflow(action->every_ns, action->times - 1, &span) &&
                !__builtin_add_overflow(first, span, &last) && last <= SCENARIO_TIME_MAXIMUM;
    if (!fits)
        diagnostics_error(checks->reader->diagnostics, action->at,
                          "the last time is more than 100 years after the start");
    return action->time_ns;
}

static void check_recipient(Checks *checks, const ScenarioText *who, const ScenarioText *mail)
{
    const NamesEntry *entry = who->text != NULL ? names_find(checks->people, who->text) : NULL;
    const ScenarioMail *known = checks_find_mail(checks, mail->text);
    const ScenarioPerson *person = entry != NULL ? entry->what : NULL;
    if (person == NULL || known == NULL || person->address.text == NULL)
        return;
    if (!mail_may_reach(checks, known, person->address.text))
        reader_text_error(checks->reader, who, "`%s` is no recipient of `%s`", who->text,
                          mail->text);
}

/* Fills in the person's first agent where none is named. */
static void check_agent(Checks *checks, const char *who, ScenarioText *agent)
{
    const NamesEntry *entry = who != NULL ? names_find(checks->people, who) : NULL;
    const ScenarioPerson *person = entry != NULL ? entry->what : NULL;
    if (person == NULL || person->agents.count == 0)
        return;
    if (agent->text == NULL) {
        agent->text = person->agents.items[0].name.text;
        return;
    }
    if (scenario_find_agent(person, agent->text) != NULL)
        return;
    Suggestion suggestion = reader_suggestion(checks->reader, agent->text);
    for (size_t i = 0; i < person->agents.count; i++) {
        if (person->agents.items[i].name.text != NULL)
            suggestion_offer(&suggestion, person->agents.items[i].name.text);
    }
    g_autofree char *hint = reader_did_you_mean(&suggestion);
    reader_text_error(checks->reader, agent, "`%s` has no agent `%.60s`%s", who, agent->text, hint);
}

static void check_send(Checks *checks, ScenarioAction *action)
{
    const ScenarioText *mail = &action->send.mail;
    const ScenarioMail *known = checks_find_mail(checks, mail->text);
    if (known != NULL)
        check_agent(checks, known->from.text, &action->send.agent);
    const NamesEntry *entry = mail->text != NULL ? names_find(checks->mails, mail->text) : NULL;
    if (entry != NULL && entry->kind == MAIL_OF_REPLY)
        reader_text_error(checks->reader, mail, "`%s` is the answer of a reply, which sends it",
                          mail->text);
}

static void check_link_action(Checks *checks, const ScenarioAction *action)
{
    const ScenarioTexts *between = &action->link.between;
    if (between->count != 2 || between->items[0].text == NULL || between->items[1].text == NULL)
        return;
    const char *a = between->items[0].text, *b = between->items[1].text;
    if (!nodes_are_joined(checks, a, b))
        reader_text_error(checks->reader, &between->items[0], "no link joins `%s` and `%s`", a, b);
    const ScenarioText *from = &action->link.from;
    bool has_from = action->kind == ACTION_LINK_DOWN || action->kind == ACTION_DEGRADE;
    if (has_from && from->text != NULL && strcmp(from->text, a) != 0 && strcmp(from->text, b) != 0)
        reader_text_error(checks->reader, from, "`from` is one of the link's ends, `%s` or `%s`", a,
                          b);
    if (action->kind == ACTION_DEGRADE && !link_parameters_are_given(&action->link.changes))
        reader_text_error(checks->reader, &between->items[0],
                          "nothing changes; write what does, such as `loss: 5 %%`");
}

static void check_groups(Checks *checks, const ScenarioGroups *groups)
{
    g_autoptr(Names) members = names_new();
    for (size_t i = 0; i < groups->count; i++) {
        for (size_t j = 0; j < groups->items[i].count; j++)
            names_add(members, groups->items[i].items[j].text, &groups->items[i].items[j], 0);
    }
    names_sort(members);
    const NamesEntry *before = names_at(members, 0), *entry = NULL;
    for (size_t i = 1; (entry = names_at(members, i)) != NULL; before = entry, i++) {
        if (strcmp(before->name, entry->name) == 0)
            reader_text_error(checks->reader, entry->what, "`%s` is in the groups twice",
                              entry->name);
    }
}

/* The machine on which the action happens, to free; NULL: the network, or names. */
static char *machine_of(const Checks *checks, const ScenarioAction *action)
{
    const char *who = NULL;
    const ScenarioMail *mail = NULL;
    switch (action->kind) {
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
        return g_strdup(action->queue.host.text);
    case ACTION_SEND:
        mail = checks_find_mail(checks, action->send.mail.text);
        who = mail != NULL ? mail->from.text : NULL;
        if (who != NULL && action->send.agent.text != NULL)
            return g_strconcat(who, ".", action->send.agent.text, NULL);
        break;
    case ACTION_REPLY:
        who = action->reply.who.text;
        break;
    case ACTION_FETCH:
        return g_strconcat(action->fetch.who.text, ".", action->fetch.agent.text, NULL);
    case ACTION_READ:
        who = action->read.who.text;
        break;
    default:
        return NULL;
    }
    const NamesEntry *entry = who != NULL ? names_find(checks->people, who) : NULL;
    const ScenarioPerson *person = entry != NULL ? entry->what : NULL;
    if (person == NULL || person->agents.count == 0)
        return NULL;
    return g_strconcat(who, ".", person->agents.items[0].name.text, NULL);
}

/* Either `at`, or `when`, which acts at once on its own host only. */
static void check_moment(Checks *checks, const ScenarioAction *action)
{
    Diagnostics *diagnostics = checks->reader->diagnostics;
    const char *host = action->when.host.text;
    bool has_time = action->time_ns != SCENARIO_UNSET, has_trigger = action->when.at.line > 0;
    bool is_later = action->after_ns != SCENARIO_UNSET;
    if (has_time && has_trigger)
        diagnostics_error(diagnostics, action->at, "`at` and `when` exclude each other");
    else if (!has_time && !has_trigger)
        diagnostics_error(diagnostics, action->at,
                          "when does it happen? `at` says it, or `when` and what it waits for");
    else if (has_time && is_later)
        diagnostics_error(diagnostics, action->at, "`after` goes with `when`, not with `at`");
    bool is_known = host != NULL && names_find(checks->nodes, host) != NULL;
    if (!has_trigger || is_later || !is_known)
        return;
    g_autofree char *machine = machine_of(checks, action);
    if (g_strcmp0(machine, host) != 0)
        reader_text_error(checks->reader, &action->when.host,
                          "`%s` is not where `%s` takes place; say how much later with `after`, as "
                          "in `after: 1 ms`",
                          host, action_name(action->kind));
}

static void check_is_home(Checks *checks, const ScenarioText *router)
{
    const NamesEntry *node = router->text != NULL ? names_find(checks->nodes, router->text) : NULL;
    if (node != NULL && node->kind == NODE_ROUTER)
        reader_text_error(checks->reader, router,
                          "`%s` is a provider's router; the router of one of `network.homes` "
                          "belongs here",
                          router->text);
}

static void check_renumber(Checks *checks, const ScenarioAction *action)
{
    const ScenarioText *home = &action->renumber.home, *heir = &action->renumber.old_address_to;
    check_is_home(checks, home);
    check_is_home(checks, heir);
    if (home->text != NULL && g_strcmp0(home->text, heir->text) == 0)
        reader_text_error(checks->reader, heir, "`%s` is the home that loses the address",
                          heir->text);
}

static void check_action(Checks *checks, ScenarioAction *action)
{
    switch (action->kind) {
    case ACTION_SEND:
        check_send(checks, action);
        break;
    case ACTION_REPLY:
        check_recipient(checks, &action->reply.who, &action->reply.mail);
        break;
    case ACTION_FETCH:
        check_agent(checks, action->fetch.who.text, &action->fetch.agent);
        break;
    case ACTION_READ:
        check_recipient(checks, &action->read.who, &action->read.mail);
        break;
    case ACTION_LINK_DOWN:
    case ACTION_LINK_UP:
    case ACTION_DEGRADE:
    case ACTION_RESTORE:
        check_link_action(checks, action);
        break;
    case ACTION_PARTITION:
        check_groups(checks, &action->partition.groups);
        break;
    case ACTION_DNS_SET:
        check_records(checks, &action->dns_set.name, &action->dns_set.records);
        break;
    case ACTION_SET_FIREWALL:
        for (size_t i = 0; i < action->set_firewall.rules.count; i++)
            check_rule(checks, &action->set_firewall.rules.items[i]);
        break;
    case ACTION_RENUMBER:
        check_renumber(checks, action);
        break;
    case ACTION_CRASH:
    case ACTION_POWER_OFF:
    case ACTION_RESTART:
    case ACTION_SHUTDOWN:
    case ACTION_FILL_DISK:
    case ACTION_FREE_DISK:
    case ACTION_DISK_FIX:
    case ACTION_DISK_FAIL:
    case ACTION_MAILQ:
    case ACTION_HOLD:
    case ACTION_RELEASE:
    case ACTION_FLUSH:
    case ACTION_HEAL:
    case ACTION_DNS_FAIL:
    case ACTION_DNS_FIX:
    case ACTION_NOTE:
    case ACTION_KINDS:
        break;
    }
}

void check_timeline(Checks *checks)
{
    Scenario *scenario = checks->scenario;
    for (size_t i = 0; i < scenario->timeline.count; i++) {
        ScenarioAction *action = &scenario->timeline.items[i];
        int64_t first = check_repetition(checks, action);
        check_action(checks, action);
        if (action->kind != ACTION_KINDS)
            check_moment(checks, action);
        if (scenario->until_ns != SCENARIO_UNSET && first > scenario->until_ns)
            diagnostics_add(checks->reader->diagnostics, SEVERITY_WARNING, action->at, 1,
                            "this never happens: the run ends before, at `until`");
    }
}
