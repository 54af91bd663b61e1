/* SPF's macros. See spf_macro.h. */
#include "policy/spf_macro.h"

#include "core/check.h"

#include <glib.h>
#include <string.h>

#define DELIMITERS ".-+,/_=" /* RFC 7208 §7.1 */

/* `%{d2r-}` taken apart. */
typedef struct Macro {
    char letter;     /* in lower case */
    bool is_escaped; /* a capital letter: escaped as in URLs */
    unsigned parts;  /* from the right; 0: all */
    bool is_reversed;
    char delimiters[sizeof DELIMITERS];
    size_t length; /* of the macro in the text */
} Macro;

static bool read_parts(const char **at, unsigned *parts)
{
    *parts = 0;
    if (!g_ascii_isdigit(**at))
        return true;
    while (g_ascii_isdigit(**at) && *parts < 1000)
        *parts = *parts * 10 + (unsigned)g_ascii_digit_value(*(*at)++);
    return *parts > 0 && !g_ascii_isdigit(**at); /* §7.1: at least one */
}

static bool read_macro(const char *text, Macro *macro)
{
    const char *at = text + 2; /* behind %{ */
    *macro = (Macro){.letter = g_ascii_tolower(*at), .is_escaped = g_ascii_isupper(*at)};
    if (*at == '\0' || strchr("slodiphv", macro->letter) == NULL)
        return false;
    at++;
    if (!read_parts(&at, &macro->parts))
        return false;
    macro->is_reversed = *at == 'r' || *at == 'R';
    at += macro->is_reversed;
    size_t count = strspn(at, DELIMITERS);
    if (count >= sizeof macro->delimiters)
        return false;
    g_strlcpy(macro->delimiters, count > 0 ? at : ".", count > 0 ? count + 1 : 2);
    at += count;
    macro->length = (size_t)(at + 1 - text);
    return *at == '}';
}

static bool is_short_macro(const char *text)
{
    return text[1] == '%' || text[1] == '_' || text[1] == '-';
}

bool spf_macros_are_valid(const char *text)
{
    Macro macro;
    for (const char *at = text; *at != '\0';) {
        if (*at != '%') {
            at++;
        } else if (is_short_macro(at)) {
            at += 2;
        } else {
            if (at[1] != '{' || !read_macro(at, &macro))
                return false;
            at += macro.length;
        }
    }
    return true;
}

static char *value_of(const Macro *macro, const SpfMacroValues *values)
{
    const char *at = strrchr(values->sender, '@');
    CHECK(at != NULL);
    char address[IPV4_TEXT_SIZE];
    switch (macro->letter) {
    case 's':
        return g_strdup(values->sender);
    case 'l':
        return g_strndup(values->sender, (gsize)(at - values->sender));
    case 'o':
        return g_strdup(at + 1);
    case 'd':
        return g_strdup(values->domain);
    case 'h':
        return g_strdup(values->helo);
    case 'i':
        return g_strdup(ipv4_format(values->client, address));
    case 'v':
        return g_strdup("in-addr");
    default:
        return g_strdup("unknown");
    }
}

/* The parts between delimiters, turned round if so wanted, the rightmost of them, joined by dots.
 */
static char *transform(const Macro *macro, const char *value)
{
    g_auto(GStrv) parts = g_strsplit_set(value, macro->delimiters, -1);
    guint count = g_strv_length(parts);
    for (guint i = 0; macro->is_reversed && i < count / 2; i++) {
        char *swapped = parts[i];
        parts[i] = parts[count - 1 - i];
        parts[count - 1 - i] = swapped;
    }
    guint first = macro->parts > 0 && macro->parts < count ? count - macro->parts : 0;
    return g_strjoinv(".", parts + first);
}

static void append_macro(GString *out, const Macro *macro, const SpfMacroValues *values)
{
    g_autofree char *value = value_of(macro, values);
    g_autofree char *text = transform(macro, value);
    g_autofree char *escaped = g_uri_escape_string(text, NULL, FALSE);
    g_string_append(out, macro->is_escaped ? escaped : text);
}

char *spf_macros_expand(const char *text, const SpfMacroValues *values)
{
    GString *out = g_string_new(NULL);
    Macro macro;
    for (const char *at = text; *at != '\0';) {
        if (*at != '%') {
            g_string_append_c(out, *at++);
        } else if (is_short_macro(at)) {
            g_string_append(out, at[1] == '%' ? "%" : at[1] == '_' ? " " : "%20");
            at += 2;
        } else {
            CHECK(at[1] == '{' && read_macro(at, &macro));
            append_macro(out, &macro, values);
            at += macro.length;
        }
    }
    return g_string_free(out, FALSE);
}
