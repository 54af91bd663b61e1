/* Names, packed. See disk_name.h. */
#include "store/disk_name.h"

#include <string.h>

/* Two of these characters to an octet; of an odd number the last stands before a zero. */
static const char characters[] = "\0000123456789.-FRS";
static const uint8_t codes[UINT8_MAX + 1] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['.'] = 11, ['-'] = 12, ['F'] = 13, ['R'] = 14, ['S'] = 15,
};
enum { CODE_BITS = 4, CODE_MASK = 15 };

/* False when another character is in it. A last one without another is left out. */
static bool pack_pairs(uint8_t *out, const char *text, size_t length)
{
    for (size_t i = 0; i + 1 < length; i += 2) {
        unsigned first = codes[(uint8_t)text[i]], second = codes[(uint8_t)text[i + 1]];
        if (first == 0 || second == 0)
            return false;
        *out++ = (uint8_t)(first << CODE_BITS | second);
    }
    return true;
}

static bool pack(DiskName *name, const char *text, size_t length)
{
    unsigned last = codes[(uint8_t)text[length - 1]];
    if (last == 0 || !pack_pairs(name->octets, text, length))
        return false;
    if (length % 2 == 1)
        name->octets[length / 2] = (uint8_t)(last << CODE_BITS);
    return true;
}

void disk_name_set(DiskName *name, const char *text, size_t length)
{
    name->is_packed = pack(name, text, length);
    name->length = (uint16_t)(name->is_packed ? (length + 1) / 2 : length);
    if (!name->is_packed)
        memcpy(name->octets, text, length);
}

char *disk_name_text(const uint8_t *octets, size_t length, bool is_packed)
{
    if (!is_packed)
        return g_strndup((const char *)octets, length);
    char *text = g_malloc(2 * length + 1);
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = characters[octets[i] >> CODE_BITS];
        text[2 * i + 1] = characters[octets[i] & CODE_MASK];
    }
    text[2 * length] = '\0';
    return text;
}
