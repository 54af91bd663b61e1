/* The octets of a connection in one direction, put together from its segments' frames: where each
 * line of the dialogue stands in them, and which segments carried it. Lines are found by their own
 * text, in order, so that only what is really on the wire is ever shown as a line's octets; what
 * cannot be found (a stream that looks like TLS, a trace without frames) has none. */
import { decodeBase64, payloadOf } from "./frame";
import { Model, isLine, isRetransmission } from "./model";
import { TraceRecord, num, str } from "./trace";

/** A segment and the octets of the stream that it carries; `at` is where they begin in its frame. */
export interface Carrier { readonly i: number; readonly from: number; readonly to: number; readonly at: number; readonly again: boolean }
/** A named stretch of the stream. */
export interface Part { readonly from: number; readonly to: number; readonly layer: string; readonly name: string; readonly value: string }
export interface Stretch { readonly i: number; readonly from: number; readonly to: number; readonly parts: readonly Part[] }
export interface Stream { readonly carriers: readonly Carrier[]; readonly stretches: readonly Stretch[] }

const STREAM_MAXIMUM = 64 * 1024 * 1024;
const HEADER_FIELDS_MAXIMUM = 200;
const VALUE_MAXIMUM = 200;

/* Text as the octets that are sent, one character an octet. */
const octetsOf = (text: string): string => {
  const bytes = new TextEncoder().encode(text);
  let octets = "";
  for (let k = 0; k < bytes.length; k += 4096) octets += String.fromCharCode(...bytes.subarray(k, k + 4096));
  return octets;
};
const textOf = (octets: string): string => new TextDecoder().decode(Uint8Array.from(octets, (c) => c.charCodeAt(0)));

function collect(model: Model, records: readonly number[]): { carriers: Carrier[]; octets: string } {
  const carriers: Carrier[] = [], pieces: [number, string][] = [];
  let base: number | undefined;
  for (const i of records) {
    const r = model.records[i] as TraceRecord;
    if (r.kind !== "tcp.send") continue;
    const isFirst = /SYN/.test(str(r, "tcp.flags")), length = num(r, "tcp.len");
    if (isFirst) base = num(r, "tcp.seq_raw") + 1;
    base ??= num(r, "tcp.seq_raw");
    const from = (num(r, "tcp.seq_raw") + (isFirst ? 1 : 0) - base) >>> 0;
    if (length === 0 || from + length > STREAM_MAXIMUM) continue;
    const bytes = decodeBase64(str(r, "frame"));
    const payload = payloadOf(bytes);
    if (payload === undefined || payload.to - payload.from !== length) continue;
    carriers.push({ i, from, to: from + length, at: payload.from, again: isRetransmission(r) });
    pieces.push([from, String.fromCharCode(...bytes.subarray(payload.from, payload.to))]);
  }
  let octets = "";
  for (const [from, piece] of pieces.sort((a, b) => a[0] - b[0])) {
    if (from > octets.length) octets += "\0".repeat(from - octets.length); // never sent in this trace
    octets += piece.slice(octets.length - from);
  }
  return { carriers, octets };
}

/* Where a message's content ends that begins at `from`: behind its final dot, or after its octets. */
function contentEnd(r: TraceRecord, octets: string, from: number): number {
  if (str(r, "ending") !== "a dot") return Math.min(from + num(r, "size"), octets.length);
  if (octets.startsWith(".\r\n", from)) return from + 3;
  const dot = octets.indexOf("\r\n.\r\n", from);
  return dot < 0 ? octets.length : dot + 5;
}

/* The octets of a line as it is sent; undefined for a message's content. */
function lineOctets(r: TraceRecord): string | undefined {
  switch (r.kind) {
    case "smtp.command": return octetsOf(`${str(r, "smtp.command_line")}\r\n`);
    case "smtp.reply": {
      const lines = str(r, "smtp.rsp.parameter").split("\n");
      return octetsOf(lines.map((line, k) => `${str(r, "smtp.response.code")}${k + 1 < lines.length ? "-" : " "}${line}\r\n`).join(""));
    }
    case "smtp.content": return undefined;
    default: {
      const layer = r.kind.split(".")[0] ?? "";
      return octetsOf(["request", "response", "line"].map((what) => str(r, `${layer}.${what}`)).find((text) => text !== "") ?? "");
    }
  }
}

const kept = new WeakMap<Model, Map<string, Stream>>();
/** The stream of a connection's end, put together when it is first asked for. */
export function streamOf(model: Model, connection: string): Stream {
  let streams = kept.get(model);
  if (!streams) kept.set(model, (streams = new Map()));
  let stream = streams.get(connection);
  if (!stream) streams.set(connection, (stream = assemble(model, connection)));
  return stream;
}

function assemble(model: Model, connection: string): Stream {
  const records = model.recordsOf(connection);
  const { carriers, octets } = collect(model, records);
  const stretches: Stretch[] = [];
  let at = 0;
  if (octets !== "")
    for (const i of records) {
      const r = model.records[i] as TraceRecord;
      if (!isLine(r.kind)) continue;
      const line = lineOctets(r);
      if (line === "") continue;
      const from = line === undefined ? at : octets.indexOf(line, at);
      if (from < 0 || from >= octets.length) continue;
      at = line === undefined ? contentEnd(r, octets, from) : from + line.length;
      stretches.push({ i, from, to: at, parts: partsOf(r, octets.slice(from, at), from) });
    }
  return { carriers, stretches };
}

/* ---- What the octets of a line are called ---- */

const cut = (text: string): string => (text.length > VALUE_MAXIMUM ? `${text.slice(0, VALUE_MAXIMUM)}…` : text);

