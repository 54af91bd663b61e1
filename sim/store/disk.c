/* The disk in time: plans, one step after the other. See disk.h; the files are in disk_files.c. */
#include "store/disk.h"

#include "core/check.h"
#include "store/disk_files.h"

typedef enum StepKind {
    STEP_WRITE,
    STEP_APPEND,
    STEP_SYNC,
    STEP_SYNC_FOLDER,
    STEP_RENAME,
    STEP_UNLINK,
} StepKind;

typedef struct Step {
    StepKind kind;
    char *path;
    char *to;        /* STEP_RENAME */
    GBytes *content; /* STEP_WRITE, STEP_APPEND */
} Step;

struct DiskPlan {
    GArray *steps; /* Step */
    guint next;    /* the step that is under way or comes next */
    DiskResult result;
    DiskDone done;
    Cause cause; /* what asked for it, then what its last step wrote */
};

struct Disk {
    Trace *trace;
    Simulator *simulator;
    NodeId host;
    DiskOptions options;
    DiskFiles *files;
    GQueue plans; /* DiskPlan; the first is under way */
    Timer timer;  /* end of the step under way, or of its plan */
    uint64_t fill_because;
    uint64_t crashes; /* tells a step that its record, or the watcher, has set off a crash */
    uint64_t steps;   /* so far, those cut off at their end too */
    DiskWatcher watcher;
    Random loss_draws;
};

#define DISK_SYNC_LATENCY_DEFAULT SIM_MILLISECOND

/* ---- Plans ---- */

static void step_clear(void *data)
{
    Step *step = data;
    g_free(step->path);
    g_free(step->to);
    g_clear_pointer(&step->content, g_bytes_unref);
}

DiskPlan *disk_plan_new(void)
{
    DiskPlan *plan = g_new0(DiskPlan, 1);
    plan->steps = g_array_new(FALSE, FALSE, sizeof(Step));
    g_array_set_clear_func(plan->steps, step_clear);
    return plan;
}

void disk_plan_free(DiskPlan *plan)
{
    g_array_unref(plan->steps);
    g_free(plan);
}

static void plan_add(DiskPlan *plan, StepKind kind, const char *path, const char *to,
                     GBytes *content)
{
    Step step = {kind, g_strdup(path), g_strdup(to), content};
    if (content != NULL)
        g_bytes_ref(content);
    g_array_append_val(plan->steps, step);
}

void disk_plan_write(DiskPlan *plan, const char *path, GBytes *content)
{
    plan_add(plan, STEP_WRITE, path, NULL, content);
}

void disk_plan_append(DiskPlan *plan, const char *path, GBytes *content)
{
    plan_add(plan, STEP_APPEND, path, NULL, content);
}

void disk_plan_sync(DiskPlan *plan, const char *path)
{
    plan_add(plan, STEP_SYNC, path, NULL, NULL);
}

void disk_plan_sync_folder(DiskPlan *plan, const char *folder)
{
    plan_add(plan, STEP_SYNC_FOLDER, folder, NULL, NULL);
}

void disk_plan_rename(DiskPlan *plan, const char *path, const char *to)
{
    plan_add(plan, STEP_RENAME, path, to, NULL);
}

void disk_plan_unlink(DiskPlan *plan, const char *path)
{
    plan_add(plan, STEP_UNLINK, path, NULL, NULL);
}

/* ---- Steps ---- */

static const Step *plan_next(const DiskPlan *plan)
{
    return &g_array_index(plan->steps, Step, plan->next);
}

static bool plan_is_over(const DiskPlan *plan)
{
    return plan->result != DISK_OK || plan->next == plan->steps->len;
}

static bool step_is_sync(const Step *step)
{
    return step->kind == STEP_SYNC || step->kind == STEP_SYNC_FOLDER;
}

static DiskResult step_take(const Disk *disk, const Step *step)
{
    switch (step->kind) {
    case STEP_WRITE:
        return disk_files_write(disk->files, step->path, step->content);
    case STEP_APPEND:
        return disk_files_append(disk->files, step->path, step->content);
    case STEP_SYNC:
        return disk_files_sync(disk->files, step->path);
    case STEP_SYNC_FOLDER:
        return disk_files_sync_folder(disk->files, step->path);
    case STEP_RENAME:
        return disk_files_rename(disk->files, step->path, step->to);
    case STEP_UNLINK:
        return disk_files_unlink(disk->files, step->path);
    }
    CHECK(false);
    return DISK_OK;
}

static void step_record(const Disk *disk, const Step *step, DiskResult result)
{
    uint64_t size = step->content != NULL ? g_bytes_get_size(step->content) : 0;
    if (result == DISK_FULL)
        TRACE(disk->trace, disk->host, DISK_FULL, disk->fill_because, .path = step->path,
              .size = size);
    if (result != DISK_OK)
        return;
    switch (step->kind) {
    case STEP_WRITE:
    case STEP_APPEND:
        TRACE(disk->trace, disk->host, DISK_WRITE, 0, .path = step->path, .size = size);
        break;
    case STEP_SYNC:
    case STEP_SYNC_FOLDER:
        TRACE(disk->trace, disk->host, DISK_SYNC, 0, .path = step->path);
        break;
    case STEP_RENAME:
        TRACE(disk->trace, disk->host, DISK_RENAME, 0, .path = step->path, .to = step->to);
        break;
    case STEP_UNLINK:
        TRACE(disk->trace, disk->host, DISK_UNLINK, 0, .path = step->path);
        break;
    }
}

/* ---- Time ---- */

static void on_step_end(void *owner, void *data);
static void on_plan_end(void *owner, void *data);

/* Schedules what comes next for the first plan: the end of a step, or of the plan, which gets an
 * event of its own so that a crash that the last step's record sets off comes before it. */
