/* What every pane gets. */
import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Axis } from "./axis";
import { Model } from "./model";
import { TraceNode } from "./trace";
import { View } from "./view";
import { Word } from "./words";

export interface Shared {
  readonly model: Model;
  readonly view: View;
  readonly shown: Int32Array;
  readonly axis: Axis;
  /** Whether what comes after the cursor is hidden, until a person has guessed. */
  readonly gated: boolean;
  /** What is lit with the selected record: the segments of a line, the lines of a segment. */
  readonly linked: ReadonlySet<number>;
  /** Brief names of the machines. */
  readonly brief: (host: string) => string;
  /** Whether the view moves by itself or under a finger: what is read in peace can wait. */
  readonly moving: boolean;
  /** The size of type in pixels: by the window, and for the last row in lecture mode. */
  readonly type: number;
  readonly w: (key: Word) => string;
  readonly change: (part: Partial<View>) => void;
  readonly go: (i: number) => void;
}
export const SharedContext = createContext<Shared | undefined>(undefined);
export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (!shared) throw new Error("a pane outside of the page");
  return shared;
}

const LECTURE_LINES = 36; /* of the window's height: 20 pixels at 720, 30 at 1080 */
const typeIn = (isLecture: boolean, height: number): number =>
  (isLecture ? Math.max(20, Math.min(60, Math.round(height / LECTURE_LINES))) : Math.max(13, Math.min(20, Math.round(13 + (height - 720) / 160))));
/** The size of type for the window, followed. */
export function useType(isLecture: boolean): number {
  const [height, setHeight] = useState(() => window.innerHeight);
  useEffect(() => {
    const onResize = (): void => setHeight(window.innerHeight);
    window.addEventListener("resize", onResize);
    return () => window.removeEventListener("resize", onResize);
  }, []);
  return typeIn(isLecture, height);
}

/** The size of an element, followed. */
export function useSize<E extends HTMLElement>(): [{ current: E | null }, number, number] {
  const ref = useRef<E>(null);
  const [size, setSize] = useState<[number, number]>([600, 400]);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setSize([element.clientWidth, element.clientHeight]));
    observer.observe(element);
    setSize([element.clientWidth, element.clientHeight]);
    return () => observer.disconnect();
  }, []);
  return [ref, size[0], size[1]];
}

/** How far an element is scrolled, at once where it has to be for a row of it to be seen when that row changes:
 * so that a move draws the right rows the first time. `fresh` is compared: another row, another layout. */
export function useFollow(ref: { current: HTMLElement | null }, fresh: string, isSeen: (top: number) => boolean, wanted: () => number): [number, (e: { currentTarget: HTMLElement }) => void] {
  const top = useRef(0), last = useRef("");
  const [, redraw] = useState(0);
  if (last.current !== fresh && !isSeen(top.current)) top.current = Math.max(0, Math.round(wanted()));
  last.current = fresh;
  const now = top.current;
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    if (Math.abs(element.scrollTop - now) >= 1) element.scrollTop = now;
    if (Math.abs(element.scrollTop - now) >= 1) onScroll({ currentTarget: element }); // it has no such place
  }, [fresh, now]);
  const onScroll = (e: { currentTarget: HTMLElement }): void => {
    const is = e.currentTarget.scrollTop;
    if (Math.abs(is - top.current) < 1) return;
    top.current = is;
    redraw((n) => n + 1);
  };
  return [now, onScroll];
}

/** A value that changes at once, but while something moves only a few times a second. */
export function useCalm<T>(value: T, isMoving: boolean): T {
  const [calm, setCalm] = useState(value);
  const latest = useRef(value);
  latest.current = value;
  useEffect(() => {
    if (!isMoving) return undefined;
    const timer = setInterval(() => setCalm(latest.current), CALM_MS);
    return () => { clearInterval(timer); setCalm(latest.current); };
  }, [isMoving]);
  return isMoving ? calm : value;
}
const CALM_MS = 150;

export const shortName = (name: string): string => name.replace(/\.(example|test)$/, "");
const firstLabel = (name: string): string => name.split(".")[0] as string;
const briefly = (name: string, role: string): string =>
  role === "nameserver" ? "DNS" : role === "server" ? shortName(name).replace(/^(mail|mx\d*|smtp)\./, "") : role === "agent" ? firstLabel(name) : name;
/** The machines' names where there is little room: mail.naver.example is naver, alice.laptop is alice.
 * Of two that would be called the same, mx1.gmail.example and mx2.gmail.example, the one is mx1; where
 * all agents are alice's, hers is laptop. */
export function briefNames(nodes: readonly TraceNode[]): ReadonlyMap<string, string> {
  const count = (of: (n: TraceNode) => string, name: string): number => nodes.filter((n) => of(n) === name).length;
  const names = new Map<string, string>();
  const agents = nodes.filter((n) => n.role === "agent");
  const isOnesOwn = agents.length > 1 && agents.every((n) => n.name.includes(".") && firstLabel(n.name) === firstLabel((agents[0] as TraceNode).name));
  for (const node of nodes) {
    if (isOnesOwn && node.role === "agent") { names.set(node.name, node.name.slice(node.name.indexOf(".") + 1)); continue; }
    const brief = briefly(node.name, node.role), first = firstLabel(node.name);
    names.set(node.name, count((n) => briefly(n.name, n.role), brief) === 1 ? brief : count((n) => firstLabel(n.name), first) === 1 ? first : shortName(node.name));
  }
  return names;
}

const pen = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
const widths = new Map<string, number>();
const WIDTHS_KEPT = 20000;

let family = "", penSize = 0;
function setPen(fontSize: number): void {
  if (!pen || penSize === fontSize) return;
  family ||= getComputedStyle(document.documentElement).fontFamily;
  pen.font = `600 ${fontSize}px ${family}`;
  penSize = fontSize;
}

/** How wide a text is, in pixels. */
export function widthOf(text: string, fontSize: number): number {
  const key = `${fontSize} ${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  setPen(fontSize);
  const width = pen ? pen.measureText(text).width : text.length * fontSize * 0.6;
  if (widths.size > WIDTHS_KEPT) widths.clear();
  widths.set(key, width);
  return width;
}
/** Cuts a text to so many pixels. */
export function fit(text: string, width: number, fontSize: number): string {
  if (widthOf(text, fontSize) <= width) return text;
  const guess = Math.floor((text.length * width) / widthOf(text, fontSize));
  let low = Math.max(1, guess - 8), high = Math.min(text.length, guess + 8);
  if (low >= high || widthOf(`${text.slice(0, low)}…`, fontSize) > width || widthOf(`${text.slice(0, high)}…`, fontSize) <= width) [low, high] = [1, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(`${text.slice(0, middle)}…`, fontSize) <= width) low = middle; else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
