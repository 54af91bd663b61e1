/* What a mail route does at its transitions; for proto/mail_route.c and its table. */
#pragma once

#include "proto/mail_route.h"

enum {
    MAIL_ROUTE_SORT,
    MAIL_ROUTE_FOLLOW,
    MAIL_ROUTE_IMPLY,
    MAIL_ROUTE_REFUSE,
    MAIL_ROUTE_MISS,
    MAIL_ROUTE_DELAY,
    MAIL_ROUTE_KEEP,
    MAIL_ROUTE_SKIP,
    MAIL_ROUTE_SKIP_FOR_NOW,
    MAIL_ROUTE_USE_LITERAL,
    MAIL_ROUTE_CONCLUDE,
    MAIL_ROUTE_BUG,
    MAIL_ROUTE_ACTION_COUNT,
};
