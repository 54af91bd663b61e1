/* The simulator's name of a mail, as the store's trace records tell it. */
#pragma once

#include "core/bytes.h"
#include "store/stored_message.h"

#include <glib.h>

/* The left part of the message's Message-ID as valid UTF-8; "" when it has none. To free. */
char *mail_name_of(Octets *message);
char *mail_name_of_stored(const StoredMessage *message);
/* The same of the message in a file, of which no more is read than need be. */
char *mail_name_of_file(const Disk *disk, const char *path);
/* The same of a left part that has been found. */
char *mail_name_of_left(Span left);
