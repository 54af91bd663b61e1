/* SPF: any text is a record or an error with its reason, macros expand, and a check among the
 * records of the input comes to an end within its limits. */
#include "core/check.h"
#include "policy/spf.h"
#include "policy/spf_macro.h"
#include "policy/spf_record.h"
#include "proto/dns_wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 16, QUESTIONS_MAX = 200 };

/* A line for each answer, given in turn: of TXT its text; of other types what its first octet says.
 */
static void answer(Spf *spf, const char *name, uint16_t type, const char *line)
{
    DnsRecord record = {0};
    DnsAnswer reply = {DNS_OUTCOME_ANSWER, &record, 1, 0};
    if (line[0] == '!')
        reply = (DnsAnswer){.outcome = line[1] == '!' ? DNS_OUTCOME_TIMEOUT : DNS_OUTCOME_NXDOMAIN};
    const char *owner = "a.test"; /* the engine does not look at it */
    if (type == DNS_TYPE_TXT)
        record = dns_record_txt(owner, 60, line);
    else if (type == DNS_TYPE_A)
        record = dns_record_a(owner, 60, 0xC6120000U + (uint8_t)line[0]);
    else if (type == DNS_TYPE_MX)
        record = dns_record_mx(owner, 60, 10, "mx.a.test");
    else
        record = dns_record_host(owner, DNS_TYPE_PTR, 60, "mx.a.test");
    CHECK(name != NULL);
    spf_answer(spf, &reply);
    dns_record_clear(&record);
}

static void check_record(const char *line)
{
    g_autofree char *fault = NULL;
    g_autoptr(SpfRecord) record = spf_record_parse(line, &fault);
    CHECK((record == NULL) == (fault != NULL));
    SpfMacroValues values = {"alice@a.test", "a.test", "mx.a.test", 0xC6120005};
    if (spf_macros_are_valid(line)) {
        g_autofree char *expanded = spf_macros_expand(line, &values);
        CHECK(expanded != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > DNS_TXT_TEXT_MAX)
        return 0;
    g_autofree char *text = span_dup_text(span_of(data, size));
    g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX);
    guint count = g_strv_length(lines);
    for (guint i = 0; i < count; i++)
        check_record(lines[i]);
    SpfOptions options = {0xC6120005, "alice@a.test", "mx.a.test"};
    Spf *spf = spf_new(&options);
    const char *name = NULL;
    uint16_t type = 0;
    unsigned asked = 0;
    for (; spf_peek_question(spf, &name, &type); asked++) {
        CHECK(asked < QUESTIONS_MAX);
        answer(spf, name, type, count > 0 ? lines[asked % count] : "!");
    }
    CHECK(spf_result_name(spf_result(spf)) != NULL && spf_reason(spf) != NULL);
    spf_free(spf);
    return 0;
}
