/* Whom absent users have answered. See answered.h. */
#include "store/answered.h"

#include "store/mailbox_names.h"
#include "store/numbers.h"

#include <string.h>

#define ANSWERED_FOLDER "vacation"

struct Answered {
    Disk *disk;
    GHashTable *times; /* path without TIME -> SimTime *, owned */
};

/* `vacation/bob/alice%40a.test`; to free. */
static char *path_of(const char *user, const char *sender)
{
    g_autofree char *user_name = g_ascii_strdown(user, -1);
    g_autofree char *sender_name = g_ascii_strdown(sender, -1);
    g_autofree char *folder = mail_name_escape(user_name);
    g_autofree char *name = mail_name_escape(sender_name);
    return g_strdup_printf(ANSWERED_FOLDER "/%s/%s", folder, name);
}

static char *file_of(const char *path, SimTime time)
{
    return g_strdup_printf("%s.%" G_GINT64_FORMAT, path, time);
}

/* The later one holds: a crash may have left two. */
static void remember(Answered *answered, char *path, SimTime time)
{
    SimTime *known = g_hash_table_lookup(answered->times, path);
    if (known != NULL && *known >= time) {
        g_free(path);
        return;
    }
    g_hash_table_insert(answered->times, path, g_memdup2(&time, sizeof time));
}

static void read_name(Answered *answered, const char *folder, const char *name)
{
    const char *dot = strrchr(name, '.');
    uint64_t time = 0;
    if (dot == NULL || !number_parse(span_of_text(dot + 1), SIM_NEVER - 1, &time))
        return;
    remember(answered, g_strdup_printf(ANSWERED_FOLDER "/%s/%.*s", folder, (int)(dot - name), name),
             (SimTime)time);
}

Answered *answered_new(Disk *disk)
{
    Answered *answered = g_new0(Answered, 1);
    answered->disk = disk;
    answered->times = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) folders = disk_list_folders(disk, ANSWERED_FOLDER);
    for (char **folder = folders; *folder != NULL; folder++) {
        g_autofree char *path = g_strconcat(ANSWERED_FOLDER "/", *folder, NULL);
        g_auto(GStrv) names = disk_list(disk, path);
        for (char **name = names; *name != NULL; name++)
            read_name(answered, *folder, *name);
    }
    return answered;
}

void answered_free(Answered *answered)
{
    g_hash_table_destroy(answered->times);
    g_free(answered);
}

SimTime answered_last(const Answered *answered, const char *user, const char *sender)
{
    g_autofree char *path = path_of(user, sender);
    const SimTime *time = g_hash_table_lookup(answered->times, path);
    return time != NULL ? *time : SIM_NEVER;
}

void answered_note(Answered *answered, const char *user, const char *sender, SimTime now,
                   DiskDone done)
{
    g_autofree char *path = path_of(user, sender);
    g_autofree char *file = file_of(path, now);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(Octets) nothing = octets_new(NULL, 0);
    const SimTime *before = g_hash_table_lookup(answered->times, path);
    g_autofree char *old = before != NULL ? file_of(path, *before) : NULL;
    DiskPlan *plan = disk_plan_new();
    if (old == NULL)
        disk_plan_write(plan, file, nothing);
    else if (strcmp(old, file) != 0)
        disk_plan_rename(plan, old, file);
    disk_plan_sync_folder(plan, folder);
    remember(answered, g_steal_pointer(&path), now);
    disk_run(answered->disk, plan, done);
}
