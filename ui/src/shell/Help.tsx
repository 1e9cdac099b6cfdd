/** The keyboard shortcuts, and the switch that turns them off. */
import { useEffect, useRef } from "preact/hooks";
import { useStore } from "../store";
import { PAGES } from "../pages";
import { keysOn } from "./keys";

const ROWS = [
  ["?", "This list"],
  ["/", "Add a filter"],
  ["[  ]", "Previous or next period"],
  ["-  =", "Zoom out or in"],
  ["r", "Refresh"],
  [".", "Copy link"],
  ["t", "Theme: system, light, dark"],
  ["Esc", "Close, or undo the last step"],
  ["← →", "Read a focused chart; Enter zooms in"],
  ["Click", "Filter by a row; Shift adds, Alt leaves out"],
] as const;

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const on = useStore(keysOn);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="help">
        <h2 id="help-title">Keyboard shortcuts</h2>
        <dl>
          {ROWS.map(([key, text]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{text}</dd>
            </div>
          ))}
          {PAGES.filter((page) => page.key).map((page) => (
            <div key={page.path}>
              <dt>
                <kbd>g {page.key}</kbd>
              </dt>
              <dd>{page.title}</dd>
            </div>
          ))}
        </dl>
        <label class="check">
          <input type="checkbox" checked={on} onChange={(event) => keysOn.set(event.currentTarget.checked)} />{" "}
          Single-key shortcuts
        </label>
        <button type="button" class="control" onClick={onClose}>
          Close
        </button>
      </div>
    </dialog>
  );
}
