/* Texts put together without the cost of printf: for what is written for each mail. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_NUMBER_SIZE = 21 }; /* 2^64 in decimal, and the NUL */

/* The number in decimal, with zeros in front up to `width` digits (at most 20). What is returned
 * lies in `room`. */
const char *text_number(uint64_t number, unsigned width, char room[static TEXT_NUMBER_SIZE]);
/* Writes its digits, and no NUL, to `out`, which has room for 20; returns how many they are. */
size_t text_put_number(uint64_t number, char *out);
/* Appends several texts; NULL ends them. */
void text_append(GString *text, const char *first, ...) G_GNUC_NULL_TERMINATED;
/* g_string_append of a number in decimal. */
void text_append_number(GString *text, uint64_t number);
