/* YAML 1.2 as the scenario file uses it: maps, lists and scalars, each with its place.
 *
 * libfyaml scans and parses; this turns its events into a tree. The tree is built here and not by
 * libfyaml so that every limit strikes while the file is being read: a file that would cost much
 * time or memory is refused first. Refused too, as no scenario needs them: directives, anchors,
 * aliases, tags, several documents, keys that are not plain words, the same key twice, control
 * characters. */
#pragma once

#include "scenario/arena.h"
#include "scenario/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_NESTING_MAXIMUM = 32,
    YAML_NODES_MAXIMUM = 500000,
    /* libfyaml looks ahead from each `[` and `{` for its end, over lines too, and keeps some 280
     * octets for each before it hands out any; a `[` inside a text counts like the others. */
    YAML_BRACKETS_MAXIMUM = 200000,
    /* A row of tags costs libfyaml the square of its length. */
    YAML_LINE_MAXIMUM = 16384, /* octets */
};

typedef enum YamlKind {
    YAML_SCALAR,
    YAML_LIST,
    YAML_MAP,
} YamlKind;

typedef struct YamlNode YamlNode;
struct YamlNode {
    YamlKind kind;
    bool is_plain;          /* a scalar without quotes, not a block */
    bool is_unclean;        /* it holds what no text may, which has been told */
    bool is_cut_by_comment; /* a plain scalar with a comment behind it, as in `Fix #3` */
    bool is_open;           /* the file could not be read to this node's end */
    SourcePosition at;
    uint32_t length;  /* characters to underline */
    const char *text; /* of a scalar, NUL-terminated; holds no NUL */
    YamlNode *key;    /* of a map's child; NULL elsewhere */
    YamlNode *first;  /* of a map or list: its children */
    YamlNode *next;   /* the next child of the same parent */
    size_t count;     /* of children */
};

/* Reads the document. NULL, with at least one error, when there is none. When the file could only
 * be read in part there are errors, and what could be read is given. The bytes must be the source
 * of the diagnostics; the tree lives in `arena`. */
YamlNode *yaml_read(Span bytes, Arena *arena, Diagnostics *diagnostics);

/* The child of a map under that key, or NULL. */
const YamlNode *yaml_find(const YamlNode *map, const char *key);
/* Tells of each key that is there twice: while the file is read, and again where names in it stand
 * for several. */
void yaml_check_keys_differ(const YamlNode *map, Diagnostics *diagnostics);
/* "a map", "a list", "a text". */
const char *yaml_kind_name(const YamlNode *node);
