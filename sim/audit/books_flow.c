/* Whence each mail comes: from the agent that submits it, from the server before, or from the
 * server itself when it is a notification. See books.h. */
#include "audit/books_internal.h"

void books_compose(Books *books, const TraceFields_AGENT_COMPOSE *fields)
{
    Mail *mail = books_mail(books, fields->mail);
    mail->author = books_intern(books, fields->from);
    mail->addressees = books_intern(books, fields->to != NULL ? fields->to : "");
}

/* What a server outside of the simulation has taken cannot be seen. */
void books_be_sent(Books *books, const TraceFields_AGENT_SENT *fields)
{
    Mail *mail = books_mail(books, fields->mail);
    bool is_seen =
        fields->server != NULL && books_find_host(books, fields->server) != NODE_TIMELINE;
    if (mail->sent_seq == 0 && is_seen)
        mail->sent_seq = books->seq;
    books_settle(books, mail);
}

/* Each address once. `addresses` is NULL as long as there is none. */
static void add_address(Books *books, GPtrArray **addresses, const char *recipient)
{
    char *address = (char *)books_intern(books, recipient);
    if (*addresses == NULL)
        *addresses = g_ptr_array_new();
    if (!g_ptr_array_find(*addresses, address, NULL))
        g_ptr_array_add(*addresses, address);
}

static NotSent *not_sent_of(Mail *mail)
{
    if (mail->not_sent == NULL)
        mail->not_sent = g_new0(NotSent, 1);
    return mail->not_sent;
}

void books_be_refused(Books *books, const TraceFields_AGENT_FAILED *fields)
{
    if (fields->mail != NULL && fields->recipient != NULL)
        add_address(books, &not_sent_of(books_mail(books, fields->mail))->refused,
                    fields->recipient);
}

/* Put off, and in its outbox from now on. */
void books_be_kept(Books *books, const TraceFields_AGENT_WAIT *fields)
{
    if (fields->mail != NULL && fields->recipient != NULL)
        add_address(books, &not_sent_of(books_mail(books, fields->mail))->kept, fields->recipient);
}

/* Lost by an agent that has no queue: nobody had accepted it, so nobody owes it. */
void books_be_lost(Books *books, const TraceFields_AGENT_LOST *fields)
{
    if (fields->mail == NULL || books_mail(books, fields->mail)->author == NULL)
        books_violate(books, "an agent loses %s, which nobody has composed",
                      fields->mail != NULL ? fields->mail : "a mail");
    else
        add_address(books, &not_sent_of(books_mail(books, fields->mail))->refused,
                    fields->recipient);
}

static Submission *find_submission(Mail *mail, NodeId server)
{
    if (mail->first_submission.count > 0 && mail->first_submission.server == server)
        return &mail->first_submission;
    for (guint i = 0; mail->submissions != NULL && i < mail->submissions->len; i++) {
        Submission *submission = &g_array_index(mail->submissions, Submission, i);
        if (submission->server == server)
            return submission;
    }
    return NULL;
}

void books_submit(Books *books, const TraceFields_AGENT_SUBMIT *fields)
{
    Mail *mail = books_mail(books, fields->mail);
    NodeId server = books_find_host(books, fields->server != NULL ? fields->server : "");
    if (mail->author == NULL)
        books_violate(books, "%s is submitted to %s, and nobody has composed it", mail->name,
                      fields->server != NULL ? fields->server : "a server");
    Submission *known = find_submission(mail, server);
    Submission submission = {server, 1};
    if (known != NULL) {
        known->count++;
    } else if (mail->first_submission.count == 0) {
        mail->first_submission = submission;
    } else {
        if (mail->submissions == NULL)
            mail->submissions = g_array_new(FALSE, FALSE, sizeof(Submission));
        g_array_append_val(mail->submissions, submission);
    }
}

/* How many copies for one recipient agents may have brought to a server. */
static uint32_t count_submissions(Mail *mail, NodeId server)
{
    const Submission *here = find_submission(mail, server);
    const Submission *anywhere = find_submission(mail, NODE_TIMELINE);
    return (here != NULL ? here->count : 0) + (anywhere != NULL ? anywhere->count : 0);
}

static bool was_submitted(const Account *account)
{
    Mail *mail = account->entry->mail;
    NodeId server = account->entry->server->node;
    uint32_t count = 0;
    for (const Account *at = mail->accounts; at != NULL; at = at->next_of_mail)
        count += at->is_submitted && at->recipient == account->recipient &&
                 at->entry->server->node == server;
    return count < count_submissions(mail, server);
}

