/* The words of the story: every sentence is here, so that it can be translated. `{name}` stands for
 * a value. See story_internal.h. */
#include "audit/story_internal.h"

#include "core/text.h"
#include "core/units.h"

#include <string.h>

static const char *const WORDS[WORDS_COUNT] = {
    [WORDS_UNKNOWN_MAIL] = "This run knows no mail of the name \"{mail}\".",
    [WORDS_COMPOSED] =
        "The agent {host} wrote {mail} to {recipients}: \"{subject}\", {size} octets.",
    [WORDS_SUBMITTED] = "It began to hand {mail} to its own mail server, {server}.",
    [WORDS_NOT_SUBMITTED] = "{host} could not hand {mail} over: {reason}{because}.",
    [WORDS_NOT_SUBMITTED_FOR] = ("{host} could not hand {mail} over for {recipients}: "
                                 "{reason}{because}."),
    [WORDS_TOLD_NO_OUTBOX] = " It keeps no outbox to try again from, so its person was told at "
                             "once.",
    [WORDS_TOLD_FINAL] = " That is final, so its person was told at once.",
    [WORDS_TOLD_AFTER_TRYING] = " It had tried for {age}; its outbox keeps a message no longer, "
                                "so its person was told.",
    [WORDS_SENT_DIRECTLY] =
        "It began to send {mail} by itself to the mail server of {server}, past "
        "its own.",
    [WORDS_LOST_BY_AGENT] = "{host} could not hand {mail} to {recipients} over by itself: "
                            "{reason}{because}. It has no queue, so nobody has the message now.",
    [WORDS_KEPT_BY_AGENT] = "{host} could not hand {mail} over: {reason}{because}. It kept it in "
                            "its outbox, to try its server again.",
    [WORDS_ACCEPTED_FROM_AGENT] = "{host} took responsibility for {mail} to {recipients} and put "
                                  "it into its message queue, as entry {entry}.",
    [WORDS_ACCEPTED_FROM_SERVER] = "{host} took {mail} to {recipients} over from {previous} and "
                                   "put it into its own message queue, as entry {entry}.",
    [WORDS_NOTIFICATION_ACCEPTED] = "{host} wrote the notification {mail} to {recipients} and put "
                                    "it into its message queue, as entry {entry}.",
    [WORDS_EXPANDED_ALIAS] = ("{recipients} is an alias on {host}: {mail} goes to {reason} in its "
                              "place."),
    [WORDS_EXPANDED_FORWARD] = "{recipients} has {mail} forwarded: {host} sends it to {reason}.",
    [WORDS_EXPANDED_LIST] =
        ("{recipients} is a mailing list on {host}: {mail} goes to its members, "
         "{reason}, with the list's owner as the envelope's sender."),
    [WORDS_EXPANDED_OWNER] = ("{host} passes {mail} to {recipients} on to the list's owner, "
                              "{reason}."),
    [WORDS_EXPANDED_CATCH_ALL] =
        ("{host} has no user {recipients}, and gives {mail} to the one who "
         "gets the mail for all such, {reason}."),
    [WORDS_ACCEPTED_FROM_EXPANSION] = ("{host} put {mail} to {recipients} into its message queue, "
                                       "as entry {entry}."),
    [WORDS_NO_CONNECTION] = "Attempt {attempt}: {host} could not send {mail} to {recipients} by "
                            "way of {where}: {reason}{because}.",
    [WORDS_REPLY] = "Attempt {attempt}: {where} would not take {mail} to {recipients}; it said "
                    "\"{reason}\"{because}.",
    [WORDS_NO_NAME] = "Attempt {attempt}: {host} could not find out where to send {mail} to "
                      "{recipients} ({where}: {reason}){because}.",
    [WORDS_NO_MAILBOX] = "Attempt {attempt}: {host} could not put {mail} into the mailbox of "
                         "{recipients}: {reason}{because}.",
    [WORDS_FAILED] = "Attempt {attempt} of {host} to send {mail} to {recipients} failed: "
                     "{reason}{because}.",
    [WORDS_WAITS] = " It waited in the queue until {until}.",
    [WORDS_AGAIN_ONCE] = " The same happened once more, at {last}; then it waited until {until}.",
    [WORDS_AGAIN] = " The same happened {times} more times, the last time at {last}; then it "
                    "waited until {until}.",
    [WORDS_RELAYED] = "{host} heard from {next} that it has {mail} to {recipients} now "
                      "(\"{reason}\", attempt {attempt}), and was done with it.",
    [WORDS_TRIED_FIRST] = " It had tried {where} first, in vain{because}.",
    [WORDS_DELIVERED] = "{host} put {mail} into the mailbox of {recipients}.",
    [WORDS_FOUND_DELIVERED] =
        "{host} found {mail} in the mailbox of {recipients}, {reason}, and did not put it there "
        "again.",
    [WORDS_UNCERTAIN] = "The connection failed after the final dot{because}. {host} cannot know "
                        "whether {mail} to {recipients} got through, and rather sends it twice "
                        "than loses it (RFC 1047).",
    [WORDS_EXPIRED] = "{host} gave up: {mail} to {recipients} was past its lifetime. The last "
                      "attempt had failed too: {reason}{because}.",
    [WORDS_BOUNCED] = "{host} returned {mail} to {recipients} to the sender of its envelope: "
                      "{reason}{because}. The notification is {notification}.",
    [WORDS_BOUNCED_FOR_REPLY] = "{where} refused {mail} to {recipients} for good: \"{reason}\". So "
                                "{host} told the sender of its envelope; the notification is "
                                "{notification}.",
    [WORDS_BOUNCED_LATE] = "{where} had refused {mail} to {recipients} for good at {replied}: "
                           "\"{reason}\". Only now {host} had room on its disk for the "
                           "notification, {notification}.",
    [WORDS_DELAYED] = "{host} warned the sender that {mail} to {recipients} had not been "
                      "delivered yet; the notification is {notification}.",
    [WORDS_CONFIRMED] = "{host} told the sender, who had asked for it, that {mail} to {recipients} "
                        "was {reason}; the notification is {notification}.",
    [WORDS_ANSWERED] = "{recipients} is away: {host} answered {mail} by {notification}.",
    [WORDS_UNANSWERED] = "{recipients} is away, and {host} did not answer {mail}: {reason}.",
    [WORDS_DISCARDED] = "{host} discarded {mail} to {recipients}: {reason}.",
    [WORDS_ROUNDS] = "So it went {count} times more, from {time} to {until}.",
    [WORDS_RECOVERED] =
        "{host} started anew{because}, and found {mail} on its disk, as queue entry "
        "{entry}.",
    [WORDS_HELD] = "The administrator of {host} put {mail} on hold: no attempt is made.",
    [WORDS_RELEASED] = "The administrator of {host} released {mail}.",
    [WORDS_RECEIVED] = "{host} fetched {mail}.",
    [WORDS_READ] = "{mail} was read on {host}.",
    [WORDS_EXPUNGED] = "{mail} was removed from {folder} of {recipients} on {host}.",
    [WORDS_BECAUSE] = ", because {reason}",
    [WORDS_AND] = " and ",
    [WORDS_COMMA] = ", ",
    [WORDS_ONE_ATTEMPT] = "1 attempt",
    [WORDS_ATTEMPTS] = "{count} attempts",
    [WORDS_END_DELIVERED] = "In the end {mail} was delivered to {recipients}, {age} after it was "
                            "sent, with {attempts} over the network.",
    [WORDS_END_DELIVERED_HERE] = "In the end {mail} was delivered to {recipients}, {age} after it "
                                 "was sent, and did not leave its server.",
    [WORDS_END_COPIES] = " It was delivered {count} times.",
    [WORDS_END_QUEUED] = "In the end {mail} to {recipients} still waits in a message queue, after "
                         "{attempts} over the network.",
    [WORDS_END_BOUNCED] =
        "In the end {mail} was not delivered to {recipients}, and {notification} "
        "was written to the sender of its envelope, {age} after it was sent, with {attempts} over "
        "the network.",
    [WORDS_END_DISCARDED] = "In the end {mail} to {recipients} was discarded by a rule.",
    [WORDS_END_RELAYED] =
        "In the end a server outside of the simulation has {mail} to {recipients}, "
        "after {attempts} over the network.",
    [WORDS_END_EXPANDED] = "In the end {mail} to {recipients} went to other addresses in its "
                           "place.",
    [WORDS_END_LOST] = "In the end {mail} to {recipients} is lost: a server took responsibility "
                       "for it, and nobody has it{because}.",
    [WORDS_END_REFUSED] = "In the end no server took {mail} to {recipients}, and its author knows.",
    [WORDS_END_LOST_BY_AGENT] = "In the end {mail} to {recipients} is lost: the agent that sent it "
                                "could not hand it over and has no queue.",
    [WORDS_END_NONE] = "In the end {mail} to {recipients} was not sent.",
    [WORDS_CHAIN] = "How that came about, from the end back to the timeline:",
    [WORDS_CHAIN_FOLDED_ONE] = "(another attempt had failed in the same way before)",
    [WORDS_CHAIN_FOLDED] = "({count} attempts had failed in the same way before)",
    [WORDS_CHAIN_ROUNDS] = "(and {count} times more the same, back to {until})",
    [WORDS_CHAIN_ABOVE] = "(and so on, as told of {mail})",
};

