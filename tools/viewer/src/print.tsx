/* What is printed: the mails, the notes, and a table of the events shown. */
import { Model, at } from "./model";
import { TraceRecord } from "./trace";
import { View } from "./view";
import { describe, formatTime, word, wordOr } from "./words";

const PRINTED_MAXIMUM = 2000;

export function PrintSheet({ model, view, shown, gated }: { model: Model; view: View; shown: Int32Array; gated: boolean }) {
  const events = gated ? shown.filter((i) => i <= view.cursor) : shown;
  const w = (key: Parameters<typeof word>[1]): string => word(view.language, key);
  const end = gated ? view.cursor : model.records.length;
  return (
    <div>
      <h1>{model.meta.title?.[view.language] ?? model.header.title}</h1>
      <table><thead><tr><th>{w("mail")}</th><th>{w("from")}</th><th>{w("to")}</th><th>{w("subject")}</th><th>{w("fate")}</th></tr></thead>
        <tbody>{[...model.mails.values()].filter((m) => m.first <= end).map((m) => <tr key={m.name}><td>{m.name}</td><td>{m.from}</td><td>{m.to}</td><td>{m.subject}</td><td>{wordOr(view.language, at(m.fates, end)?.fate ?? "")}</td></tr>)}</tbody></table>
      <ul>{Object.entries(view.notes).map(([seq, note]) => <li key={seq}>{formatTime(model.times[model.bySeq.get(Number(seq)) ?? 0] ?? 0, view.language)} {note}</li>)}</ul>
      <table><thead><tr><th>{w("time")}</th><th>{w("host")}</th><th>{w("what")}</th></tr></thead>
        <tbody>{Array.from(events.slice(0, PRINTED_MAXIMUM), (i) => { const r = model.records[i] as TraceRecord; return <tr key={i}><td>{formatTime(r.t, view.language)}</td><td>{r.host}</td><td>{describe(model, i, view.language, gated)}</td></tr>; })}</tbody></table>
      {events.length > PRINTED_MAXIMUM && <p>{w("left_out")}: {events.length - PRINTED_MAXIMUM} {w("records")}</p>}
    </div>
  );
}
