/* The ladder: a column for each machine, a row for each event, time downwards with its gaps named. */
import { useMemo } from "preact/hooks";
import { fit, shortName, useFollow, useShared, useSize, widthOf } from "./context";
import { Icon, isPhone } from "./map";
import { Model, countUpTo, isSending } from "./model";
import { Rows, isGap, layRows, topOf } from "./rows";
import { TraceRecord, str } from "./trace";
import { placeOf } from "./view";
import { describe, formatSpan, formatTime } from "./words";

const SILENT = /^(link\.transmit|disk\.(write|sync|rename|unlink)|tcp\.cwnd|tcp\.state|store\.inventory|.*\.state|timeline\.begin)$/;

/** Columns: each server between its agents; the first servers' agents to the left, the last's to the right. */
export function columnsOf(model: Model, rows: ArrayLike<number>): string[] {
  const used = new Set<string>();
  for (let k = 0; k < rows.length; k++) {
    const i = rows[k] as number;
    used.add((model.records[i] as TraceRecord).host);
    const arrow = model.arrowOf(i);
    if (arrow) used.add(arrow.to);
  }
  const servers = model.nodes.filter((n) => n.role === "server");
  const agents = (server: string): string[] => model.nodes.filter((n) => n.role === "agent" && n.server === server).map((n) => n.name);
  const order = servers.flatMap((s, k) => (k > 0 && k === servers.length - 1 ? [s.name, ...agents(s.name)] : [...agents(s.name), s.name]));
  const names = model.nodes.filter((n) => n.role === "nameserver").map((n) => n.name);
  const middle = Math.max(0, Math.floor(order.length / 2));
  const whole = [...order.slice(0, middle), ...names, ...order.slice(middle)];
  const rest = model.nodes.map((n) => n.name).filter((n) => !whole.includes(n));
  return [...whole, ...rest].filter((name) => used.has(name));
}

const NEAR_ROWS = 40; /* above the window: a packet that was sent there may still arrive in it */
const CLOSE = 3; /* pixels: rows closer than this to the last that was drawn are not drawn */

export function LadderPane() {
  const { model, view, shown, gated, brief, go, type, w } = useShared();
  const [ref, width, height] = useSize<HTMLDivElement>();
  const font = view.lecture ? type : type * 0.92, rowHeight = font * (view.lecture ? 2.15 : 2.25), endsAt = model.times[model.times.length - 1] ?? 0;
  const gutter = font * (view.lecture ? 0.9 : 1.5) + widthOf(formatTime(endsAt, view.language), font * 0.85);
  const rows = useMemo(() => shown.filter((i) => !SILENT.test((model.records[i] as TraceRecord).kind)), [model, shown]);
  const times = useMemo(() => Float64Array.from(rows, (i) => model.times[i] as number), [model, rows]);
  const columns = useMemo(() => columnsOf(model, rows), [model, rows]);
  const laid = useMemo(() => layRows(view.axis, times, rowHeight), [view.axis, times, rowHeight]);
  const { tops } = laid;
  const W = Math.max(width - 2, 240);
  const step = (W - gutter) / Math.max(1, columns.length);
  const x = (host: string): number => gutter + (columns.indexOf(host) + 0.5) * step;
  const isRoomy = columns.every((host) => widthOf(`✕ ${shortName(host)}`, font) <= step - 8);
  const isTight = !isRoomy && columns.some((host) => widthOf(`✕ ${brief(host)}`, font) > step - 4); // then every other name stands lower
  const head = font * ((view.lecture ? 4.4 : 5) + (isTight ? 1.1 : 0));
  const here = placeOf(rows, view.cursor);
  const last = gated ? here + 1 : rows.length;
  const total = (last > 0 ? (tops[last - 1] as number) + rowHeight : 0) + rowHeight;
  const y = here < 0 ? 0 : (tops[here] as number), room = height - head;
  const [top, onScroll] = useFollow(ref, `${here} ${y} ${head} ${height}`, (at) => y >= at + rowHeight && y <= at + room - rowHeight * 2, () => y - room * 0.6);
  const visible = useMemo(() => visibleRows(laid, top, height, last, here), [laid, top, height, last, here]);
  const onKey = (e: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (by === undefined) return;
    const next = rows[Math.max(0, Math.min(last - 1, here + by))];
    if (next !== undefined) go(next);
    e.preventDefault();
  };
  const tall = Math.max(total, height - head - 2); // the machines' lines go down to the end of the pane
  const beyond = Math.max(0, top - 50), under = Math.min(tall, top + height + 50);
  return (
    <div class="fill scroll ladder" ref={ref} tabIndex={0} role="region" aria-label={w("ladder")} onScroll={onScroll} onKeyDown={onKey}>
      <Heads columns={columns} x={x} step={step} width={W} height={head} font={font} isRoomy={isRoomy} isTight={isTight} />
      {last <= 0 && <p class="quiet pad begin">{w("begin")}</p>}
      <svg width={W} height={tall} role="img" aria-label={w("ladder")}>
        {columns.map((host) => <line key={host} class={`rail${view.host === host ? " picked" : ""}`} x1={x(host)} x2={x(host)} y1={beyond} y2={under} />)}
        {visible.map(({ k, isSaid, unsaid }, index) => {
          const i = rows[k] as number;
          const wait = view.axis === "gaps" && k > 0 ? (times[k] as number) - (times[k - 1] as number) : 0;
          return <Row key={index} i={i} y={(tops[k] as number) + rowHeight * 0.58} width={W} gutter={gutter} font={font} rowHeight={rowHeight} x={x} wait={isGap(wait) ? wait : 0}
            arrives={arrivalOf(model, i, laid, times, view.axis === "step" ? undefined : last)} isSaid={isSaid} unsaid={unsaid} picked={k === here} onPick={() => go(i)} />;
        })}
      </svg>
    </div>
  );
}

