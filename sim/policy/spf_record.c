/* SPF records. See spf_record.h. */
#include "policy/spf_record.h"

#include "core/bytes.h"
#include "policy/spf_macro.h"

#include <string.h>

enum { PREFIX_MAXIMUM = 32, PREFIX6_MAXIMUM = 128 };

static const struct {
    const char *name;
    SpfMechanismKind kind;
    bool may_have_domain, needs_domain, may_have_prefix;
} MECHANISMS[] = {
    {"all", SPF_ALL, false, false, false}, {"include", SPF_INCLUDE, true, true, false},
    {"a", SPF_A, true, false, true},       {"mx", SPF_MX, true, false, true},
    {"ptr", SPF_PTR, true, false, false},  {"ip4", SPF_IP4, true, true, true},
    {"ip6", SPF_IP6, true, true, true},    {"exists", SPF_EXISTS, true, true, false},
};

static void mechanism_free(void *pointer)
{
    SpfMechanism *mechanism = pointer;
    g_free(mechanism->text);
    g_free(mechanism->domain);
    g_free(mechanism);
}

void spf_record_free(SpfRecord *record)
{
    if (record == NULL)
        return;
    g_ptr_array_unref(record->mechanisms);
    g_free(record->redirect);
    g_free(record);
}

bool spf_record_is_one(const char *text)
{
    return g_ascii_strncasecmp(text, "v=spf1", 6) == 0 && (text[6] == ' ' || text[6] == '\0');
}

/* ---- Domain-spec ---- */

/* §7.1: domain-end is a macro, or a dot and a label that is not all digits, with or without a dot
 * behind it. */
static bool ends_well(const char *text)
{
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '}')
        return true;
    if (length > 0 && text[length - 1] == '.')
        length--;
    size_t label = length;
    bool has_letter = false;
    while (label > 0 && (g_ascii_isalnum(text[label - 1]) || text[label - 1] == '-')) {
        has_letter = has_letter || !g_ascii_isdigit(text[label - 1]);
        label--;
    }
    return has_letter && label > 0 && text[label - 1] == '.' && text[label] != '-' &&
           text[length - 1] != '-';
}

bool spf_domain_spec_is_valid(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < 0x21 || *at > 0x7e)
            return false;
    }
    return spf_macros_are_valid(text) && ends_well(text);
}

/* ---- Mechanisms ---- */

/* Reads the digits behind a slash up to the end; no leading zeros. */
static bool read_prefix(const char *digits, unsigned maximum, unsigned *prefix)
{
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 3 || digits[length] != '\0' || (digits[0] == '0' && length > 1))
        return false;
    *prefix = (unsigned)g_ascii_strtoull(digits, NULL, 10);
    return *prefix <= maximum;
}

/* Cuts `/24` or `/24//64` or `//64` off the end. Slashes within a macro are none of these: a macro
 * ends in a brace, and so does what is before them. */
static bool cut_prefixes(char *rest, bool is_ip6, unsigned *prefix)
{
    unsigned ignored = 0;
    char *slash = strrchr(rest, '/');
    if (slash == NULL || strchr(slash, '}') != NULL)
        return true;
    if (is_ip6) {
        *slash = '\0';
        return read_prefix(slash + 1, PREFIX6_MAXIMUM, &ignored);
    }
    if (slash > rest && slash[-1] == '/') {
        if (!read_prefix(slash + 1, PREFIX6_MAXIMUM, &ignored))
            return false;
        slash[-1] = '\0';
        slash = strrchr(rest, '/');
        if (slash == NULL || strchr(slash, '}') != NULL)
            return true;
    }
    *slash = '\0';
    return read_prefix(slash + 1, PREFIX_MAXIMUM, prefix);
}

/* Hexadecimal groups and perhaps dotted decimals: enough to tell a slip from an address, which will
 * never match. */
static bool is_ip6(const char *text)
{
    size_t length = strlen(text);
    return length >= 2 && length < 46 && strspn(text, "0123456789abcdefABCDEF:.") == length &&
           strchr(text, ':') != NULL;
}

static bool take_argument(SpfMechanism *mechanism, const char *argument)
{
    switch (mechanism->kind) {
    case SPF_IP4:
        return ipv4_parse(argument, &mechanism->address);
    case SPF_IP6:
        return is_ip6(argument);
    default:
        mechanism->domain = g_strdup(argument);
        return spf_domain_spec_is_valid(argument);
    }
}