/* How a record reads as a reason, after "because". Other kinds are never one. */
static const char *const REASONS[TRACE_KIND_COUNT] = {
    [TRACE_HOST_CRASH] = "the {what} on {host} had crashed at {time}",
    [TRACE_HOST_POWER_OFF] = "{host} had lost power at {time}",
    [TRACE_HOST_SHUTDOWN] = "the {what} on {host} had been shut down at {time}",
    [TRACE_HOST_RESTART] = "the {what} on {host} had started at {time}",
    [TRACE_LINK_DOWN] = "the link between {what} and {more} had been down since {time}",
    [TRACE_DNS_FAIL] = "look-ups of {what} had been failing since {time} ({more})",
    [TRACE_FIREWALL_SET] = "the firewall of {host} stops it (\"{what}\", since {time})",
    [TRACE_NAT_ADDRESS] = ("of the NAT of {host} as it is since {time}: its table has no entry for "
                           "this, or the address is its no longer"),
    [TRACE_DNS_SET] = "the records of {what} had been changed at {time}",
    [TRACE_DISK_FILL] = "something else had filled the disk of {host} up at {time}",
    [TRACE_DISK_FULL] = "the disk of {host} was full at {time}",
    [TRACE_POLICY_VERDICT] = "the rule \"{what}\" of {host} decided so: {more}",
    [TRACE_DISK_FAIL] = "the disk of {host} had begun to fail at {time} ({more})",
    [TRACE_DISK_ERROR] = "the disk of {host} had failed at {time} ({what} {more})",
    [TRACE_TIMELINE_ACTION] = "of the timeline's \"{what} {more}\" at {time}",
};

