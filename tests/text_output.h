/* Where the writers of text write to in tests: a GString, the output's owner. */
#pragma once

#include "core/bytes.h"

#include <glib.h>

static inline void append_text(void *text, Span bytes)
{
    g_string_append_len(text, (const char *)bytes.data, (gssize)bytes.length);
}
