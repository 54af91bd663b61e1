/* Exim's rule language, as its retry configuration has it: rules separated by semicolons,
 *
 *     F,CUTOFF,WAIT            wait so long each time
 *     G,CUTOFF,WAIT,FACTOR     from WAIT on, each wait FACTOR times the last
 *     H,CUTOFF,WAIT,FACTOR     the same with a random part
 *
 * Times are numbers with units: 15m, 1h30m, 4d. Left out: the address and error patterns that stand
 * before the rules in Exim's configuration. */
#include "mail/mail_error.h"
#include "mail/retry_schedule.h"

#include <string.h>

enum { RULE_PARTS_MAX = 4, FACTOR_MILLI_MAX = 1000000, TEXT_MAX = 1024 };

static SimTime unit_of(char letter)
{
    switch (letter) {
    case 's':
        return SIM_SECOND;
    case 'm':
        return SIM_MINUTE;
    case 'h':
        return SIM_HOUR;
    case 'd':
        return SIM_DAY;
    case 'w':
        return 7 * SIM_DAY;
    }
    return 0;
}

/* Digits at `*text` as a number no greater than `maximum`; moves past them. */
static bool scan_number(const char **text, int64_t maximum, int64_t *number)
{
    if (!g_ascii_isdigit(**text))
        return false;
    *number = 0;
    for (; g_ascii_isdigit(**text); (*text)++) {
        *number = *number * 10 + (**text - '0');
        if (*number > maximum)
            return false;
    }
    return true;
}

/* 1h30m: one or more numbers, each with its unit. */
static bool parse_time(const char *text, SimTime *time)
{
    *time = 0;
    do {
        int64_t number = 0;
        if (!scan_number(&text, RETRY_TIME_MAX / SIM_SECOND, &number))
            return false;
        SimTime unit = unit_of(*text);
        if (unit == 0 || number > RETRY_TIME_MAX / unit)
            return false;
        text++;
        *time += number * unit;
        if (*time > RETRY_TIME_MAX)
            return false;
    } while (*text != '\0');
    return *time > 0;
}

/* 1.5 in thousandths; further digits have no effect in Exim either. */
static bool parse_factor(const char *text, uint32_t *factor_milli)
{
    int64_t whole = 0;
    if (!scan_number(&text, FACTOR_MILLI_MAX / 1000, &whole))
        return false;
    int64_t milli = whole * 1000;
    if (*text == '.') {
        text++;
        if (*text == '\0')
            return false;
        for (int64_t weight = 100; g_ascii_isdigit(*text); text++, weight /= 10)
            milli += (*text - '0') * weight;
    }
    *factor_milli = (uint32_t)milli;
    return *text == '\0' && milli >= 1000 && milli <= FACTOR_MILLI_MAX;
}

static bool parse_rule(char *text, RetryRule *rule, GError **error)
{
    g_strstrip(text);
    g_auto(GStrv) parts = g_strsplit(text, ",", RULE_PARTS_MAX + 1);
    for (char **part = parts; *part != NULL; part++)
        g_strstrip(*part);
    unsigned count = g_strv_length(parts);
    *rule = (RetryRule){0};
    if (count == 0 || strlen(parts[0]) != 1 || strchr("FGH", parts[0][0]) == NULL)
        return mail_error(error, "rule \"%s\" must begin with F, G or H", text);
    rule->kind = parts[0][0];
    if (count != (rule->kind == 'F' ? 3u : 4u))
        return mail_error(error, "rule \"%s\" must be F,CUTOFF,WAIT or G,CUTOFF,WAIT,FACTOR", text);
    if (!parse_time(parts[1], &rule->cutoff_ns))
        return mail_error(error, "\"%s\" in rule \"%s\" is no time such as 2h or 1h30m", parts[1],
                          text);
    if (!parse_time(parts[2], &rule->wait_ns))
        return mail_error(error, "\"%s\" in rule \"%s\" is no time such as 15m", parts[2], text);
    if (count == 4 && !parse_factor(parts[3], &rule->factor_milli))
        return mail_error(error, "\"%s\" in rule \"%s\" is no factor such as 1.5", parts[3], text);
    return true;
}

bool retry_schedule_set_rules(RetrySchedule *schedule, const char *text, GError **error)
{
    RetryRule rules[RETRY_RULES_MAX];
    size_t count = 0;
    if (strlen(text) > TEXT_MAX || !g_utf8_validate(text, -1, NULL))
        return mail_error(error, "the rules must be UTF-8 of at most %d octets", TEXT_MAX);
    g_auto(GStrv) texts = g_strsplit(text, ";", RETRY_RULES_MAX + 1);
    for (char **rule = texts; *rule != NULL; rule++) {
        if (count == RETRY_RULES_MAX)
            return mail_error(error, "there are more than %d rules", RETRY_RULES_MAX);
        if (!parse_rule(*rule, &rules[count], error))
            return false;
        if (count > 0 && rules[count].cutoff_ns <= rules[count - 1].cutoff_ns)
            return mail_error(error, "rule \"%s\" ends no later than the rule before it", *rule);
        count++;
    }
    if (count == 0)
        return mail_error(error, "there is no rule");
    schedule->kind = RETRY_RULES;
    schedule->rule_count = count;
    memcpy(schedule->rules, rules, count * sizeof rules[0]);
    schedule->lifetime_ns = rules[count - 1].cutoff_ns;
    return true;
}
