/* The spool: adding, noting, removing, recovering. See spool.h; spool_entry.c has the file's form.
 *
 * How often the server has started is in the name of an empty file, `spool/start.3`, so that ids
 * are never given twice even when every entry is gone. The disk takes plans in order: an entry of
 * this start cannot be durable before the new name is. */
#include "store/spool.h"

#include "core/check.h"
#include "core/text.h"
#include "store/numbers.h"
#include "store/spool_entry.h"

#include <string.h>

#define START_PREFIX "start."

/* Whether this start's number is on the disk. */
typedef enum StartState { START_UNDER_WAY, START_DURABLE, START_FAILED } StartState;

struct Spool {
    Disk *disk;
    SpoolOrder order;
    uint32_t start; /* which start of the server this is, from 1; 0 before spool_recover */
    StartState start_state;
    uint32_t next;     /* number of the next entry, from 1 */
    size_t count;      /* entries on the disk, and those on their way to it */
    GQueue jobs;       /* Job */
    GPtrArray *doomed; /* paths of files that a failing disk did not let go */
    GPtrArray *unread; /* ids of entries that it did not give at recovery */
};

/* A path of an entry's file, before or after it has its name. */
typedef struct SpoolPath {
    char text[sizeof SPOOL_QUEUE_FOLDER + SPOOL_ID_MAX];
} SpoolPath;

/* An entry on its way to the disk, or a file on its way off it. */
typedef struct Job {
    Spool *spool;
    DiskPlan *waiting; /* for the start to be on the disk; NULL: it is the disk's */
    DiskDone done;
    GList link;           /* in spool->jobs */
    SpoolPath path;       /* of an entry: before it has its name */
    SpoolPath queue_path; /* of an entry: and after that */
    bool is_refused;      /* there are too many */
} Job;

static SpoolPath path_of(const char *text)
{
    SpoolPath path;
    size_t size = strlen(text) + 1;
    CHECK(size <= sizeof path.text);
    memcpy(path.text, text, size);
    return path;
}

/* Inline, as the folder's length is known where it is called. */
static inline SpoolPath path_of_entry(const char *folder, const char *entry_id)
{
    SpoolPath path;
    size_t front = strlen(folder), size = strlen(entry_id) + 1;
    CHECK(size <= SPOOL_ID_MAX && front + size <= sizeof path.text);
    memcpy(path.text, folder, front);
    memcpy(path.text + front, entry_id, size);
    return path;
}

static SpoolPath tmp_path(const char *entry_id)
{
    return path_of_entry(SPOOL_TMP_FOLDER "/", entry_id);
}

static SpoolPath queue_path(const char *entry_id)
{
    return path_of_entry(SPOOL_QUEUE_FOLDER "/", entry_id);
}

Spool *spool_new(Disk *disk, SpoolOrder order)
{
    Spool *spool = g_new0(Spool, 1);
    spool->disk = disk;
    spool->order = order;
    spool->next = 1;
    spool->doomed = g_ptr_array_new_with_free_func(g_free);
    spool->unread = g_ptr_array_new_with_free_func(g_free);
    g_queue_init(&spool->jobs);
    return spool;
}

static Job *job_new(Spool *spool, SpoolPath path, DiskDone done)
{
    Job *job = g_new(Job, 1);
    *job = (Job){.spool = spool, .path = path, .done = done, .link.data = job};
    g_queue_push_tail_link(&spool->jobs, &job->link);
    return job;
}

static void job_free(Job *job)
{
    g_queue_unlink(&job->spool->jobs, &job->link);
    g_clear_pointer(&job->waiting, disk_plan_free);
    g_free(job);
}

/* Frees the job, then tells. */
static void job_end(Job *job, DiskResult result)
{
    DiskDone done = job->done;
    job_free(job);
    if (done.done != NULL)
        done.done(done.owner, result);
}

void spool_free(Spool *spool)
{
    while (!g_queue_is_empty(&spool->jobs))
        job_free(g_queue_peek_head(&spool->jobs));
    g_ptr_array_unref(spool->doomed);
    g_ptr_array_unref(spool->unread);
    g_free(spool);
}

SpoolId spool_peek_id(const Spool *spool)
{
    SpoolId id;
    CHECK(spool->start != 0);
    char *end = id.text + text_put_number(spool->start, id.text);
    *end++ = '-';
    end += text_put_number(spool->next, end);
    *end = '\0';
    return id;
}

SpoolId spool_take_id(Spool *spool)
{
    SpoolId id = spool_peek_id(spool);
    CHECK(spool->next < UINT32_MAX);
    spool->next++;
    return id;
}

/* ---- Removing ---- */

static void on_file_removed(void *owner, DiskResult result)
{
    Job *job = owner;
    if (result != DISK_OK && disk_has_file(job->spool->disk, job->path.text))
        g_ptr_array_add(job->spool->doomed, g_strdup(job->path.text));
    job_end(job, result);
}

