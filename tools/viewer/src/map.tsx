/* The map: servers above, routers between, agents below; packets, queues, what is down. */
import { useMemo } from "preact/hooks";
import { fit, shortName, useShared, useSize, widthOf } from "./context";
import { Model, at, linkKey } from "./model";
import { TraceNode, str } from "./trace";
import { describe, wordOr } from "./words";

export interface Place { node: TraceNode; x: number; y: number; width: number }

/* Routers in the order in which they are reached from the first. */
function orderRouters(model: Model): string[] {
  const routers = model.nodes.filter((n) => n.role === "router").map((n) => n.name);
  const order: string[] = [];
  for (const first of routers) {
    const open = [first];
    while (open.length > 0) {
      const name = open.shift() as string;
      if (order.includes(name)) continue;
      order.push(name);
      for (const l of model.header.links) {
        const other = l.a === name ? l.b : l.b === name ? l.a : undefined;
        if (other !== undefined && routers.includes(other)) open.push(other);
      }
    }
  }
  return order;
}

/** Where each node stands, in a box of the given size. */
export function layoutMap(model: Model, width: number, height: number): Map<string, Place> {
  const places = new Map<string, Place>();
  const routers = orderRouters(model);
  const routerOf = (name: string): string =>
    model.header.links.flatMap((l) => (l.a === name ? [l.b] : l.b === name ? [l.a] : [])).find((n) => routers.includes(n)) ?? routers[0] ?? "";
  const groups = (routers.length > 0 ? routers : [""]).map((router) => {
    const hosts = model.nodes.filter((n) => n.role !== "router" && routerOf(n.name) === router);
    const upper = hosts.filter((n) => n.role !== "agent"), lower = hosts.filter((n) => n.role === "agent");
    return { router, upper, lower, slots: Math.max(upper.length, lower.length, 1) };
  });
  const slot = width / groups.reduce((sum, g) => sum + g.slots, 0);
  let left = 0;
  for (const group of groups) {
    const span = group.slots * slot;
    const row = (nodes: TraceNode[], y: number): void =>
      nodes.forEach((node, k) => places.set(node.name, { node, x: left + ((k + 0.5) * span) / nodes.length, y, width: span / nodes.length }));
    row(group.upper, height * 0.2);
    row(group.lower, height * 0.75);
    const router = model.nodes.find((n) => n.name === group.router);
    if (router) places.set(router.name, { node: router, x: left + span / 2, y: height * 0.5, width: span });
    left += span;
  }
  /* A router that a link between two others would run through stands lower. */
  const rank = (name: string): number => routers.indexOf(name);
  for (const l of model.header.links)
    if (rank(l.a) >= 0 && rank(l.b) >= 0)
      for (const passed of routers.slice(Math.min(rank(l.a), rank(l.b)) + 1, Math.max(rank(l.a), rank(l.b)))) {
        const place = places.get(passed) as Place;
        places.set(passed, { ...place, y: height * 0.6 });
      }
  return places;
}

/** The nodes between two, both included, by the fewest links. */
export function findPath(model: Model, from: string, to: string): string[] {
  const before = new Map<string, string>([[from, from]]);
  const open = [from];
  while (open.length > 0 && !before.has(to)) {
    const name = open.shift() as string;
    for (const l of model.header.links) {
      const other = l.a === name ? l.b : l.b === name ? l.a : undefined;
      if (other === undefined || before.has(other)) continue;
      before.set(other, name);
      open.push(other);
    }
  }
  if (!before.has(to)) return [from, to];
  const path = [to];
  while (path[0] !== from) path.unshift(before.get(path[0] as string) as string);
  return path;
}

export function Icon({ role, phone }: { role: string; phone?: boolean }) {
  switch (role) {
    case "server":
      return <g><rect x={-13} y={-16} width={26} height={32} rx={3} /><path d="M-8-8H3M-8 0H3M-8 8H3" /><circle cx={8} cy={-8} r={1.2} /><circle cx={8} cy={0} r={1.2} /><circle cx={8} cy={8} r={1.2} /></g>;
    case "router":
      return <g><circle r={13} /><path d="M-8 0H8M5-3L8 0L5 3M-5-3L-8 0L-5 3M0-8V8M-3-5L0-8L3-5M-3 5L0 8L3 5" /></g>;
    case "nameserver":
      return <g><path d="M-13-14H-2Q0-14 0-11V15Q-1 13-3 13H-13ZM13-14H2Q0-14 0-11V15Q1 13 3 13H13Z" /><path d="M-9-8H-4M-9-2H-4M4-8H9M4-2H9" /></g>;
    default:
      return phone
        ? <g><rect x={-8} y={-15} width={16} height={30} rx={3} /><path d="M-2 11H2" /></g>
        : <g><rect x={-13} y={-13} width={26} height={18} rx={2} /><path d="M-18 10H18L14 5H-14Z" /></g>;
  }
}
export const isPhone = (name: string): boolean => /phone|mobile|tablet/.test(name);

