/* Unit tests of what needs no browser. check.mjs bundles them and runs node's test runner. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Axis } from "../src/axis";
import { tabulate } from "../src/charts";
import { decodeBase64, dissect } from "../src/frame";
import { Model, at, fatesOf, toneOf } from "../src/model";
import { briefNames } from "../src/context";
import { caption, layoutMap } from "../src/map";
import { layRows, topOf } from "../src/rows";
import { SENTENCES } from "../src/sentences";
import { carriersOf, inFrame, linkedTo, streamOf, wireOf } from "../src/stream";
import { edgesOf } from "../src/states";
import { Meta, TraceError, TraceRecord, readTrace } from "../src/trace";
import { View, findStep, readFragment, select, shownRecords, writeFragment } from "../src/view";
import { describe, formatSpan, formatTime } from "../src/words";

const HEADER = '{"mailsim_trace":1,"title":"x","level":"segment","nodes":[{"name":"a","role":"server"},{"name":"b","role":"server"}],"links":[{"a":"a","b":"b","delay":1,"rate":1}]}';
const META: Meta = {
  machines: [], records: { mail: 0, protocol: 0, segment: 0 },
  kinds: [["queue.enter", "mail"], ["queue.defer", "mail"], ["queue.attempt", "mail"], ["queue.remove", "mail"], ["host.crash", "mail"], ["host.restart", "mail"], ["smtp.command", "protocol"], ["smtp.content", "protocol"], ["tcp.connect", "protocol"], ["tcp.send", "segment"]]
    .map(([name, level]) => ({ name, level, meaning: "", fields: [] }) as unknown as Meta["kinds"][number]),
};
const LINES = [
  '{"seq":1,"t":0,"kind":"host.crash","host":"b","cause":0,"program":"x"}',
  '{"seq":2,"t":5,"kind":"queue.enter","host":"a","cause":0,"entry":"q","mail":"m","length":1,"expires_at":900}',
  '{"seq":3,"t":5,"kind":"queue.attempt","host":"a","cause":2,"entry":"q","mail":"m","recipient":"r","attempt":1}',
  '{"seq":4,"t":6,"kind":"tcp.connect","host":"a","cause":3,"connection":"a#1","remote":"b","tcp.dstport":25,"tcp.srcport":9}',
  '{"seq":5,"t":7,"kind":"smtp.command","host":"a","cause":4,"connection":"a#1","smtp.command_line":"MAIL FROM:<>"}',
  '{"seq":6,"t":8,"kind":"smtp.content","host":"a","cause":5,"connection":"a#1","mail":"m","size":3}',
  '{"seq":7,"t":9,"kind":"queue.defer","host":"a","cause":6,"because":1,"entry":"q","mail":"m","recipient":"r","reason":"no","next_at":500}',
  '{"seq":8,"t":400,"kind":"host.restart","host":"b","cause":0,"program":"x"}',
  '{"seq":9,"t":500,"kind":"something.new","host":"a","cause":7,"colour":"red"}',
  '{"seq":10,"t":600,"kind":"queue.remove","host":"a","cause":9,"entry":"q","mail":"m","length":0}',
];
const modelOf = (lines: string[]): Model => { const { header, records } = readTrace([HEADER, ...lines].join("\n")); return new Model(header, records, META); };
const VIEW: View = { cursor: 0, t: 0, playing: false, speed: 1, unit: "line", axis: "gaps", level: "segment", mail: "", connection: "", host: "", follow: "", filter: "", lecture: false,
  panes: ["map", "ladder", "queue", "detail"], language: "en", dark: false, notes: {}, guessed: false };

test("a hostile trace is an error with its line", () => {
  const bad: [string, RegExp][] = [
    ["", /^1: this is not JSON/], ['{"mailsim_trace":2}', /^1: only version 1/], [`${HEADER}\n[]`, /^2: .*object/],
    [`${HEADER}\n${LINES[1]}\n${LINES[0]}`, /^3: `seq`/], [`${HEADER}\n{"seq":1,"t":1e300,"kind":"a","host":"b"}`, /^2: `t`/],
    [`${HEADER}\n{"seq":1,"t":0,"kind":7,"host":"b"}`, /^2: `kind`/], [`${HEADER}\n{"seq":1,"t":0,"kind":"a","host":"b",${Array.from({ length: 70 }, (_, k) => `"k${k}":1`).join(",")}}`, /too many fields/],
  ];
  for (const [text, message] of bad) assert.throws(() => readTrace(text), (e: unknown) => e instanceof TraceError && message.test(e.message), text.slice(0, 60));
});

test("a field named __proto__ is only a field", () => {
  const model = modelOf(['{"seq":1,"t":0,"kind":"a.b","host":"a","cause":0,"__proto__":"x","constructor":"y"}']);
  assert.equal(Object.getPrototypeOf((model.records[0] as TraceRecord).fields), null);
  assert.match(describe(model, 0, "en"), /constructor=y/);
});

test("the state at a moment is looked up", () => {
  const model = modelOf(LINES);
  assert.equal(model.hostState("b", 6), "crash");
  assert.equal(model.hostState("b", 7), "up");
  const entry = model.entries[0];
  assert.deepEqual([entry?.enter, entry?.remove, entry?.expires], [1, 9, 900]);
  const history = entry?.recipients.get("r") ?? [];
  assert.equal(at(history, 2)?.state, "trying");
  assert.deepEqual(at(history, 6), { state: "waiting", attempt: 1, next: 500, reason: "no" });
  assert.equal(at(history, 1), undefined);
  assert.equal(at(model.lengths.get("a") ?? [], 9), 0);
});

test("records belong to a mail by name, transaction and cause", () => {
  const model = modelOf(LINES);
  assert.equal(model.mailOf[4], "m");
  assert.equal(model.mailOf[0], undefined);
  assert.deepEqual(model.causesOf(6), [6, 5, 4, 3, 2, 1]);
  assert.deepEqual(model.effectsOf(0), [6]);
  assert.deepEqual(model.arrowOf(4), { from: "a", to: "b", lost: false });
  assert.equal(toneOf(model.records[6] as TraceRecord), "wait");
});

test("steps go by their unit, there and back", () => {
  const model = modelOf(LINES), all = () => true;
  assert.equal(findStep(model, 0, "queue", 1, all), 1);
  assert.equal(findStep(model, 2, "queue", 1, all), 6);
  assert.equal(findStep(model, 6, "queue", -1, all), 2);
  assert.equal(findStep(model, 6, "line", -1, all), 5);
  assert.equal(findStep(model, 9, "queue", 1, all), undefined);
  assert.equal(findStep(model, 0, "line", 1, (i) => i > 4), 5);
});

test("a moment to come is not told before a person has guessed", () => {
  const model = modelOf(LINES);
  assert.match(describe(model, 6, "en"), /until 00:00:00.000/);
  assert.match(describe(model, 6, "en", true), /until \?: no/);
});

test("following a mail shows what is about it alone", () => {
  const model = modelOf(LINES);
  const shown = [...shownRecords(model, { level: "segment", follow: "mail", mail: "m", connection: "" })];
  assert.deepEqual(shown, [1, 2, 3, 4, 5, 6, 8, 9]);
  assert.deepEqual([...shownRecords(model, { level: "mail", follow: "", mail: "", connection: "" })], [0, 1, 2, 6, 7, 9]);
  assert.deepEqual([...shownRecords(model, { level: "segment", follow: "connection", mail: "", connection: "a#1" })], [3, 4, 5]);
});

test("the view comes back from the address", () => {
  const model = modelOf(LINES);
  const view: View = { ...select(model, VIEW, 6), unit: "queue", axis: "linear", follow: "mail", filter: "a&b", lecture: true, language: "ko", dark: true, notes: { 7: "sic: ü" }, panes: ["queue", "events", "map", "states"] };
  assert.deepEqual(readFragment(model, `#${writeFragment(model, view)}`, VIEW), view);
  assert.deepEqual(readFragment(model, "#at=77&unit=x&panes=constructor&note=99:x&mail=none", VIEW).panes, VIEW.panes);
});

for (const mode of ["gaps", "linear", "step"] as const)
  test(`the axis ${mode} never falls, and time is found again on it`, () => {
    const times = [0, 0, 1e6, 2e6, 2e6, 3600e9, 3600e9 + 1e6, 90000e9];
    const axis = new Axis(mode, times);
    for (let i = 1; i < times.length; i++) assert.ok((axis.xs[i] as number) >= (axis.xs[i - 1] as number));
    assert.equal(axis.xs[0], 0);
    assert.ok(Math.abs((axis.xs[7] as number) - 1) < 1e-9);
    assert.equal(axis.indexAt(0.999999 * (axis.xs[6] as number) + 1e-9 + 0.000001) >= 5, true);
    for (const i of [2, 5, 7]) assert.ok(Math.abs(axis.timeAt(axis.xs[i] as number) - (times[i] as number)) <= 1e3);
    if (mode === "gaps") assert.deepEqual(axis.gaps.map((g) => g.wait), [3600e9 - 2e6, 90000e9 - 3600e9 - 1e6]);
  });
test("rows of the ladder stand by the axis", () => {
  const times = [0, 1e6, 2e6, 100e9];
  assert.deepEqual([...layRows("step", times, 10).tops], [0, 10, 20, 30, 40]);
  const gaps = layRows("gaps", times, 10);
  assert.ok((gaps.tops[1] as number) > 10 && (gaps.tops[1] as number) < 11, "a millisecond is hardly seen");
  assert.equal((gaps.tops[3] as number) - (gaps.tops[2] as number), 19, "a long wait has room for its name");
  const linear = layRows("linear", times, 10);
  assert.deepEqual([...linear.tops].map((y) => Math.round(y * 1e4) / 1e4), [0, 0.0003, 0.0006, 30, 40]);
  assert.deepEqual([...linear.isSaid], [1, 0, 0, 1]);
  assert.equal(topOf(linear, times, 50e9), linear.tops[2] as number + (50e9 - 2e6) / (100e9 - 2e6) * ((linear.tops[3] as number) - (linear.tops[2] as number)));
  assert.deepEqual([...layRows("linear", [5, 5], 10).tops], [0, 10, 20], "no time at all has no scale");
});
test("a brief name is one machine's alone", () => {
  const node = (name: string, role: string) => ({ name, role });
  const names = briefNames([node("mail.naver.example", "server"), node("mx1.gmail.example", "server"), node("mx2.gmail.example", "server"), node("alice.laptop", "agent"), node("alice.phone", "agent"), node("ns", "nameserver")]);
  assert.deepEqual([...names.values()], ["naver", "mx1", "mx2", "laptop", "phone", "DNS"]);
  assert.deepEqual([...briefNames([node("alice.laptop", "agent"), node("alice.phone", "agent"), node("bob.phone", "agent")]).values()], ["alice.laptop", "alice.phone", "bob"], "whose it is");
});
test("what is on hold or waits for its turn is known", () => {
  const model = modelOf([LINES[0] as string, LINES[1] as string, '{"seq":3,"t":6,"kind":"queue.activate","host":"a","cause":2,"entry":"q","mail":"m","recipient":"r"}',
    '{"seq":4,"t":7,"kind":"queue.hold","host":"a","cause":0,"entry":"q","mail":"m"}', '{"seq":5,"t":8,"kind":"queue.listed","host":"a","cause":0,"entry":"other","mail":"n"}', '{"seq":6,"t":9,"kind":"queue.release","host":"a","cause":0,"entry":"q","mail":"m"}']);
  assert.equal(model.entries.length, 1);
  assert.equal(at(model.entries[0]?.recipients.get("r") ?? [], 2)?.state, "turn");
  assert.deepEqual([2, 3, 4, 5].map((i) => at(model.entries[0]?.held ?? [], i)), [undefined, true, true, false]);
});

test("an axis without records", () => { const axis = new Axis("gaps", []); assert.equal(axis.indexAt(0.5), -1); assert.equal(axis.timeAt(0.5), 0); });

test("a restart keeps in the queue what it finds again", () => {
  const model = modelOf(['{"seq":1,"t":0,"kind":"queue.enter","host":"a","cause":0,"entry":"p","mail":"m","length":1}', '{"seq":2,"t":0,"kind":"queue.enter","host":"a","cause":0,"entry":"q","mail":"n","length":2}',
    '{"seq":3,"t":5,"kind":"host.power_off","host":"a","cause":0,"program":"x"}', '{"seq":4,"t":9,"kind":"host.restart","host":"a","cause":0,"program":"x"}',
    '{"seq":5,"t":9,"kind":"queue.recover","host":"a","cause":4,"entry":"p","mail":"m","length":1}', '{"seq":6,"t":9,"kind":"queue.enter","host":"a","cause":0,"entry":"q","mail":"o","length":2}']);
  const inQueue = (i: number): string[] => model.entries.filter((e) => e.enter <= i && i < e.remove).map((e) => e.mail);
  assert.deepEqual([inQueue(2), inQueue(5)], [["m", "n"], ["m", "o"]]);
  assert.deepEqual([2, 3, 4, 5].map((i) => at(model.lengths.get("a") ?? [], i)), [2, 0, 1, 2]);
});

test("what became of a mail: it has arrived before it is said to be passed on, and what no disk holds is lost", () => {
  const of = (lines: string[]): (string | undefined)[] => { const mails = modelOf([...lines, '{"seq":90,"t":9,"kind":"timeline.end","host":"timeline","cause":0,"reason":"quiet"}', '{"seq":91,"t":9,"kind":"store.inventory","host":"b","cause":90,"place":"mailbox","mail":"m","final":true}']).mails; return [...mails.values()].map((m) => at(m.fates, 99)?.fate); };
  const relayed = (mail: string, seq: number, next: string): string => `{"seq":${seq},"t":5,"kind":"mail.relayed","host":"a","cause":0,"mail":"${mail}","recipient":"r","next":"${next}"}`;
  assert.deepEqual(of(['{"seq":1,"t":4,"kind":"mail.delivered","host":"b","cause":0,"mail":"m","recipient":"r"}', relayed("m", 2, "b")]), ["delivered"]);
  assert.deepEqual(of([relayed("m", 1, "b"), relayed("n", 2, "b"), relayed("o", 3, "elsewhere.example")]), ["relayed", "gone", "relayed"]);
});

test("what became of a mail is told for each of several recipients", () => {
  const about = (seq: number, kind: string, recipient: string): string => `{"seq":${seq},"t":5,"kind":"${kind}","host":"a","cause":0,"mail":"m","recipient":"${recipient}","next":"b"}`;
  const model = modelOf(['{"seq":1,"t":1,"kind":"agent.compose","host":"a","cause":0,"mail":"m","from":"x","to":"r@b, s@b","subject":"x"}',
    about(2, "mail.delivered", "r@b"), about(3, "mail.relayed", "r@b"), about(4, "queue.defer", "s@b"), about(5, "mail.bounced", "s@b")]);
  const mail = model.mails.get("m");
  assert.ok(mail);
  const told = (i: number): string[] => fatesOf(mail, i).map(([recipient, f]) => `${recipient} ${f.fate}`);
  assert.deepEqual([told(0), told(3), told(4)], [[], ["r@b delivered", "s@b waits"], ["r@b delivered", "s@b bounced"]]);
});

test("times and spans", () => {
  assert.equal(formatTime(1302315600, "en"), "00:00:01.302");
  assert.equal(formatTime(86400e9 * 2 + 3661e9, "en"), "2d 01:01:01.000");
  assert.equal(formatTime(86400e9 * 2 + 3661e9, "ko"), "2일 01:01:01.000");
  assert.deepEqual([formatSpan(1798e9, "en"), formatSpan(1798e9, "ko"), formatSpan(12.3e6, "en"), formatSpan(5, "en"), formatSpan(5 * 86400e9, "en")], ["29 min 58 s", "29분 58초", "12.3 ms", "5 ns", "5 d"]);
});

test("in Korean the program's own words are told, and names stay names", () => {
  const model = modelOf(['{"seq":1,"t":0,"kind":"agent.read","host":"a","cause":0,"mail":"answer","subject":"timeout"}',
    '{"seq":2,"t":5,"kind":"tcp.failed","host":"a","cause":0,"connection":"a#1","remote":"list","reason":"connection reset by peer, after the final dot"}',
    '{"seq":3,"t":5,"kind":"policy.verdict","host":"a","cause":0,"policy":"greylist","verdict":"passed","reason":"back after 10 min"}',
    '{"seq":4,"t":6,"kind":"timeline.action","host":"timeline","cause":0,"do":"send","subject":"send"}']);
  assert.deepEqual([0, 1, 2, 3].map((i) => describe(model, i, "ko")),
    ["answer 읽음: “timeout”", "연결 실패: list: 상대가 연결을 리셋, 마지막 점 후", "그레이리스팅: 통과: 10분 뒤 재시도", "시나리오: 보내기 (send)"]);
  assert.equal(describe(model, 3, "en"), "scenario: send send");
});

test("a long caption is two lines of about the same length", () => {
  const lines = caption("mail.daum: queue: from-carol waits until 00:10:00.000: connection refused", 400, 10); // 6 pixels a character here
  assert.equal(lines.length, 2);
  const [a, b] = lines.map((l) => l.length) as [number, number];
  assert.ok(Math.abs(a - b) < 20, lines.join(" | "));
  assert.deepEqual(caption("short", 400, 10), ["short"]);
});

test("on the map every machine has its own place, and no link runs through a router", () => {
  const { header, records } = readTrace([JSON.stringify({ mailsim_trace: 1, title: "x", level: "mail",
    nodes: [["seoul", "router"], ["cottage", "router"], ["villa", "router"], ["s", "server"], ["t", "server"], ["b.pc", "agent"]].map(([name, role]) => ({ name, role })),
    links: [["cottage", "seoul"], ["villa", "seoul"], ["s", "seoul"], ["t", "villa"], ["b.pc", "cottage"]].map(([a, b]) => ({ a, b, delay: 1, rate: 1 })) })].join("\n"));
  const places = layoutMap(new Model(header, records, META), 600, 300);
  assert.equal(places.size, 6);
  const at = (name: string): [number, number] => { const p = places.get(name); assert.ok(p); return [p.x, p.y]; };
  assert.equal(new Set([...places.values()].map((p) => `${p.x} ${p.y}`)).size, 6);
  const [sx, sy] = at("seoul"), [cx, cy] = at("cottage"), [vx, vy] = at("villa");
  const far = Math.abs((vy - sy) * cx - (vx - sx) * cy + vx * sy - vy * sx) / Math.hypot(vx - sx, vy - sy);
  assert.ok(far > 20, `${far} pixels from the line`);
});

test("a frame's fields are named and cover it", () => {
  const bytes = Uint8Array.from([..."020000000001020000000002".matchAll(/../g)].map((m) => parseInt(m[0], 16))
    .concat([8, 0, 0x45, 0, 0, 42, 0, 1, 0x40, 0, 64, 6, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2, 0, 25, 0xc0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x12, 0xff, 0xff, 0, 0, 0, 0, 72, 105]));
  const fields = dissect(bytes);
  assert.deepEqual(fields.map((f) => [f.name, f.value]).filter(([n]) => ["source", "flags", "time to live", "source port", "payload"].includes(n as string)),
    [["source", "02:00:00:00:00:02"], ["time to live", "64"], ["source", "198.18.0.1"], ["source port", "25"], ["flags", "SYN, ACK"], ["payload", "2 octets"]]);
  let to = 0;
  for (const f of fields) { assert.equal(f.from, to); to = f.to; }
  assert.equal(to, bytes.length);
});
/* A frame with this payload, and the record of its sending. */
function sending(seq: number, packet: string, number: number, payload: string, reason = "first sending"): string {
  const head = [0, 25, 192, 0, ...[24, 16, 8, 0].map((s) => (number >>> s) & 255), 0, 0, 0, 0, 0x50, 0x18, 255, 255, 0, 0, 0, 0];
  const bytes = [...new Array(12).fill(0), 8, 0, 0x45, 0, 0, 40 + payload.length, 0, 1, 0x40, 0, 64, 6, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2, ...head, ...new TextEncoder().encode(payload)];
  return JSON.stringify({ seq, t: seq, kind: "tcp.send", host: "a", cause: 0, connection: "a#1", packet, "tcp.seq_raw": number, "tcp.flags": payload === "" ? "SYN" : "PSH, ACK", "tcp.len": payload.length, reason, frame: btoa(String.fromCharCode(...bytes)) });
}
const line = (seq: number, kind: string, fields: object): string => JSON.stringify({ seq, t: seq, kind, host: "a", cause: 0, connection: "a#1", ...fields });
/* The sequence numbers go over 2^32; one segment holds two lines, one message goes over two segments, and one is sent again. */
const WIRE = [sending(1, "p1", 4294967290, ""),
  line(2, "smtp.command", { "smtp.command_line": "MAIL FROM:<a@b>" }), line(3, "smtp.command", { "smtp.command_line": "DATA" }),
  sending(4, "p2", 4294967291, "MAIL FROM:<a@b>\r\nDATA\r\n"),
  line(5, "smtp.content", { mail: "m", size: 30, ending: "a dot" }),
  sending(6, "p3", 18, "Subject: Hi\r\n there\r\n\r\nText"), sending(7, "p4", 45, "\r\n.\r\nQUIT\r\n"),
  sending(8, "p4b", 45, "\r\n.\r\nQUIT\r\n", "retransmission after timeout"), line(9, "smtp.command", { "smtp.command_line": "QUIT" }),
  line(10, "smtp.command", { "smtp.command_line": "NOT SENT" })];

