/* What the panes show, as histories: for each thing, its changes by record index. The state at a
 * moment is looked up, never played, so that stepping back is as exact as stepping forward. */
import { SENTENCES } from "./sentences";
import { Header, Kind, LEVELS, Meta, TraceNode, TraceRecord, num, str } from "./trace";

export interface Change<T> { i: number; value: T }
/** The last change at or before record `i`. */
export function at<T>(history: readonly Change<T>[], i: number): T | undefined {
  let low = 0, high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((history[middle] as Change<T>).i <= i) low = middle + 1; else high = middle;
  }
  return history[low - 1]?.value;
}
/** How many of the rising numbers are at most `x`. */
export function countUpTo(numbers: ArrayLike<number>, x: number): number {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= x) low = middle + 1; else high = middle;
  }
  return low;
}

export type Tone = "plain" | "good" | "wait" | "bad" | "note";
export interface Connection { id: string; host: string; remote: string; port: number; client: boolean; peer?: string; first: number }
export interface QueueState { state: "waiting" | "trying" | "turn"; attempt: number; next: number | undefined; reason: string }
export interface QueueEntry { id: string; host: string; mail: string; enter: number; remove: number; expires: number | undefined; held: Change<boolean>[]; recipients: Map<string, Change<QueueState>[]> }
export interface Stored { host: string; user: string; folder: string; mail: string; uid: number; store: number; expunge: number; flags: Change<string>[] }
export interface Transmission { i: number; from: string; to: string; start: number; arrive: number; packet: string; what: string }
export interface Fate { i: number; fate: string; tone: Tone; recipient: string }
export interface Mail { name: string; from: string; to: string; subject: string; first: number; fates: Change<Fate>[] }
export interface Arrow { from: string; to: string; lost: boolean }

const FATES: Record<string, [string, Tone]> = {
  "agent.compose": ["written", "plain"], "agent.sent": ["taken over", "plain"], "mail.accepted": ["accepted", "plain"],
  "queue.defer": ["waits", "wait"], "mail.relayed": ["relayed", "plain"], "mail.delivered": ["delivered", "good"],
  "agent.receive": ["fetched", "good"], "agent.read": ["read", "good"], "mail.bounced": ["bounced", "bad"],
  "mail.expired": ["expired", "bad"], "mail.discarded": ["discarded", "bad"], "mail.uncertain": ["uncertain", "wait"],
  "agent.wait": ["waits", "wait"], "agent.failed": ["refused", "bad"], "agent.lost": ["gone", "bad"],
};
/* The next server says that a mail has arrived before the one that passed it on says so. */
const ARRIVED = new Set(["delivered", "fetched", "read"]);
const ON_THE_WAY = new Set(["taken over", "accepted", "relayed"]);
const BAD = new Set(["tcp.failed", "mail.bounced", "mail.expired", "mail.discarded", "agent.failed", "agent.lost", "mail.untold", "host.crash",
  "host.power_off", "link.down", "link.drop", "link.corrupt", "disk.full", "disk.fill", "disk.fail", "disk.error", "dns.fail", "dns.timeout"]);
const WAIT = new Set(["queue.defer", "mail.delayed", "mail.reported", "mail.unanswered", "agent.wait", "mail.uncertain", "tcp.timeout", "tcp.trouble", "link.change", "link.duplicate", "host.shutdown", "icmp.send", "icmp.receive"]);
const GOOD = new Set(["mail.delivered", "mail.relayed", "agent.receive", "agent.sent", "agent.read", "host.restart", "link.up", "dns.fix", "disk.free", "mail.confirmed"]);

/** How a record is coloured; of a kind that is not known here, as the terminal does it. */
export function toneOf(record: TraceRecord, kind?: Kind): Tone {
  const code = num(record, "smtp.response.code");
  if (code >= 500) return "bad";
  if (code >= 400) return "wait";
  if (BAD.has(record.kind)) return "bad";
  if (WAIT.has(record.kind)) return "wait";
  if (GOOD.has(record.kind)) return "good";
  if (record.kind === "dns.result" && !["answer", ""].includes(str(record, "outcome"))) return "wait";
  if (record.kind === "tcp.send" && isRetransmission(record)) return "wait";
  if (record.kind.startsWith("timeline.")) return "note";
  return isKnown(record.kind) ? "plain" : kind?.tone === "bad" ? "wait" : kind?.tone === "good" ? "good" : "plain";
}
const isKnown = (kind: string): boolean => Object.prototype.hasOwnProperty.call(SENTENCES, kind);
const TONES: readonly Tone[] = ["plain", "note", "good", "wait", "bad"];
export const isRetransmission = (record: TraceRecord): boolean => /retrans|again/i.test(str(record, "reason"));
/** A line of a dialogue: smtp.command, imap.response, http.request, dns.query, … */
export const isLine = (kind: string): boolean =>
  /^(smtp|imap|pop|http|dns)\.(command|reply|content|response|request|query|continuation)$/.test(kind);
