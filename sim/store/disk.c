/* The disk in time: plans, one step after the other. See disk.h; the files are in disk_files.c. */
#include "store/disk.h"

#include "core/check.h"
#include "store/disk_chunk.h"
#include "store/disk_files.h"

#include <stddef.h>
#include <string.h>

typedef enum StepKind {
    STEP_WRITE,
    STEP_APPEND,
    STEP_SYNC,
    STEP_SYNC_FOLDER,
    STEP_RENAME,
    STEP_UNLINK,
} StepKind;

/* With its texts behind it. */
typedef struct Step {
    struct Step *after;
    const char *path;
    const char *to; /* STEP_RENAME */
    Chunk *content; /* STEP_WRITE, STEP_APPEND, until it is taken; NULL: nothing */
    uint64_t size;  /* its octets */
    StepKind kind;
    bool may_be_gone; /* STEP_UNLINK: nothing is to be done without the file */
    bool is_apart;    /* allocated by itself */
} Step;

/* Most plans have few steps: then all of it is one piece of memory. */
enum { PLAN_ROOM = 448 };

struct DiskPlan {
    DiskPlan *after; /* in the disk's queue */
    Step *first;
    Step **end;   /* where the next one is put */
    Step *next;   /* the one that is under way or comes next; NULL: none */
    bool goes_on; /* after a failure */
    DiskResult result;
    uint64_t failure; /* the record of what made `result` one */
    DiskDone done;
    Cause cause;                         /* what asked for it, for as long as it waits */
    size_t used;                         /* of `room` */
    _Alignas(Step) char room[PLAN_ROOM]; /* for the first steps */
};

struct Disk {
    Trace *trace;
    Simulator *simulator;
    NodeId host;
    DiskOptions options;
    DiskFiles *files;
    DiskPlan *first_plan, *last_plan; /* the first is under way; NULL: none */
    Timer timer;                      /* end of the step under way, or of its plan */
    uint64_t fill_because;
    DiskOperations failing; /* none: it works */
    uint64_t failures;      /* so many more; 0: until it is fixed */
    uint64_t fail_because;
    uint64_t last_failure;
    uint64_t errors;  /* ever */
    uint64_t crashes; /* tells a step that its record, or the watcher, has set off a crash */
    uint64_t steps;   /* so far, those cut off at their end too */
    DiskWatcher watcher;
    Random loss_draws;
};

#define DISK_SYNC_LATENCY_DEFAULT SIM_MILLISECOND

/* ---- Plans ---- */

DiskPlan *disk_plan_new(void)
{
    DiskPlan *plan = g_malloc(sizeof *plan); /* whose room need not be zeros */
    memset(plan, 0, offsetof(DiskPlan, room));
    plan->end = &plan->first;
    return plan;
}

void disk_plan_free(DiskPlan *plan)
{
    for (Step *step = plan->first, *after; step != NULL; step = after) {
        after = step->after;
        chunk_unref(step->content);
        if (step->is_apart)
            g_free(step);
    }
    g_free(plan);
}

/* Memory for a step and its texts. */
static Step *plan_allocate(DiskPlan *plan, size_t size)
{
    enum { ALIGNMENT = _Alignof(Step) };
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    bool is_apart = size > PLAN_ROOM - plan->used;
    Step *step = is_apart ? g_malloc(size) : (Step *)(void *)(plan->room + plan->used);
    plan->used += is_apart ? 0 : size;
    step->is_apart = is_apart;
    return step;
}

/* Takes `content` over. */
static Step *plan_add(DiskPlan *plan, StepKind kind, const char *path, const char *to,
                      Chunk *content)
{
    size_t path_size = strlen(path) + 1, to_size = to != NULL ? strlen(to) + 1 : 0;
    Step *step = plan_allocate(plan, sizeof *step + path_size + to_size);
    char *texts = memcpy(step + 1, path, path_size);
    step->after = NULL;
    step->kind = kind;
    step->path = texts;
    step->to = to != NULL ? memcpy(texts + path_size, to, to_size) : NULL;
    step->content = content;
    step->size = content != NULL ? chunk_size(content) : 0;
    step->may_be_gone = false;
    *plan->end = step;
    plan->end = &step->after;
    return step;
}

void disk_plan_write(DiskPlan *plan, const char *path, Octets *content)
{
    plan_add(plan, STEP_WRITE, path, NULL, chunk_new(content));
}

void disk_plan_write_value(DiskPlan *plan, const char *path, DiskValue value)
{
    plan_add(plan, STEP_WRITE, path, NULL, chunk_new_value(&value));
}

void disk_plan_append_octets(DiskPlan *plan, const char *path, Span octets)
{
    plan_add(plan, STEP_APPEND, path, NULL, chunk_new_octets(octets));
}

