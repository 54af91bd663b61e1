/* Parameters of MAIL and RCPT. See smtp_parameters.h.
 *
 * One table a command names each parameter with its extension and the function that reads its
 * value; a parameter whose extension is not offered does not exist. */
#include "proto/smtp_parameters.h"

#include "core/text.h"
#include "mail/xtext.h"
#include "proto/smtp.h"

#include <string.h>

enum { SIZE_DIGITS_MAXIMUM = 20 }; /* RFC 1870 §3 */

/* How a value was taken. */
typedef enum Verdict { VALUE_OK, VALUE_BAD, VALUE_NOT_IMPLEMENTED } Verdict;

/* Reads `value` (empty: the keyword stood alone) into `parameters` of the command's own type. */
typedef Verdict (*ValueReader)(Span value, void *parameters);

typedef struct Keyword {
    const char *name;
    uint32_t extension;
    ValueReader read;
} Keyword;

/* MAIL */

static Verdict read_size(Span value, void *parameters)
{
    SmtpMailParameters *mail = parameters;
    if (value.length == 0 || value.length > SIZE_DIGITS_MAXIMUM)
        return VALUE_BAD;
    uint64_t size = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (!g_ascii_isdigit(value.data[i]))
            return VALUE_BAD;
        uint64_t digit = (uint64_t)(value.data[i] - '0');
        if (__builtin_mul_overflow(size, 10, &size) || __builtin_add_overflow(size, digit, &size))
            size = UINT64_MAX;
    }
    mail->size = size;
    return VALUE_OK;
}

static Verdict read_body(Span value, void *parameters)
{
    SmtpMailParameters *mail = parameters;
    if (span_equals_text_nocase(value, "7BIT"))
        mail->body = SMTP_BODY_7BIT;
    else if (span_equals_text_nocase(value, "8BITMIME"))
        mail->body = SMTP_BODY_8BITMIME;
    else
        return value.length == 0 ? VALUE_BAD : VALUE_NOT_IMPLEMENTED; /* BINARYMIME needs BDAT */
    return VALUE_OK;
}

static Verdict read_ret(Span value, void *parameters)
{
    SmtpMailParameters *mail = parameters;
    if (span_equals_text_nocase(value, "FULL"))
        mail->ret = RETURN_FULL;
    else if (span_equals_text_nocase(value, "HDRS"))
        mail->ret = RETURN_HEADERS;
    else
        return VALUE_BAD;
    return VALUE_OK;
}

static bool is_xtext(Span value)
{
    g_autofree char *octets = xtext_decode(value);
    return octets != NULL;
}

static Verdict read_envid(Span value, void *parameters)
{
    SmtpMailParameters *mail = parameters;
    if (value.length == 0 || value.length > ENVELOPE_ENVID_MAX || !is_xtext(value))
        return VALUE_BAD;
    mail->envid = value;
    return VALUE_OK;
}

static Verdict read_smtputf8(Span value, void *parameters)
{
    SmtpMailParameters *mail = parameters;
    mail->utf8 = true;
    return value.length == 0 ? VALUE_OK : VALUE_BAD;
}

/* AUTH=<> or AUTH=mailbox names who submitted the message (RFC 4954 §5). We trust nobody with it:
 * it is read and dropped. */
static Verdict read_auth(Span value, void *parameters)
{
    (void)parameters;
    return value.length > 0 && is_xtext(value) ? VALUE_OK : VALUE_BAD;
}

static const Keyword mail_keywords[] = {
    {"SIZE", SMTP_EXTENSION_SIZE, read_size},
    {"BODY", SMTP_EXTENSION_8BITMIME, read_body},
    {"RET", SMTP_EXTENSION_DSN, read_ret},
    {"ENVID", SMTP_EXTENSION_DSN, read_envid},
    {"SMTPUTF8", SMTP_EXTENSION_SMTPUTF8, read_smtputf8},
    {"AUTH", SMTP_EXTENSION_AUTH, read_auth},
};

/* RCPT */

static Verdict read_notify(Span value, void *parameters)
{
    SmtpRcptParameters *rcpt = parameters;
    return notify_parse(value, &rcpt->notify) ? VALUE_OK : VALUE_BAD;
}

static Verdict read_orcpt(Span value, void *parameters)
{
    SmtpRcptParameters *rcpt = parameters;
    size_t type_length = span_find(value, ';');
    if (value.length > ENVELOPE_ORCPT_MAX || type_length == 0 || type_length + 1 >= value.length ||
        !is_xtext(span_skip(value, type_length + 1)))
        return VALUE_BAD;
    rcpt->orcpt = value;
    return VALUE_OK;
}

static const Keyword rcpt_keywords[] = {
    {"NOTIFY", SMTP_EXTENSION_DSN, read_notify},
    {"ORCPT", SMTP_EXTENSION_DSN, read_orcpt},
};

/* Reading */

typedef struct KeywordSet {
    const Keyword *keywords;
    size_t count;
    uint32_t extensions; /* offered */
    uint32_t seen;       /* by index; a parameter may come once */
} KeywordSet;

