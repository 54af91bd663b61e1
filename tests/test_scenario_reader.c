/* Tests of scenario/reader: what is read into the model, and what is said of broken files. */
#include "scenario/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two servers, two people, one mail; the snippets below come behind it, or replace parts of it. */
#define SERVERS                                                                                    \
    "mailsim: 1\n"                                                                                 \
    "network: {routers: [seoul, frankfurt], links: [{between: [seoul, frankfurt]}]}\n"             \
    "servers:\n"                                                                                   \
    "  mail.naver.example: {domains: [naver.example], users: {alice: {}}}\n"                       \
    "  mail.gmail.example: {domains: [gmail.example], users: {bob: {}}, router: frankfurt}\n"
#define PEOPLE                                                                                     \
    "people:\n"                                                                                    \
    "  alice: {address: alice@naver.example}\n"                                                    \
    "  bob: {address: bob@gmail.example, agents: {phone: {}, pc: {router: frankfurt}}}\n"
#define MAILS    "mails: {lunch: {from: alice, to: [bob@gmail.example, eve@gmail.example]}}\n"
#define TIMELINE SERVERS PEOPLE MAILS "timeline:\n" /* its first entry is in line 11 */
#define EXPECT   SERVERS PEOPLE MAILS "expect:\n"   /* likewise */

static Scenario *read_text(const char *text, Diagnostics *diagnostics)
{
    return scenario_read_bytes("x.yaml", span_of_text(text), diagnostics);
}

/* Each entry as LINE:COLUMN: text, one a line; warnings with a W before them. */
static char *summary_of(const Diagnostics *diagnostics)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < diagnostics_kept(diagnostics); i++) {
        const Diagnostic *entry = diagnostics_peek(diagnostics, i);
        g_string_append_printf(out, "%s%s%u:%u: %s", i == 0 ? "" : "\n",
                               entry->severity == SEVERITY_WARNING ? "W" : "", entry->at.line,
                               entry->at.column, entry->text);
    }
    return g_string_free(out, FALSE);
}

typedef struct Broken {
    const char *text;
    const char *expected;
} Broken;

static void assert_broken(const Broken *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autoptr(Diagnostics) diagnostics = diagnostics_new();
        g_autoptr(Scenario) scenario = read_text(cases[i].text, diagnostics);
        g_autofree char *summary = summary_of(diagnostics);
        if (strcmp(summary, cases[i].expected) != 0)
            fail_msg("%s\n--- gave\n%s\n--- and not\n%s", cases[i].text, summary,
                     cases[i].expected);
        bool has_errors = diagnostics_error_count(diagnostics) > 0;
        assert_int_equal(scenario == NULL, has_errors);
    }
}

#define ASSERT_BROKEN(cases) assert_broken(cases, G_N_ELEMENTS(cases))