export const isSending = (kind: string): boolean => /^(tcp|udp|icmp)\.send$/.test(kind);

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value); else map.set(key, [value]);
}

const QUEUE_ASIDE = new Set(["remove", "list", "listed", "flush"]); /* they put nothing into a queue */

/** What became of a mail by its recipients so far, of several; a single one's is the mail's. */
export function fatesOf(mail: Mail, i: number): [string, Fate][] {
  const of = new Map<string, Fate>();
  const wanted = mail.to.split(/, */);
  if (wanted.length < 2) return [];
  for (const { value } of mail.fates) {
    if (value.i > i || !wanted.includes(value.recipient)) continue;
    if (value.fate === "relayed" && ARRIVED.has(of.get(value.recipient)?.fate ?? "")) continue;
    of.set(value.recipient, value);
  }
  return [...of];
}

export class Model {
  readonly bySeq = new Map<number, number>();
  readonly level: Uint8Array;
  readonly times: Float64Array;
  readonly mailOf: (string | undefined)[] = [];
  readonly kinds = new Map<string, Kind>();
  readonly nodes: TraceNode[];
  readonly connections = new Map<string, Connection>();
  readonly hosts = new Map<string, Change<string>[]>();
  readonly links = new Map<string, Change<boolean>[]>();
  readonly entries: QueueEntry[] = [];
  readonly lengths = new Map<string, Change<number>[]>();
  readonly stored: Stored[] = [];
  readonly machines = new Map<string, { machine: string; connection: string; host: string; changes: Change<string>[] }>();
  readonly windows = new Map<string, Change<{ cwnd: number; ssthresh: number }>[]>();
  readonly retransmissions: number[] = [];
  readonly transmissions: Transmission[] = [];
  readonly mails = new Map<string, Mail>();
  readonly lost = new Map<string, number>();
  readonly packetSent = new Map<string, number>();
  readonly packetReceived = new Map<string, number>();
  private readonly arrivals: Float64Array;
  private readonly starts: Float64Array;
  private readonly ipHost = new Map<string, string>();
  private readonly askers = new Map<string, string>();
  private readonly dnsTo = new Map<number, string>();
  private readonly openEntries = new Map<string, QueueEntry>();
  private readonly clientEnds = new Map<string, string>();
  private readonly tones: Uint8Array;
  private effects: Map<number, number[]> | undefined;
  private connectionRecords: Map<string, number[]> | undefined;
  private packetHops: Map<string, number[]> | undefined;

  constructor(readonly header: Header, readonly records: TraceRecord[], readonly meta: Meta) {
    for (const kind of meta.kinds) this.kinds.set(kind.name, kind);
    this.level = new Uint8Array(records.length);
    this.times = new Float64Array(records.length);
    this.tones = new Uint8Array(records.length);
    records.forEach((record, i) => {
      this.bySeq.set(record.seq, i);
      this.times[i] = record.t;
      const kind = this.kinds.get(record.kind);
      this.level[i] = LEVELS.indexOf(kind?.level ?? "segment");
      this.tones[i] = TONES.indexOf(toneOf(record, kind));
    });
    records.forEach((record, i) => this.note(record, i));
    this.nodes = this.withUnknownNodes();
    this.findMails();
    this.findLost();
    this.transmissions.sort((a, b) => a.start - b.start);
    this.starts = Float64Array.from(this.transmissions, (x) => x.start);
    this.arrivals = new Float64Array(this.transmissions.length);
    this.transmissions.forEach((x, k) => { this.arrivals[k] = Math.max(x.arrive, k > 0 ? (this.arrivals[k - 1] as number) : 0); });
  }

  private withUnknownNodes(): TraceNode[] {
    const nodes = [...this.header.nodes];
    const known = new Set(nodes.map((n) => n.name));
    const homes = new Set(this.records.filter((r) => r.kind.startsWith("nat.")).map((r) => r.host)); // a home's router
    for (const record of this.records)
      if (!known.has(record.host) && record.host !== "timeline") {
        known.add(record.host);
        nodes.push({ name: record.host, role: this.lengths.has(record.host) ? "server" : homes.has(record.host) ? "router" : "agent" });
      }
    return nodes;
  }

