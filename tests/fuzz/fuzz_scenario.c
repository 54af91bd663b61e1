/* Fuzz target of the scenario reader: any octets are a scenario or give an error, and the full form
 * of a scenario reads back as the same one. */
#include "core/check.h"
#include "scenario/full_writer.h"
#include "scenario/reader.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = scenario_read_bytes("fuzz", span_of(data, size), diagnostics);
    g_autoptr(GString) text = g_string_new(NULL);
    diagnostics_format(diagnostics, text);
    CHECK(g_utf8_validate(text->str, (gssize)text->len, NULL));
    CHECK((scenario == NULL) == (diagnostics_error_count(diagnostics) > 0));
    if (scenario == NULL)
        return 0;
    g_autofree char *full = scenario_format_full(scenario);
    g_autoptr(Scenario) again = scenario_read_bytes("full", span_of_text(full), diagnostics);
    CHECK(again != NULL);
    g_autofree char *full_again = scenario_format_full(again);
    CHECK(strcmp(full, full_again) == 0);
    return 0;
}