static void test_yaml_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"", "0:0: the file is empty"},
        {"# nothing\n", "0:0: the file is empty"},
        {"mailsim: 1\ntitle: Re: hello\n",
         "2:10: not YAML: invalid nested block mapping on the same line; a text that holds `: ` "
         "needs quotes"},
        {"mailsim: 1\nmails: {a: {subject: Re: hello}}\n",
         "2:24: not YAML: missing comma in flow mapping; a text that holds `: ` needs quotes, or a "
         "bracket above is not closed"},
        {"mailsim: 1\nservers:\n  mx.example: {users: {a: {}}\npeople:\n",
         "4:1: not YAML: wrongly indented flow mapping; a bracket above may not be closed"},
        {"mailsim: 1\n%YAML 1.2\n",
         "2:1: a line that begins with `%` is a YAML directive; there are none here"},
        {"mailsim: 1\ntitle: &a x\n",
         "2:9: anchors (`&name`) are not used here; a text that begins with `&` needs quotes"},
        {"mailsim: 1\ntitle: *a\n",
         "2:9: aliases (`*name`) are not used here; a text that begins with `*` needs quotes"},
        {"mailsim: 1\ntitle: !!str x\n",
         "2:8: tags (`!name`) are not used here; a text that begins with `!` needs quotes"},
        {"title: \xff\n", "1:8: octet 0xFF is not UTF-8; save the file as UTF-8"},
        {"\xff\xfe\x31", "0:0: the file is UTF-16; save it as UTF-8"},
        {"[a, b]\n", "1:1: a scenario is a map that begins with `mailsim: 1`, not a list"},
        {"mailsim: 2\nfuture: 3\n", "1:10: this program reads format version 1, not `2`"},
        {SERVERS "title: \"a\\u0007b\"\n", "6:8: this text holds a control character"},
        {SERVERS "seed: 1\nseed: 2\n", "7:1: the key `seed` is here twice; it is in line 6 too"},
        {SERVERS "---\na: b\n",
         "6:1: a second YAML document begins here; a scenario is one document"},
        {SERVERS "? [a]\n: b\n", "6:3: a key must be a word, not a map or a list"},
        {SERVERS "title:\n  en: |\n  Three\n    lines\n  ko: x\n",
         "8:1: the lines of a block stand deeper than its key"},
        {SERVERS "title:\n  en: >\n\n  Three\n  ko: x\n",
         "8:1: the lines of a block stand deeper than its key"},
    };
    ASSERT_BROKEN(cases);
}

static void test_key_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"mailsim: 1\n", "1:1: a scenario needs the key `servers`: the mail servers, by host name"},
        {SERVERS "sed: 3\n", "6:1: unknown key `sed`; did you mean `seed`?"},
        {SERVERS "delay: 3 s\n", "6:1: `delay` is not a key of a scenario; it belongs under "
                                 "`network.default_link`, `network.links` or `network.one_way`"},
        {SERVERS "who: bob\n", "6:1: `who` is not a key of a scenario; it belongs under `do: "
                               "reply`, `do: fetch` or `do: read`"},
        {SERVERS "people: {al: {address: alice@naver.example, color: red}}\n",
         "6:45: unknown key `color`; a person has the keys `address` and `agents`"},
        {SERVERS "people: {al: {}}\n",
         "6:10: a person needs the key `address`: the person's mail address: a user of one of the "
         "servers"},
        {SERVERS "people: {al: }\n", "6:10: `al` has no value; it takes a map"},
        {SERVERS "people: [al]\n",
         "6:9: `people` takes a map from names to what they stand for, not a list"},
        {SERVERS "people: {\"a b\": {address: alice@naver.example}}\n",
         "6:10: `a b` cannot be a name here; a name has letters (a-z), digits, `-` and `_`, at "
         "most 63, and begins with a letter or digit"},
        {SERVERS "people: {al: {address: alice@naver.example, agents: {}}}\n",
         "6:53: `agents` needs at least 1, not 0"},
        {SERVERS "mails: {lunch: {from: [al], subject: 12}}\n",
         "6:9: the mail `lunch` is for nobody; `to`, `cc` or `bcc` must name somebody\n"
         "6:23: `from` takes the name of a person, not a list\n"
         "6:38: `12` is a number to YAML; a text is written in quotes: `\"12\"`"},
    };
    ASSERT_BROKEN(cases);
}

