/* The spool's entries and journals from a disk that may have done anything to them. */
#include "core/check.h"
#include "store/spool.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An entry that is read: what its numbers promise is there, and one more note is read behind
 * whatever the journal ends in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char note[] = "\n0 relayed;";
    g_autoptr(Octets) file = octets_new(data, size);
    g_autoptr(SpoolEntry) entry = spool_entry_parse("1-1", file);
    if (entry == NULL)
        return 0;
    size_t count = entry->envelope->recipient_count;
    CHECK(stored_message_size(entry->message) <= size && entry->arrived_at >= 0);
    CHECK(spool_entry_waiting(entry) <= count);
    for (size_t i = 0; i < count; i++)
        CHECK(entry->recipients[i].next_at >= 0 && entry->recipients[i].retry.due_at >= 0);
    g_autofree uint8_t *longer = g_malloc(size + strlen(note));
    memcpy(longer, data, size);
    memcpy(longer + size, note, strlen(note));
    g_autoptr(Octets) more = octets_new(longer, size + strlen(note));
    g_autoptr(SpoolEntry) noted = spool_entry_parse("1-1", more);
    CHECK(noted != NULL && (count == 0 || noted->recipients[0].is_done));
    return 0;
}
