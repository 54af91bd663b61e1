/* The spool's envelope from a disk that may have done anything to it; and addresses and NOTIFY,
 * which come from peers. */
#include "core/check.h"
#include "mail/address.h"
#include "mail/envelope.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read as an address, is the same address when written and read again. */
static void check_path(Span text)
{
    Address address, again;
    size_t used = 0;
    if (address_scan_path(text, &address, &used) != ADDRESS_OK || address_is_null(&address))
        return;
    CHECK(used <= ADDRESS_PATH_MAX && used <= text.length);
    g_autofree char *written = address_format(&address);
    CHECK(address_text_is_valid(written));
    if (address.domain[0] == '\0')
        return;
    CHECK(address_parse(span_of_text(written), &again) == ADDRESS_OK);
    CHECK(strcmp(address.local_part, again.local_part) == 0);
    CHECK(strcmp(address.domain, again.domain) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Span text = span_of(data, size);
    uint8_t notify = 0;
    check_path(text);
    notify_parse(text, &notify);
    g_autoptr(Envelope) envelope = envelope_parse(text);
    if (envelope == NULL)
        return 0;
    g_autofree char *written = envelope_format(envelope);
    CHECK(span_equals(text, span_of_text(written)));
    g_autoptr(Envelope) copy = envelope_copy(envelope);
    CHECK(envelope_equals(envelope, copy));
    return 0;
}
