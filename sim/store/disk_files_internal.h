/* What disk_files.c and disk_folders.c share: files, and the names that lead to them. */
#pragma once

#include "core/id_table.h"
#include "core/slab.h"
#include "store/disk_files.h"

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
    IdTable names;   /* their numbers */
    Change *changed; /* in no order */
    uint32_t changed_count, changed_capacity;
    size_t view_count; /* names in the view */
    uint32_t number;   /* in numbered_folders */
    uint32_t path_length;
    char path[];
} Folder;

/* There are many, so what is known by itself elsewhere is not in it, and the text is packed. Most
 * lie there for long with nothing left to write back, under one name: that needs no File. */
struct Name {
    union {
        File *file;     /* in the view; NULL: not there */
        Chunk *content; /* is_plain: in the view and in the durable state, one chunk */
    };
    uint64_t folder : 28;       /* its number */
    uint64_t change_place : 24; /* in folder->changed, counted from 1; 0: both states agree */
    uint64_t length : 10;       /* octets of the text */
    uint64_t is_packed : 1;
    uint64_t is_plain : 1;
    union {
        uint8_t few[8]; /* octets of a text that is no longer, */
        uint8_t *many;  /* or those of one that is, owned */
    };
};

enum {
    FOLDERS_MAX = (1 << 28) - 1,
    CHANGES_MAX = (1 << 24) - 1, /* of one folder at a time */
    NAME_LENGTH_MAX = (1 << 10) - 1,
};

struct DiskFiles {
    GTree *folders;              /* path -> Folder, which owns them */
    Table folders_by_path;       /* the same */
    GPtrArray *numbered_folders; /* the same, in the order in which they came */
    Slab names;                  /* Name, of all folders */
    /* What was found; NULL: nothing. The steps of a plan ask for one several times. */
    Name *last;
    char last_path[DISK_PATH_MAX];
    Folder *last_folders[2]; /* likewise: a file is made in one and renamed into another */
    uint64_t capacity;
    uint64_t used;    /* octets of the contents in the view */
    uint64_t changes; /* of names, so far; a rename is one */
    bool is_full;
};

File *disk_file_ref(File *file); /* NULL stays NULL */
void disk_file_unref(File *file);

/* The file in the view, from now on as a File; NULL: there is none. */
File *disk_name_file(Name *name);
/* Does without the File, if it can. */
void disk_name_simplify(Name *name);
const Chunk *disk_name_content(const Name *name);

static inline Folder *disk_folder_of(const DiskFiles *files, const Name *name)
{
    return files->numbered_folders->pdata[name->folder];
}

/* NULL: there is none. */
Folder *disk_find_folder(const DiskFiles *files, const char *path, size_t length);
Name *disk_find_in_folder(const Folder *folder, const char *text);
/* The name, if there is a file of that name in the view; or NULL. */
Name *disk_find_file(DiskFiles *files, const char *path);
/* The name that a path means, new when neither state has it. */
Name *disk_make_name(DiskFiles *files, const char *path);
/* Of one without a file in either state. */
void disk_name_free(DiskFiles *files, Name *name);
