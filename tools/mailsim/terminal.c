/* The terminal. See terminal.h. */
#include "terminal.h"

#include "export/timeline_ladder.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_WITHOUT_TERMINAL = 100, WIDTH_MINIMUM = 80 };

bool terminal_wants_colour(void)
{
    const char *no_color = g_getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

const char *terminal_language(void)
{
    const char *const *languages = g_get_language_names();
    return languages[0] != NULL && g_str_has_prefix(languages[0], "ko") ? "ko" : "en";
}

static unsigned terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_WITHOUT_TERMINAL;
    return MAX(size.ws_col, WIDTH_MINIMUM);
}

static void terminal_write(void *owner, Span text)
{
    (void)owner;
    fwrite(text.data, 1, text.length, stdout);
}

/* ---- The ladder's columns ---- */

typedef struct Columns {
    const Scenario *scenario;
    const ScenarioMail *followed; /* only the hosts of its author and recipients; or NULL */
    const Simulator *simulator;
    GArray *nodes; /* NodeId */
} Columns;

static void add_column(Columns *columns, const char *name)
{
    for (NodeId node = 1; node < simulator_node_count(columns->simulator); node++) {
        if (strcmp(simulator_node_name(columns->simulator, node), name) == 0)
            g_array_append_val(columns->nodes, node);
    }
}

/* The machines of those whose mailbox is on the server. */
static void add_agents(Columns *columns, const ScenarioServer *server)
{
    const ScenarioPeople *people = &columns->scenario->people;
    for (size_t i = 0; i < people->count; i++) {
        const ScenarioPerson *person = &people->items[i];
        const char *at = strrchr(person->address.text, '@');
        if (at == NULL || scenario_find_domain(columns->scenario, at + 1) != server)
            continue;
        for (size_t a = 0; a < person->agents.count; a++) {
            g_autofree char *name = simulation_agent_host_name(person, &person->agents.items[a]);
            add_column(columns, name);
        }
    }
}

static bool is_address_of(const ScenarioTexts *addresses, const Columns *columns,
                          const ScenarioServer *server)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const char *at = strrchr(addresses->items[i].text, '@');
        if (at != NULL && scenario_find_domain(columns->scenario, at + 1) == server)
            return true;
    }
    return false;
}

/* Whether the followed mail comes from this server's users or goes to them. */
static bool is_on_the_way(const Columns *columns, const ScenarioServer *server)
{
    const ScenarioMail *mail = columns->followed;
    if (mail == NULL)
        return true;
    const ScenarioPerson *author = scenario_find_person(columns->scenario, mail->from.text);
    const ScenarioTexts from = {(ScenarioText *)&author->address, 1};
    return is_address_of(&from, columns, server) || is_address_of(&mail->to, columns, server) ||
           is_address_of(&mail->cc, columns, server) || is_address_of(&mail->bcc, columns, server);
}

/* The first server's users stand left of it, the others' right of theirs: a mail from the first
 * one's to another's then goes from left to right. */
GArray *terminal_list_columns(const Run *run, const char *follow)
{
    Columns columns = {
        run->scenario, follow != NULL ? scenario_find_mail(run->scenario, follow) : NULL,
        simulation_simulator(run->simulation), g_array_new(FALSE, FALSE, sizeof(NodeId))};
    const ScenarioServers *servers = &run->scenario->servers;
    for (size_t i = 0; i < servers->count; i++) {
        const ScenarioServer *server = &servers->items[i];
        if (!is_on_the_way(&columns, server))
            continue;
        bool is_first = columns.nodes->len == 0;
        if (is_first)
            add_agents(&columns, server);
        add_column(&columns, server->name.text);
        if (!is_first)
            add_agents(&columns, server);
    }
    return columns.nodes;
}

Timeline *terminal_timeline_new(const Run *run, const TerminalOptions *options)
{
    bool is_asked = g_strcmp0(options->form, "ladder") == 0;
    /* Where all fit, also those that a followed mail comes to on a way that nobody has planned. */
    g_autoptr(GArray) all = terminal_list_columns(run, NULL);
    g_autoptr(GArray) columns = terminal_list_columns(
        run, all->len <= LADDER_COLUMNS_MAXIMUM &&
                     (is_asked || ladder_width_needed(all->len) <= terminal_width())
                 ? NULL
                 : options->follow);
    TimelineOptions timeline = {.level = options->level,
                                .use_colour = terminal_wants_colour(),
                                .width = terminal_width(),
                                .follow = options->follow,
                                .is_unfolded = options->is_unfolded,
                                .use_unicode = options->use_unicode};
    if (is_asked || (options->form == NULL && isatty(STDOUT_FILENO))) {
        timeline.columns = (const NodeId *)(const void *)columns->data;
        timeline.column_count = columns->len;
    }
    if (is_asked) /* then as wide as it takes, for a pager or a file */
        timeline.width = MAX(timeline.width, ladder_width_needed(columns->len));
    return timeline_new(simulation_trace(run->simulation), &timeline,
                        (TimelineOutput){terminal_write, NULL});
}
