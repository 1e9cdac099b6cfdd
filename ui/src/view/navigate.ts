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

export function listenToHistory(): () => void {
  const onPop = () => {
    pathStore.set(currentPath());
    viewStore.set(parseView(location.search));
  };
  addEventListener("popstate", onPop);
  return () => removeEventListener("popstate", onPop);
}
