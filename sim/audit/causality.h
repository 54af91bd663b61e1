/* Causality: every record but the timeline's own has a cause that was written before it.
 *
 * At each level of the trace, `cause` must name an earlier record of that level, or be 0 for what
 * the timeline itself does; `because` must be 0 or name an earlier record of level MAIL, which
 * every sink has; seq must rise, and time never run back. Two bits a record are kept. */
#pragma once

#include "trace/trace.h"

typedef struct Causality Causality;

typedef struct CausalityDefect {
    uint64_t seq; /* of the record that is wrong */
    SimTime time;
    const char *text; /* a sentence: which record, what is wrong */
} CausalityDefect;

/* Defects beyond this many are counted, not kept. */
enum { CAUSALITY_MAX_DEFECTS = 100 };

/* Adds itself to the trace, at level SEGMENT; it is to outlive the run. */
Causality *causality_new(Trace *trace);
void causality_free(Causality *causality);

size_t causality_defect_count(const Causality *causality);
const CausalityDefect *causality_defect_at(const Causality *causality, size_t index);
