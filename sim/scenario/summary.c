/* The summary of a run. See summary.h. */
#include "scenario/summary.h"

#include "core/text.h"
#include "export/timeline.h"
#include "scenario/traffic_facts.h"

#include <string.h>

/* ---- Mails ---- */

static void put_time(GString *out, const char *what, SimTime time)
{
    if (time == SIM_NEVER)
        return;
    g_string_append_printf(out, ", %s at ", what);
    timeline_format_time(time, 3, out);
}

static void put_fate(MailFate fate, GString *out)
{
    g_autofree char *words = g_strdelimit(g_strdup(mail_fate_name(fate)), "_", ' ');
    g_string_append(out, words);
}

static void put_recipient(const FactsMail *mail, const FactsRecipient *recipient, GString *out)
{
    g_string_append(out, "  ");
    text_append_shown_line(out, mail->name);
    g_string_append(out, " to ");
    text_append_shown_line(out, recipient->address);
    g_string_append(out, ": ");
    put_fate(recipient->fate, out);
    if (recipient->attempts > 0)
        g_string_append_printf(out, ", %llu attempt%s", (unsigned long long)recipient->attempts,
                               recipient->attempts == 1 ? "" : "s");
    put_time(out, "accepted", recipient->accepted_at);
    put_time(out, "delivered", recipient->delivered_at);
    if (recipient->copies > 1)
        g_string_append_printf(out, ", %llu copies", (unsigned long long)recipient->copies);
    put_time(out, "returned", recipient->bounced_at);
    g_string_append_c(out, '\n');
}

/* Those of traffic are summed up, by entry of `traffic`, and so is what is about them. */
static bool is_listed(const Run *run, const FactsMail *mail, const char *follow)
{
    if (follow != NULL)
        return strcmp(mail->name, follow) == 0;
    const ScenarioTraffics *traffic = &run->scenario->traffic;
    for (size_t i = 0; i < traffic->count; i++) {
        const char *name = traffic->items[i].name.text;
        if (traffic_owns(name, mail->name) || traffic_caused(name, mail->name))
            return false;
    }
    return true;
}

static void put_mails(const Run *run, const char *follow, GString *out)
{
    size_t begin = out->len;
    for (size_t i = 0; i < facts_mail_count(run->facts); i++) {
        const FactsMail *mail = facts_mail_at(run->facts, i);
        for (size_t r = 0; is_listed(run, mail, follow) && r < mail->recipient_count; r++)
            put_recipient(mail, &mail->recipients[r], out);
    }
    if (out->len > begin)
        g_string_insert(out, (gssize)begin, "Mails\n");
    else if (run->scenario->traffic.count == 0)
        g_string_append(out, "Mails\n  none\n");
}

/* What there is none of goes without saying. */
static void put_count(int64_t count, const char *what, GString *out)
{
    if (count > 0)
        g_string_append_printf(out, ", %lld %s", (long long)count, what);
}

/* `; notifications: 2 delivered, 16 discarded` */
static void put_notifications(const Run *run, const char *traffic, GString *out)
{
    int64_t counts[MAIL_FATE_NONE + 1] = {0};
    for (size_t i = 0; i < facts_mail_count(run->facts); i++) {
        const FactsMail *mail = facts_mail_at(run->facts, i);
        for (size_t r = 0; traffic_caused(traffic, mail->name) && r < mail->recipient_count; r++)
            counts[mail->recipients[r].fate]++;
    }
    const char *separator = "; notifications: ";
    for (MailFate fate = 0; fate <= MAIL_FATE_NONE; fate++) {
        if (counts[fate] == 0)
            continue;
        g_string_append_printf(out, "%s%lld ", separator, (long long)counts[fate]);
        put_fate(fate, out);
        separator = ", ";
    }
}

static void put_traffic(const Run *run, GString *out)
{
    const ScenarioTraffics *traffic = &run->scenario->traffic;
    if (traffic->count > 0)
        g_string_append(out, "Traffic\n");
    for (size_t i = 0; i < traffic->count; i++) {
        const char *name = traffic->items[i].name.text;
        SimTime median = traffic_fact(run->facts, name, FACT_TRAFFIC_MEDIAN_DELAY);
        SimTime most = traffic_fact(run->facts, name, FACT_TRAFFIC_DELAY_95);
        g_string_append_printf(out, "  %s: %lld accepted, %lld delivered, %lld bounced", name,
                               (long long)traffic_fact(run->facts, name, FACT_TRAFFIC_SENT),
                               (long long)traffic_fact(run->facts, name, FACT_TRAFFIC_DELIVERED),
                               (long long)traffic_fact(run->facts, name, FACT_TRAFFIC_BOUNCED));
        put_count(traffic_fact(run->facts, name, FACT_TRAFFIC_REFUSED), "refused", out);
        put_count(traffic_fact(run->facts, name, FACT_TRAFFIC_LOST), "lost by their agent", out);
        if (median != SIM_NEVER) {
            g_string_append(out, "; half of them within ");
            timeline_format_time(median, 3, out);
            g_string_append(out, ", 95 of 100 within ");
            timeline_format_time(most, 3, out);
        }
        put_notifications(run, name, out);
        g_string_append_c(out, '\n');
    }
}

