/* Which scenario files are meant by the arguments of a command. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Appends the paths, to free: of a folder, every scenario.yaml in it and below it, in byte order;
 * otherwise the argument itself. False, with the error told, when a folder has none. */
bool scenario_files_list(int count, char *const *arguments, GPtrArray *paths);
