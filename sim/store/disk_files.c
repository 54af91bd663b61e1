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
#include "core/table.h"

#include <string.h>

typedef struct File {
    uint32_t references; /* by names, in either state */
    uint32_t view_links; /* by names in the view */
    Chunk *view, *durable;
} File;

typedef struct Name Name;

/* A name whose view is not durable. */
typedef struct Change {
    Name *name;
    uint64_t number; /* of the name's last change */
} Change;

typedef struct Folder {
    Table names;       /* Name */
    GArray *changed;   /* Change, in no order */
    size_t view_count; /* names in the view */
    size_t path_length;
    char path[];
} Folder;

/* There are many, so what is known by itself elsewhere is not in it. */
struct Name {
    Folder *folder;
    File *view, *durable;  /* NULL: not there in that state */
    uint32_t change_place; /* in folder->changed, counted from 1; 0: both states agree */
    char text[];
};

struct DiskFiles {
    GTree *folders;        /* path -> Folder, which owns them */
    Table folders_by_path; /* the same */
    Name *last;            /* found; NULL: none. The steps of a plan ask for one several times */
    Folder *last_folder;   /* likewise */
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

static void name_free(Name *name)
{
    file_unref(name->view);
    file_unref(name->durable);
    g_free(name);
}

static uint32_t hash_of_name(const void *name)
{
    const char *text = ((const Name *)name)->text;
    return table_hash(text, strlen(text));
}

static uint32_t hash_of_folder(const void *data)
{
    const Folder *folder = data;
    return table_hash(folder->path, folder->path_length);
}

static void folder_free(void *data)
{
    Folder *folder = data;
    size_t at = 0;
    for (Name *name; (name = table_each(&folder->names, &at)) != NULL;)
        name_free(name);
    table_clear(&folder->names);
    g_array_unref(folder->changed);
    g_free(folder);
}

static bool folder_has_path(const Folder *folder, const char *path, size_t length)
{
    return folder->path_length == length && memcmp(folder->path, path, length) == 0;
}

static Folder *find_folder(const DiskFiles *files, const char *path, size_t length)
{
    if (files->last_folder != NULL && folder_has_path(files->last_folder, path, length))
        return files->last_folder;
    TableProbe probe = table_probe(&files->folders_by_path, table_hash(path, length));
    Folder *folder;
    while ((folder = table_next(&files->folders_by_path, &probe)) != NULL &&
           !folder_has_path(folder, path, length))
        continue;
    return folder;
}

static Folder *make_folder(DiskFiles *files, const char *path, size_t length)
{
    Folder *folder = g_malloc0(sizeof *folder + length + 1);
    folder->names.hash_of = hash_of_name;
    folder->changed = g_array_new(FALSE, FALSE, sizeof(Change));
    folder->path_length = length;
    memcpy(folder->path, path, length);
    g_tree_insert(files->folders, folder->path, folder);
    table_add(&files->folders_by_path, table_hash(path, length), folder);
    return folder;
}

/* A path, cut in two; both parts lie in it. */
typedef struct PathParts {
    size_t folder_length;
    const char *name;
    size_t name_length;
    uint32_t name_hash;
} PathParts;

static PathParts split_path(const char *path)
{
    size_t length = strlen(path);
    const char *slash = memrchr(path, '/', length);
    const char *name = slash != NULL ? slash + 1 : path;
    CHECK(length < DISK_PATH_MAX && path[0] != '/' && name[0] != '\0');
    size_t name_length = length - (size_t)(name - path);
    return (PathParts){slash != NULL ? (size_t)(slash - path) : 0, name, name_length,
                       table_hash(name, name_length)};
}

static Name *find_in_folder(const Folder *folder, const PathParts *parts)
{
    TableProbe probe = table_probe(&folder->names, parts->name_hash);
    Name *name;
    while ((name = table_next(&folder->names, &probe)) != NULL &&
           strcmp(name->text, parts->name) != 0)
        continue;
    return name;
}

/* Whether the path means the name that was found last. */
static bool is_last(const DiskFiles *files, const char *path)
{
    if (files->last == NULL)
        return false;
    const Folder *folder = files->last->folder;
    return strncmp(path, folder->path, folder->path_length) == 0 &&
           path[folder->path_length] == '/' &&
           strcmp(path + folder->path_length + 1, files->last->text) == 0;
}

static void remember(DiskFiles *files, Name *name)
{
    files->last = name;
    files->last_folder = name->folder;
}

/* The name that a path means, or NULL when neither state has it. */
static Name *find_name(DiskFiles *files, const char *path)
{
    if (is_last(files, path))
        return files->last;
    PathParts parts = split_path(path);
    const Folder *folder = find_folder(files, path, parts.folder_length);
    Name *name = folder != NULL ? find_in_folder(folder, &parts) : NULL;
    if (name != NULL)
        remember(files, name);
    return name;
}

static Name *make_name(DiskFiles *files, const char *path)
{
    if (is_last(files, path))
        return files->last;
    PathParts parts = split_path(path);
    Folder *folder = find_folder(files, path, parts.folder_length);
    if (folder == NULL)
        folder = make_folder(files, path, parts.folder_length);
    Name *name = find_in_folder(folder, &parts);
    if (name == NULL) {
        name = g_malloc(sizeof *name + parts.name_length + 1);
        *name = (Name){.folder = folder};
        memcpy(name->text, parts.name, parts.name_length + 1);
        table_add(&folder->names, parts.name_hash, name);
    }
    remember(files, name);
    return name;
}

static File *find_file(DiskFiles *files, const char *path)
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

static Change *change_of(const Name *name)
{
    return &g_array_index(name->folder->changed, Change, name->change_place - 1);
}

static void name_set_changed(const DiskFiles *files, Name *name)
{
    Change change = {name, files->changes};
    if (name->change_place == 0) {
        g_array_append_val(name->folder->changed, change);
        name->change_place = name->folder->changed->len;
    }
    *change_of(name) = change;
}

static void forget_change(Name *name)
{
    GArray *changed = name->folder->changed;
    if (name->change_place == 0)
        return;
    g_array_index(changed, Change, changed->len - 1).name->change_place = name->change_place;
    g_array_remove_index_fast(changed, name->change_place - 1);
    name->change_place = 0;
}

/* Both states agree on the name; it is freed when neither has it. */
static void name_settle(DiskFiles *files, Name *name)
{
    forget_change(name);
    if (name->view != NULL)
        return;
    if (files->last == name)
        files->last = NULL;
    table_remove(&name->folder->names, name);
    name_free(name);
}

/* What the name means in the view becomes durable. It may free the name. */
static void name_keep(DiskFiles *files, Name *name)
{
    file_unref(name->durable);
    name->durable = file_ref(name->view);
    name_settle(files, name);
}

/* What the name means in the view from now on; NULL: nothing. It may free the name. */
static void name_set_view(DiskFiles *files, Name *name, File *file)
{
    file_ref(file); /* it may lose its last name on the way */
    name_unlink(files, name);
    name_link(files, name, file);
    file_unref(file);
    if (name->view == name->durable)
        name_settle(files, name);
    else
        name_set_changed(files, name);
}

/* ---- The disk as a whole ---- */

DiskFiles *disk_files_new(uint64_t capacity)
{
    DiskFiles *files = g_new0(DiskFiles, 1);
    files->folders = g_tree_new_full(compare_texts, NULL, NULL, folder_free);
    files->folders_by_path.hash_of = hash_of_folder;
    files->capacity = capacity;
    return files;
}

void disk_files_free(DiskFiles *files)
{
    table_clear(&files->folders_by_path);
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
        File *file = g_new(File, 1);
        *file = (File){.references = 1};
        files->changes++;
        name_set_view(files, name, file);
        file_unref(file);
    }
    return name->view;
}

