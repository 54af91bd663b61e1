/* The state diagram of the selected connection, drawn from the engine's own table, the current state lit. */
import dagre from "@dagrejs/dagre";
import { useEffect, useState } from "preact/hooks";
import { useCalm, useShared, useSize } from "./context";
import { at } from "./model";
import { Machine } from "./trace";
import { valueOf } from "./words";

interface Edge { from: number; to: number; events: number[] }

/* What leads to a state from most others is said in words, since it would hide the ordinary way. */
export function edgesOf(machine: Machine): { edges: Edge[]; pooled: Map<number, Set<number>> } {
  const sources = new Map<string, Set<number>>();
  for (const [from, to, event] of machine.edges) {
    const key = `${event} ${to}`;
    sources.set(key, (sources.get(key) ?? new Set()).add(from));
  }
  const isPooled = (event: number, to: number): boolean => {
    const count = sources.get(`${event} ${to}`)?.size ?? 0;
    return count >= 3 && 2 * count > machine.states.length - 1;
  };
  const found = new Map<string, Edge>(), pooled = new Map<number, Set<number>>();
  for (const [from, to, event] of machine.edges) {
    if (isPooled(event, to)) { pooled.set(to, (pooled.get(to) ?? new Set()).add(event)); continue; }
    const edge = found.get(`${from} ${to}`) ?? { from, to, events: [] };
    edge.events.push(event);
    found.set(`${from} ${to}`, edge);
  }
  return { edges: [...found.values()], pooled };
}

interface Drawing { left: number; top: number; width: number; height: number; boxes: { x: number; y: number; w: number; name: string }[]; lines: { from: number; to: number; d: string; label: string }[]; pooled: Map<number, Set<number>> }

const drawn = new WeakMap<Machine, Drawing>();
function drawingOf(machine: Machine): Drawing {
  let drawing = drawn.get(machine);
  if (!drawing) drawn.set(machine, (drawing = draw(machine)));
  return drawing;
}

function draw(machine: Machine): Drawing {
  const graph = new dagre.graphlib.Graph({ multigraph: false });
  graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 26, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const { edges, pooled } = edgesOf(machine);
  const widths = machine.states.map((s) => s.length * 8.4 + 18);
  machine.states.forEach((_, k) => graph.setNode(String(k), { width: widths[k] as number, height: 28 }));
  edges.forEach((e) => graph.setEdge(String(e.from), String(e.to), {}));
  dagre.layout(graph);
  /* The lines' bends may lie outside of what the layout calls its size. */
  const bends = edges.flatMap((e) => graph.edge(String(e.from), String(e.to)).points), size = graph.graph();
  const left = Math.min(0, ...bends.map((p) => p.x - 6)), top = Math.min(0, ...bends.map((p) => p.y - 6));
  return {
    left, top, pooled, width: Math.max(size.width ?? 100, ...bends.map((p) => p.x + 6)) - left, height: Math.max(size.height ?? 100, ...bends.map((p) => p.y + 6)) - top,
    boxes: machine.states.map((name, k) => { const n = graph.node(String(k)); return { x: n.x, y: n.y, w: widths[k] as number, name }; }),
    lines: edges.map((e) => {
      const points = graph.edge(String(e.from), String(e.to)).points;
      return { from: e.from, to: e.to, d: points.map((p, k) => `${k === 0 ? "M" : "L"}${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join(""), label: e.events.map((n) => machine.events[n]).join(", ") };
    }),
  };
}

export function StatesPane() {
  const { model, view, moving, type, brief, w } = useShared();
  const cursor = useCalm(view.cursor, moving), connection = useCalm(view.connection, moving);
  const [wanted, setWanted] = useState("");
  const peer = model.connections.get(connection)?.peer;
  const lives = [...model.machines.values()].filter((m) => m.connection === connection || (peer !== undefined && m.connection === peer));
  const life = lives.find((m) => `${m.connection} ${m.machine}` === wanted) ?? lives.find((m) => m.machine !== "tcp" && m.connection === connection) ?? lives[0];
  const machine = model.meta.machines.find((m) => m.name === life?.machine);
  const drawing = machine ? drawingOf(machine) : undefined;
  const now = life && machine ? at(life.changes, cursor) ?? machine.states[machine.initial] ?? "" : "";
  const [box, width, height] = useSize<HTMLDivElement>();
  useEffect(() => {
    const lit = box.current?.querySelector(".state.lit"), frame = box.current;
    if (!lit || !frame) return;
    const a = lit.getBoundingClientRect(), b = frame.getBoundingClientRect();
    frame.scrollTop += a.top + a.height / 2 - (b.top + b.height * 0.6);
  }, [now, drawing, width, height, type]);
  if (!life || !machine || !drawing) return <p class="quiet pad">{w("no_connection")}</p>;
  const k = life.changes.filter((c) => c.i <= cursor).length - 1;
  const before = life.changes[k - 1]?.value;
  const { pooled } = drawing;
  const events = before === undefined ? [] : machine.edges.filter(([from, to]) => machine.states[from] === before && machine.states[to] === now).map(([, , event]) => machine.events[event]);
  return (
    <div class="fill column">
      <div class="bar" role="group" aria-label={w("machine")}>
        {lives.map((m) => (
          <button type="button" key={m.connection + m.machine} aria-pressed={m === life} onClick={() => setWanted(`${m.connection} ${m.machine}`)} title={`${m.host} · ${m.machine}`}>{brief(m.host)} · {m.machine.replace(/-(client|server)$/, "").toUpperCase()}</button>
        ))}
      </div>
      <div class="fill scroll" ref={box} tabIndex={0} role="region" aria-label={w("states")}>
        <p class="pad quiet" aria-live="polite">{before !== undefined && `${before} → `}<b class="now">{now}</b>{events.length > 0 && ` (${events.join(", ")})`} · {valueOf(view.language, machine.title)} ({machine.source})</p>
        <svg class="states" viewBox={`${drawing.left} ${drawing.top} ${drawing.width} ${drawing.height}`} style={{ maxWidth: `${drawing.width * (type / 12)}px` }} role="img" aria-label={`${machine.title}: ${now}`}>
          <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" /></marker>
            <marker id="tip-lit" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="14" markerHeight="14" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" /></marker></defs>
          {drawing.lines.map((l) => {
            const isLit = machine.states[l.from] === before && machine.states[l.to] === now;
            return <path key={`${l.from} ${l.to}`} d={l.d} class={isLit ? "edge lit" : "edge"} marker-end={isLit ? "url(#tip-lit)" : "url(#tip)"}><title>{l.label}</title></path>;
          })}
          {drawing.boxes.map((b) => (
            <g key={b.name} class={b.name === now ? "state lit" : "state"}>
              <rect x={b.x - b.w / 2} y={b.y - 14} width={b.w} height={28} rx={7} /><text x={b.x} y={b.y + 4.5} font-size={13} text-anchor="middle">{b.name}</text>
            </g>
          ))}
        </svg>
        {[...pooled].map(([to, from]) => (
          <p key={to} class="pooled quiet">→ <b>{machine.states[to]}</b>: {[...from].map((event) => machine.events[event]).join(", ")} ({w("not_drawn")})</p>
        ))}
      </div>
    </div>
  );
}
