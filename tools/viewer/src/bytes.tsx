/* The octets of a frame, each with its name: header fields, and the lines that the segment carries. */
import { useMemo, useState } from "preact/hooks";
import { useShared } from "./context";
import { FrameField, decodeBase64, dissect, printable } from "./frame";
import { Carrier, Part, Stretch, inFrame } from "./stream";
import { TraceRecord, str } from "./trace";
import { valueOf } from "./words";

const ROW = 16;
const SHOWN_MAXIMUM = 2048;

/** The fields of a segment's frame; its payload is named by the lines in it. */
export function namedFields(bytes: Uint8Array, carrier: Carrier | undefined, stretches: readonly Stretch[]): (FrameField & { line?: number })[] {
  const fields: (FrameField & { line?: number })[] = dissect(bytes);
  if (!carrier) return fields;
  const parts = stretches.flatMap((s) => s.parts.filter((p) => p.from < carrier.to && carrier.from < p.to).map((p) => ({ ...inFrame(carrier, p), layer: p.layer, name: partName(p, carrier), value: p.value, line: s.i })));
  return parts.length === 0 ? fields : [...fields.filter((f) => f.layer !== "Data"), ...parts];
}
const partName = (p: Part, c: Carrier): string => (p.from < c.from || p.to > c.to ? `${p.name} (…)` : p.name);

export interface Range { readonly from: number; readonly to: number }

export function Bytes({ sent, carrier, stretches, lit: wanted }: { sent: number; carrier: Carrier | undefined; stretches: readonly Stretch[]; lit: Range | undefined }) {
  const { model, view, w, go } = useShared();
  const frame = str(model.records[sent] as TraceRecord, "frame");
  const bytes = useMemo(() => decodeBase64(frame), [frame]);
  const fields = useMemo(() => namedFields(bytes, carrier, stretches), [bytes, carrier, stretches]);
  /* What a person has chosen here, as long as the frame and what is wanted of it stay the same. */
  const [chosen, setChosen] = useState<{ key: string; lit: Range | undefined; octet: number }>();
  const key = `${sent}:${wanted?.from}:${wanted?.to}`;
  const { lit, octet } = chosen?.key === key ? chosen : { lit: wanted, octet: -1 };
  const pick = (at: number): void => setChosen({ key, lit: fields.find((f) => at >= f.from && at < f.to), octet: at });
  const onKey = (e: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: ROW, ArrowUp: -ROW }[e.key];
    if (by === undefined) return;
    pick(Math.max(0, Math.min(bytes.length - 1, (octet < 0 ? (lit?.from ?? 0) - by : octet) + by)));
    e.preventDefault();
    e.stopPropagation();
  };
  const named = octet < 0 ? undefined : fields.find((f) => octet >= f.from && octet < f.to);
  const isLit = (f: Range): boolean => lit !== undefined && f.from >= lit.from && f.to <= lit.to;
  const end = Math.min(bytes.length, SHOWN_MAXIMUM);
  /* Where a row is cut into pieces of one look: at the edges of fields and of what is lit. */
  const edges = useMemo(() => new Set(fields.flatMap((f) => [f.from, f.to])), [fields]);
  const pieces = (from: number, to: number): Range[] => {
    const found: Range[] = [];
    for (let at = from; at < to;) {
      let next = at + 1;
      while (next < to && !edges.has(next) && next !== lit?.from && next !== lit?.to && next !== octet && next !== octet + 1) next++;
      found.push({ from: at, to: next });
      at = next;
    }
    return found;
  };
  const look = (p: Range): string => `${lit && p.from >= lit.from && p.to <= lit.to ? "lit" : ""}${p.from === octet ? " octet" : ""}`;
  return (
    <div>
      <h4>{w("bytes")} ({bytes.length})</h4>
      <div class="frame">
        <table class="fields headers"><tbody>
          {fields.map((f, k) => (
            <tr key={k} class={isLit(f) ? "lit" : ""}>
              <th scope="row"><button type="button" class="go" aria-pressed={isLit(f)} onClick={() => setChosen({ key, lit: f, octet: -1 })}>{valueOf(view.language, f.layer)} · {f.layer === "header" ? f.name : valueOf(view.language, f.name)}</button></th>
              <td>{f.value}{f.line !== undefined && f.line !== view.cursor && <button type="button" class="go to-line" aria-label={w("to_line")} title={w("to_line")} onClick={() => go(f.line as number)}>→</button>}</td>
            </tr>
          ))}
        </tbody></table>
        <div class="hex" role="group" tabIndex={0} aria-label={`${w("bytes")}: ${w("octet_keys")}`} onKeyDown={onKey}>
          {Array.from({ length: Math.ceil(end / ROW) }, (_, r) => {
            const from = r * ROW, row = pieces(from, Math.min(from + ROW, end));
            return (
              <div key={r} aria-hidden="true">
                <span class="quiet">{from.toString(16).padStart(4, "0")} </span>
                {row.map((p) => <span key={p.from} class={look(p)} onClick={() => pick(p.from)}>{Array.from(bytes.subarray(p.from, p.to), (b) => b.toString(16).padStart(2, "0")).join(" ")} </span>)}
                {end - from < ROW && "   ".repeat(ROW - (end - from))}
                {row.map((p) => <span key={`c${p.from}`} class={`char ${look(p)}`} onClick={() => pick(p.from)}>{Array.from(bytes.subarray(p.from, p.to), printable).join("")}</span>)}
              </div>
            );
          })}
          {bytes.length > end && <div class="quiet">{w("left_out")}: {bytes.length - end}</div>}
          <div class="octet-name" role="status">{octet < 0 ? "" : `${octet}: 0x${(bytes[octet] ?? 0).toString(16).padStart(2, "0")} ${named ? `${named.layer} · ${named.name} ${named.value}` : ""}`}</div>
        </div>
      </div>
    </div>
  );
}
