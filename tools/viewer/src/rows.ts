/* Where the ladder's rows stand: downwards by the time axis of the page. By step all are as far apart;
 * with shortened gaps a wait is seen in the distance, and a long one is named; linear is to scale, so
 * that rows that come too close for their words share one's. */
import { AxisMode } from "./axis";
import { countUpTo } from "./model";

const GAP = 0.5e9;
export const isGap = (wait: number): boolean => wait > GAP;

export interface Rows {
  /** One more than there are rows: the last is where the ladder ends. */
  readonly tops: Float64Array;
  /** Whether a row has room for its words; and if so, how many after it have none. */
  readonly isSaid: Uint8Array;
  readonly isToScale: boolean;
}

export function layRows(mode: AxisMode, times: ArrayLike<number>, rowHeight: number): Rows {
  const n = times.length, tops = new Float64Array(n + 1), isSaid = new Uint8Array(n).fill(1);
  const time = (k: number): number => times[k] as number;
  const span = n > 1 ? time(n - 1) - time(0) : 0;
  if (mode === "linear" && span > 0) {
    let free = 0;
    for (let k = 0; k < n; k++) {
      tops[k] = ((time(k) - time(0)) / span) * (n - 1) * rowHeight;
      isSaid[k] = (tops[k] as number) >= free ? 1 : 0;
      if (isSaid[k]) free = (tops[k] as number) + rowHeight;
    }
    tops[n] = n * rowHeight;
    return { tops, isSaid, isToScale: true };
  }
  for (let k = 0; k < n; k++) {
    const wait = k > 0 ? time(k) - time(k - 1) : 0;
    if (mode !== "step" && k > 0) tops[k] = (tops[k] as number) + rowHeight * (isGap(wait) ? 0.9 : 0.5 * Math.sqrt(wait / GAP));
    tops[k + 1] = (tops[k] as number) + rowHeight;
  }
  return { tops, isSaid, isToScale: false };
}

/** How far down a moment is, between the rows around it. */
export function topOf(rows: Rows, times: ArrayLike<number>, t: number): number {
  const k = countUpTo(times, t) - 1;
  if (k < 0) return 0;
  const from = times[k] as number, to = times[k + 1], y = rows.tops[k] as number;
  return to === undefined || to <= from ? y : y + ((t - from) / (to - from)) * ((rows.tops[k + 1] as number) - y);
}
