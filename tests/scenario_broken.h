/* What the reader of scenarios says of broken ones: texts of scenarios, and the comparison. */
#pragma once

#include "scenario/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two servers, two people, one mail; the snippets below come behind it, or replace parts of it. */
#define SERVERS                                                                                    \
    "mailsim: 1\n"                                                                                 \
    "network: {routers: [seoul, frankfurt], links: [{between: [seoul, frankfurt]}]}\n"             \
    "servers:\n"                                                                                   \
    "  mail.naver.example: {domains: [naver.example], users: {alice: {}}}\n"                       \
    "  mail.gmail.example: {domains: [gmail.example], users: {bob: {}}, router: frankfurt}\n"
#define PEOPLE                                                                                     \
    "people:\n"                                                                                    \
    "  alice: {address: alice@naver.example}\n"                                                    \
    "  bob: {address: bob@gmail.example, agents: {phone: {}, pc: {router: frankfurt}}}\n"
#define MAILS    "mails: {lunch: {from: alice, to: [bob@gmail.example, eve@gmail.example]}}\n"
#define TIMELINE SERVERS PEOPLE MAILS "timeline:\n" /* its first entry is in line 11 */
#define EXPECT   SERVERS PEOPLE MAILS "expect:\n"   /* likewise */

static inline Scenario *read_text(const char *text, Diagnostics *diagnostics)
{
    return scenario_read_bytes("x.yaml", span_of_text(text), diagnostics);
}

/* Each entry as LINE:COLUMN: text, one a line; warnings with a W before them. */
static inline char *summary_of(const Diagnostics *diagnostics)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < diagnostics_kept(diagnostics); i++) {
        const Diagnostic *entry = diagnostics_peek(diagnostics, i);
        g_string_append_printf(out, "%s%s%u:%u: %s", i == 0 ? "" : "\n",
                               entry->severity == SEVERITY_WARNING ? "W" : "", entry->at.line,
                               entry->at.column, entry->text);
    }
    return g_string_free(out, FALSE);
}

typedef struct Broken {
    const char *text;
    const char *expected;
} Broken;

static inline void assert_broken(const Broken *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autoptr(Diagnostics) diagnostics = diagnostics_new();
        g_autoptr(Scenario) scenario = read_text(cases[i].text, diagnostics);
        g_autofree char *summary = summary_of(diagnostics);
        if (strcmp(summary, cases[i].expected) != 0)
            fail_msg("%s\n--- gave\n%s\n--- and not\n%s", cases[i].text, summary,
                     cases[i].expected);
        bool has_errors = diagnostics_error_count(diagnostics) > 0;
        assert_int_equal(scenario == NULL, has_errors);
    }
}

#define ASSERT_BROKEN(cases) assert_broken(cases, G_N_ELEMENTS(cases))