function splitLine(line: string, from: number, layer: string, pattern: RegExp, names: readonly string[]): Part[] {
  const found = pattern.exec(line), parts: Part[] = [];
  let at = from;
  (found ?? []).slice(1).forEach((piece: string | undefined, k) => {
    if (piece === undefined || piece === "") return;
    const name = names[k] as string;
    if (name !== "") parts.push({ from: at, to: at + piece.length, layer, name, value: piece === "\r\n" ? "CR LF" : cut(textOf(piece)) });
    at += piece.length;
  });
  return parts;
}

/* A message's header fields, its body, and the final dot. RFC 5322 §2.2: a field goes on in lines that begin with a blank. */
function contentParts(octets: string, from: number): Part[] {
  const parts: Part[] = [];
  const end = octets.endsWith("\r\n.\r\n") ? octets.length - 3 : octets.length;
  let at = 0;
  while (at < end && parts.length < HEADER_FIELDS_MAXIMUM && !octets.startsWith("\r\n", at)) {
    const field = /^([!-9;-~]+):((?:[^\r\n]|\r\n[ \t])*)\r\n/.exec(octets.slice(at, Math.min(end, at + 8192)));
    if (!field) break;
    parts.push({ from: from + at, to: from + at + field[0].length, layer: "header", name: field[1] as string, value: cut(textOf((field[2] as string).trim().replace(/\r\n/g, ""))) });
    at += field[0].length;
  }
  if (octets.startsWith("\r\n", at) && parts.length > 0) {
    parts.push({ from: from + at, to: from + at + 2, layer: "message", name: "empty line", value: "CR LF" });
    at += 2;
  }
  if (at < end) parts.push({ from: from + at, to: from + end, layer: "message", name: parts.length > 0 ? "body" : "octets", value: cut(textOf(octets.slice(at, end))) });
  if (end < octets.length) parts.push({ from: from + end, to: from + octets.length, layer: "message", name: "final dot", value: "." });
  return parts;
}

function partsOf(r: TraceRecord, octets: string, from: number): Part[] {
  if (r.kind === "smtp.content") return contentParts(octets, from);
  if (r.kind === "smtp.command") return splitLine(octets, from, "SMTP", /^([^ \r]+(?: (?:FROM|TO):)?)( ?)([^\r]*)(\r\n)$/i, ["command", "", "argument", "end of line"]);
  if (r.kind === "smtp.reply") {
    const parts: Part[] = [];
    for (let at = 0, next = 0; at < octets.length; at = next) {
      next = octets.indexOf("\n", at) + 1 || octets.length;
      parts.push(...splitLine(octets.slice(at, next), from + at, "SMTP", /^(\d{3})([ -]?)((?:[245]\.\d+\.\d+)?)( ?)([^\r]*)(\r\n)$/, ["reply code", octets[at + 3] === "-" ? "more lines follow" : "last line", "status code", "", "text", "end of line"]));
    }
    return parts;
  }
  const layer = r.kind.split(".")[0]?.toUpperCase() ?? "";
  return splitLine(octets, from, layer, /^([^ \r]+)( ?)([^]*)$/, [r.kind === "imap.command" ? "tag" : "tag or *", "", "text"]);
}

/* ---- There and back ---- */

/** The segments that carried a stretch or a part of it, in the order of their sending. */
export const carriersOf = (stream: Stream, part: { from: number; to: number }): Carrier[] =>
  stream.carriers.filter((c) => c.from < part.to && part.from < c.to);
/** The lines of which a segment carries octets. */
export const stretchesIn = (stream: Stream, carrier: Carrier): Stretch[] =>
  stream.stretches.filter((s) => s.from < carrier.to && carrier.from < s.to);
/** Which octets of a segment's frame a stretch or part takes. */
export const inFrame = (carrier: Carrier, part: { from: number; to: number }): { from: number; to: number } =>
  ({ from: carrier.at + Math.max(part.from, carrier.from) - carrier.from, to: carrier.at + Math.min(part.to, carrier.to) - carrier.from });

/** What a record has to do with octets: the line that it is, or the segment that it is about, and its counterparts. */
export interface Wire { readonly stream: Stream; readonly stretch?: Stretch; readonly carrier?: Carrier; readonly carriers: readonly Carrier[]; readonly stretches: readonly Stretch[] }
export function wireOf(model: Model, i: number): Wire | undefined {
  const record = model.records[i];
  if (!record) return undefined;
  const packet = str(record, "packet");
  const sent = packet === "" ? i : model.packetSent.get(packet);
  const connection = sent === undefined ? "" : str(model.records[sent] as TraceRecord, "connection");
  if (sent === undefined || connection === "" || (packet === "" && !isLine(record.kind))) return undefined;
  const stream = streamOf(model, connection);
  if (packet !== "") {
    const carrier = stream.carriers.find((c) => c.i === sent);
    return carrier && { stream, carrier, carriers: [carrier], stretches: stretchesIn(stream, carrier) };
  }
  const stretch = stream.stretches.find((x) => x.i === i);
  return stretch && { stream, stretch, carriers: carriersOf(stream, stretch), stretches: [stretch] };
}

/** The records that are lit with a selected one: the segments of a line as sent and received, the lines of a segment. */
export function linkedTo(model: Model, i: number): ReadonlySet<number> {
  const linked = new Set<number>(), wire = wireOf(model, i);
  for (const stretch of wire?.stretches ?? []) linked.add(stretch.i);
  for (const carrier of wire?.carriers ?? []) {
    linked.add(carrier.i);
    const received = model.packetReceived.get(str(model.records[carrier.i] as TraceRecord, "packet"));
    if (received !== undefined) linked.add(received);
  }
  linked.delete(i);
  return linked;
}