static void test_value_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {SERVERS "until: 6\n",
         "6:8: `6` has no unit; write `6 ms`, or with another of ns, us, ms, s, min, h or d"},
        {SERVERS "until: 12:30\n", "6:8: `12:30` is written with a colon; write one number and one "
                                   "unit, as in `20 ms`"},
        {SERVERS "until: 0 s\n", "6:8: `until` is at least 1 ns"},
        {SERVERS "until: 40000 d\n", "6:8: `until` is at most 36500 d"},
        {SERVERS "until: 6\xc2\xa0h\n", "6:8: `6\xc2\xa0h` holds a no-break space (U+00A0); write "
                                        "an ordinary space, as in `20 ms`"},
        {SERVERS "seed: -1\n", "6:7: `-1` is not a whole number"},
        {SERVERS "seed: \"1\"\n", "6:7: `seed` takes a whole number without quotes"},
        {SERVERS "seed: 99999999999999999999\n",
         "6:7: `99999999999999999999` is too large a number"},
        {SERVERS "title: yes\n", "6:8: `yes` is not a text to every YAML program; write it in "
                                 "quotes: `\"yes\"`"},
        {SERVERS "title: {english: a}\n",
         "6:9: `english` is not a language; write `en`, `ko` or another code of ISO 639"},
        {SERVERS "title: Fix #3\n", "W6:8: the text ends where ` #` begins a comment; if `#` "
                                    "belongs to the text, write it in quotes"},
        {SERVERS "start: 2026-02-30T00:00:00Z\n",
         "6:8: `2026-02-30T00:00:00Z` is not a date and time with a zone; write it as in "
         "`2026-03-02T09:00:00+09:00`"},
        {SERVERS "start: 2026-03-02T09:00:00\n",
         "6:8: `2026-03-02T09:00:00` is not a date and time with a zone; write it as in "
         "`2026-03-02T09:00:00+09:00`"},
        {SERVERS "people: {al: {address: alice@naver.example, agents: {pc: {send: http}}}}\n",
         "6:65: `send` takes `smtp` or `direct`, not `http`"},
        {SERVERS "dns: {a.example: {a: [1.2.3.4.5]}}\n",
         "W6:23: `1.2.3.4.5` may be somebody's; names that end in `.example` or `.test` are "
         "nobody's\n"
         "6:23: there is no server `1.2.3.4.5`"},
        {SERVERS "dns: {A.example: {ttl: 1.5 s}}\n",
         "6:7: `A.example` has capital letters; names are written small here\n"
         "6:7: `ttl` is a number of whole seconds"},
    };
    ASSERT_BROKEN(cases);
}

