/* Files, their names and contents, in the view and in the durable state. See disk_files.h.
 *
 * A file is apart from its names, as an inode is: each name points to a file in the view and, where
 * that is not durable, to another or none in the durable state, and each file has a content in
 * either: a chain of chunks (disk_chunk.h), so that a sync only lets the durable content point
 * where the view points.
 *
 * Each change of a name gets a number. A loss of power keeps the changes up to some number: file
 * systems with a journal write them in order. */
#include "store/disk_files_internal.h"

#include <string.h>

/* ---- Contents ---- */

/* Takes the reference to `content` over; the file is in the view. */
static void file_set_view(DiskFiles *files, File *file, Chunk *content)
{
    files->used = files->used - chunk_size(file->view) + chunk_size(content);
    chunk_unref(file->view);
    file->view = content;
}

static void file_set_durable(File *file, Chunk *content)
{
    chunk_unref(file->durable);
    file->durable = content;
}

/* ---- What names mean ---- */

static void name_link(DiskFiles *files, Name *name, File *file)
{
    if (file == NULL)
        return;
    name->file = disk_file_ref(file);
    disk_folder_of(files, name)->view_count++;
    if (file->view_links++ == 0)
        files->used += chunk_size(file->view);
}

static void name_unlink(DiskFiles *files, Name *name)
{
    File *file = name->file;
    if (file == NULL)
        return;
    name->file = NULL;
    disk_folder_of(files, name)->view_count--;
    if (--file->view_links == 0)
        files->used -= chunk_size(file->view);
    disk_file_unref(file);
}

/* From now on the name's view may be another than what is durable. */
static Change *begin_change(Folder *folder, Name *name)
{
    if (folder->changed_count == folder->changed_capacity) {
        folder->changed_capacity = MAX(4, 2 * folder->changed_capacity);
        folder->changed = g_renew(Change, folder->changed, folder->changed_capacity);
    }
    Change *change = &folder->changed[folder->changed_count++];
    *change = (Change){.name = name, .durable = disk_file_ref(disk_name_file(name))};
    CHECK(folder->changed_count <= CHANGES_MAX);
    name->change_place = folder->changed_count & CHANGES_MAX;
    return change;
}

static void end_change(Folder *folder, Name *name)
{
    Change *change = &folder->changed[name->change_place - 1];
    disk_file_unref(change->durable);
    *change = folder->changed[--folder->changed_count];
    change->name->change_place = name->change_place;
    name->change_place = 0;
}

/* What the changed name means in the view becomes durable, or is. It may free the name. */
static void name_settle(DiskFiles *files, Name *name)
{
    Folder *folder = disk_folder_of(files, name);
    end_change(folder, name);
    disk_name_simplify(name);
    if (name->file == NULL)
        disk_name_free(files, name);
}

/* What the name means in the view from now on; NULL: nothing. It may free the name. */
static void name_set_view(DiskFiles *files, Name *name, File *file)
{
    Folder *folder = disk_folder_of(files, name);
    Change *change = name->change_place > 0 ? &folder->changed[name->change_place - 1]
                                            : begin_change(folder, name);
    change->number = files->changes;
    disk_file_ref(file); /* it may lose its last name on the way */
    name_unlink(files, name);
    name_link(files, name, file);
    disk_file_unref(file);
    if (name->file == change->durable)
        name_settle(files, name);
}

/* ---- Changes ---- */

void disk_files_set_full(DiskFiles *files, bool is_full)
{
    files->is_full = is_full;
}

static bool has_room(const DiskFiles *files, uint64_t freed, uint64_t added)
{
    if (added == 0)
        return true;
    return !files->is_full &&
           (files->capacity == 0 || files->used - freed + added <= files->capacity);
}

/* The file of that name, made when it is not there. */
static File *make_file(DiskFiles *files, const char *path)
{
    Name *name = disk_make_name(files, path);
    if (name->file == NULL) {
        File *file = g_new(File, 1);
        *file = (File){.references = 1};
        files->changes++;
        name_set_view(files, name, file);
        disk_file_unref(file);
    }
    return disk_name_file(name);
}

DiskResult disk_files_write(DiskFiles *files, const char *path, Chunk **content)
{
    bool may_lack_room = files->is_full || files->capacity > 0;
    uint64_t freed = may_lack_room ? disk_files_size(files, path) : 0;
    if (!has_room(files, freed, chunk_size(*content)))
        return DISK_FULL;
    file_set_view(files, make_file(files, path), g_steal_pointer(content));
    return DISK_OK;
}

DiskResult disk_files_append(DiskFiles *files, const char *path, Chunk **content)
{
    if (!has_room(files, 0, chunk_size(*content)))
        return DISK_FULL;
    File *file = make_file(files, path);
    files->used += chunk_size(*content);
    file->view = chunk_append(file->view, g_steal_pointer(content));
    return DISK_OK;
}

