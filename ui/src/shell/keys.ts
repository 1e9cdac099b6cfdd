/** Single-key shortcuts: ignored while typing, and they can be switched off (WCAG 2.1.4). */
import { useLayoutEffect } from "preact/hooks";
import { createStore } from "../store";

const STORED = "costspan.keys";
export const keysOn = createStore(localStorage.getItem(STORED) !== "off");
keysOn.subscribe(() => localStorage.setItem(STORED, keysOn.get() ? "on" : "off"));

/** `r`, or two keys after one another: `g t`. */
export type Keys = Readonly<Record<string, () => void>>;

const SECOND_KEY_WITHIN_MS = 1500;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** Listen on the window before the first paint, so that no early key press is lost. */
export function useKeys(keys: Keys): void {
  useLayoutEffect(() => {
    let first = { key: "", at: 0 };
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("dialog[open], [popover]:popover-open")) return;
      const begun = event.timeStamp - first.at < SECOND_KEY_WITHIN_MS ? first.key : "";
      const action = keys[begun ? `${begun} ${event.key}` : event.key] ?? keys[event.key];
      first = { key: event.key, at: event.timeStamp };
      if (!action || (!keysOn.get() && event.key !== "Escape")) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [keys]);
}