static void disk_go_on(Disk *disk)
{
    const DiskPlan *plan = g_queue_peek_head(&disk->plans);
    EventAction action = {on_plan_end, disk, NULL, NULL};
    SimTime latency_ns = 0;
    if (!plan_is_over(plan)) {
        action.run = on_step_end;
        latency_ns = step_is_sync(plan_next(plan)) ? disk->options.sync_latency_ns
                                                   : disk->options.write_latency_ns;
    }
    Cause saved = *simulator_cause(disk->simulator);
    *simulator_cause(disk->simulator) = plan->cause;
    disk->timer =
        simulator_schedule(disk->simulator, simtime_add(simulator_now(disk->simulator), latency_ns),
                           disk->host, EVENT_FOREGROUND, action);
    *simulator_cause(disk->simulator) = saved;
}

/* False when the watcher has struck. */
static bool disk_tell(const Disk *disk, uint64_t number, DiskMoment moment)
{
    uint64_t crashes = disk->crashes;
    if (disk->watcher.step != NULL)
        disk->watcher.step(disk->watcher.owner, number, moment);
    return disk->crashes == crashes;
}

/* The plan is out of the queue while its record is written, for that may crash the program. */
static void on_step_end(void *owner, void *data)
{
    (void)data;
    Disk *disk = owner;
    uint64_t number = ++disk->steps;
    if (!disk_tell(disk, number, DISK_BEFORE_STEP))
        return;
    DiskPlan *plan = g_queue_pop_head(&disk->plans);
    uint64_t crashes = disk->crashes;
    plan->result = step_take(disk, plan_next(plan));
    step_record(disk, plan_next(plan), plan->result);
    if (disk->crashes != crashes || !disk_tell(disk, number, DISK_AFTER_STEP)) {
        disk_plan_free(plan);
        return;
    }
    plan->next++;
    plan->cause = *simulator_cause(disk->simulator);
    g_queue_push_head(&disk->plans, plan);
    disk_go_on(disk);
}

static void on_plan_end(void *owner, void *data)
{
    (void)data;
    Disk *disk = owner;
    DiskPlan *plan = g_queue_pop_head(&disk->plans);
    DiskDone done = plan->done;
    DiskResult result = plan->result;
    disk_plan_free(plan);
    if (!g_queue_is_empty(&disk->plans))
        disk_go_on(disk);
    if (done.done != NULL)
        done.done(done.owner, result);
}

/* ---- The disk ---- */

Disk *disk_new(Trace *trace, NodeId host, DiskOptions options)
{
    Disk *disk = g_new0(Disk, 1);
    disk->trace = trace;
    disk->simulator = trace_simulator(trace);
    disk->host = host;
    disk->options = options;
    if (options.sync_latency_ns == 0)
        disk->options.sync_latency_ns = DISK_SYNC_LATENCY_DEFAULT;
    disk->loss_draws = simulator_random(disk->simulator, host, RANDOM_DISK_LOSS);
    disk->files = disk_files_new(options.capacity);
    g_queue_init(&disk->plans);
    return disk;
}

void disk_free(Disk *disk)
{
    disk_crash_program(disk);
    disk_files_free(disk->files);
    g_free(disk);
}

void disk_run(Disk *disk, DiskPlan *plan, DiskDone done)
{
    bool was_idle = disk_is_idle(disk);
    plan->done = done;
    plan->cause = *simulator_cause(disk->simulator);
    g_queue_push_tail(&disk->plans, plan);
    if (was_idle)
        disk_go_on(disk);
}

void disk_watch(Disk *disk, DiskWatcher watcher)
{
    disk->watcher = watcher;
}

uint64_t disk_step_count(const Disk *disk)
{
    return disk->steps;
}

bool disk_is_idle(const Disk *disk)
{
    return disk->plans.length == 0;
}

GBytes *disk_read(const Disk *disk, const char *path)
{
    return disk_files_read(disk->files, path);
}

bool disk_has_file(const Disk *disk, const char *path)
{
    return disk_files_has(disk->files, path);
}

char **disk_list(const Disk *disk, const char *folder)
{
    return disk_files_list(disk->files, folder);
}

char **disk_list_folders(const Disk *disk, const char *folder)
{
    return disk_files_list_folders(disk->files, folder);
}

uint64_t disk_used(const Disk *disk)
{
    return disk_files_used(disk->files);
}

/* ---- What befalls a disk ---- */

void disk_crash_program(Disk *disk)
{
    disk->crashes++;
    simulator_cancel(disk->simulator, &disk->timer);
    DiskPlan *plan;
    while ((plan = g_queue_pop_head(&disk->plans)) != NULL)
        disk_plan_free(plan);
}

/* Half of the losses have each thing drawn by itself; the two extremes share the others. */
static DiskLoss draw_loss(Disk *disk)
{
    static const DiskLoss losses[] = {DISK_LOSS_ALL, DISK_LOSS_DRAWN, DISK_LOSS_NOTHING,
                                      DISK_LOSS_DRAWN};
    if (disk->options.loss != DISK_LOSS_SEEDED)
        return disk->options.loss;
    return losses[random_draw_below(&disk->loss_draws, G_N_ELEMENTS(losses))];
}

void disk_power_off(Disk *disk)
{
    disk_crash_program(disk);
    disk_files_lose_power(disk->files, draw_loss(disk), &disk->loss_draws);
}

void disk_fill(Disk *disk, uint64_t because)
{
    disk->fill_because = because;
    disk_files_set_full(disk->files, true);
}

void disk_free_space(Disk *disk)
{
    disk->fill_because = 0;
    disk_files_set_full(disk->files, false);
}
