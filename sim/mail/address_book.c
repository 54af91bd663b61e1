/* The address book. See address_book.h. */
#include "mail/address_book.h"

#include "core/check.h"
#include "core/table.h"
#include "mail/envelope.h"

#include <string.h>

/* A local-part and what it leads to. */
typedef struct Named {
    AddressLead lead;
    char *name;
    GStrv to;
    char local_part[]; /* in lower case */
} Named;

/* Every mail asks, and what it finds is cold: so little of it is to be touched. */
struct AddressBook {
    Table names;     /* of Named, by their local-parts */
    char *catch_all; /* or NULL */
    bool accepts_plus;
    char domains[]; /* one behind the other, each with its NUL; an empty one ends them */
};

static uint32_t hash_of_named(const void *thing)
{
    const Named *named = thing;
    return table_hash(named->local_part, strlen(named->local_part));
}

const char *address_lead_text(AddressLead lead)
{
    static const char *const TEXTS[] = {
        [LEAD_ELSEWHERE] = "elsewhere", [LEAD_NOWHERE] = "nowhere",     [LEAD_MAILBOX] = "mailbox",
        [LEAD_ALIAS] = "alias",         [LEAD_FORWARD] = "forward",     [LEAD_LIST] = "list",
        [LEAD_OWNER] = "owner",         [LEAD_CATCH_ALL] = "catch_all",
    };
    return TEXTS[lead];
}

bool address_lead_is_expanded(AddressLead lead)
{
    return lead >= LEAD_ALIAS;
}

/* ---- Filling it ---- */

static void named_free(Named *named)
{
    g_free(named->name);
    g_strfreev(named->to);
    g_free(named);
}

/* The local-part that is the sender of what a list distributes. To free. */
static char *owner_of(const char *list)
{
    return g_strconcat(list, "-owner", NULL);
}

/* `local_part` is in lower case. */
static Named *find_exactly(const AddressBook *book, Span local_part)
{
    const char *key = (const char *)local_part.data;
    TableProbe probe = table_probe(&book->names, table_hash(key, local_part.length));
    Named *named;
    while ((named = table_next(&book->names, &probe)) != NULL) {
        if (strncmp(named->local_part, key, local_part.length) == 0 &&
            named->local_part[local_part.length] == '\0')
            return named;
    }
    return NULL;
}

/* It takes the place of another of that local-part. */
static void add(AddressBook *book, const char *local_part, AddressLead lead, const char *name,
                const char *const *to)
{
    g_autofree char *key = g_ascii_strdown(local_part, -1);
    Span text = span_of_text(key);
    Named *before = find_exactly(book, text);
    if (before != NULL) {
        table_remove(&book->names, before);
        named_free(before);
    }
    Named *named = g_malloc(sizeof *named + text.length + 1);
    *named = (Named){lead, g_strdup(name), g_strdupv((char **)(uintptr_t)to)};
    memcpy(named->local_part, key, text.length + 1);
    table_add(&book->names, hash_of_named(named), named);
}

AddressBook *address_book_new(const char *const *domains, size_t domain_count)
{
    size_t size = 1;
    for (size_t i = 0; i < domain_count; i++)
        size += strlen(domains[i]) + 1;
    AddressBook *book = g_malloc(sizeof *book + size);
    *book = (AddressBook){.names = {.hash_of = hash_of_named}};
    char *end = book->domains;
    for (size_t i = 0; i < domain_count; i++) {
        CHECK(domains[i][0] != '\0');
        end = stpcpy(end, domains[i]) + 1;
    }
    *end = '\0';
    address_book_add_user(book, "postmaster", NULL);
    return book;
}

void address_book_free(AddressBook *book)
{
    size_t at = 0;
    Named *named;
    while ((named = table_each(&book->names, &at)) != NULL)
        named_free(named);
    table_clear(&book->names);
    g_free(book->catch_all);
    g_free(book);
}

void address_book_accept_plus(AddressBook *book)
{
    book->accepts_plus = true;
}

void address_book_add_user(AddressBook *book, const char *name, const char *const *forward)
{
    bool leads_on = forward != NULL && forward[0] != NULL;
    add(book, name, leads_on ? LEAD_FORWARD : LEAD_MAILBOX, name, leads_on ? forward : NULL);
}

void address_book_add_alias(AddressBook *book, const char *name, const char *const *to)
{
    add(book, name, LEAD_ALIAS, name, to);
}

void address_book_add_list(AddressBook *book, const char *name, const char *owner,
                           const char *const *members)
{
    g_autofree char *owner_name = owner_of(name);
    g_autofree char *request_name = g_strconcat(name, "-request", NULL);
    const char *to[] = {owner, NULL};
    add(book, name, LEAD_LIST, name, members);
    add(book, owner_name, LEAD_OWNER, name, to);
    add(book, request_name, LEAD_OWNER, name, to);
}

void address_book_set_catch_all(AddressBook *book, const char *user)
{
    g_free(book->catch_all);
    book->catch_all = g_strdup(user);
}

/* ---- Looking up ---- */

static bool has_just(const AddressBook *book, Span domain)
{
    Span own = span_of_text(book->domains);
    for (; own.length > 0; own = span_of_text((const char *)own.data + own.length + 1)) {
        if (own.length == domain.length &&
            octets_equal_nocase(domain.data, (const char *)own.data, own.length))
            return true;
    }
    return false;
}

bool address_book_has_domain(const AddressBook *book, const char *domain)
{
    Span text = span_of_text(domain);
    if (has_just(book, text))
        return true;
    if (span_is_ascii(text))
        return false;
    g_autofree char *ascii = address_domain_to_ascii(domain);
    return has_just(book, span_of_text(ascii));
}

