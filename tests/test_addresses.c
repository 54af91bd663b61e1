/* Addresses that lead on, through whole runs: aliases, forwarding, mailing lists, and the circles
 * that they can make. RFC 5321 §3.9, §6.3; RFC 2369, RFC 2919; RFC 3461 §5.2.7. */
#include "sanitized.h"
#include "scenario_play.h"

#include "audit/causality.h"
#include "node/user_agent_internal.h"
#include "scenario/simulation_internal.h"

/* mx.a.test with alice and what is added, mx.b.test with bob and what is added. */
#define WORLD(a, b, mail, more)                                                                    \
    "mailsim: 1\n"                                                                                 \
    "servers:\n"                                                                                   \
    "  mx.a.test: {domains: [a.test], " a "}\n"                                                    \
    "  mx.b.test: {domains: [b.test], " b "}\n"                                                    \
    "people:\n"                                                                                    \
    "  alice: {address: alice@a.test}\n"                                                           \
    "  bob: {address: bob@b.test}\n"                                                               \
    "mails:\n"                                                                                     \
    "  lunch: {from: alice, subject: \"Lunch?\", body: \"Noon?\", " mail "}\n"                     \
    "timeline:\n"                                                                                  \
    "  - {at: 1 s, do: send, mail: lunch}\n" more
#define FETCH_BOB "  - {at: 1 h, do: fetch, who: bob}\n"
#define ALICE     "users: {alice: {}}"

static const Span NOTHING = {0};

static Span received(const Played *played, guint agent, const char *name)
{
    const SimulatedAgent *person =
        &g_array_index(played->run->simulation->agents, SimulatedAgent, agent);
    const AgentMail *mail = user_agent_find_received(person->agent, name);
    if (mail == NULL)
        return NOTHING;
    return span_of_octets(mail->content);
}

static void assert_header(Span message, const char *name, const char *value)
{
    g_autofree char *found = span_dup_text(message_find_header(message, name));
    assert_string_equal(found, value);
}

static void assert_status(const Played *played, const char *mail, const char *address,
                          MailFate fate)
{
    const FactsMail *known = facts_find_mail(played->run->facts, mail);
    assert_non_null(known);
    const FactsRecipient *recipient = facts_find_recipient(known, address);
    if (recipient == NULL)
        fail_msg("%s is not for %s", mail, address);
    else
        assert_string_equal(mail_fate_name(recipient->fate), mail_fate_name(fate));
}

static uint64_t received_lines(const Played *played, const char *address)
{
    return facts_find_recipient(facts_find_mail(played->run->facts, "lunch"), address)->servers;
}

/* ---- Aliases and forwarding ---- */

static void test_an_alias_leaves_the_rest(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE,
                               "users: {bob: {}, carol: {}}, aliases: {team: {to: "
                               "[bob@b.test, carol@b.test, alice@a.test]}}",
                               "to: [team@b.test]", FETCH_BOB));
    const Record *expanded = played_find(&played, "mail.expanded", "host=mx.b.test");
    assert_string_equal(record_text(expanded, "recipient"), "team@b.test");
    assert_string_equal(record_text(expanded, "how"), "alias");
    assert_string_equal(record_text(expanded, "to"), "bob@b.test, carol@b.test, alice@a.test");
    assert_string_equal(record_text(expanded, "sender"), "alice@a.test");
    assert_int_equal(record_number(expanded, "count"), 3);
    assert_int_equal(played_count(&played, "mail.accepted", "host=mx.b.test origin=1-1"), 3);
    assert_status(&played, "lunch", "team@b.test", MAIL_FATE_EXPANDED);
    assert_status(&played, "lunch", "bob@b.test", MAIL_FATE_DELIVERED);
    assert_status(&played, "lunch", "carol@b.test", MAIL_FATE_DELIVERED);
    assert_status(&played, "lunch", "alice@a.test", MAIL_FATE_DELIVERED);
    /* two servers have it from a client; the alias adds no Received line, and as it is for several,
     * a field that finds out circles */
    Span mail = received(&played, 1, "lunch");
    assert_header(mail, "Return-Path", "<alice@a.test>");
    assert_header(mail, "To", "team@b.test");
    assert_int_equal(message_count_received(mail), 2);
    assert_int_equal(received_lines(&played, "team@b.test"), 2);
    assert_int_equal(received_lines(&played, "bob@b.test"), 0);
    assert_header(mail, "Delivered-To", "team@b.test");
    played_end(&played);
    played = play(WORLD(ALICE, "users: {bob: {}}, aliases: {team: {to: [bob@b.test]}}",
                        "to: [team@b.test]", FETCH_BOB));
    assert_null(message_find_header(received(&played, 1, "lunch"), "Delivered-To").data);
    played_end(&played);
}