static void test_network_faults(void **state)
{
    (void)state;
    const char *const servers =
        "servers: {m.naver.example: {domains: [naver.example], router: seoul}}\n";
    const struct {
        const char *network, *expected;
    } cases[] = {
        {"{routers: [seoul], default_link: {delay: 0 ms}}",
         "2:51: a link of delay 0 would let two nodes act on each other within one instant; write "
         "a delay above 0, such as `1 us`"},
        {"{routers: [seoul, busan]}", "W2:28: no links lead from `busan` to `seoul`"},
        {"{routers: [seoul, seoul]}", "2:28: `seoul` is the name of another node too, in line 2\n"
                                      "W2:28: no links lead from `seoul` to `seoul`"},
        {"{routers: [seoul], links: [{between: [seoul, seoul]}]}",
         "2:55: a link joins two different nodes"},
        {"{routers: [seoul], links: [{between: [seoul]}]}",
         "2:47: `between` takes exactly 2, not 1"},
        {"{routers: [seoul, busan], links: [{between: [seoul, bussan]}]}",
         "W2:28: no links lead from `busan` to `seoul`\n"
         "2:62: there is no router `bussan`; did you mean `busan`?"},
        {"{routers: [seoul, busan], links: [{between: [seoul, m.naver.example]}]}",
         "W2:28: no links lead from `busan` to `seoul`\n"
         "2:62: `m.naver.example` is a server; a router belongs here"},
        {"{routers: [seoul, busan], links: [{between: [seoul, busan]}, {between: [busan, "
         "seoul]}]}",
         "2:82: the link in line 2 joins the same two routers"},
        {"{routers: [seoul], firewall: [{host: seoul, action: drop, protocol: icmp, port: 25}]}",
         "2:40: only `tcp` and `udp` have ports; leave `port` out, or change `protocol`"},
        {"{routers: [seoul], firewall: [{host: seoul, action: reset, protocol: any}]}",
         "2:40: only a TCP connection can be reset; `reject` answers other packets"},
        {"{routers: [seoul], firewall: [{host: seoul, action: drop, from: [1.2.3.4/40]}]}",
         "2:75: there is no router, server or agent's machine `1.2.3.4/40`"},
        {"{routers: [busan]}", "3:63: there is no router `seoul`"},
        {"{routers: [seoul], default_link: {mtu: 500 B}}", "2:49: `mtu` is at least 576 B"},
        {"{routers: [seoul], default_link: {corrupt: 3}}", "2:53: `3` has no unit; write `3 %`"},
        {"{routers: [seoul, busan], links: [{between: [seoul, busan]}], one_way: [{from: busan, "
         "to: m.naver.example, loss: 1 %}]}",
         "2:89: no link joins `busan` and `m.naver.example`"},
        {"{routers: [seoul], one_way: [{from: seoul, to: m.naver.example}]}",
         "2:46: nothing differs; write what does, such as `loss: 5 %`"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("mailsim: 1\nnetwork: %s\n%s", cases[i].network, servers);
        const Broken one = {text, cases[i].expected};
        assert_broken(&one, 1);
    }
}

static void test_server_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"mailsim: 1\nservers: {a.example: {domains: [x.example]}, b.example: {domains: "
         "[x.example]}}\n",
         "2:68: `x.example` is served by two servers; the other one is in line 2"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], retry: {like: postfx}}}\n",
         "2:59: there is no retry schedule `postfx`; did you mean `postfix`?"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], retry: {like: exim, intervals: "
         "[1 h]}}}\n",
         "2:59: `like` and `intervals` exclude each other"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], retry: {intervals: []}}}\n",
         "2:64: `intervals` needs at least 1, not 0"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], retry: {intervals: [30]}}}\n",
         "2:65: `30` has no unit; write `30 ms`, or with another of ns, us, ms, s, min, h or d"},
        {"mailsim: 1\nservers: {localhost: {domains: [x.example]}}\n",
         "2:11: `localhost` has no dot; write a full name that ends in `.example` or `.test`"},
        {"mailsim: 1\nservers: {mail.naver.com: {domains: [naver.test]}}\n",
         "W2:11: `mail.naver.com` may be somebody's; names that end in `.example` or `.test` are "
         "nobody's"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], users: {a@b: {}}}}\n",
         "2:53: `a@b` is a whole address; only the part before the @ belongs here"},
        {SERVERS "people: {al: {address: alice@naver.example}}\n"
                 "mails: {m: {from: al, to: [alice@naver.example], header: [{name: Bcc, value: x}, "
                 "{name: \"a:\", value: z}]}}\n",
         "7:66: the field `Bcc` is always the agent's own and cannot be given; `From`, `To`, "
         "`Date`, `Subject` and others can\n"
         "7:89: `a:` is no name of a header field; one is made of visible ASCII characters without "
         "a colon, such as `X-Mailer`"},
        {SERVERS "people: {al: {address: alica@naver.example}}\n",
         "6:24: `mail.naver.example` has no user `alica`; did you mean `alice`?"},
        {SERVERS "people: {al: {address: alice@navr.example}}\n",
         "6:24: no server serves the domain `navr.example`; did you mean `naver.example`?"},
        {SERVERS "dns: {gmail.example: {mx: [{preference: 0, host: .}, {preference: 1, host: "
                 "mail.gmail.example}]}}\n",
         "6:50: `.` says that no mail is taken; there is no other `mx` beside it"},
        {SERVERS "dns: {gmail.example: {ptr: x.example}}\n",
         "6:28: `gmail.example` is no server or agent's machine, whose address `ptr` is about"},
        {SERVERS "dns: {x.example: {cname: mail.gmail.example, txt: [a]}}\n",
         "6:26: a name with `cname` has no other records"},
        {SERVERS "dns: {x.example: {mx: [{preference: 10, host: mail.gmail.exampel}]}}\n",
         "W6:47: `mail.gmail.exampel` may be somebody's; names that end in `.example` or `.test` "
         "are nobody's\nW6:47: nothing in this file has the name `mail.gmail.exampel`; did you "
         "mean `mail.gmail.example`?"},
    };
    ASSERT_BROKEN(cases);
}

