/* A reply as a person writes it: `550 5.7.1 Relaying denied`. */
#include "policy/policy.h"

#include <glib.h>
#include <string.h>

enum {
    TEXT_MAXIMUM = 400
}; /* with code and more behind it, the line stays within RFC 5321's 512 */

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!g_ascii_isprint(*text))
            return false;
    }
    return true;
}

static const char *find_fault(const char *text, SmtpReply *reply)
{
    if (strlen(text) > TEXT_MAXIMUM || !is_printable(text))
        return "a reply has at most 400 characters of ASCII, on one line";
    if ((text[0] != '4' && text[0] != '5') || !g_ascii_isdigit(text[1]) ||
        !g_ascii_isdigit(text[2]) || text[3] != ' ')
        return "a reply begins with a code from 400 to 599";
    reply->code = (uint16_t)g_ascii_strtoull(text, NULL, 10);
    if (reply->code == 421)
        return "421 would close the connection; 450 defers";
    Span rest = span_of_text(text + 4);
    size_t used = 0;
    if (!smtp_enhanced_parse(rest, &reply->enhanced, &used))
        return "behind the code comes an enhanced code such as 5.7.1 (RFC 3463)";
    if (reply->enhanced.class != reply->code / 100)
        return "the enhanced code begins with the code's first digit";
    reply->text = span_skip(rest, used);
    return reply->text.length == 0 ? "behind the codes comes a text" : NULL;
}

bool policy_reply_parse(const char *text, SmtpReply *reply, const char **fault)
{
    *fault = find_fault(text, reply);
    return *fault == NULL;
}