/* Each attempt at the new addresses comes from the attempt at the old one. */
static void test_the_expansion_is_the_cause(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE, "users: {bob: {}}, aliases: {team: {to: [bob@b.test]}}",
                               "to: [team@b.test]", ""));
    const Record *attempt = played_find(&played, "queue.attempt",
                                        "recipient=team@b.test "
                                        "transport=local");
    const Record *enter = played_find(&played, "queue.enter", "host=mx.b.test entry=1-2");
    int64_t cause = record_number(enter, "cause");
    while (cause > record_number(attempt, "seq")) {
        const Record *record = played.records->pdata[cause - 1];
        assert_true(g_str_has_prefix(record_text(record, "kind"), "disk."));
        cause = record_number(record, "cause");
    }
    assert_int_equal(cause, record_number(attempt, "seq"));
    played_end(&played);
}

static void test_forwarding_with_a_copy(void **state)
{
    (void)state;
    Played played = play(WORLD("users: {alice: {}, ann: {}}",
                               "users: {bob: {forward: [ann@a.test, bob@b.test]}}",
                               "to: [bob@b.test]", FETCH_BOB));
    played_find(&played, "mail.expanded", "recipient=bob@b.test how=forward count=2");
    assert_int_equal(played_count(&played, "mail.expanded", ""), 1);
    assert_status(&played, "lunch", "bob@b.test", MAIL_FATE_DELIVERED);
    assert_status(&played, "lunch", "ann@a.test", MAIL_FATE_DELIVERED);
    assert_true(received(&played, 1, "lunch").length > 0);
    played_end(&played);
    played = play(WORLD("users: {alice: {}, ann: {}}", "users: {bob: {forward: [ann@a.test]}}",
                        "to: [bob@b.test]", FETCH_BOB));
    assert_status(&played, "lunch", "bob@b.test", MAIL_FATE_EXPANDED);
    assert_int_equal(played_count(&played, "mailbox.store", "host=mx.b.test"), 0);
    played_end(&played);
}

static void test_plus_address(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE, "users: {bob: {}}", "to: [bob+news@b.test]", ""));
    played_find(&played, "mailbox.store", "host=mx.b.test user=bob");
    assert_status(&played, "lunch", "bob+news@b.test", MAIL_FATE_DELIVERED);
    played_end(&played);
    played =
        play(WORLD(ALICE, "users: {bob: {}}, plus_addresses: refuse", "to: [bob+news@b.test]", ""));
    assert_status(&played, "lunch", "bob+news@b.test", MAIL_FATE_BOUNCED);
    played_end(&played);
}

/* What an alias leads to and is not there comes back to the author: the sender has stayed. */
/* Accepted for the address that the client named, and expanded like an alias; who is written to by
 * name too has a copy for each of the two. */
