/* The list of events: a text of everything, with filters. */
import { useMemo } from "preact/hooks";
import { useFollow, useShared, useSize } from "./context";
import { TraceRecord } from "./trace";
import { placeOf } from "./view";
import { describe, formatTime } from "./words";

const SIGN = { plain: "", good: "✓ ", wait: "… ", bad: "✕ ", note: "" } as const;

export function EventsPane() {
  const { model, view, shown, gated, linked, brief, type, go, change, w } = useShared();
  const [ref, , height] = useSize<HTMLDivElement>();
  const row = Math.round(type * 1.85);
  const needle = view.filter.toLowerCase();
  const listed = useMemo(
    () => (needle === "" ? shown : shown.filter((i) => {
      const r = model.records[i] as TraceRecord;
      return `${r.kind} ${r.host} ${describe(model, i, view.language, gated)} ${model.mailOf[i] ?? ""}`.toLowerCase().includes(needle);
    })), [model, shown, needle, view.language, gated]);
  const here = placeOf(listed, view.cursor);
  const count = gated ? here + 1 : listed.length;
  const [top, onScroll] = useFollow(ref, `${here} ${row} ${height} ${listed.length}`, (at) => here * row >= at && (here + 1) * row <= at + height, () => here * row - height * 0.5);
  const from = Math.max(0, Math.floor(top / row) - 4), to = Math.min(count, Math.ceil((top + height) / row) + 4);
  const pool = Math.ceil((to - from + 1) / 32) * 32; // rows take the elements of those that went out of sight
  const onKey = (e: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (by === undefined) return;
    const k = Math.max(0, Math.min(count - 1, here + by));
    if (listed[k] !== undefined) go(listed[k] as number);
    e.preventDefault();
  };
  return (
    <div class="fill column">
      <div class="bar">
        <input id="filter" type="search" aria-label={w("filter")} placeholder={w("filter")} value={view.filter} onInput={(e) => change({ filter: e.currentTarget.value })} />
        <button type="button" title={w("follow_mail")} aria-pressed={view.follow === "mail"} disabled={!view.mail} onClick={() => change({ follow: view.follow === "mail" ? "" : "mail" })}>{view.mail ? `${w("follow")}: ${view.mail}` : w("follow_mail")}</button>
        <button type="button" title={w("follow_connection")} aria-pressed={view.follow === "connection"} disabled={!view.connection} onClick={() => change({ follow: view.follow === "connection" ? "" : "connection" })}>{w("of_connection")}</button>
        {view.follow !== "" && <button type="button" onClick={() => change({ follow: "" })}>{w("follow_none")}</button>}
      </div>
      <div class="scroll list" ref={ref} role="listbox" tabIndex={0} aria-label={w("events")} aria-activedescendant={here >= from && here < to ? `event-${listed[here]}` : undefined}
        onScroll={onScroll} onKeyDown={onKey}>
        <div role="presentation" style={{ height: `${count * row}px`, position: "relative" }}>
          {Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k).map((k) => {
            const i = listed[k] as number, r = model.records[i] as TraceRecord, tone = model.toneAt(i);
            const own = view.mail !== "" && model.mailOf[i] === view.mail;
            return (
              <div key={k % pool} id={`event-${i}`} role="option" aria-selected={k === here} aria-setsize={count} aria-posinset={k + 1} data-seq={r.seq}
                class={`event ${tone}${k === here ? " picked" : ""}${own ? " own" : ""}${linked.has(i) ? " linked" : ""}${r.host === view.host ? " at-host" : ""}`} style={{ top: `${k * row}px`, height: `${row}px` }} onClick={() => go(i)}>
                <span class="when">{formatTime(r.t, view.language)}</span><span class="who">{r.host === "timeline" ? "" : brief(r.host)}</span>
                <span class="say">{SIGN[tone]}{describe(model, i, view.language, gated)}</span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
