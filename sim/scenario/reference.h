/* The written reference of the scenario file, for its authors. */
#pragma once

/* scenarios/README.md as it must be: how to write a scenario, and every key, action, fact and event
 * from the tables that the reader itself follows. Markdown, a text to free. */
char *scenario_reference_text(void);