static void test_catch_all(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE, "users: {bob: {}}, catch_all: bob", "to: [eve@b.test]", ""));
    played_find(&played, "mail.accepted", "host=mx.b.test recipient=eve@b.test entry=1-1");
    played_find(&played, "mail.expanded", "recipient=eve@b.test how=catch_all to=bob@b.test");
    assert_status(&played, "lunch", "eve@b.test", MAIL_FATE_EXPANDED);
    assert_status(&played, "lunch", "bob@b.test", MAIL_FATE_DELIVERED);
    assert_int_equal(played_count(&played, "mailbox.store", "host=mx.b.test user=bob"), 1);
    played_end(&played);
    played = play(WORLD(ALICE, "users: {bob: {}}, catch_all: bob",
                        "to: [eve@b.test, bob@b.test, ann@b.test]", ""));
    assert_int_equal(played_count(&played, "mail.expanded", "how=catch_all to=bob@b.test"), 2);
    assert_int_equal(played_count(&played, "mailbox.store", "host=mx.b.test user=bob"), 3);
    played_end(&played);
    played = play(WORLD("users: {alice: {}, ann: {}}",
                        "users: {bob: {forward: [ann@a.test]}}, catch_all: bob", "to: [eve@b.test]",
                        ""));
    assert_status(&played, "lunch", "ann@a.test", MAIL_FATE_DELIVERED);
    played_end(&played);
}

static void test_a_dead_alias_bounces_to_the_author(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE, "users: {bob: {}}, aliases: {old: {to: [gone@b.test]}}",
                               "to: [old@b.test]", ""));
    assert_status(&played, "lunch", "gone@b.test", MAIL_FATE_BOUNCED);
    assert_status(&played, "lunch.bounce", "alice@a.test", MAIL_FATE_DELIVERED);
    played_find(&played, "mail.bounced", "recipient=gone@b.test status=5.1.1");
    played_end(&played);
}

/* ---- Notices that the author asked for: RFC 3461 §5.2.7 ---- */

#define NOTIFY_ALL "notify: [success, failure]"

static void test_notice_of_an_expansion(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE,
                               "users: {bob: {}, carol: {}}, aliases: {team: {to: "
                               "[bob@b.test, carol@b.test, gone@b.test]}}",
                               "to: [team@b.test], " NOTIFY_ALL, ""));
    played_find(&played, "mail.confirmed", "recipient=team@b.test action=expanded");
    assert_int_equal(played_count(&played, "mail.confirmed", ""), 1);
    played_find(&played, "mail.bounced", "recipient=gone@b.test"); /* FAILURE goes along */
    played_end(&played);
}

static void test_one_address_is_as_if_written(void **state)
{
    (void)state;
    Played played =
        play(WORLD("users: {alice: {}, ann: {}}", "users: {bob: {forward: [ann@a.test]}}",
                   "to: [bob@b.test], " NOTIFY_ALL, ""));
    played_find(&played, "mail.confirmed", "host=mx.a.test recipient=ann@a.test action=delivered");
    assert_int_equal(played_count(&played, "mail.confirmed", ""), 1);
    played_end(&played);
}

static void test_a_list_is_final_delivery(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE,
                               "users: {bob: {}, carol: {}}, lists: {course: {owner: carol@b.test, "
                               "members: [bob@b.test]}}",
                               "to: [course@b.test], " NOTIFY_ALL, ""));
    played_find(&played, "mail.confirmed", "recipient=course@b.test action=delivered");
    assert_int_equal(played_count(&played, "mail.confirmed", ""), 1);
    played_end(&played);
}

/* ---- Lists ---- */

#define COURSE                                                                                     \
    "users: {bob: {}, carol: {}}, lists: {course: {owner: carol@b.test, "                          \
    "members: [bob@b.test, gone@a.test]}}"

static void test_a_list_has_its_own_sender(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE, COURSE, "to: [course@b.test]", FETCH_BOB));
    played_find(&played, "mail.expanded",
                "recipient=course@b.test how=list sender=course-owner@b.test count=2");
    Span mail = received(&played, 1, "lunch");
    assert_header(mail, "Return-Path", "<course-owner@b.test>");
    assert_header(mail, "From", "alice@a.test");
    assert_header(mail, "Delivered-To", "course@b.test");
    assert_header(mail, "List-Id", "<course.b.test>");
    assert_header(mail, "List-Post", "<mailto:course@b.test>");
    assert_header(mail, "List-Owner", "<mailto:course-owner@b.test>");
    assert_header(mail, "List-Unsubscribe", "<mailto:course-request@b.test>");
    assert_header(mail, "Precedence", "list");
    played_end(&played);
}

