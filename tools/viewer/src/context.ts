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
/** Cuts a text to about so many pixels. */
export function fit(text: string, width: number, fontSize: number): string {
  let used = 0, k = 0;
  for (const c of text) {
    used += fontSize * (c.charCodeAt(0) > 0x2e80 ? 1.0 : 0.58);
    if (used > width) return `${text.slice(0, Math.max(1, k - 1))}…`;
    k += c.length;
  }
  return text;
}
export const widthOf = (text: string, fontSize: number): number =>
  [...text].reduce((sum, c) => sum + fontSize * (c.charCodeAt(0) > 0x2e80 ? 1.0 : 0.58), 0);
