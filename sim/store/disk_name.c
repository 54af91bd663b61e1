/* Names, packed. See disk_name.h. */
#include "store/disk_name.h"

#include <string.h>

/* Two characters to an octet; of an odd number the last stands before a zero. A mailbox's names
 * begin with a UID, which is mostly zeros: these are one character more, where they come first. */
#define ZEROS "00000"
enum { CODE_ZEROS = 15, CODE_BITS = 4, CODE_MASK = 15 };
static const char characters[] = "\0000123456789.-RS";
static const uint8_t codes[UINT8_MAX + 1] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,
    ['7'] = 8, ['8'] = 9, ['9'] = 10, ['.'] = 11, ['-'] = 12, ['R'] = 13, ['S'] = 14,
};

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

/* Returns how many octets it takes; 0: another character is in it. */
static size_t pack(uint8_t *out, const char *text, size_t length)
{
    const size_t zeros = strlen(ZEROS);
    bool begins_with_zeros = length > zeros && memcmp(text, ZEROS, zeros) == 0;
    if (codes[(uint8_t)text[length - 1]] == 0)
        return 0;
    if (begins_with_zeros) {
        unsigned next = codes[(uint8_t)text[zeros]];
        if (next == 0)
            return 0;
        *out++ = (uint8_t)(CODE_ZEROS << CODE_BITS | next);
        text += zeros + 1;
        length -= zeros + 1;
    }
    if (!pack_pairs(out, text, length))
        return 0;
    if (length % 2 == 1)
        out[length / 2] = (uint8_t)(codes[(uint8_t)text[length - 1]] << CODE_BITS);
    return begins_with_zeros + (length + 1) / 2;
}

void disk_name_set(DiskName *name, const char *text, size_t length)
{
    size_t packed = pack(name->octets, text, length);
    name->is_packed = packed > 0;
    name->length = (uint16_t)(name->is_packed ? packed : length);
    if (!name->is_packed)
        memcpy(name->octets, text, length);
}

char *disk_name_text(const uint8_t *octets, size_t length, bool is_packed)
{
    if (!is_packed)
        return g_strndup((const char *)octets, length);
    char *text = g_malloc(strlen(ZEROS) + 2 * length + 1), *end = text;
    for (size_t i = 0; i < length; i++) {
        unsigned first = octets[i] >> CODE_BITS;
        if (first == CODE_ZEROS)
            end = stpcpy(end, ZEROS);
        else
            *end++ = characters[first];
        *end++ = characters[octets[i] & CODE_MASK];
    }
    *end = '\0';
    return text;
}