  private note(record: TraceRecord, i: number): void {
    const [layer, what] = record.kind.split(".") as [string, string];
    if (layer === "tcp") this.noteTcp(record, i, what);
    if (layer === "queue") this.noteQueue(record, i, what);
    if (layer === "mailbox") this.noteMailbox(record, i, what);
    if (layer === "host") push(this.hosts, record.host, { i, value: what });
    if (record.kind === "host.restart") this.noteRestart(record.host, i);
    if (record.kind === "link.down" || record.kind === "link.up")
      push(this.links, linkKey(str(record, "a"), str(record, "b")), { i, value: what === "up" });
    if (what === "state" && record.fields["to"] !== undefined) this.noteState(record, i, layer);
    if (isSending(record.kind)) {
      this.packetSent.set(str(record, "packet"), i);
      if (record.fields["ip.src"] !== undefined) this.ipHost.set(str(record, "ip.src"), record.host);
    }
    if (what === "receive" && record.fields["packet"] !== undefined) this.packetReceived.set(str(record, "packet"), i);
    if (record.kind === "link.transmit") this.noteTransmission(record, i);
    if (record.kind === "link.drop") this.lost.set(str(record, "packet"), i);
    if (record.kind === "dns.query") this.askers.set(`${str(record, "dns.id")} ${str(record, "dns.qry.name")}`, record.host);
    if (record.kind === "dns.response") {
      const asker = this.askers.get(`${str(record, "dns.id")} ${str(record, "dns.qry.name")}`);
      if (asker !== undefined) this.dnsTo.set(i, asker);
    }
  }

  private noteTransmission(record: TraceRecord, i: number): void {
    const sent = this.packetSent.get(str(record, "packet"));
    const kind = sent === undefined ? "" : (this.records[sent] as TraceRecord).kind;
    this.transmissions.push({ i, from: record.host, to: str(record, "to"), start: num(record, "starts_at"),
      arrive: num(record, "arrives_at"), packet: str(record, "packet"), what: kind.split(".")[0] ?? "" });
  }

  private noteTcp(record: TraceRecord, i: number, what: string): void {
    const id = str(record, "connection");
    if (what === "connect") {
      this.ipHost.set(str(record, "ip.src"), record.host);
      this.ipHost.set(str(record, "ip.dst"), str(record, "remote"));
      this.connections.set(id, { id, host: record.host, remote: str(record, "remote"), port: num(record, "tcp.dstport"), client: true, first: i });
      this.clientEnds.set(`${record.host} ${num(record, "tcp.srcport")} ${str(record, "remote")} ${num(record, "tcp.dstport")}`, id);
    }
    if (what === "established" && !this.connections.has(id)) this.noteServerEnd(record, i, id);
    if (what === "cwnd") push(this.windows, id, { i, value: { cwnd: num(record, "cwnd"), ssthresh: num(record, "ssthresh") } });
    if (what === "send" && isRetransmission(record)) this.retransmissions.push(i);
  }

  /* The client's end has the same two hosts and ports; of several the latest. */
  private noteServerEnd(record: TraceRecord, i: number, id: string): void {
    const remote = str(record, "remote"), port = num(record, "tcp.srcport");
    const end: Connection = { id, host: record.host, remote, port, client: false, first: i };
    const client = this.connections.get(this.clientEnds.get(`${remote} ${num(record, "tcp.dstport")} ${record.host} ${port}`) ?? "");
    if (client) {
      end.peer = client.id;
      client.peer = id;
    }
    this.connections.set(id, end);
  }

  private noteState(record: TraceRecord, i: number, layer: string): void {
    const machine = str(record, "machine") || layer, connection = str(record, "connection");
    const key = `${connection} ${machine}`;
    let life = this.machines.get(key);
    if (!life) this.machines.set(key, (life = { machine, connection, host: record.host, changes: [] }));
    if (life.changes.length === 0) life.changes.push({ i: i - 1, value: str(record, "from") });
    life.changes.push({ i, value: str(record, "to") });
  }

  /* What a server does not find again on its disk is no longer in its queue. */
  private noteRestart(host: string, i: number): void {
    for (const entry of this.openEntries.values()) if (entry.host === host && entry.remove === Infinity) entry.remove = i;
    if (this.lengths.has(host)) push(this.lengths, host, { i, value: 0 });
  }

