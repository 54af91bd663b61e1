/* Files, their names and contents, in the view and in the durable state. See disk_files.h.
 *
 * A file is apart from its names, as an inode is: each name points to a file in the view and to
 * one, perhaps another, in the durable state, and each file has a content in either: a chain of
 * chunks (disk_chunk.h), so that a sync only lets the durable content point where the view points.
 *
 * Each change of a name gets a number. A loss of power keeps the changes up to some number: file
 * systems with a journal write them in order. */
#include "store/disk_files.h"

#include "core/check.h"
#include "store/disk_chunk.h"

#include <string.h>

typedef struct File {
    unsigned references; /* by names, in either state */
    unsigned view_links; /* by names in the view */
    Chunk *view, *durable;
} File;

typedef struct Folder {
    char *path;
    GHashTable *names; /* text -> Name */
    GQueue changed;    /* Name whose view is not durable */
    size_t view_count; /* names in the view */
} Folder;

typedef struct Name {
    Folder *folder;
    File *view, *durable; /* NULL: not there in that state */
    bool is_changed;
    uint64_t change; /* the number of its last change */
    GList link;      /* in folder->changed */
    char text[];
} Name;

struct DiskFiles {
    GTree *folders; /* path -> Folder */
    uint64_t capacity;
    uint64_t used;    /* octets of the contents in the view */
    uint64_t changes; /* of names, so far; a rename is one */
    bool is_full;
};

/* ---- Files ---- */

static File *file_ref(File *file)
{
    if (file != NULL)
        file->references++;
    return file;
}

static void file_unref(File *file)
{
    if (file == NULL || --file->references > 0)
        return;
    chunk_unref(file->view);
    chunk_unref(file->durable);
    g_free(file);
}

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

/* ---- Names and folders ---- */

static int compare_texts(const void *a, const void *b, void *unused)
{
    (void)unused;
    return strcmp(a, b);
}

static void name_free(void *data)
{
    Name *name = data;
    file_unref(name->view);
    file_unref(name->durable);
    g_free(name);
}

static void folder_free(void *data)
{
    Folder *folder = data;
    g_hash_table_destroy(folder->names);
    g_free(folder->path);
    g_free(folder);
}

static Folder *folder_make(DiskFiles *files, const char *path)
{
    Folder *folder = g_tree_lookup(files->folders, path);
    if (folder != NULL)
        return folder;
    folder = g_new0(Folder, 1);
    folder->path = g_strdup(path);
    folder->names = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, name_free);
    g_queue_init(&folder->changed);
    g_tree_insert(files->folders, folder->path, folder);
    return folder;
}

