/* The page: reads what is embedded, shows the panes, listens to the keyboard. */
import { render } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Axis } from "./axis";
import { ChartsPane } from "./charts";
import { Shared, SharedContext, briefNames, shortName, useShared, useType } from "./context";
import { DetailPane } from "./detail";
import { EventsPane } from "./events";
import { LadderPane } from "./ladder";
import { MapPane } from "./map";
import { Model } from "./model";
import { PrintSheet } from "./print";
import { StatesPane } from "./states";
import { linkedTo } from "./stream";
import { MailboxesPane, MailsPane, NotesPane, PredictPane, QueuePane } from "./tables";
import { LEVELS, Meta, TraceError, readTrace } from "./trace";
import { Transport, TransportActions } from "./transport";
import { Pane, UNITS, Unit, View, findStep, moveTo, placeOnAxis, readFragment, select, shownRecords, writeFragment } from "./view";
import { Language, describe, formatTime, word } from "./words";

const SHOWS: Record<Pane, () => preact.JSX.Element | null> = {
  map: MapPane, ladder: LadderPane, events: EventsPane, detail: DetailPane, queue: QueuePane, mails: MailsPane,
  mailboxes: MailboxesPane, states: StatesPane, charts: ChartsPane, notes: NotesPane, predict: PredictPane,
};
const SLOTS: readonly (readonly Pane[])[] = [["map"], ["queue", "mails", "mailboxes", "charts"], ["ladder"], ["events"], ["detail", "states", "notes", "predict"]];
const LECTURE: readonly Pane[] = ["map", "ladder", "events", "detail", "queue", "mails", "mailboxes", "states", "charts", "predict"];

function Slot({ index, panes, name }: { index: 0 | 1 | 2 | 3; panes: readonly Pane[]; name: string }) {
  const { view, model, change, w } = useShared();
  const offered = panes.filter((p) => p !== "predict" || (model.meta.questions ?? []).length > 0);
  const pane = offered.includes(view.panes[index]) ? view.panes[index] : (offered[0] as Pane);
  const Show = SHOWS[pane];
  const pick = (p: Pane): void => change({ panes: view.panes.map((old, k) => (k === index ? p : old)) as unknown as View["panes"] });
  const onKey = (e: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (by === undefined) return;
    const next = offered[(offered.indexOf(pane) + by + offered.length) % offered.length] as Pane;
    pick(next);
    document.getElementById(`tab-${name}-${next}`)?.focus();
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div class={`slot ${name}`}>
      {offered.length > 1
        ? <div class="tabs" role="tablist" aria-label={w(pane)} onKeyDown={onKey}>
            {offered.map((p) => <button type="button" key={p} id={`tab-${name}-${p}`} role="tab" aria-selected={p === pane} aria-controls={`panel-${name}`} tabIndex={p === pane ? 0 : -1} onClick={() => pick(p)}>{w(p)}</button>)}
          </div>
        : <h2>{w(pane)}</h2>}
      <div class="panel" id={`panel-${name}`} {...(offered.length > 1 ? { role: "tabpanel", "aria-labelledby": `tab-${name}-${pane}` } : {})}><Show key={pane} /></div>
    </div>
  );
}

const PLAY_RECORD_SECONDS = 0.35;

