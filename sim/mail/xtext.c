/* xtext: RFC 3461 §4. */
#include "mail/xtext.h"

#include <string.h>

char *xtext_encode(Span octets)
{
    GString *xtext = g_string_sized_new(octets.length);
    for (size_t i = 0; i < octets.length; i++) {
        uint8_t octet = octets.data[i];
        if (octet >= '!' && octet <= '~' && octet != '+' && octet != '=')
            g_string_append_c(xtext, (char)octet);
        else
            g_string_append_printf(xtext, "+%02X", octet);
    }
    return g_string_free(xtext, FALSE);
}

/* RFC 3461 §4 wants upper case digits; -1 for anything else. */
static int hex_value(uint8_t digit)
{
    return digit >= 'a' && digit <= 'f' ? -1 : g_ascii_xdigit_value((char)digit);
}

/* Reads one octet's worth at the start of `xtext`: how many characters it took, or 0. */
static size_t decode_one(Span xtext, uint8_t *octet)
{
    uint8_t first = xtext.data[0];
    if (first != '+') {
        *octet = first;
        return first >= '!' && first <= '~' && first != '=' ? 1 : 0;
    }
    if (xtext.length < 3 || hex_value(xtext.data[1]) < 0 || hex_value(xtext.data[2]) < 0)
        return 0;
    *octet = (uint8_t)(hex_value(xtext.data[1]) * 16 + hex_value(xtext.data[2]));
    return *octet == 0 ? 0 : 3;
}

char *xtext_decode(Span xtext)
{
    g_autofree char *octets = g_malloc(xtext.length + 1);
    char *end = octets;
    while (xtext.length > 0) {
        uint8_t octet = 0;
        size_t used = decode_one(xtext, &octet);
        if (used == 0)
            return NULL;
        *end++ = (char)octet;
        xtext = span_skip(xtext, used);
    }
    *end = '\0';
    return g_steal_pointer(&octets);
}