/* Copies the folder's part of a path; returns its name, which is a part of it. */
static const char *split_path(const char *path, char folder[static DISK_PATH_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    CHECK(length + strlen(name) < DISK_PATH_MAX && path[0] != '/' && name[0] != '\0');
    memcpy(folder, path, length);
    folder[length] = '\0';
    return name;
}

/* The name that a path means, or NULL when neither state has it. */
static Name *find_name(const DiskFiles *files, const char *path)
{
    char folder_path[DISK_PATH_MAX + 1];
    const char *text = split_path(path, folder_path);
    const Folder *folder = g_tree_lookup(files->folders, folder_path);
    return folder != NULL ? g_hash_table_lookup(folder->names, text) : NULL;
}

static Name *make_name(DiskFiles *files, const char *path)
{
    char folder_path[DISK_PATH_MAX + 1];
    const char *text = split_path(path, folder_path);
    Folder *folder = folder_make(files, folder_path);
    Name *name = g_hash_table_lookup(folder->names, text);
    if (name != NULL)
        return name;
    size_t size = strlen(text) + 1;
    name = g_malloc(sizeof *name + size);
    *name = (Name){.folder = folder};
    memcpy(name->text, text, size);
    name->link.data = name;
    g_hash_table_insert(folder->names, name->text, name);
    return name;
}

static File *find_file(const DiskFiles *files, const char *path)
{
    const Name *name = find_name(files, path);
    return name != NULL ? name->view : NULL;
}

static void name_link(DiskFiles *files, Name *name, File *file)
{
    if (file == NULL)
        return;
    name->view = file_ref(file);
    name->folder->view_count++;
    if (file->view_links++ == 0)
        files->used += chunk_size(file->view);
}

static void name_unlink(DiskFiles *files, Name *name)
{
    File *file = name->view;
    if (file == NULL)
        return;
    name->view = NULL;
    name->folder->view_count--;
    if (--file->view_links == 0)
        files->used -= chunk_size(file->view);
    file_unref(file);
}

static void name_set_changed(const DiskFiles *files, Name *name)
{
    name->change = files->changes;
    if (!name->is_changed)
        g_queue_push_tail_link(&name->folder->changed, &name->link);
    name->is_changed = true;
}

/* Both states agree on the name; it is freed when neither has it. */
static void name_settle(Name *name)
{
    if (name->is_changed)
        g_queue_unlink(&name->folder->changed, &name->link);
    name->is_changed = false;
    if (name->view == NULL)
        g_hash_table_remove(name->folder->names, name->text);
}

/* What the name means in the view becomes durable. It may free the name. */
static void name_keep(Name *name)
{
    file_unref(name->durable);
    name->durable = file_ref(name->view);
    name_settle(name);
}

/* What the name means in the view from now on; NULL: nothing. It may free the name. */
static void name_set_view(DiskFiles *files, Name *name, File *file)
{
    file_ref(file); /* it may lose its last name on the way */
    name_unlink(files, name);
    name_link(files, name, file);
    file_unref(file);
    if (name->view == name->durable)
        name_settle(name);
    else
        name_set_changed(files, name);
}

/* ---- The disk as a whole ---- */

DiskFiles *disk_files_new(uint64_t capacity)
{
    DiskFiles *files = g_new0(DiskFiles, 1);
    files->folders = g_tree_new_full(compare_texts, NULL, NULL, folder_free);
    files->capacity = capacity;
    return files;
}

void disk_files_free(DiskFiles *files)
{
    g_tree_destroy(files->folders);
    g_free(files);
}

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
    Name *name = make_name(files, path);
    if (name->view == NULL) {
        File *file = file_ref(g_new0(File, 1));
        files->changes++;
        name_set_view(files, name, file);
        file_unref(file);
    }
    return name->view;
}

DiskResult disk_files_write(DiskFiles *files, const char *path, GBytes *content)
{
    bool may_lack_room = files->is_full || files->capacity > 0;
    const File *old = may_lack_room ? find_file(files, path) : NULL;
    if (!has_room(files, old != NULL ? chunk_size(old->view) : 0, g_bytes_get_size(content)))
        return DISK_FULL;
    file_set_view(files, make_file(files, path), chunk_append(NULL, content));
    return DISK_OK;
}

DiskResult disk_files_append(DiskFiles *files, const char *path, GBytes *content)
{
    if (!has_room(files, 0, g_bytes_get_size(content)))
        return DISK_FULL;
    File *file = make_file(files, path);
    file_set_view(files, file, chunk_append(chunk_ref(file->view), content));
    return DISK_OK;
}

DiskResult disk_files_sync(DiskFiles *files, const char *path)
{
    File *file = find_file(files, path);
    if (file == NULL)
        return DISK_NO_FILE;
    file_set_durable(file, chunk_ref(file->view));
    return DISK_OK;
}

DiskResult disk_files_sync_folder(DiskFiles *files, const char *folder_path)
{
    Folder *folder = g_tree_lookup(files->folders, folder_path);
    if (folder == NULL)
        return DISK_OK;
    while (!g_queue_is_empty(&folder->changed))
        name_keep(g_queue_peek_head(&folder->changed));
    return DISK_OK;
}

