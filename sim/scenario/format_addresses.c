/* What the addresses of a server are: users, aliases, mailing lists. See format.h. */
#include "scenario/format.h"

#define QUOTA_MAXIMUM (INT64_C(1) << 50)

#include "mail/envelope.h"

static const ValueSpec an_address = {.type = VALUE_ADDRESS};

static const KeySpec vacation_keys[] = {
    {.key = "body",
     .offset = offsetof(ScenarioVacation, body),
     .value = {.type = VALUE_TEXT},
     .when_absent = "nothing is answered",
     .meaning = "the text of the answer"},
    {.key = "subject",
     .offset = offsetof(ScenarioVacation, subject),
     .value = {.type = VALUE_TEXT},
     .when_absent = "that of the mail, with `Auto: ` before it",
     .meaning = "its subject"},
    {.key = "from",
     .offset = offsetof(ScenarioVacation, from_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SCENARIO_TIME_MAXIMUM},
     .default_text = "0 s",
     .meaning = "when answers begin, counted from the start of the run"},
    {.key = "until",
     .offset = offsetof(ScenarioVacation, until_ns),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_DURATION,
               .minimum = 1,
               .maximum = SCENARIO_TIME_MAXIMUM},
     .when_absent = "the run ends",
     .meaning = "when they end"},
    {.key = "again_after",
     .offset = offsetof(ScenarioVacation, again_after_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SCENARIO_TIME_MAXIMUM},
     .default_text = "7 d",
     .meaning = "the same sender is answered once within so long"},
};

static const MappingSpec vacation = {
    .what = "`vacation`",
    .size = sizeof(ScenarioVacation),
    .keys = vacation_keys,
    .key_count = G_N_ELEMENTS(vacation_keys),
};

static const KeySpec user_keys[] = {
    {.key = "quota",
     .offset = offsetof(ScenarioUser, quota_bytes),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_SIZE, .minimum = 1, .maximum = QUOTA_MAXIMUM},
     .when_absent = "any size",
     .meaning = "how much the mailbox may hold; mail beyond that gets the reply of "
                "`policy.quota`"},
    {.key = "forward",
     .offset = offsetof(ScenarioUser, forward),
     .value = {.type = VALUE_LIST, .element = &an_address, .most = ENVELOPE_RECIPIENTS_MAX},
     .default_text = "[]",
     .meaning = "addresses that the user's mail goes to in place of the mailbox; the user's own "
                "address among them keeps a copy"},
    {.key = "vacation",
     .offset = offsetof(ScenarioUser, vacation),
     .value = {.type = VALUE_MAP, .mapping = &vacation},
     .meaning = "how mail that comes into the mailbox is answered while the user is away. Lists, "
                "programs, notifications and who has had the answer lately get none (RFC 3834)"},
};

const MappingSpec format_user = {
    .what = "a user",
    .size = sizeof(ScenarioUser),
    .keys = user_keys,
    .key_count = G_N_ELEMENTS(user_keys),
    .name_type = VALUE_USER_NAME,
    .name_offset = offsetof(ScenarioUser, name),
    .name_meaning = "the part of the address before the @, in each of the server's domains",
};

static const KeySpec alias_keys[] = {
    {.key = "to",
     .offset = offsetof(ScenarioAlias, to),
     .value =
         {.type = VALUE_LIST, .element = &an_address, .least = 1, .most = ENVELOPE_RECIPIENTS_MAX},
     .is_required = true,
     .meaning = "the addresses that it stands for"},
};

const MappingSpec format_alias = {
    .what = "an alias",
    .size = sizeof(ScenarioAlias),
    .keys = alias_keys,
    .key_count = G_N_ELEMENTS(alias_keys),
    .name_type = VALUE_USER_NAME,
    .name_offset = offsetof(ScenarioAlias, name),
    .name_meaning = "the part of the address before the @, in each of the server's domains",
};

static const KeySpec list_keys[] = {
    {.key = "owner",
     .offset = offsetof(ScenarioList, owner),
     .value = {.type = VALUE_ADDRESS},
     .is_required = true,
     .meaning =
         "the address of who administers it, and gets the mail to NAME-request and NAME-owner; "
         "the latter is the sender of what goes to members, so bounces are among it"},
    {.key = "members",
     .offset = offsetof(ScenarioList, members),
     .value =
         {.type = VALUE_LIST, .element = &an_address, .least = 1, .most = ENVELOPE_RECIPIENTS_MAX},
     .is_required = true,
     .meaning = "the addresses to which it sends on what it gets"},
};

const MappingSpec format_list = {
    .what = "a mailing list",
    .size = sizeof(ScenarioList),
    .keys = list_keys,
    .key_count = G_N_ELEMENTS(list_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioList, name),
    .name_meaning = "the part of the address before the @, in each of the server's domains",
};
