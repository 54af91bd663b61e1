/* What every pane gets. */
import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { Axis } from "./axis";
import { Model } from "./model";
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

export const shortName = (name: string): string => name.replace(/\.(example|test)$/, "");
/** A machine's name where there is little room: mail.naver.example is naver, alice.laptop is alice. */
export const briefName = (name: string, role: string): string =>
  role === "nameserver" ? "DNS" : role === "server" ? shortName(name).replace(/^(mail|mx\d*|smtp)\./, "") : role === "agent" ? (name.split(".")[0] as string) : name;

const pen = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
const widths = new Map<string, number>();
const WIDTHS_KEPT = 20000;

/** How wide a text is, in pixels. */
export function widthOf(text: string, fontSize: number): number {
  const key = `${fontSize} ${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  if (pen) pen.font = `600 ${fontSize}px ${getComputedStyle(document.documentElement).fontFamily}`;
  const width = pen ? pen.measureText(text).width : text.length * fontSize * 0.6;
  if (widths.size > WIDTHS_KEPT) widths.clear();
  widths.set(key, width);
  return width;
}
/** Cuts a text to so many pixels. */
export function fit(text: string, width: number, fontSize: number): string {
  if (widthOf(text, fontSize) <= width) return text;
  let low = 1, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(`${text.slice(0, middle)}…`, fontSize) <= width) low = middle; else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
