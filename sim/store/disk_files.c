/* Files, their names and contents, in the view and in the durable state. See disk_files.h.
 *
 * A file is apart from its names, as an inode is: each name points to a file in the view and, where
 * that is not durable, to another or none in the durable state, and each file has a content in
 * either: a chain of chunks (disk_chunk.h), so that a sync only lets the durable content point
 * where the view points.
 *
 * Each change of a name gets a number. A loss of power keeps the changes up to some number: file
 * systems with a journal write them in order. */
#include "store/disk_files.h"

#include "core/check.h"
#include "core/table.h"
#include "store/disk_name.h"

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
    File *durable;   /* NULL: not there */
    uint64_t number; /* of the name's last change */
} Change;

typedef struct Folder {
    Table names;     /* Name */
    Change *changed; /* in no order */
    uint32_t changed_count, changed_capacity;
    size_t view_count; /* names in the view */
    uint32_t number;   /* in numbered_folders */
    uint32_t path_length;
    char path[];
} Folder;

/* There are many, so what is known by itself elsewhere is not in it, and the text is packed. */
struct Name {
    File *view;            /* NULL: not there */
    uint32_t folder;       /* its number */
    uint32_t change_place; /* in folder->changed, counted from 1; 0: both states agree */
    uint16_t length : 15;  /* octets of the text */
    uint16_t is_packed : 1;
    uint8_t text[];
};

