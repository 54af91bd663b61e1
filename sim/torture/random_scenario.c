/* Small scenarios drawn from a seed. See random_scenario.h.
 *
 * They differ in what decides a mail's way: servers, domains, backups, retry schedules, extensions
 * and limits, aliases, lists, users who forward (in circles too) or are away, rules of servers, a
 * firewall; and in mails: how many recipients, known or not, what the sender wants to be told. */
#include "torture/random_scenario.h"

#include "core/random.h"

#include <glib.h>

enum { SERVERS_MIN = 2, SERVERS_RANGE = 3, USERS_RANGE = 2, MAILS_RANGE = 4, TO_RANGE = 3 };

typedef struct Draft {
    Random random;
    GString *out;
    unsigned servers;
    unsigned users[SERVERS_MIN + SERVERS_RANGE]; /* of each server */
    bool has_null_mx;
} Draft;

static unsigned draw(Draft *draft, unsigned bound)
{
    return (unsigned)random_draw_below(&draft->random, bound);
}

static bool draw_chance(Draft *draft, unsigned of)
{
    return draw(draft, of) == 0;
}

static const char *draw_word(Draft *draft, const char *const *words, size_t count)
{
    return words[draw(draft, (unsigned)count)];
}

/* ---- Servers ---- */

static void put_retry(Draft *draft)
{
    static const char *const WAYS[] = {"like: postfix",
                                       "like: exim",
                                       "like: sendmail",
                                       "like: qmail",
                                       "like: opensmtpd",
                                       "like: rfc5321",
                                       "intervals: [1 min, 10 min]",
                                       "intervals: [30 min], jitter: 20 %",
                                       "intervals: [5 min, 1 h, 6 h]"};
    static const char *const LIVES[] = {"", ", lifetime: 1 h", ", lifetime: 1 d"};
    static const char *const WARNINGS[] = {"", ", warn_after: 10 min", ", warn_after: 4 h"};
    g_string_append_printf(draft->out, "    retry: {%s%s%s}\n",
                           draw_word(draft, WAYS, G_N_ELEMENTS(WAYS)),
                           draw_word(draft, LIVES, G_N_ELEMENTS(LIVES)),
                           draw_word(draft, WARNINGS, G_N_ELEMENTS(WARNINGS)));
}

static void put_habits(Draft *draft)
{
    static const char *const EXTENSIONS[] = {
        "[]", "[SIZE]", "[PIPELINING, DSN]",
        "[PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES, DSN, SMTPUTF8, CHUNKING]"};
    static const char *const SMTP[] = {"size_limit: 5 kB", "recipient_limit: 1", "error_limit: 2"};
    static const char *const CONNECTIONS[] = {"messages: 1", "per_destination: 1", "total: 1",
                                              "idle: 5 s"};
    if (draw_chance(draft, 2))
        g_string_append_printf(draft->out, "    extensions: %s\n",
                               draw_word(draft, EXTENSIONS, G_N_ELEMENTS(EXTENSIONS)));
    if (draw_chance(draft, 3))
        g_string_append_printf(draft->out, "    smtp: {%s}\n",
                               draw_word(draft, SMTP, G_N_ELEMENTS(SMTP)));
    if (draw_chance(draft, 3))
        g_string_append_printf(draft->out, "    connections: {%s}\n",
                               draw_word(draft, CONNECTIONS, G_N_ELEMENTS(CONNECTIONS)));
}

/* Another user of anybody, perhaps the same one. */
static void put_some_user(Draft *draft)
{
    g_string_append_printf(draft->out, "u1@d%u.example", draw(draft, draft->servers));
}

static void put_user(Draft *draft, unsigned user)
{
    g_string_append_printf(draft->out, "%su%u: {", user > 1 ? ", " : "", user);
    switch (draw(draft, 8)) {
    case 0:
        g_string_append(draft->out, "forward: [");
        put_some_user(draft);
        g_string_append(draft->out, "]");
        break;
    case 1:
        g_string_append(draft->out, "quota: 20 kB");
        break;
    case 2:
        g_string_append(draft->out, "vacation: {body: \"Back on Monday.\"}");
        break;
    default:
        break;
    }
    g_string_append(draft->out, "}");
}

static void put_groups(Draft *draft, unsigned server)
{
    if (draw_chance(draft, 3)) {
        g_string_append(draft->out, "    aliases: {both: {to: [");
        put_some_user(draft);
        g_string_append(draft->out, ", ");
        put_some_user(draft);
        g_string_append(draft->out, "]}}\n");
    }
    if (draw_chance(draft, 4)) {
        g_string_append_printf(draft->out, "    lists: {team: {owner: u1@d%u.example, members: [",
                               server);
        for (unsigned member = 0; member < draft->servers; member++)
            g_string_append_printf(draft->out, "%su1@d%u.example", member > 0 ? ", " : "", member);
        g_string_append(draft->out, "]}}\n");
    }
}

static void put_policy(Draft *draft)
{
    static const char *const RULES[] = {
        "greylist: {delay: 1 min}",
        "greylist: {delay: 5 min, retry_within: 1 h}",
        "rate: {per_client: 5, within: 1 min}",
        "rate: {per_sender: 2, within: 5 min, reply: \"451 4.7.1 Slow down\"}",
        "helo: {need: known_name}",
        "reverse_name: {need: name}",
        "quota: {reply: \"552 5.2.2 No room\"}",
        "size: {reply: \"450 4.3.4 Too large by day\"}",
        "recipients: {reply: \"550 5.5.3 One at a time\"}",
        "refuse_at: once",
    };
    if (draw_chance(draft, 3))
        g_string_append_printf(draft->out, "    policy: {%s}\n",
                               draw_word(draft, RULES, G_N_ELEMENTS(RULES)));
}

