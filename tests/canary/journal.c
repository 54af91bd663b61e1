/* A canary: a spool that never notes what became of a recipient, so that a server which starts
 * again sends again what has arrived long ago. Linked in place of disk_plan_append. */
#include "store/disk.h"

void __real_disk_plan_append(DiskPlan *plan, const char *path, GBytes *content);
void __wrap_disk_plan_append(DiskPlan *plan, const char *path, GBytes *content);

/* The journal is what is appended to an entry that is in its place. */
void __wrap_disk_plan_append(DiskPlan *plan, const char *path, GBytes *content)
{
    if (!g_str_has_prefix(path, "spool/queue/"))
        __real_disk_plan_append(plan, path, content);
}
