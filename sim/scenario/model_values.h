/* What all parts of the scenario's model are made of: words, lists, texts for people. See model.h.
 */
#pragma once

#include "scenario/diagnostics.h"

#include <stddef.h>
#include <stdint.h>

enum { SCENARIO_UNSET = -1 };

/* Each struct that is a map of the file begins with its place. In a struct that has a name (a
 * server, a person), that is the key it stands under. */

/* A word or text of the file; text is NULL when it was not given and has no default. */
typedef struct ScenarioText {
    const char *text;
    SourcePosition at;
} ScenarioText;

typedef struct ScenarioTexts {
    ScenarioText *items;
    size_t count;
} ScenarioTexts;

typedef struct ScenarioNumbers {
    int64_t *items;
    size_t count;
} ScenarioNumbers;

/* A text for people, in one or more languages. A text that names no language has language "". */
typedef struct LocalTextEntry {
    const char *language; /* "en", "ko" */
    const char *text;
} LocalTextEntry;

typedef struct LocalText {
    LocalTextEntry *entries;
    size_t count; /* 0: not given */
    SourcePosition at;
} LocalText;

/* The text in `language`, or else in English, or else the first one; "" when there is none. */
const char *local_text_choose(const LocalText *text, const char *language);
