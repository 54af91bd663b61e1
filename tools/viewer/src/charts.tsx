/* Charts on the time axis of the page: queue lengths, the congestion window, retransmissions. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { shortName, useShared, useSize } from "./context";
import { Change, Model, countUpTo } from "./model";
import { formatTime } from "./words";

/* Lines are told apart without their colours, in the chart and in its legend. */
const DASHES: readonly (readonly [string, number[]])[] = [["solid", []], ["dashed", [10, 6]], ["dotted", [3, 4]]];

interface Line { label: string; history: Change<number>[] }

/* One column of values for each record of the axis at which something changes. */
export function tabulate(lines: readonly Line[], xOf: (i: number) => number): uPlot.AlignedData {
  const moments = [...new Set(lines.flatMap((l) => l.history.map((c) => c.i)))].sort((a, b) => a - b);
  const xs = [0, ...moments.map(xOf), 1];
  const columns = lines.map((l) => {
    let k = 0, value = 0;
    const middle = moments.map((i) => {
      while (k < l.history.length && (l.history[k] as Change<number>).i <= i) value = (l.history[k++] as Change<number>).value;
      return value;
    });
    return [0, ...middle, value];
  });
  return [xs, ...columns] as uPlot.AlignedData;
}

function Chart({ title, lines, height }: { title: string; lines: Line[]; height: number }) {
  const { view, axis, shown, gated, type } = useShared();
  const [box, width] = useSize<HTMLDivElement>();
  const plot = useRef<uPlot>();
  const x = axis.xs[Math.max(0, countUpTo(shown, view.cursor) - 1)] ?? 0;
  const now = useRef(x);
  now.current = x;
  const data = useMemo(() => {
    const past = gated ? lines.map((l) => ({ ...l, history: l.history.filter((c) => c.i <= view.cursor) })) : lines;
    return tabulate(past, (i) => axis.xs[Math.max(0, countUpTo(shown, i) - 1)] ?? 0);
  }, [lines, axis, shown, gated, gated ? view.cursor : 0]);
  useEffect(() => {
    const element = box.current;
    if (!element || width < 50) return undefined;
    const style = getComputedStyle(element);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const palette = [colour("--accent"), colour("--wait"), colour("--good"), colour("--ink"), colour("--bad")];
    const font = `${Math.round(type * 0.85)}px sans-serif`;
    plot.current = new uPlot({
      width, height, title, padding: [null, type * 2.4, null, null], legend: { show: lines.length > 1, live: false, markers: { dash: (_, k) => DASHES[(k - 1) % DASHES.length]?.[0] ?? "solid" } }, cursor: { show: false }, scales: { x: { time: false, range: [0, 1] } },
      axes: [{ stroke: colour("--quiet"), grid: { show: false }, font, values: (_, ticks) => ticks.map((v) => formatTime(axis.timeAt(v), view.language).replace(/\.\d+$/, "")), space: type * 7 },
        { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, font, size: type * 4.2, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 500000, 1e6] }],
      series: [{}, ...lines.map((l, k) => ({ label: l.label, stroke: palette[k % palette.length] as string, width: 2, dash: DASHES[k % DASHES.length]?.[1] ?? [], points: { show: false }, paths: (uPlot.paths.stepped as NonNullable<typeof uPlot.paths.stepped>)({ align: 1 }) }))],
      hooks: { draw: [(u) => {
        const at = u.valToPos(now.current, "x", true);
        u.ctx.save();
        u.ctx.strokeStyle = colour("--accent");
        u.ctx.lineWidth = 2;
        u.ctx.beginPath();
        u.ctx.moveTo(at, u.bbox.top);
        u.ctx.lineTo(at, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
        u.ctx.restore();
      }] },
    }, data, element);
    return () => plot.current?.destroy();
  }, [width, height, data, title, view.dark, type]);
  useEffect(() => plot.current?.redraw(false, false), [x]);
  const last = lines.map((l) => `${l.label} ${l.history.filter((c) => c.i <= view.cursor).slice(-1)[0]?.value ?? 0}`).join(", ");
  return <div class="chart" ref={box} role="img" aria-label={`${title}: ${last}`} />;
}

export function queueLines(model: Model): Line[] {
  return [...model.lengths].map(([host, history]) => ({ label: shortName(host), history }));
}

export function ChartsPane() {
  const { model, view, type, w } = useShared();
  const queues = useMemo(() => queueLines(model), [model]);
  const windows = useMemo(() => {
    const peer = model.connections.get(view.connection)?.peer;
    return [view.connection, peer].flatMap((id) => {
      const history = id === undefined ? undefined : model.windows.get(id);
      return history ? [{ label: id as string, history: history.map((c) => ({ i: c.i, value: c.value.cwnd })) }] : [];
    });
  }, [model, view.connection]);
  const again = useMemo(() => [{ label: w("retransmissions"), history: model.retransmissions.map((i, k) => ({ i, value: k + 1 })) }], [model, view.language]);
  const height = type * 13;
  return (
    <div class="fill scroll" tabIndex={0} role="region" aria-label={w("charts")}>
      <Chart title={w("queue_length")} lines={queues} height={height} />
      {windows.length > 0 && <Chart title={`${w("cwnd")} (${view.connection})`} lines={windows} height={height} />}
      <Chart title={w("retransmissions")} lines={again} height={height} />
    </div>
  );
}
