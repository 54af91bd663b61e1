/* Tests of scenario/reader: what makes no sense in mails, the timeline, its triggers and the
 * expectations.
 */
#include "scenario_broken.h"

#define MAIL(keys) SERVERS PEOPLE "mails: {m: {from: alice, to: [bob@gmail.example], " keys "}}\n"

static void test_mail_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {SERVERS "people: {al: {address: alice@naver.example}}\n"
                 "mails: {m: {from: al, to: [alice@naver.example], header: [{name: Bcc, value: x}, "
                 "{name: \"a:\", value: z}]}}\n",
         "7:66: the field `Bcc` is always the agent's own and cannot be given; `From`, `To`, "
         "`Date`, `Subject` and others can\n"
         "7:89: `a:` is no name of a header field; one is made of visible ASCII characters without "
         "a colon, such as `X-Mailer`"},
        {MAIL("header: [{name: message-id, value: x}]"),
         "9:67: the field `message-id` is always the agent's own and cannot be given; `From`, "
         "`To`, `Date`, `Subject` and others can"},
        {MAIL("header: [{name: MIME-Version, value: x}]"),
         "9:67: the field `MIME-Version` is always the agent's own and cannot be given; `From`, "
         "`To`, `Date`, `Subject` and others can"},
        {MAIL("header: [{name: Content-Type, value: x}]"),
         "9:67: the field `Content-Type` is always the agent's own and cannot be given; `From`, "
         "`To`, `Date`, `Subject` and others can"},
        {MAIL("header: [{name: Content, value: x}]"), ""},
        {MAIL("orcpt: [{to: bob@gmail.example, original: rfc822;b@old.example}]"), ""},
        {MAIL("orcpt: [{to: bob@gmail.example, original: b@old.example}]"),
         "9:93: an original recipient has a type, `;` and an address, as `rfc822;bob@old.example`, "
         "of at most 500 octets"},
        {MAIL("orcpt: [{to: eve@gmail.example, original: rfc822;b@old.example}]"),
         "9:64: `eve@gmail.example` is no recipient of `m`"},
    };
    ASSERT_BROKEN(cases);
}