interface Seen { k: number; isSaid: boolean; unsaid: number }
/* The rows to draw: those in sight, none on another's place, the selected one always and with its words. */
function visibleRows(laid: Rows, top: number, height: number, last: number, here: number): Seen[] {
  const { tops, isSaid } = laid, seen: Seen[] = [];
  const from = Math.max(0, countUpTo(tops, top) - NEAR_ROWS), to = Math.min(last, countUpTo(tops, top + height) + 2);
  const rowHeight = (tops[tops.length - 1] as number) / Math.max(1, tops.length - 1);
  const hereTop = here >= 0 ? tops[here] as number : -Infinity;
  let drawn = -Infinity;
  for (let k = from; k < to; k++) {
    const y = tops[k] as number, isClose = k !== here && Math.abs(y - hereTop) < rowHeight * 0.9 && laid.isToScale;
    const before = seen[seen.length - 1];
    if (k !== here && !isSaid[k] && before) before.unsaid++;
    if (k !== here && y - drawn < CLOSE) continue;
    seen.push({ k, isSaid: k === here || (Boolean(isSaid[k]) && !isClose), unsaid: 0 });
    drawn = y;
  }
  return seen;
}

/* How far down a packet arrives. */
function arrivalOf(model: Model, i: number, laid: Rows, times: Float64Array, last: number | undefined): number | undefined {
  const record = model.records[i] as TraceRecord;
  if (last === undefined || !isSending(record.kind)) return undefined;
  const received = model.packetReceived.get(str(record, "packet"));
  if (received === undefined) return undefined;
  const down = topOf(laid, times, model.times[received] as number);
  return down <= (laid.tops[last - 1] as number) ? down : undefined;
}

interface HeadsProps { columns: string[]; x: (host: string) => number; step: number; width: number; height: number; font: number; isRoomy: boolean; isTight: boolean }

function Heads({ columns, x, step, width, height, font, isRoomy, isTight }: HeadsProps) {
  const { model, view, brief } = useShared();
  const size = view.lecture ? font * 0.9 : font;
  return (
    <svg class="ladder-head" width={width} height={height} aria-hidden="true">
      {columns.map((host, k) => {
        const node = model.nodes.find((n) => n.name === host);
        const off = model.hostState(host, view.cursor) !== "up";
        return host === "timeline" ? null : (
          <g key={host} class={`node ${node?.role ?? ""}${off ? " off" : ""}${view.host === host ? " picked" : ""}`} transform={`translate(${x(host)},${font * 1.75})`}>
            <g class="icon" transform={`scale(${(font / 12) * (view.lecture ? 0.72 : 0.85)})`}><Icon role={node?.role ?? "agent"} phone={isPhone(host)} /></g>
            <text x={isTight && k === columns.length - 1 ? step / 2 - 4 : 0} y={font * (view.lecture ? 2.2 : 2.6) + (isTight && k % 2 === 1 ? size * 1.05 : 0)} font-size={size} text-anchor={isTight && k === columns.length - 1 ? "end" : "middle"}>{off ? "✕ " : ""}{fit(isRoomy ? shortName(host) : brief(host), step * (isTight ? 1.9 : 1) - 2, size)}</text>
          </g>
        );
      })}
    </svg>
  );
}

