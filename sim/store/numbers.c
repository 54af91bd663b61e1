/* Decimal numbers. See numbers.h. */
#include "store/numbers.h"

bool number_parse(Span text, uint64_t maximum, uint64_t *number)
{
    enum { SAFE_DIGITS = 19 }; /* so many cannot overflow */
    uint64_t value = 0;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9)
            return false;
        if (i < SAFE_DIGITS)
            value = value * 10 + digit;
        else if (__builtin_mul_overflow(value, 10, &value) ||
                 __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *number = value;
    return value <= maximum;
}

bool number_take(Span *text, char end, uint64_t maximum, uint64_t *number)
{
    size_t length = 0;
    while (length < text->length && text->data[length] != (uint8_t)end)
        length++;
    if (length == text->length || !number_parse(span_of(text->data, length), maximum, number))
        return false;
    *text = span_skip(*text, length + 1);
    return true;
}
