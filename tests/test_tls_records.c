/* Tests of proto/tls_records: what goes in at one end comes out at the other, whatever the pieces;
 * nothing of it is to be seen in between; what is no record is refused. */
#include "proto/tls_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef struct Pair {
    TlsRecords *client, *server;
    GByteArray *wire; /* from client to server */
} Pair;

static Pair pair_new(void)
{
    return (Pair){tls_records_new(TLS_CLIENT), tls_records_new(TLS_SERVER), g_byte_array_new()};
}

static void pair_free(Pair *pair)
{
    tls_records_free(pair->client);
    tls_records_free(pair->server);
    g_byte_array_unref(pair->wire);
}

/* Moves at most `largest` octets; false when there are none. */
static bool move(TlsRecords *from, TlsRecords *to, size_t largest, GByteArray *wire)
{
    Span output = tls_records_peek_output(from);
    size_t count = MIN(MIN(output.length, largest), tls_records_input_room(to));
    if (count == 0)
        return false;
    if (wire != NULL)
        g_byte_array_append(wire, output.data, (guint)count);
    tls_records_receive(to, span_of(output.data, count));
    tls_records_consume_output(from, count);
    return true;
}

static void shake_hands(Pair *pair, size_t largest)
{
    while (move(pair->client, pair->server, largest, pair->wire) ||
           move(pair->server, pair->client, largest, NULL))
        continue;
    assert_false(tls_records_have_failed(pair->client) || tls_records_have_failed(pair->server));
}

/* One round trip, as TLS 1.3 has it: the client may send only when the server's flight is there. */
static void test_handshake_takes_one_round_trip(void **state)
{
    (void)state;
    Pair pair = pair_new();
    assert_int_equal(tls_records_wrap(pair.client, span_of_text("EHLO")), 0);
    while (move(pair.client, pair.server, 1000, NULL))
        continue;
    assert_int_equal(tls_records_wrap(pair.client, span_of_text("EHLO")), 0);
    while (move(pair.server, pair.client, 1000, NULL))
        continue;
    assert_int_equal(tls_records_wrap(pair.client, span_of_text("EHLO")), 4);
    pair_free(&pair);
}

static void test_data_arrives_and_is_hidden(void **state)
{
    (void)state;
    static const char secret[] = "MAIL FROM:<alice@a.example>\r\n";
    for (size_t largest = 1; largest < 5000; largest = largest * 3 + 1) {
        Pair pair = pair_new();
        shake_hands(&pair, largest);
        assert_int_equal(tls_records_wrap(pair.client, span_of_text(secret)), strlen(secret));
        g_byte_array_set_size(pair.wire, 0);
        shake_hands(&pair, largest);
        assert_true(span_equals(tls_records_peek_input(pair.server), span_of_text(secret)));
        assert_int_equal(pair.wire->len, strlen(secret) + TLS_RECORD_OVERHEAD);
        assert_int_equal(pair.wire->data[0], 23);
        assert_null(memmem(pair.wire->data, pair.wire->len, "alice", 5));
        pair_free(&pair);
    }
}

static void test_much_data_is_bounded_and_whole(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    Pair pair = pair_new();
    g_autofree uint8_t *data = g_malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    shake_hands(&pair, 1460);
    size_t sent = 0, received = 0;
    while (received < SIZE) {
        sent += tls_records_wrap(pair.client, span_of(data + sent, SIZE - sent));
        assert_true(tls_records_peek_output(pair.client).length <= TLS_RECORDS_OUTPUT_MAXIMUM);
        move(pair.client, pair.server, 1460, NULL);
        Span input = tls_records_peek_input(pair.server);
        assert_true(input.length <= TLS_RECORDS_INPUT_MAXIMUM);
        if (input.length > 20000 || sent == SIZE) {
            assert_memory_equal(input.data, data + received, input.length);
            received += input.length;
            tls_records_consume_input(pair.server, input.length);
        }
    }
    assert_int_equal(received, SIZE);
    pair_free(&pair);
}

static void test_what_is_no_record_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"EHLO a.example\r\n", "\x17\x03\x03\x01\x01xxxxx",
                                      "\x16\x03\x03\xff\xff", "\x16\x02\x03\x00\x01x"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        TlsRecords *server = tls_records_new(TLS_SERVER);
        size_t length = i == 1 ? 5 + 257 : i == 2 ? 5 : i == 3 ? 6 : strlen(bad[i]);
        g_autofree uint8_t *octets = g_malloc0(length);
        memcpy(octets, bad[i], MIN(length, i == 0 ? strlen(bad[i]) : 5));
        tls_records_receive(server, span_of(octets, length));
        assert_true(tls_records_have_failed(server));
        tls_records_receive(server, span_of_text("more"));
        assert_int_equal(tls_records_peek_input(server).length, 0);
        tls_records_free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_takes_one_round_trip),
        cmocka_unit_test(test_data_arrives_and_is_hidden),
        cmocka_unit_test(test_much_data_is_bounded_and_whole),
        cmocka_unit_test(test_what_is_no_record_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
