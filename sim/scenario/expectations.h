/* Expectations and questions: what a scenario says that a run will show, held against its facts. */
#pragma once

#include "audit/facts.h"
#include "scenario/model.h"

typedef struct Expectations Expectations;

/* Before facts_start, since events to count must be known before the run. Both outlive it. */
Expectations *expectations_new(const Scenario *scenario, Facts *facts);
void expectations_free(Expectations *expectations);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Expectations, expectations_free)

/* As many as the scenario's `expect` has. */
size_t expectations_count(const Expectations *expectations);
/* Whether one holds, after the run. */
bool expectations_hold(const Expectations *expectations, size_t index);
/* "mail lunch to bob@gmail.example: status is delivered", to free. */
char *expectations_describe(const Expectations *expectations, size_t index);
/* The fact as it came out: "queued", "02:15:00.264", to free. */
char *expectations_actual(const Expectations *expectations, size_t index);

/* The answer to one of the scenario's questions, after the run, to free. */
char *expectations_answer(const Expectations *expectations, size_t question);
