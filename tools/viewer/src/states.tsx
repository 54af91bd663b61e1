/* The state diagram of the selected connection, drawn from the engine's own table, the current state lit. */
import dagre from "@dagrejs/dagre";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useShared } from "./context";
import { at } from "./model";
import { Machine } from "./trace";

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

interface Drawing { width: number; height: number; boxes: { x: number; y: number; w: number; name: string }[]; lines: { from: number; to: number; d: string; label: string }[] }

function draw(machine: Machine): Drawing {
  const graph = new dagre.graphlib.Graph({ multigraph: false });
  graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 26, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const { edges } = edgesOf(machine);
  const widths = machine.states.map((s) => s.length * 8.4 + 18);
  machine.states.forEach((_, k) => graph.setNode(String(k), { width: widths[k] as number, height: 28 }));
  edges.forEach((e) => graph.setEdge(String(e.from), String(e.to), {}));
  dagre.layout(graph);
  const size = graph.graph();
  return {
    width: size.width ?? 100, height: size.height ?? 100,
    boxes: machine.states.map((name, k) => { const n = graph.node(String(k)); return { x: n.x, y: n.y, w: widths[k] as number, name }; }),
    lines: edges.map((e) => {
      const points = graph.edge(String(e.from), String(e.to)).points;
      return { from: e.from, to: e.to, d: points.map((p, k) => `${k === 0 ? "M" : "L"}${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join(""), label: e.events.map((n) => machine.events[n]).join(", ") };
    }),
  };
}

export function StatesPane() {
  const { model, view, w } = useShared();
  const [wanted, setWanted] = useState("");
  const peer = model.connections.get(view.connection)?.peer;
  const lives = [...model.machines.values()].filter((m) => m.connection === view.connection || (peer !== undefined && m.connection === peer));
  const life = lives.find((m) => `${m.connection} ${m.machine}` === wanted) ?? lives.find((m) => m.machine !== "tcp" && m.connection === view.connection) ?? lives[0];
  const machine = model.meta.machines.find((m) => m.name === life?.machine);
  const drawing = useMemo(() => (machine ? draw(machine) : undefined), [machine]);
  const now = life && machine ? at(life.changes, view.cursor) ?? machine.states[machine.initial] ?? "" : "";
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const lit = box.current?.querySelector(".state.lit"), frame = box.current;
    if (!lit || !frame) return;
    const a = lit.getBoundingClientRect(), b = frame.getBoundingClientRect();
    frame.scrollTop += a.top + a.height / 2 - (b.top + b.height * 0.6);
  }, [now, drawing]);
  if (!life || !machine || !drawing) return <p class="quiet pad">{w("no_connection")}</p>;
  const k = life.changes.filter((c) => c.i <= view.cursor).length - 1;
  const before = life.changes[k - 1]?.value;
  return (
    <div class="fill column">
      <div class="bar" role="group" aria-label={w("machine")}>
        {lives.map((m) => (
          <button type="button" key={m.connection + m.machine} aria-pressed={m === life} onClick={() => setWanted(`${m.connection} ${m.machine}`)}>{m.host} · {m.machine}</button>
        ))}
      </div>
      <div class="fill scroll" ref={box} tabIndex={0} role="region" aria-label={w("states")}>
        <p class="pad quiet" aria-live="polite"><b class="now">{now}</b> · {machine.title} ({machine.source})</p>
        <svg class="states" viewBox={`0 0 ${drawing.width} ${drawing.height}`} style={{ maxWidth: `${drawing.width * (view.lecture ? 1.6 : 1.1)}px` }} role="img" aria-label={`${machine.title}: ${now}`}>
          <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" /></marker></defs>
          {drawing.lines.map((l) => (
            <path key={`${l.from} ${l.to}`} d={l.d} class={machine.states[l.from] === before && machine.states[l.to] === now ? "edge lit" : "edge"} marker-end="url(#tip)"><title>{l.label}</title></path>
          ))}
          {drawing.boxes.map((b) => (
            <g key={b.name} class={b.name === now ? "state lit" : "state"}>
              <rect x={b.x - b.w / 2} y={b.y - 14} width={b.w} height={28} rx={7} /><text x={b.x} y={b.y + 4.5} font-size={13} text-anchor="middle">{b.name}</text>
            </g>
          ))}
        </svg>
      </div>
    </div>
  );
}