/* How a record reads as a link in the chain of causes; others as trace/kinds.def explains them. */
static const char *const LINKS[TRACE_KIND_COUNT] = {
    [TRACE_TIMELINE_BEGIN] = "the run begins",
    [TRACE_TIMELINE_END] = "the run ends",
    [TRACE_TIMELINE_ACTION] = "the timeline says: {what} {more}",
    [TRACE_AGENT_COMPOSE] = "{host} writes {mail}",
    [TRACE_AGENT_SUBMIT] = "{host} hands {mail} to {what}",
    [TRACE_AGENT_FAILED] = "{host} could not hand {mail} over: {more}",
    [TRACE_POLICY_VERDICT] = "the rule \"{what}\" of {host} decides: {more}",
    [TRACE_AGENT_LOST] = "{host} gives {mail} to {recipient} up: {more}",
    [TRACE_AGENT_WAIT] = "{host} keeps {mail} in its outbox: {more}",
    [TRACE_MAIL_ACCEPTED] = "{host} accepts {mail}",
    [TRACE_MAIL_EXPANDED] = "{host} replaces {recipient} ({what}) by {more}",
    [TRACE_MAIL_RELAYED] = "{host} hands {mail} on to {what}",
    [TRACE_MAIL_DELIVERED] = "{host} delivers {mail} to {recipient}",
    [TRACE_MAIL_EXPIRED] = ("{host} gives up on {mail}: past its lifetime, and the last "
                            "attempt failed too"),
    [TRACE_MAIL_BOUNCED] = "{host} returns {mail} to {recipient}: {more}",
    [TRACE_MAIL_DELAYED] = "{host} warns of the delay of {mail}",
    [TRACE_MAIL_CONFIRMED] = "{host} tells the sender of the success of {mail}",
    [TRACE_MAIL_ANSWERED] = "{host} answers {mail} for {recipient}",
    [TRACE_MAIL_UNANSWERED] = "{host} does not answer {mail}: {more}",
    [TRACE_MAIL_DISCARDED] = "{host} discards {mail} to {recipient}: {more}",
    [TRACE_MAIL_UNCERTAIN] = "{host} cannot know whether {mail} got through",
    [TRACE_QUEUE_ENTER] = "{mail} enters the queue of {host}",
    [TRACE_QUEUE_ATTEMPT] = "{host} begins attempt {number} for {mail} ({what})",
    [TRACE_QUEUE_DEFER] = "{host} puts {mail} off: {more}",
    [TRACE_QUEUE_REMOVE] = "{mail} leaves the queue of {host}",
    [TRACE_QUEUE_RECOVER] = "{host} finds {mail} on its disk",
    [TRACE_QUEUE_HOLD] = "the administrator of {host} puts {mail} on hold",
    [TRACE_QUEUE_RELEASE] = "the administrator of {host} releases {mail}",
    [TRACE_MAILBOX_STORE] = "{host} stores {mail} in {what} of {recipient}",
    [TRACE_HOST_CRASH] = "the {what} on {host} crashes",
    [TRACE_HOST_POWER_OFF] = "{host} loses power",
    [TRACE_HOST_SHUTDOWN] = "the {what} on {host} shuts down",
    [TRACE_HOST_RESTART] = "the {what} on {host} starts",
    [TRACE_DISK_FULL] = "the disk of {host} has no room",
    [TRACE_DISK_FAIL] = "the disk of {host} begins to fail ({more})",
    [TRACE_DISK_ERROR] = "the disk of {host} fails ({what} {more})",
    [TRACE_LINK_DOWN] = "the link between {what} and {more} goes down",
    [TRACE_LINK_UP] = "the link between {what} and {more} is up",
    [TRACE_FIREWALL_SET] = "the firewall of {host} has the rules: {what}",
    [TRACE_NAT_ADDRESS] = "{host}, a home's router, has another public address",
    [TRACE_DNS_FAIL] = "look-ups of {what} begin to fail ({more})",
};

