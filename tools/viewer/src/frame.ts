/* A frame's octets with the names of their header fields: Ethernet, IPv4, TCP, UDP, ICMP, DNS. What TCP
 * carries is named by stream.ts. */
export interface FrameField { from: number; to: number; layer: string; name: string; value: string }

const FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

export function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

class Reader {
  at = 0;
  readonly fields: FrameField[] = [];
  constructor(readonly bytes: Uint8Array) {}
  has(count: number): boolean { return this.at + count <= this.bytes.length; }
  peek(count: number): number {
    let value = 0;
    for (let k = 0; k < count; k++) value = value * 256 + (this.bytes[this.at + k] ?? 0);
    return value;
  }
  take(layer: string, name: string, count: number, format: (value: number) => string = String): number {
    const value = this.peek(count);
    const to = Math.min(this.at + count, this.bytes.length);
    if (to > this.at) this.fields.push({ from: this.at, to, layer, name, value: format(value) });
    this.at = to;
    return value;
  }
}

const hex = (digits: number) => (value: number): string => `0x${value.toString(16).padStart(digits, "0")}`;
const mac = (value: number): string => value.toString(16).padStart(12, "0").replace(/..(?=.)/g, "$&:");
const ip = (value: number): string => [24, 16, 8, 0].map((s) => Math.floor(value / 2 ** s) % 256).join(".");
const protocol = (value: number): string => `${value} (${{ 1: "ICMP", 6: "TCP", 17: "UDP" }[value] ?? "?"})`;

const OPTIONS: Record<number, string> = { 2: "maximum segment size", 3: "window scale", 4: "selective acknowledgment permitted", 5: "selective acknowledgment", 8: "timestamps" };

function readOptions(r: Reader, end: number): void {
  while (r.at < end && r.at < r.bytes.length) {
    const kind = r.peek(1);
    if (kind === 0) { r.take("TCP", "end of options", end - r.at, () => ""); return; }
    if (kind === 1) { r.take("TCP", "option: no operation", 1, () => ""); continue; }
    const length = r.bytes[r.at + 1] ?? 0;
    if (length < 2 || r.at + length > end) { r.take("TCP", "options", end - r.at, () => `${end - r.at} octets`); return; }
    const value = length <= 6 ? r.peek(length) % 256 ** (length - 2) : 0;
    r.take("TCP", `option: ${OPTIONS[kind] ?? kind}`, length, () => (kind === 4 ? "" : length <= 6 ? String(value) : `${length} octets`));
  }
}

function readTcp(r: Reader): void {
  const start = r.at;
  r.take("TCP", "source port", 2);
  r.take("TCP", "destination port", 2);
  r.take("TCP", "sequence number", 4);
  r.take("TCP", "acknowledgment number", 4);
  const length = r.take("TCP", "header length", 1, (v) => `${(v >> 4) * 4} octets`);
  r.take("TCP", "flags", 1, (v) => FLAGS.filter((_, bit) => v & (1 << bit)).join(", "));
  r.take("TCP", "window", 2);
  r.take("TCP", "checksum", 2, hex(4));
  r.take("TCP", "urgent pointer", 2);
  readOptions(r, start + (length >> 4) * 4);
}

const TYPES: Record<number, string> = { 1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA" };
const typeName = (value: number): string => TYPES[value] ?? String(value);
const LABELS_MAXIMUM = 40;

/* A name of a DNS message, RFC 1035 §4.1.4, and how many octets it takes where it stands. */
function nameAt(bytes: Uint8Array, start: number, message: number): { name: string; length: number } {
  const labels: string[] = [];
  let at = start, length = 0;
  for (let k = 0; k < LABELS_MAXIMUM; k++) {
    const size = bytes[at] ?? 0;
    if (size >= 0xc0) { // a pointer: the rest stands elsewhere in the message
      length ||= at + 2 - start;
      at = message + ((size & 0x3f) << 8) + (bytes[at + 1] ?? 0);
      continue;
    }
    if (size === 0) break;
    labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + size)));
    at += 1 + size;
  }
  return { name: `${labels.join(".")}.`, length: length || at + 1 - start };
}

