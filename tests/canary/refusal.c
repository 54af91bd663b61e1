/* A canary: a mail server that says 250 although the disk has failed to take the message. Linked in
 * place of spool_add. */
#include "store/spool.h"

void __real_spool_add(Spool *spool, const char *entry_id, const Envelope *envelope,
                      StoredMessage *message, SimTime arrived_at, DiskDone done);
void __wrap_spool_add(Spool *spool, const char *entry_id, const Envelope *envelope,
                      StoredMessage *message, SimTime arrived_at, DiskDone done);

static void tell_success(void *owner, DiskResult result)
{
    DiskDone *done = owner;
    if (done->done != NULL)
        done->done(done->owner, result == DISK_ERROR ? DISK_OK : result);
    g_free(done);
}

void __wrap_spool_add(Spool *spool, const char *entry_id, const Envelope *envelope,
                      StoredMessage *message, SimTime arrived_at, DiskDone done)
{
    __real_spool_add(spool, entry_id, envelope, message, arrived_at,
                     (DiskDone){tell_success, g_memdup2(&done, sizeof done)});
}