DiskResult disk_files_write(DiskFiles *files, const char *path, Chunk **content)
{
    bool may_lack_room = files->is_full || files->capacity > 0;
    const File *old = may_lack_room ? find_file(files, path) : NULL;
    if (!has_room(files, old != NULL ? chunk_size(old->view) : 0, chunk_size(*content)))
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
    File *file = find_file(files, path);
    if (file == NULL)
        return DISK_NO_FILE;
    file_set_durable(file, NULL);
    file->view = chunk_fold(file->view);
    file->durable = chunk_ref(file->view);
    return DISK_OK;
}

/* The last of those changed, NULL when there is none. */
static Name *last_changed(const Folder *folder)
{
    guint count = folder->changed->len;
    return count > 0 ? g_array_index(folder->changed, Change, count - 1).name : NULL;
}

DiskResult disk_files_sync_folder(DiskFiles *files, const char *folder_path)
{
    const Folder *folder = find_folder(files, folder_path, strlen(folder_path));
    if (folder == NULL)
        return DISK_OK;
    for (Name *name; (name = last_changed(folder)) != NULL;)
        name_keep(files, name);
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
        for (guint i = 0; i < folder->changed->len; i++)
            g_array_append_val(numbers, g_array_index(folder->changed, Change, i).number);
    }
    g_array_sort(numbers, compare_changes);
    uint64_t kept = random_draw_below(draws, (uint64_t)numbers->len + 1);
    return kept > 0 ? g_array_index(numbers, uint64_t, kept - 1) : 0;
}

static void settle_names(DiskFiles *files, const Folder *folder, uint64_t last_change)
{
    Name *name;
    while ((name = last_changed(folder)) != NULL) {
        if (change_of(name)->number <= last_change)
            name_keep(files, name);
        else
            name_set_view(files, name, name->durable);
    }
}

/* In byte order of the names, since each may need a draw. */
static void settle_contents(DiskFiles *files, const Folder *folder, DiskLoss loss, Random *draws)
{
    g_auto(GStrv) names = disk_files_list(files, folder->path);
    for (char **text = names; *text != NULL; text++) {
        PathParts parts = split_path(*text);
        const Name *name = find_in_folder(folder, &parts);
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

GBytes *disk_files_read(DiskFiles *files, const char *path)
{
    const File *file = find_file(files, path);
    return file != NULL ? chunk_read(file->view) : NULL;
}

uint64_t disk_files_size(DiskFiles *files, const char *path)
{
    const File *file = find_file(files, path);
    return file != NULL ? chunk_size(file->view) : 0;
}

bool disk_files_has(DiskFiles *files, const char *path)
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
    const Folder *folder = find_folder(files, folder_path, strlen(folder_path));
    size_t at = 0;
    const Name *name = folder != NULL ? table_each(&folder->names, &at) : NULL;
    for (; name != NULL; name = table_each(&folder->names, &at)) {
        if (name->view != NULL)
            g_ptr_array_add(list, g_strdup(name->text));
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