void disk_plan_append_value(DiskPlan *plan, const char *path, DiskValue value)
{
    plan_add(plan, STEP_APPEND, path, NULL, chunk_new_value(&value));
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

void disk_plan_unlink_if_there(DiskPlan *plan, const char *path)
{
    plan_add(plan, STEP_UNLINK, path, NULL, NULL)->may_be_gone = true;
}

void disk_plan_go_on_after_failures(DiskPlan *plan)
{
    plan->goes_on = true;
}

/* ---- Failing ---- */

const char *disk_operation_text(DiskOperation operation)
{
    static const char *const TEXTS[DISK_OPERATION_COUNT] = {
        [DISK_OPERATION_WRITE] = "write",   [DISK_OPERATION_SYNC] = "sync",
        [DISK_OPERATION_RENAME] = "rename", [DISK_OPERATION_UNLINK] = "unlink",
        [DISK_OPERATION_READ] = "read",
    };
    CHECK(operation < DISK_OPERATION_COUNT);
    return TEXTS[operation];
}

/* Counts the failure that it tells of. */
static bool operation_fails(Disk *disk, DiskOperation operation)
{
    if ((disk->failing & 1U << operation) == 0)
        return false;
    disk->errors++;
    if (disk->failures > 0 && --disk->failures == 0)
        disk->failing = 0;
    return true;
}

static uint64_t record_error(const Disk *disk, DiskOperation operation, const char *path)
{
    return TRACE(disk->trace, disk->host, DISK_ERROR, disk->fail_because, .path = path,
                 .operation = disk_operation_text(operation));
}

bool disk_may_fail_to_read(const Disk *disk)
{
    return (disk->failing & 1U << DISK_OPERATION_READ) != 0;
}

bool disk_read_fails(Disk *disk, const char *path)
{
    if (!operation_fails(disk, DISK_OPERATION_READ))
        return false;
    disk->last_failure = record_error(disk, DISK_OPERATION_READ, path);
    return true;
}

/* ---- Steps ---- */

static bool plan_is_over(const DiskPlan *plan)
{
    return plan->next == NULL || (plan->result != DISK_OK && !plan->goes_on);
}

static bool step_is_sync(const Step *step)
{
    return step->kind == STEP_SYNC || step->kind == STEP_SYNC_FOLDER;
}

static DiskOperation step_operation(const Step *step)
{
    switch (step->kind) {
    case STEP_WRITE:
    case STEP_APPEND:
        return DISK_OPERATION_WRITE;
    case STEP_SYNC:
    case STEP_SYNC_FOLDER:
        return DISK_OPERATION_SYNC;
    case STEP_RENAME:
        return DISK_OPERATION_RENAME;
    case STEP_UNLINK:
        break;
    }
    return DISK_OPERATION_UNLINK;
}

static DiskResult step_take(Disk *disk, Step *step)
{
    if (G_UNLIKELY(disk->failing != 0) && operation_fails(disk, step_operation(step)))
        return DISK_ERROR;
    switch (step->kind) {
    case STEP_WRITE:
        return disk_files_write(disk->files, step->path, &step->content);
    case STEP_APPEND:
        return disk_files_append(disk->files, step->path, &step->content);
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

/* The record of a failure; 0 when there is none. */
static uint64_t record_failure(const Disk *disk, const Step *step, DiskResult result)
{
    if (result == DISK_FULL)
        return TRACE(disk->trace, disk->host, DISK_FULL, disk->fill_because, .path = step->path,
                     .size = step->size);
    if (result == DISK_ERROR)
        return record_error(disk, step_operation(step), step->path);
    return 0;
}

static void step_record(const Disk *disk, const Step *step)
{
    switch (step->kind) {
    case STEP_WRITE:
    case STEP_APPEND:
        TRACE(disk->trace, disk->host, DISK_WRITE, 0, .path = step->path, .size = step->size);
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

/* ---- The queue of plans ---- */

static void push_plan(Disk *disk, DiskPlan *plan)
{
    plan->after = NULL;
    if (disk->last_plan != NULL)
        disk->last_plan->after = plan;
    else
        disk->first_plan = plan;
    disk->last_plan = plan;
}

/* Puts back what has just been taken. */
static void push_plan_first(Disk *disk, DiskPlan *plan)
{
    plan->after = disk->first_plan;
    disk->first_plan = plan;
    if (disk->last_plan == NULL)
        disk->last_plan = plan;
}

/* NULL when there is none. */
static DiskPlan *pop_plan(Disk *disk)
{
    DiskPlan *plan = disk->first_plan;
    if (plan == NULL)
        return NULL;
    disk->first_plan = plan->after;
    if (disk->first_plan == NULL)
        disk->last_plan = NULL;
    return plan;
}

/* ---- Time ---- */

static void on_step_end(void *owner, void *data);
static void on_plan_end(void *owner, void *data);

/* Until what comes next for the first plan: the end of a step, or of the plan, which gets an event
 * of its own so that a crash that the last step's record sets off comes before it. */
static SimTime time_to_next(const Disk *disk)
{
    const DiskPlan *plan = disk->first_plan;
    if (plan_is_over(plan))
        return 0;
    return step_is_sync(plan->next) ? disk->options.sync_latency_ns
                                    : disk->options.write_latency_ns;
}

/* Its cause is the present one. */
static void schedule_next(Disk *disk)
{
    EventAction action = {plan_is_over(disk->first_plan) ? on_plan_end : on_step_end, disk, NULL,
                          NULL};
    disk->timer = simulator_schedule(
        disk->simulator, simtime_add(simulator_now(disk->simulator), time_to_next(disk)),
        disk->host, EVENT_FOREGROUND, action);
}

/* Begins the plan that has waited for another one. */
static void schedule_waiting(Disk *disk)
{
    Cause saved = *simulator_cause(disk->simulator);
    *simulator_cause(disk->simulator) = disk->first_plan->cause;
    schedule_next(disk);
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

/* Ends a step; false when something has struck. The plan is out of the queue while its record is
 * written, for that may crash the program. */
static bool end_step(Disk *disk)
{
    uint64_t number = ++disk->steps;
    if (!disk_tell(disk, number, DISK_BEFORE_STEP))
        return false;
    DiskPlan *plan = pop_plan(disk);
    uint64_t crashes = disk->crashes;
    DiskResult result = step_take(disk, plan->next);
    if (result == DISK_OK)
        step_record(disk, plan->next);
    else if (result == DISK_NO_FILE && plan->next->may_be_gone)
        result = DISK_OK;
    uint64_t failure = record_failure(disk, plan->next, result);
    if (plan->result == DISK_OK) {
        plan->result = result;
        plan->failure = failure;
    }
    if (disk->crashes != crashes || !disk_tell(disk, number, DISK_AFTER_STEP)) {
        disk_plan_free(plan);
        return false;
    }
    plan->next = plan->next->after;
    push_plan_first(disk, plan);
    return true;
}

/* What follows without latency is an event of its own too, and mostly the very next. */
static void on_step_end(void *owner, void *data)
{
    Disk *disk = owner;
    while (end_step(disk)) {
        if (time_to_next(disk) > 0 || !simulator_begin_next(disk->simulator)) {
            schedule_next(disk);
            return;
        }
        if (plan_is_over(disk->first_plan)) {
            on_plan_end(owner, data);
            return;
        }
    }
}

static void on_plan_end(void *owner, void *data)
{
    (void)data;
    Disk *disk = owner;
    DiskPlan *plan = pop_plan(disk);
    DiskDone done = plan->done;
    DiskResult result = plan->result;
    disk->last_failure = plan->failure;
    disk_plan_free(plan);
    if (!disk_is_idle(disk))
        schedule_waiting(disk);
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
    return disk;
}

void disk_free(Disk *disk)
{
    disk_crash_program(disk);
    disk_files_free(disk->files);
    g_free(disk);
}

Simulator *disk_simulator(const Disk *disk)
{
    return disk->simulator;
}

void disk_run(Disk *disk, DiskPlan *plan, DiskDone done)
{
    bool was_idle = disk_is_idle(disk);
    plan->next = plan->first;
    plan->done = done;
    plan->cause = *simulator_cause(disk->simulator);
    push_plan(disk, plan);
    if (was_idle)
        schedule_next(disk);
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
    return disk->first_plan == NULL;
}

Octets *disk_read(const Disk *disk, const char *path)
{
    return disk_files_read(disk->files, path);
}

Octets *disk_read_beginning(const Disk *disk, const char *path, size_t count)
{
    return disk_files_read_beginning(disk->files, path, count);
}

void disk_each_value(const Disk *disk, const char *path, const DiskValueVisitor *visitor)
{
    disk_files_each_value(disk->files, path, visitor);
}

uint64_t disk_file_size(const Disk *disk, const char *path)
{
    return disk_files_size(disk->files, path);
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
    while ((plan = pop_plan(disk)) != NULL)
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

void disk_fail(Disk *disk, DiskOperations operations, uint64_t failures, uint64_t because)
{
    disk->failing = operations & DISK_OPERATIONS_ALL;
    disk->failures = failures;
    disk->fail_because = because;
}

void disk_fix(Disk *disk)
{
    disk_fail(disk, 0, 0, 0);
}

bool disk_fails_for_good(const Disk *disk)
{
    return disk->failing != 0 && disk->failures == 0;
}

uint64_t disk_last_failure(const Disk *disk)
{
    return disk->last_failure;
}

uint64_t disk_error_count(const Disk *disk)
{
    return disk->errors;
}