struct DiskFiles {
    GTree *folders;              /* path -> Folder, which owns them */
    Table folders_by_path;       /* the same */
    GPtrArray *numbered_folders; /* the same, in the order in which they came */
    /* What was found; NULL: nothing. The steps of a plan ask for one several times. */
    Name *last;
    char last_path[DISK_PATH_MAX];
    Folder *last_folder; /* likewise */
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

static uint32_t hash_of_name(const void *data)
{
    const Name *name = data;
    return table_hash((const char *)name->text, name->length);
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
    for (Name *name; (name = table_each(&folder->names, &at)) != NULL;) {
        file_unref(name->view);
        g_free(name);
    }
    table_clear(&folder->names);
    for (uint32_t i = 0; i < folder->changed_count; i++)
        file_unref(folder->changed[i].durable);
    g_free(folder->changed);
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
    folder->number = files->numbered_folders->len;
    folder->path_length = (uint32_t)length;
    memcpy(folder->path, path, length);
    g_ptr_array_add(files->numbered_folders, folder);
    g_tree_insert(files->folders, folder->path, folder);
    table_add(&files->folders_by_path, table_hash(path, length), folder);
    return folder;
}

static Folder *folder_of(const DiskFiles *files, const Name *name)
{
    return files->numbered_folders->pdata[name->folder];
}

/* ---- Paths ---- */

/* A path, cut in two. */
typedef struct PathParts {
    size_t length, folder_length;
    uint32_t name_hash;
    DiskName name;
} PathParts;

static void split_path(const char *path, PathParts *parts)
{
    parts->length = strlen(path);
    const char *slash = memrchr(path, '/', parts->length);
    const char *name = slash != NULL ? slash + 1 : path;
    CHECK(parts->length < DISK_PATH_MAX && path[0] != '/' && name[0] != '\0');
    parts->folder_length = slash != NULL ? (size_t)(slash - path) : 0;
    disk_name_set(&parts->name, name, parts->length - (size_t)(name - path));
    parts->name_hash = table_hash((const char *)parts->name.octets, parts->name.length);
}

static bool name_has_text(const Name *name, const DiskName *text)
{
    return name->length == text->length && name->is_packed == text->is_packed &&
           memcmp(name->text, text->octets, text->length) == 0;
}

static Name *find_in_folder(const Folder *folder, const PathParts *parts)
{
    TableProbe probe = table_probe(&folder->names, parts->name_hash);
    Name *name;
    while ((name = table_next(&folder->names, &probe)) != NULL &&
           !name_has_text(name, &parts->name))
        continue;
    return name;
}

/* Whether the path means the name that was found last. */
static bool is_last(const DiskFiles *files, const char *path)
{
    return files->last != NULL && strcmp(path, files->last_path) == 0;
}

static void remember(DiskFiles *files, Name *name, Folder *folder, const char *path, size_t length)
{
    files->last = name;
    files->last_folder = folder;
    memcpy(files->last_path, path, length + 1);
}

/* The name that a path means, or NULL when neither state has it. */
static Name *find_name(DiskFiles *files, const char *path)
{
    if (is_last(files, path))
        return files->last;
    PathParts parts;
    split_path(path, &parts);
    Folder *folder = find_folder(files, path, parts.folder_length);
    Name *name = folder != NULL ? find_in_folder(folder, &parts) : NULL;
    if (name != NULL)
        remember(files, name, folder, path, parts.length);
    return name;
}

enum { NAME_LENGTH_MASK = (1 << 15) - 1 };

static Name *name_new(Folder *folder, const PathParts *parts)
{
    const DiskName *text = &parts->name;
    Name *name = g_malloc(offsetof(Name, text) + text->length);
    *name = (Name){.folder = folder->number, .length = (uint32_t)text->length & NAME_LENGTH_MASK};
    name->is_packed = text->is_packed;
    memcpy(name->text, text->octets, text->length);
    table_add(&folder->names, parts->name_hash, name);
    return name;
}

static Name *make_name(DiskFiles *files, const char *path)
{
    if (is_last(files, path))
        return files->last;
    PathParts parts;
    split_path(path, &parts);
    Folder *folder = find_folder(files, path, parts.folder_length);
    if (folder == NULL)
        folder = make_folder(files, path, parts.folder_length);
    Name *name = find_in_folder(folder, &parts);
    if (name == NULL)
        name = name_new(folder, &parts);
    remember(files, name, folder, path, parts.length);
    return name;
}

static File *find_file(DiskFiles *files, const char *path)
{
    const Name *name = find_name(files, path);
    return name != NULL ? name->view : NULL;
}

/* ---- What names mean ---- */

static void name_link(DiskFiles *files, Name *name, File *file)
{
    if (file == NULL)
        return;
    name->view = file_ref(file);
    folder_of(files, name)->view_count++;
    if (file->view_links++ == 0)
        files->used += chunk_size(file->view);
}

static void name_unlink(DiskFiles *files, Name *name)
{
    File *file = name->view;
    if (file == NULL)
        return;
    name->view = NULL;
    folder_of(files, name)->view_count--;
    if (--file->view_links == 0)
        files->used -= chunk_size(file->view);
    file_unref(file);
}

/* From now on the name's view may be another than what is durable. */
static Change *begin_change(Folder *folder, Name *name)
{
    if (folder->changed_count == folder->changed_capacity) {
        folder->changed_capacity = MAX(4, 2 * folder->changed_capacity);
        folder->changed = g_renew(Change, folder->changed, folder->changed_capacity);
    }
    Change *change = &folder->changed[folder->changed_count++];
    *change = (Change){.name = name, .durable = file_ref(name->view)};
    name->change_place = folder->changed_count;
    return change;
}

static void end_change(Folder *folder, Name *name)
{
    Change *change = &folder->changed[name->change_place - 1];
    file_unref(change->durable);
    *change = folder->changed[--folder->changed_count];
    change->name->change_place = name->change_place;
    name->change_place = 0;
}

/* What the changed name means in the view becomes durable, or is. It may free the name. */
static void name_settle(DiskFiles *files, Name *name)
{
    Folder *folder = folder_of(files, name);
    end_change(folder, name);
    if (name->view != NULL)
        return;
    if (files->last == name)
        files->last = NULL;
    table_remove(&folder->names, name);
    g_free(name);
}

/* What the name means in the view from now on; NULL: nothing. It may free the name. */
static void name_set_view(DiskFiles *files, Name *name, File *file)
{
    Folder *folder = folder_of(files, name);
    Change *change = name->change_place > 0 ? &folder->changed[name->change_place - 1]
                                            : begin_change(folder, name);
    change->number = files->changes;
    file_ref(file); /* it may lose its last name on the way */
    name_unlink(files, name);
    name_link(files, name, file);
    file_unref(file);
    if (name->view == change->durable)
        name_settle(files, name);
}

/* ---- The disk as a whole ---- */

DiskFiles *disk_files_new(uint64_t capacity)
{
    DiskFiles *files = g_new0(DiskFiles, 1);
    files->folders = g_tree_new_full(compare_texts, NULL, NULL, folder_free);
    files->folders_by_path.hash_of = hash_of_folder;
    files->numbered_folders = g_ptr_array_new();
    files->capacity = capacity;
    return files;
}

void disk_files_free(DiskFiles *files)
{
    table_clear(&files->folders_by_path);
    g_ptr_array_unref(files->numbered_folders);
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

DiskResult disk_files_sync_folder(DiskFiles *files, const char *folder_path)
{
    const Folder *folder = find_folder(files, folder_path, strlen(folder_path));
    while (folder != NULL && folder->changed_count > 0)
        name_settle(files, folder->changed[folder->changed_count - 1].name);
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
        PathParts parts;
        split_path(*text, &parts);
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
            g_ptr_array_add(list, disk_name_text(name->text, name->length, name->is_packed));
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
