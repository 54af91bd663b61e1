/* Crash sweeps. See crash_sweep.h. */
#include "torture/crash_sweep.h"

#include "audit/causality.h"
#include "scenario/run.h"

/* What is wrong with the drained run in words, to free; NULL: nothing. */
static char *find_fault_of_mails(const Facts *facts, bool may_lose, bool *has_duplicate)
{
    for (size_t i = 0; i < facts_mail_count(facts); i++) {
        const FactsMail *mail = facts_mail_at(facts, i);
        for (size_t r = 0; r < mail->recipient_count; r++) {
            const FactsRecipient *recipient = &mail->recipients[r];
            if ((recipient->fate == MAIL_FATE_LOST && !may_lose) ||
                recipient->fate == MAIL_FATE_QUEUED)
                return g_strdup_printf("%s for %s is %s", mail->name, recipient->address,
                                       mail_fate_name(recipient->fate));
            *has_duplicate = *has_duplicate || recipient->copies > 1;
        }
    }
    return NULL;
}

static char *find_defect(Run *run, const Causality *causality, bool *has_duplicate)
{
    if (!run_play(run))
        return g_strdup(books_first_violation(run->books)->text);
    if (causality_defect_count(causality) > 0)
        return g_strdup(causality_defect_at(causality, 0)->text);
    return find_fault_of_mails(run->facts, scenario_may_lose(run->scenario), has_duplicate);
}

static SimulationOptions options_for(const CrashSweep *sweep, uint64_t number)
{
    return (SimulationOptions){
        .seed = SCENARIO_UNSET,
        .until_ns = SCENARIO_UNSET,
        .fault = {number, sweep->kind, sweep->server, sweep->restart_after_ns, sweep->point},
    };
}

/* One run with the fault at this point; its defect in words, or NULL. */
static char *strike(const CrashSweep *sweep, const SimulationOptions *options,
                    CrashSweepResult *result)
{
    g_autoptr(Run) run = run_new(sweep->scenario, options);
    Causality *causality = causality_new(simulation_trace(run->simulation));
    bool has_duplicate = false;
    char *defect = find_defect(run, causality, &has_duplicate);
    causality_free(causality);
    result->runs++;
    result->duplicates += has_duplicate;
    return defect;
}

static uint64_t count_points(const CrashSweep *sweep)
{
    SimulationOptions options = options_for(sweep, 0);
    g_autoptr(Run) run = run_new(sweep->scenario, &options);
    run_play(run);
    return sweep->point == FAULT_AFTER_EVENT
               ? simulator_event_count(simulation_simulator(run->simulation))
               : simulation_disk_steps(run->simulation, sweep->server);
}

CrashSweepResult crash_sweep(const CrashSweep *sweep)
{
    CrashSweepResult result = {.points = count_points(sweep)};
    for (uint64_t number = 1; number <= result.points; number += sweep->stride) {
        SimulationOptions options = options_for(sweep, number);
        g_autofree char *defect = strike(sweep, &options, &result);
        if (defect == NULL)
            continue;
        result.failures++;
        if (result.first_failure == NULL) {
            g_autofree char *fault = simulation_fault_format(&options.fault);
            result.first_failure =
                g_strdup_printf("%s\n    mailsim run --fault %s %s", defect, fault, sweep->path);
        }
    }
    return result;
}
