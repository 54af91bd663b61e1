/* Reading a scenario file and playing it. See play.h. */
#include "play.h"

#include "chain.h"
#include "core/text.h"
#include "core/units.h"
#include "mailsim/version.h"
#include "scenario/full_writer.h"
#include "scenario/reader.h"

#include <stdio.h>
#include <string.h>

Play *play_new(const char *path, const SimulationOptions *options)
{
    return play_new_with_inputs(path, options, NULL);
}

/* What the options name that the scenario must have; false, with the error told. */
static bool check_options(const char *path, const Scenario *scenario,
                          const SimulationOptions *options, const Inputs *inputs)
{
    const char *struck = options->fault.server;
    if (struck != NULL && scenario_find_server(scenario, struck) == NULL) {
        fprintf(stderr, "mailsim: %s has no server `%s`\n", path, struck);
        return false;
    }
    for (char **domain = options->outside != NULL ? options->outside->domains : NULL;
         domain != NULL && *domain != NULL; domain++) {
        g_autofree char *defect = inputs_find_domain_defect(scenario, *domain);
        if (defect == NULL && g_strv_contains((const char *const *)domain + 1, *domain))
            defect = g_strdup("it is there twice");
        if (defect == NULL)
            continue;
        fprintf(stderr, "mailsim: %s cannot be a domain of programs outside: %s\n", *domain,
                defect);
        return false;
    }
    g_autofree char *misfit = inputs != NULL ? inputs_find_misfit(inputs, scenario) : NULL;
    if (misfit != NULL)
        fprintf(stderr, "mailsim: the inputs do not fit %s: %s\n", path, misfit);
    return misfit == NULL;
}

Play *play_new_with_inputs(const char *path, const SimulationOptions *options, const Inputs *inputs)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Scenario *scenario = scenario_read_file(path, diagnostics);
    const ScenarioText *taken =
        scenario != NULL && options->outside != NULL ? inputs_find_name_taken(scenario) : NULL;
    if (taken != NULL)
        diagnostics_error(diagnostics, taken->at,
                          "programs outside are joined as the host `%s`; call this node otherwise",
                          GATEWAY_HOST);
    diagnostics_print(diagnostics, stderr);
    if (scenario == NULL || taken != NULL) {
        g_clear_pointer(&scenario, scenario_free);
        return NULL;
    }
    if (!check_options(path, scenario, options, inputs)) {
        scenario_free(scenario);
        return NULL;
    }
    Play *play = g_new0(Play, 1);
    play->path = path;
    play->options = *options;
    play->scenario = scenario;
    play->run = run_new(scenario, options);
    return play;
}

void play_free(Play *play)
{
    run_free(play->run);
    scenario_free(play->scenario);
    g_free(play);
}

/* The record's causes, from this very run played again: with what came from outside, where anything
 * could. False when that is not known. */
static bool write_chain(const Play *play, uint64_t about, GString *chain)
{
    SimulationOptions options = play->options;
    SimulationOutside outside;
    g_autoptr(Inputs) inputs = NULL;
    if (options.outside != NULL && options.outside->inputs == NULL) {
        g_autoptr(Diagnostics) diagnostics = diagnostics_new();
        inputs = play->recording != NULL ? inputs_read_file(play->recording, diagnostics) : NULL;
        diagnostics_print(diagnostics, stderr);
        if (inputs == NULL)
            return false;
        outside = inputs_outside(inputs);
        options.outside = &outside;
    }
    chain_write(play->scenario, &options, about, chain);
    return true;
}

/* A word of a shell's command, quoted where it must be; to free. */
static char *shell_word(const char *text)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+@%=:,";
    return text[0] != '\0' && text[strspn(text, PLAIN)] == '\0' ? g_strdup(text)
                                                                : g_shell_quote(text);
}

/* The options of `mailsim run` that give this run again; to free. */
static char *options_of_run(const Play *play)
{
    GString *text = g_string_new("--level segment");
    if (play->options.outside != NULL) { /* the recording has the seed */
        g_autofree char *recording = shell_word(play->recording);
        g_string_append_printf(text, " --inputs %s", recording);
        return g_string_free(text, FALSE);
    }
    g_autofree char *fault = simulation_fault_format(&play->options.fault);
    uint64_t seed = simulator_seed(simulation_simulator(play->run->simulation));
    g_string_append_printf(text, " --seed %" G_GUINT64_FORMAT, seed);
    if (fault[0] != '\0')
        g_string_append_printf(text, " --fault %s", fault);
    if (play->options.until_ns != SCENARIO_UNSET)
        g_string_append_printf(text, " --until '%" G_GINT64_FORMAT " ns'", play->options.until_ns);
    return g_string_free(text, FALSE);
}