  private noteQueue(record: TraceRecord, i: number, what: string): void {
    const id = str(record, "entry");
    if (record.fields["length"] !== undefined && what !== "list") push(this.lengths, record.host, { i, value: num(record, "length") });
    const key = `${record.host} ${id}`;
    let entry = this.openEntries.get(key);
    if (entry && what === "recover") entry.remove = Infinity;
    if (entry && what === "enter" && entry.remove !== Infinity) entry = undefined; // the number is used again
    if (!entry && id !== "" && !QUEUE_ASIDE.has(what)) {
      entry = { id, host: record.host, mail: str(record, "mail"), enter: i, remove: Infinity, expires: undefined, held: [], recipients: new Map() };
      this.entries.push(entry);
      this.openEntries.set(key, entry);
    }
    if (!entry) return;
    if (typeof record.fields["expires_at"] === "number") entry.expires = num(record, "expires_at");
    if (what === "remove") {
      entry.remove = i;
      this.openEntries.delete(key);
    }
    const recipient = str(record, "recipient");
    const before = entry.recipients.get(recipient)?.slice(-1)[0]?.value;
    if (what === "hold" || what === "release") entry.held.push({ i, value: what === "hold" });
    if (what === "activate")
      push(entry.recipients, recipient, { i, value: { state: "turn", attempt: before?.attempt ?? 0, next: undefined, reason: "" } });
    if (what === "attempt")
      push(entry.recipients, recipient, { i, value: { state: "trying", attempt: num(record, "attempt"), next: undefined, reason: "" } });
    if (what === "defer")
      push(entry.recipients, recipient, { i, value: { state: "waiting", attempt: before?.attempt ?? 0, next: num(record, "next_at"), reason: str(record, "reason") } });
  }

  private noteMailbox(record: TraceRecord, i: number, what: string): void {
    const uid = num(record, "imap.uid"), user = str(record, "user"), folder = str(record, "folder");
    if (what === "store") {
      this.stored.push({ host: record.host, user, folder, mail: str(record, "mail"), uid, store: i, expunge: Infinity, flags: [] });
      return;
    }
    const found = this.stored.find((s) => s.host === record.host && s.user === user && s.folder === folder && s.uid === uid && s.expunge === Infinity);
    if (found && what === "flag") found.flags.push({ i, value: str(record, "flags") });
    if (found && what === "expunge") found.expunge = i;
  }

  /* A record is about the mail that it names; or whose transaction it is part of; or its cause's. */
  private findMails(): void {
    const transactions = this.findTransactions();
    this.records.forEach((record, i) => {
      const named = str(record, "mail");
      const connection = str(record, "connection");
      const of = named || (connection && transactions.get(connection)?.find((x) => x.from <= i && i <= x.to)?.mail);
      const cause = this.bySeq.get(record.cause);
      this.mailOf.push(of || (cause === undefined || record.kind === "queue.attempt" ? undefined : this.mailOf[cause]));
      if (named) this.noteMail(record, i, named);
    });
  }

  private findTransactions(): Map<string, { from: number; to: number; mail: string }[]> {
    const begun = new Map<string, number>(), found = new Map<string, { from: number; to: number; mail: string }[]>();
    this.records.forEach((record, i) => {
      const id = str(record, "connection");
      if (record.kind === "smtp.command" && /^MAIL FROM/i.test(str(record, "smtp.command_line"))) begun.set(id, i);
      if (record.kind !== "smtp.content") return;
      const transaction = { from: begun.get(id) ?? i, to: i, mail: str(record, "mail") };
      push(found, id, transaction);
      const peer = this.connections.get(id)?.peer;
      if (peer !== undefined) push(found, peer, transaction);
    });
    return found;
  }

  private noteMail(record: TraceRecord, i: number, name: string): void {
    let mail = this.mails.get(name);
    if (!mail) this.mails.set(name, (mail = { name, from: "", to: "", subject: "", first: i, fates: [] }));
    if (record.kind === "agent.compose") Object.assign(mail, { from: str(record, "from"), to: str(record, "to"), subject: str(record, "subject") });
    if (record.kind === "agent.receive" && !mail.subject) mail.subject = str(record, "subject"); // a bounce is composed by no agent
    if (record.kind === "mail.accepted" && !mail.to) Object.assign(mail, { from: str(record, "sender") || "<>", to: str(record, "recipient") });
    const fate = FATES[record.kind];
    const isStale = record.kind === "mail.relayed" && ARRIVED.has(mail.fates[mail.fates.length - 1]?.value.fate ?? "");
    if (fate && !isStale) mail.fates.push({ i, value: { i, fate: fate[0], tone: fate[1], recipient: str(record, "recipient") } });
  }