uint32_t account_excuses(const Account *account)
{
    return account->uncertain + account->entry->server->outages - account->outages_at_open;
}

/* An account that could have given its mail away just now: it is open, or its server could not know
 * what became of an attempt. */
static bool may_hand_on(const Account *account)
{
    uint32_t excuses = account_excuses(account);
    return account->attempts_by_smtp > account->handed && account->handed <= excuses &&
           (account->is_open || excuses > 0);
}

/* An account of another server, or, for a server that relays to itself, of the same one. */
static Account *find_source(const Account *account, bool is_same_server)
{
    for (Account *at = account->entry->mail->accounts; at != NULL; at = at->next_of_mail) {
        bool is_same = at->entry->server == account->entry->server;
        if (at->entry != account->entry && is_same == is_same_server &&
            at->recipient == account->recipient && may_hand_on(at))
            return at;
    }
    return NULL;
}

/* `source` may be NULL. */
static void set_source(Account *account, Account *source)
{
    if (account->source != NULL)
        account->source->handed--;
    account->source = source;
    if (source != NULL)
        source->handed++;
}

/* Whether some server has handed this on before; then it is a second copy that lacks its reason. */
static bool was_handed_on(const Account *account)
{
    for (const Account *at = account->entry->mail->accounts; at != NULL; at = at->next_of_mail) {
        if (at != account && at->recipient == account->recipient)
            return true;
    }
    return false;
}

static void complain_of_origin(Books *books, const Account *account)
{
    const char *server = account->entry->server->name;
    const char *mail = account->entry->mail->name;
    if (was_handed_on(account))
        books_violate(books,
                      "%s has a second copy of %s for %s (queue entry %s), and neither a lost "
                      "reply nor a crash explains it",
                      server, mail, account->recipient, account->entry->id);
    else
        books_violate(books,
                      "%s has %s for %s (queue entry %s) from nowhere: no agent and no "
                      "server sent it there",
                      server, mail, account->recipient, account->entry->id);
}

/* ---- Expansion ---- */

/* A recipient of the entry that is being delivered locally, which may be one that is expanded. */
static bool has_local_attempt(const Entry *entry)
{
    for (const Account *at = entry->accounts; at != NULL; at = at->next_of_entry) {
        if (at->is_open && at->attempts_local > at->delivered)
            return true;
    }
    return false;
}

void books_set_origin(Books *books, Entry *entry, const char *origin)
{
    if (origin == NULL)
        return;
    const Server *server = entry->server;
    entry->origin = books_find_entry(books, server->node, origin);
    bool is_possible = entry->origin != NULL && entry->origin->mail == entry->mail &&
                       (has_local_attempt(entry->origin) || server->outages > 0);
    if (!is_possible)
        books_violate(
            books,
            "%s has %s (queue entry %s) from the expansion of queue entry %s, of which it "
            "expands no recipient",
            server->name, entry->mail->name, entry->id, origin);
}

static uint64_t count_accounts(const Entry *entry)
{
    uint64_t count = entry->untold;
    for (const Account *at = entry->accounts; at != NULL; at = at->next_of_entry)
        count++;
    return count;
}

/* After an outage an entry may have been recovered, and then only what is not done is counted. */
static void claim_outcome(Books *books, const Account *account, Entry *into,
                          const TraceFields_MAIL_EXPANDED *fields)
{
    const Server *server = account->entry->server;
    bool has_had_outage = into != NULL && server->outages > into->outages_at_open;
    if (into == NULL || into->origin != account->entry) {
        books_violate(books,
                      "%s says that %s for %s is in its queue for other addresses (queue entry "
                      "%s), and has no such entry",
                      server->name, fields->mail, fields->recipient, fields->into);
        return;
    }
    if (into->is_named && !has_had_outage)
        books_violate(books, "%s names queue entry %s as the expansion of two recipients of %s",
                      server->name, into->id, fields->mail);
    if (count_accounts(into) != fields->count && into->recovered_after == 0)
        books_violate(books,
                      "%s expands %s for %s into %" G_GUINT64_FORMAT
                      " addresses, and has accepted it for %" G_GUINT64_FORMAT " (queue entry %s)",
                      server->name, fields->mail, fields->recipient, fields->count,
                      count_accounts(into), into->id);
    into->is_named = true;
}

void books_expand(Books *books, NodeId node, const TraceFields_MAIL_EXPANDED *fields)
{
    Account *account = books_account_to_go_on(books, node, fields->entry, fields->mail,
                                              fields->recipient, "expands");
    if (account == NULL)
        return;
    books_close_account(account);
    claim_outcome(books, account, books_find_entry(books, node, fields->into), fields);
}