function usePlay(view: View, axis: Axis, advance: (by: number) => void): void {
  const latest = useRef(advance);
  latest.current = advance;
  useEffect(() => {
    if (!view.playing) return undefined;
    let frame = 0, last = performance.now();
    const length = Math.min(240, Math.max(15, axis.xs.length * PLAY_RECORD_SECONDS));
    const tick = (now: number): void => {
      latest.current(((now - last) / 1000 / length) * view.speed);
      last = now;
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [view.playing, view.speed, axis]);
}

const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

function Page({ model }: { model: Model }) {
  const questions = model.meta.questions ?? [];
  const [view, setView] = useState<View>(() => readFragment(model, location.hash, initialView(model)));
  const [isHelp, setHelp] = useState(false);
  const shown = useMemo(() => shownRecords(model, view), [model, view.level, view.follow, view.follow === "mail" && view.mail, view.follow === "connection" && view.connection]);
  const axis = useMemo(() => new Axis(view.axis, Float64Array.from(shown, (i) => model.times[i] as number)), [model, shown, view.axis]);
  const gated = questions.length > 0 && !view.guessed;
  const type = useType(view.lecture);
  const brief = useMemo(() => { const names = briefNames(model.nodes); return (host: string): string => names.get(host) ?? shortName(host); }, [model]);
  const [scrubbing, setScrubbing] = useState(false);
  const linked = useMemo(() => linkedTo(model, view.cursor), [model, view.cursor]);
  const change = useCallback((part: Partial<View>) => setView((v) => ({ ...v, ...part })), []);
  const go = useCallback((i: number) => setView((v) => select(model, v, i)), [model]);
  const w = useCallback((key: Parameters<Shared["w"]>[0]) => word(view.language, key), [view.language]);
  const shared: Shared = { model, view, shown, axis, gated, linked, brief, moving: scrubbing || view.playing, type, w, change, go };
  const allows = (v: View) => (i: number): boolean =>
    v.follow === "mail" ? model.isAbout(i, v.mail) : v.follow === "connection" ? model.isOfConnection(i, v.connection) : true;

  /* A class that has not guessed yet is to see what it is asked. */
  const toggleLecture = (): void => change({ lecture: !view.lecture, ...(gated && !view.lecture ? { panes: [view.panes[0], "predict", view.panes[2], view.panes[3]] } : {}) });
  const actions: TransportActions = {
    step: (direction, unit) => setView((v) => {
      const i = findStep(model, v.cursor, unit ?? v.unit, direction, allows(v));
      return i === undefined ? { ...v, playing: false } : select(model, v, i);
    }),
    toggle: () => change({ playing: !view.playing }),
    seek: (x) => setView((v) => ({ ...moveTo(model, v, axis, shown, x), playing: false })),
    edge: (direction) => (direction > 0 && gated ? undefined : setView((v) => select(model, v, (direction < 0 ? shown[0] : shown[shown.length - 1]) ?? 0))),
  };
  /* Where on the axis playing is: between records of one moment the time does not tell. */
  const played = useRef({ x: 0, cursor: -1, t: 0 });
  usePlay(view, axis, (by) => setView((v) => {
    if (!v.playing) return v; // paused since the frame began
    const last = played.current;
    const x = Math.max(by, 1e-9) + (last.cursor === v.cursor && last.t === v.t ? last.x : placeOnAxis(axis, shown, v));
    if (x >= 1) return { ...select(model, v, shown[shown.length - 1] ?? 0), playing: false };
    const next = { ...moveTo(model, v, axis, shown, x), playing: true };
    played.current = { x, cursor: next.cursor, t: next.t };
    return next;
  }));

  useEffect(() => {
    document.documentElement.lang = view.language;
    document.documentElement.dataset["theme"] = view.dark ? "dark" : "light";
    document.documentElement.dataset["lecture"] = view.lecture ? "1" : "0";
    document.documentElement.style.setProperty("--size", `${type}px`);
    document.title = title(model, view.language);
  }, [view.language, view.dark, view.lecture, type]);
  useEffect(() => {
    if (view.playing) return undefined;
    const later = setTimeout(() => history.replaceState(null, "", `#${writeFragment(model, view)}`), 120);
    return () => clearTimeout(later);
  }, [view]);
  useEffect(() => {
    /* By the event: the address itself may have been written anew since. */
    const onHash = (e: HashChangeEvent): void => setView((v) => readFragment(model, new URL(e.newURL).hash, { ...v, playing: false }));
    window.addEventListener("hashchange", onHash);
    return () => window.removeEventListener("hashchange", onHash);
  }, [model]);

  const onKey = (e: KeyboardEvent): void => {
    if (e.ctrlKey || e.metaKey || e.altKey || (isTyping(e.target) && e.key !== "Escape")) return;
    const isButton = e.target instanceof HTMLButtonElement;
    const keys: Record<string, () => void> = {
      ArrowRight: () => actions.step(1, e.shiftKey ? "message" : undefined), ArrowLeft: () => actions.step(-1, e.shiftKey ? "message" : undefined),
      PageDown: () => actions.step(1), PageUp: () => actions.step(-1), Home: () => actions.edge(-1), End: () => actions.edge(1),
      a: () => change({ axis: (["gaps", "linear", "step"] as const)[(["gaps", "linear", "step"].indexOf(view.axis) + 1) % 3] as View["axis"] }),
      l: toggleLecture,
      w: () => { change({ panes: setPane(view, "detail") }); setTimeout(() => document.getElementById("why")?.scrollIntoView(), 50); },
      n: () => { change({ panes: setPane(view, "detail") }); setTimeout(() => document.getElementById("next")?.scrollIntoView(), 50); },
      m: () => change({ follow: view.follow === "mail" || !view.mail ? "" : "mail" }),
      c: () => change({ follow: view.follow === "connection" || !view.connection ? "" : "connection" }),
      "/": () => document.getElementById("filter")?.focus(),
      Escape: () => { change({ follow: "", filter: "" }); setHelp(false); (document.activeElement as HTMLElement | null)?.blur(); },
      p: () => window.print(), "?": () => setHelp(!isHelp),
      "+": () => change({ speed: Math.min(8, view.speed * 2) }), "-": () => change({ speed: Math.max(0.25, view.speed / 2) }),
    };
    UNITS.forEach((unit: Unit, k) => { keys[String(k + 1)] = () => change({ unit, ...(unit === "segment" && model.header.level === "segment" ? { level: "segment" as const } : {}) }); });
    if (!isButton) keys[" "] = actions.toggle;
    const action = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!action) return;
    action();
    e.preventDefault();
  };
  const latestKey = useRef(onKey);
  latestKey.current = onKey;
  useEffect(() => {
    const listen = (e: KeyboardEvent): void => { if (!e.defaultPrevented) latestKey.current(e); };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
  useEffect(() => {
    const sheet = document.getElementById("sheet") as HTMLElement;
    const onPrint = (): void => render(<PrintSheet model={model} view={view} shown={shown} gated={gated} />, sheet);
    window.addEventListener("beforeprint", onPrint);
    return () => window.removeEventListener("beforeprint", onPrint);
  }, [model, view, shown, gated]);

  const record = model.records[view.cursor];
  const left = LEVELS.filter((l, k) => k > LEVELS.indexOf(model.header.level) && model.meta.records[l] > 0);
  return (
    <SharedContext.Provider value={shared}>
      <header>
        <h1>{title(model, view.language)}</h1>
        {left.length > 0 && <p class="omitted" id="left-out">{w("left_out")}: {left.map((l) => `${model.meta.records[l].toLocaleString("en")} ${w("records")} (${w(`level_${l}`)})`).join(", ")}</p>}
        <nav>
          <button type="button" id="lecture" aria-pressed={view.lecture} onClick={toggleLecture}>{w("lecture")}</button>
          <button type="button" id="theme" aria-pressed={view.dark} onClick={() => change({ dark: !view.dark })}>{w("theme")}</button>
          <button type="button" id="language" lang={view.language === "en" ? "ko" : "en"} onClick={() => change({ language: view.language === "en" ? "ko" : "en" })}>{w("language")}</button>
          <button type="button" onClick={() => window.print()}>{w("print")}</button>
          <button type="button" id="help" aria-expanded={isHelp} onClick={() => setHelp(!isHelp)}>{w("help")}</button>
        </nav>
        {isHelp && <p class="keys">{w("keys")}</p>}
      </header>
      <main class={view.lecture ? "lecture" : "overview"}>
        {view.lecture
          ? <><Slot index={0} panes={LECTURE} name="left" /><Slot index={1} panes={LECTURE} name="right" /></>
          : <><Slot index={0} panes={SLOTS[0] as Pane[]} name="one" /><Slot index={2} panes={SLOTS[1] as Pane[]} name="two" /><Slot index={1} panes={SLOTS[2] as Pane[]} name="three" /><Slot index={1} panes={SLOTS[3] as Pane[]} name="four" /><Slot index={3} panes={SLOTS[4] as Pane[]} name="five" /></>}
      </main>
      <footer><Transport actions={actions} onScrub={setScrubbing} /></footer>
      <p class="hidden" role="status" aria-live="polite" id="status">{record && !view.playing ? `${formatTime(record.t, view.language)} ${record.host}: ${describe(model, view.cursor, view.language, gated)}` : ""}</p>
    </SharedContext.Provider>
  );
}

function setPane(view: View, pane: Pane): View["panes"] {
  const index = view.lecture ? 1 : 3;
  return view.panes.map((old, k) => (k === index ? pane : old)) as unknown as View["panes"];
}

function title(model: Model, language: Language): string {
  const local = model.meta.title;
  return local?.[language] ?? local?.["en"] ?? model.header.title;
}

function initialView(model: Model): View {
  const level = model.header.level === "mail" ? "mail" : "protocol";
  const hasQuestions = (model.meta.questions ?? []).length > 0;
  return { cursor: 0, t: 0, playing: false, speed: 1, unit: level === "mail" ? "message" : "line", axis: "gaps", level, mail: "", connection: "", host: "", follow: "", filter: "",
    lecture: false, panes: ["map", "ladder", "queue", hasQuestions ? "predict" : "detail"], language: navigator.language.startsWith("ko") ? "ko" : "en",
    dark: matchMedia("(prefers-color-scheme: dark)").matches, notes: {}, guessed: false };
}

function start(): void {
  const root = document.getElementById("app") as HTMLElement;
  try {
    const meta = JSON.parse(document.getElementById("meta")?.textContent ?? "") as Meta;
    const { header, records } = readTrace(document.getElementById("trace")?.textContent ?? "");
    const model = new Model(header, records, meta);
    render(<Page model={model} />, root);
    Object.assign(window, { mailsim: { records: records.length } });
  } catch (error) {
    root.textContent = error instanceof TraceError ? `The trace cannot be shown: line ${error.message}` : `The page cannot be shown: ${String(error)}`;
    if (!(error instanceof TraceError)) throw error;
  }
}
start();
