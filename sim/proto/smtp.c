/* What both SMTP engines share. See smtp.h. */
#include "proto/smtp.h"

#include "core/check.h"
#include "core/simtime.h"

static const int64_t standards_ns[SMTP_TIMEOUT_COUNT] = {
    [SMTP_TIMEOUT_NONE] = 0,
    [SMTP_TIMEOUT_GREETING] = 5 * SIM_MINUTE,
    [SMTP_TIMEOUT_HELLO] = 5 * SIM_MINUTE,
    [SMTP_TIMEOUT_MAIL] = 5 * SIM_MINUTE,
    [SMTP_TIMEOUT_RCPT] = 5 * SIM_MINUTE,
    [SMTP_TIMEOUT_DATA_INITIATION] = 2 * SIM_MINUTE,
    [SMTP_TIMEOUT_DATA_BLOCK] = 3 * SIM_MINUTE,
    [SMTP_TIMEOUT_DATA_TERMINATION] = 10 * SIM_MINUTE,
    [SMTP_TIMEOUT_SERVER] = 5 * SIM_MINUTE,
};

int64_t smtp_timeout_default_ns(SmtpTimeout timeout)
{
    CHECK(timeout < SMTP_TIMEOUT_COUNT);
    return standards_ns[timeout];
}

int64_t smtp_timeouts_ns(const SmtpTimeouts *timeouts, SmtpTimeout timeout)
{
    int64_t standard = smtp_timeout_default_ns(timeout);
    return timeouts != NULL && timeouts->ns[timeout] > 0 ? timeouts->ns[timeout] : standard;
}

const SmtpTimeouts *smtp_timeouts_need(const SmtpTimeouts *timeouts)
{
    for (int i = 0; i < SMTP_TIMEOUT_COUNT; i++) {
        if (smtp_timeouts_ns(timeouts, (SmtpTimeout)i) != standards_ns[i])
            return timeouts;
    }
    return NULL;
}
