/* The selected event in its layers: mail, line, segment, octets; why it came about, what followed. */
import { useMemo, useState } from "preact/hooks";
import { Bytes } from "./bytes";
import { shortName, useCalm, useShared } from "./context";
import { Model, isLine, isSending } from "./model";
import { Part, Stretch, carriersOf, inFrame, stretchesIn, wireOf } from "./stream";
import { TraceRecord, str } from "./trace";
import { connectionOf } from "./view";
import { describe, formatTime, valueOf } from "./words";

const LISTED_MAXIMUM = 60;
const LISTED_FIRST = 3; /* of the segments of a long message, until a person wants them all */

/** The line of a dialogue that set a record off: of the connection that it is about, or its own look-up. */
export function lineOf(model: Model, i: number, connection: string): number | undefined {
  const isLookup = /^(dns|udp|link)/.test((model.records[i] as TraceRecord).kind);
  return model.causesOf(i).find((k) => {
    const r = model.records[k] as TraceRecord;
    return isLine(r.kind) && (r.kind.startsWith("dns.") ? isLookup : model.isOfConnection(k, connection));
  });
}
/** The segments that a line set off on its own machine: what is left when its octets cannot be found. */
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
  const { model, view, gated, go } = useShared();
  const r = model.records[i] as TraceRecord;
  return (
    <button type="button" class={`go${i === view.cursor ? " picked" : ""}`} onClick={() => go(i)}>
      <span class="when">{formatTime(r.t, view.language)}</span> <b>{r.host === "timeline" ? "" : shortName(r.host)}</b> {describe(model, i, view.language, gated)}
    </button>
  );
}

function Layer({ name, of }: { name: string; of: readonly number[] }) {
  const { w } = useShared();
  const [isOpen, setOpen] = useState(false);
  const count = Math.min(of.length, isOpen ? LISTED_MAXIMUM : LISTED_FIRST);
  return (
    <>
      {of.slice(0, count).map((k) => <li key={k}><span class="tag">{name}</span> <Link i={k} /></li>)}
      {of.length > LISTED_FIRST && <li><span class="tag">{name}</span> <button type="button" class="go" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? "−" : `+${of.length - count}`}</button></li>}
      {isOpen && of.length > count && <li class="quiet">{w("left_out")}: {of.length - count}</li>}
    </>
  );
}

/* The message's own header fields and body, of a line that is a message's content. */
function Parts({ stretch, picked, onPick }: { stretch: Stretch; picked: Part | undefined; onPick: (part: Part) => void }) {
  const { view, w } = useShared();
  return (
    <>
      <h4>{w("parts")}</h4>
      <table class="fields parts"><tbody>
        {stretch.parts.map((p) => (
          <tr key={p.from} class={p === picked ? "lit" : ""}><th scope="row"><button type="button" class="go" aria-pressed={p === picked} onClick={() => onPick(p)}>{valueOf(view.language, p.layer)} · {p.layer === "header" ? p.name : valueOf(view.language, p.name)}</button></th><td>{p.value}</td></tr>
        ))}
      </tbody></table>
    </>
  );
}

export function DetailPane() {
  const { model, view, gated, moving, w, change } = useShared();
  const i = useCalm(view.cursor, moving), record = model.records[i];
  const [chosen, setChosen] = useState<{ i: number; part: Part | undefined }>();
  const part = chosen?.i === i ? chosen.part : undefined;
  const wire = useMemo(() => wireOf(model, i), [model, i]);
  if (!record) return null;
  const seen = (k: number): boolean => !gated || k <= i;
  const mail = model.mailOf[i], packet = str(record, "packet");
  const lines = wire ? wire.stretches.map((s) => s.i) : [lineOf(model, i, connectionOf(model, i))].filter((k): k is number => k !== undefined);
  const stretch = wire?.stretch;
  const carriers = (wire && stretch ? carriersOf(wire.stream, part ?? stretch) : wire?.carriers ?? []).filter((c) => seen(c.i));
  const segments = wire ? carriers.map((c) => c.i) : lines.flatMap((line) => wireOf(model, line)?.carriers.map((c) => c.i) ?? segmentsOf(model, line)).filter(seen);
  const hops = packet ? model.hopsOf(packet).filter(seen) : [];
  const carrier = carriers[0];
  const sent = packet ? model.packetSent.get(packet) : carrier?.i ?? (isLine(record.kind) ? segments[0] : undefined);
  const lit = carrier && stretch ? inFrame(carrier, part ?? stretch) : undefined;
  const causes = model.causesOf(i).slice(1);
  const because = record.because > 0 ? model.bySeq.get(record.because) : undefined;
  const effects = gated ? [] : model.effectsOf(i);
  const kind = model.kinds.get(record.kind);
  return (
    <div class="fill scroll pad" tabIndex={0} role="region" aria-label={w("detail")}>
      <h3>{record.kind} <small>{formatTime(record.t, view.language)} · {record.host} · #{record.seq}</small></h3>
      {kind && view.language === "en" && <p class="quiet">{kind.meaning}</p>}
      <h4>{w("layers")}</h4>
      <ul class="layers">
        {mail !== undefined && <li><span class="tag">{w("mail")}</span> <button type="button" class="go" onClick={() => change({ mail })}>{mail} {model.mails.get(mail)?.subject ?? ""}</button></li>}
        {str(record, "connection") && <li><span class="tag">{w("connection")}</span> {str(record, "connection")} → {model.connections.get(str(record, "connection"))?.remote ?? ""}</li>}
        <Layer name={w("line")} of={lines} />
        <Layer name={w("segments")} of={segments} />
        <Layer name={w("hop")} of={hops} />
      </ul>
      {stretch && <Parts stretch={stretch} picked={part} onPick={(p) => setChosen({ i, part: p === part ? undefined : p })} />}
      <h4>{w("fields")}</h4>
      <table class="fields"><tbody>
        {Object.entries(record.fields).filter(([key]) => key !== "frame").map(([key, value]) => (
          <tr key={key}><th scope="row" title={kind?.fields.find((f) => f.key === key)?.meaning}>{key}</th><td>{kind?.fields.find((f) => f.key === key)?.type !== "time" ? String(value) : gated && Number(value) > record.t ? "?" : formatTime(Number(value), view.language)}</td></tr>
        ))}
      </tbody></table>
      <h4 id="why">{w("why")}</h4>
      <ol class="chain">
        {because !== undefined && <li class="because"><span class="tag">{w("because")}</span> <Link i={because} /></li>}
        {causes.slice(0, LISTED_MAXIMUM).map((k) => <li key={k}><Link i={k} /></li>)}
      </ol>
      {causes.length > LISTED_MAXIMUM && <p class="quiet">{w("left_out")}: {causes.length - LISTED_MAXIMUM}</p>}
      <h4 id="next">{w("next")}</h4>
      {gated ? <p class="quiet">{w("hidden")}</p> : effects.length === 0 ? <p class="quiet">{w("no_next")}</p>
        : <ol class="chain">{effects.slice(0, LISTED_MAXIMUM).map((k) => <li key={k}><Link i={k} /></li>)}</ol>}
      {effects.length > LISTED_MAXIMUM && <p class="quiet">{w("left_out")}: {effects.length - LISTED_MAXIMUM}</p>}
      {sent !== undefined && seen(sent) && str(model.records[sent] as TraceRecord, "frame") &&
        <Bytes sent={sent} carrier={carrier} stretches={carrier && wire ? stretchesIn(wire.stream, carrier) : NONE} lit={lit} />}
    </div>
  );
}
const NONE: readonly Stretch[] = [];
