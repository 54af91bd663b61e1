/* SPF's check_host. See spf.h. */
#include "policy/spf.h"

#include "core/check.h"
#include "policy/spf_macro.h"
#include "policy/spf_record.h"
#include "proto/dns_wire.h"

#include <string.h>

/* A record that is being gone through; an `include` puts another one on top. */
typedef struct Frame {
    char *domain;
    SpfRecord *record; /* NULL: being looked up */
    guint next;        /* mechanism */
} Frame;

/* What the open question is about. */
typedef enum Wait { WAIT_NONE, WAIT_RECORD, WAIT_A, WAIT_MX, WAIT_PTR, WAIT_EXISTS } Wait;

struct Spf {
    Ipv4Address client;
    char *helo, *identity;
    GPtrArray *frames; /* Frame, the innermost last */
    unsigned look_ups, void_look_ups;
    Wait wait;
    bool of_ptr;      /* WAIT_A: of a name of a ptr mechanism, not of an `a` or `mx` */
    char *target;     /* the mechanism's domain with its macros put in */
    GPtrArray *names; /* of the mx or ptr mechanism, still to be looked up; the next one last */
    char *question_name;
    uint16_t question_type;
    bool is_done;
    SpfResult result;
    char *reason;
};

const char *spf_result_name(SpfResult result)
{
    static const char *const NAMES[] = {
        [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
        [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
        [SPF_PERMERROR] = "permerror",
    };
    return NAMES[result];
}

static void frame_free(void *pointer)
{
    Frame *frame = pointer;
    g_free(frame->domain);
    spf_record_free(frame->record);
    g_free(frame);
}

static Frame *top(const Spf *spf)
{
    return spf->frames->pdata[spf->frames->len - 1];
}

static const SpfMechanism *mechanism_of(const Frame *frame)
{
    return frame->record->mechanisms->pdata[frame->next];
}

/* ---- Ends ---- */

/* Takes `reason`. */
static void finish(Spf *spf, SpfResult result, char *reason)
{
    spf->is_done = true;
    spf->wait = WAIT_NONE;
    spf->result = result;
    g_free(spf->reason);
    spf->reason = reason;
}

static void ask(Spf *spf, Wait wait, const char *name, uint16_t type)
{
    char *copy = g_strdup(name);
    g_free(spf->question_name);
    spf->question_name = copy;
    spf->question_type = type;
    spf->wait = wait;
}

static void go_on(Spf *spf);

/* §4.6.4: false, and the check is over, when there were too many terms that look something up. */
static bool count_look_up(Spf *spf)
{
    if (++spf->look_ups <= SPF_LOOK_UPS_MAX)
        return true;
    finish(spf, SPF_PERMERROR, g_strdup_printf("more than %d look-ups", SPF_LOOK_UPS_MAX));
    return false;
}

/* Likewise of answers in vain; those for SPF records themselves do not count. */
static bool count_void(Spf *spf, const DnsAnswer *answer)
{
    bool is_void = answer->outcome == DNS_OUTCOME_NXDOMAIN || answer->outcome == DNS_OUTCOME_NODATA;
    if (!is_void || ++spf->void_look_ups <= SPF_VOID_LOOK_UPS_MAX)
        return true;
    finish(spf, SPF_PERMERROR,
           g_strdup_printf("more than %d look-ups in vain", SPF_VOID_LOOK_UPS_MAX));
    return false;
}

/* ---- Records ---- */

/* §4.3: a name with at least two labels, none of them empty or of more than 63 octets. */
static bool is_checkable(const char *domain)
{
    char name[DNS_NAME_TEXT_SIZE];
    return dns_name_normalise(domain, name) && strchr(domain, '.') != NULL && domain[0] != '[';
}

static void push(Spf *spf, const char *domain)
{
    Frame *frame = g_new0(Frame, 1);
    frame->domain = g_strdup(domain);
    g_ptr_array_add(spf->frames, frame);
    ask(spf, WAIT_RECORD, domain, DNS_TYPE_TXT);
}

/* The domain checked first has no record: none. One that a record leads to must have one (§5.2,
 * §6.1). */
static void find_no_record(Spf *spf, const char *what)
{
    bool is_first = spf->frames->len == 1 && spf->look_ups == 0;
    finish(spf, is_first ? SPF_NONE : SPF_PERMERROR,
           g_strdup_printf("%s %s", top(spf)->domain, what));
}

/* §4.5: exactly one of the TXT records is an SPF record. */
static char *select_record(const DnsAnswer *answer, unsigned *count)
{
    char *selected = NULL;
    *count = 0;
    for (size_t i = 0; i < answer->record_count; i++) {
        if (answer->records[i].type != DNS_TYPE_TXT)
            continue;
        g_autofree char *text = dns_record_dup_text(&answer->records[i]);
        if (!spf_record_is_one(text))
            continue;
        g_free(selected);
        selected = g_steal_pointer(&text);
        (*count)++;
    }
    return selected;
}

static void take_record(Spf *spf, const DnsAnswer *answer)
{
    Frame *frame = top(spf);
    unsigned count = 0;
    g_autofree char *text = select_record(answer, &count);
    g_autofree char *fault = NULL;
    if (count == 0) {
        find_no_record(spf, "has no SPF record");
        return;
    }
    if (count > 1) {
        finish(spf, SPF_PERMERROR, g_strdup_printf("%s has %u SPF records", frame->domain, count));
        return;
    }
    frame->record = spf_record_parse(text, &fault);
    if (frame->record == NULL)
        finish(spf, SPF_PERMERROR,
               g_strdup_printf("the SPF record of %s: %s", frame->domain, fault));
    else
        go_on(spf);
}

/* ---- Mechanisms ---- */

/* §7.3: an expanded name that is too long loses labels on its left. */
static char *expand(const Spf *spf, const char *spec)
{
    SpfMacroValues values = {spf->identity, top(spf)->domain, spf->helo, spf->client};
    if (spec == NULL)
        return g_strdup(top(spf)->domain);
    char *expanded = spf_macros_expand(spec, &values);
    while (strlen(expanded) > 253 && strchr(expanded, '.') != NULL) {
        char *shorter = g_strdup(strchr(expanded, '.') + 1);
        g_free(expanded);
        expanded = shorter;
    }
    return expanded;
}

static bool is_within(Ipv4Address client, Ipv4Address address, unsigned prefix)
{
    Ipv4Address mask = prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
    return (client & mask) == (address & mask);
}

/* The present mechanism matches. In an include only a pass matches the mechanism outside, which
 * then decides by its own qualifier (§5.2). */
static void match(Spf *spf)
{
    static const SpfResult RESULTS[] = {[SPF_QUALIFIER_PASS] = SPF_PASS,
                                        [SPF_QUALIFIER_FAIL] = SPF_FAIL,
                                        [SPF_QUALIFIER_SOFTFAIL] = SPF_SOFTFAIL,
                                        [SPF_QUALIFIER_NEUTRAL] = SPF_NEUTRAL};
    const SpfMechanism *mechanism = mechanism_of(top(spf));
    if (spf->frames->len == 1) {
        finish(spf, RESULTS[mechanism->qualifier],
               g_strdup_printf("%s of %s matches", mechanism->text, top(spf)->domain));
        return;
    }
    bool is_pass = mechanism->qualifier == SPF_QUALIFIER_PASS;
    g_ptr_array_set_size(spf->frames, (gint)spf->frames->len - 1);
    if (is_pass) {
        match(spf);
    } else {
        top(spf)->next++;
        go_on(spf);
    }
}

static void match_not(Spf *spf)
{
    top(spf)->next++;
    go_on(spf);
}

/* Looks up the next name of an mx or ptr mechanism; none is left: it does not match. */
static void ask_next_name(Spf *spf)
{
    if (spf->names->len == 0) {
        match_not(spf);
        return;
    }
    g_autofree char *name = g_ptr_array_steal_index(spf->names, spf->names->len - 1);
    ask(spf, WAIT_A, name, DNS_TYPE_A);
    spf->of_ptr = mechanism_of(top(spf))->kind == SPF_PTR;
}

static void begin_ptr(Spf *spf)
{
    char reverse[DNS_NAME_TEXT_SIZE];
    dns_name_reverse(spf->client, reverse);
    ask(spf, WAIT_PTR, reverse, DNS_TYPE_PTR);
}

/* Begins a mechanism that needs a look-up. */
static void begin_look_up(Spf *spf, const SpfMechanism *mechanism)
{
    if (!count_look_up(spf))
        return;
    g_free(spf->target);
    spf->target = expand(spf, mechanism->domain);
    spf->of_ptr = false;
    switch (mechanism->kind) {
    case SPF_INCLUDE:
        push(spf, spf->target);
        break;
    case SPF_A:
        ask(spf, WAIT_A, spf->target, DNS_TYPE_A);
        break;
    case SPF_MX:
        ask(spf, WAIT_MX, spf->target, DNS_TYPE_MX);
        break;
    case SPF_PTR:
        begin_ptr(spf);
        break;
    case SPF_EXISTS:
        ask(spf, WAIT_EXISTS, spf->target, DNS_TYPE_A);
        break;
    case SPF_ALL:
    case SPF_IP4:
    case SPF_IP6:
        CHECK(false);
    }
}

/* Nothing in the record matches: on to its redirect, or neutral (§4.7); in an include, no match. */
static void end_record(Spf *spf)
{
    Frame *frame = top(spf);
    if (frame->record->redirect != NULL) {
        if (!count_look_up(spf))
            return;
        g_autofree char *domain = expand(spf, frame->record->redirect);
        g_ptr_array_set_size(spf->frames, (gint)spf->frames->len - 1);
        push(spf, domain);
    } else if (spf->frames->len > 1) {
        g_ptr_array_set_size(spf->frames, (gint)spf->frames->len - 1);
        match_not(spf);
    } else {
        finish(spf, SPF_NEUTRAL,
               g_strdup_printf("nothing in the record of %s matches", frame->domain));
    }
}

/* Goes through the innermost record until something is to be asked, or the end. */
static void go_on(Spf *spf)
{
    const Frame *frame = top(spf);
    if (frame->next == frame->record->mechanisms->len) {
        end_record(spf);
        return;
    }
    const SpfMechanism *mechanism = mechanism_of(frame);
    switch (mechanism->kind) {
    case SPF_ALL:
        match(spf);
        break;
    case SPF_IP4:
        if (is_within(spf->client, mechanism->address, mechanism->prefix))
            match(spf);
        else
            match_not(spf);
        break;
    case SPF_IP6:
        match_not(spf);
        break;
    case SPF_INCLUDE:
    case SPF_A:
    case SPF_MX:
    case SPF_PTR:
    case SPF_EXISTS:
        begin_look_up(spf, mechanism);
        break;
    }
}

/* ---- Answers ---- */

static bool holds_client(const Spf *spf, const DnsAnswer *answer, unsigned prefix)
{
    for (size_t i = 0; i < answer->record_count; i++) {
        if (answer->records[i].type == DNS_TYPE_A &&
            is_within(spf->client, answer->records[i].address, prefix))
            return true;
    }
    return false;
}

/* §5.5: the name is the target, or below it. */
static bool is_at_or_below(const char *name, const char *domain)
{
    size_t name_length = strlen(name), length = strlen(domain);
    if (name_length < length || g_ascii_strcasecmp(name + name_length - length, domain) != 0)
        return false;
    return name_length == length || name[name_length - length - 1] == '.';
}

/* Keeps the names of the answer, in its order, for ask_next_name. `*count` is how many there are.
 */
static void keep_names(Spf *spf, const DnsAnswer *answer, uint16_t type, size_t *count)
{
    *count = 0;
    g_ptr_array_set_size(spf->names, 0);
    for (size_t i = 0; i < answer->record_count; i++) {
        const DnsRecord *record = &answer->records[i];
        if (record->type != type || (*count)++ >= SPF_NAMES_MAX)
            continue;
        const char *name = type == DNS_TYPE_MX ? record->mx.exchange : record->host;
        if (type == DNS_TYPE_MX || is_at_or_below(name, spf->target))
            g_ptr_array_insert(spf->names, 0, g_strdup(name));
    }
}

static void take_addresses(Spf *spf, const DnsAnswer *answer)
{
    const SpfMechanism *mechanism = mechanism_of(top(spf));
    if (holds_client(spf, answer, spf->of_ptr ? 32 : mechanism->prefix))
        match(spf);
    else if (mechanism->kind == SPF_A)
        match_not(spf);
    else
        ask_next_name(spf);
}

static void take_names(Spf *spf, const DnsAnswer *answer, uint16_t type)
{
    size_t count = 0;
    keep_names(spf, answer, type, &count);
    if (type == DNS_TYPE_MX && count > SPF_NAMES_MAX)
        finish(spf, SPF_PERMERROR,
               g_strdup_printf("%s has more than %d exchanges", spf->target, SPF_NAMES_MAX));
    else
        ask_next_name(spf);
}

/* §5: a look-up that fails is a temperror; but §5.5: one of ptr just does not match. */
static void take_failure(Spf *spf)
{
    if (spf->wait == WAIT_PTR)
        match_not(spf);
    else if (spf->of_ptr && spf->wait == WAIT_A)
        ask_next_name(spf);
    else
        finish(spf, SPF_TEMPERROR,
               g_strdup_printf("%s cannot be looked up now", spf->question_name));
}

void spf_answer(Spf *spf, const DnsAnswer *answer)
{
    CHECK(spf->wait != WAIT_NONE);
    Wait wait = spf->wait;
    if (dns_outcome_is_failure(answer->outcome)) {
        take_failure(spf);
        return;
    }
    if (wait != WAIT_RECORD && !count_void(spf, answer))
        return;
    spf->wait = WAIT_NONE;
    switch (wait) {
    case WAIT_RECORD:
        take_record(spf, answer);
        break;
    case WAIT_A:
        take_addresses(spf, answer);
        break;
    case WAIT_MX:
        take_names(spf, answer, DNS_TYPE_MX);
        break;
    case WAIT_PTR:
        take_names(spf, answer, DNS_TYPE_PTR);
        break;
    case WAIT_EXISTS:
        if (holds_client(spf, answer, 0)) /* any address will do */
            match(spf);
        else
            match_not(spf);
        break;
    case WAIT_NONE:
        break;
    }
}

/* ---- Life ---- */

Spf *spf_new(const SpfOptions *options)
{
    Spf *spf = g_new0(Spf, 1);
    const char *at = strrchr(options->sender, '@');
    spf->client = options->client;
    spf->helo = g_strdup(options->helo);
    spf->identity = at == NULL              ? g_strdup_printf("postmaster@%s", options->helo)
                    : at == options->sender ? g_strdup_printf("postmaster%s", at)
                                            : g_strdup(options->sender);
    spf->frames = g_ptr_array_new_with_free_func(frame_free);
    spf->names = g_ptr_array_new_with_free_func(g_free);
    const char *domain = strrchr(spf->identity, '@') + 1;
    bool is_sound = at != NULL || strchr(options->helo, '@') == NULL;
    if (is_sound && is_checkable(domain))
        push(spf, domain);
    else
        finish(spf, SPF_NONE, g_strdup_printf("%s is no domain to check", domain));
    return spf;
}

void spf_free(Spf *spf)
{
    if (spf == NULL)
        return;
    g_ptr_array_unref(spf->frames);
    g_ptr_array_unref(spf->names);
    g_free(spf->helo);
    g_free(spf->identity);
    g_free(spf->target);
    g_free(spf->question_name);
    g_free(spf->reason);
    g_free(spf);
}

bool spf_peek_question(const Spf *spf, const char **name, uint16_t *type)
{
    *name = spf->question_name;
    *type = spf->question_type;
    return !spf->is_done;
}

SpfResult spf_result(const Spf *spf)
{
    CHECK(spf->is_done);
    return spf->result;
}

const char *spf_reason(const Spf *spf)
{
    return spf->reason;
}

const char *spf_identity(const Spf *spf)
{
    return spf->identity;
}
