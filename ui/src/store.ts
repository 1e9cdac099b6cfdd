/** A value that changes and tells who listens: the whole state machinery of the dashboard. */
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The store's value, re-rendering when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.get());
  useLayoutEffect(() => {
    setValue(() => store.get());
    return store.subscribe(() => setValue(() => store.get()));
  }, [store]);
  return value;
}

/** Run `tick` every `everyMs` while the tab is visible, and at once when it becomes visible again. */
export function useVisibleInterval(tick: () => void, everyMs: number | null): void {
  useEffect(() => {
    if (everyMs === null) return undefined;
    let last = Date.now();
    const run = () => {
      if (document.hidden || Date.now() - last < everyMs) return;
      last = Date.now();
      tick();
    };
    const timer = setInterval(run, Math.min(everyMs, 1000));
    document.addEventListener("visibilitychange", run);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", run);
    };
  }, [tick, everyMs]);
}