/* The bounce of a member is the owner's business, and the author hears nothing. */
static void test_a_list_bounces_to_its_owner(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE, COURSE, "to: [course@b.test]", ""));
    const Record *bounced = played_find(&played, "mail.bounced", "recipient=gone@a.test");
    const char *bounce = record_text(bounced, "bounce");
    assert_status(&played, bounce, "course-owner@b.test", MAIL_FATE_EXPANDED);
    assert_status(&played, bounce, "carol@b.test", MAIL_FATE_DELIVERED);
    assert_int_equal(played_count(&played, "mailbox.store", "user=alice"), 0);
    played_end(&played);
}

/* Members that are lists have their own owners; a list that its mail comes back to stops it. */
static void test_lists_in_a_circle(void **state)
{
    (void)state;
    Played played = play(WORLD(
        "users: {alice: {}, ann: {}}, lists: {left: {owner: ann@a.test, members: [right@b.test]}}",
        "users: {bob: {}, carol: {}}, lists: {right: {owner: carol@b.test, members: [left@a.test, "
        "bob@b.test]}}",
        "to: [left@a.test]", ""));
    assert_int_equal(played_count(&played, "mail.expanded", "how=list"), 2);
    const Record *bounced = played_find(&played, "mail.bounced", "");
    assert_string_equal(record_text(bounced, "recipient"), "left@a.test");
    assert_string_equal(record_text(bounced, "status"), "5.4.6");
    assert_int_equal(played_count(&played, "mail.bounced", ""), 1);
    assert_status(&played, record_text(bounced, "bounce"), "carol@b.test", MAIL_FATE_DELIVERED);
    assert_status(&played, "lunch", "bob@b.test", MAIL_FATE_DELIVERED);
    played_end(&played);
}

#define ADMINS "admins: {owner: carol@b.test, members: [bob@b.test]}"

/* A notification to a list is not multiplied: its owner gets it, also where that list is the owner
 * of another. */
static void test_a_notification_to_a_list(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE, "users: {bob: {}, carol: {}}, lists: {" ADMINS "}",
                               "sender: admins@b.test, to: [gone@b.test]", ""));
    played_find(&played, "mail.bounced", "mail=lunch bounce=lunch.bounce");
    played_find(&played, "mail.expanded", "recipient=admins@b.test how=owner to=carol@b.test");
    assert_status(&played, "lunch.bounce", "carol@b.test", MAIL_FATE_DELIVERED);
    assert_int_equal(played_count(&played, "mailbox.store", "user=bob"), 0);
    played_end(&played);
    played = play(WORLD(ALICE,
                        "users: {bob: {}, carol: {}}, lists: {" ADMINS ", "
                        "course: {owner: admins@b.test, members: [gone@a.test]}}",
                        "to: [course@b.test]", ""));
    const char *bounce = record_text(played_find(&played, "mail.bounced", ""), "bounce");
    played_find(&played, "mail.expanded", "recipient=course-owner@b.test to=carol@b.test");
    assert_status(&played, bounce, "carol@b.test", MAIL_FATE_DELIVERED);
    assert_int_equal(played_count(&played, "mailbox.store", "user=bob"), 0);
    played_end(&played);
}

/* ---- Circles ---- */

/* Two users who forward to each other: the Received lines end it, with one bounce. */
static void test_a_loop_ends_at_the_hop_limit(void **state)
{
    (void)state;
    Played played = play(WORLD("users: {alice: {}, ann: {forward: [bob@b.test]}}, "
                               "smtp: {hop_limit: 10}",
                               "users: {bob: {forward: [ann@a.test]}}, smtp: {hop_limit: 10}",
                               "to: [bob@b.test]", ""));
    assert_int_equal(played_count(&played, "mail.bounced", ""), 1);
    played_find(&played, "mail.bounced", "status=5.4.6");
    assert_int_equal(played_count(&played, "smtp.reply", "smtp.response.code=554"), 1);
    /* ten servers have taken it: alice's own, then b, a, b, … */
    assert_int_equal(received_lines(&played, "bob@b.test") + received_lines(&played, "ann@a.test"),
                     10);
    assert_int_equal(played_count(&played, "mail.expanded", ""), 9);
    assert_status(&played, "lunch.bounce", "alice@a.test", MAIL_FATE_DELIVERED);
    played_end(&played);
}

