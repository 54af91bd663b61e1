/* A canary: a spool that never notes what became of a recipient, so that a server which starts
 * again sends again what has arrived long ago. Linked in place of the two functions that append a
 * note. */
#include "store/disk.h"

void __real_disk_plan_append_octets(DiskPlan *plan, const char *path, Span octets);
void __wrap_disk_plan_append_octets(DiskPlan *plan, const char *path, Span octets);
void __real_disk_plan_append_value(DiskPlan *plan, const char *path, DiskValue value);
void __wrap_disk_plan_append_value(DiskPlan *plan, const char *path, DiskValue value);

/* The journal is what is appended to an entry that is in its place. */
static bool is_of_journal(const char *path)
{
    return g_str_has_prefix(path, "spool/queue/");
}

void __wrap_disk_plan_append_octets(DiskPlan *plan, const char *path, Span octets)
{
    if (!is_of_journal(path))
        __real_disk_plan_append_octets(plan, path, octets);
}

void __wrap_disk_plan_append_value(DiskPlan *plan, const char *path, DiskValue value)
{
    if (!is_of_journal(path))
        __real_disk_plan_append_value(plan, path, value);
}