/* ---- Whence ---- */

/* A failing disk has kept what its server refused, and an outage has made mail of it: the client
 * has handed its own on since. */
static bool was_refused_and_kept(const Account *account)
{
    return account->sender == NULL && account->entry->server->has_failed_disk &&
           was_handed_on(account);
}

void books_trace_origin(Books *books, Account *account)
{
    if (account->entry->origin != NULL)
        return;
    bool may_be_made_here = account->sender == NULL && account->entry->mail->author == NULL;
    /* Found on the disk after an outage: whoever brought a notification has not heard that it came,
     * and where another of that name is on its way, it keeps its own. */
    Account *source = may_be_made_here ? NULL : find_source(account, false);
    bool is_from_nobody = account->sender == NULL || account->sender[0] == '\0';
    if (source == NULL && was_submitted(account)) {
        account->is_submitted = true;
        return;
    }
    if (source == NULL && is_from_nobody && account->entry->mail->author == NULL) {
        account->is_notification = true; /* to be named */
        return;
    }
    if (source == NULL)
        source = find_source(account, true);
    if (source != NULL)
        set_source(account, source);
    else if (!account->entry->server->has_outside && !was_refused_and_kept(account))
        complain_of_origin(books, account);
}

bool books_comes_from_its_own_server(Account *account)
{
    Account *source = find_source(account, true);
    set_source(account, source);
    return source != NULL;
}

bool books_take_credit(Account *account, NodeId next)
{
    if (account->attempts_by_smtp <= account->handed)
        return false;
    for (Account *at = account->entry->mail->accounts; at != NULL; at = at->next_of_mail) {
        const Account *source = at->source;
        if (at->entry->server->node != next || at->recipient != account->recipient ||
            source == NULL || source == account || source->handed <= source->relayed)
            continue;
        set_source(at, account);
        return true;
    }
    return false;
}

/* A notification just accepted here that was thought to have come from elsewhere, where one of that
 * name is on its way too. */
static bool is_taken_for_foreign(const Account *account, const Account *about)
{
    return account->entry->server == about->entry->server && account->source != NULL &&
           account->sender != NULL && account->sender[0] == '\0' &&
           account->recipient == about->sender && account->attempts_local == 0 &&
           account->attempts_by_smtp == 0;
}

void books_name_notification(Books *books, const Account *about, const char *name)
{
    const Entry *entry = about->entry;
    bool is_told = false;
    if (about->sender != NULL && about->sender[0] == '\0')
        books_violate(books, "%s answers %s, which has an empty sender, by a notification",
                      entry->server->name, entry->mail->name);
    for (Account *at = books_mail(books, name)->accounts; at != NULL; at = at->next_of_mail) {
        if (is_taken_for_foreign(at, about)) {
            set_source(at, NULL);
            at->is_notification = true;
        }
        if (at->entry->server != entry->server || !at->is_notification)
            continue;
        at->is_named = true;
        is_told = is_told || about->sender == NULL || at->recipient == about->sender;
    }
    if (!is_told)
        books_violate(books,
                      "%s says that the sender of %s is told by %s, and has not accepted "
                      "such a notification to %s",
                      entry->server->name, entry->mail->name,
                      name != NULL && name[0] != '\0' ? name : "nothing",
                      about->sender != NULL && about->sender[0] != '\0' ? about->sender : "nobody");
}

void books_name_report(Books *books, const Account *about, const char *name)
{
    const Entry *entry = about->entry;
    bool is_told = false;
    if (about->sender != NULL && about->sender[0] != '\0')
        books_violate(books, "%s tells its postmaster of %s, and not the sender, %s",
                      entry->server->name, entry->mail->name, about->sender);
    if (about->is_report)
        books_violate(books, "%s tells its postmaster of %s, which is such a notice itself",
                      entry->server->name, entry->mail->name);
    for (Account *at = books_mail(books, name)->accounts; at != NULL; at = at->next_of_mail) {
        if (at->entry->server != entry->server || !at->is_notification ||
            !books_same_nocase(books_user_of(books, at->recipient), "postmaster"))
            continue;
        at->is_named = at->is_report = true;
        is_told = true;
    }
    if (!is_told)
        books_violate(books,
                      "%s says that its postmaster is told of %s by %s, and has not accepted such "
                      "a notification",
                      entry->server->name, entry->mail->name,
                      name != NULL && name[0] != '\0' ? name : "nothing");
}
