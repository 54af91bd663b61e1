/* Fuzz target of the reader of recorded inputs: any octets are inputs or give an error. */
#include "core/check.h"
#include "scenario/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Inputs) inputs = inputs_read_bytes("fuzz", span_of(data, size), diagnostics);
    CHECK((inputs == NULL) == (diagnostics_error_count(diagnostics) > 0));
    SimTime time = 0;
    for (guint i = 0; inputs != NULL && i < inputs->items->len; i++) {
        const GatewayInput *input = &g_array_index(inputs->items, GatewayInput, i);
        CHECK(input->time >= time);
        CHECK((input->kind == GATEWAY_INPUT_DATA) == (input->data != NULL));
        time = input->time;
    }
    return 0;
}
