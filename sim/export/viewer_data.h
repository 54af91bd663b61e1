/* What the viewer's page needs beside the trace, as JSON: the state tables that the engines run
 * from, and the list of the trace's kinds. And how text is put into a page. */
#pragma once

#include "core/bytes.h"
#include "core/state_table.h"

#include <json-glib/json-glib.h>

/* Adds an object: name, title, source, initial, states, events, and edges, each [from, to, event],
 * by index; a cell that leads nowhere else has no edge. */
void viewer_data_add_machine(JsonBuilder *builder, const StateTable *table);
/* Adds an array of {name, level, meaning, fields: [{key, type, meaning}]}. */
void viewer_data_add_kinds(JsonBuilder *builder);
/* Appends JSON so that it can stand inside a script element and says the same: no `<`, and neither
 * U+2028 nor U+2029, all of which occur only in strings. `json` ends with a whole character. */
void viewer_data_escape(Span json, GString *out);