/* Nothing more is said of what is missing only because something else is wrong. */
static void test_one_fault_one_error(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"---\n", "1:1: there is nothing in this file; a scenario begins with `mailsim: 1`"},
        {TIMELINE "  - {at: 1 s, do: partition, groups: [[seoul], frankfurt]}\n",
         "11:48: `groups` takes a list, not a text"},
        /* a key of something else, and one letter from what belongs here */
        {"mailsim: 1\nservers: {a.example: {domain: [a.example]}}\n",
         "2:23: unknown key `domain`; did you mean `domains`: the mail domains whose mailboxes it "
         "keeps?"},
    };
    ASSERT_BROKEN(cases);
}

static void test_policy_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], policy: {greylist: {reply: \"250 "
         "2.0.0 Yes\"}}}}\n",
         "2:72: `250 2.0.0 Yes` is no reply that refuses: a reply begins with a code from 400 to "
         "599"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], policy: {addresses: {refuse: "
         "[home]}}}}\n",
         "2:75: there is no router, server or agent's machine `home`"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], policy: {helo: {need: own}}}}\n",
         "2:67: `need` takes `nothing` or `full_name` or `known_name` or `own_name`, not `own`"},
        {SERVERS "people: {al: {address: alice@naver.example, agents: {pc: {send: direct, outbox: "
                 "{retry: 1 min}}}}}\n",
         "6:73: an agent that sends `direct` has no outbox; leave `retry` out, or send by `smtp`"},
        {SERVERS "people: {al: {address: alice@naver.example}}\nmails: {m: {from: al, to: "
                 "[alice@naver.example]}}\ntimeline: [{at: 1 s, do: send, mail: m, agent: pc}]\n",
         "8:48: `al` has no agent `pc`"},
        {SERVERS "dns: {gmail.example: {listed_by: [bl.example]}}\n",
         "6:35: `gmail.example` is no server or agent's machine, whose address `listed_by` is "
         "about"},
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
        {TIMELINE "  - {at: 2 h, do: heal}\nuntil: 1 h\n",
         "W11:5: this never happens: the run ends before, at `until`"},
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

