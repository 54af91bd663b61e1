/* The transport bar and the time axis. */
import { useEffect, useRef } from "preact/hooks";
import { useShared, useSize, widthOf } from "./context";
import { LEVELS, LevelName } from "./trace";
import { UNITS, Unit, placeOf, placeOnAxis } from "./view";
import { AxisMode } from "./axis";
import { formatSpan, formatTime } from "./words";

export interface TransportActions { step: (direction: 1 | -1, unit?: Unit) => void; toggle: () => void; seek: (x: number) => void; edge: (direction: 1 | -1) => void }

function Sign({ d, wide }: { d: string; wide?: boolean }) {
  return <svg class={wide ? "sign wide" : "sign"} viewBox="0 0 16 16" aria-hidden="true"><path d={d} /></svg>;
}

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

function Select<T extends string | number>({ label, value, options, onChange }: { label: string; value: T; options: [T, string][]; onChange: (value: T) => void }) {
  return (
    <label class="select"><span aria-hidden="true">{label}</span>
      <select aria-label={label} value={String(value)} onChange={(e) => { const found = options.find(([o]) => String(o) === e.currentTarget.value); if (found) onChange(found[0]); }}>
        {options.map(([o, name]) => <option key={String(o)} value={String(o)}>{name}</option>)}
      </select>
    </label>
  );
}

export function Transport({ actions, onScrub }: { actions: TransportActions; onScrub: (scrubbing: boolean) => void }) {
  const { model, view, change, w } = useShared();
  const levels = LEVELS.slice(0, LEVELS.indexOf(model.header.level) + 1);
  return (
    <div class="transport" role="toolbar" aria-label={w("position")}>
      <div class="buttons">
        <button type="button" aria-label={w("start")} title={w("start")} onClick={() => actions.edge(-1)}><Sign d="M3 2V14M14 2L6 8L14 14Z" /></button>
        <button type="button" id="back" aria-label={w("back")} title={w("back")} onClick={() => actions.step(-1)}><Sign d="M12 2L3 8L12 14Z" /></button>
        <button type="button" id="play" class="main" aria-label={view.playing ? w("pause") : w("play")} title={view.playing ? w("pause") : w("play")} onClick={actions.toggle}><Sign d={view.playing ? "M4 2V14M12 2V14" : "M4 1L14 8L4 15Z"} wide={view.playing} /></button>
        <button type="button" id="forward" aria-label={w("forward")} title={w("forward")} onClick={() => actions.step(1)}><Sign d="M4 2L13 8L4 14Z" /></button>
        <button type="button" aria-label={w("end")} title={w("end")} onClick={() => actions.edge(1)}><Sign d="M13 2V14M2 2L10 8L2 14Z" /></button>
      </div>
      <output id="clock">{formatTime(view.t, view.language)}</output>
      <Select label={w("step")} value={view.unit} options={UNITS.map((u): [Unit, string] => [u, w(`unit_${u}`)])} onChange={(unit) => change({ unit, ...(unit === "segment" && model.header.level === "segment" ? { level: "segment" as LevelName } : {}) })} />
      <Select label={w("speed")} value={view.speed} options={SPEEDS.map((s): [number, string] => [s, `${s}×`])} onChange={(speed) => change({ speed })} />
      <Select label={w("axis")} value={view.axis} options={(["gaps", "linear", "step"] as AxisMode[]).map((a): [AxisMode, string] => [a, w(`axis_${a}`)])} onChange={(axis) => change({ axis })} />
      <Select label={w("level")} value={view.level} options={levels.map((l): [LevelName, string] => [l, w(`level_${l}`)])} onChange={(level) => change({ level })} />
      <AxisBar onSeek={actions.seek} onScrub={onScrub} />
    </div>
  );
}

/* A canvas: a mark for each record, its height and colour by what it is. */
function paint(canvas: HTMLCanvasElement, width: number, height: number, shared: ReturnType<typeof useShared>): void {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const tones = { plain: colour("--quiet"), good: colour("--good"), wait: colour("--wait"), bad: colour("--bad"), note: colour("--accent") };
  const { model, shown, axis, view, gated } = shared;
  const end = gated ? placeOf(shown, view.cursor) + 1 : shown.length;
  const font = Math.round(shared.type * (view.lecture ? 0.8 : 0.85)), base = height - font - 5;
  const rank = { plain: 0, note: 1, good: 2, wait: 3, bad: 4 };
  const best = new Map<number, keyof typeof rank>();
  for (let k = 0; k < end; k++) {
    const x = Math.round((axis.xs[k] as number) * (width - 2));
    const tone = model.toneAt(shown[k] as number);
    const there = best.get(x);
    if (there === undefined || rank[tone] > rank[there]) best.set(x, tone);
  }
  for (const [x, tone] of best) {
    pen.fillStyle = tones[tone];
    const tall = (tone === "plain" ? 0.5 : 0.9) * base;
    pen.fillRect(x, base - tall, 2, tall);
  }
  if (gated) return;
  pen.fillStyle = colour("--quiet");
  pen.font = `${font}px sans-serif`;
  pen.textAlign = "center";
  let free = 0;
  for (const gap of axis.gaps) {
    const text = formatSpan(gap.wait, view.language), x = ((gap.from + gap.to) / 2) * width, half = widthOf(text, font) / 2 + 4;
    if (x - half < free || x + half > width) continue;
    pen.fillText(text, x, height - 3);
    free = x + half;
  }
}

function AxisBar({ onSeek, onScrub }: { onSeek: (x: number) => void; onScrub: (scrubbing: boolean) => void }) {
  const shared = useShared();
  const { view, axis, shown, gated, w } = shared;
  const [box, width, height] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current && width > 0) paint(canvas.current, width, height, shared);
  }, [shared.model, shown, axis, width, height, view.dark, shared.type, view.language, gated, gated ? view.cursor : 0]);
  const x = placeOnAxis(axis, shown, view);
  const seek = (e: PointerEvent): void => {
    const bounds = (e.currentTarget as HTMLElement).getBoundingClientRect();
    const wanted = Math.min(1, Math.max(0, (e.clientX - bounds.left) / bounds.width));
    onSeek(gated ? Math.min(wanted, x) : wanted);
  };
  return (
    <div class="axis" ref={box} role="slider" id="axis" tabIndex={0} aria-label={w("axis")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(x * 100)} aria-valuetext={formatTime(view.t, view.language)}
      onPointerDown={(e) => { e.currentTarget.setPointerCapture(e.pointerId); seek(e); }} onPointerMove={(e) => { if (e.buttons > 0) { onScrub(true); seek(e); } }} onPointerUp={() => onScrub(false)} onPointerCancel={() => onScrub(false)} onPointerLeave={(e) => e.buttons === 0 && onScrub(false)}>
      <canvas ref={canvas} style={{ width: `${width}px`, height: `${height}px` }} aria-hidden="true" />
      <div class="playhead" style={{ left: `${x * 100}%` }} />
    </div>
  );
}
