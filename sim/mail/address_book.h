/* What the addresses of a mail server lead to: mailboxes, aliases, forwarding, mailing lists.
 *
 * An address of an alias stands for other addresses, that of a user who forwards likewise; the rest
 * of the envelope stays as it is (RFC 5321 §3.9.1). A list has an owner, and its copies go out with
 * the owner's address as the sender, so that what cannot be delivered does not come back to authors
 * (§3.9.2). Each list NAME brings two addresses more: NAME-owner, which is that sender, and
 * NAME-request (RFC 2142 §6); both lead to the owner. `postmaster` is always there (RFC 5321
 * §4.5.1); an alias or a user of that name takes its place.
 *
 * Local-parts are matched without regard to case, as nearly all servers do: RFC 5321 §2.4 leaves
 * that to the receiving host. What is behind a `+` is a detail for the user alone (RFC 5233). */
#pragma once

#include "mail/address.h"

typedef struct AddressBook AddressBook;

/* What an address leads to. */
typedef enum AddressLead {
    LEAD_ELSEWHERE, /* the domain is not one of the book's */
    LEAD_NOWHERE,   /* there is no such user here */
    LEAD_MAILBOX,
    LEAD_ALIAS,
    LEAD_FORWARD, /* a user's mailbox, whose mail goes elsewhere */
    LEAD_LIST,
    LEAD_OWNER,     /* NAME-owner or NAME-request of a list */
    LEAD_CATCH_ALL, /* there is no such user, and somebody gets the mail of all those */
} AddressLead;

/* "alias", "forward", "list", "owner", "catch_all"; for people and traces. */
const char *address_lead_text(AddressLead lead);
/* True for those that an expansion replaces by other addresses. */
bool address_lead_is_expanded(AddressLead lead);

typedef struct AddressMeaning {
    AddressLead lead;
    const char *name; /* of the user, alias or list, as it was added; of the user who catches all;
                         NULL: none. Borrowed. */
    const char *const *to; /* the addresses that it was given; NULL-terminated, borrowed; or NULL */
} AddressMeaning;

/* Everything that is added is copied. Domains: compared without regard to case. */
AddressBook *address_book_new(const char *const *domains, size_t domain_count);
void address_book_free(AddressBook *book);

/* Not yet, until it is called: `bob+news` is bob's too. */
void address_book_accept_plus(AddressBook *book);
/* A user; with `forward` (may be NULL; ended by NULL) the mail goes to these addresses in place of
 * the mailbox, or also into it when the user's own address is among them. */
void address_book_add_user(AddressBook *book, const char *name, const char *const *forward);
void address_book_add_alias(AddressBook *book, const char *name, const char *const *to);
void address_book_add_list(AddressBook *book, const char *name, const char *owner,
                           const char *const *members);
/* Who gets the mail for unknown users, in each of the domains; NULL: nobody. */
void address_book_set_catch_all(AddressBook *book, const char *user);

bool address_book_has_domain(const AddressBook *book, const char *domain);
AddressMeaning address_book_find(const AddressBook *book, const Address *address);

/* What lists stand for within an expansion. */
typedef enum ListUse {
    LISTS_STAY,       /* an address, since what goes to the members has another sender */
    LISTS_FOR_OWNERS, /* their owners: for notifications, which no list multiplies */
} ListUse;

typedef enum ExpansionResult {
    EXPANSION_DONE,
    EXPANSION_CIRCLE,   /* the address leads to nothing but itself */
    EXPANSION_TOO_MANY, /* addresses for one envelope */
} ExpansionResult;

/* Aliases that lead to aliases are followed so far; deeper ones count as a circle. */
enum { ADDRESS_BOOK_DEPTH_MAX = 100 };

/* The addresses to which `address` leads in the end, each once, in order: mailboxes of this server,
 * other lists of it as `lists` says, and addresses elsewhere. The null-terminated texts, to
 * g_strfreev, are put into `into`; NULL unless EXPANSION_DONE. `meaning` is what address_book_find
 * has given for `address`. */
ExpansionResult address_book_expand(const AddressBook *book, const Address *address,
                                    const AddressMeaning *meaning, ListUse lists, char ***into);