export function MapPane() {
  const { model, view, gated, brief, type, w, change } = useShared();
  const [ref, width, height] = useSize<HTMLDivElement>();
  const W = Math.max(width, 280), H = Math.max(height, 180);
  const places = useMemo(() => layoutMap(model, W, H), [model, W, H]);
  const record = model.records[view.cursor];
  const arrow = record ? model.arrowOf(view.cursor) : undefined;
  const dropped = record?.kind === "link.drop" ? [record.host, str(record, "to")] : undefined;
  const path = dropped ?? (arrow ? findPath(model, arrow.from, arrow.to) : []);
  const tone = record ? model.toneAt(view.cursor) : "plain";
  const font = view.lecture ? type : type * 0.92, scale = type / 13;
  const point = (name: string): Place | undefined => places.get(name);
  const isRoomy = [...places.values()].every((p) => widthOf(shortName(p.node.name), font) <= p.width - 8);
  /* Where machines stand too close for their names, every other name of the row stands higher. */
  const rowsOf = new Map<number, Place[]>();
  for (const p of places.values()) rowsOf.set(p.y, [...(rowsOf.get(p.y) ?? []), p]);
  const closeRows = new Set([...rowsOf].filter(([, row]) => row.some((p) => widthOf(isRoomy ? shortName(p.node.name) : brief(p.node.name), font) > p.width - 6)).map(([y]) => y));
  const route = path.map(point).filter((p): p is Place => p !== undefined);
  return (
    <div class="fill" ref={ref}>
      <svg width={W} height={H} class="map" role="group" aria-label={w("map")}>
        {model.header.links.map((l) => {
          const a = point(l.a), b = point(l.b);
          if (!a || !b) return null;
          const up = at(model.links.get(linkKey(l.a, l.b)) ?? [], view.cursor) ?? true;
          return (
            <g key={l.a + l.b} class={up ? "link" : "link down"}>
              <line x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
              {!up && <text x={(a.x + b.x) / 2} y={(a.y + b.y) / 2} class="bad" font-size={font} text-anchor="middle">✕ {w("down")}</text>}
            </g>
          );
        })}
        {route.length > 1 && (
          <g class={`route ${tone}`}>
            <polyline points={route.map((p) => `${p.x},${p.y}`).join(" ")} marker-end="" />
          </g>
        )}
        {[...places.values()].map((p) => <Node key={p.node.name} place={p} font={font} scale={scale} isRoomy={isRoomy} isClose={closeRows.has(p.y)} isStaggered={closeRows.has(p.y) && (rowsOf.get(p.y) ?? []).indexOf(p) % 2 === 1} mapWidth={W} onPick={() => change({ host: p.node.name })} />)}
        {model.inFlight(view.t).slice(0, 400).map((x) => {
          const a = point(x.from), b = point(x.to);
          if (!a || !b) return null;
          /* From edge to edge: a packet hides neither a machine nor how much waits there. */
          const edge = Math.min(0.33, (40 * scale) / Math.max(1, Math.hypot(b.x - a.x, b.y - a.y)));
          const share = edge + (1 - 2 * edge) * Math.min(1, Math.max(0, (view.t - x.start) / Math.max(1, x.arrive - x.start)));
          return <circle key={`${x.packet} ${x.from}`} class={`packet ${x.what}`} r={4 * scale} cx={a.x + (b.x - a.x) * share} cy={a.y + (b.y - a.y) * share} />;
        })}
        {arrow && route.length > 1 && !dropped && <Arrowhead route={route} tone={tone} scale={scale} />}
        {dropped && route.length > 1 && (
          <text class="bad" font-size={font * 1.6} text-anchor="middle" x={((route[0] as Place).x + (route[1] as Place).x) / 2} y={((route[0] as Place).y + (route[1] as Place).y) / 2}>✕</text>
        )}
        {record && caption(`${record.host === "timeline" ? "" : `${shortName(record.host)}: `}${describe(model, view.cursor, view.language, gated)}`, W - 16, font).map((text, k, lines) =>
          <text key={k} class={`caption ${tone}`} x={W / 2} y={H - 8 - (lines.length - 1 - k) * font * 1.25} font-size={font} text-anchor="middle">{text}</text>)}
      </svg>
    </div>
  );
}