void play_tell_violation(const Play *play)
{
    const BooksViolation *violation = books_first_violation(play->run->books);
    unsigned long long seed = simulator_seed(simulation_simulator(play->run->simulation));
    g_autofree char *time = units_format_readable(violation->time);
    g_autofree char *text = text_shown_line(violation->text);
    fflush(stdout); /* what the run has shown stands above */
    fprintf(stderr, "mailsim: the books do not balance: at %s, record %llu: %s\n", time,
            (unsigned long long)violation->seq, text);
    g_autoptr(GString) chain = g_string_new(NULL);
    bool is_known = write_chain(play, violation->about, chain);
    if (is_known)
        fprintf(stderr, "mailsim: how it came about:\n%s", chain->str);
    fprintf(stderr, "mailsim: version %s, seed %llu, scenario SHA-256 %s; to see it again:\n",
            MS_VERSION, seed, play->scenario->sha256);
    if (!is_known) {
        fputs("    what came from outside was not recorded; in a session with --record FILE it is, "
              "and\n    mailsim run --inputs FILE plays that session again\n",
              stderr);
        return;
    }
    g_autofree char *options = options_of_run(play);
    g_autofree char *path = shell_word(play->path);
    fprintf(stderr, "    mailsim run %s %s\n", options, path);
}

/* A fault that has not come about: the run is as without it, which is not what was asked for. */
static void warn_of_fault(const Play *play)
{
    const SimulationFault *fault = &play->options.fault;
    const Simulation *simulation = play->run->simulation;
    if (fault->number == 0 || simulation_fault_has_struck(simulation))
        return;
    g_autofree char *text = simulation_fault_format(fault);
    bool is_event = fault->point == FAULT_AFTER_EVENT;
    unsigned long long count = is_event ? simulator_event_count(simulation_simulator(simulation))
                                        : simulation_disk_steps(simulation, fault->server);
    g_autofree char *what =
        is_event ? g_strdup("the run has") : g_strdup_printf("the disk of %s takes", fault->server);
    fprintf(stderr, "mailsim: warning: --fault %s: nothing is struck, as %s %llu %s\n", text, what,
            count, is_event ? "events" : "steps");
}

bool play_to_end(Play *play)
{
    bool is_balanced = run_play(play->run);
    warn_of_fault(play);
    if (!is_balanced)
        play_tell_violation(play);
    return is_balanced;
}

/* Whether the word, of `length` octets, stands in the text by itself. */
static bool has_word(const char *text, const char *word, size_t length)
{
    g_autofree char *wanted = g_strndup(word, length);
    for (const char *at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted)) {
        bool begins = at == text || strchr(" \"'[{,:\n", at[-1]) != NULL;
        bool ends = strchr(" \"']},:\n", at[length]) != NULL; /* or the end of the text */
        if (begins && ends)
            return true;
    }
    return false;
}

/* Repetitions and notifications of `lunch` begin with `lunch.`. */
bool play_may_know_mail(const Play *play, const char *mail)
{
    if (mail == NULL || play->options.outside != NULL)
        return true;
    g_autofree char *text = scenario_format_full(play->scenario);
    for (size_t length = 1; length <= strlen(mail); length++) {
        bool is_stem = mail[length] == '\0' || mail[length] == '.';
        if (is_stem && has_word(text, mail, length))
            return true;
    }
    fprintf(stderr, "mailsim: there is no mail `%s` in this scenario; its mails are:\n", mail);
    for (size_t i = 0; i < play->scenario->mails.count; i++)
        fprintf(stderr, "  %s\n", play->scenario->mails.items[i].name.text);
    for (size_t i = 0; i < play->scenario->traffic.count; i++)
        fprintf(stderr, "  %s (traffic)\n", play->scenario->traffic.items[i].name.text);
    return false;
}

bool play_knows_mail(const Play *play, const char *mail)
{
    const Facts *facts = play->run->facts;
    if (mail == NULL || facts_find_mail(facts, mail) != NULL)
        return true;
    fprintf(stderr, "mailsim: there is no mail `%s` in this run; there are:\n", mail);
    for (size_t i = 0; i < facts_mail_count(facts); i++) {
        g_autofree char *name = text_shown_line(facts_mail_at(facts, i)->name);
        fprintf(stderr, "  %s\n", name);
    }
    return false;
}
