/* The panes that are tables: queues, mails, mailboxes; notes and predictions. */
import { useState } from "preact/hooks";
import { shortName, useShared } from "./context";
import { at, fatesOf } from "./model";
import { TraceRecord } from "./trace";
import { formatSpan, formatTime, valueOf, wordOr } from "./words";

/* A long name may go on below, behind its dots and hyphens; addresses behind the @ and the comma. */
const LONG = 14;
const breakAt = (text: string, behind: RegExp): preact.ComponentChild[] => text.split(behind).flatMap((part, k) => (k > 0 ? [<wbr key={k} />, part] : [part]));
const breakable = (name: string): preact.ComponentChild[] => (name.length > LONG ? breakAt(name, /(?<=[-.])/) : [<span key={0} class="whole">{name}</span>]);
const addresses = (text: string): preact.ComponentChild[] => breakAt(text, /(?<=[@,])/);

const MOST_ROWS = 500; /* of the queue; the message in question is among them, and what is left out is said */

export function QueuePane() {
  const { model, view, gated, change, w } = useShared();
  const now = model.records[view.cursor]?.fields.mail;
  const isMeant = (e: { mail: string }): number => Number(e.mail === view.mail || e.mail === now);
  const rows = model.entries.filter((e) => e.enter <= view.cursor && view.cursor < e.remove).sort((a, b) => isMeant(b) - isMeant(a));
  const left = (until: number | undefined): string => (gated ? "?" : until === undefined ? "" : formatSpan(Math.max(0, until - view.t), view.language));
  return (
    <div class="fill scroll" tabIndex={0} role="region" aria-label={w("queue")}>
      {rows.length === 0 ? <p class="quiet pad">{w("empty_queue")}</p> : (
        <table class="data">
          <thead><tr><th>{w("mail")}</th><th>{w("state")}</th><th class="number">{w("attempts")}</th><th class="number">{w("next_attempt")}</th><th class="number">{w("expires")}</th></tr></thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map((e) => {
              const recipients = e.recipients.size > 0 ? [...e.recipients] : [["", []] as [string, never[]]];
              return recipients.map(([recipient, history]) => {
                const s = at(history, view.cursor);
                const waits = s?.state !== "trying";
                const held = at(e.held, view.cursor) ?? false;
                const state = held ? `‖ ${w("held")}` : s?.state === "turn" ? `… ${w("turn")}` : waits ? `… ${w("waiting")}` : `▶ ${w("trying")}`;
                return (
                  <tr key={`${e.host}${e.id}${recipient}`} class={`${e.mail === view.mail ? "picked" : ""}${e.host === view.host ? " at-host" : ""}`}>
                    <td class="name"><button type="button" class="go" onClick={() => change({ mail: e.mail, host: e.host })}>{breakable(e.mail)}</button><small>{shortName(e.host)}</small></td>
                    <td class={`state${waits && s ? " wait" : ""}`}>{state}{s?.reason && <small>{valueOf(view.language, s.reason)}</small>}</td>
                    <td class="number">{s?.attempt ?? 0}</td><td class="number countdown">{waits && !held ? left(s?.next) : ""}</td><td class="number">{left(e.expires)}</td>
                  </tr>
                );
              });
            })}
          </tbody>
        </table>
      )}
      {rows.length > MOST_ROWS && <p class="quiet pad">{w("left_out")}: {rows.length - MOST_ROWS}</p>}
    </div>
  );
}

const FATE_SIGN = { plain: "•", good: "✓", wait: "…", bad: "✕", note: "" } as const;

