/* The documentation of the trace in NDJSON: the written reference and the JSON Schema, both made
 * from the list of kinds that the writer itself follows. */
#pragma once

/* scenarios/TRACE.md as it must be: Markdown, a text to free. */
char *trace_reference_text(void);
/* scenarios/trace.schema.json as it must be: a JSON Schema (draft 7) of one line of a trace, the
 * header or a record. A text to free. */
char *trace_schema_text(void);
