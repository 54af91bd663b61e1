/* The folders of a disk, and the names in them: how they are kept and found. See disk_files.h.
 *
 * What is looked for is mostly what was looked for last. */
#include "core/check.h"
#include "store/disk_files_internal.h"
#include "store/disk_name.h"

#include <string.h>

/* ---- Files ---- */

File *disk_file_ref(File *file)
{
    if (file != NULL)
        file->references++;
    return file;
}

void disk_file_unref(File *file)
{
    if (file == NULL || --file->references > 0)
        return;
    chunk_unref(file->view);
    chunk_unref(file->durable);
    g_free(file);
}

/* ---- Names and folders ---- */

File *disk_name_file(Name *name)
{
    if (!name->is_plain)
        return name->file;
    File *file = g_new(File, 1);
    *file = (File){1, 1, name->content, chunk_ref(name->content)};
    name->is_plain = false;
    name->file = file;
    return file;
}

void disk_name_simplify(Name *name)
{
    if (name->is_plain || name->file == NULL || name->change_place != 0)
        return;
    File *file = name->file;
    if (file->references > 1 || file->view != file->durable || !chunk_is_alone(file->view))
        return;
    name->is_plain = true;
    name->content = file->view;
    chunk_unref(file->durable);
    g_free(file);
}

const Chunk *disk_name_content(const Name *name)
{
    if (name->is_plain)
        return name->content;
    return name->file != NULL ? name->file->view : NULL;
}

static const uint8_t *octets_of(const Name *name)
{
    return name->length <= sizeof name->few ? name->few : name->many;
}

static uint32_t hash_of_name(const void *names, uint32_t number)
{
    const Name *name = slab_at(names, number);
    return table_hash((const char *)octets_of(name), name->length);
}

static uint32_t hash_of_folder(const void *data)
{
    const Folder *folder = data;
    return table_hash(folder->path, folder->path_length);
}

static void name_clear(const Name *name)
{
    if (name->is_plain)
        chunk_unref(name->content);
    else
        disk_file_unref(name->file);
    if (name->length > sizeof name->few)
        g_free(name->many);
}

static void folder_free(void *data)
{
    Folder *folder = data;
    uint32_t at = 0;
    for (uint32_t number; (number = id_table_each(&folder->names, &at)) != 0;)
        name_clear(slab_at(folder->names.owner, number));
    id_table_clear(&folder->names);
    for (uint32_t i = 0; i < folder->changed_count; i++)
        disk_file_unref(folder->changed[i].durable);
    g_free(folder->changed);
    g_free(folder);
}

static bool folder_has_path(const Folder *folder, const char *path, size_t length)
{
    return folder->path_length == length && memcmp(folder->path, path, length) == 0;
}

Folder *disk_find_folder(const DiskFiles *files, const char *path, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(files->last_folders); i++) {
        Folder *last = files->last_folders[i];
        if (last != NULL && folder_has_path(last, path, length))
            return last;
    }
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
    folder->names = (IdTable){.hash_of = hash_of_name, .owner = &files->names};
    folder->number = files->numbered_folders->len;
    folder->path_length = (uint32_t)length;
    memcpy(folder->path, path, length);
    g_ptr_array_add(files->numbered_folders, folder);
    g_tree_insert(files->folders, folder->path, folder);
    table_add(&files->folders_by_path, table_hash(path, length), folder);
    return folder;
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
           memcmp(octets_of(name), text->octets, text->length) == 0;
}

static Name *find_parts(const Folder *folder, const PathParts *parts)
{
    TableProbe probe = id_table_probe(&folder->names, parts->name_hash);
    for (uint32_t number; (number = id_table_next(&folder->names, &probe)) != 0;) {
        Name *name = slab_at(folder->names.owner, number);
        if (name_has_text(name, &parts->name))
            return name;
    }
    return NULL;
}

Name *disk_find_in_folder(const Folder *folder, const char *text)
{
    PathParts parts;
    split_path(text, &parts);
    return find_parts(folder, &parts);
}

/* Whether the path means the name that was found last. */
static bool is_last(const DiskFiles *files, const char *path)
{
    return files->last != NULL && strcmp(path, files->last_path) == 0;
}

