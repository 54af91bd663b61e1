/* What a server's keys, and an agent's, must be together. See reader_internal.h. */
#include "mail/address.h"
#include "scenario/reader_internal.h"

#include <string.h>

/* --- Servers --- */

static void check_catch_all(const Checks *checks, const ScenarioServer *server)
{
    const char *user = server->catch_all.text;
    if (user == NULL)
        return;
    for (size_t i = 0; i < server->users.count; i++) {
        if (server->users.items[i].name.text != NULL &&
            g_ascii_strcasecmp(server->users.items[i].name.text, user) == 0)
            return;
    }
    reader_text_error(checks->reader, &server->catch_all,
                      "`%s` is no user of this server; put it under `users`", user);
}

/* The local-parts that a server knows, each with its place. */
static void add_local_part(Names *names, Arena *arena, const ScenarioText *name, const char *suffix)
{
    if (name->text == NULL)
        return;
    g_autofree char *text = g_strconcat(name->text, suffix, NULL);
    g_autofree char *key = g_ascii_strdown(text, -1);
    names_add(names, arena_text(arena, span_of_text(key)), name, 0);
}

enum { LIST_NAME_MAX = ADDRESS_LOCAL_PART_MAX - (int)(sizeof "-request" - 1) };

static void check_list_name(const Checks *checks, const ScenarioText *name)
{
    if (name->text != NULL && strlen(name->text) > LIST_NAME_MAX)
        reader_text_error(checks->reader, name,
                          "the name of a list has at most %d letters, so that NAME-request is an "
                          "address",
                          LIST_NAME_MAX);
}

/* An address has one meaning. */
static void check_local_parts(const Checks *checks, const ScenarioServer *server)
{
    Arena *arena = checks->reader->arena;
    Names *names = names_new();
    for (size_t i = 0; i < server->users.count; i++)
        add_local_part(names, arena, &server->users.items[i].name, "");
    for (size_t i = 0; i < server->aliases.count; i++)
        add_local_part(names, arena, &server->aliases.items[i].name, "");
    for (size_t i = 0; i < server->lists.count; i++) {
        const ScenarioText *name = &server->lists.items[i].name;
        check_list_name(checks, name);
        add_local_part(names, arena, name, "");
        add_local_part(names, arena, name, "-owner");
        add_local_part(names, arena, name, "-request");
    }
    names_sort(names);
    check_names_differ(checks, names, "is an address of this server already, by");
    names_free(names);
}

static void check_vacations(const Checks *checks, const ScenarioServer *server)
{
    for (size_t i = 0; i < server->users.count; i++) {
        const ScenarioVacation *vacation = &server->users.items[i].vacation;
        bool says_more = vacation->subject.text != NULL || vacation->from_ns > 0 ||
                         vacation->until_ns != SCENARIO_UNSET;
        if (vacation->body.text == NULL && says_more)
            diagnostics_error(checks->reader->diagnostics, vacation->at,
                              "what is the answer? `body` says it");
        if (vacation->until_ns != SCENARIO_UNSET && vacation->until_ns <= vacation->from_ns)
            diagnostics_error(checks->reader->diagnostics, vacation->at,
                              "`until` is not later than `from`");
    }
}

void check_servers(const Checks *checks)
{
    for (size_t i = 0; i < checks->scenario->servers.count; i++) {
        check_vacations(checks, &checks->scenario->servers.items[i]);
        check_catch_all(checks, &checks->scenario->servers.items[i]);
        check_local_parts(checks, &checks->scenario->servers.items[i]);
    }
}

/* --- Agents --- */

/* An outbox is tried on the person's own server. */
void check_outboxes(const Checks *checks)
{
    const ScenarioPeople *people = &checks->scenario->people;
    for (size_t i = 0; i < people->count; i++) {
        for (size_t j = 0; j < people->items[i].agents.count; j++) {
            const ScenarioAgent *agent = &people->items[i].agents.items[j];
            if (agent->send == AGENT_SEND_DIRECT && agent->outbox.retry_ns > 0)
                diagnostics_error(checks->reader->diagnostics, agent->outbox.at,
                                  "an agent that sends `direct` has no outbox; leave `retry` out, "
                                  "or send by `smtp`");
            if (agent->send != AGENT_SEND_DIRECT && agent->through.text != NULL)
                reader_text_error(checks->reader, &agent->through,
                                  "`through` goes with `send: direct`; by `smtp` an agent sends "
                                  "through its person's own server");
        }
    }
}