/** A sentence in one line or in two, then of about the same length. */
export function caption(text: string, width: number, font: number): string[] {
  const whole = widthOf(text, font);
  if (whole <= width) return [text];
  const words = text.split(" "), wanted = Math.max(whole * 0.5, Math.min(width, whole - width));
  let first = "";
  while (words.length > 0 && widthOf(first, font) < wanted && widthOf(`${first} ${words[0] as string}`, font) <= width) first = `${first} ${words.shift() as string}`.trim();
  return first === "" ? [fit(text, width, font)] : [first, fit(words.join(" "), width, font)];
}

function Arrowhead({ route, tone, scale }: { route: Place[]; tone: string; scale: number }) {
  const b = route[route.length - 1] as Place, a = route[route.length - 2] as Place;
  const angle = (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;
  const back = 24 * scale, length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  return <path class={`head ${tone}`} d="M0 0L-11-6V6Z" transform={`translate(${b.x - ((b.x - a.x) / length) * back},${b.y - ((b.y - a.y) / length) * back}) rotate(${angle}) scale(${scale})`} />;
}

function Node({ place, font, scale, isRoomy, isClose, isStaggered, mapWidth, onPick }: { place: Place; font: number; scale: number; isRoomy: boolean; isClose: boolean; isStaggered: boolean; mapWidth: number; onPick: () => void }) {
  const { model, view, brief, w } = useShared();
  const { node, x, y, width } = place;
  const state = model.hostState(node.name, view.cursor);
  const length = at(model.lengths.get(node.name) ?? [], view.cursor) ?? 0;
  const isLow = node.role !== "router" || !isStaggered; // where routers stand close, every other name is above
  const name = fit(isRoomy ? shortName(node.name) : brief(node.name), Math.max(width * (isClose ? 2 : 1) - 4, 40), font);
  const above = node.role === "server" || node.role === "nameserver" || !isLow;
  const away = isStaggered && node.role !== "router" ? font * 1.1 : 0;
  const nameAt = above ? -22 * scale - away : 20 * scale + font + away;
  const down = `✕ ${wordOr(view.language, state)}`;
  const shift = (text: string): number => { const half = widthOf(text, font) / 2 + 3; return Math.max(half - x, Math.min(0, mapWidth - half - x)); };
  const label = `${node.name}: ${wordOr(view.language, state)}${length > 0 ? `, ${length} ${w("in_queue")}` : ""}`;
  return (
    <g class={`node ${node.role}${state === "up" ? "" : " off"}${view.host === node.name ? " picked" : ""}`} transform={`translate(${x},${y})`}
      role="button" tabindex={0} aria-label={label} onClick={onPick} onKeyDown={(e) => { if (e.key === "Enter" || e.key === " ") { onPick(); e.preventDefault(); } }}>
      <g class="icon" transform={`scale(${scale})`}><Icon role={node.role} phone={isPhone(node.name)} /></g>
      <text font-size={font} text-anchor="middle" x={shift(name)} y={nameAt}>{name}</text>
      {state !== "up" && <text class="bad" font-size={font} text-anchor="middle" x={shift(down)} y={above ? 20 * scale + font : nameAt + font * 1.1}>{down}</text>}
      {length > 0 && (
        <g class="badge" transform={`translate(${(-7.5 - String(length).length * 4) * scale},${26 * scale + (above && state !== "up" ? font * 1.2 : 0)}) scale(${scale})`}>
          <rect x={-2} y={-9} width={20 + String(length).length * 8} height={18} rx={9} /><path d="M3-4H12V4H3ZM3-4L7.5 1L12-4" />
          <text x={15} y={4.5} font-size={12}>{length}</text>
        </g>
      )}
    </g>
  );
}
