/* A canary: a mail server that does not look at its spool when it starts. What it had accepted lies
 * there for ever. Linked in place of spool_recover. */
#include "store/spool.h"

GPtrArray *__real_spool_recover(Spool *spool);
GPtrArray *__wrap_spool_recover(Spool *spool);

GPtrArray *__wrap_spool_recover(Spool *spool)
{
    GPtrArray *found = __real_spool_recover(spool);
    g_ptr_array_set_size(found, 0);
    return found;
}