DiskResult disk_files_rename(DiskFiles *files, const char *path, const char *to)
{
    Name *name = find_name(files, path);
    if (name == NULL || name->view == NULL)
        return DISK_NO_FILE;
    if (strcmp(path, to) == 0)
        return DISK_OK;
    files->changes++;
    name_set_view(files, make_name(files, to), name->view);
    name_set_view(files, name, NULL);
    return DISK_OK;
}

DiskResult disk_files_unlink(DiskFiles *files, const char *path)
{
    Name *name = find_name(files, path);
    if (name == NULL || name->view == NULL)
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
        for (const GList *link = folder->changed.head; link != NULL; link = link->next)
            g_array_append_val(numbers, ((const Name *)link->data)->change);
    }
    g_array_sort(numbers, compare_changes);
    uint64_t kept = random_draw_below(draws, (uint64_t)numbers->len + 1);
    return kept > 0 ? g_array_index(numbers, uint64_t, kept - 1) : 0;
}

static void settle_names(DiskFiles *files, Folder *folder, uint64_t last_change)
{
    Name *name;
    while ((name = g_queue_peek_head(&folder->changed)) != NULL) {
        if (name->change <= last_change)
            name_keep(name);
        else
            name_set_view(files, name, name->durable);
    }
}

/* In byte order of the names, since each may need a draw. */
static void settle_contents(DiskFiles *files, const Folder *folder, DiskLoss loss, Random *draws)
{
    g_auto(GStrv) names = disk_files_list(files, folder->path);
    for (char **text = names; *text != NULL; text++) {
        const Name *name = g_hash_table_lookup(folder->names, *text);
        File *file = name->view;
        if (file->view == file->durable)
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

GBytes *disk_files_read(const DiskFiles *files, const char *path)
{
    const File *file = find_file(files, path);
    return file != NULL ? chunk_read(file->view) : NULL;
}

uint64_t disk_files_size(const DiskFiles *files, const char *path)
{
    const File *file = find_file(files, path);
    return file != NULL ? chunk_size(file->view) : 0;
}

bool disk_files_has(const DiskFiles *files, const char *path)
{
    return find_file(files, path) != NULL;
}

uint64_t disk_files_used(const DiskFiles *files)
{
    return files->used;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **disk_files_list(const DiskFiles *files, const char *folder_path)
{
    GPtrArray *list = g_ptr_array_new();
    Folder *folder = g_tree_lookup(files->folders, folder_path);
    GHashTableIter iter;
    void *value;
    if (folder != NULL) {
        g_hash_table_iter_init(&iter, folder->names);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            const Name *name = value;
            if (name->view != NULL)
                g_ptr_array_add(list, g_strdup(name->text));
        }
    }
    g_ptr_array_sort(list, compare_names);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

/* A folder's path is found where its prefix begins; the same name can come up again behind others,
 * as in "mail/a", "mail/a-b/1", "mail/a/1", so a sorted set takes each once. */
char **disk_files_list_folders(const DiskFiles *files, const char *folder_path)
{
    g_autofree char *prefix =
        folder_path[0] != '\0' ? g_strconcat(folder_path, "/", NULL) : g_strdup("");
    g_autoptr(GTree) set = g_tree_new_full(compare_texts, NULL, g_free, NULL);
    GTreeNode *node = g_tree_lower_bound(files->folders, prefix);
    for (; node != NULL; node = g_tree_node_next(node)) {
        const Folder *folder = g_tree_node_value(node);
        if (!g_str_has_prefix(folder->path, prefix))
            break;
        const char *name = folder->path + strlen(prefix);
        if (folder->view_count > 0 && name[0] != '\0')
            g_tree_insert(set, g_strndup(name, strcspn(name, "/")), NULL);
    }
    GPtrArray *list = g_ptr_array_new();
    for (node = g_tree_node_first(set); node != NULL; node = g_tree_node_next(node))
        g_ptr_array_add(list, g_strdup(g_tree_node_key(node)));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}
