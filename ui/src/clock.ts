/** The moment the page shows, and the round of loading: a refresh moves both. */
import { createStore } from "./store";

export interface Clock {
  readonly now: Date;
  readonly round: number;
}

/** The end of the running second: ranges are asked for by the second, and a call of this one belongs to them. */
function now(): Date {
  return new Date(Math.ceil(Date.now() / 1000) * 1000);
}

export const clockStore = createStore<Clock>({ now: now(), round: 0 });

export function refresh(): void {
  clockStore.set({ now: now(), round: clockStore.get().round + 1 });
}

/** When the last full set of answers arrived, and whether more are under way. */
export interface Freshness {
  readonly receivedAt: number | null;
  readonly loading: boolean;
}

export const freshnessStore = createStore<Freshness>({ receivedAt: null, loading: true });
