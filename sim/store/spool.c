/* The spool: adding, noting, removing, recovering. See spool.h; spool_entry.c has the file's form.
 *
 * How often the server has started is in the name of an empty file, `spool/start.3`, so that ids
 * are never given twice even when every entry is gone. The disk takes plans in order: an entry of
 * this start cannot be durable before the new name is. */
#include "store/spool.h"

#include "core/check.h"
#include "store/numbers.h"
#include "store/spool_entry.h"

#include <string.h>

#define START_PREFIX "start."

struct Spool {
    Disk *disk;
    SpoolOrder order;
    uint32_t start; /* which start of the server this is, from 1; 0 before spool_recover */
    uint32_t next;  /* number of the next entry, from 1 */
    size_t count;   /* entries on the disk, and those on their way to it */
    GQueue adding;  /* AddJob */
};

/* An entry on its way to the disk. */
typedef struct AddJob {
    Spool *spool;
    char *tmp_path;
    bool is_refused; /* there are too many */
    DiskDone done;
    GList link; /* in spool->adding */
} AddJob;

static char *queue_path(const char *entry_id)
{
    return g_strconcat(SPOOL_QUEUE_FOLDER "/", entry_id, NULL);
}

Spool *spool_new(Disk *disk, SpoolOrder order)
{
    Spool *spool = g_new0(Spool, 1);
    spool->disk = disk;
    spool->order = order;
    spool->next = 1;
    g_queue_init(&spool->adding);
    return spool;
}

static void add_job_free(AddJob *job)
{
    g_queue_unlink(&job->spool->adding, &job->link);
    g_free(job->tmp_path);
    g_free(job);
}

void spool_free(Spool *spool)
{
    while (!g_queue_is_empty(&spool->adding))
        add_job_free(g_queue_peek_head(&spool->adding));
    g_free(spool);
}

SpoolId spool_peek_id(const Spool *spool)
{
    SpoolId id;
    CHECK(spool->start != 0);
    int length = g_snprintf(id.text, sizeof id.text, "%u-%u", spool->start, spool->next);
    CHECK(length > 0 && length < SPOOL_ID_MAX);
    return id;
}

SpoolId spool_take_id(Spool *spool)
{
    SpoolId id = spool_peek_id(spool);
    CHECK(spool->next < UINT32_MAX);
    spool->next++;
    return id;
}

/* ---- Changes ---- */

/* When there was no room, what has been written goes again. */
static void undo_add(Spool *spool, const char *tmp_path)
{
    spool->count--;
    if (!disk_has_file(spool->disk, tmp_path))
        return;
    DiskPlan *plan = disk_plan_new();
    disk_plan_unlink(plan, tmp_path);
    disk_run(spool->disk, plan, (DiskDone){0});
}

static void on_added(void *owner, DiskResult result)
{
    AddJob *job = owner;
    DiskDone done = job->done;
    if (job->is_refused)
        result = DISK_FULL;
    if (result != DISK_OK)
        undo_add(job->spool, job->tmp_path);
    add_job_free(job);
    if (done.done != NULL)
        done.done(done.owner, result);
}

static AddJob *add_job_new(Spool *spool, const char *entry_id, DiskDone done)
{
    AddJob *job = g_new0(AddJob, 1);
    job->spool = spool;
    job->tmp_path = g_strconcat(SPOOL_TMP_FOLDER "/", entry_id, NULL);
    job->is_refused = spool->count++ >= SPOOL_ENTRIES_MAX;
    job->done = done;
    job->link.data = job;
    g_queue_push_tail_link(&spool->adding, &job->link);
    return job;
}

/* Nobody waits for it; without the file, which found no room, nothing happens. */
static void sync_later(Spool *spool, const char *path)
{
    DiskPlan *plan = disk_plan_new();
    disk_plan_sync(plan, path);
    disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER);
    disk_run(spool->disk, plan, (DiskDone){0});
}

void spool_add(Spool *spool, const char *entry_id, const Envelope *envelope, GBytes *message,
               SimTime arrived_at, DiskDone done)
{
    AddJob *job = add_job_new(spool, entry_id, done);
    g_autofree char *path = queue_path(entry_id);
    g_autoptr(GBytes) head =
        spool_entry_format_head(envelope, g_bytes_get_size(message), arrived_at);
    DiskPlan *plan = disk_plan_new();
    bool syncs_first = spool->order == SPOOL_SYNC_FIRST;
    if (!job->is_refused) {
        disk_plan_write(plan, job->tmp_path, head);
        disk_plan_append(plan, job->tmp_path, message);
        if (syncs_first)
            disk_plan_sync(plan, job->tmp_path);
        disk_plan_rename(plan, job->tmp_path, path);
        if (syncs_first)
            disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER);
    }
    disk_run(spool->disk, plan, (DiskDone){on_added, job});
    if (!syncs_first)
        sync_later(spool, path);
}

void spool_note(Spool *spool, const char *entry_id, size_t recipient, SpoolOutcome outcome,
                DiskDone done)
{
    g_autofree char *path = queue_path(entry_id);
    g_autoptr(GBytes) note = spool_entry_format_note(recipient, outcome);
    DiskPlan *plan = disk_plan_new();
    disk_plan_append(plan, path, note);
    disk_plan_sync(plan, path);
    disk_run(spool->disk, plan, done);
}

