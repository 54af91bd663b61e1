/* A simulated disk: files that take time to write and that a loss of power forgets.
 *
 * Two states are kept. The *view* is what running programs see, as through an operating system's
 * page cache. The *durable* state is what a loss of power leaves for certain:
 *
 *  - the content of a file is durable once the file has been synced (POSIX fsync);
 *  - its names (creation, rename, unlink) are durable once the folder that holds the name has been
 *    synced. The two are apart, and a rename into another folder is two changes, one a folder, so
 *    that a file can come back under both names.
 *
 * What is not durable may survive nevertheless, since a real system writes its cache back when it
 * likes. What does is drawn from the seed:
 *
 *  - of the changes of names, those up to some moment: file systems with a journal write them in
 *    order, a rename as one;
 *  - of each file not synced: what it was, what it is, or a torn write: it ends anywhere in what
 * was added, and blocks of 512 octets before that may be missing, all zeros. Never the octets of
 *    another file, and a file written anew is either the old one or some of the new.
 *
 * Reading and listing take no time. What changes the disk is a DiskPlan: steps taken in order, each
 * after its latency and then all at once. One disk serves one step at a time and one plan after the
 * other, so latencies add up. When a step fails, the rest of its plan is not taken.
 *
 * A disk can be made to fail (EIO): operations of some kinds, for so many times or until it is
 * fixed. What fails is not done at all.
 *
 * A path is names joined by "/"; a folder is there while a file is in it or below it, which costs
 * nothing and is always durable. Left out on purpose: permissions, links, writes that fail half-way
 * and the kernels that call a page clean after its sync has failed. */
#pragma once

#include "core/bytes.h"
#include "core/simtime.h"
#include "trace/trace.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { DISK_PATH_MAX = 1024 };

typedef struct Disk Disk;

/* What a loss of power takes of all that is not durable. */
typedef enum DiskLoss {
    DISK_LOSS_SEEDED,  /* one of those below, by the seed: each of them is legal */
    DISK_LOSS_ALL,     /* everything */
    DISK_LOSS_NOTHING, /* nothing: the system had just written all back */
    DISK_LOSS_DRAWN,   /* each thing by itself */
} DiskLoss;

/* A zero number means the default. */
typedef struct DiskOptions {
    SimTime write_latency_ns; /* of a write, append, rename or unlink; default 0 */
    SimTime sync_latency_ns;  /* default 1 ms */
    uint64_t capacity;        /* octets that all files' contents may have; default: no limit */
    DiskLoss loss;
} DiskOptions;

typedef enum DiskResult {
    DISK_OK,
    DISK_FULL,    /* no room: nothing of that step was written */
    DISK_NO_FILE, /* there is no file of that name */
    DISK_ERROR,   /* the disk has failed: that step was not taken */
} DiskResult;

/* What can be made to fail. Listing and looking whether a file is there never do. */
typedef enum DiskOperation {
    DISK_OPERATION_WRITE, /* write and append */
    DISK_OPERATION_SYNC,  /* of a file or a folder */
    DISK_OPERATION_RENAME,
    DISK_OPERATION_UNLINK,
    DISK_OPERATION_READ,
    DISK_OPERATION_COUNT,
} DiskOperation;
/* A set of them, as bits. */
typedef uint8_t DiskOperations;
enum { DISK_OPERATIONS_ALL = (1 << DISK_OPERATION_COUNT) - 1 };
/* "write", … */
const char *disk_operation_text(DiskOperation operation);

/* Who is told that a plan has ended; called from an event of the disk's host, later than the call
 * that gave it, and later than whatever the last step's trace record sets off. `done` may be NULL.
 */
typedef struct DiskDone {
    void (*done)(void *owner, DiskResult result);
    void *owner;
} DiskDone;

/* Who counts the steps of a disk, and may strike at one of them. Steps are numbered from 1 over the
 * disk's life. Told of each twice: when it has taken its time and is about to take effect, and when
 * it has, with its record written but nobody told. At both points disk_crash_program and
 * disk_power_off may be called; before a sync it is the loss of power that tears it. */
typedef enum DiskMoment { DISK_BEFORE_STEP, DISK_AFTER_STEP } DiskMoment;
typedef struct DiskWatcher {
    void (*step)(void *owner, uint64_t number, DiskMoment moment);
    void *owner;
} DiskWatcher;

/* The trace and its simulator outlive the disk. */
Disk *disk_new(Trace *trace, NodeId host, DiskOptions options);
void disk_free(Disk *disk);
Simulator *disk_simulator(const Disk *disk);

/* ---- Changing the disk ---- */

typedef struct DiskPlan DiskPlan;

DiskPlan *disk_plan_new(void);
/* Only for a plan that is not run. */
void disk_plan_free(DiskPlan *plan);
/* Makes the file's content `content`, creating it when it is not there. Shares `content`. */
void disk_plan_write(DiskPlan *plan, const char *path, Octets *content);
/* Adds few octets, which are copied, to the end of the file, creating it when it is not there. */
void disk_plan_append_octets(DiskPlan *plan, const char *path, Span octets);
/* A content that is kept as what it says, which takes less room than its octets, and is put into
 * these when somebody reads it. It never changes, but may be moved: nothing in it is aligned. */