static void test_a_circle_within_a_server(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE,
                               "users: {bob: {}}, aliases: {left: {to: [right@b.test]}, "
                               "right: {to: [left@b.test]}}",
                               "to: [left@b.test]", ""));
    played_find(&played, "mail.bounced", "recipient=left@b.test status=5.4.6");
    assert_int_equal(played_count(&played, "mail.expanded", ""), 0);
    assert_status(&played, "lunch.bounce", "alice@a.test", MAIL_FATE_DELIVERED);
    played_end(&played);
}

/* Each turn would make two copies of each: an address that stands for several is gone through once,
 * and who has kept a copy has one. */
static void test_a_loop_that_multiplies_ends_at_once(void **state)
{
    (void)state;
    Played played = play(WORLD("users: {alice: {}, ann: {forward: [bob@b.test, carol@b.test]}}",
                               "users: {bob: {forward: [ann@a.test, bob@b.test]}, "
                               "carol: {forward: [ann@a.test]}}",
                               "to: [bob@b.test]", ""));
    assert_int_equal(played_count(&played, "mail.expanded", "recipient=ann@a.test"), 1);
    assert_int_equal(played_count(&played, "mail.expanded", "recipient=bob@b.test"), 1);
    assert_int_equal(played_count(&played, "mailbox.store", "mail=lunch user=bob"), 1);
    played_find(&played, "mail.bounced", "recipient=bob@b.test status=5.4.6 host=mx.b.test");
    played_find(&played, "mail.bounced", "recipient=ann@a.test status=5.4.6 host=mx.a.test");
    assert_int_equal(played_count(&played, "mail.bounced", ""), 2);
    played_end(&played);
}

/* Each list has a mail once on each way that leads to it, and there are exponentially many ways.
 * The run ends, and says which mail it was. */
static void test_lists_that_multiply_without_end(void **state)
{
    (void)state;
    enum { LISTS = 24 };
    g_autoptr(GString) lists = g_string_new(NULL);
    for (int i = 0; i < LISTS; i++)
        g_string_append_printf(lists,
                               "%sl%d: {owner: alice@a.test, members: [l%d@a.test, l%d@a.test]}",
                               i > 0 ? ", " : "", i, (i + 1) % LISTS, (i + 3) % LISTS);
    g_autofree char *text = g_strdup_printf(
        WORLD(ALICE ", lists: {%s}", "users: {bob: {}}", "to: [l0@a.test]", ""), lists->str);
    Played played = played_prepare(text);
    assert_true(run_play(played.run));
    assert_int_equal(played.run->end, SIMULATOR_END_BUDGET);
    assert_true(run_is_cut(played.run));
    assert_string_equal(books_endless_mail(played.run->books), "lunch");
    run_free(played.run);
    scenario_free(played.scenario);
}

#define NO_OWNER "rule~§4.5.5"

/* Owners that lead back to the list: its notification ends, by a rule that the trace names. */
static void test_lists_without_a_real_owner(void **state)
{
    static const char *const LISTS[] = {
        "lists: {course: {owner: course@b.test, members: [gone@b.test]}}",
        "lists: {course: {owner: other@b.test, members: [gone@b.test]}, "
        "other: {owner: course@b.test, members: [bob@b.test]}}",
        "aliases: {staff: {to: [course@b.test]}}, "
        "lists: {course: {owner: staff@b.test, members: [gone@b.test]}}",
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(LISTS); i++) {
        g_autofree char *text = g_strdup_printf(
            WORLD(ALICE, "users: {bob: {}}, %s", "to: [course@b.test]", ""), LISTS[i]);
        Played played = play(text);
        const Record *bounced = played_find(&played, "mail.bounced", "recipient=gone@b.test");
        g_autofree char *discarded = g_strdup_printf(
            "mail=%s recipient=course-owner@b.test " NO_OWNER, record_text(bounced, "bounce"));
        played_find(&played, "mail.discarded", discarded);
        assert_int_equal(played_count(&played, "mail.expanded", ""), 1);
        assert_int_equal(played_count(&played, "mailbox.store", ""), 0);
        played_end(&played);
    }
}

