/* The documentation of the trace in NDJSON: the written reference and the JSON Schema, both made
 * from the list of kinds that the writer itself follows. */
#pragma once

#include "trace/trace.h"

/* scenarios/TRACE.md as it must be: Markdown, a text to free. */
char *trace_reference_text(void);
/* "text", "octets", "count": how the reference calls a type. */
const char *trace_field_type_name(TraceFieldType type);
/* scenarios/trace.schema.json as it must be: a JSON Schema (draft 7) of one line of a trace, the
 * header or a record. A text to free. */
char *trace_schema_text(void);
