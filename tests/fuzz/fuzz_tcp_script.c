/* The scripts of tests/tcp: any text is read into steps, or told in one line what is wrong with it.
 */
#include "../tcp_script_read.h"

#include "core/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *error = NULL;
    g_autoptr(TcpScript) script = tcp_script_read("x.tcp", span_of(data, size), &error);
    CHECK((script == NULL) == (error != NULL));
    for (guint i = 0; script != NULL && i < script->steps->len; i++) {
        const ScriptStep *step = &g_array_index(script->steps, ScriptStep, i);
        CHECK(step->at >= 0 && step->at <= SCRIPT_LONGEST && step->line > 0);
        CHECK(!step->is_joined || script_is_input(step->kind));
    }
    return 0;
}