test("lines are found in the octets of their segments, and segments know their lines", () => {
  const model = modelOf(WIRE), stream = streamOf(model, "a#1");
  assert.deepEqual(stream.stretches.map((s) => [s.i, s.from, s.to]), [[1, 0, 17], [2, 17, 23], [4, 23, 55], [8, 55, 61]]);
  assert.deepEqual(stream.stretches[2]?.parts.map((p) => [p.layer, p.name, p.value]),
    [["header", "Subject", "Hi there"], ["message", "empty line", "CR LF"], ["message", "body", "Text\r\n"], ["message", "final dot", "."]]);
  assert.deepEqual(stream.stretches[0]?.parts.map((p) => [p.name, p.value]), [["command", "MAIL FROM:"], ["argument", "<a@b>"], ["end of line", "CR LF"]]);
  assert.deepEqual(carriersOf(stream, stream.stretches[2] as { from: number; to: number }).map((c) => [c.i, c.again]), [[5, false], [6, false], [7, true]]);
  assert.deepEqual([...linkedTo(model, 4)], [5, 6, 7]);
  assert.deepEqual([...linkedTo(model, 6)], [4, 8]);
  const wire = wireOf(model, 2);
  assert.deepEqual(wire?.carriers.map((c) => inFrame(c, wire.stretch as { from: number; to: number })), [{ from: 71, to: 77 }]);
  assert.equal(wireOf(model, 9), undefined, "what was never sent has no octets");
});