static void test_model(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = read_text(
        TIMELINE
        "  - {at: 1.5 h, do: fetch, who: bob}\n"
        "  - {at: 1 s, do: dns_fail, name: gmail.example, how: timeout, every: 1 d, times: "
        "5}\n"
        "expect:\n"
        "  - {event: smtp.reply, host: mail.gmail.example, code: 550, fact: count, "
        "range: [1, 3]}\n"
        "title: {ko: \"\xec\xa0\x9c\xeb\xaa\xa9\", en: Title}\n"
        "start: 1970-01-02T01:00:00+01:00\n",
        diagnostics);
    assert_non_null(scenario);
    assert_int_equal(scenario->version, 1);
    assert_int_equal(scenario->until_ns, SCENARIO_UNSET);
    assert_int_equal(scenario->start.unix_seconds, 86400);
    assert_int_equal(scenario->start.offset_minutes, 60);
    assert_string_equal(local_text_choose(&scenario->title, "ko"), "\xec\xa0\x9c\xeb\xaa\xa9");
    assert_string_equal(local_text_choose(&scenario->title, "fr"), "Title");

    const LinkParameters *link = &scenario->network.links.items[0].parameters;
    assert_int_equal(link->delay_ns, 10 * SIM_MILLISECOND);
    assert_int_equal(link->rate_bps, 1000000000);
    const ScenarioServer *server = scenario_find_domain(scenario, "GMAIL.example");
    assert_string_equal(server->name.text, "mail.gmail.example");
    assert_int_equal(server->at.line, 5);
    assert_int_equal(server->at.column, 3);
    assert_string_equal(server->router.text, "frankfurt");
    assert_int_equal(server->link.rate_bps, 100000000);
    assert_string_equal(server->retry.like.text, "postfix");
    assert_int_equal(server->retry.lifetime_ns, 5 * SIM_DAY);
    assert_int_equal(server->retry.schedule.kind, RETRY_AGE);

    const ScenarioPerson *alice = scenario_find_person(scenario, "alice");
    assert_string_equal(alice->agents.items[0].name.text, "laptop");
    assert_int_equal(alice->agents.items[0].at.line, 0);
    assert_string_equal(scenario->mails.items[0].to.items[1].text, "eve@gmail.example");

    const ScenarioAction *fetch = &scenario->timeline.items[0];
    assert_int_equal(fetch->kind, ACTION_FETCH);
    assert_int_equal(fetch->time_ns, 90 * SIM_MINUTE);
    assert_int_equal(fetch->times, 1);
    assert_string_equal(fetch->fetch.agent.text, "phone");
    const ScenarioAction *fail = &scenario->timeline.items[1];
    assert_int_equal(fail->dns_fail.how, DNS_FAILURE_TIMEOUT);
    assert_int_equal(fail->every_ns, SIM_DAY);
    assert_int_equal(fail->times, 5);

    const ScenarioExpectation *expectation = &scenario->expect.items[0];
    assert_int_equal(expectation->selector.fact, FACT_EVENT_COUNT);
    assert_int_equal(expectation->selector.event, TRACE_SMTP_REPLY);
    assert_string_equal(expectation->selector.host, "mail.gmail.example");
    assert_int_equal(expectation->selector.fields[0].number, 550);
    assert_int_equal(expectation->comparator, FACT_RANGE);
    assert_int_equal(expectation->upper.number, 3);
}

static void test_retry_of_ones_own(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario = read_text(
        "mailsim: 1\nservers: {a.example: {domains: [x.example], retry: {intervals: [15 min, 1 h], "
        "lifetime: 2 d, warn_after: 4 h}}, b.example: {domains: [], retry: {like: opensmtpd}}}\n",
        diagnostics);
    const ScenarioRetry *own = &scenario->servers.items[0].retry;
    assert_null(own->like.text);
    assert_int_equal(own->schedule.interval_count, 2);
    assert_int_equal(own->schedule.intervals_ns[1], SIM_HOUR);
    assert_int_equal(own->schedule.lifetime_ns, 2 * SIM_DAY);
    assert_int_equal(own->schedule.warn_after_ns, 4 * SIM_HOUR);
    const ScenarioRetry *like = &scenario->servers.items[1].retry;
    assert_int_equal(like->lifetime_ns, 4 * SIM_DAY);
    assert_int_equal(like->warn_after_ns, 4 * SIM_HOUR);
}

static void test_printed_form(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    assert_null(read_text(SERVERS "title: {ko: \"\xea\xb0\x80\xeb\x82\x98\", xyzw: b}\nsed: 3\n",
                          diagnostics));
    g_autoptr(GString) text = g_string_new(NULL);
    diagnostics_format(diagnostics, text);
    assert_string_equal(
        text->str,
        "x.yaml:6:19: error: `xyzw` is not a language; write `en`, `ko` or another code of ISO "
        "639\n"
        "    6 | title: {ko: \"\xea\xb0\x80\xeb\x82\x98\", xyzw: b}\n"
        "      |                     ^~~~\n"
        "x.yaml:7:1: error: unknown key `sed`; did you mean `seed`?\n"
        "    7 | sed: 3\n"
        "      | ^~~\n");
}

