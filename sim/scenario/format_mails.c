/* An entry of `mails`, and one of `traffic`. See format.h. */
#include "mail/envelope.h"
#include "scenario/format.h"

#define TRAFFIC_MAXIMUM 1000000

/* --- mails --- */

static const char *const notifications[] = {
    [MAIL_NOTIFY_NEVER] = "never",
    [MAIL_NOTIFY_SUCCESS] = "success",
    [MAIL_NOTIFY_FAILURE] = "failure",
    [MAIL_NOTIFY_DELAY] = "delay",
    NULL,
};
static const char *const returns[] = {
    [MAIL_RETURN_HEADERS] = "headers", [MAIL_RETURN_FULL] = "full", NULL};
static const ValueSpec a_notification = {.type = VALUE_CHOICE, .choices = notifications};
static const ValueSpec an_address = {.type = VALUE_ADDRESS};

static const KeySpec field_keys[] = {
    {.key = "name",
     .offset = offsetof(ScenarioField, name),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "its name, such as `From` or `X-Mailer`"},
    {.key = "value",
     .offset = offsetof(ScenarioField, value),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "what it says, best in quotes"},
};

static const MappingSpec a_field = {
    .what = "a header field",
    .size = sizeof(ScenarioField),
    .keys = field_keys,
    .key_count = G_N_ELEMENTS(field_keys),
};

static const KeySpec original_keys[] = {
    {.key = "to",
     .offset = offsetof(ScenarioOriginal, to),
     .value = {.type = VALUE_ADDRESS},
     .is_required = true,
     .meaning = "one of the mail's recipients"},
    {.key = "original",
     .offset = offsetof(ScenarioOriginal, original),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "a type, `;` and the address, such as `rfc822;bob@old.example`"},
};

static const MappingSpec an_original = {
    .what = "an original recipient",
    .size = sizeof(ScenarioOriginal),
    .keys = original_keys,
    .key_count = G_N_ELEMENTS(original_keys),
};

static const KeySpec attachment_keys[] = {
    {.key = "name",
     .offset = offsetof(ScenarioAttachment, name),
     .value = {.type = VALUE_TEXT},
     .is_required = true,
     .meaning = "the file's name, in any script"},
    {.key = "size",
     .offset = offsetof(ScenarioAttachment, size_bytes),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_SIZE,
               .minimum = 1,
               .maximum = FORMAT_SIZE_MAXIMUM},
     .is_required = true,
     .meaning = "the file's size; its octets follow from name and size"},
};

static const MappingSpec an_attachment = {
    .what = "an attachment",
    .size = sizeof(ScenarioAttachment),
    .keys = attachment_keys,
    .key_count = G_N_ELEMENTS(attachment_keys),
};

static const ValueSpec original_value = {.type = VALUE_MAP, .mapping = &an_original};
static const ValueSpec field_value = {.type = VALUE_MAP, .mapping = &a_field};
static const ValueSpec attachment_value = {.type = VALUE_MAP, .mapping = &an_attachment};

