/* Scenarios for tests: read without an error, or refused in words that are known. */
#pragma once

#include "scenario/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline Scenario *scenario_of_text(const char *text)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Scenario *scenario = scenario_read_bytes("test.yaml", span_of_text(text), diagnostics);
    if (scenario == NULL)
        diagnostics_print(diagnostics, stderr);
    assert_non_null(scenario);
    return scenario;
}

static inline Scenario *scenario_of_file(const char *path)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    Scenario *scenario = scenario_read_file(path, diagnostics);
    if (scenario == NULL)
        diagnostics_print(diagnostics, stderr);
    assert_non_null(scenario);
    return scenario;
}

/* What is said of the text has these words. */
static inline void assert_scenario_refused(const char *text, const char *words)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    assert_null(scenario_read_bytes("test.yaml", span_of_text(text), diagnostics));
    g_autoptr(GString) told = g_string_new(NULL);
    diagnostics_format(diagnostics, told);
    if (strstr(told->str, words) == NULL)
        fail_msg("%s", told->str);
}
