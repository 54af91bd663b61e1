/* The rules of a server in the scenario's model: who may send what to whom. See model.h, and
 * policy/policy.h for what they do. Replies have been checked by policy_reply_parse. */
#pragma once

#include "scenario/model_values.h"

typedef enum RelayChoice { RELAY_CHOICE_OWN, RELAY_CHOICE_ANYBODY } RelayChoice;

typedef enum RefuseAtChoice { REFUSE_AT_RECIPIENT, REFUSE_AT_ONCE } RefuseAtChoice;

typedef enum LoginChoice { LOGIN_REQUIRED, LOGIN_OPTIONAL } LoginChoice;

typedef struct ScenarioLogin {
    SourcePosition at;
    int64_t need; /* LoginChoice */
    ScenarioText reply;
} ScenarioLogin;

typedef struct ScenarioRefusedAddresses {
    SourcePosition at;
    ScenarioTexts refuse; /* nodes and ranges of addresses; a router: all machines joined to it */
    ScenarioText reply;
} ScenarioRefusedAddresses;

typedef enum NameNeedChoice { NAME_NEED_NOTHING, NAME_NEED_NAME, NAME_NEED_OWN } NameNeedChoice;

typedef struct ScenarioReverseName {
    SourcePosition at;
    int64_t need; /* NameNeedChoice */
    ScenarioText reply;
} ScenarioReverseName;

typedef struct ScenarioBlocklists {
    SourcePosition at;
    ScenarioTexts zones;
    ScenarioText reply;
} ScenarioBlocklists;

typedef enum HeloNeedChoice {
    HELO_NEED_NOTHING,
    HELO_NEED_FULL,
    HELO_NEED_KNOWN,
    HELO_NEED_OWN
} HeloNeedChoice;

typedef struct ScenarioHelo {
    SourcePosition at;
    int64_t need; /* HeloNeedChoice */
    ScenarioText reply;
} ScenarioHelo;

typedef struct ScenarioRate {
    SourcePosition at;
    int64_t per_client, per_sender; /* messages; 0: any number */
    int64_t within_ns;
    ScenarioText reply;
} ScenarioRate;

typedef struct ScenarioGreylist {
    SourcePosition at;
    int64_t delay_ns; /* 0: no greylisting */
    int64_t retry_within_ns, pass_for_ns;
    int64_t prefix; /* bits of the client's address */
    ScenarioText reply;
} ScenarioGreylist;

typedef enum SpfChoice {
    SPF_CHOICE_UNCHECKED,
    SPF_CHOICE_MARK,
    SPF_CHOICE_REFUSE,
    SPF_CHOICE_STRICT
} SpfChoice;

typedef struct ScenarioSpf {
    SourcePosition at;
    int64_t check; /* SpfChoice */
    ScenarioText reply;
} ScenarioSpf;

/* The reply to what goes beyond a limit that is set elsewhere. */
typedef struct ScenarioLimit {
    SourcePosition at;
    ScenarioText reply;
} ScenarioLimit;

typedef struct ScenarioPolicy {
    SourcePosition at;
    int64_t relay; /* RelayChoice */
    ScenarioText relay_reply;
    int64_t refuse_at; /* RefuseAtChoice */
    ScenarioLogin login;
    ScenarioRefusedAddresses addresses;
    ScenarioReverseName reverse_name;
    ScenarioBlocklists blocklists;
    ScenarioHelo helo;
    ScenarioRate rate;
    ScenarioSpf spf;
    ScenarioLimit recipients, size, quota;
    ScenarioGreylist greylist;
} ScenarioPolicy;
