/* The states of a mail route as data. */
#include "proto/mail_route_actions.h"

static const char *const state_names[] = {
    [MAIL_ROUTE_STATE_MX] = "asking-mx",
    [MAIL_ROUTE_STATE_ADDRESSES] = "asking-addresses",
    [MAIL_ROUTE_STATE_FINISHED] = "finished",
};

static const char *const event_names[] = {
    [MAIL_ROUTE_EVENT_RECORDS] = "records",   [MAIL_ROUTE_EVENT_NULL_MX] = "null-mx",
    [MAIL_ROUTE_EVENT_ALIAS] = "alias",       [MAIL_ROUTE_EVENT_NODATA] = "nodata",
    [MAIL_ROUTE_EVENT_NXDOMAIN] = "nxdomain", [MAIL_ROUTE_EVENT_FAILURE] = "failure",
    [MAIL_ROUTE_EVENT_ALL_DONE] = "all-done", [MAIL_ROUTE_EVENT_LITERAL] = "literal",
};

static const char *const action_names[] = {
    [MAIL_ROUTE_SORT] = "sort the exchanges, drop us and whatever is not preferred to us",
    [MAIL_ROUTE_FOLLOW] = "ask again for the name that the alias leads to",
    [MAIL_ROUTE_IMPLY] = "take the domain itself as its exchange",
    [MAIL_ROUTE_REFUSE] = "fail: the domain takes no mail",
    [MAIL_ROUTE_MISS] = "fail: the domain does not exist",
    [MAIL_ROUTE_DELAY] = "fail for now",
    [MAIL_ROUTE_KEEP] = "keep the host with its addresses, unless one is ours",
    [MAIL_ROUTE_SKIP] = "pass over the host",
    [MAIL_ROUTE_SKIP_FOR_NOW] = "pass over the host, and remember that it may come back",
    [MAIL_ROUTE_USE_LITERAL] = "take the address, unless it is ours",
    [MAIL_ROUTE_CONCLUDE] = "give the hosts out, or the reason why there is none",
    [MAIL_ROUTE_BUG] = "cannot happen",
};

#define CELL(STATE, EVENT, NEXT, ACTION, SECTION)                                                  \
    [MAIL_ROUTE_STATE_##STATE * MAIL_ROUTE_EVENT_COUNT + MAIL_ROUTE_EVENT_##EVENT] = {             \
        .next = MAIL_ROUTE_STATE_##NEXT, .action = MAIL_ROUTE_##ACTION, .section = SECTION}

static const StateCell cells[] = {
    CELL(MX, RECORDS, ADDRESSES, SORT, "RFC 5321 §5.1"),
    CELL(MX, NULL_MX, FINISHED, REFUSE, "RFC 7505 §3"),
    CELL(MX, ALIAS, MX, FOLLOW, "RFC 5321 §5.1"),
    CELL(MX, NODATA, ADDRESSES, IMPLY, "RFC 5321 §5.1"),
    CELL(MX, NXDOMAIN, FINISHED, MISS, "RFC 5321 §5.1"),
    CELL(MX, FAILURE, FINISHED, DELAY, "RFC 5321 §5.1"),
    CELL(MX, ALL_DONE, MX, BUG, "RFC 5321 §5.1"),
    CELL(MX, LITERAL, FINISHED, USE_LITERAL, "RFC 5321 §4.1.3"),

    CELL(ADDRESSES, RECORDS, ADDRESSES, KEEP, "RFC 5321 §5.1"),
    CELL(ADDRESSES, NULL_MX, ADDRESSES, BUG, "RFC 7505 §3"),
    CELL(ADDRESSES, ALIAS, ADDRESSES, FOLLOW, "RFC 2181 §10.3"),
    CELL(ADDRESSES, NODATA, ADDRESSES, SKIP, "RFC 5321 §5.1"),
    CELL(ADDRESSES, NXDOMAIN, ADDRESSES, SKIP, "RFC 5321 §5.1"),
    CELL(ADDRESSES, FAILURE, ADDRESSES, SKIP_FOR_NOW, "RFC 5321 §5.1"),
    CELL(ADDRESSES, ALL_DONE, FINISHED, CONCLUDE, "RFC 5321 §5.1"),
    CELL(ADDRESSES, LITERAL, ADDRESSES, BUG, "RFC 5321 §4.1.3"),

    CELL(FINISHED, RECORDS, FINISHED, BUG, "RFC 5321 §5.1"),
    CELL(FINISHED, NULL_MX, FINISHED, BUG, "RFC 5321 §5.1"),
    CELL(FINISHED, ALIAS, FINISHED, BUG, "RFC 5321 §5.1"),
    CELL(FINISHED, NODATA, FINISHED, BUG, "RFC 5321 §5.1"),
    CELL(FINISHED, NXDOMAIN, FINISHED, BUG, "RFC 5321 §5.1"),
    CELL(FINISHED, FAILURE, FINISHED, BUG, "RFC 5321 §5.1"),
    CELL(FINISHED, ALL_DONE, FINISHED, BUG, "RFC 5321 §5.1"),
    CELL(FINISHED, LITERAL, FINISHED, BUG, "RFC 5321 §4.1.3"),
};

const StateTable mail_route_table = {
    .name = "mail-route",
    .title = "where mail for a domain goes",
    .source = "RFC 5321 §5.1, RFC 7505",
    .states = state_names,
    .events = event_names,
    .actions = action_names,
    .state_count = MAIL_ROUTE_STATE_COUNT,
    .event_count = MAIL_ROUTE_EVENT_COUNT,
    .action_count = MAIL_ROUTE_ACTION_COUNT,
    .initial = MAIL_ROUTE_STATE_MX,
    .cells = cells,
};