/* `rest` is what follows the mechanism's name, and is cut up. */
static bool take_rest(SpfMechanism *mechanism, size_t index, char *rest)
{
    bool is_cut = !MECHANISMS[index].may_have_prefix ||
                  cut_prefixes(rest, mechanism->kind == SPF_IP6, &mechanism->prefix);
    if (!is_cut)
        return false;
    if (rest[0] == '\0')
        return !MECHANISMS[index].needs_domain;
    return rest[0] == ':' && MECHANISMS[index].may_have_domain &&
           take_argument(mechanism, rest + 1);
}

static SpfMechanism *parse_mechanism(const char *term)
{
    static const char QUALIFIERS[] = {[SPF_QUALIFIER_PASS] = '+',
                                      [SPF_QUALIFIER_FAIL] = '-',
                                      [SPF_QUALIFIER_SOFTFAIL] = '~',
                                      [SPF_QUALIFIER_NEUTRAL] = '?'};
    SpfMechanism *mechanism = g_new0(SpfMechanism, 1);
    mechanism->text = g_strdup(term);
    mechanism->prefix = PREFIX_MAXIMUM;
    const char *found = memchr(QUALIFIERS, term[0], sizeof QUALIFIERS);
    if (found != NULL) {
        mechanism->qualifier = (SpfQualifier)(found - QUALIFIERS);
        term++;
    }
    size_t length = strcspn(term, ":/");
    for (size_t i = 0; i < G_N_ELEMENTS(MECHANISMS); i++) {
        if (strlen(MECHANISMS[i].name) != length ||
            g_ascii_strncasecmp(MECHANISMS[i].name, term, length) != 0)
            continue;
        g_autofree char *rest = g_strdup(term + length);
        mechanism->kind = MECHANISMS[i].kind;
        if (take_rest(mechanism, i, rest))
            return mechanism;
        break;
    }
    mechanism_free(mechanism);
    return NULL;
}

/* ---- Modifiers ---- */

/* The length of the modifier's name: letters first, then an equals sign; 0: it is no modifier. */
static size_t modifier_name_length(const char *term)
{
    if (!g_ascii_isalpha(term[0]))
        return 0;
    size_t length = 1;
    while (g_ascii_isalnum(term[length]) || strchr("-_.", term[length]) != NULL) {
        if (term[length] == '\0')
            return 0;
        length++;
    }
    return term[length] == '=' ? length : 0;
}

typedef struct Modifiers {
    char *redirect, *explanation;
} Modifiers;

static bool is_name(const char *term, size_t length, const char *name)
{
    return strlen(name) == length && g_ascii_strncasecmp(term, name, length) == 0;
}

/* §6: redirect and exp come at most once; others are read over, if their macros are whole. */
static bool take_modifier(Modifiers *modifiers, const char *term, size_t length)
{
    const char *value = term + length + 1;
    char **target = is_name(term, length, "redirect") ? &modifiers->redirect
                    : is_name(term, length, "exp")    ? &modifiers->explanation
                                                      : NULL;
    if (target == NULL)
        return spf_macros_are_valid(value);
    if (*target != NULL || !spf_domain_spec_is_valid(value))
        return false;
    *target = g_strdup(value);
    return true;
}

/* ---- The record ---- */

static bool take_term(SpfRecord *record, Modifiers *modifiers, const char *term)
{
    size_t name = modifier_name_length(term);
    if (name > 0)
        return take_modifier(modifiers, term, name);
    SpfMechanism *mechanism = parse_mechanism(term);
    if (mechanism != NULL)
        g_ptr_array_add(record->mechanisms, mechanism);
    return mechanism != NULL;
}

SpfRecord *spf_record_parse(const char *text, char **fault)
{
    *fault = NULL;
    if (!spf_record_is_one(text)) {
        *fault = g_strdup("it does not begin with v=spf1");
        return NULL;
    }
    SpfRecord *record = g_new0(SpfRecord, 1);
    record->mechanisms = g_ptr_array_new_with_free_func(mechanism_free);
    Modifiers modifiers = {0};
    g_auto(GStrv) terms = g_strsplit(text + 6, " ", -1);
    for (char **term = terms; *term != NULL && *fault == NULL; term++) {
        if (**term != '\0' && !take_term(record, &modifiers, *term))
            *fault = g_strdup_printf("`%s` is not understood", *term);
    }
    record->redirect = modifiers.redirect;
    g_free(modifiers.explanation);
    if (*fault != NULL)
        g_clear_pointer(&record, spf_record_free);
    return record;
}
