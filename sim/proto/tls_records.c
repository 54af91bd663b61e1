/* Records that look like TLS 1.3. See tls_records.h. */
#include "proto/tls_records.h"

#include "core/check.h"

#include <glib.h>
#include <string.h>

enum {
    HEADER_LENGTH = 5,
    TAG_LENGTH = 16,
    BODY_MAXIMUM = TLS_PLAINTEXT_MAXIMUM + 1 + TAG_LENGTH,
    TYPE_HANDSHAKE = 22,
    TYPE_DATA = 23,
    HELLO_CLIENT = 1,
    HELLO_SERVER = 2,
    /* Octets of what follows the hellos, a usual certificate chain included; all of it is
     * encrypted, so that its size is all that shows. */
    SERVER_FLIGHT_LENGTH = 2400,
    CLIENT_FINISHED_LENGTH = 36,
};

struct TlsRecords {
    TlsSide side;
    Buffer received; /* not yet a whole record */
    Buffer input;    /* data out of records */
    Buffer output;
    bool has_hello;    /* the peer's */
    bool is_open;      /* data may be sent */
    bool has_finished; /* the peer's part of the handshake is over: what comes is data */
    bool has_failed;
    uint64_t sent_records, received_records; /* of type 23: what each is disguised with */
};

/* Disguises or reveals: the same operation. A SplitMix sequence from the record's number. */
static void disguise(uint8_t *octets, size_t length, TlsSide sender, uint64_t number)
{
    uint64_t state = number * 2 + (sender == TLS_SERVER);
    for (size_t i = 0; i < length; i++) {
        if (i % 8 == 0)
            state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
        octets[i] ^= (uint8_t)(mixed >> (8 * (i % 8)));
    }
}

static void append_header(Buffer *output, uint8_t type, size_t length)
{
    const uint8_t header[HEADER_LENGTH] = {type, 3, 3, (uint8_t)(length >> 8), (uint8_t)length};
    CHECK(buffer_append(output, span_of(header, sizeof header)));
}

/* RFC 8446 §4.1.2: version, random, no session id, one cipher suite, and the extension that says
 * TLS 1.3. RFC 8446 §4.1.3 differs in the lists' lengths alone. */
static void send_hello(TlsRecords *records)
{
    static const char RANDOM[] = "mailsim simulates this TLS only.";
    static const uint8_t CLIENT_TAIL[] = {0, 0, 2, 0x13, 0x01, 1, 0, 0, 7, 0, 43, 0, 3, 2, 3, 4};
    static const uint8_t SERVER_TAIL[] = {0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4};
    G_STATIC_ASSERT(sizeof RANDOM - 1 == 32);
    bool client = records->side == TLS_CLIENT;
    Span tail = client ? span_of(CLIENT_TAIL, sizeof CLIENT_TAIL)
                       : span_of(SERVER_TAIL, sizeof SERVER_TAIL);
    uint8_t length = (uint8_t)(2 + 32 + tail.length);
    const uint8_t start[] = {client ? HELLO_CLIENT : HELLO_SERVER, 0, 0, length, 3, 3};
    append_header(&records->output, TYPE_HANDSHAKE, sizeof start - 2 + length);
    CHECK(buffer_append(&records->output, span_of(start, sizeof start)) &&
          buffer_append_text(&records->output, RANDOM) && buffer_append(&records->output, tail));
}

/* One record of type 23 with this data and, as in TLS, the true type and a tag behind it. */
static void send_record(TlsRecords *records, Span data, uint8_t true_type)
{
    uint8_t body[BODY_MAXIMUM] = {0};
    size_t length = data.length + 1 + TAG_LENGTH;
    if (data.length > 0)
        memcpy(body, data.data, data.length);
    body[data.length] = true_type;
    disguise(body, length, records->side, records->sent_records++);
    append_header(&records->output, TYPE_DATA, length);
    CHECK(buffer_append(&records->output, span_of(body, length)));
}

static void send_flight(TlsRecords *records, size_t length)
{
    static const uint8_t NOTHING[SERVER_FLIGHT_LENGTH] = {0};
    send_record(records, span_of(NOTHING, length), TYPE_HANDSHAKE);
}

TlsRecords *tls_records_new(TlsSide side)
{
    TlsRecords *records = g_new0(TlsRecords, 1);
    records->side = side;
    buffer_init(&records->received, HEADER_LENGTH + BODY_MAXIMUM);
    buffer_init(&records->input, TLS_RECORDS_INPUT_MAXIMUM);
    buffer_init(&records->output, TLS_RECORDS_OUTPUT_MAXIMUM);
    if (side == TLS_CLIENT)
        send_hello(records);
    return records;
}

