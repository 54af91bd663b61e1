/* The text of a file's name as a disk keeps it: most are made of digits and few other characters,
 * and then take half the room. */
#pragma once

#include "store/disk.h"

/* Equal for equal names alone. */
typedef struct DiskName {
    uint16_t length; /* octets here, at least one, and less than DISK_PATH_MAX */
    bool is_packed;
    uint8_t octets[DISK_PATH_MAX]; /* only these of them are written */
} DiskName;

void disk_name_set(DiskName *name, const char *text, size_t length);
/* The text of what disk_name_set has made; to free. */
char *disk_name_text(const uint8_t *octets, size_t length, bool is_packed);
