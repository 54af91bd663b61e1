/* Three time axes over the records shown: x runs from 0 to 1 and never falls. */
import { countUpTo } from "./model";

export type AxisMode = "gaps" | "linear" | "step";
export interface Gap { from: number; to: number; wait: number }

const SECOND = 1e9;

/* What is longer than this without a record is a gap: between 0.1 s and 5 s, by the run's length. */
const gapThreshold = (span: number): number => Math.min(5 * SECOND, Math.max(SECOND / 10, span / 50));

export class Axis {
  readonly xs: Float64Array;
  readonly gaps: Gap[] = [];

  constructor(readonly mode: AxisMode, readonly times: ArrayLike<number>) {
    const n = times.length;
    this.xs = new Float64Array(n);
    const first = n > 0 ? (times[0] as number) : 0;
    const span = n > 0 ? (times[n - 1] as number) - first : 0;
    if (mode === "step" || span === 0) for (let i = 0; i < n; i++) this.xs[i] = n > 1 ? i / (n - 1) : 0;
    else if (mode === "linear") for (let i = 0; i < n; i++) this.xs[i] = ((times[i] as number) - first) / span;
    else this.layGaps(gapThreshold(span));
  }

  /* Gaps are all of one width, and at most half of the axis; a dialogue's width goes by how long it
   * is and how much happens in it. */
  private layGaps(threshold: number): void {
    const n = this.times.length;
    const waits: number[] = [];
    let total = 0, gaps = 0;
    for (let i = 1; i < n; i++) {
      const wait = (this.times[i] as number) - (this.times[i - 1] as number);
      waits.push(wait);
      if (wait > threshold) gaps++;
      else total += Math.sqrt(wait / threshold) + 0.05;
    }
    const gapShare = gaps === 0 ? 0 : Math.min(0.5, gaps * 0.04);
    let x = 0;
    waits.forEach((wait, k) => {
      const from = x;
      if (wait > threshold) {
        x += (total > 0 ? gapShare : 1) / gaps;
        this.gaps.push({ from, to: x, wait });
      } else {
        x += ((Math.sqrt(wait / threshold) + 0.05) / total) * (1 - gapShare);
      }
      this.xs[k + 1] = Math.min(1, x);
    });
  }

  /** The last record at or before x; -1 when there is none. */
  indexAt(x: number): number {
    return countUpTo(this.xs, x + 1e-12) - 1;
  }
  timeAt(x: number): number {
    const k = this.indexAt(x);
    if (k < 0) return this.times.length > 0 ? (this.times[0] as number) : 0;
    const t = this.times[k] as number;
    if (k + 1 >= this.times.length) return t;
    const from = this.xs[k] as number, to = this.xs[k + 1] as number;
    return to > from ? t + ((x - from) / (to - from)) * ((this.times[k + 1] as number) - t) : t;
  }
}