static void remove_file(Spool *spool, SpoolPath path, DiskDone done)
{
    DiskPlan *plan = disk_plan_new();
    disk_plan_unlink(plan, path.text);
    if (strncmp(path.text, SPOOL_QUEUE_FOLDER "/", strlen(SPOOL_QUEUE_FOLDER "/")) == 0)
        disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER);
    disk_run(spool->disk, plan, (DiskDone){on_file_removed, job_new(spool, path, done)});
}

void spool_remove(Spool *spool, const char *entry_id, DiskDone done)
{
    spool->count--;
    remove_file(spool, queue_path(entry_id), done);
}

/* ---- Adding ---- */

/* There was no room, or the disk has failed: what has been written goes again. */
static void undo_add(const Job *job)
{
    Spool *spool = job->spool;
    spool->count--;
    const SpoolPath paths[] = {job->path, job->queue_path};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        if (disk_has_file(spool->disk, paths[i].text))
            remove_file(spool, paths[i], (DiskDone){0});
    }
}

static void on_added(void *owner, DiskResult result)
{
    Job *job = owner;
    if (job->is_refused)
        result = DISK_FULL;
    if (result != DISK_OK)
        undo_add(job);
    job_end(job, result);
}

/* Nobody waits for it; without the file, which found no room, nothing happens. */
static void sync_later(Spool *spool, const char *path)
{
    DiskPlan *plan = disk_plan_new();
    disk_plan_sync(plan, path);
    disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER);
    disk_run(spool->disk, plan, (DiskDone){0});
}

static DiskPlan *plan_add(const Spool *spool, const Job *job, const Envelope *envelope,
                          StoredMessage *message, SimTime arrived_at)
{
    DiskPlan *plan = disk_plan_new();
    bool syncs_first = spool->order == SPOOL_SYNC_FIRST;
    if (job->is_refused)
        return plan;
    spool_entry_plan_head(plan, job->path.text, envelope, stored_message_size(message), arrived_at);
    spool_entry_plan_message(plan, job->path.text, message);
    if (syncs_first)
        disk_plan_sync(plan, job->path.text);
    disk_plan_rename(plan, job->path.text, job->queue_path.text);
    if (syncs_first)
        disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER);
    return plan;
}

static void run_add(Job *job, DiskPlan *plan)
{
    Spool *spool = job->spool;
    disk_run(spool->disk, plan, (DiskDone){on_added, job});
    if (spool->order == SPOOL_TELL_FIRST)
        sync_later(spool, job->queue_path.text);
}

static void write_start(Spool *spool);

void spool_add(Spool *spool, const char *entry_id, const Envelope *envelope, StoredMessage *message,
               SimTime arrived_at, DiskDone done)
{
    Job *job = job_new(spool, tmp_path(entry_id), done);
    job->queue_path = queue_path(entry_id);
    job->is_refused = spool->count++ >= SPOOL_ENTRIES_MAX;
    DiskPlan *plan = plan_add(spool, job, envelope, message, arrived_at);
    if (spool->start_state == START_DURABLE) {
        run_add(job, plan);
        return;
    }
    job->waiting = plan;
    if (spool->start_state == START_FAILED)
        write_start(spool);
}

/* ---- Noting ---- */

void spool_note(Spool *spool, const char *entry_id, size_t recipient, SpoolOutcome outcome,
                DiskDone done)
{
    SpoolPath path = queue_path(entry_id);
    DiskPlan *plan = disk_plan_new();
    if (outcome.rests_on != NULL)
        disk_plan_sync_folder(plan, outcome.rests_on);
    spool_entry_plan_note(plan, path.text, recipient, &outcome);
    disk_plan_sync(plan, path.text);
    disk_run(spool->disk, plan, done);
}

/* ---- Reading back ---- */

typedef struct IdNumbers {
    uint64_t start, number;
} IdNumbers;

static bool id_parse(const char *text, IdNumbers *numbers)
{
    Span rest = span_of_text(text);
    return rest.length < SPOOL_ID_MAX && number_take(&rest, '-', UINT32_MAX, &numbers->start) &&
           number_parse(rest, UINT32_MAX, &numbers->number);
}

bool spool_id_is_valid(const char *text)
{
    IdNumbers ignored;
    return id_parse(text, &ignored);
}