/* In letters of any case, so many octets of it. */
static const Named *find_in_any_case(const AddressBook *book, const char *local_part, size_t length)
{
    char key[ADDRESS_LOCAL_PART_MAX + sizeof "-request"]; /* no name is longer */
    if (length >= sizeof key)
        return NULL;
    for (size_t i = 0; i < length; i++)
        key[i] = g_ascii_tolower(local_part[i]);
    return find_exactly(book, span_of(key, length));
}

static const Named *find_named(const AddressBook *book, const char *local_part)
{
    const Named *named = find_in_any_case(book, local_part, strlen(local_part));
    const char *plus = strchr(local_part, '+');
    if (named == NULL && book->accepts_plus && plus != NULL && plus > local_part)
        named = find_in_any_case(book, local_part, (size_t)(plus - local_part));
    return named;
}

AddressMeaning address_book_find(const AddressBook *book, const Address *address)
{
    if (!address_book_has_domain(book, address->domain))
        return (AddressMeaning){.lead = LEAD_ELSEWHERE};
    const Named *named = find_named(book, address->local_part);
    if (named == NULL)
        return (AddressMeaning){book->catch_all != NULL ? LEAD_CATCH_ALL : LEAD_NOWHERE,
                                book->catch_all, NULL};
    return (AddressMeaning){named->lead, named->name, (const char *const *)named->to};
}

/* ---- Expanding ---- */

/* The walk from address to address. */
typedef struct Walk {
    const AddressBook *book;
    ListUse lists;
    GPtrArray *found;    /* texts */
    GHashTable *known;   /* what makes a text of `found` equal to another */
    GHashTable *visited; /* Named that have been expanded, or are being */
    unsigned depth;
    bool is_too_long;
} Walk;

/* The same mailbox: domains without regard to case, local-parts exactly (RFC 5321 §2.4). */
static char *key_of(const Address *address)
{
    g_autofree char *domain = g_ascii_strdown(address->domain, -1);
    return g_strconcat(address->local_part, "@", domain, NULL);
}

static void take(Walk *walk, const Address *address)
{
    char *key = key_of(address);
    if (!g_hash_table_add(walk->known, key)) /* which has freed the key */
        return;
    if (walk->found->len == ENVELOPE_RECIPIENTS_MAX)
        walk->is_too_long = true;
    else
        g_ptr_array_add(walk->found, address_format(address));
}

static void follow_all(Walk *walk, const Named *from);

/* What the local-part means in this walk; NULL: there is no such user. */
static const Named *find_step(const Walk *walk, const char *local_part)
{
    const Named *named = find_named(walk->book, local_part);
    if (named == NULL || named->lead != LEAD_LIST || walk->lists == LISTS_STAY)
        return named;
    g_autofree char *owner = owner_of(named->name);
    return find_in_any_case(walk->book, owner, strlen(owner));
}

/* Makes the address of an unknown user that of the one who catches all. */
static void redirect(const AddressBook *book, Address *address)
{
    if (address_book_find(book, address).lead == LEAD_CATCH_ALL)
        address_set_local_part(address, book->catch_all);
}

/* A user's own address among those forwarded to means the mailbox. `from` is NULL at the start. */
static void follow(Walk *walk, const Named *from, Address address)
{
    const Named *named = NULL;
    redirect(walk->book, &address);
    if (address_book_has_domain(walk->book, address.domain))
        named = find_step(walk, address.local_part);
    bool is_end = named == NULL || named->lead == LEAD_MAILBOX || named->lead == LEAD_LIST;
    bool is_from_itself = named != NULL && named == from;
    bool is_own_mailbox = is_from_itself && named->lead == LEAD_FORWARD;
    if (is_own_mailbox || (is_end && !is_from_itself))
        take(walk, &address);
    else if (!is_end && !g_hash_table_contains(walk->visited, named))
        follow_all(walk, named);
}

static void follow_all(Walk *walk, const Named *from)
{
    if (walk->depth == ADDRESS_BOOK_DEPTH_MAX)
        return;
    walk->depth++;
    g_hash_table_add(walk->visited, (Named *)(uintptr_t)from);
    for (char **to = from->to; to != NULL && *to != NULL; to++) {
        Address address;
        CHECK(address_parse(span_of_text(*to), &address) == ADDRESS_OK);
        follow(walk, from, address);
    }
    walk->depth--;
}

ExpansionResult address_book_expand(const AddressBook *book, const Address *address,
                                    const AddressMeaning *meaning, ListUse lists, char ***into)
{
    CHECK(address_lead_is_expanded(meaning->lead));
    Walk walk = {.book = book,
                 .lists = lists,
                 .found = g_ptr_array_new_with_free_func(g_free),
                 .known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                 .visited = g_hash_table_new(NULL, NULL)};
    if (meaning->lead == LEAD_CATCH_ALL)
        follow(&walk, NULL, *address);
    else
        follow_all(&walk, find_step(&walk, address->local_part));
    g_hash_table_destroy(walk.known);
    g_hash_table_destroy(walk.visited);
    size_t count = walk.found->len;
    *into = NULL;
    if (!walk.is_too_long && count > 0) {
        *into = g_new0(char *, count + 1);
        for (size_t i = 0; i < count; i++)
            (*into)[i] = g_steal_pointer(&walk.found->pdata[i]);
    }
    g_ptr_array_unref(walk.found);
    if (walk.is_too_long)
        return EXPANSION_TOO_MANY;
    return count > 0 ? EXPANSION_DONE : EXPANSION_CIRCLE;
}
