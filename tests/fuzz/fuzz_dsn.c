/* Reports from hostile hands, and reports about hostile messages. */
#include "core/check.h"
#include "mail/dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A report about the input, in which a server has said the input too, is still one report. */
static void check_report_about(Span input)
{
    g_autofree char *words = span_dup_text(input);
    DsnRecipient bob = {.final_recipient = "bob@b.test",
                        .original_recipient = words,
                        .action = DSN_FAILED,
                        .status = "5.0.0",
                        .remote_mta = "mail.b.test",
                        .reply = words};
    DsnReport report = {.reporting_mta = "mail.a.test",
                        .to = "alice@a.test",
                        .message_id = "lunch.bounce@mail.a.test",
                        .boundary_seed = "lunch.bounce",
                        .original = input,
                        .return_full = true,
                        .recipients = &bob,
                        .recipient_count = 1};
    g_autoptr(Octets) bytes = dsn_compose(&report);
    size_t length = octets_length(bytes);
    const void *octets = octets_data(bytes);
    g_autoptr(Dsn) dsn = dsn_parse(span_of(octets, length));
    CHECK(dsn != NULL && dsn->recipient_count == 1);
    CHECK(g_str_equal(dsn->recipients[0].status, "5.0.0"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Span input = span_of(data, size);
    g_autoptr(Dsn) dsn = dsn_parse(input);
    if (dsn != NULL) {
        CHECK(dsn->recipient_count <= DSN_RECIPIENTS_MAX);
        CHECK(dsn->original_message_id == NULL ||
              g_utf8_validate(dsn->original_message_id, -1, NULL));
        for (size_t i = 0; i < dsn->recipient_count; i++)
            CHECK(dsn->recipients[i].diagnostic == NULL ||
                  g_utf8_validate(dsn->recipients[i].diagnostic, -1, NULL));
    }
    check_report_about(input);
    return 0;
}
