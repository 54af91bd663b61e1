/* Whence each mail comes: from the agent that submits it, from the server before, or from the
 * server itself when it is a notification. See books.h. */
#include "audit/books_internal.h"

void books_compose(Books *books, const TraceRecord *record)
{
    const TraceFields_AGENT_COMPOSE *fields = record->fields;
    Mail *mail = books_mail(books, fields->mail);
    mail->author = books_intern(books, fields->from);
    mail->addressees = books_intern(books, fields->to != NULL ? fields->to : "");
}

/* What a server outside of the simulation has taken cannot be seen. */
void books_be_sent(Books *books, const TraceRecord *record)
{
    const TraceFields_AGENT_SENT *fields = record->fields;
    MailId id = books_take_mail(books, fields->mail);
    Mail *mail = books_mail_at(books, id);
    bool is_seen =
        fields->server != NULL && books_find_host(books, fields->server) != NODE_TIMELINE;
    if (mail->sent_seq == 0 && is_seen)
        mail->sent_seq = books->seq & BOOKS_SENT_SEQ_MASK; /* which no run exceeds */
    books_settle(books, id);
}

/* Each address once. `addresses` is NULL as long as there is none. */
static void add_address(Books *books, GArray **addresses, const char *recipient)
{
    NameId address = books_intern(books, recipient);
    if (*addresses == NULL)
        *addresses = g_array_new(FALSE, FALSE, sizeof address);
    for (guint i = 0; i < (*addresses)->len; i++) {
        if (g_array_index(*addresses, NameId, i) == address)
            return;
    }
    g_array_append_val(*addresses, address);
}

static MailExtra *extra_of(Books *books, const char *mail)
{
    return books_take_mail_extra(books, books_mail(books, mail));
}

void books_be_refused(Books *books, const TraceRecord *record)
{
    const TraceFields_AGENT_FAILED *fields = record->fields;
    if (fields->mail != NULL && fields->recipient != NULL)
        add_address(books, &extra_of(books, fields->mail)->refused, fields->recipient);
}

/* Put off, and in its outbox from now on. */
void books_be_kept(Books *books, const TraceRecord *record)
{
    const TraceFields_AGENT_WAIT *fields = record->fields;
    if (fields->mail != NULL && fields->recipient != NULL)
        add_address(books, &extra_of(books, fields->mail)->kept, fields->recipient);
}

/* Lost by an agent that has no queue: nobody had accepted it, so nobody owes it. */
void books_be_lost(Books *books, const TraceRecord *record)
{
    const TraceFields_AGENT_LOST *fields = record->fields;
    if (fields->mail == NULL || books_mail(books, fields->mail)->author == NAME_NONE)
        books_violate(books, "an agent loses %s, which nobody has composed",
                      fields->mail != NULL ? fields->mail : "a mail");
    else
        add_address(books, &extra_of(books, fields->mail)->refused, fields->recipient);
}

static Submission *find_submission(const Books *books, Mail *mail, NodeId server)
{
    if (mail->first_submission.count > 0 && mail->first_submission.server == server)
        return &mail->first_submission;
    GArray *further = books_mail_extra(books, mail)->submissions;
    for (guint i = 0; further != NULL && i < further->len; i++) {
        Submission *submission = &g_array_index(further, Submission, i);
        if (submission->server == server)
            return submission;
    }
    return NULL;
}

static void add_submission(Books *books, Mail *mail, NodeId server)
{
    Submission submission = {server, 1};
    if (mail->first_submission.count == 0) {
        mail->first_submission = submission;
        return;
    }
    MailExtra *extra = books_take_mail_extra(books, mail);
    if (extra->submissions == NULL)
        extra->submissions = g_array_new(FALSE, FALSE, sizeof(Submission));
    g_array_append_val(extra->submissions, submission);
}

