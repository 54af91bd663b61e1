/* Tests of mail/address_book: what an address leads to, and where an expansion ends. */
#include "mail/address_book.h"

#include "core/check.h"
#include "mail/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define TO(...) ((const char *const[]){__VA_ARGS__, NULL})

static AddressBook *book_new(void)
{
    const char *const domains[] = {"a.example", "A-alias.example"};
    AddressBook *book = address_book_new(domains, G_N_ELEMENTS(domains));
    address_book_accept_plus(book);
    address_book_add_user(book, "alice", NULL);
    address_book_add_user(book, "bob", TO("bob@b.example"));
    address_book_add_user(book, "carol", TO("carol@c.example", "carol@a.example"));
    address_book_add_alias(book, "sales", TO("alice@a.example", "carol@a.example"));
    address_book_add_alias(book, "all", TO("sales@a.example", "all@a.example", "alice@A.example"));
    address_book_add_list(book, "course", "alice@a.example", TO("bob@a.example", "x@x.example"));
    return book;
}

static Address parsed(const char *text)
{
    Address address;
    assert_int_equal(address_parse(span_of_text(text), &address), ADDRESS_OK);
    return address;
}

static AddressMeaning meaning_of(const AddressBook *book, const char *text)
{
    Address address = parsed(text);
    return address_book_find(book, &address);
}

static void assert_lead(const AddressBook *book, const char *text, AddressLead lead,
                        const char *name)
{
    AddressMeaning meaning = meaning_of(book, text);
    assert_int_equal(meaning.lead, lead);
    if (name == NULL)
        assert_null(meaning.name);
    else
        assert_string_equal(meaning.name, name);
}

/* The addresses with blanks between; to free. */
static char *expand_lists(const AddressBook *book, const char *text, ListUse lists,
                          ExpansionResult expected)
{
    Address address = parsed(text);
    AddressMeaning meaning = address_book_find(book, &address);
    g_auto(GStrv) into = NULL;
    assert_int_equal(address_book_expand(book, &address, &meaning, lists, &into), expected);
    assert_true((into != NULL) == (expected == EXPANSION_DONE));
    return into != NULL ? g_strjoinv(" ", into) : NULL;
}

static char *expand(const AddressBook *book, const char *text, ExpansionResult expected)
{
    return expand_lists(book, text, LISTS_STAY, expected);
}

static void assert_expands(const AddressBook *book, const char *text, const char *expected)
{
    g_autofree char *into = expand(book, text, EXPANSION_DONE);
    assert_string_equal(into, expected);
}

static void test_what_it_leads_to(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    assert_lead(book, "alice@a.example", LEAD_MAILBOX, "alice");
    assert_lead(book, "ALICE@A.Example", LEAD_MAILBOX, "alice");
    assert_lead(book, "alice@a-alias.example", LEAD_MAILBOX, "alice");
    assert_lead(book, "alice@b.example", LEAD_ELSEWHERE, NULL);
    assert_lead(book, "dave@a.example", LEAD_NOWHERE, NULL);
    assert_lead(book, "bob@a.example", LEAD_FORWARD, "bob");
    assert_lead(book, "Sales@a.example", LEAD_ALIAS, "sales");
    assert_lead(book, "course@a.example", LEAD_LIST, "course");
    assert_lead(book, "course-owner@a.example", LEAD_OWNER, "course");
    assert_lead(book, "course-request@a.example", LEAD_OWNER, "course");
    address_book_free(book);
}

/* RFC 5321 §4.5.1; an alias may take its place. */
static void test_postmaster_is_always_there(void **state)
{
    (void)state;
    AddressBook *book = address_book_new(TO("a.example"), 1);
    assert_lead(book, "PostMaster@a.example", LEAD_MAILBOX, "postmaster");
    address_book_add_alias(book, "postmaster", TO("alice@a.example"));
    assert_lead(book, "postmaster@a.example", LEAD_ALIAS, "postmaster");
    address_book_free(book);
}

static void test_plus_addresses(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    assert_lead(book, "alice+news@a.example", LEAD_MAILBOX, "alice");
    assert_lead(book, "alice+a+b@a.example", LEAD_MAILBOX, "alice");
    assert_lead(book, "sales+x@a.example", LEAD_ALIAS, "sales");
    assert_lead(book, "+alice@a.example", LEAD_NOWHERE, NULL);
    assert_lead(book, "dave+x@a.example", LEAD_NOWHERE, NULL);
    address_book_add_user(book, "alice+news", NULL);
    assert_lead(book, "alice+news@a.example", LEAD_MAILBOX, "alice+news");
    address_book_free(book);
    book = address_book_new(TO("a.example"), 1);
    address_book_add_user(book, "alice", NULL);
    assert_lead(book, "alice+news@a.example", LEAD_NOWHERE, NULL);
    address_book_free(book);
}

/* It stands for the user's address, and so for what that one leads to. */
static void test_catch_all(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    assert_lead(book, "dave@a.example", LEAD_NOWHERE, NULL);
    address_book_set_catch_all(book, "alice");
    assert_lead(book, "dave@a.example", LEAD_CATCH_ALL, "alice");
    assert_lead(book, "alice+x@a.example", LEAD_MAILBOX, "alice");
    assert_lead(book, "dave@b.example", LEAD_ELSEWHERE, NULL);
    assert_true(address_lead_is_expanded(LEAD_CATCH_ALL));
    assert_expands(book, "dave@a.example", "alice@a.example");
    assert_expands(book, "dave@a-alias.example", "alice@a-alias.example");
    address_book_add_alias(book, "odd", TO("nobody@a.example"));
    assert_expands(book, "odd@a.example", "alice@a.example");
    address_book_set_catch_all(book, "carol");
    assert_expands(book, "dave@a.example", "carol@c.example carol@a.example");
    address_book_free(book);
}