static void test_timeline_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {TIMELINE "  - {at: 1 s, do: sned, mail: lunch}\n",
         "11:19: there is no action `sned`; did you mean `send`?"},
        {TIMELINE "  - {at: 1 s, mail: lunch}\n",
         "11:5: an action needs the key `do`: what happens"},
        {TIMELINE "  - {at: 1 s, do: send, mail: lunhc}\n",
         "11:31: there is no mail `lunhc`; did you mean `lunch`?"},
        {TIMELINE "  - {at: 1 s, do: send, host: x}\n",
         "11:5: `do: send` needs the key `mail`: a mail of `mails`\n"
         "11:25: `host` is not a key of `do: send`; it belongs under `do: crash`, `do: power_off` "
         "or `do: restart`"},
        {TIMELINE "  - {at: 1 s, do: fetch, person: bob}\n",
         "11:26: unknown key `person`; did you mean `who`: whose agent?"},
        {TIMELINE "  - {at: 1 s, do: fetch, evry: 1 h}\n",
         "11:5: `do: fetch` needs the key `who`: whose agent\n"
         "11:26: unknown key `evry`; did you mean `every`?"},
        {TIMELINE "  - {at: -1 s, do: heal}\n", "11:10: `-1 s` is negative; a duration cannot be"},
        {TIMELINE "  - {at: 1 s, do: crash, host: gmail.example}\n",
         "11:32: there is no server `gmail.example`; did you mean `mail.gmail.example`?"},
        {TIMELINE "  - {at: 1 s, do: crash, host: bob.phone}\n",
         "11:32: `bob.phone` is an agent's machine; a server belongs here"},
        {TIMELINE "  - {at: 1 s, do: fetch, who: bob, agent: phon}\n",
         "11:43: `bob` has no agent `phon`; did you mean `phone`?"},
        {TIMELINE "  - {at: 1 s, do: fetch, who: bbo}\n",
         "11:31: there is no person `bbo`; did you mean `bob`?"},
        {TIMELINE "  - {at: 1 s, do: read, who: alice, mail: lunch}\n",
         "11:30: `alice` is no recipient of `lunch`"},
        {TIMELINE "  - {at: 1 s, do: reply, who: bob, mail: lunch, as: lunch}\n",
         "11:53: there is already a mail called `lunch`; the answer needs a name of its own"},
        {TIMELINE "  - {at: 1 s, do: reply, who: bob, mail: lunch, as: answer}\n"
                  "  - {at: 2 s, do: send, mail: answer}\n",
         "12:31: `answer` is the answer of a reply, which sends it"},
        {TIMELINE "  - {at: 1 s, do: degrade, between: [seoul, frankfurt]}\n",
         "11:38: nothing changes; write what does, such as `loss: 5 %`"},
        {TIMELINE "  - {at: 1 s, do: degrade, between: [seoul, frankfurt], from: "
                  "mail.gmail.example, loss: 1 %}\n",
         "11:63: `from` is one of the link's ends, `seoul` or `frankfurt`"},
        {TIMELINE "  - {at: 1 s, do: link_up, between: [seoul, frankfurt], from: seoul}\n",
         "11:57: `from` is not a key of `do: link_up`; it belongs under `do: link_down`, `do: "
         "degrade` or `network.one_way`"},
        {TIMELINE "  - {at: 1 s, do: link_down, between: [mail.gmail.example, seoul]}\n",
         "11:40: no link joins `mail.gmail.example` and `seoul`"},
        {TIMELINE "  - {at: 1 s, do: partition, groups: [[seoul], [frankfurt, seoul]]}\n",
         "11:60: `seoul` is in the groups twice"},
        {TIMELINE "  - {at: 1 s, do: heal, every: 1 s}\n",
         "11:5: `every` and `times` go together; `times` is missing"},
        {TIMELINE "  - {at: 1 s, do: heal, every: 40 d, times: 1000}\n",
         "11:5: the last time is more than 100 years after the start"},
        {TIMELINE "  - {at: 1 s, do: dns_fail, name: gmial.example}\n",
         "11:35: there is no name with records `gmial.example`; did you mean `gmail.example`?"},
        {TIMELINE "  - {at: 1 s, do: dns_fail, name: gmail.example, how: servfial}\n",
         "11:55: `how` takes `servfail` or `timeout` or `nxdomain`, not `servfial`; did you mean "
         "`servfail`?"},
        {TIMELINE "  - {at: 1 s, do: disk_fail, host: mail.gmail.example, operations: [snyc]}\n",
         "11:69: `operations` takes `write` or `sync` or `rename` or `unlink` or `read`, not "
         "`snyc`; did you mean `sync`?"},
        {TIMELINE "  - {at: 1 s, do: disk_fail, host: mail.gmail.example, failures: 0}\n",
         "11:66: `failures` is at least 1"},
        {TIMELINE "  - {at: 1 s, do: disk_fail, host: mail.gmial.example}\n",
         "11:36: there is no server `mail.gmial.example`; did you mean `mail.gmail.example`?"},
        {TIMELINE "  - {at: 1 s, do: disk_fix}\n",
         "11:5: `do: disk_fix` needs the key `host`: the server"},
        {TIMELINE "  - {at: 2 h, do: heal}\nuntil: 1 h\n",
         "W11:5: this never happens: the run ends before, at `until`"},
    };
    ASSERT_BROKEN(cases);
}

#define WHEN(keys) TIMELINE "  - {when: {" keys "}, do: crash, host: mail.gmail.example}\n"

