/** Single-key shortcuts: ignored while typing, and they can be switched off (WCAG 2.1.4). */
import { useLayoutEffect } from "preact/hooks";
import { createStore } from "../store";

const STORED = "costspan.keys";
export const keysOn = createStore(localStorage.getItem(STORED) !== "off");
keysOn.subscribe(() => localStorage.setItem(STORED, keysOn.get() ? "on" : "off"));

export type Keys = Readonly<Record<string, () => void>>;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** Listen on the window before the first paint, so that no early key press is lost. */
export function useKeys(keys: Keys): void {
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("dialog[open], [popover]:popover-open")) return;
      const action = keys[event.key];
      if (!action || (!keysOn.get() && event.key !== "Escape")) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [keys]);
}