void tls_records_free(TlsRecords *records)
{
    if (records == NULL)
        return;
    buffer_clear(&records->received);
    buffer_clear(&records->input);
    buffer_clear(&records->output);
    g_free(records);
}

/* A hello in the clear: its kind and its length are all that is looked at. */
static bool take_hello(TlsRecords *records, Span body)
{
    uint8_t kind = records->side == TLS_SERVER ? HELLO_CLIENT : HELLO_SERVER;
    if (records->has_hello || body.length < 4 || body.data[0] != kind)
        return false;
    records->has_hello = true;
    if (records->side == TLS_SERVER) { /* RFC 8446 §2: the server may send data behind its flight */
        send_hello(records);
        send_flight(records, SERVER_FLIGHT_LENGTH);
        records->is_open = true;
    }
    return true;
}

static bool take_disguised(TlsRecords *records, Span body)
{
    uint8_t plain[BODY_MAXIMUM];
    TlsSide sender = records->side == TLS_CLIENT ? TLS_SERVER : TLS_CLIENT;
    if (!records->has_hello || body.length < 1 + TAG_LENGTH)
        return false;
    memcpy(plain, body.data, body.length);
    disguise(plain, body.length, sender, records->received_records++);
    size_t length = body.length - 1 - TAG_LENGTH;
    if (plain[length] == TYPE_DATA)
        return records->has_finished && buffer_append(&records->input, span_of(plain, length));
    if (plain[length] != TYPE_HANDSHAKE || records->has_finished)
        return false;
    records->has_finished = true;
    if (records->side == TLS_CLIENT) {
        send_flight(records, CLIENT_FINISHED_LENGTH);
        records->is_open = true;
    }
    return true;
}

/* Takes the first record if it is whole; false: it is not, or not to be taken. */
static bool take_record(TlsRecords *records)
{
    Span received = buffer_peek(&records->received);
    if (records->has_failed || received.length < HEADER_LENGTH)
        return false;
    size_t length = (size_t)received.data[3] << 8 | received.data[4];
    uint8_t type = received.data[0];
    bool is_record = (type == TYPE_HANDSHAKE || type == TYPE_DATA) && received.data[1] == 3 &&
                     length <= BODY_MAXIMUM;
    if (is_record && received.length < HEADER_LENGTH + length)
        return false;
    if (is_record && buffer_room(&records->input) < length)
        return false; /* it waits until what is there has been taken */
    Span body = span_skip(received, HEADER_LENGTH);
    body.length = MIN(body.length, length);
    records->has_failed = !is_record || !(type == TYPE_HANDSHAKE ? take_hello(records, body)
                                                                 : take_disguised(records, body));
    buffer_consume(&records->received,
                   records->has_failed ? received.length : HEADER_LENGTH + length);
    return true;
}

static void take_records(TlsRecords *records)
{
    while (take_record(records))
        continue;
}

size_t tls_records_input_room(const TlsRecords *records)
{
    return records->has_failed ? SIZE_MAX : buffer_room(&records->received);
}

void tls_records_receive(TlsRecords *records, Span octets)
{
    if (records->has_failed)
        return;
    CHECK(buffer_append(&records->received, octets));
    take_records(records);
}

bool tls_records_are_open(const TlsRecords *records)
{
    return records->has_finished;
}

bool tls_records_have_failed(const TlsRecords *records)
{
    return records->has_failed;
}

Span tls_records_peek_input(const TlsRecords *records)
{
    return buffer_peek(&records->input);
}

void tls_records_consume_input(TlsRecords *records, size_t count)
{
    buffer_consume(&records->input, count);
    take_records(records);
}

size_t tls_records_wrap(TlsRecords *records, Span data)
{
    size_t room = buffer_room(&records->output);
    if (!records->is_open || data.length == 0 || room <= TLS_RECORD_OVERHEAD)
        return 0;
    size_t count = MIN(data.length, MIN((size_t)TLS_PLAINTEXT_MAXIMUM, room - TLS_RECORD_OVERHEAD));
    send_record(records, span_of(data.data, count), TYPE_DATA);
    return count;
}

Span tls_records_peek_output(const TlsRecords *records)
{
    return buffer_peek(&records->output);
}

void tls_records_consume_output(TlsRecords *records, size_t count)
{
    buffer_consume(&records->output, count);
}