void spool_remove(Spool *spool, const char *entry_id, DiskDone done)
{
    g_autofree char *path = queue_path(entry_id);
    DiskPlan *plan = disk_plan_new();
    spool->count--;
    disk_plan_unlink(plan, path);
    disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER);
    disk_run(spool->disk, plan, done);
}

/* ---- Reading back ---- */

typedef struct IdNumbers {
    uint64_t start, number;
} IdNumbers;

static bool id_parse(const char *text, IdNumbers *numbers)
{
    Span rest = span_of_text(text);
    return number_take(&rest, '-', UINT32_MAX, &numbers->start) &&
           number_parse(rest, UINT32_MAX, &numbers->number);
}

bool spool_id_is_valid(const char *text)
{
    IdNumbers ignored;
    return id_parse(text, &ignored);
}

static int compare_arrival(const void *a, const void *b)
{
    const SpoolEntry *const *first = a, *const *second = b;
    IdNumbers x, y;
    CHECK(id_parse((*first)->id, &x) && id_parse((*second)->id, &y));
    if (x.start != y.start)
        return x.start < y.start ? -1 : 1;
    return x.number < y.number ? -1 : x.number > y.number;
}

GPtrArray *spool_read_all(const Disk *disk)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)spool_entry_free);
    g_auto(GStrv) names = disk_list(disk, SPOOL_QUEUE_FOLDER);
    for (char **name = names; *name != NULL; name++) {
        IdNumbers ignored;
        g_autofree char *path = queue_path(*name);
        g_autoptr(GBytes) file = disk_read(disk, path);
        SpoolEntry *entry = id_parse(*name, &ignored) ? spool_entry_parse(*name, file) : NULL;
        if (entry != NULL)
            g_ptr_array_add(entries, entry);
    }
    g_ptr_array_sort(entries, compare_arrival);
    return entries;
}

/* ---- Recovery ---- */

bool spool_start_parse(const char *name, uint32_t *number)
{
    uint64_t read = 0;
    bool is_start = g_str_has_prefix(name, START_PREFIX) &&
                    number_parse(span_of_text(name + strlen(START_PREFIX)), UINT32_MAX - 1, &read);
    *number = (uint32_t)read;
    return is_start;
}

uint32_t spool_read_starts(const Disk *disk)
{
    uint32_t starts = 0;
    g_auto(GStrv) names = disk_list(disk, SPOOL_FOLDER);
    for (char **name = names; *name != NULL; name++) {
        uint32_t number = 0;
        if (spool_start_parse(*name, &number))
            starts = MAX(starts, number);
    }
    return starts;
}

static void plan_start(Spool *spool, DiskPlan *plan)
{
    uint32_t starts = spool_read_starts(spool->disk);
    g_autofree char *before = g_strdup_printf(SPOOL_FOLDER "/" START_PREFIX "%u", starts);
    g_autofree char *now = g_strdup_printf(SPOOL_FOLDER "/" START_PREFIX "%u", starts + 1);
    g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);
    spool->start = starts + 1;
    if (starts == 0)
        disk_plan_write(plan, now, nothing);
    else
        disk_plan_rename(plan, before, now);
    disk_plan_sync_folder(plan, SPOOL_FOLDER);
}

static void plan_tmp_removal(const Spool *spool, DiskPlan *plan)
{
    bool is_clean = true;
    g_auto(GStrv) names = disk_list(spool->disk, SPOOL_TMP_FOLDER);
    for (char **name = names; *name != NULL; name++) {
        g_autofree char *path = g_strconcat(SPOOL_TMP_FOLDER "/", *name, NULL);
        if (!spool_id_is_valid(*name))
            continue;
        disk_plan_unlink(plan, path);
        is_clean = false;
    }
    if (!is_clean)
        disk_plan_sync_folder(plan, SPOOL_TMP_FOLDER);
}

/* An entry that the program's crash left may not be durable yet, nor its last notes. */
static void plan_entry(DiskPlan *plan, const SpoolEntry *entry)
{
    g_autofree char *path = queue_path(entry->id);
    if (spool_entry_waiting(entry) == 0)
        disk_plan_unlink(plan, path);
    else
        disk_plan_sync(plan, path);
}

GPtrArray *spool_recover(Spool *spool)
{
    CHECK(spool->start == 0);
    GPtrArray *entries = spool_read_all(spool->disk);
    DiskPlan *plan = disk_plan_new();
    plan_start(spool, plan);
    plan_tmp_removal(spool, plan);
    for (guint i = 0; i < entries->len; i++)
        plan_entry(plan, entries->pdata[i]);
    disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER); /* for names removed before the crash, too */
    disk_run(spool->disk, plan, (DiskDone){0});
    for (guint i = entries->len; i-- > 0;)
        if (spool_entry_waiting(entries->pdata[i]) == 0)
            g_ptr_array_remove_index(entries, i);
    spool->count = entries->len;
    return entries;
}
