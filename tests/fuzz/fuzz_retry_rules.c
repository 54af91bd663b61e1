/* Retry rules as a person may write them: any rules that are taken make a schedule without defects,
 * whose attempts come one after another until the mail expires. */
#include "core/bytes.h"
#include "core/check.h"
#include "mail/retry_schedule.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RetrySchedule schedule = {0};
    g_autofree char *text = span_dup_text(span_of(data, size));
    g_autoptr(GError) error = NULL;
    if (!retry_schedule_set_rules(&schedule, text, &error)) {
        CHECK(error != NULL);
        return 0;
    }
    CHECK(retry_schedule_find_defect(&schedule) == NULL);
    RetryState state = retry_state_new(0);
    SimTime now = 0;
    for (uint32_t i = 0; i < 1000 && !retry_schedule_is_expired(&schedule, 0, now); i++) {
        SimTime next = retry_schedule_next(&schedule, &state, now, i * UINT32_C(2654435761));
        CHECK(next > now && next <= schedule.lifetime_ns);
        now = next;
    }
    return 0;
}
