/* The keys of a link's behaviour, which several places of the format have. See format.h. */
#pragma once

#include "scenario/format.h"

/* Bounds that keep every sum of times within int64_t and every count within memory. */
#define LINK_DELAY_MAXIMUM   SIM_DAY
#define LINK_RATE_MAXIMUM    INT64_C(1000000000000)
#define LINK_PACKETS_MAXIMUM INT64_C(1000000)
#define LINK_SIZE_MAXIMUM    (INT64_C(1) << 30)
/* RFC 791 §3.1: what every host must be able to take; an IPv4 packet is at most 65,535 octets. */
#define LINK_MTU_MINIMUM 576
#define LINK_MTU_MAXIMUM 65535

extern const char format_delay_of_zero[];

/* The last argument of LINK_KEYS: what holds of the keys that are seldom given. */
#define LINK_DEFAULTS            "0 s", "0 %", "1500 B", NULL, "any number of octets"
#define LINK_NO_DEFAULTS(absent) NULL, NULL, NULL, absent, absent

#define LINK_SHARE(base, name, member, none, absent, text)                                         \
    {                                                                                              \
        .key = name, .offset = (base) + offsetof(LinkParameters, member),                          \
        .value = {.type = VALUE_QUANTITY, .units = UNITS_SHARE, .maximum = UNITS_SHARE_WHOLE},     \
        .default_text = none, .when_absent = absent, .meaning = text                               \
    }

/* For a struct that has LinkParameters at `base`: defaults of delay, rate and queue, or NULL, and
 * LINK_DEFAULTS or LINK_NO_DEFAULTS(what holds of a key that is absent). */
#define LINK_KEYS(base, delay, rate, queue, ...) LINK_KEYS_(base, delay, rate, queue, __VA_ARGS__)
#define LINK_KEYS_(base, delay, rate, queue, no_time, no_share, mtu, absent, no_buffer)            \
    {.key = "delay",                                                                               \
     .offset = (base) + offsetof(LinkParameters, delay_ns),                                        \
     .value = {.type = VALUE_QUANTITY,                                                             \
               .units = UNITS_DURATION,                                                            \
               .minimum = 1,                                                                       \
               .maximum = LINK_DELAY_MAXIMUM,                                                      \
               .below_minimum = format_delay_of_zero},                                             \
     .default_text = delay,                                                                        \
     .when_absent = absent,                                                                        \
     .meaning = "how long a bit travels from one end to the other; never 0"},                      \
        {.key = "rate",                                                                            \
         .offset = (base) + offsetof(LinkParameters, rate_bps),                                    \
         .value = {.type = VALUE_QUANTITY,                                                         \
                   .units = UNITS_RATE,                                                            \
                   .minimum = 1,                                                                   \
                   .maximum = LINK_RATE_MAXIMUM},                                                  \
         .default_text = rate,                                                                     \
         .when_absent = absent,                                                                    \
         .meaning = "bits a second in each direction; headers count too"},                         \
        LINK_SHARE(base, "loss", loss_ppb, no_share, absent,                                       \
                   "the chance that a packet is lost on the way"),                                 \
        {.key = "queue",                                                                           \
         .offset = (base) + offsetof(LinkParameters, queue_packets),                               \
         .value = {.type = VALUE_QUANTITY,                                                         \
                   .units = UNITS_PACKETS,                                                         \
                   .minimum = 1,                                                                   \
                   .maximum = LINK_PACKETS_MAXIMUM},                                               \
         .default_text = queue,                                                                    \
         .when_absent = absent,                                                                    \
         .meaning = "packets that can wait at each end; further ones are dropped"},                \
        {.key = "buffer",                                                                          \
         .offset = (base) + offsetof(LinkParameters, buffer_bytes),                                \
         .value = {.type = VALUE_QUANTITY,                                                         \
                   .units = UNITS_SIZE,                                                            \
                   .minimum = 1,                                                                   \
                   .maximum = LINK_SIZE_MAXIMUM},                                                  \
         .when_absent = no_buffer,                                                                 \
         .meaning = "octets that can wait at each end, with headers, whatever `queue` allows"},    \
        {.key = "mtu",                                                                             \
         .offset = (base) + offsetof(LinkParameters, mtu_bytes),                                   \
         .value = {.type = VALUE_QUANTITY,                                                         \
                   .units = UNITS_SIZE,                                                            \
                   .minimum = LINK_MTU_MINIMUM,                                                    \
                   .maximum = LINK_MTU_MAXIMUM},                                                   \
         .default_text = mtu,                                                                      \
         .when_absent = absent,                                                                    \
         .meaning = "the largest IP packet that it takes; the sender of a larger one is told so "  \
                    "(RFC 1191)"},                                                                 \
        {.key = "jitter",                                                                          \
         .offset = (base) + offsetof(LinkParameters, jitter_ns),                                   \
         .value = {.type = VALUE_QUANTITY,                                                         \
                   .units = UNITS_DURATION,                                                        \
                   .maximum = LINK_DELAY_MAXIMUM},                                                 \
         .default_text = no_time,                                                                  \
         .when_absent = absent,                                                                    \
         .meaning = "each packet travels longer than `delay` by a random time up to this; none "   \
                    "overtakes another"},                                                          \
        LINK_SHARE(base, "reorder", reorder_ppb, no_share, absent,                                 \
                   "the chance that a packet travels up to twice as long as `delay`, so that "     \
                   "later ones may overtake it"),                                                  \
        LINK_SHARE(base, "duplicate", duplicate_ppb, no_share, absent,                             \
                   "the chance that a packet arrives twice"),                                      \
        LINK_SHARE(base, "corrupt", corrupt_ppb, no_share, absent,                                 \
                   "the chance that one bit of a packet is turned over on the way; checksums "     \
                   "find it")