test("a stream without frames, or with broken ones, has no lines", () => {
  const broken = WIRE.map((l) => l.replace(/"frame":"[^"]*"/, '"frame":"AAAA"'));
  assert.deepEqual(streamOf(modelOf(broken), "a#1"), { carriers: [], stretches: [] });
  assert.equal(linkedTo(modelOf(LINES), 4).size, 0);
});

test("a look-up's octets are named, and a name that points at itself ends", () => {
  const dns = [0x10, 0xca, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 198, 18, 0, 5];
  const frame = (rest: number[]): Uint8Array => Uint8Array.from([...new Array(12).fill(0), 8, 0, 0x45, 0, 0, 28 + rest.length, 0, 1, 0, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2, 0, 53, 1, 0, 0, 8 + rest.length, 0, 0, ...rest]);
  const fields = dissect(frame(dns)).filter((f) => f.layer === "DNS");
  assert.deepEqual(fields.filter((f) => /name|data|type/.test(f.name)).map((f) => f.value), ["a.", "A", "a.", "A", "198.18.0.5"]);
  const loop = [...dns.slice(0, 12), 0xc0, 12, 0, 1, 0, 1];
  assert.ok(dissect(frame(loop)).length > 10);
});

test("any octets are dissected without going over the end", () => {
  for (let length = 0; length < 80; length++)
    for (const fill of [0, 0x45, 8, 255]) {
      const bytes = new Uint8Array(length).fill(fill);
      if (length > 14) bytes.set([8, 0, 0x45], 12);
      for (const f of dissect(bytes)) assert.ok(f.from < f.to && f.to <= length);
    }
  assert.equal(decodeBase64("%%%").length, 0);
});

test("what leads to a state from most others is not drawn", () => {
  const machine = { name: "m", title: "", source: "", initial: 0, states: ["A", "B", "C", "D"], events: ["go", "die"], edges: [[0, 1, 0], [0, 3, 1], [1, 3, 1], [2, 3, 1]] as [number, number, number][] };
  const { edges, pooled } = edgesOf(machine);
  assert.deepEqual(edges.map((e) => [e.from, e.to]), [[0, 1]]);
  assert.deepEqual([...(pooled.get(3) ?? [])], [1]);
});

test("charts hold a value until it changes", () => {
  assert.deepEqual(tabulate([{ label: "a", history: [{ i: 1, value: 5 }, { i: 3, value: 2 }] }, { label: "b", history: [{ i: 2, value: 7 }] }], (i) => i / 4), [[0, 0.25, 0.5, 0.75, 1], [0, 5, 5, 2, 2], [0, 0, 7, 7, 7]]);
});

/* sim/trace/kinds.def, as the tests are called from the top of the tree: each kind and its fields' keys. */
function kindsOfProgram(): Map<string, Set<string>> {
  const text = readFileSync("sim/trace/kinds.def", "utf8").replace(/\/\*[^]*?\*\//g, "");
  const kinds = new Map<string, Set<string>>(), names = new Map<string, string>();
  for (const m of text.matchAll(/^KIND\((\w+),\s*"([^"]+)"/gm)) { names.set(m[1] as string, m[2] as string); kinds.set(m[2] as string, new Set()); }
  for (const m of text.matchAll(/^FIELD\((\w+),\s*\w+,\s*\w+,\s*"([^"]+)"/gm)) kinds.get(names.get(m[1] as string) as string)?.add(m[2] as string);
  return kinds;
}
test("every kind that can be recorded has words in both languages, and they name fields that it has", () => {
  const kinds = kindsOfProgram();
  assert.ok(kinds.size > 60);
  assert.deepEqual([...kinds.keys()].filter((k) => !SENTENCES[k]?.every((text) => text !== "")), [], "without words in src/sentences.ts");
  for (const [kind, texts] of Object.entries(SENTENCES))
    for (const m of texts.join(" ").matchAll(/\{([^}]+)\}/g)) assert.ok(!kinds.has(kind) || kinds.get(kind)?.has(m[1] as string), `${kind} has no field ${m[1]}`);
});
test("Korean words carry no particle after a field", () => {
  for (const [kind, [, korean]] of Object.entries(SENTENCES)) assert.doesNotMatch(korean, /\}\]?(은|는|이|가|을|를|와|과)(\s|$)/, kind);
});

test("a kind without words is told by the program's phrase, and else by its fields", () => {
  const { header, records } = readTrace([HEADER, '{"seq":1,"t":0,"kind":"new.kind","host":"a","cause":0,"mail":"m"}', '{"seq":2,"t":0,"kind":"constructor","host":"a","cause":0,"mail":"toString"}'].join("\n"));
  const kind = { name: "new.kind", level: "mail" as const, meaning: "", phrase: "does {mail}[ to {whom}]", tone: "bad", fields: [] };
  const model = new Model(header, records, { ...META, kinds: [kind] });
  assert.equal(describe(model, 0, "ko"), "does m");
  assert.equal(describe(model, 1, "ko"), "constructor mail=toString");
});