interface RowProps { i: number; y: number; width: number; gutter: number; font: number; rowHeight: number; x: (host: string) => number; wait: number; arrives: number | undefined; isSaid: boolean; unsaid: number; picked: boolean; onPick: () => void }

function Row({ i, y, width, gutter, font, rowHeight, x, wait, arrives, isSaid, unsaid, picked, onPick }: RowProps) {
  const { model, view, gated, linked } = useShared();
  const record = model.records[i] as TraceRecord;
  const arrow = model.arrowOf(i);
  const tone = model.toneAt(i);
  const isTimeline = record.host === "timeline";
  const start = isTimeline ? gutter : x(record.host), end = arrow ? x(arrow.to) : start;
  const more = unsaid > 0 ? ` (+${unsaid})` : "";
  const said = (tone === "bad" ? "✕ " : "") + describe(model, i, view.language, gated) + more;
  const words = isSaid ? placeWords(said, { isArrow: arrow !== undefined, isTimeline, start, end, gutter, width, font }) : undefined;
  const isBeside = words !== undefined && words.anchor !== "middle"; // else the words are above their dot, as above an arrow
  const own = view.mail !== "" && model.mailOf[i] === view.mail;
  const line = y + font * 0.42, top = y - rowHeight * 0.58;
  return (
    <g class={`row ${tone}${picked ? " picked" : ""}${own ? " own" : ""}${linked.has(i) ? " linked" : ""}`} onClick={onPick}>
      {wait > 0 && <text class="gap" x={width / 2 + gutter / 2} y={y - rowHeight * 0.97} font-size={font * 0.92} text-anchor="middle">⋮  {formatSpan(wait, view.language)}  ⋮</text>}
      {isSaid && <rect class="strip" x={0} y={top} width={width} height={rowHeight} />}
      {own && <rect class="mark" x={0} y={top} width={3} height={rowHeight} />}
      {isSaid && <text class="when" x={6} y={y} font-size={font * 0.85}>{formatTime(record.t, view.language)}</text>}
      {arrow && <Shaft start={start} end={end} from={line} to={arrow.lost ? line : Math.max(line, (arrives ?? top) + rowHeight * 0.58 + font * 0.42)} lost={arrow.lost} isPacket={isSending(record.kind)} font={font} />}
      {!arrow && !isTimeline && (tone === "bad" && isBeside ? null : <circle cx={start} cy={words && !isBeside ? line : y - font * 0.35} r={font * (isSaid && (!words || isBeside) ? 0.3 : 0.2)} />)}
      {words && <text class="say" x={words.x} y={y} font-size={font} text-anchor={words.anchor}>{words.text}</text>}
    </g>
  );
}

interface Room { isArrow: boolean; isTimeline: boolean; start: number; end: number; gutter: number; width: number; font: number }
/* Over an arrow's middle; beside a machine's line on the side that has room, and across it only when neither has. */
function placeWords(said: string, { isArrow, isTimeline, start, end, gutter, width, font }: Room): { x: number; anchor: "start" | "middle" | "end"; text: string } {
  const text = fit(said, width - gutter - 8, font), half = widthOf(text, font) / 2;
  if (isTimeline) return { x: gutter + 6, anchor: "start", text };
  const beside = font * 0.7, right = width - start - beside - 4, left = start - beside - gutter;
  if (!isArrow && 2 * half <= right) return { x: start + beside, anchor: "start", text };
  if (!isArrow && 2 * half <= left) return { x: start - beside, anchor: "end", text };
  if (!isArrow && Math.max(left, right) > 1.8 * half)
    return right >= left ? { x: start + beside, anchor: "start", text: fit(text, right, font) } : { x: start - beside, anchor: "end", text: fit(text, left, font) };
  return { x: Math.max(gutter + half, Math.min((start + end) / 2, width - half - 6)), anchor: "middle", text };
}

/* An arrow from machine to machine; one that is lost ends half-way. */
function Shaft({ start, end, from, to, lost, isPacket, font }: { start: number; end: number; from: number; to: number; lost: boolean; isPacket: boolean; font: number }) {
  const stop = lost ? (start + end) / 2 : end;
  const angle = (Math.atan2(to - from, stop - start) * 180) / Math.PI;
  return (
    <g class={isPacket ? "arrow packet" : "arrow"}>
      <line x1={start} x2={stop} y1={from} y2={to} />
      {lost ? <text class="bad" x={stop} y={to + font * 0.4} font-size={font * 1.2} text-anchor="middle">✕</text>
        : <path d="M0 0L-9-5V5Z" transform={`translate(${stop},${to}) rotate(${angle}) scale(${font / 13})`} />}
    </g>
  );
}
