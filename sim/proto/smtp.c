/* What both SMTP engines share. See smtp.h. */
#include "proto/smtp.h"

#include "core/check.h"
#include "core/simtime.h"

static const struct {
    const char *name;
    int64_t default_ns;
} standards[SMTP_TIMEOUT_COUNT] = {
    [SMTP_TIMEOUT_NONE] = {"none", 0},
    [SMTP_TIMEOUT_GREETING] = {"greeting", 5 * SIM_MINUTE},
    [SMTP_TIMEOUT_HELLO] = {"hello", 5 * SIM_MINUTE},
    [SMTP_TIMEOUT_MAIL] = {"mail", 5 * SIM_MINUTE},
    [SMTP_TIMEOUT_RCPT] = {"rcpt", 5 * SIM_MINUTE},
    [SMTP_TIMEOUT_DATA_INITIATION] = {"data-initiation", 2 * SIM_MINUTE},
    [SMTP_TIMEOUT_DATA_BLOCK] = {"data-block", 3 * SIM_MINUTE},
    [SMTP_TIMEOUT_DATA_TERMINATION] = {"data-termination", 10 * SIM_MINUTE},
    [SMTP_TIMEOUT_SERVER] = {"server", 5 * SIM_MINUTE},
};

int64_t smtp_timeout_default_ns(SmtpTimeout timeout)
{
    CHECK(timeout < SMTP_TIMEOUT_COUNT);
    return standards[timeout].default_ns;
}

int64_t smtp_timeouts_ns(const SmtpTimeouts *timeouts, SmtpTimeout timeout)
{
    int64_t standard = smtp_timeout_default_ns(timeout);
    return timeouts != NULL && timeouts->ns[timeout] > 0 ? timeouts->ns[timeout] : standard;
}

const char *smtp_timeout_name(SmtpTimeout timeout)
{
    CHECK(timeout < SMTP_TIMEOUT_COUNT);
    return standards[timeout].name;
}
