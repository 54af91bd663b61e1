/* The keys of a server's `disk`. */
#include "scenario/format.h"

#include <stddef.h>

#define DISK_SIZE_MAXIMUM (INT64_C(1) << 50)

static const char *const power_loss_choices[] = {[POWER_LOSS_CHOICE_SEEDED] = "seeded",
                                                 [POWER_LOSS_CHOICE_ALL] = "all",
                                                 [POWER_LOSS_CHOICE_NOTHING] = "nothing",
                                                 NULL};

static const KeySpec disk_keys[] = {
    {.key = "write",
     .offset = offsetof(ScenarioDisk, write_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SIM_DAY},
     .default_text = "0 s",
     .meaning = "how long it takes to write, rename or remove a file; not for good yet"},
    {.key = "sync",
     .offset = offsetof(ScenarioDisk, sync_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = SIM_DAY},
     .default_text = "1 ms",
     .meaning = "how long it takes to make a file, or the names in a folder, durable"},
    {.key = "size",
     .offset = offsetof(ScenarioDisk, size),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = 1, .maximum = DISK_SIZE_MAXIMUM},
     .when_absent = "no limit",
     .meaning = "room for messages, in the queue and in mailboxes; when it is used up, mail is put "
                "off with 452"},
    {.key = "power_loss",
     .offset = offsetof(ScenarioDisk, power_loss),
     .value = {.type = VALUE_CHOICE, .choices = power_loss_choices},
     .default_text = "seeded",
     .meaning = "what `power_off` takes of what is not durable: `all`, `nothing`, or any part that "
                "a real disk could lose, torn files too, by the seed"},
};

const MappingSpec format_disk = {
    .what = "`disk`",
    .size = sizeof(ScenarioDisk),
    .keys = disk_keys,
    .key_count = G_N_ELEMENTS(disk_keys),
};
