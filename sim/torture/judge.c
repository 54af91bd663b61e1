/* The judge of a tortured run. See judge.h. */
#include "torture/judge.h"

#include "core/units.h"

struct Judge {
    Run *run;
    Causality *causality;
};

const char *defect_kind_name(DefectKind kind)
{
    static const char *const names[DEFECT_KINDS] = {
        [DEFECT_NONE] = "none",           [DEFECT_BOOKS] = "books",
        [DEFECT_CAUSALITY] = "causality", [DEFECT_UNREST] = "unrest",
        [DEFECT_LEFT_OVER] = "left-over", [DEFECT_DEATH] = "death",
    };
    return names[kind];
}

Judge *judge_new(Run *run)
{
    Judge *judge = g_new0(Judge, 1);
    judge->run = run;
    judge->causality = causality_new(simulation_trace(run->simulation));
    return judge;
}

void judge_free(Judge *judge)
{
    causality_free(judge->causality);
    g_free(judge);
}

static bool is_end_of_mail(MailFate fate)
{
    return fate == MAIL_FATE_DELIVERED || fate == MAIL_FATE_BOUNCED ||
           fate == MAIL_FATE_DISCARDED || fate == MAIL_FATE_EXPANDED || fate == MAIL_FATE_RELAYED ||
           fate == MAIL_FATE_REFUSED || fate == MAIL_FATE_LOST_BY_AGENT;
}

/* The first mail that has no end, in words; NULL: there is none. */
static char *find_left_over(const Facts *facts)
{
    for (size_t i = 0; i < facts_mail_count(facts); i++) {
        const FactsMail *mail = facts_mail_at(facts, i);
        for (size_t r = 0; r < mail->recipient_count; r++) {
            MailFate fate = mail->recipients[r].fate;
            if (!is_end_of_mail(fate))
                return g_strdup_printf("%s for %s has come to no end: its status is %s", mail->name,
                                       mail->recipients[r].address, mail_fate_name(fate));
        }
    }
    for (size_t node = 0; node < facts_host_count(facts); node++) {
        FactsHost host = facts_host_at(facts, node);
        if (host.queue_length > 0)
            return g_strdup_printf("the queue of %s is not empty in the end: %d left", host.name,
                                   (int)host.queue_length);
    }
    return NULL;
}

static char *find_unrest(const Run *run)
{
    const Simulator *simulator = simulation_simulator(run->simulation);
    if (run->end != SIMULATOR_END_BUDGET)
        return NULL;
    g_autofree char *now = units_format_readable(simulator_now(simulator));
    return g_strdup_printf("the run does not come to rest: %" G_GUINT64_FORMAT
                           " events have happened by %s",
                           simulator_event_count(simulator), now);
}

char *judge_find_defect(const Judge *judge, bool is_balanced, DefectKind *kind)
{
    *kind = DEFECT_BOOKS;
    if (!is_balanced)
        return g_strdup(books_first_violation(judge->run->books)->text);
    *kind = DEFECT_CAUSALITY;
    if (causality_defect_count(judge->causality) > 0)
        return g_strdup(causality_defect_at(judge->causality, 0)->text);
    *kind = DEFECT_UNREST;
    char *defect = find_unrest(judge->run);
    if (defect != NULL)
        return defect;
    *kind = DEFECT_LEFT_OVER;
    /* What a server has lost that says 250 too early is nowhere, and no record tells. */
    bool may_lose = scenario_may_lose(judge->run->scenario);
    defect = may_lose ? NULL : find_left_over(judge->run->facts);
    if (defect == NULL)
        *kind = DEFECT_NONE;
    return defect;
}