typedef struct DiskValueType {
    size_t (*write)(const uint8_t *value, uint8_t *octets); /* always the same; how many */
    void (*clear)(const uint8_t *value);                    /* frees what it owns */
    /* The first `count` of these octets, of more; NULL: nobody reads only the beginning of such. */
    void (*begin)(const uint8_t *value, uint8_t *octets, size_t count);
} DiskValueType;
enum { DISK_VALUE_MAX = 63 };
typedef struct DiskValue {
    const DiskValueType *type;
    Span value; /* at most DISK_VALUE_MAX octets, which are copied; what it owns is taken over */
    uint64_t octets; /* which the type makes of it, at least one */
} DiskValue;
void disk_plan_write_value(DiskPlan *plan, const char *path, DiskValue value);
void disk_plan_append_value(DiskPlan *plan, const char *path, DiskValue value);
/* Makes the file's content durable. */
void disk_plan_sync(DiskPlan *plan, const char *path);
/* Makes the names in the folder durable. */
void disk_plan_sync_folder(DiskPlan *plan, const char *folder);
/* Gives a file another name, in place of the file that had it. */
void disk_plan_rename(DiskPlan *plan, const char *path, const char *to);
void disk_plan_unlink(DiskPlan *plan, const char *path);
/* For a file that a plan before this one may take away. */
void disk_plan_unlink_if_there(DiskPlan *plan, const char *path);
/* When a step of it fails, the others are taken nevertheless; the result is that of the first
 * failure. For what cleans up. */
void disk_plan_go_on_after_failures(DiskPlan *plan);

/* Takes the plan over and puts it behind those not finished; from an event of the disk's host, or
 * before the run. A plan without steps just ends. Each
 * step writes its record (disk.write, disk.sync, disk.rename, disk.unlink; disk.full, disk.error)
 * when it takes effect, caused by what asked for it; `done` runs in an event of its own after the
 * last. */
void disk_run(Disk *disk, DiskPlan *plan, DiskDone done);
/* The one watcher; a zero one for none. */
void disk_watch(Disk *disk, DiskWatcher watcher);
/* How many steps have come to their end: have been taken, have failed, or were struck there. */
uint64_t disk_step_count(const Disk *disk);
/* Whether nothing is left to do. */
bool disk_is_idle(const Disk *disk);

/* ---- Reading ---- */

/* The content, to unref; NULL when there is no such file. It is what is there: whether a program
 * could read it now is asked first, by disk_read_fails. */
Octets *disk_read(const Disk *disk, const char *path);
/* The same, but where it costs less, only the first `count` octets of more. */
Octets *disk_read_beginning(const Disk *disk, const char *path, size_t count);
/* The values of a type that are kept in the file, in no order: for whoever has read the file, and
 * would share what it says with the disk. */
typedef struct DiskValueVisitor {
    const DiskValueType *type;
    void (*visit)(void *owner, const uint8_t *value);
    void *owner;
} DiskValueVisitor;
void disk_each_value(const Disk *disk, const char *path, const DiskValueVisitor *visitor);
/* Octets of the file; 0 when there is none. */
uint64_t disk_file_size(const Disk *disk, const char *path);
/* Whether the disk has been made to fail in reading: quick. */
bool disk_may_fail_to_read(const Disk *disk);
/* Whether it fails when a program reads this file now, which disk.error records. */
bool disk_read_fails(Disk *disk, const char *path);
bool disk_has_file(const Disk *disk, const char *path);
/* The names of the files, or of the folders, directly in a folder, in byte order; NULL-terminated,
 * to free with g_strfreev. Names come without their folder's path. */
char **disk_list(const Disk *disk, const char *folder);
char **disk_list_folders(const Disk *disk, const char *folder);
/* Octets of all files' contents. */
uint64_t disk_used(const Disk *disk);

/* ---- What befalls a disk; each works at once, at any time ---- */

/* The program dies, its operating system lives: the plans not finished end where they are, nobody
 * is told, the view stays. */
void disk_crash_program(Disk *disk);
/* Power fails: as above, and what is left becomes the view and the durable state. */
void disk_power_off(Disk *disk);
/* Something else fills the disk up: every write of a non-empty content fails until
 * disk_free_space. `because` is the record that tells of it, 0 for none. */
void disk_fill(Disk *disk, uint64_t because);
void disk_free_space(Disk *disk);
/* The next `failures` operations of these kinds fail; 0: all of them until disk_fix. In place of
 * what was asked for before. `because` is as above. */
void disk_fail(Disk *disk, DiskOperations operations, uint64_t failures, uint64_t because);
void disk_fix(Disk *disk);
/* Whether nothing but disk_fix will make it work again. */
bool disk_fails_for_good(const Disk *disk);
/* For whoever is told of a plan's end, or that disk_read_fails, until the disk is next asked or
 * tells another: the seq of disk.full or disk.error behind it; 0: nothing of the disk's is. */
uint64_t disk_last_failure(const Disk *disk);
/* How many operations have failed so, ever. */
uint64_t disk_error_count(const Disk *disk);
