/** Live updates: the server says when telemetry was committed, and the page asks anew, at most every ten seconds. */
import { useEffect, useState } from "preact/hooks";
import { clockStore, refresh } from "../clock";

const REFRESH_AT_MOST_EVERY_MS = 10_000;
const TRY_AGAIN_MS = 60_000;

/** Listen while the tab is visible, and try again later where the server refuses; returns what ends it. */
function listen(heard: (receivedSpans: number) => void, connected: (is: boolean) => void): () => void {
  let stream: EventSource | null = null;
  let later = 0;
  const close = () => {
    clearTimeout(later);
    stream?.close();
    stream = null;
  };
  const open = () => {
    close();
    if (document.hidden) return;
    stream = new EventSource(new URL("api/v1/live", document.baseURI));
    stream.onopen = () => connected(true);
    stream.onerror = () => {
      connected(false);
      // A stream that broke off comes back by itself, one that was refused does not.
      if (stream?.readyState === EventSource.CLOSED) later = window.setTimeout(open, TRY_AGAIN_MS);
    };
    stream.addEventListener("ledger", (event) =>
      heard((JSON.parse(event.data) as { received_spans: number }).received_spans),
    );
  };
  open();
  document.addEventListener("visibilitychange", open);
  return () => {
    document.removeEventListener("visibilitychange", open);
    close();
    connected(false);
  };
}

/** Refresh when the server has received more than the `shown` spans; returns true while it tells of them. */
export function useLive(on: boolean, shown: number | null): boolean {
  const [connected, setConnected] = useState(false);
  const [heard, setHeard] = useState<number | null>(null);
  useEffect(() => (on ? listen(setHeard, setConnected) : undefined), [on]);
  useEffect(() => {
    if (!on || heard === null || shown === null || heard === shown) return undefined;
    const since = Date.now() - clockStore.get().now.getTime();
    const timer = setTimeout(refresh, Math.max(0, REFRESH_AT_MOST_EVERY_MS - since));
    return () => clearTimeout(timer);
  }, [on, heard, shown]);
  return connected;
}