static void put_server(Draft *draft, unsigned server)
{
    unsigned other = (server + 1) % draft->servers;
    g_string_append_printf(draft->out, "  mx%u.example:\n    domains: [d%u.example]\n", server,
                           server);
    if (draw_chance(draft, 3))
        g_string_append_printf(draft->out, "    backup_for: [d%u.example]\n", other);
    draft->users[server] = 1 + draw(draft, USERS_RANGE);
    g_string_append(draft->out, "    users: {");
    for (unsigned user = 1; user <= draft->users[server]; user++)
        put_user(draft, user);
    g_string_append(draft->out, "}\n");
    if (draw_chance(draft, 2))
        g_string_append(draft->out, "    router: west\n");
    put_retry(draft);
    put_habits(draft);
    put_groups(draft, server);
    put_policy(draft);
}

/* One server gets no mail from the other half of the network. */
static void put_firewall(Draft *draft)
{
    static const char *const ACTIONS[] = {"drop", "reset", "reject"};
    if (draw_chance(draft, 8))
        g_string_append_printf(
            draft->out, "  firewall: [{host: west, action: %s, port: 25, to: [mx%u.example]}]\n",
            draw_word(draft, ACTIONS, G_N_ELEMENTS(ACTIONS)), draw(draft, draft->servers));
}

static void put_servers(Draft *draft)
{
    draft->servers = SERVERS_MIN + draw(draft, SERVERS_RANGE);
    g_string_append(draft->out, "network:\n  routers: [east, west]\n"
                                "  links: [{between: [east, west], delay: 30 ms}]\n");
    put_firewall(draft);
    g_string_append(draft->out, "servers:\n");
    for (unsigned server = 0; server < draft->servers; server++)
        put_server(draft, server);
    draft->has_null_mx = draw_chance(draft, 4);
    if (draft->has_null_mx)
        g_string_append(draft->out,
                        "dns: {nomail.example: {mx: [{preference: 0, host: \".\"}]}}\n");
    g_string_append(draft->out, "people:\n");
    for (unsigned server = 0; server < draft->servers; server++) {
        for (unsigned user = 1; user <= draft->users[server]; user++)
            g_string_append_printf(draft->out, "  p%u-%u: {address: u%u@d%u.example}\n", server,
                                   user, user, server);
    }
}

/* ---- Mails ---- */

/* As a rule somebody; now and then nobody, or no domain. */
static void put_address(Draft *draft)
{
    unsigned server = draw(draft, draft->servers);
    unsigned way = draw(draft, 12);
    if (way == 0)
        g_string_append_printf(draft->out, "nobody@d%u.example", server);
    else if (way == 1)
        g_string_append_printf(draft->out, "u1@%s.example",
                               draft->has_null_mx ? "nomail" : "nowhere");
    else if (way < 4)
        g_string_append_printf(draft->out, "%s@d%u.example", way == 2 ? "both" : "team", server);
    else
        g_string_append_printf(draft->out, "u%u@d%u.example", 1 + draw(draft, draft->users[server]),
                               server);
}

static void put_mail(Draft *draft, unsigned mail)
{
    static const char *const NOTIFY[] = {"[never]", "[success]", "[failure]", "[delay]",
                                         "[success, failure, delay]"};
    static const char *const SIZES[] = {"20 B", "3 kB", "30 kB"};
    unsigned server = draw(draft, draft->servers);
    g_string_append_printf(draft->out, "  m%u:\n    from: p%u-%u\n    to: [", mail, server,
                           1 + draw(draft, draft->users[server]));
    for (unsigned i = 1 + draw(draft, TO_RANGE); i > 0; i--) {
        put_address(draft);
        g_string_append(draft->out, i > 1 ? ", " : "]\n");
    }
    g_string_append_printf(draft->out, "    size: %s\n",
                           draw_word(draft, SIZES, G_N_ELEMENTS(SIZES)));
    if (draw_chance(draft, 2))
        g_string_append_printf(draft->out, "    notify: %s\n",
                               draw_word(draft, NOTIFY, G_N_ELEMENTS(NOTIFY)));
    if (draw_chance(draft, 3))
        g_string_append(draft->out, "    return: full\n    envid: \"E 1\"\n");
}

static void put_mails(Draft *draft)
{
    unsigned count = 1 + draw(draft, MAILS_RANGE);
    g_string_append(draft->out, "mails:\n");
    for (unsigned mail = 0; mail < count; mail++)
        put_mail(draft, mail);
    g_string_append(draft->out, "timeline:\n");
    for (unsigned mail = 0; mail < count; mail++)
        g_string_append_printf(draft->out, "  - {at: %u ms, do: send, mail: m%u}\n",
                               draw(draft, 3000), mail);
    g_string_append(draft->out, "  - {at: 1 d, do: fetch, who: p0-1}\n");
}

char *random_scenario_write(uint64_t seed)
{
    Draft draft = {.random = random_stream(seed, "scenario", RANDOM_TORTURE),
                   .out = g_string_new(NULL)};
    g_string_append_printf(draft.out,
                           "mailsim: 1\ntitle: \"Drawn by seed %" G_GUINT64_FORMAT
                           "\"\nseed: %" G_GUINT64_FORMAT "\n",
                           seed, seed & G_MAXINT64);
    put_servers(&draft);
    put_mails(&draft);
    return g_string_free(draft.out, FALSE);
}