DiskResult disk_files_sync(DiskFiles *files, const char *path)
{
    Name *name = disk_find_file(files, path);
    if (name == NULL)
        return DISK_NO_FILE;
    if (name->is_plain)
        return DISK_OK;
    File *file = name->file;
    file_set_durable(file, NULL);
    file->view = chunk_fold(file->view);
    file->durable = chunk_ref(file->view);
    disk_name_simplify(name);
    return DISK_OK;
}

DiskResult disk_files_sync_folder(DiskFiles *files, const char *folder_path)
{
    const Folder *folder = disk_find_folder(files, folder_path, strlen(folder_path));
    while (folder != NULL && folder->changed_count > 0)
        name_settle(files, folder->changed[folder->changed_count - 1].name);
    return DISK_OK;
}

DiskResult disk_files_rename(DiskFiles *files, const char *path, const char *to)
{
    Name *name = disk_find_file(files, path);
    if (name == NULL)
        return DISK_NO_FILE;
    if (strcmp(path, to) == 0)
        return DISK_OK;
    files->changes++;
    name_set_view(files, disk_make_name(files, to), disk_name_file(name));
    name_set_view(files, name, NULL);
    return DISK_OK;
}

DiskResult disk_files_unlink(DiskFiles *files, const char *path)
{
    Name *name = disk_find_file(files, path);
    if (name == NULL)
        return DISK_NO_FILE;
    files->changes++;
    name_set_view(files, name, NULL);
    return DISK_OK;
}

/* ---- Loss of power ---- */

static int compare_changes(const void *a, const void *b)
{
    const uint64_t *first = a, *second = b;
    return *first < *second ? -1 : *first > *second;
}

/* The last change that is kept, drawn from those not durable; 0: none is. */
static uint64_t draw_last_change(const DiskFiles *files, Random *draws)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (GTreeNode *node = g_tree_node_first(files->folders); node != NULL;
         node = g_tree_node_next(node)) {
        const Folder *folder = g_tree_node_value(node);
        for (uint32_t i = 0; i < folder->changed_count; i++)
            g_array_append_val(numbers, folder->changed[i].number);
    }
    g_array_sort(numbers, compare_changes);
    uint64_t kept = random_draw_below(draws, (uint64_t)numbers->len + 1);
    return kept > 0 ? g_array_index(numbers, uint64_t, kept - 1) : 0;
}

static void settle_names(DiskFiles *files, const Folder *folder, uint64_t last_change)
{
    while (folder->changed_count > 0) {
        const Change *change = &folder->changed[folder->changed_count - 1];
        if (change->number <= last_change)
            name_settle(files, change->name);
        else
            name_set_view(files, change->name, change->durable);
    }
}

/* In byte order of the names, since each may need a draw. */
static void settle_contents(DiskFiles *files, const Folder *folder, DiskLoss loss, Random *draws)
{
    g_auto(GStrv) names = disk_files_list(files, folder->path);
    for (char **text = names; *text != NULL; text++) {
        const Name *name = disk_find_in_folder(folder, *text);
        File *file = name->is_plain ? NULL : name->file;
        if (file == NULL || file->view == file->durable)
            continue;
        if (loss == DISK_LOSS_DRAWN)
            file_set_durable(file, chunk_tear(file->durable, file->view, draws));
        else if (loss == DISK_LOSS_NOTHING)
            file_set_durable(file, chunk_ref(file->view));
        file_set_view(files, file, chunk_ref(file->durable));
    }
}

void disk_files_lose_power(DiskFiles *files, DiskLoss loss, Random *draws)
{
    uint64_t last_change = loss == DISK_LOSS_NOTHING ? files->changes : 0;
    if (loss == DISK_LOSS_DRAWN)
        last_change = draw_last_change(files, draws);
    GTreeNode *node = g_tree_node_first(files->folders);
    for (; node != NULL; node = g_tree_node_next(node))
        settle_names(files, g_tree_node_value(node), last_change);
    for (node = g_tree_node_first(files->folders); node != NULL; node = g_tree_node_next(node))
        settle_contents(files, g_tree_node_value(node), loss, draws);
}

/* ---- Reading ---- */

Octets *disk_files_read(DiskFiles *files, const char *path)
{
    const Name *name = disk_find_file(files, path);
    return name != NULL ? chunk_read(disk_name_content(name)) : NULL;
}

Octets *disk_files_read_beginning(DiskFiles *files, const char *path, size_t count)
{
    const Name *name = disk_find_file(files, path);
    return name != NULL ? chunk_read_beginning(disk_name_content(name), count) : NULL;
}

void disk_files_each_value(DiskFiles *files, const char *path, const DiskValueVisitor *visitor)
{
    const Name *name = disk_find_file(files, path);
    if (name != NULL)
        chunk_each_value(disk_name_content(name), visitor);
}

uint64_t disk_files_size(DiskFiles *files, const char *path)
{
    const Name *name = disk_find_file(files, path);
    return name != NULL ? chunk_size(disk_name_content(name)) : 0;
}

bool disk_files_has(DiskFiles *files, const char *path)
{
    return disk_find_file(files, path) != NULL;
}

uint64_t disk_files_used(const DiskFiles *files)
{
    return files->used;
}