function readRecord(r: Reader, message: number, name: string): void {
  const owner = nameAt(r.bytes, r.at, message);
  r.take("DNS", `${name}: name`, owner.length, () => owner.name);
  const type = r.take("DNS", `${name}: type`, 2, typeName);
  r.take("DNS", `${name}: class`, 2, (v) => (v === 1 ? "IN" : String(v)));
  r.take("DNS", `${name}: time to live`, 4, (v) => `${v} s`);
  const length = r.take("DNS", `${name}: length`, 2);
  const at = r.at;
  const host = type === 15 ? nameAt(r.bytes, at + 2, message).name : nameAt(r.bytes, at, message).name;
  const value = type === 1 ? ip(r.peek(4)) : type === 15 ? `${r.peek(2)} ${host}` : [2, 5, 12].includes(type) ? host : `${length} octets`;
  if (length > 0) r.take("DNS", `${name}: data`, length, () => value);
}

function readDns(r: Reader): void {
  const message = r.at;
  r.take("DNS", "identifier", 2);
  r.take("DNS", "flags", 2, (v) => `${v & 0x8000 ? "answer" : "query"}${v & 0x400 ? ", authoritative" : ""}${v & 0x200 ? ", truncated" : ""}, code ${v & 15}`);
  const counts = ["questions", "answers", "authorities", "additional"].map((name) => r.take("DNS", name, 2));
  for (let k = 0; k < (counts[0] as number) && r.at < r.bytes.length; k++) {
    const { name, length } = nameAt(r.bytes, r.at, message);
    r.take("DNS", "question: name", length, () => name);
    r.take("DNS", "question: type", 2, typeName);
    r.take("DNS", "question: class", 2, (v) => (v === 1 ? "IN" : String(v)));
  }
  ["answer", "authority", "additional"].forEach((name, part) => {
    for (let k = 0; k < (counts[part + 1] as number) && r.at < r.bytes.length; k++) readRecord(r, message, name);
  });
}

/** Where a TCP segment's payload stands in its frame; undefined when there is none. */
export function payloadOf(bytes: Uint8Array): { from: number; to: number } | undefined {
  const payload = dissect(bytes).find((f) => f.layer === "Data");
  return payload && { from: payload.from, to: payload.to };
}

export function dissect(bytes: Uint8Array): FrameField[] {
  const r = new Reader(bytes);
  r.take("Ethernet", "destination", 6, mac);
  r.take("Ethernet", "source", 6, mac);
  if (r.take("Ethernet", "type", 2, hex(4)) !== 0x0800) return r.fields;
  const start = r.at;
  const head = r.take("IPv4", "version, header length", 1, (v) => `${v >> 4}, ${(v & 15) * 4} octets`);
  r.take("IPv4", "type of service", 1, hex(2));
  const total = r.take("IPv4", "total length", 2);
  r.take("IPv4", "identification", 2);
  r.take("IPv4", "flags, fragment offset", 2, hex(4));
  r.take("IPv4", "time to live", 1);
  const next = r.take("IPv4", "protocol", 1, protocol);
  r.take("IPv4", "header checksum", 2, hex(4));
  r.take("IPv4", "source", 4, ip);
  r.take("IPv4", "destination", 4, ip);
  r.at = Math.max(r.at, start + (head & 15) * 4);
  if (next === 6) readTcp(r);
  else if (next === 17) {
    const from = r.take("UDP", "source port", 2), to = r.take("UDP", "destination port", 2);
    r.take("UDP", "length", 2);
    r.take("UDP", "checksum", 2, hex(4));
    if (from === 53 || to === 53) readDns(r);
  } else if (next === 1) {
    r.take("ICMP", "type", 1);
    r.take("ICMP", "code", 1);
    r.take("ICMP", "checksum", 2, hex(4));
    r.take("ICMP", "rest of header", 4, hex(8));
  }
  const data = Math.min(start + total, bytes.length) - r.at;
  if (data > 0) r.take("Data", "payload", data, () => `${data} octets`);
  return r.fields;
}

export const printable = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·");