void books_submit(Books *books, const TraceRecord *record)
{
    const TraceFields_AGENT_SUBMIT *fields = record->fields;
    Mail *mail = books_mail(books, fields->mail);
    NodeId server = books_find_host(books, fields->server != NULL ? fields->server : "");
    if (mail->author == NAME_NONE)
        books_violate(books, "%s is submitted to %s, and nobody has composed it",
                      fields->mail != NULL ? fields->mail : "",
                      fields->server != NULL ? fields->server : "a server");
    Submission *known = find_submission(books, mail, server);
    if (known != NULL)
        known->count++;
    else
        add_submission(books, mail, server);
}

/* How many copies for one recipient agents may have brought to a server. */
static uint32_t count_submissions(const Books *books, Mail *mail, NodeId server)
{
    const Submission *here = find_submission(books, mail, server);
    const Submission *anywhere = find_submission(books, mail, NODE_TIMELINE);
    return (here != NULL ? here->count : 0) + (anywhere != NULL ? anywhere->count : 0);
}

static bool was_submitted(const Books *books, const Account *account)
{
    Mail *mail = books_mail_of(books, account);
    NodeId node = books_entry_of(books, account)->node;
    uint32_t count = 0;
    for (const Account *at = books_first_of_mail(books, mail); at != NULL;
         at = books_next_of_mail(books, at))
        count += at->is_submitted && at->recipient == account->recipient &&
                 books_entry_of(books, at)->node == node;
    return count < count_submissions(books, mail, node);
}

uint32_t books_excuses(const Books *books, const Account *account)
{
    const AccountExtra *extra = books_account_extra(books, account);
    return extra->uncertain + books_server_of(books, account)->outages - extra->outages_at_open;
}

/* An account that could have given its mail away just now: it is open, or its server could not know
 * what became of an attempt. */
static bool may_hand_on(const Books *books, const Account *account)
{
    uint32_t excuses = books_excuses(books, account);
    uint32_t handed = books_account_extra(books, account)->handed;
    return account->attempts_by_smtp > handed && handed <= excuses &&
           (account->is_open || excuses > 0);
}

/* An account of another server, or, for a server that relays to itself, of the same one; 0: there
 * is none. */
static AccountId find_source(const Books *books, const Account *account, bool is_same_server)
{
    NodeId node = books_entry_of(books, account)->node;
    AccountId id = books_mail_of(books, account)->accounts;
    while (id != 0) {
        const Account *at = books_account(books, id);
        bool is_same = books_entry_of(books, at)->node == node;
        if (at->entry != account->entry && is_same == is_same_server &&
            at->recipient == account->recipient && may_hand_on(books, at))
            break;
        id = at->next_of_mail;
    }
    return id;
}

/* `source` may be 0. */
static void set_source(Books *books, Account *account, AccountId source)
{
    if (account->source != 0)
        books_take_account_extra(books, books_account(books, account->source))->handed--;
    account->source = source;
    if (source != 0)
        books_take_account_extra(books, books_account(books, source))->handed++;
}

/* Whether some server has handed this on before; then it is a second copy that lacks its reason. */
static bool was_handed_on(const Books *books, const Account *account)
{
    for (const Account *at = books_first_of_mail(books, books_mail_of(books, account)); at != NULL;
         at = books_next_of_mail(books, at)) {
        if (at != account && at->recipient == account->recipient)
            return true;
    }
    return false;
}

static void complain_of_origin(Books *books, const Account *account)
{
    const Entry *entry = books_entry_of(books, account);
    const char *server = books_known_server(books, entry->node)->name;
    const char *mail = books_mail_name(books, entry->mail);
    const char *recipient = books_text(books, account->recipient);
    const char *id = books_text(books, entry->id);
    if (was_handed_on(books, account))
        books_violate(books,
                      "%s has a second copy of %s for %s (queue entry %s), and neither a lost "
                      "reply nor a crash explains it",
                      server, mail, recipient, id);
    else
        books_violate(books,
                      "%s has %s for %s (queue entry %s) from nowhere: no agent and no "
                      "server sent it there",
                      server, mail, recipient, id);
}

/* ---- Expansion ---- */

