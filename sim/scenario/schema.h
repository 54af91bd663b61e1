/* The JSON Schema of the scenario file, for editors to complete and check by. */
#pragma once

/* scenarios/schema.json as it must be: JSON Schema draft 7, the newest that editors' YAML support
 * knows well. It says what the format's tables say; what needs the whole file (does this router
 * exist?) only the reader can check. A text to free. */
char *scenario_schema_text(void);