/* The owner forwards to his own list. */
static void test_an_owner_who_forwards_to_the_list(void **state)
{
    (void)state;
    Played played = play(WORLD(ALICE,
                               "users: {bob: {forward: [course@b.test]}}, "
                               "lists: {course: {owner: bob@b.test, members: [gone@b.test]}}",
                               "to: [bob@b.test]", ""));
    played_find(&played, "mail.expanded", "recipient=bob@b.test how=forward to=course@b.test");
    played_find(&played, "mail.bounced", "recipient=gone@b.test");
    played_find(&played, "mail.discarded", "recipient=course-owner@b.test " NO_OWNER);
    assert_int_equal(played_count(&played, "mail.expanded", ""), 2);
    played_end(&played);
}

/* ---- Failures ---- */

#define TEAM                                                                                       \
    "users: {bob: {}, carol: {forward: [ann@a.test]}}, "                                           \
    "aliases: {team: {to: [bob@b.test, carol@b.test]}}, "                                          \
    "lists: {course: {owner: bob@b.test, members: [team@b.test, alice@a.test]}}"
#define TEAM_WORLD                                                                                 \
    WORLD("users: {alice: {}, ann: {}}", TEAM, "to: [team@b.test, course@b.test, bob@b.test]", "")

/* Without room for the new entry the old one waits. */
static void test_no_room_for_the_expansion(void **state)
{
    (void)state;
    Played played =
        play(WORLD("users: {alice: {}, ann: {}}", TEAM, "to: [team@b.test]",
                   "  - {when: {host: mx.b.test, event: queue.attempt, recipient: team@b.test}, "
                   "do: fill_disk, host: mx.b.test}\n"
                   "  - {at: 20 min, do: free_disk, host: mx.b.test}\n"));
    const Record *defer = played_find(&played, "queue.defer", "host=mx.b.test");
    assert_string_equal(record_text(defer, "recipient"), "team@b.test");
    const Record *full = played.records->pdata[record_number(defer, "cause") - 1];
    assert_string_equal(record_text(full, "kind"), "disk.full");
    assert_because(&played, full, "disk.fill", "host=mx.b.test");
    assert_int_equal(played_count(&played, "mail.expanded", "recipient=team@b.test"), 1);
    assert_status(&played, "lunch", "bob@b.test", MAIL_FATE_DELIVERED);
    assert_status(&played, "lunch", "ann@a.test", MAIL_FATE_DELIVERED);
    played_end(&played);
}

/* Entries by what they come from: "mx.b.test 1-1" -> the set of them. */
typedef struct Outcomes {
    Simulator *simulator;
    GHashTable *of;
} Outcomes;

static void note_outcome(void *owner, const TraceRecord *record)
{
    Outcomes *outcomes = owner;
    if (record->kind != TRACE_MAIL_ACCEPTED && record->kind != TRACE_QUEUE_RECOVER)
        return;
    const TraceFields_MAIL_ACCEPTED *accepted = record->fields;
    const TraceFields_QUEUE_RECOVER *recovered = record->fields;
    bool is_accepted = record->kind == TRACE_MAIL_ACCEPTED;
    const char *origin = is_accepted ? accepted->origin : recovered->origin;
    if (origin == NULL)
        return;
    char *key =
        g_strdup_printf("%s %s", simulator_node_name(outcomes->simulator, record->node), origin);
    GHashTable *set = g_hash_table_lookup(outcomes->of, key);
    if (set == NULL) {
        set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(outcomes->of, key, set);
    } else {
        g_free(key);
    }
    g_hash_table_add(set, g_strdup(is_accepted ? accepted->entry : recovered->entry));
}

