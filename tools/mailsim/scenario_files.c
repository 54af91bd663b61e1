/* Scenario files of files and folders. See scenario_files.h. */
#include "scenario_files.h"

#include <stdio.h>
#include <string.h>

enum { FOLDER_DEPTH_MAXIMUM = 16 };

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder, in byte order; NULL when it cannot be read. */
static GPtrArray *list_folder(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    if (folder == NULL)
        return NULL;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    while ((name = g_dir_read_name(folder)) != NULL)
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return names;
}

static void search_folder(const char *path, unsigned depth, GPtrArray *paths)
{
    g_autoptr(GPtrArray) names = list_folder(path);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (strcmp(name, "scenario.yaml") == 0)
            g_ptr_array_add(paths, g_steal_pointer(&below));
        else if (g_file_test(below, G_FILE_TEST_IS_DIR) && depth < FOLDER_DEPTH_MAXIMUM)
            search_folder(below, depth + 1, paths);
    }
}

bool scenario_files_list(int count, char *const *arguments, GPtrArray *paths)
{
    for (int i = 0; i < count; i++) {
        guint before = paths->len;
        if (g_file_test(arguments[i], G_FILE_TEST_IS_DIR))
            search_folder(arguments[i], 0, paths);
        else
            g_ptr_array_add(paths, g_strdup(arguments[i]));
        if (paths->len == before) {
            fprintf(stderr, "mailsim: there is no scenario.yaml in %s\n", arguments[i]);
            return false;
        }
    }
    return true;
}