static bool refuse(SmtpReply *refusal, uint16_t code, const char *text)
{
    *refusal = smtp_reply(code, "5.5.4", text);
    return false;
}

/* esmtp-value = 1*(%d33-60 / %d62-126) */
static bool value_is_legal(Span value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] <= ' ' || value.data[i] == '=' || value.data[i] > '~')
            return false;
    }
    return true;
}

/* Reads one esmtp-param = esmtp-keyword ["=" esmtp-value]. */
static bool parameter_parse(KeywordSet *set, Span text, void *parameters, SmtpReply *refusal)
{
    size_t name_length = span_find(text, '=');
    bool has_value = name_length < text.length;
    Span name = span_of(text.data, name_length);
    Span value = has_value ? span_skip(text, name_length + 1) : (Span){0};
    if (name.length == 0 || (has_value && value.length == 0) || !value_is_legal(value))
        return refuse(refusal, 501, "Syntax error in parameters");
    for (size_t i = 0; i < set->count; i++) {
        const Keyword *keyword = &set->keywords[i];
        if (!(set->extensions & keyword->extension) ||
            !span_equals_text_nocase(name, keyword->name))
            continue;
        if (set->seen & (1U << i))
            return refuse(refusal, 501, "Parameter given twice");
        set->seen |= 1U << i;
        switch (keyword->read(value, parameters)) {
        case VALUE_OK:
            return true;
        case VALUE_BAD:
            return refuse(refusal, 501, "Syntax error in parameters");
        case VALUE_NOT_IMPLEMENTED:
            return refuse(refusal, 504, "Command parameter not implemented");
        }
    }
    /* RFC 5321 §4.1.1.11 */
    return refuse(refusal, 555, "Parameters not recognized or not implemented");
}

/* The text is empty, or starts with the space behind the path. */
static bool parameters_parse(KeywordSet *set, Span text, void *parameters, SmtpReply *refusal)
{
    while (text.length > 0) {
        if (text.data[0] != ' ')
            return refuse(refusal, 501, "Syntax error in parameters");
        text = span_skip(text, 1);
        size_t length = span_find(text, ' ');
        if (length > 0 && !parameter_parse(set, span_of(text.data, length), parameters, refusal))
            return false;
        text = span_skip(text, length);
    }
    return true;
}

bool smtp_mail_parameters_parse(Span text, uint32_t extensions, SmtpMailParameters *parameters,
                                SmtpReply *refusal)
{
    KeywordSet set = {mail_keywords, G_N_ELEMENTS(mail_keywords), extensions, 0};
    *parameters = (SmtpMailParameters){0};
    return parameters_parse(&set, text, parameters, refusal);
}

bool smtp_rcpt_parameters_parse(Span text, uint32_t extensions, SmtpRcptParameters *parameters,
                                SmtpReply *refusal)
{
    KeywordSet set = {rcpt_keywords, G_N_ELEMENTS(rcpt_keywords), extensions, 0};
    *parameters = (SmtpRcptParameters){0};
    return parameters_parse(&set, text, parameters, refusal);
}

/* Writing */

static bool append_value(Buffer *output, const char *keyword, Span value)
{
    return buffer_append_text(output, keyword) && buffer_append(output, value);
}

bool smtp_mail_parameters_write(const SmtpMailParameters *parameters, uint32_t extensions,
                                Buffer *output)
{
    bool dsn = extensions & SMTP_EXTENSION_DSN;
    bool fits = true;
    if (extensions & SMTP_EXTENSION_SIZE && parameters->size > 0) {
        char size[sizeof " SIZE=" + SIZE_DIGITS_MAXIMUM] = " SIZE=";
        size_t length = strlen(" SIZE=");
        length += text_put_number(parameters->size, size + length);
        fits = buffer_append(output, span_of(size, length));
    }
    if (extensions & SMTP_EXTENSION_8BITMIME && parameters->body == SMTP_BODY_8BITMIME)
        fits = fits && buffer_append_text(output, " BODY=8BITMIME");
    if (extensions & SMTP_EXTENSION_SMTPUTF8 && parameters->utf8)
        fits = fits && buffer_append_text(output, " SMTPUTF8");
    if (dsn && parameters->ret != RETURN_NOT_GIVEN)
        fits = fits && buffer_append_text(output, parameters->ret == RETURN_FULL ? " RET=FULL"
                                                                                 : " RET=HDRS");
    if (dsn && parameters->envid.length > 0)
        fits = fits && append_value(output, " ENVID=", parameters->envid);
    return fits;
}

bool smtp_rcpt_parameters_write(const SmtpRcptParameters *parameters, uint32_t extensions,
                                Buffer *output)
{
    if (!(extensions & SMTP_EXTENSION_DSN))
        return true;
    if (parameters->notify != 0) {
        g_autofree char *notify = notify_format(parameters->notify);
        if (!append_value(output, " NOTIFY=", span_of_text(notify)))
            return false;
    }
    return parameters->orcpt.length == 0 || append_value(output, " ORCPT=", parameters->orcpt);
}