static const KeySpec mail_keys[] = {
    {.key = "from",
     .offset = offsetof(ScenarioMail, from),
     .value = {.type = VALUE_PERSON},
     .is_required = true,
     .meaning = "the person who writes it"},
    {.key = "sender",
     .offset = offsetof(ScenarioMail, sender),
     .value = {.type = VALUE_ADDRESS},
     .when_absent = "the person's address",
     .meaning = "the envelope's sender (MAIL FROM), to forge one: whoever has it gets the bounce. "
                "What the letterhead says `header` can forge"},
    {.key = "to",
     .offset = offsetof(ScenarioMail, to),
     .value = {.type = VALUE_LIST, .element = &an_address, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "nobody",
     .meaning = "the addresses it is for. An unknown user of a known domain is allowed"},
    {.key = "cc",
     .offset = offsetof(ScenarioMail, cc),
     .value = {.type = VALUE_LIST, .element = &an_address, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "nobody",
     .meaning = "those who get a copy, seen by all"},
    {.key = "bcc",
     .offset = offsetof(ScenarioMail, bcc),
     .value = {.type = VALUE_LIST, .element = &an_address, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "nobody",
     .meaning = "those who get a copy, seen by nobody"},
    {.key = "subject",
     .offset = offsetof(ScenarioMail, subject),
     .value = {.type = VALUE_TEXT},
     .default_text = "",
     .meaning = "its subject, best in quotes"},
    {.key = "body",
     .offset = offsetof(ScenarioMail, body),
     .value = {.type = VALUE_TEXT},
     .default_text = "",
     .meaning = "its text, best as a block after `|`"},
    {.key = "raw",
     .offset = offsetof(ScenarioMail, raw),
     .value = {.type = VALUE_TEXT},
     .when_absent = "nothing",
     .meaning = "a text behind the text whose line feeds the agent sends bare, without carriage "
                "returns, and whose lines it does not encode: for mail that breaks the rules"},
    {.key = "size",
     .offset = offsetof(ScenarioMail, size_bytes),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_SIZE,
               .minimum = 1,
               .maximum = FORMAT_SIZE_MAXIMUM},
     .when_absent = "as it is",
     .meaning = "the message, header and all, has this size as the agent sends it: its text is "
                "filled up"},
    {.key = "notify",
     .offset = offsetof(ScenarioMail, notify),
     .value = {.type = VALUE_LIST, .element = &a_notification},
     .default_text = "[]",
     .meaning =
         "of what the sender wants to be told (NOTIFY, RFC 3461); with `[]` nothing is asked "
         "for, and servers tell of failure and delay. `[never]` stands alone"},
    {.key = "return",
     .offset = offsetof(ScenarioMail, return_content),
     .value = {.type = VALUE_CHOICE, .choices = returns},
     .when_absent = "the server's choice: the headers",
     .meaning = "how much of the mail a bounce returns (RET, RFC 3461)"},
    {.key = "envid",
     .offset = offsetof(ScenarioMail, envid),
     .value = {.type = VALUE_TEXT},
     .when_absent = "none",
     .meaning = "a mark of the sender's, which notifications give back (ENVID, RFC 3461)"},
    {.key = "orcpt",
     .offset = offsetof(ScenarioMail, orcpt),
     .value = {.type = VALUE_LIST, .element = &original_value, .most = ENVELOPE_RECIPIENTS_MAX},
     .when_absent = "none",
     .meaning = "whom a recipient was at first, which notifications give back (ORCPT, RFC 3461)"},
    {.key = "header",
     .offset = offsetof(ScenarioMail, header),
     .value = {.type = VALUE_LIST, .element = &field_value, .most = 100},
     .when_absent = "as the agent writes it",
     .meaning = "header fields; one by the name of the agent's own, such as `From`, stands in its "
                "place: forged. The envelope stays what it is"},
    {.key = "attach",
     .offset = offsetof(ScenarioMail, attach),
     .value = {.type = VALUE_LIST, .element = &attachment_value, .most = 100},
     .when_absent = "nothing",
     .meaning = "files that go with it, in base64"},
};

const MappingSpec format_mail = {
    .what = "a mail",
    .size = sizeof(ScenarioMail),
    .keys = mail_keys,
    .key_count = G_N_ELEMENTS(mail_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioMail, name),
    .name_meaning = "the name by which the scenario and the trace call it",
};

/* --- traffic --- */

static const char *const arrivals[] = {
    [ARRIVAL_POISSON] = "poisson", [ARRIVAL_FIXED] = "fixed", [ARRIVAL_BURST] = "burst", NULL};
static const char *const sizes[] = {
    [SIZES_FIXED] = "fixed", [SIZES_EXPONENTIAL] = "exponential", NULL};
static const ValueSpec a_writer = {.type = VALUE_PERSON};

static const KeySpec traffic_keys[] = {
    {.key = "from",
     .offset = offsetof(ScenarioTraffic, from),
     .value = {.type = VALUE_LIST, .element = &a_writer, .least = 1},
     .is_required = true,
     .meaning = "the persons who write, each as likely as the others"},
    {.key = "sender",
     .offset = offsetof(ScenarioTraffic, sender),
     .value = {.type = VALUE_ADDRESS},
     .when_absent = "the person's address",
     .meaning = "the sender that their envelopes name"},
    {.key = "to",
     .offset = offsetof(ScenarioTraffic, to),
     .value = {.type = VALUE_LIST, .element = &an_address, .least = 1},
     .is_required = true,
     .meaning = "the addresses they write to, each as likely as the others; a mail is for one"},
    {.key = "start",
     .offset = offsetof(ScenarioTraffic, start_ns),
     .value = {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .maximum = SCENARIO_TIME_MAXIMUM},
     .default_text = "0 s",
     .meaning = "when it begins"},
    {.key = "arrivals",
     .offset = offsetof(ScenarioTraffic, arrivals),
     .value = {.type = VALUE_CHOICE, .choices = arrivals},
     .default_text = "poisson",
     .meaning = "`poisson`: the times between are random, with `every` as their mean; `fixed`: one "
                "mail after each `every`; `burst`: all at once"},
    {.key = "every",
     .offset = offsetof(ScenarioTraffic, every_ns),
     .value =
         {.type = VALUE_QUANTITY, .units = UNITS_DURATION, .minimum = 1, .maximum = 30 * SIM_DAY},
     .default_text = "1 s",
     .meaning = "from one mail to the next, or the mean of it; not used by `burst`"},
    {.key = "count",
     .offset = offsetof(ScenarioTraffic, count),
     .value = {.type = VALUE_INTEGER, .minimum = 1, .maximum = TRAFFIC_MAXIMUM},
     .is_required = true,
     .meaning = "how many mails in all"},
    {.key = "size",
     .offset = offsetof(ScenarioTraffic, size_bytes),
     .value = {.type = VALUE_QUANTITY,
               .units = UNITS_SIZE,
               .minimum = 1,
               .maximum = FORMAT_SIZE_MAXIMUM},
     .default_text = "1 kB",
     .meaning = "of a mail, header and all, or the mean of it; none is smaller than its header"},
    {.key = "sizes",
     .offset = offsetof(ScenarioTraffic, sizes),
     .value = {.type = VALUE_CHOICE, .choices = sizes},
     .default_text = "fixed",
     .meaning = "`fixed`: all the same; `exponential`: many small ones and a few large, at most 64 "
                "MiB"},
};

const MappingSpec format_traffic = {
    .what = "an entry of `traffic`",
    .size = sizeof(ScenarioTraffic),
    .keys = traffic_keys,
    .key_count = G_N_ELEMENTS(traffic_keys),
    .name_type = VALUE_NAME,
    .name_offset = offsetof(ScenarioTraffic, name),
    .name_meaning = "its name, and that of its first mail; the others are NAME.2, NAME.3, …",
};
