/* The selected event in its layers: mail, line, segment, octets; why it came about, what followed. */
import { useMemo, useState } from "preact/hooks";
import { shortName, useShared } from "./context";
import { decodeBase64, dissect, printable } from "./frame";
import { Model, isLine, isSending } from "./model";
import { TraceRecord, str } from "./trace";
import { describe, formatTime } from "./words";

const LISTED_MAXIMUM = 60;

/** The line of a dialogue that a record belongs to. */
export function lineOf(model: Model, i: number): number | undefined {
  return model.causesOf(i).find((k) => isLine((model.records[k] as TraceRecord).kind));
}
/** The segments that a line set off on its own machine. */
export function segmentsOf(model: Model, line: number): number[] {
  const found: number[] = [], open = [...model.effectsOf(line)], host = (model.records[line] as TraceRecord).host;
  for (let steps = 0; open.length > 0 && steps < 2000; steps++) {
    const k = open.shift() as number, r = model.records[k] as TraceRecord;
    if (r.host !== host || isLine(r.kind)) continue;
    if (isSending(r.kind)) found.push(k);
    else open.push(...model.effectsOf(k));
  }
  return found.sort((a, b) => a - b);
}

function Link({ i }: { i: number }) {
  const { model, view, go } = useShared();
  const r = model.records[i] as TraceRecord;
  return (
    <button type="button" class={`go${i === view.cursor ? " picked" : ""}`} onClick={() => go(i)}>
      <span class="when">{formatTime(r.t)}</span> <b>{r.host === "timeline" ? "" : shortName(r.host)}</b> {describe(model, i, view.language)}
    </button>
  );
}

export function DetailPane() {
  const { model, view, gated, w, change } = useShared();
  const i = view.cursor, record = model.records[i];
  if (!record) return null;
  const mail = model.mailOf[i], line = lineOf(model, i);
  const packet = str(record, "packet");
  const sent = packet ? model.packetSent.get(packet) : undefined;
  const segments = line === undefined ? [] : segmentsOf(model, line).filter((k) => !gated || k <= i);
  const hops = packet ? model.transmissions.filter((x) => x.packet === packet && (!gated || x.i <= i)).map((x) => x.i) : [];
  const causes = model.causesOf(i).slice(1);
  const because = record.because > 0 ? model.bySeq.get(record.because) : undefined;
  const effects = gated ? [] : model.effectsOf(i);
  const kind = model.kinds.get(record.kind);
  return (
    <div class="fill scroll pad" tabIndex={0} role="region" aria-label={w("detail")}>
      <h3>{record.kind} <small>{formatTime(record.t)} · {record.host} · #{record.seq}</small></h3>
      {kind && view.language === "en" && <p class="quiet">{kind.meaning}</p>}
      <h4>{w("layers")}</h4>
      <ul class="layers">
        {mail !== undefined && <li><span class="tag">{w("mail")}</span> <button type="button" class="go" onClick={() => change({ mail })}>{mail} {model.mails.get(mail)?.subject ?? ""}</button></li>}
        {str(record, "connection") && <li><span class="tag">{w("connection")}</span> {str(record, "connection")} → {model.connections.get(str(record, "connection"))?.remote ?? ""}</li>}
        {line !== undefined && <li><span class="tag">{w("line")}</span> <Link i={line} /></li>}
        {segments.slice(0, LISTED_MAXIMUM).map((k) => <li key={k}><span class="tag">{w("segments")}</span> <Link i={k} /></li>)}
        {hops.slice(0, LISTED_MAXIMUM).map((k) => <li key={k}><span class="tag">{w("map")}</span> <Link i={k} /></li>)}
      </ul>
      <h4>{w("fields")}</h4>
      <table class="fields"><tbody>
        {Object.entries(record.fields).filter(([key]) => key !== "frame").map(([key, value]) => (
          <tr key={key}><th scope="row" title={kind?.fields.find((f) => f.key === key)?.meaning}>{key}</th><td>{kind?.fields.find((f) => f.key === key)?.type === "time" ? formatTime(Number(value)) : String(value)}</td></tr>
        ))}
      </tbody></table>
      <h4 id="why">{w("why")}</h4>
      <ol class="chain">
        {because !== undefined && <li class="because"><span class="tag">{w("because")}</span> <Link i={because} /></li>}
        {causes.slice(0, LISTED_MAXIMUM).map((k) => <li key={k}><Link i={k} /></li>)}
      </ol>
      <h4 id="next">{w("next")}</h4>
      {gated ? <p class="quiet">{w("hidden")}</p> : effects.length === 0 ? <p class="quiet">{w("no_next")}</p>
        : <ol class="chain">{effects.slice(0, LISTED_MAXIMUM).map((k) => <li key={k}><Link i={k} /></li>)}</ol>}
      {sent !== undefined && str(model.records[sent] as TraceRecord, "frame") && <Bytes frame={str(model.records[sent] as TraceRecord, "frame")} />}
    </div>
  );
}

const ROW = 16;

function Bytes({ frame }: { frame: string }) {
  const { w } = useShared();
  const bytes = useMemo(() => decodeBase64(frame), [frame]);
  const fields = useMemo(() => dissect(bytes), [bytes]);
  const [lit, setLit] = useState(-1);
  const field = fields[lit];
  const isLit = (at: number): boolean => field !== undefined && at >= field.from && at < field.to;
  const pick = (at: number): void => setLit(fields.findIndex((f) => at >= f.from && at < f.to));
  return (
    <div>
      <h4>{w("bytes")} ({bytes.length})</h4>
      <div class="frame">
        <table class="fields headers"><tbody>
          {fields.map((f, k) => (
            <tr key={k} class={k === lit ? "lit" : ""}>
              <th scope="row"><button type="button" class="go" aria-pressed={k === lit} onClick={() => setLit(k)}>{f.layer} · {f.name}</button></th><td>{f.value}</td>
            </tr>
          ))}
        </tbody></table>
        <pre class="hex" aria-label={w("bytes")}>
          {Array.from({ length: Math.ceil(Math.min(bytes.length, 2048) / ROW) }, (_, r) => (
            <div key={r}>
              <span class="quiet">{(r * ROW).toString(16).padStart(4, "0")} </span>
              {Array.from(bytes.slice(r * ROW, r * ROW + ROW), (b, k) => <span key={k} class={isLit(r * ROW + k) ? "lit" : ""} onClick={() => pick(r * ROW + k)}>{b.toString(16).padStart(2, "0")} </span>)}
              {Array.from(bytes.slice(r * ROW, r * ROW + ROW), (b, k) => <span key={k} class={isLit(r * ROW + k) ? "lit" : ""}>{printable(b)}</span>)}
            </div>
          ))}
        </pre>
      </div>
    </div>
  );
}