/* ---- Machines and network ---- */

static void put_hosts(const Facts *facts, GString *out)
{
    const char *heading = "Queues\n";
    for (size_t node = 0; node < facts_host_count(facts); node++) {
        FactsHost host = facts_host_at(facts, node);
        if (!host.is_mail_server)
            continue;
        g_string_append(out, heading);
        heading = "";
        g_string_append_printf(out, "  %s: at most %llu, %llu at the end\n", host.name,
                               (unsigned long long)host.queue_peak,
                               (unsigned long long)host.queue_length);
    }
}

static void put_network(const Facts *facts, GString *out)
{
    FactsTotals totals = facts_totals(facts);
    g_string_append_printf(
        out,
        "Network\n  TCP connections: %llu, segments: %llu, sent again: %llu, "
        "packets lost: %llu\n",
        (unsigned long long)totals.connections, (unsigned long long)totals.segments,
        (unsigned long long)totals.retransmissions, (unsigned long long)totals.drops);
    for (size_t i = 0; i < totals.reason_count; i++)
        g_string_append_printf(out, "  lost, %s: %llu\n", totals.drops_by_reason[i].reason,
                               (unsigned long long)totals.drops_by_reason[i].count);
}

/* An action that waits for what never comes is most often a mistake in the scenario. */
static void put_unmet(const Run *run, GString *out)
{
    g_autoptr(GPtrArray) unmet = simulation_list_unmet(run->simulation);
    if (unmet->len > 0)
        g_string_append(out, "Did not happen\n");
    for (guint i = 0; i < unmet->len; i++) {
        g_string_append(out, "  ");
        text_append_shown_line(out, g_ptr_array_index(unmet, i));
        g_string_append_c(out, '\n');
    }
}

/* ---- Verdicts ---- */

static void put_verdict(const Run *run, size_t index, bool use_colour, GString *out)
{
    bool holds = expectations_hold(run->expectations, index);
    g_autofree char *text = expectations_describe(run->expectations, index);
    const char *colour = !use_colour ? "" : holds ? "\033[32m" : "\033[31m";
    g_string_append_printf(out, "  %s%s%s  ", colour, holds ? "ok    " : "FAILED",
                           use_colour ? "\033[0m" : "");
    text_append_shown_line(out, text);
    if (!holds) {
        g_autofree char *actual = expectations_actual(run->expectations, index);
        g_string_append(out, "; it is ");
        text_append_shown_line(out, actual);
    }
    g_string_append_c(out, '\n');
}

static void put_verdicts(const Run *run, bool use_colour, GString *out)
{
    size_t count = expectations_count(run->expectations);
    if (count == 0)
        return;
    if (run_is_cut(run)) {
        g_string_append(out, "Expectations: not judged, since the run was ended before its time\n");
        return;
    }
    g_string_append_printf(out, "Expectations: %zu of %zu hold\n", count - run_failures(run),
                           count);
    for (size_t i = 0; i < count; i++)
        put_verdict(run, i, use_colour, out);
}

/* Every line of the text, indented. */
static void put_indented(GString *out, int indent, const char *text)
{
    g_autofree char *trimmed = g_strchomp(g_strdup(text));
    g_auto(GStrv) lines = g_strsplit(trimmed, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_string_append_printf(out, "%*s", indent, "");
        text_append_shown_line(out, *line);
        g_string_append_c(out, '\n');
    }
}

static void put_answers(const Run *run, const char *language, GString *out)
{
    const ScenarioQuestions *questions = &run->scenario->questions;
    if (questions->count == 0)
        return;
    if (run_is_cut(run)) {
        g_string_append(out, "Questions: not answered, since the run was ended before its time\n");
        return;
    }
    g_string_append(out, "Questions\n");
    for (size_t i = 0; i < questions->count; i++) {
        const ScenarioQuestion *question = &questions->items[i];
        g_autofree char *answer = expectations_answer(run->expectations, i);
        put_indented(out, 2, local_text_choose(&question->ask, language));
        put_indented(out, 4, answer);
        /* written for the scenario as it stands in the lesson, not for a changed one */
        if (question->explain.count > 0 && run_failures(run) == 0)
            put_indented(out, 4, local_text_choose(&question->explain, language));
        else if (question->explain.count > 0)
            put_indented(out, 4,
                         "(its explanation is not of this run, in which an expectation fails)");
    }
}

void summary_write(const Run *run, const SummaryOptions *options, GString *out)
{
    put_mails(run, options->follow, out);
    put_traffic(run, out);
    put_hosts(run->facts, out);
    put_network(run->facts, out);
    put_unmet(run, out);
    put_verdicts(run, options->use_colour, out);
    put_answers(run, options->language, out);
}