static void test_many_errors_are_summed_up(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(GString) file = g_string_new(SERVERS);
    for (int i = 0; i < 1100; i++)
        g_string_append_printf(file, "key%d: 1\n", i);
    assert_null(read_text(file->str, diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 1100);
    assert_int_equal(diagnostics_kept(diagnostics), DIAGNOSTICS_KEPT);
    g_autoptr(GString) text = g_string_new(NULL);
    diagnostics_format(diagnostics, text);
    assert_non_null(strstr(text->str, "\nx.yaml: 1050 more errors\n"));
}

static void test_digest_and_file(void **state)
{
    (void)state;
    g_autoptr(Diagnostics) diagnostics = diagnostics_new();
    g_autoptr(Scenario) scenario =
        scenario_read_file("scenarios/01-first-mail/scenario.yaml", diagnostics);
    assert_non_null(scenario);
    assert_int_equal(diagnostics_warning_count(diagnostics), 0);
    assert_int_equal(strlen(scenario->sha256), SCENARIO_SHA256_LENGTH);
    assert_null(scenario_read_file("scenarios", diagnostics));
    assert_null(scenario_read_file("scenarios/none.yaml", diagnostics));
    assert_int_equal(diagnostics_error_count(diagnostics), 1);
    g_autoptr(Scenario) small =
        read_text("mailsim: 1\nservers: {a.example: {domains: []}}\n", diagnostics);
    assert_string_equal(small->sha256,
                        "8311282f4793e6a40e49ff1539bcc8fe188e224356959d2e279e4594e714110b");
}

#define ADDRESSES(keys)                                                                            \
    "mailsim: 1\nservers:\n  a.example:\n    domains: [a.example]\n    users: {bob: {}}\n" keys "\n"

static void test_address_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {ADDRESSES("    aliases: {info: {to: [bob@a.example, x@b.example]}}"), ""},
        {ADDRESSES("    aliases: {info: {to: []}}"), "6:26: `to` needs at least 1, not 0"},
        {ADDRESSES("    aliases: {info: {to: [bob]}}"),
         "6:27: `bob` is not a mail address: there is no @ and domain after the local-part"},
        {ADDRESSES("  b.example: {domains: [b.example], users: {eve: {vacation: {from: 1 d}}}}"),
         "6:51: what is the answer? `body` says it"},
        {ADDRESSES("  b.example: {domains: [b.example], users: {eve: {vacation: {body: Away, from: "
                   "1 d, until: 24 h}}}}"),
         "6:51: `until` is not later than `from`"},
        {ADDRESSES("    aliases: {info: {}}"),
         "6:15: an alias needs the key `to`: the addresses that it stands for"},
        {ADDRESSES("    aliases: {BOB: {to: [x@b.example]}}"),
         "6:15: `bob` is an address of this server already, by line 5"},
        {ADDRESSES("    lists: {course: {members: [bob@a.example]}}"),
         "6:13: a mailing list needs the key `owner`: the address of who administers it, and gets "
         "the mail to NAME-request and NAME-owner; the latter is the sender of what goes to "
         "members, so bounces are among it"},
        {ADDRESSES("    lists: {bob: {owner: bob@a.example, members: [bob@a.example]}}"),
         "6:13: `bob` is an address of this server already, by line 5"},
        {ADDRESSES("    aliases: {course-owner: {to: [x@b.example]}}\n"
                   "    lists: {course: {owner: bob@a.example, members: [bob@a.example]}}"),
         "7:13: `course-owner` is an address of this server already, by line 6"},
        {ADDRESSES("    lists: {abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcde: {owner: "
                   "bob@a.example, members: [bob@a.example]}}"),
         "6:13: the name of a list has at most 56 letters, so that NAME-request is an address"},
    };
    ASSERT_BROKEN(cases);
}

#define HOME(network, more)                                                                        \
    "mailsim: 1\nnetwork: {" network "}\nservers:\n"                                               \
    "  pc.test: {domains: [pc.test], router: cottage}\n"                                           \
    "  mx.test: {domains: [mx.test]}\n" more
