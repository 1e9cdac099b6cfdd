/** A page whose part of the server is not built: what it will show, and what does the work today. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { freshnessStore } from "../clock";

export function NotYet({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => freshnessStore.set({ loading: false, receivedAt: null }), []);
  return (
    <section class="card notice" aria-labelledby="not-yet">
      <h2 id="not-yet">{title}</h2>
      {children}
    </section>
  );
}
