/** The moment the page shows, and the round of loading: a refresh moves both. */
import { createStore } from "./store";

export interface Clock {
  readonly now: Date;
  readonly round: number;
}

export const clockStore = createStore<Clock>({ now: new Date(), round: 0 });

export function refresh(): void {
  clockStore.set({ now: new Date(), round: clockStore.get().round + 1 });
}

/** When the last full set of answers arrived, and whether more are under way. */
export interface Freshness {
  readonly receivedAt: number | null;
  readonly loading: boolean;
}

export const freshnessStore = createStore<Freshness>({ receivedAt: null, loading: true });
