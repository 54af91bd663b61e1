/* Fuzz target: a peer sends whatever it likes where records are expected. Whole and in pieces it
 * must come to the same: the data taken out, and whether it failed. The first octet chooses the
 * side, the second the size of the pieces. */
#include "core/check.h"
#include "proto/tls_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GByteArray *play(TlsSide side, Span octets, size_t largest, bool *has_failed)
{
    TlsRecords *records = tls_records_new(side);
    GByteArray *out = g_byte_array_new();
    while (octets.length > 0) {
        size_t count = MIN(MIN(octets.length, largest), tls_records_input_room(records));
        CHECK(count > 0);
        tls_records_receive(records, span_of(octets.data, count));
        octets = span_skip(octets, count);
        Span input = tls_records_peek_input(records);
        g_byte_array_append(out, input.data, (guint)input.length);
        tls_records_consume_input(records, input.length);
        CHECK(tls_records_peek_output(records).length <= TLS_RECORDS_OUTPUT_MAXIMUM);
    }
    *has_failed = tls_records_have_failed(records);
    tls_records_free(records);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    Span octets = span_of(data + 2, size - 2);
    TlsSide side = data[0] % 2 == 0 ? TLS_CLIENT : TLS_SERVER;
    bool whole_failed = false, cut_failed = false;
    g_autoptr(GByteArray) whole = play(side, octets, SIZE_MAX, &whole_failed);
    g_autoptr(GByteArray) cut = play(side, octets, 1 + data[1] % 16, &cut_failed);
    CHECK(whole_failed == cut_failed);
    CHECK(span_equals(span_of(whole->data, whole->len), span_of(cut->data, cut->len)));
    return 0;
}
