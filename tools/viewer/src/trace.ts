/* The trace as the page holds it: read with limits, as from a hostile hand, and indexed once. */

export type Value = string | number | boolean;
export type LevelName = "mail" | "protocol" | "segment";
export const LEVELS: readonly LevelName[] = ["mail", "protocol", "segment"];

export interface TraceRecord {
  readonly seq: number;
  readonly t: number;
  readonly kind: string;
  readonly host: string;
  readonly cause: number;
  readonly because: number;
  readonly fields: Readonly<Record<string, Value>>;
}

export interface TraceNode { name: string; role: string; person?: string; address?: string; server?: string }
export interface TraceLink { a: string; b: string; delay: number; rate: number }
export interface Header { title: string; start: string; level: LevelName; nodes: TraceNode[]; links: TraceLink[]; sha: string; seed: number }
export interface KindField { key: string; type: string; meaning: string }
/** `phrase` and `tone` are the terminal's: what is shown of a kind that the page has no words for. */
export interface Kind { name: string; level: LevelName; meaning: string; phrase?: string; tone?: string; fields: KindField[] }
export interface Machine { name: string; title: string; source: string; initial: number; states: string[]; events: string[]; edges: [number, number, number][] }
export type LocalText = Record<string, string>;
export interface Question { ask: LocalText; answer: string; explain: LocalText }
export interface Meta {
  machines: Machine[];
  kinds: Kind[];
  records: Record<LevelName, number>;
  title?: LocalText;
  about?: LocalText;
  questions?: Question[];
  expectations?: { text: string; holds: boolean; actual: string }[];
}

const LINE_MAXIMUM = 1024 * 1024 * 2;
const RECORDS_MAXIMUM = 2_000_000;
const FIELDS_MAXIMUM = 64;

export class TraceError extends Error {
  constructor(readonly line: number, reason: string) {
    super(`${line}: ${reason}`);
  }
}

function parseLine(text: string, line: number): Record<string, unknown> {
  if (text.length > LINE_MAXIMUM) throw new TraceError(line, "the line is too long");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TraceError(line, "this is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TraceError(line, "a line of a trace is a JSON object");
  return value as Record<string, unknown>;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const countOf = (value: unknown): number => (typeof value === "number" && value >= 0 ? value : 0);
const listOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((v): v is Record<string, unknown> => typeof v === "object" && v !== null) : [];

function readHeader(object: Record<string, unknown>): Header {
  if (object["mailsim_trace"] !== 1) throw new TraceError(1, "only version 1 of the trace can be shown");
  const level = LEVELS.find((name) => name === object["level"]) ?? "segment";
  const nodes = listOf(object["nodes"]).map((n) => {
    const node: TraceNode = { name: textOf(n["name"]), role: textOf(n["role"]) };
    for (const key of ["person", "address", "server"] as const)
      if (typeof n[key] === "string") node[key] = n[key] as string;
    return node;
  });
  const links = listOf(object["links"]).map((l) => ({
    a: textOf(l["a"]), b: textOf(l["b"]), delay: countOf(l["delay"]), rate: countOf(l["rate"]),
  }));
  return { title: textOf(object["title"]), start: textOf(object["start"]), level, nodes, links,
    sha: textOf(object["scenario_sha256"]), seed: countOf(object["seed"]) };
}

const HEAD_KEYS = new Set(["seq", "t", "kind", "host", "cause", "because"]);

function readRecord(object: Record<string, unknown>, line: number, last: TraceRecord | undefined): TraceRecord {
  const { seq, t, kind, host, cause } = object;
  if (!Number.isSafeInteger(seq) || (seq as number) <= (last?.seq ?? 0)) throw new TraceError(line, "`seq` is to rise");
  if (!Number.isSafeInteger(t) || (t as number) < (last?.t ?? 0)) throw new TraceError(line, "`t` is not to fall");
  if (typeof kind !== "string" || typeof host !== "string") throw new TraceError(line, "`kind` and `host` are texts");
  const fields: Record<string, Value> = Object.create(null) as Record<string, Value>;
  let count = 0;
  for (const [key, value] of Object.entries(object)) {
    if (HEAD_KEYS.has(key)) continue;
    if (++count > FIELDS_MAXIMUM) throw new TraceError(line, "a record has too many fields");
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") fields[key] = value;
  }
  return { seq: seq as number, t: t as number, kind, host, cause: countOf(cause), because: countOf(object["because"]), fields };
}

export function readTrace(text: string): { header: Header; records: TraceRecord[] } {
  const lines = text.trim().split("\n");
  const header = readHeader(parseLine(lines[0] ?? "", 1));
  const records: TraceRecord[] = [];
  if (lines.length - 1 > RECORDS_MAXIMUM) throw new TraceError(lines.length, "the trace has too many records");
  for (let i = 1; i < lines.length; i++)
    records.push(readRecord(parseLine(lines[i] as string, i + 1), i + 1, records[i - 2]));
  return { header, records };
}

export const str = (record: TraceRecord, key: string): string => {
  const value = record.fields[key];
  return value === undefined ? "" : String(value);
};
export const num = (record: TraceRecord, key: string): number => {
  const value = record.fields[key];
  return typeof value === "number" ? value : 0;
};