  /* A mail that a server had, and that the last look at the disks does not find, is lost; but for what left the simulation. */
  private findLost(): void {
    const last = this.records.length - 1;
    if (!this.records.some((r) => r.kind === "timeline.end")) return;
    const known = new Set(this.nodes.map((n) => n.name)), kept = new Set<string>();
    for (const record of this.records) {
      const isKept = record.kind === "store.inventory" ? record.fields["final"] === true : record.kind === "mail.relayed" && !known.has(str(record, "next"));
      if (isKept) kept.add(str(record, "mail"));
    }
    for (const mail of this.mails.values())
      if (ON_THE_WAY.has(mail.fates[mail.fates.length - 1]?.value.fate ?? "") && !kept.has(mail.name))
        mail.fates.push({ i: last, value: { i: last, fate: "gone", tone: "bad", recipient: "" } });
  }

  toneAt(i: number): Tone { return TONES[this.tones[i] as number] ?? "plain"; }

  /** The records of one end of a connection. */
  recordsOf(connection: string): readonly number[] {
    if (!this.connectionRecords) {
      const found = (this.connectionRecords = new Map<string, number[]>());
      this.records.forEach((record, i) => { const id = str(record, "connection"); if (id !== "") push(found, id, i); });
    }
    return this.connectionRecords.get(connection) ?? [];
  }
  /** A packet's way over the links, as indexes of link.transmit records. */
  hopsOf(packet: string): readonly number[] {
    if (!this.packetHops) {
      const found = (this.packetHops = new Map<string, number[]>());
      for (const x of this.transmissions) push(found, x.packet, x.i);
    }
    return this.packetHops.get(packet) ?? [];
  }

  /** Records that this one set off, or whose state it set. */
  effectsOf(i: number): readonly number[] {
    if (!this.effects) {
      this.effects = new Map();
      for (let k = 0; k < this.records.length; k++) {
        const record = this.records[k] as TraceRecord;
        for (const seq of new Set([record.cause, record.because])) if (seq > 0) push(this.effects, seq, k);
      }
    }
    return this.effects.get((this.records[i] as TraceRecord).seq) ?? [];
  }

  /** From the record back to what set everything off, the record itself first; so many at most. */
  causesOf(i: number, most = Infinity): number[] {
    const chain: number[] = [];
    for (let k: number | undefined = i; k !== undefined && chain.length < most; k = this.bySeq.get((this.records[k] as TraceRecord).cause)) chain.push(k);
    return chain;
  }

  /** What goes from machine to machine in this record, if anything. */
  arrowOf(i: number): Arrow | undefined {
    const record = this.records[i] as TraceRecord;
    let to: string | undefined;
    if (record.kind === "tcp.connect") to = str(record, "remote");
    else if (record.kind === "dns.query") to = this.nodes.find((n) => n.role === "nameserver")?.name;
    else if (record.kind === "dns.response") to = this.dnsTo.get(i);
    else if (isSending(record.kind)) to = this.ipHost.get(str(record, "ip.dst"));
    else if (isLine(record.kind)) to = this.connections.get(str(record, "connection"))?.remote;
    if (to === undefined || to === record.host) return undefined;
    return { from: record.host, to, lost: isSending(record.kind) && this.lost.has(str(record, "packet")) };
  }

  /** Packets that are on a link at a moment. */
  inFlight(t: number): Transmission[] {
    const found: Transmission[] = [];
    for (let k = countUpTo(this.starts, t) - 1; k >= 0 && (this.arrivals[k] as number) > t; k--) {
      const x = this.transmissions[k] as Transmission;
      if (x.arrive > t) found.push(x);
    }
    return found;
  }

  hostState(host: string, i: number): string {
    const what = at(this.hosts.get(host) ?? [], i);
    return what === undefined || what === "restart" ? "up" : what;
  }

  /** The same mail, or a notification about it. */
  isAbout(i: number, mail: string): boolean {
    const of = this.mailOf[i];
    return of !== undefined && (of === mail || of === `${mail}.bounce` || of === `${mail}.delay`);
  }
  isOfConnection(i: number, id: string): boolean {
    const own = str(this.records[i] as TraceRecord, "connection");
    return own === id || (own !== "" && this.connections.get(id)?.peer === own);
  }
}

export const linkKey = (a: string, b: string): string => (a < b ? `${a}|${b}` : `${b}|${a}`);
