// SPDX-License-Identifier: Apache-2.0
import {useCallback, useEffect, useRef, useState} from 'preact/hooks';

export interface Polled<T> {
  value: T | undefined;
  error: Error | undefined;
  reload: () => void;
}

/** Asks again `every` milliseconds, not while the page is hidden, and never twice at once. Starts anew when `key` changes. */
export function usePolled<T>(ask: () => Promise<T>, every: number, key = ''): Polled<T> {
  const [state, setState] = useState<{key: string; value?: T; error?: Error}>({key});
  const [turn, setTurn] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  useEffect(() => {
    let over = false, timer: ReturnType<typeof setTimeout> | undefined;
    const again = async () => {
      if (document.hidden) {
        timer = setTimeout(again, every);
        return;
      }
      try {
        const value = await asking.current();
        if (!over) setState({key, value});
      } catch (error) {
        const told = error instanceof Error ? error : new Error(String(error));
        if (!over) setState((old) => ({...(old.key === key ? old : {key}), error: told}));
      }
      if (!over) timer = setTimeout(again, every);
    };
    void again();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [every, key, turn]);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  const isOurs = state.key === key;
  return {value: isOurs ? state.value : undefined, error: isOurs ? state.error : undefined, reload};
}

/** The size of an element, as it changes. */
export function useSize<E extends HTMLElement>(): [{current: E | null}, {width: number; height: number}] {
  const element = useRef<E>(null);
  const [size, setSize] = useState({width: 0, height: 0});
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({width: entry.contentRect.width, height: entry.contentRect.height});
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, size];
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} - Tidegate`;
  }, [title]);
}