export function MailsPane() {
  const { model, view, gated, change, w } = useShared();
  const verdicts = gated ? [] : model.meta.expectations ?? [];
  const mails = [...model.mails.values()].filter((m) => m.first <= view.cursor);
  return (
    <div class="fill scroll" tabIndex={0} role="region" aria-label={w("mails")}>
      <table class="data">
        <thead><tr><th>{w("mail")}</th><th>{w("fate")}</th><th>{w("from")}</th><th>{w("to")}</th></tr></thead>
        <tbody>
          {mails.slice(0, 500).map((m) => {
            const fate = at(m.fates, view.cursor);
            return (
              <tr key={m.name} class={m.name === view.mail ? "picked" : ""}>
                <td class="name"><button type="button" class="go" aria-pressed={m.name === view.mail} onClick={() => change({ mail: m.name })}>{breakable(m.name)}</button><small>{m.subject}</small></td>
                <td class={fate?.tone ?? ""}>{fate && <>{FATE_SIGN[fate.tone]} {wordOr(view.language, fate.fate)}<small class="when">{formatTime(model.records[fate.i]?.t ?? 0, view.language)}</small></>}
                  {fatesOf(m, view.cursor).map(([recipient, f]) => <small key={recipient} class={`each ${f.tone}`}>{recipient.replace(/@.*/, "")}: {FATE_SIGN[f.tone]} {wordOr(view.language, f.fate)}</small>)}</td>
                <td>{addresses(m.from)}</td><td>{addresses(m.to)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {verdicts.length > 0 && <h4 class="pad">{w("expectations")}: {verdicts.filter((v) => v.holds).length} / {verdicts.length}</h4>}
      <ul class="layers verdicts pad">
        {verdicts.map((v, k) => <li key={k} class={v.holds ? "" : "bad"}><span class={v.holds ? "good" : "bad"}>{v.holds ? "✓" : "✕"}</span> <span>{v.text}{v.holds ? "" : ` (${v.actual})`}</span></li>)}
      </ul>
    </div>
  );
}

export function MailboxesPane() {
  const { model, view, change, w } = useShared();
  const there = model.stored.filter((s) => s.store <= view.cursor && view.cursor < s.expunge);
  return (
    <div class="fill scroll" tabIndex={0} role="region" aria-label={w("mailboxes")}>
      {there.length === 0 ? <p class="quiet pad">{w("empty_mailbox")}</p> : (
        <table class="data">
          <thead><tr><th>{w("user")}</th><th>{w("folder")}</th><th>{w("mail")}</th><th>{w("subject")}</th><th>{w("flags")}</th></tr></thead>
          <tbody>
            {there.slice(0, 500).map((s) => (
              <tr key={`${s.host}${s.user}${s.folder}${s.uid}`} class={`${s.mail === view.mail ? "picked" : ""}${s.host === view.host ? " at-host" : ""}`}>
                <td class="name">{s.user}<small>{shortName(s.host)}</small></td><td>{s.folder}</td><td class="name"><button type="button" class="go" onClick={() => change({ mail: s.mail })}>{breakable(s.mail)}</button></td>
                <td>{model.mails.get(s.mail)?.subject ?? ""}</td><td>{at(s.flags, view.cursor) ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

export function NotesPane() {
  const { model, view, go, change, w } = useShared();
  const seq = (model.records[view.cursor] as TraceRecord | undefined)?.seq ?? 0;
  const [text, setText] = useState("");
  const keep = (): void => {
    if (text.trim() === "") return;
    change({ notes: { ...view.notes, [seq]: text.trim().slice(0, 400) } });
    setText("");
  };
  return (
    <div class="fill scroll pad" tabIndex={0} role="region" aria-label={w("notes")}>
      <label>{w("note_here")}<textarea maxLength={400} rows={2} value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
      <button type="button" onClick={keep}>{w("add_note")}</button>
      <ul class="layers">
        {Object.entries(view.notes).map(([key, note]) => {
          const i = model.bySeq.get(Number(key));
          return i === undefined ? null : (
            <li key={key}><button type="button" class="go" onClick={() => go(i)}><span class="when">{formatTime(model.times[i] as number, view.language)}</span> {note}</button>{" "}
              <button type="button" onClick={() => { const notes = { ...view.notes }; delete notes[Number(key)]; change({ notes }); }}>{w("remove")}</button></li>
          );
        })}
      </ul>
    </div>
  );
}

export function PredictPane() {
  const { model, view, gated, change, w } = useShared();
  const questions = model.meta.questions ?? [];
  const [guesses, setGuesses] = useState<string[]>(questions.map(() => ""));
  const say = (text: Record<string, string>): string => text[view.language] ?? text["en"] ?? Object.values(text)[0] ?? "";
  const isReady = guesses.every((g) => g.trim() !== "");
  return (
    <form class="fill scroll pad predict" tabIndex={0} aria-label={w("predict")} onSubmit={(e) => { e.preventDefault(); if (isReady) change({ guessed: true }); }}>
      {gated && <p><b>{w("predict_first")}</b></p>}
      <ol>
        {questions.map((q, k) => (
          <li key={k}>
            <label>{say(q.ask)}
              <input type="text" autocomplete="off" placeholder={w("guess")} readOnly={!gated} value={guesses[k] ?? ""} onInput={(e) => setGuesses(guesses.map((g, n) => (n === k ? e.currentTarget.value : g)))} />
            </label>
            {!gated && <p class="answer"><b>{w("answer")}: {q.answer}</b> {say(q.explain)}</p>}
          </li>
        ))}
      </ol>
      {gated && <p><button type="submit" class="main" disabled={!isReady}>{w("commit")}</button> <button type="button" class="skip" onClick={() => change({ guessed: true })}>{w("skip")}</button></p>}
    </form>
  );
}