/* A recipient of the entry that is being delivered locally, which may be one that is expanded. */
static bool has_local_attempt(const Books *books, const Entry *entry)
{
    for (const Account *at = books_first_of_entry(books, entry); at != NULL;
         at = books_next_of_entry(books, at)) {
        const AccountExtra *extra = books_account_extra(books, at);
        if (at->is_open && extra->attempts_local > extra->delivered)
            return true;
    }
    return false;
}

void books_set_origin(Books *books, Entry *entry, const char *origin)
{
    if (origin == NULL)
        return;
    const Server *server = books_known_server(books, entry->node);
    const Entry *from = books_find_entry(books, entry->node, origin);
    if (from != NULL)
        books_take_entry_extra(books, entry)->origin = from->number;
    bool is_possible = from != NULL && from->mail == entry->mail &&
                       (has_local_attempt(books, from) || server->outages > 0);
    if (!is_possible)
        books_violate(
            books,
            "%s has %s (queue entry %s) from the expansion of queue entry %s, of which it "
            "expands no recipient",
            server->name, books_mail_name(books, entry->mail), books_text(books, entry->id),
            origin);
}

static uint64_t count_accounts(const Books *books, const Entry *entry)
{
    uint64_t count = books_entry_extra(books, entry)->untold;
    for (const Account *at = books_first_of_entry(books, entry); at != NULL;
         at = books_next_of_entry(books, at))
        count++;
    return count;
}

/* After an outage an entry may have been recovered, and then only what is not done is counted. */
static void claim_outcome(Books *books, const Account *account, Entry *into,
                          const TraceFields_MAIL_EXPANDED *fields)
{
    const Server *server = books_server_of(books, account);
    const EntryExtra *extra = into != NULL ? books_entry_extra(books, into) : NULL;
    if (extra == NULL || extra->origin != account->entry) {
        books_violate(books,
                      "%s says that %s for %s is in its queue for other addresses (queue entry "
                      "%s), and has no such entry",
                      server->name, fields->mail, fields->recipient, fields->into);
        return;
    }
    if (into->is_named && server->outages <= extra->outages_at_open)
        books_violate(books, "%s names queue entry %s as the expansion of two recipients of %s",
                      server->name, books_text(books, into->id), fields->mail);
    if (count_accounts(books, into) != fields->count && extra->recovered_after == 0)
        books_violate(books,
                      "%s expands %s for %s into %" G_GUINT64_FORMAT
                      " addresses, and has accepted it for %" G_GUINT64_FORMAT " (queue entry %s)",
                      server->name, fields->mail, fields->recipient, fields->count,
                      count_accounts(books, into), books_text(books, into->id));
    into->is_named = true;
}

void books_expand(Books *books, const TraceRecord *record)
{
    const TraceFields_MAIL_EXPANDED *fields = record->fields;
    NodeId node = record->node;
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "expands");
    if (account == NULL)
        return;
    books_close_account(books, account);
    claim_outcome(books, account, books_find_entry(books, node, fields->into), fields);
}

/* ---- Whence ---- */

/* A failing disk has kept what its server refused, and an outage has made mail of it: the client
 * has handed its own on since. */
static bool was_refused_and_kept(const Books *books, const Account *account)
{
    return account->sender == NAME_NONE && books_server_of(books, account)->has_failed_disk &&
           was_handed_on(books, account);
}

void books_trace_origin(Books *books, Account *account)
{
    if (books_entry_extra(books, books_entry_of(books, account))->origin != 0)
        return;
    bool has_author = books_mail_of(books, account)->author != NAME_NONE;
    bool may_be_made_here = account->sender == NAME_NONE && !has_author;
    /* Found on the disk after an outage: whoever brought a notification has not heard that it came,
     * and where another of that name is on its way, it keeps its own. */
    AccountId source = may_be_made_here ? 0 : find_source(books, account, false);
    bool is_from_nobody = account->sender == NAME_NONE || account->sender == NAME_EMPTY;
    if (source == 0 && was_submitted(books, account)) {
        account->is_submitted = true;
        return;
    }
    if (source == 0 && is_from_nobody && !has_author) {
        account->is_notification = true; /* to be named */
        return;
    }
    if (source == 0)
        source = find_source(books, account, true);
    if (source != 0)
        set_source(books, account, source);
    else if (!books_server_of(books, account)->has_outside && !was_refused_and_kept(books, account))
        complain_of_origin(books, account);
}

