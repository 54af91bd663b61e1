/* The table of the spool's states, and the look at a disk that finds them. See spool_states.h. */
#include "store/spool_states.h"

#include "core/check.h"

#include <string.h>

static const SpoolStateInfo table[SPOOL_STATE_COUNT] = {
    [SPOOL_STATE_START] = {"start", "each recovery renames it, so that no id is given twice", true,
                           SPOOL_RENAMES},
    [SPOOL_STATE_UNNAMED] = {"unnamed",
                             "the crash came before the rename: nobody was told 250, and the "
                             "client sends again",
                             true, SPOOL_REMOVES},
    [SPOOL_STATE_TWO_NAMES] = {"two names",
                               "the rename's new name was synced, the going of the old one was "
                               "not: the old one goes",
                               true, SPOOL_REMOVES},
    [SPOOL_STATE_WAITING] = {"waiting",
                             "accepted, or named and not told: delivered in either case, since "
                             "250 may have been said",
                             true, SPOOL_KEEPS},
    [SPOOL_STATE_TORN] = {"torn",
                          "the crash came before a note's sync: the note is passed over, and its "
                          "recipient is attempted again",
                          true, SPOOL_KEEPS},
    [SPOOL_STATE_DONE] = {"done", "the crash came before the removal: nothing is left to do", true,
                          SPOOL_REMOVES},
    [SPOOL_STATE_SECOND_START] = {"second start", "the rename of a start is one change of names",
                                  false, SPOOL_LEAVES},
    [SPOOL_STATE_DAMAGED] = {"damaged", "an entry is synced before it gets its name", false,
                             SPOOL_LEAVES},
    [SPOOL_STATE_STRANGE] = {"strange", "the spool gives no file such a name", false, SPOOL_LEAVES},
};

const SpoolStateInfo *spool_state_info(SpoolState state)
{
    CHECK(state < SPOOL_STATE_COUNT);
    return &table[state];
}

static void file_clear(void *file)
{
    g_free(((SpoolFile *)file)->path);
}

static void add(GArray *files, const char *folder, const char *name, SpoolState state)
{
    SpoolFile file = {g_strconcat(folder, "/", name, NULL), state};
    g_array_append_val(files, file);
}

static void survey_starts(const Disk *disk, GArray *files)
{
    uint32_t latest = spool_read_starts(disk);
    g_auto(GStrv) names = disk_list(disk, SPOOL_FOLDER);
    for (char **name = names; *name != NULL; name++) {
        uint32_t number = 0;
        SpoolState state = SPOOL_STATE_STRANGE;
        if (spool_start_parse(*name, &number))
            state = number == latest ? SPOOL_STATE_START : SPOOL_STATE_SECOND_START;
        add(files, SPOOL_FOLDER, *name, state);
    }
}

static void survey_tmp(const Disk *disk, GArray *files)
{
    g_auto(GStrv) names = disk_list(disk, SPOOL_TMP_FOLDER);
    for (char **name = names; *name != NULL; name++) {
        g_autofree char *named = g_strconcat(SPOOL_QUEUE_FOLDER "/", *name, NULL);
        SpoolState state = SPOOL_STATE_STRANGE;
        if (spool_id_is_valid(*name))
            state = disk_has_file(disk, named) ? SPOOL_STATE_TWO_NAMES : SPOOL_STATE_UNNAMED;
        add(files, SPOOL_TMP_FOLDER, *name, state);
    }
}

static SpoolState state_of_entry(const Disk *disk, const char *id)
{
    g_autofree char *path = g_strconcat(SPOOL_QUEUE_FOLDER "/", id, NULL);
    g_autoptr(Octets) file = disk_read(disk, path);
    g_autoptr(SpoolEntry) entry = spool_entry_parse(id, file);
    if (entry == NULL)
        return SPOOL_STATE_DAMAGED;
    if (spool_entry_waiting(entry) == 0)
        return SPOOL_STATE_DONE;
    return entry->has_torn_note ? SPOOL_STATE_TORN : SPOOL_STATE_WAITING;
}

static void survey_queue(const Disk *disk, GArray *files)
{
    g_auto(GStrv) names = disk_list(disk, SPOOL_QUEUE_FOLDER);
    for (char **name = names; *name != NULL; name++)
        add(files, SPOOL_QUEUE_FOLDER, *name,
            spool_id_is_valid(*name) ? state_of_entry(disk, *name) : SPOOL_STATE_STRANGE);
}

GArray *spool_survey(const Disk *disk)
{
    GArray *files = g_array_new(FALSE, FALSE, sizeof(SpoolFile));
    g_array_set_clear_func(files, file_clear);
    survey_starts(disk, files);
    survey_tmp(disk, files);
    survey_queue(disk, files);
    return files;
}

bool spool_has_damage(const Disk *disk)
{
    g_autoptr(GArray) files = spool_survey(disk);
    for (guint i = 0; i < files->len; i++) {
        if (!table[g_array_index(files, SpoolFile, i).state].is_legal)
            return true;
    }
    return false;
}
