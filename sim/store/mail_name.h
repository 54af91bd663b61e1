/* The simulator's name of a mail, as the store's trace records tell it. */
#pragma once

#include <glib.h>

/* The left part of the message's Message-ID as valid UTF-8; "" when it has none. To free. */
char *mail_name_of(GBytes *message);
