/* Facts of traffic, from those of its mails. See traffic_facts.h. */
#include "scenario/traffic_facts.h"

#include "core/check.h"

#include <string.h>

typedef struct Sums {
    int64_t sent, bounced, refused, lost;
    SimTime last_delivered_at;
    GArray *delays; /* SimTime, of those delivered */
} Sums;

bool traffic_owns(const char *traffic, const char *mail)
{
    size_t length = strlen(traffic);
    if (strncmp(mail, traffic, length) != 0)
        return false;
    if (mail[length] == '\0')
        return true;
    const char *number = mail + length + 1;
    return mail[length] == '.' && *number != '\0' && strspn(number, "0123456789") == strlen(number);
}

bool traffic_caused(const char *traffic, const char *mail)
{
    g_autofree char *name = g_strdup(mail);
    char *dot;
    if (traffic_owns(traffic, mail))
        return false;
    while ((dot = strrchr(name, '.')) != NULL) {
        *dot = '\0';
        if (traffic_owns(traffic, name))
            return true;
    }
    return false;
}

static void add_recipient(Sums *sums, const FactsRecipient *recipient)
{
    sums->sent += recipient->accepted_at != SIM_NEVER;
    sums->refused += recipient->fate == MAIL_FATE_REFUSED;
    sums->lost += recipient->fate == MAIL_FATE_LOST_BY_AGENT;
    sums->bounced += recipient->bounced_at != SIM_NEVER;
    if (recipient->delivered_at == SIM_NEVER)
        return;
    SimTime delay = recipient->delivered_at - recipient->accepted_at;
    g_array_append_val(sums->delays, delay);
    if (sums->last_delivered_at == SIM_NEVER || recipient->delivered_at > sums->last_delivered_at)
        sums->last_delivered_at = recipient->delivered_at;
}

static int compare_delays(const void *a, const void *b)
{
    SimTime first = *(const SimTime *)a, second = *(const SimTime *)b;
    return first < second ? -1 : first > second;
}

static SimTime percentile(const Sums *sums, guint percent)
{
    enum { WHOLE = 100 };
    if (sums->delays->len == 0)
        return SIM_NEVER;
    guint rank = (guint)(((uint64_t)sums->delays->len * percent + WHOLE - 1) / WHOLE);
    return g_array_index(sums->delays, SimTime, MAX(rank, 1) - 1);
}

static SimTime mean(const Sums *sums)
{
    guint count = sums->delays->len;
    SimTime whole = 0, rest = 0; /* of the divisions: the sum itself might be too large */
    for (guint i = 0; i < count; i++) {
        whole += g_array_index(sums->delays, SimTime, i) / count;
        rest += g_array_index(sums->delays, SimTime, i) % count;
    }
    return count > 0 ? whole + rest / count : SIM_NEVER;
}

static int64_t fact_of_sums(const Sums *sums, FactId fact)
{
    enum { HALF = 50, MOST = 95 };
    switch (fact) {
    case FACT_TRAFFIC_SENT:
        return sums->sent;
    case FACT_TRAFFIC_DELIVERED:
        return sums->delays->len;
    case FACT_TRAFFIC_BOUNCED:
        return sums->bounced;
    case FACT_TRAFFIC_REFUSED:
        return sums->refused;
    case FACT_TRAFFIC_LOST:
        return sums->lost;
    case FACT_TRAFFIC_MEAN_DELAY:
        return mean(sums);
    case FACT_TRAFFIC_MEDIAN_DELAY:
        return percentile(sums, HALF);
    case FACT_TRAFFIC_DELAY_95:
        return percentile(sums, MOST);
    case FACT_TRAFFIC_LAST_DELIVERED_AT:
        return sums->last_delivered_at;
    default: /* not a fact of traffic */
        CHECK(false);
        return 0;
    }
}

int64_t traffic_fact(const Facts *facts, const char *traffic, FactId fact)
{
    g_autoptr(GArray) delays = g_array_new(FALSE, FALSE, sizeof(SimTime));
    FactsSums forgotten = facts_sums(facts, traffic);
    Sums sums = {
        .sent = forgotten.count,
        .last_delivered_at = forgotten.last_delivered_at,
        .delays = delays,
    };
    if (forgotten.count > 0)
        g_array_append_vals(delays, forgotten.delays, (guint)forgotten.count);
    for (size_t i = 0; i < facts_mail_count(facts); i++) {
        const FactsMail *mail = facts_mail_at(facts, i);
        for (size_t j = 0; traffic_owns(traffic, mail->name) && j < mail->recipient_count; j++)
            add_recipient(&sums, &mail->recipients[j]);
    }
    g_array_sort(delays, compare_delays);
    return fact_of_sums(&sums, fact);
}
