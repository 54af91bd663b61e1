/* The shared vocabulary of both ends of an IMAP connection. See imap.h. */
#include "proto/imap.h"

#include "core/check.h"

/* In the order of ImapFlag's bits; RFC 9051 §2.3.2. */
static const char *const flag_names[IMAP_FLAG_COUNT] = {
    "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft",
};

/* In the order of ImapListAttribute's bits; RFC 9051 §7.3.1. */
static const char *const attribute_names[IMAP_LIST_ATTRIBUTE_COUNT] = {
    "\\Noselect", "\\Drafts",  "\\Flagged", "\\Junk",       "\\Sent",
    "\\Trash",    "\\Archive", "\\All",     "\\Subscribed", "\\NonExistent",
};

const char *imap_result_name(ImapResult result)
{
    static const char *const names[] = {
        [IMAP_OK] = "OK",
        [IMAP_NO] = "NO",
        [IMAP_BAD] = "BAD",
    };
    return names[result];
}

/* The names of the bits of `set`, separated by spaces. */
static char *set_text(const char *const *names, unsigned count, uint32_t set)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < count; i++) {
        if ((set & (1U << i)) == 0)
            continue;
        if (text->len > 0)
            g_string_append_c(text, ' ');
        g_string_append(text, names[i]);
    }
    return g_string_free(text, FALSE);
}

static uint32_t bit_named(const char *const *names, unsigned count, Span name)
{
    for (unsigned i = 0; i < count; i++) {
        if (span_equals_text_nocase(name, names[i]))
            return 1U << i;
    }
    return 0;
}

char *imap_flags_text(ImapFlags flags)
{
    return set_text(flag_names, IMAP_FLAG_COUNT, flags);
}

ImapFlags imap_flag_named(Span name)
{
    return (ImapFlags)bit_named(flag_names, IMAP_FLAG_COUNT, name);
}

char *imap_list_attributes_text(uint32_t attributes)
{
    return set_text(attribute_names, IMAP_LIST_ATTRIBUTE_COUNT, attributes);
}

uint32_t imap_list_attribute_named(Span name)
{
    return bit_named(attribute_names, IMAP_LIST_ATTRIBUTE_COUNT, name);
}

ImapFlags imap_flags_after_store(ImapFlags before, ImapStoreMode mode, ImapFlags flags)
{
    switch (mode) {
    case IMAP_STORE_REPLACE:
        return flags;
    case IMAP_STORE_ADD:
        return before | flags;
    case IMAP_STORE_REMOVE:
        return before & (ImapFlags)~flags;
    }
    CHECK(false);
}