static void remember(DiskFiles *files, Name *name, Folder *folder, const char *path, size_t length)
{
    files->last = name;
    if (files->last_folders[0] != folder) {
        files->last_folders[1] = files->last_folders[0];
        files->last_folders[0] = folder;
    }
    memcpy(files->last_path, path, length + 1);
}

/* The name that a path means, or NULL when neither state has it. */
static Name *find_name(DiskFiles *files, const char *path)
{
    if (is_last(files, path))
        return files->last;
    PathParts parts;
    split_path(path, &parts);
    Folder *folder = disk_find_folder(files, path, parts.folder_length);
    Name *name = folder != NULL ? find_parts(folder, &parts) : NULL;
    if (name != NULL)
        remember(files, name, folder, path, parts.length);
    return name;
}

G_STATIC_ASSERT(DISK_PATH_MAX - 1 <= (int)NAME_LENGTH_MAX);

static Name *name_new(DiskFiles *files, Folder *folder, const PathParts *parts)
{
    const DiskName *text = &parts->name;
    uint32_t number = slab_take(&files->names);
    Name *name = slab_at(&files->names, number);
    CHECK(folder->number <= FOLDERS_MAX);
    *name = (Name){.folder = folder->number & FOLDERS_MAX,
                   .length = (uint32_t)text->length & NAME_LENGTH_MAX};
    name->is_packed = text->is_packed;
    if (text->length <= sizeof name->few)
        memcpy(name->few, text->octets, text->length);
    else
        name->many = g_memdup2(text->octets, text->length);
    id_table_add(&folder->names, parts->name_hash, number);
    return name;
}

void disk_name_free(DiskFiles *files, Name *name)
{
    IdTable *names = &disk_folder_of(files, name)->names;
    TableProbe probe =
        id_table_probe(names, table_hash((const char *)octets_of(name), name->length));
    uint32_t number = id_table_next(names, &probe);
    while (slab_at(&files->names, number) != name)
        number = id_table_next(names, &probe);
    if (files->last == name)
        files->last = NULL;
    id_table_remove(names, number);
    name_clear(name);
    slab_give_back(&files->names, number);
}

Name *disk_make_name(DiskFiles *files, const char *path)
{
    if (is_last(files, path))
        return files->last;
    PathParts parts;
    split_path(path, &parts);
    Folder *folder = disk_find_folder(files, path, parts.folder_length);
    if (folder == NULL)
        folder = make_folder(files, path, parts.folder_length);
    Name *name = find_parts(folder, &parts);
    if (name == NULL)
        name = name_new(files, folder, &parts);
    remember(files, name, folder, path, parts.length);
    return name;
}

Name *disk_find_file(DiskFiles *files, const char *path)
{
    Name *name = find_name(files, path);
    return name != NULL && name->file != NULL ? name : NULL;
}

/* ---- The disk as a whole ---- */

static int compare_texts(const void *a, const void *b, void *unused)
{
    (void)unused;
    return strcmp(a, b);
}

DiskFiles *disk_files_new(uint64_t capacity)
{
    DiskFiles *files = g_new0(DiskFiles, 1);
    files->folders = g_tree_new_full(compare_texts, NULL, NULL, folder_free);
    files->folders_by_path.hash_of = hash_of_folder;
    files->numbered_folders = g_ptr_array_new();
    files->names.size = sizeof(Name);
    files->capacity = capacity;
    return files;
}

void disk_files_free(DiskFiles *files)
{
    table_clear(&files->folders_by_path);
    g_ptr_array_unref(files->numbered_folders);
    g_tree_destroy(files->folders);
    slab_clear(&files->names);
    g_free(files);
}

/* ---- Lists ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **disk_files_list(const DiskFiles *files, const char *folder_path)
{
    GPtrArray *list = g_ptr_array_new();
    const Folder *folder = disk_find_folder(files, folder_path, strlen(folder_path));
    uint32_t at = 0;
    for (uint32_t n; folder != NULL && (n = id_table_each(&folder->names, &at)) != 0;) {
        const Name *name = slab_at(&files->names, n);
        if (name->file != NULL)
            g_ptr_array_add(list, disk_name_text(octets_of(name), name->length, name->is_packed));
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
