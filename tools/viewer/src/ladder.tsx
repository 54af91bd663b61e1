/* The ladder: a column for each machine, a row for each event, time downwards with its gaps named. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { briefName, fit, shortName, useShared, useSize, widthOf } from "./context";
import { Icon, isPhone } from "./map";
import { Model, countUpTo } from "./model";
import { TraceRecord } from "./trace";
import { placeOf } from "./view";
import { describe, formatSpan, formatTime } from "./words";

const SILENT = /^(link\.transmit|disk\.(write|sync|rename|unlink)|tcp\.cwnd|tcp\.state|store\.inventory|.*\.state|timeline\.begin)$/;
const GAP = 0.5e9;

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

export function LadderPane() {
  const { model, view, shown, gated, go, w } = useShared();
  const [ref, width, height] = useSize<HTMLDivElement>();
  const [top, setTop] = useState(0);
  const font = view.lecture ? 20 : 12, rowHeight = view.lecture ? 46 : 27, head = view.lecture ? 84 : 58, gutter = view.lecture ? 132 : 84;
  const rows = useMemo(() => shown.filter((i) => !SILENT.test((model.records[i] as TraceRecord).kind)), [model, shown]);
  const columns = useMemo(() => columnsOf(model, rows), [model, rows]);
  const tops = useMemo(() => {
    const y = new Float64Array(rows.length + 1);
    for (let k = 0; k < rows.length; k++) {
      const gap = k > 0 && (model.times[rows[k] as number] as number) - (model.times[rows[k - 1] as number] as number) > GAP;
      if (gap) y[k] = (y[k] as number) + rowHeight * 0.9;
      y[k + 1] = (y[k] as number) + rowHeight;
    }
    return y;
  }, [model, rows, rowHeight]);
  const here = placeOf(rows, view.cursor);
  const last = gated ? here + 1 : rows.length;
  const total = (last > 0 ? (tops[last] as number) : 0) + rowHeight;
  useEffect(() => {
    const element = ref.current;
    if (!element || here < 0) return;
    const y = tops[here] as number, view_height = element.clientHeight - head;
    if (y < element.scrollTop + rowHeight || y > element.scrollTop + view_height - rowHeight * 2) element.scrollTop = Math.max(0, y - view_height * 0.6);
  }, [here, tops, head, height]);
  const from = Math.max(0, countUpTo(tops, top) - 3);
  const to = Math.min(last, countUpTo(tops, top + height) + 2);
  const W = Math.max(width - 2, 240);
  const step = (W - gutter) / Math.max(1, columns.length);
  const x = (host: string): number => gutter + (columns.indexOf(host) + 0.5) * step;
  const visible = Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);
  return (
    <div class="fill scroll ladder" ref={ref} tabIndex={0} role="region" aria-label={w("ladder")} onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
      <svg class="ladder-head" width={W} height={head} aria-hidden="true">
        {columns.map((host) => {
          const node = model.nodes.find((n) => n.name === host);
          const off = model.hostState(host, view.cursor) !== "up";
          return host === "timeline" ? null : (
            <g key={host} class={`node ${node?.role ?? ""}${off ? " off" : ""}${view.host === host ? " picked" : ""}`} transform={`translate(${x(host)},${head * 0.38})`}>
              <g class="icon" transform={`scale(${view.lecture ? 1.2 : 0.85})`}><Icon role={node?.role ?? "agent"} phone={isPhone(host)} /></g>
              <text y={head * 0.52} font-size={Math.min(font, 18)} text-anchor="middle">{off ? "✕ " : ""}{fit(widthOf(shortName(host), Math.min(font, 18)) > step - 10 ? briefName(host, node?.role ?? "") : shortName(host), step - 2, Math.min(font, 18))}</text>
            </g>
          );
        })}
      </svg>
      <svg width={W} height={Math.max(total, 1)} role="img" aria-label={w("ladder")}>
        {columns.map((host) => <line key={host} class={`rail${view.host === host ? " picked" : ""}`} x1={x(host)} x2={x(host)} y1={Math.max(0, top - 50)} y2={Math.min(total, top + height + 50)} />)}
        {visible.map((k) => {
          const i = rows[k] as number;
          return <Row key={i} i={i} y={(tops[k] as number) + rowHeight * 0.62} width={W} gutter={gutter} font={font} rowHeight={rowHeight} x={x}
            wait={k > 0 ? (model.times[i] as number) - (model.times[rows[k - 1] as number] as number) : 0} picked={k === here} onPick={() => go(i)} />;
        })}
      </svg>
    </div>
  );
}

interface RowProps { i: number; y: number; width: number; gutter: number; font: number; rowHeight: number; x: (host: string) => number; wait: number; picked: boolean; onPick: () => void }

function Row({ i, y, width, gutter, font, rowHeight, x, wait, picked, onPick }: RowProps) {
  const { model, view, linked } = useShared();
  const record = model.records[i] as TraceRecord;
  const arrow = model.arrowOf(i);
  const tone = model.toneAt(i);
  const text = describe(model, i, view.language);
  const isTimeline = record.host === "timeline";
  const start = isTimeline ? gutter : x(record.host), end = arrow ? x(arrow.to) : start;
  const room = width - gutter - 8;
  const label = fit((tone === "bad" ? "✕ " : "") + text, room, font);
  const labelWidth = widthOf(label, font);
  const wanted = arrow ? (start + end) / 2 - labelWidth / 2 : isTimeline ? gutter + 6 : start + 9 + labelWidth > width ? start - 9 - labelWidth : start + 9;
  const left = Math.max(gutter, Math.min(wanted, width - labelWidth - 6));
  const own = view.mail !== "" && model.mailOf[i] === view.mail;
  const direction = end > start ? 1 : -1;
  const stop = arrow?.lost ? (start + end) / 2 : end;
  return (
    <g class={`row ${tone}${picked ? " picked" : ""}${own ? " own" : ""}${linked.has(i) ? " linked" : ""}`} onClick={onPick}>
      {wait > GAP && <text class="gap" x={width / 2 + gutter / 2} y={y - rowHeight} font-size={font * 0.92} text-anchor="middle">⋮  {formatSpan(wait, view.language)}  ⋮</text>}
      <rect class="strip" x={0} y={y - rowHeight * 0.62} width={width} height={rowHeight} />
      {own && <rect class="mark" x={0} y={y - rowHeight * 0.62} width={3} height={rowHeight} />}
      <text class="when" x={6} y={y} font-size={font * 0.85}>{formatTime(record.t)}</text>
      {arrow && <g class="arrow"><line x1={start} x2={stop} y1={y + 5} y2={y + 5} />
        {arrow.lost ? <text class="bad" x={stop} y={y + 10} font-size={font * 1.2} text-anchor="middle">✕</text> : <path d={`M${stop} ${y + 5}l${-9 * direction}-5v10z`} />}</g>}
      {!arrow && !isTimeline && (tone === "bad" ? null : <circle cx={start} cy={y - font * 0.35} r={font * 0.3} />)}
      <text class="say" x={left} y={arrow ? y : y} font-size={font}>{label}</text>
    </g>
  );
}