#define COTTAGE "homes: {cottage: {}, villa: {}}"

static void test_home_and_firewall_faults(void **state)
{
    (void)state;
    const Broken cases[] = {
        {HOME(COTTAGE, ""), ""},
        {HOME("homes: {cottage: {router: villa}, villa: {}}", ""),
         "2:37: `villa` is a home's router; a provider's router belongs here"},
        {HOME("homes: {cottage: {forward: [{port: 25, to: mx.test}]}}", ""),
         "2:54: `mx.test` is not behind `cottage`"},
        {HOME("homes: {cottage: {forward: [{port: 25, to: pc.test}, {port: 25, to: pc.test}]}}",
              ""),
         "2:79: port 25 is forwarded already, in line 2"},
        {HOME("homes: {cottage: {forward: [{port: 0, to: pc.test}]}}", ""),
         "2:46: `port` is at least 1"},
        {HOME("routers: [a, b], links: [{between: [a, b]}, {between: [a, cottage]}], " COTTAGE, ""),
         "2:69: `cottage` is a home's router, whose one link is in `homes`"},
        {HOME("homes: {cottage: {tcp_timeout: 1 ms}}", ""), "2:42: `tcp_timeout` is at least 1 s"},
        {HOME("homes: {internet: {}, cottage: {}}", ""),
         "2:19: `internet` is the name of another node too, in a default"},
        {HOME(COTTAGE ", firewall: [{host: cottage, action: block}]", ""),
         "2:79: `action` takes `allow` or `drop` or `reject` or `reset`, not `block`"},
        {HOME(COTTAGE ", firewall: [{host: cottage, action: drop, protocol: icmp, port: 25}]", ""),
         "2:55: only `tcp` and `udp` have ports; leave `port` out, or change `protocol`"},
        {HOME(COTTAGE ", firewall: [{host: cottage, action: reset, protocol: any}]", ""),
         "2:55: only a TCP connection can be reset; `reject` answers other packets"},
        {HOME(COTTAGE ", firewall: [{host: cotage, action: drop}]", ""),
         "2:62: there is no router, server or agent's machine `cotage`; did you mean `cottage`?"},
        {HOME(COTTAGE ", firewall: [{host: cottage, action: drop, from: [198.18.0.0/33]}]", ""),
         "2:92: there is no router, server or agent's machine `198.18.0.0/33`"},
        {HOME(COTTAGE, "timeline:\n  - {at: 1 s, do: set_firewall, host: mx.test, rules: [{action: "
                       "reset, protocol: udp}]}\n"),
         "7:56: only a TCP connection can be reset; `reject` answers other packets"},
        {HOME(COTTAGE, "timeline:\n  - {at: 1 s, do: renumber, home: internet}\n"),
         "7:35: `internet` is a provider's router; the router of one of `network.homes` belongs "
         "here"},
        {HOME(COTTAGE, "timeline:\n  - {at: 1 s, do: renumber, home: villa, old_address_to: "
                       "villa}\n"),
         "7:58: `villa` is the home that loses the address"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_triggers),
        cmocka_unit_test(test_yaml_faults),
        cmocka_unit_test(test_key_faults),
        cmocka_unit_test(test_value_faults),
        cmocka_unit_test(test_network_faults),
        cmocka_unit_test(test_server_faults),
        cmocka_unit_test(test_one_fault_one_error),
        cmocka_unit_test(test_policy_faults),
        cmocka_unit_test(test_timeline_faults),
        cmocka_unit_test(test_expectation_faults),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_retry_of_ones_own),
        cmocka_unit_test(test_printed_form),
        cmocka_unit_test(test_many_errors_are_summed_up),
        cmocka_unit_test(test_digest_and_file),
        cmocka_unit_test(test_address_faults),
        cmocka_unit_test(test_home_and_firewall_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