static void test_triggers(void **state)
{
    (void)state;
    const Broken cases[] = {
        {TIMELINE "  - {do: crash, host: mail.gmail.example}\n",
         "11:5: when does it happen? `at` says it, or `when` and what it waits for"},
        {TIMELINE "  - {at: 1 s, when: {host: mail.gmail.example, event: host.crash}, do: crash, "
                  "host: mail.gmail.example}\n",
         "11:5: `at` and `when` exclude each other"},
        {TIMELINE "  - {at: 1 s, after: 1 s, do: crash, host: mail.gmail.example}\n",
         "11:5: `after` goes with `when`, not with `at`"},
        {WHEN("host: mail.gmail.example, machine: smtp-server, enters: DTA"),
         "11:69: `smtp-server` has no state `DTA`; did you mean `DATA`?"},
        {WHEN("host: mail.gmail.example, machine: smtp, enters: DATA"),
         "11:48: `machine` takes `smtp-server` or `smtp-client` or `imap-server` or `imap-client` "
         "or `tcp`, not `smtp`"},
        {WHEN("host: mail.gmial.example, event: host.crash"),
         "11:19: there is no router, server or agent's machine `mail.gmial.example`; did you mean "
         "`mail.gmail.example`?"},
        {WHEN("host: mail.naver.example, event: host.crash"),
         "11:19: `mail.naver.example` is not where `crash` takes place; say how much later with "
         "`after`, as in `after: 1 ms`"},
        {WHEN("host: mail.gmail.example, event: smtp.reply, cod: 250"),
         "11:58: events `smtp.reply` have no field `cod`; did you mean `code`?"},
        {TIMELINE "  - {when: {host: bob.phone, event: agent.failed}, do: heal}\n",
         "11:19: `bob.phone` is not where `heal` takes place; say how much later with `after`, as "
         "in `after: 1 ms`"},
        {TIMELINE "  - {when: {host: bob.phone, event: agent.failed}, do: fetch, who: bob}\n", ""},
        {TIMELINE "  - {when: {host: bob.phone, event: agent.failed}, do: send, mail: lunch}\n",
         "11:19: `bob.phone` is not where `send` takes place; say how much later with `after`, as "
         "in `after: 1 ms`"},
        {TIMELINE "  - {when: {host: alice.laptop, event: agent.failed}, do: send, mail: lunch}\n",
         ""},
        {WHEN("host: mail.gmail.example, machine: tcp, enters: CLOSING, nth: 2"), ""},
    };
    ASSERT_BROKEN(cases);
}

static void test_expectation_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {EXPECT "  - {mail: lunch, to: bob@gmail.example, fact: staus, is: delivered}\n",
         "11:48: there is no fact `staus` of a mail; did you mean `status`?"},
        {EXPECT "  - {mail: lunch, to: bob@gmail.example, fact: status, is: here}\n",
         "11:60: there is no status `here`; there are none, queued, delivered, bounced, discarded, "
         "refused, lost_by_agent, relayed, expanded, lost"},
        {EXPECT "  - {mail: lunch, fact: status, is: delivered}\n",
         "11:5: `lunch` has 2 recipients; say for which one with `to`"},
        {EXPECT "  - {mail: lunch, to: carol@gmail.example, fact: status, is: delivered}\n",
         "11:5: `carol@gmail.example` is no recipient of `lunch`"},
        {EXPECT "  - {mail: lunch, fact: accepted_at, at_least: never}\n",
         "11:48: `never` is not a duration; write one number and one unit, as in `20 ms`"},
        {EXPECT "  - {mail: lunch, fact: accepted_at, range: [3 h, 2 h]}\n",
         "11:46: the lower end of the range is above the upper one"},
        {EXPECT "  - {mail: lunch, fact: queue_peak, is: 1}\n",
         "11:25: `queue_peak` is a fact of a host, not of a mail"},
        {EXPECT "  - {host: bob.phone, fact: queue_peak, is: 1}\n",
         "11:12: `bob.phone` is an agent's machine; a server belongs here"},
        {EXPECT "  - {event: smtp.rely, fact: count, is: 1}\n",
         "11:13: there is no event of the kind `smtp.rely`; did you mean `smtp.reply`?"},
        {EXPECT "  - {event: smtp.reply, cod: 550, fact: count, is: 0}\n",
         "11:25: events `smtp.reply` have no field `cod`; did you mean `code`?"},
        {EXPECT "  - {event: smtp.reply, code: ok, fact: count, is: 0}\n",
         "11:31: the field `code` takes a number"},
        {EXPECT "  - {event: mail.delivered, mail: lnuch, fact: count, is: 0}\n",
         "11:35: there is no mail `lnuch`; did you mean `lunch`?"},
        {EXPECT "  - {fact: count, is: 0}\n",
         "11:5: what is it about? `mail`, `bounce_of`, `traffic`, `host` or `event` says so"},
        {EXPECT "  - {mail: lunch, bounce_of: lunch, fact: status, is: none}\n",
         "11:5: it is about one of `mail`, `bounce_of`, `traffic`, `host` and `event` only"},
        {EXPECT "  - {mail: lunch, fact: accepted_at}\n",
         "11:5: an expectation compares with exactly one of `is`, `at_least`, `at_most` and "
         "`range`"},
        {EXPECT "  - {event: host.crash, fact: count, is: many}\n",
         "11:42: `many` is not a count; write a whole number"},
    };
    ASSERT_BROKEN(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_faults),
        cmocka_unit_test(test_timeline_faults),
        cmocka_unit_test(test_triggers),
        cmocka_unit_test(test_expectation_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