/* ---- Filling in ---- */

static const char *find_value(const WordsValue *values, const char *name, size_t length)
{
    for (; values->name != NULL; values++) {
        if (strlen(values->name) == length && strncmp(values->name, name, length) == 0)
            return values->text != NULL ? values->text : "";
    }
    return "?";
}

static void fill(GString *out, const char *words, const WordsValue *values)
{
    const char *open;
    while ((open = strchr(words, '{')) != NULL) {
        const char *close = strchr(open, '}');
        g_string_append_len(out, words, open - words);
        text_append_shown_line(out, find_value(values, open + 1, (size_t)(close - open - 1)));
        words = close + 1;
    }
    g_string_append(out, words);
}

void words_say(GString *out, Words words, const WordsValue *values)
{
    fill(out, WORDS[words], values);
}

void words_say_time(GString *out, SimTime time)
{
    int64_t seconds = time / SIM_SECOND;
    int64_t days = time / SIM_DAY;
    if (days > 0)
        g_string_append_printf(out, "%" G_GINT64_FORMAT "d ", days);
    g_string_append_printf(out, "%02d:%02d:%02d", (int)(seconds / 3600 % 24),
                           (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* To the smaller of the two units that are shown, so that 2 h 29 min 59 s reads as 2 h 30 min. */
static SimTime round_age(SimTime age)
{
    SimTime unit = age < SIM_MINUTE ? SIM_MILLISECOND
                   : age < SIM_HOUR ? SIM_SECOND
                   : age < SIM_DAY  ? SIM_MINUTE
                                    : SIM_HOUR;
    return (age + unit / 2) / unit * unit;
}

char *words_format_age(SimTime age)
{
    return units_format_readable(round_age(age));
}

static void fill_from_note(GString *out, const char *words, const Story *story, const Note *note)
{
    char number[24];
    g_autoptr(GString) time = g_string_new(NULL);
    words_say_time(time, note->time);
    g_snprintf(number, sizeof number, "%" G_GUINT64_FORMAT, note->number);
    WordsValue values[] = {
        {"host", simulator_node_name(story->simulator, note->node)},
        {"mail", note->mail},
        {"recipient", note->recipient},
        {"what", note->what},
        {"more", note->more},
        {"time", time->str},
        {"number", number},
        {NULL, NULL},
    };
    fill(out, words, values);
}

void words_say_reason(GString *out, const Story *story, const Note *note)
{
    const char *words = REASONS[note->kind];
    if (words != NULL)
        fill_from_note(out, words, story, note);
}

void words_say_link(GString *out, const Story *story, const Note *note)
{
    const char *words = LINKS[note->kind];
    bool is_foreign = note->mail != NULL && note->recipient == NULL && note->entry == NULL &&
                      note->what == NULL &&
                      note->more == NULL; /* of another mail: its texts are not kept */
    if (words == NULL || is_foreign) {
        g_string_append_printf(out, "%s: ", simulator_node_name(story->simulator, note->node));
        words = trace_kind_info(note->kind)->meaning;
    }
    fill_from_note(out, words, story, note);
}

/* ---- Lines ---- */

static void begin_line(GString *out, unsigned indent)
{
    g_string_append_printf(out, "\n%*s", (int)indent, "");
}

void words_wrap(GString *out, const char *text, unsigned indent, unsigned width)
{
    glong column = indent;
    bool is_first = true;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        glong columns = g_utf8_strlen(text, (gssize)length);
        if (!is_first && width > 0 && column + 1 + columns > (glong)width) {
            begin_line(out, indent);
            column = indent;
        } else if (!is_first) {
            g_string_append_c(out, ' ');
            column++;
        }
        g_string_append_len(out, text, (gssize)length);
        column += columns;
        text += length + (text[length] == ' ');
        is_first = false;
    }
    g_string_append_c(out, '\n');
}
