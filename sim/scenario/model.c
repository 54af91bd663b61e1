/* The model of a scenario file. See model.h. */
#include "scenario/model.h"

#include "mail/address.h"
#include "scenario/format.h"

#include <string.h>

const char *local_text_choose(const LocalText *text, const char *language)
{
    const char *const wanted[] = {language, "en"};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        for (size_t j = 0; j < text->count; j++) {
            if (strcmp(text->entries[j].language, wanted[i]) == 0)
                return text->entries[j].text;
        }
    }
    return text->count > 0 ? text->entries[0].text : "";
}

void scenario_free(Scenario *scenario)
{
    if (scenario == NULL)
        return;
    arena_free(scenario->arena);
    g_free(scenario);
}

const ScenarioServer *scenario_find_server(const Scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->servers.count; i++) {
        if (g_strcmp0(scenario->servers.items[i].name.text, name) == 0)
            return &scenario->servers.items[i];
    }
    return NULL;
}

const ScenarioPerson *scenario_find_person(const Scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->people.count; i++) {
        if (g_strcmp0(scenario->people.items[i].name.text, name) == 0)
            return &scenario->people.items[i];
    }
    return NULL;
}

const ScenarioAgent *scenario_find_agent(const ScenarioPerson *person, const char *name)
{
    for (size_t i = 0; i < person->agents.count; i++) {
        if (g_strcmp0(person->agents.items[i].name.text, name) == 0)
            return &person->agents.items[i];
    }
    return NULL;
}

const ScenarioMail *scenario_find_mail(const Scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->mails.count; i++) {
        if (g_strcmp0(scenario->mails.items[i].name.text, name) == 0)
            return &scenario->mails.items[i];
    }
    return NULL;
}

static bool server_serves(const ScenarioServer *server, const char *domain)
{
    for (size_t i = 0; i < server->domains.count; i++) {
        const char *own = server->domains.items[i].text;
        if (own != NULL && g_ascii_strcasecmp(own, domain) == 0)
            return true;
    }
    return false;
}

bool scenario_may_lose(const Scenario *scenario)
{
    for (size_t i = 0; i < scenario->servers.count; i++) {
        if (scenario->servers.items[i].smtp.final_reply == FINAL_REPLY_CHOICE_BEFORE_SYNC)
            return true;
    }
    return false;
}

const ScenarioServer *scenario_find_domain(const Scenario *scenario, const char *domain)
{
    for (size_t i = 0; i < scenario->servers.count; i++) {
        if (server_serves(&scenario->servers.items[i], domain))
            return &scenario->servers.items[i];
    }
    return NULL;
}

const char *action_name(ActionKind kind)
{
    return format_action_of(kind)->name;
}

const ScenarioTraffic *scenario_find_traffic(const Scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->traffic.count; i++) {
        const char *own = scenario->traffic.items[i].name.text;
        if (own != NULL && strcmp(own, name) == 0)
            return &scenario->traffic.items[i];
    }
    return NULL;
}
