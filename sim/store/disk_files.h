/* The two states of a disk's files, the view and the durable one, without time: see disk.h. */
#pragma once

#include "core/random.h"
#include "store/disk.h"
#include "store/disk_chunk.h"

typedef struct DiskFiles DiskFiles;

/* `capacity` 0: no limit. */
DiskFiles *disk_files_new(uint64_t capacity);
void disk_files_free(DiskFiles *files);

/* Both take `content` over, and leave NULL; but not when there is no room. */
DiskResult disk_files_write(DiskFiles *files, const char *path, Chunk **content);
DiskResult disk_files_append(DiskFiles *files, const char *path, Chunk **content);
DiskResult disk_files_sync(DiskFiles *files, const char *path);
DiskResult disk_files_sync_folder(DiskFiles *files, const char *folder);
DiskResult disk_files_rename(DiskFiles *files, const char *path, const char *to);
DiskResult disk_files_unlink(DiskFiles *files, const char *path);

/* Power fails: what is left becomes both view and durable state. Draws only for DISK_LOSS_DRAWN. */
void disk_files_lose_power(DiskFiles *files, DiskLoss loss, Random *draws);
/* While full, no content grows. */
void disk_files_set_full(DiskFiles *files, bool is_full);

/* Reading remembers which file was asked for, since it is mostly asked for again. */
Octets *disk_files_read(DiskFiles *files, const char *path);
Octets *disk_files_read_beginning(DiskFiles *files, const char *path, size_t count);
void disk_files_each_value(DiskFiles *files, const char *path, const DiskValueVisitor *visitor);
uint64_t disk_files_size(DiskFiles *files, const char *path);
bool disk_files_has(DiskFiles *files, const char *path);
char **disk_files_list(const DiskFiles *files, const char *folder);
char **disk_files_list_folders(const DiskFiles *files, const char *folder);
uint64_t disk_files_used(const DiskFiles *files);
