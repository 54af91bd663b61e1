/* A frame's octets with the names of their header fields: Ethernet, IPv4, TCP, UDP, ICMP. */
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
  const options = start + (length >> 4) * 4 - r.at;
  if (options > 0) r.take("TCP", "options", options, () => `${options} octets`);
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
    r.take("UDP", "source port", 2);
    r.take("UDP", "destination port", 2);
    r.take("UDP", "length", 2);
    r.take("UDP", "checksum", 2, hex(4));
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
