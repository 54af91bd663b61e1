/* The keys of a server's `timeouts`. See format.h. */
#include "scenario/format.h"

#define TIMEOUT(name, member, standard, what)                                                      \
    {                                                                                              \
        .key = name, .offset = offsetof(ScenarioTimeouts, member),                                 \
        .value = {.type = VALUE_QUANTITY,                                                          \
                  .units = UNITS_DURATION,                                                         \
                  .minimum = SIM_MILLISECOND,                                                      \
                  .maximum = SIM_DAY},                                                             \
        .default_text = standard, .meaning = what                                                  \
    }

/* The least that RFC 5321 advises, but for the connection, which is Postfix's. */
static const KeySpec timeouts_keys[] = {
    TIMEOUT("connect", connect_ns, "30 s",
            "for a TCP connection to another server; then the next of its hosts is tried"),
    TIMEOUT("greeting", greeting_ns, "5 min", "for the greeting, 220"),
    TIMEOUT("hello", hello_ns, "5 min", "for the reply to EHLO, HELO, STARTTLS, RSET and QUIT"),
    TIMEOUT("mail", mail_ns, "5 min", "for the reply to MAIL"),
    TIMEOUT("rcpt", rcpt_ns, "5 min", "for the reply to each RCPT"),
    TIMEOUT("data", data_ns, "2 min", "for the reply to DATA, 354"),
    TIMEOUT("block", block_ns, "3 min", "for room to send the next piece of the message"),
    TIMEOUT("final_dot", final_dot_ns, "10 min",
            "for the reply to the whole message: a sender that gives up too soon sends it again"),
    TIMEOUT("command", command_ns, "5 min",
            "for a client's next command, or the next piece of its message; then 421"),
};

const MappingSpec format_timeouts = {
    .what = "`timeouts`",
    .size = sizeof(ScenarioTimeouts),
    .keys = timeouts_keys,
    .key_count = G_N_ELEMENTS(timeouts_keys),
};
