/* Tests of scenario/reader: what makes no sense in networks, homes, servers, their addresses and
 * their policies. */
#include "scenario_broken.h"

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
        {"mailsim: 1\nservers: {mx-.test: {domains: [x.test]}}\n",
         "2:11: `mx-.test` has a part that begins or ends with a hyphen"},
        {"mailsim: 1\nservers: {mx.-x.test: {domains: [x.test]}}\n",
         "2:11: `mx.-x.test` has a part that begins or ends with a hyphen"},
        {"mailsim: 1\nservers: {m_x.test: {domains: [x.test]}}\n",
         "2:11: `m_x.test` holds a character that host names do not have"},
        {"mailsim: 1\nservers: {mx..test: {domains: [x.test]}}\n",
         "2:11: `mx..test` has an empty part between dots"},
        {"mailsim: 1\nservers: {mail.naver.com: {domains: [naver.test]}}\n",
         "W2:11: `mail.naver.com` may be somebody's; names that end in `.example` or `.test` are "
         "nobody's"},
        {"mailsim: 1\nservers: {a.example: {domains: [x.example], users: {a@b: {}}}}\n",
         "2:53: `a@b` is a whole address; only the part before the @ belongs here"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_faults), cmocka_unit_test(test_home_and_firewall_faults),
        cmocka_unit_test(test_server_faults),  cmocka_unit_test(test_address_faults),
        cmocka_unit_test(test_policy_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