/* Two recipients of each entry that came in from outside are expanded, each once. */
static void assert_two_of_each(const Outcomes *outcomes, SimulationFaultKind kind, uint64_t after)
{
    GHashTableIter iter;
    void *key, *set;
    g_hash_table_iter_init(&iter, outcomes->of);
    assert_in_range(g_hash_table_size(outcomes->of), 1, 2); /* two: the mail came twice */
    while (g_hash_table_iter_next(&iter, &key, &set)) {
        if (g_hash_table_size(set) != 2)
            fail_msg("%s after %d events: %u entries come from %s", simulation_fault_name(kind),
                     (int)after, g_hash_table_size(set), (const char *)key);
    }
}

/* Plays with the fault after so many events; the number of events. */
static uint64_t strike(const Scenario *scenario, SimulationFaultKind kind, uint64_t after)
{
    g_autoptr(Run) run = run_struck(scenario, "mx.b.test", kind, after);
    Trace *trace = simulation_trace(run->simulation);
    Causality *causality = causality_new(trace);
    Outcomes outcomes = {simulation_simulator(run->simulation),
                         g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                               (GDestroyNotify)g_hash_table_destroy)};
    trace_add_sink(trace, (TraceSink){note_outcome, &outcomes, TRACE_LEVEL_MAIL});
    if (!run_play(run))
        fail_msg("%s after %d events: %s", simulation_fault_name(kind), (int)after,
                 books_first_violation(run->books)->text);
    assert_int_equal(causality_defect_count(causality), 0);
    const FactsMail *mail = facts_find_mail(run->facts, "lunch");
    static const char *const READERS[] = {"bob@b.test", "ann@a.test", "alice@a.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(READERS); i++)
        assert_int_equal(facts_find_recipient(mail, READERS[i])->fate, MAIL_FATE_DELIVERED);
    assert_two_of_each(&outcomes, kind, after);
    uint64_t events = simulator_event_count(simulation_simulator(run->simulation));
    g_hash_table_destroy(outcomes.of);
    causality_free(causality);
    return events;
}

enum { STRIDE = IS_SANITIZED ? 7 : 1 };

static void test_a_crash_expands_nothing_twice(void **state)
{
    (void)state;
    g_autoptr(Scenario) scenario = scenario_of_text(TEAM_WORLD);
    uint64_t events = strike(scenario, FAULT_CRASH, 0);
    assert_in_range(events, 100, 2000);
    for (uint64_t after = 1; after < events; after += STRIDE) {
        strike(scenario, FAULT_CRASH, after);
        strike(scenario, FAULT_POWER_OFF, after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_alias_leaves_the_rest),
        cmocka_unit_test(test_the_expansion_is_the_cause),
        cmocka_unit_test(test_forwarding_with_a_copy),
        cmocka_unit_test(test_plus_address),
        cmocka_unit_test(test_catch_all),
        cmocka_unit_test(test_a_dead_alias_bounces_to_the_author),
        cmocka_unit_test(test_notice_of_an_expansion),
        cmocka_unit_test(test_one_address_is_as_if_written),
        cmocka_unit_test(test_a_list_is_final_delivery),
        cmocka_unit_test(test_a_list_has_its_own_sender),
        cmocka_unit_test(test_a_list_bounces_to_its_owner),
        cmocka_unit_test(test_lists_in_a_circle),
        cmocka_unit_test(test_a_notification_to_a_list),
        cmocka_unit_test(test_a_loop_ends_at_the_hop_limit),
        cmocka_unit_test(test_a_circle_within_a_server),
        cmocka_unit_test(test_a_loop_that_multiplies_ends_at_once),
        cmocka_unit_test(test_lists_that_multiply_without_end),
        cmocka_unit_test(test_lists_without_a_real_owner),
        cmocka_unit_test(test_an_owner_who_forwards_to_the_list),
        cmocka_unit_test(test_no_room_for_the_expansion),
        cmocka_unit_test(test_a_crash_expands_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
