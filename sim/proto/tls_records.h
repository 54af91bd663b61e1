/* What TLS looks like from outside: records, on both ends of a connection, without any input or
 * output of its own.
 *
 * SIMULATED. There is no cryptography here: the handshake has the shape, the sizes and the one
 * round trip of TLS 1.3, and the data is made unreadable by a fixed sequence that anybody can
 * compute. It serves to show what an observer of an encrypted connection sees. The random field of
 * both hellos says so. It must never be offered to a real program.
 *
 * Source: RFC 8446 §2 (the order of messages), §4.1.2, §4.1.3 (hellos), §5.1, §5.2 (records). Left
 * out on purpose: alerts (a connection ends by TCP alone), resumption, compatibility mode. */
#pragma once

#include "core/bytes.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum TlsSide { TLS_CLIENT, TLS_SERVER } TlsSide;

enum {
    TLS_RECORDS_INPUT_MAXIMUM = 40000, /* of octets received and not yet taken, each way */
    TLS_RECORDS_OUTPUT_MAXIMUM = 40000,
    TLS_PLAINTEXT_MAXIMUM = 16384,    /* octets of data in a record */
    TLS_RECORD_OVERHEAD = 5 + 1 + 16, /* header, content type, authentication tag */
};

typedef struct TlsRecords TlsRecords;

/* The client's hello is in the output at once. */
TlsRecords *tls_records_new(TlsSide side);
void tls_records_free(TlsRecords *records);

/* From the peer: at most tls_records_input_room octets at a time. */
size_t tls_records_input_room(const TlsRecords *records);
void tls_records_receive(TlsRecords *records, Span octets);
/* The handshake is over on this side: the peer's last flight has come. */
bool tls_records_are_open(const TlsRecords *records);
/* What came that is no record: nothing is read any more. */
bool tls_records_have_failed(const TlsRecords *records);
/* The peer's data, out of its records. */
Span tls_records_peek_input(const TlsRecords *records);
void tls_records_consume_input(TlsRecords *records, size_t count);

/* Puts data into one record; returns how much of it: 0 before the handshake is over, or when there
 * is no room. */
size_t tls_records_wrap(TlsRecords *records, Span data);
/* For the peer. */
Span tls_records_peek_output(const TlsRecords *records);
void tls_records_consume_output(TlsRecords *records, size_t count);