static void test_expansion(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    assert_expands(book, "bob@a.example", "bob@b.example");
    /* the own address keeps a copy */
    assert_expands(book, "carol@a.example", "carol@c.example carol@a.example");
    /* aliases lead to aliases; each address once, itself not at all */
    assert_expands(book, "sales@a.example", "alice@a.example carol@c.example carol@a.example");
    assert_expands(book, "all@a.example", "alice@a.example carol@c.example carol@a.example");
    assert_expands(book, "course@a.example", "bob@b.example x@x.example");
    assert_expands(book, "course-request@a.example", "alice@a.example");
    address_book_free(book);
}

/* An inner list is another sender's: it is an address to deliver to. */
static void test_lists_in_lists(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    address_book_add_list(book, "outer", "alice@a.example",
                          TO("course@a.example", "alice@a.example", "outer@a.example"));
    assert_expands(book, "outer@a.example", "course@a.example alice@a.example");
    address_book_free(book);
}

/* For a notification a list is its owner; owners in a circle lead nowhere. */
static void test_lists_for_owners(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    address_book_add_list(book, "outer", "course@a.example", TO("bob@a.example"));
    address_book_add_alias(book, "staff", TO("outer@a.example", "x@x.example"));
    g_autofree char *outer =
        expand_lists(book, "outer-owner@a.example", LISTS_FOR_OWNERS, EXPANSION_DONE);
    assert_string_equal(outer, "alice@a.example");
    g_autofree char *staff =
        expand_lists(book, "staff@a.example", LISTS_FOR_OWNERS, EXPANSION_DONE);
    assert_string_equal(staff, "alice@a.example x@x.example");
    address_book_add_list(book, "self", "self@a.example", TO("bob@a.example"));
    address_book_add_list(book, "one", "two@a.example", TO("bob@a.example"));
    address_book_add_list(book, "two", "one@a.example", TO("bob@a.example"));
    assert_null(expand_lists(book, "self-owner@a.example", LISTS_FOR_OWNERS, EXPANSION_CIRCLE));
    assert_null(expand_lists(book, "self@a.example", LISTS_FOR_OWNERS, EXPANSION_CIRCLE));
    assert_null(expand_lists(book, "one-owner@a.example", LISTS_FOR_OWNERS, EXPANSION_CIRCLE));
    assert_expands(book, "one-owner@a.example", "two@a.example");
    address_book_free(book);
}

static void test_unknown_targets_stay(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    address_book_add_alias(book, "old", TO("gone@a.example", "\"a b\"@x.example"));
    assert_expands(book, "old@a.example", "gone@a.example \"a b\"@x.example");
    address_book_free(book);
}

static void test_circles_end(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    address_book_add_alias(book, "self", TO("self@a.example"));
    address_book_add_user(book, "left", TO("right@a.example"));
    address_book_add_user(book, "right", TO("left@a.example"));
    address_book_add_alias(book, "way", TO("left@a.example", "alice@a.example"));
    assert_null(expand(book, "self@a.example", EXPANSION_CIRCLE));
    assert_null(expand(book, "left@a.example", EXPANSION_CIRCLE));
    assert_expands(book, "way@a.example", "alice@a.example");
    address_book_free(book);
}

static void test_limits(void **state)
{
    (void)state;
    AddressBook *book = book_new();
    g_autofree const char **many = g_new0(const char *, ENVELOPE_RECIPIENTS_MAX + 2);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i <= ENVELOPE_RECIPIENTS_MAX; i++) {
        g_ptr_array_add(texts, g_strdup_printf("m%zu@x.example", i));
        many[i] = texts->pdata[i];
    }
    address_book_add_alias(book, "many", many);
    assert_null(expand(book, "many@a.example", EXPANSION_TOO_MANY));
    many[ENVELOPE_RECIPIENTS_MAX] = many[0];
    address_book_add_alias(book, "most", many);
    g_autofree char *all = expand(book, "most@a.example", EXPANSION_DONE);
    assert_non_null(strstr(all, "m999@x.example"));
    /* a chain of aliases */
    for (int i = 0; i <= ADDRESS_BOOK_DEPTH_MAX; i++) {
        g_autofree char *name = g_strdup_printf("chain%d", i);
        g_autofree char *next = g_strdup_printf("chain%d@a.example", i + 1);
        address_book_add_alias(book, name, TO(next));
    }
    g_autofree char *last = g_strdup_printf("chain%d", ADDRESS_BOOK_DEPTH_MAX);
    address_book_add_alias(book, last, TO("alice@a.example"));
    assert_null(expand(book, "chain0@a.example", EXPANSION_CIRCLE));
    assert_expands(book, "chain1@a.example", "alice@a.example");
    address_book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_leads_to), cmocka_unit_test(test_postmaster_is_always_there),
        cmocka_unit_test(test_plus_addresses),   cmocka_unit_test(test_catch_all),
        cmocka_unit_test(test_expansion),        cmocka_unit_test(test_lists_in_lists),
        cmocka_unit_test(test_lists_for_owners), cmocka_unit_test(test_unknown_targets_stay),
        cmocka_unit_test(test_circles_end),      cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
