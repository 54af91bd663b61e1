/* The state of the view, what changes it, and how it is written into the page's address. */
import { Axis, AxisMode } from "./axis";
import { Model, countUpTo, isLine, isSending } from "./model";
import { Language } from "./words";
import { LEVELS, LevelName, TraceRecord, str } from "./trace";

export const UNITS = ["segment", "line", "queue", "message"] as const;
export type Unit = (typeof UNITS)[number];
export const PANES = ["map", "ladder", "events", "detail", "queue", "mails", "mailboxes", "states", "charts", "notes", "predict"] as const;
export type Pane = (typeof PANES)[number];

export interface View {
  readonly cursor: number; // index of the record that is selected
  readonly t: number;
  readonly playing: boolean;
  readonly speed: number;
  readonly unit: Unit;
  readonly axis: AxisMode;
  readonly level: LevelName;
  readonly mail: string;
  readonly connection: string;
  readonly host: string;
  readonly follow: "" | "mail" | "connection";
  readonly filter: string;
  readonly lecture: boolean;
  readonly panes: readonly [Pane, Pane, Pane, Pane];
  readonly language: Language;
  readonly dark: boolean;
  readonly notes: Readonly<Record<number, string>>;
  readonly guessed: boolean;
}

const MESSAGE = /^(mail|agent|mailbox|host|link\.(down|up))/;
export function isOfUnit(record: TraceRecord, unit: Unit): boolean {
  switch (unit) {
    case "segment": return isSending(record.kind) || record.kind === "link.drop" || record.kind === "tcp.timeout";
    case "line": return isLine(record.kind);
    case "queue": return record.kind.startsWith("queue.");
    case "message": return MESSAGE.test(record.kind) && record.kind !== "link.drop";
  }
}

/** The next record of the unit in a direction; undefined when there is none. */
export function findStep(model: Model, from: number, unit: Unit, direction: 1 | -1, allows: (i: number) => boolean): number | undefined {
  for (let i = from + direction; i >= 0 && i < model.records.length; i += direction)
    if (isOfUnit(model.records[i] as TraceRecord, unit) && allows(i)) return i;
  return undefined;
}

/** The records that lists, ladder and axis show. */
export function shownRecords(model: Model, view: Pick<View, "level" | "follow" | "mail" | "connection">): Int32Array {
  const level = LEVELS.indexOf(view.level), shown: number[] = [];
  for (let i = 0; i < model.records.length; i++) {
    if ((model.level[i] as number) > level) continue;
    if (view.follow === "mail" && !model.isAbout(i, view.mail)) continue;
    if (view.follow === "connection" && !model.isOfConnection(i, view.connection)) continue;
    shown.push(i);
  }
  return Int32Array.from(shown);
}

/* A record without a connection, such as a deferral, is about that of its nearest causes. */
const NEAR_CAUSES = 8;

export function connectionOf(model: Model, i: number): string {
  const near = model.causesOf(i, NEAR_CAUSES).find((k) => str(model.records[k] as TraceRecord, "connection") !== "");
  return near === undefined ? "" : str(model.records[near] as TraceRecord, "connection");
}

/** Selecting a record selects what it is about, in every pane. */
export function select(model: Model, view: View, i: number): View {
  const record = model.records[i] as TraceRecord;
  const connection = connectionOf(model, i);
  return { ...view, cursor: i, t: record.t, playing: false,
    host: record.host,
    mail: view.follow === "mail" ? view.mail : model.mailOf[i] ?? view.mail,
    connection: view.follow === "connection" ? view.connection : connection || view.connection };
}

/** Moves to a place of the axis; between records time goes on while the last one stays selected. */
export function moveTo(model: Model, view: View, axis: Axis, shown: Int32Array, x: number): View {
  const k = Math.max(0, axis.indexAt(x));
  const i = shown[k] ?? 0;
  return { ...(i === view.cursor ? view : select(model, view, i)), playing: view.playing, t: axis.timeAt(x) };
}

/** The place on the axis of the selected record and the time that has passed since. */
export function placeOnAxis(axis: Axis, shown: Int32Array, view: View): number {
  const k = Math.max(0, placeOf(shown, view.cursor));
  const a = axis.times[k] ?? 0, b = axis.times[k + 1] ?? a, from = axis.xs[k] ?? 0, to = axis.xs[k + 1] ?? from;
  return from + (b > a ? Math.min(1, Math.max(0, (view.t - a) / (b - a))) * (to - from) : 0);
}

/** How far a cursor is along the shown records. */
export const placeOf = (shown: Int32Array, cursor: number): number => countUpTo(shown, cursor) - 1;

const FRAGMENT_NOTE_MAXIMUM = 400;

export function writeFragment(model: Model, view: View): string {
  const p = new URLSearchParams();
  p.set("at", String(model.records[view.cursor]?.seq ?? 0));
  if (view.unit !== "line") p.set("unit", view.unit);
  if (view.axis !== "gaps") p.set("axis", view.axis);
  p.set("level", view.level);
  if (view.mail) p.set("mail", view.mail);
  if (view.connection) p.set("connection", view.connection);
  if (view.follow) p.set("follow", view.follow);
  if (view.filter) p.set("filter", view.filter);
  if (view.lecture) p.set("lecture", "1");
  p.set("panes", view.panes.join(","));
  p.set("lang", view.language);
  if (view.dark) p.set("dark", "1");
  for (const [seq, text] of Object.entries(view.notes)) p.append("note", `${seq}:${text}`);
  return p.toString();
}

const oneOf = <T extends string>(list: readonly T[], value: string | null, otherwise: T): T =>
  list.find((item) => item === value) ?? otherwise;

export function readFragment(model: Model, text: string, initial: View): View {
  const p = new URLSearchParams(text.replace(/^#/, ""));
  const panes = (p.get("panes") ?? "").split(",");
  const notes: Record<number, string> = {};
  for (const note of p.getAll("note")) {
    const found = /^(\d+):([^]*)$/.exec(note);
    if (found && model.bySeq.has(Number(found[1]))) notes[Number(found[1])] = (found[2] as string).slice(0, FRAGMENT_NOTE_MAXIMUM);
  }
  const level = oneOf(LEVELS, p.get("level"), initial.level);
  const cursor = model.bySeq.get(Number(p.get("at"))) ?? initial.cursor;
  const view: View = { ...initial, notes, level,
    unit: oneOf(UNITS, p.get("unit"), initial.unit),
    axis: oneOf(["gaps", "linear", "step"] as const, p.get("axis"), initial.axis),
    filter: (p.get("filter") ?? "").slice(0, FRAGMENT_NOTE_MAXIMUM),
    lecture: p.get("lecture") === "1",
    language: oneOf(["en", "ko"] as const, p.get("lang"), initial.language),
    dark: p.has("lang") ? p.get("dark") === "1" : initial.dark,
    panes: initial.panes.map((pane, k) => oneOf(PANES, panes[k] ?? null, pane)) as unknown as View["panes"] };
  const selected = model.records.length > 0 ? select(model, view, cursor) : view;
  return { ...selected,
    mail: p.get("mail") !== null && model.mails.has(p.get("mail") as string) ? (p.get("mail") as string) : selected.mail,
    connection: p.get("connection") !== null && model.connections.has(p.get("connection") as string) ? (p.get("connection") as string) : selected.connection,
    follow: oneOf(["", "mail", "connection"] as const, p.get("follow"), "") };
}
