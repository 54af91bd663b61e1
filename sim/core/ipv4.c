/* IPv4 addresses in dotted-decimal form. */
#include "core/ipv4.h"

#include <glib.h>
#include <string.h>

/* Reads one number at *cursor and moves behind it. */
static bool parse_octet(const char **cursor, uint32_t *octet)
{
    const char *start = *cursor;
    uint32_t value = 0;
    while (g_ascii_isdigit(**cursor) && *cursor - start < 3) {
        value = value * 10 + (uint32_t)g_ascii_digit_value(**cursor);
        (*cursor)++;
    }
    bool leading_zero = *start == '0' && *cursor - start > 1;
    *octet = value;
    return *cursor > start && !leading_zero && value <= 255;
}

bool ipv4_parse(const char *text, Ipv4Address *address)
{
    const char *cursor = text;
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t octet = 0;
        if (i > 0 && *cursor++ != '.')
            return false;
        if (!parse_octet(&cursor, &octet))
            return false;
        value = value << 8 | octet;
    }
    if (*cursor != '\0')
        return false;
    *address = value;
    return true;
}

/* Writes a number below 256 in decimal and returns where it ends. */
static char *put_octet(char *at, uint32_t octet)
{
    if (octet >= 100)
        *at++ = (char)('0' + octet / 100);
    if (octet >= 10)
        *at++ = (char)('0' + octet / 10 % 10);
    *at++ = (char)('0' + octet % 10);
    return at;
}

/* By hand, as it is done for each connection and look-up. */
char *ipv4_format(Ipv4Address address, char text[IPV4_TEXT_SIZE])
{
    char *at = text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        at = put_octet(at, address >> shift & 255);
        *at++ = shift > 0 ? '.' : '\0';
    }
    return text;
}

bool ipv4_parse_range(const char *text, Ipv4Address *address, Ipv4Address *mask)
{
    enum { ADDRESS_BITS = 32 };
    const char *slash = strchr(text, '/');
    char plain[IPV4_TEXT_SIZE];
    if (slash == NULL || (size_t)(slash - text) >= sizeof plain)
        return false;
    memcpy(plain, text, (size_t)(slash - text));
    plain[slash - text] = '\0';
    unsigned bits = 0;
    for (const char *digit = slash + 1; digit[0] != '\0'; digit++) {
        if (!g_ascii_isdigit(*digit) || digit - slash > 2)
            return false;
        bits = 10 * bits + (unsigned)(*digit - '0');
    }
    Ipv4Address whole = 0;
    if (slash[1] == '\0' || bits > ADDRESS_BITS || !ipv4_parse(plain, &whole))
        return false;
    *mask = bits == 0 ? 0 : UINT32_MAX << (ADDRESS_BITS - bits);
    *address = whole & *mask;
    return true;
}