bool books_comes_from_its_own_server(Books *books, Account *account)
{
    AccountId source = find_source(books, account, true);
    set_source(books, account, source);
    return source != 0;
}

bool books_take_credit(Books *books, Account *account, NodeId next)
{
    if (account->attempts_by_smtp <= books_account_extra(books, account)->handed)
        return false;
    for (Account *at = books_first_of_mail(books, books_mail_of(books, account)); at != NULL;
         at = books_next_of_mail(books, at)) {
        const Account *source = books_account(books, at->source);
        if (books_entry_of(books, at)->node != next || at->recipient != account->recipient ||
            source == NULL || source == account || !books_is_owed(books, source))
            continue;
        set_source(books, at, books_number_of(books, account));
        return true;
    }
    return false;
}

/* A notification just accepted here that was thought to have come from elsewhere, where one of that
 * name is on its way too. Nobody has told the sender of a mail that was found on the disk. */
static bool is_taken_for_foreign(const Books *books, const Account *account, const Account *about)
{
    return account->source != 0 && account->sender == NAME_EMPTY &&
           (about->sender == NAME_NONE || account->recipient == about->sender) &&
           books_account_extra(books, account)->attempts_local == 0 &&
           account->attempts_by_smtp == 0;
}

void books_name_notification(Books *books, const Account *about, const char *name)
{
    const Entry *entry = books_entry_of(books, about);
    const char *server = books_known_server(books, entry->node)->name;
    bool is_told = false;
    if (about->sender == NAME_EMPTY)
        books_violate(books, "%s answers %s, which has an empty sender, by a notification", server,
                      books_mail_name(books, entry->mail));
    for (Account *at = books_first_of_mail(books, books_mail(books, name)); at != NULL;
         at = books_next_of_mail(books, at)) {
        bool is_here = books_entry_of(books, at)->node == entry->node;
        if (is_here && is_taken_for_foreign(books, at, about)) {
            set_source(books, at, 0);
            at->is_notification = true;
        }
        if (!is_here || !at->is_notification)
            continue;
        at->is_named = true;
        is_told = is_told || about->sender == NAME_NONE || at->recipient == about->sender;
    }
    if (!is_told)
        books_violate(books,
                      "%s says that the sender of %s is told by %s, and has not accepted "
                      "such a notification to %s",
                      server, books_mail_name(books, entry->mail),
                      name != NULL && name[0] != '\0' ? name : "nothing",
                      about->sender != NAME_NONE && about->sender != NAME_EMPTY
                          ? books_text(books, about->sender)
                          : "nobody");
}

void books_name_report(Books *books, const Account *about, const char *name)
{
    const Entry *entry = books_entry_of(books, about);
    const char *server = books_known_server(books, entry->node)->name;
    const char *mail = books_mail_name(books, entry->mail);
    bool is_told = false;
    if (about->sender != NAME_NONE && about->sender != NAME_EMPTY)
        books_violate(books, "%s tells its postmaster of %s, and not the sender, %s", server, mail,
                      books_text(books, about->sender));
    if (about->is_report)
        books_violate(books, "%s tells its postmaster of %s, which is such a notice itself", server,
                      mail);
    for (Account *at = books_first_of_mail(books, books_mail(books, name)); at != NULL;
         at = books_next_of_mail(books, at)) {
        const char *user = books_text(books, books_user_of(books, at->recipient));
        if (books_entry_of(books, at)->node != entry->node || !at->is_notification ||
            !books_same_nocase(user, "postmaster"))
            continue;
        at->is_named = at->is_report = true;
        is_told = true;
    }
    if (!is_told)
        books_violate(books,
                      "%s says that its postmaster is told of %s by %s, and has not accepted such "
                      "a notification",
                      server, mail, name != NULL && name[0] != '\0' ? name : "nothing");
}
