/** The address bar as a store: a drill-down pushes history, a tweak replaces it. */
import { createStore } from "../store";
import { formatView, parseView, withToggled, type View } from "./view";

export const viewStore = createStore<View>(parseView(location.search));
export const pathStore = createStore<string>(currentPath());

/** The page's path below the base address, without slashes at its ends. */
function currentPath(): string {
  const base = new URL(document.baseURI).pathname;
  return location.pathname.slice(base.length).replace(/\/+$/, "");
}

export function linkTo(view: View, path = pathStore.get()): string {
  return new URL(path + formatView(view), document.baseURI).href;
}

export function go(change: Partial<View>, history: "push" | "replace" = "push"): void {
  const next = { ...viewStore.get(), ...change };
  const link = linkTo(next);
  if (link !== location.href)
    window.history[history === "push" ? "pushState" : "replaceState"]({ own: true }, "", link);
  viewStore.set(next);
}

/** Open an address of this dashboard without loading it anew. */
export function visit(href: string): void {
  if (href !== location.href) window.history.pushState({ own: true }, "", href);
  follow();
  scrollTo(0, 0);
}

/** Take over plain clicks on links to our own pages; all others are the browser's. */
function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target || link.download || link.hash || !link.href.startsWith(document.baseURI)) return;
  if (/^(api|v1)\/|^(healthz|readyz|metrics|openapi\.json)$/.test(link.href.slice(document.baseURI.length))) return;
  event.preventDefault();
  visit(link.href);
}

/** Filter by a value as the click said: plain chooses it alone, shift adds it, alt leaves it out. */
export function toggleFilter(key: string, value: string | null, event: { shiftKey: boolean; altKey: boolean }): void {
  const how = event.altKey ? "exclude" : event.shiftKey ? "add" : "only";
  go(withToggled(viewStore.get(), key, value, how));
}

/** Go back, when the step to undo is one of ours. */
export function undo(): void {
  const state: unknown = window.history.state;
  if (state && typeof state === "object" && "own" in state) window.history.back();
}

function follow(): void {
  pathStore.set(currentPath());
  viewStore.set(parseView(location.search));
}

export function listenToHistory(): () => void {
  addEventListener("popstate", follow);
  addEventListener("click", onClick);
  return () => {
    removeEventListener("popstate", follow);
    removeEventListener("click", onClick);
  };
}