void spool_id_numbers(const char *id, uint32_t *start, uint32_t *number)
{
    IdNumbers numbers;
    CHECK(id_parse(id, &numbers));
    *start = (uint32_t)numbers.start;
    *number = (uint32_t)numbers.number;
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
        if (!id_parse(*name, &ignored))
            continue;
        SpoolPath path = queue_path(*name);
        g_autoptr(Octets) file = disk_read(disk, path.text);
        SpoolEntry *entry = spool_entry_parse(*name, file);
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

/* A second try finds the new name there when it was the folder's sync that failed. */
static DiskPlan *plan_start(const Spool *spool)
{
    DiskPlan *plan = disk_plan_new();
    uint32_t starts = spool_read_starts(spool->disk);
    g_autofree char *before = g_strdup_printf(SPOOL_FOLDER "/" START_PREFIX "%u", starts);
    g_autofree char *now = g_strdup_printf(SPOOL_FOLDER "/" START_PREFIX "%u", spool->start);
    g_autoptr(Octets) nothing = octets_new(NULL, 0);
    if (starts == 0)
        disk_plan_write(plan, now, nothing);
    else if (starts < spool->start)
        disk_plan_rename(plan, before, now);
    disk_plan_sync_folder(plan, SPOOL_FOLDER);
    return plan;
}

/* What has waited for the start begins, or fails with it. */
static void on_start(void *owner, DiskResult result)
{
    Spool *spool = owner;
    spool->start_state = result == DISK_OK ? START_DURABLE : START_FAILED;
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    for (const GList *link = spool->jobs.head; link != NULL; link = link->next) {
        const Job *job = link->data;
        if (job->waiting != NULL)
            g_ptr_array_add(waiting, link->data);
    }
    for (guint i = 0; i < waiting->len; i++) {
        Job *job = waiting->pdata[i];
        if (result == DISK_OK)
            run_add(job, g_steal_pointer(&job->waiting));
        else
            on_added(job, result);
    }
}

static void write_start(Spool *spool)
{
    spool->start_state = START_UNDER_WAY;
    disk_run(spool->disk, plan_start(spool), (DiskDone){on_start, spool});
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
    SpoolPath path = queue_path(entry->id);
    if (spool_entry_waiting(entry) == 0)
        disk_plan_unlink(plan, path.text);
    else
        disk_plan_sync(plan, path.text);
}

/* Leaves over what can be read, and notes what cannot. */
static void read_each(Spool *spool, GPtrArray *entries)
{
    Cause *cause = simulator_cause(disk_simulator(spool->disk));
    Cause before = *cause;
    for (guint i = 0; i < entries->len;) {
        const SpoolEntry *entry = entries->pdata[i];
        if (spool_read_fails(spool, entry->id)) {
            g_ptr_array_add(spool->unread, g_strdup(entry->id));
            g_ptr_array_remove_index(entries, i);
        } else {
            i++;
        }
        *cause = before;
    }
}

/* Takes up those with a recipient waiting; the others are removed. */
static void take_up(Spool *spool, GPtrArray *entries, DiskPlan *plan)
{
    for (guint i = 0; i < entries->len; i++)
        plan_entry(plan, entries->pdata[i]);
    for (guint i = entries->len; i-- > 0;)
        if (spool_entry_waiting(entries->pdata[i]) == 0)
            g_ptr_array_remove_index(entries, i);
    for (guint i = 0; i < entries->len; i++) {
        SpoolEntry *entry = entries->pdata[i];
        SpoolPath path = queue_path(entry->id);
        spool_entry_share(entry, spool->disk, path.text);
    }
    spool->count += entries->len;
}

GPtrArray *spool_recover(Spool *spool)
{
    CHECK(spool->start == 0);
    GPtrArray *entries = spool_read_all(spool->disk);
    read_each(spool, entries);
    spool->start = spool_read_starts(spool->disk) + 1;
    write_start(spool);
    DiskPlan *plan = disk_plan_new();
    disk_plan_go_on_after_failures(plan);
    plan_tmp_removal(spool, plan);
    take_up(spool, entries, plan);
    disk_plan_sync_folder(plan, SPOOL_QUEUE_FOLDER); /* for names removed before the crash, too */
    disk_run(spool->disk, plan, (DiskDone){0});
    return entries;
}

bool spool_read_fails(Spool *spool, const char *entry_id)
{
    if (G_LIKELY(!disk_may_fail_to_read(spool->disk)))
        return false;
    SpoolPath path = queue_path(entry_id);
    return disk_read_fails(spool->disk, path.text);
}

/* ---- Leftovers ---- */

bool spool_has_leftovers(const Spool *spool)
{
    return spool->doomed->len > 0 || spool->unread->len > 0;
}

static void remove_doomed(Spool *spool)
{
    g_autoptr(GPtrArray) doomed = g_steal_pointer(&spool->doomed);
    spool->doomed = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < doomed->len; i++)
        remove_file(spool, path_of(doomed->pdata[i]), (DiskDone){0});
}

static bool is_unread(const Spool *spool, const char *entry_id)
{
    return g_ptr_array_find_with_equal_func(spool->unread, entry_id, g_str_equal, NULL);
}

GPtrArray *spool_retry(Spool *spool)
{
    remove_doomed(spool);
    GPtrArray *entries = spool->unread->len > 0
                             ? spool_read_all(spool->disk)
                             : g_ptr_array_new_with_free_func((GDestroyNotify)spool_entry_free);
    for (guint i = entries->len; i-- > 0;)
        if (!is_unread(spool, ((const SpoolEntry *)entries->pdata[i])->id))
            g_ptr_array_remove_index(entries, i);
    g_ptr_array_set_size(spool->unread, 0);
    read_each(spool, entries);
    DiskPlan *plan = disk_plan_new();
    disk_plan_go_on_after_failures(plan);
    take_up(spool, entries, plan);
    disk_run(spool->disk, plan, (DiskDone){0});
    return entries;
}
