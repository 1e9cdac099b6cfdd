/** A button with a floating panel; the browser's own popover brings the top layer, outside clicks and Escape. */
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";

const MARGIN_PX = 8;
const GAP_PX = 6;

/** Under its button, or above where there is more room; set through CSSOM, which a strict content policy allows. */
function place(panel: HTMLElement, button: HTMLElement): void {
  const rect = button.getBoundingClientRect();
  // Measured from the window's edge, where it is as wide as it wants to be.
  panel.style.left = "0px";
  const width = panel.offsetWidth;
  const left = Math.max(MARGIN_PX, Math.min(rect.left, innerWidth - width - MARGIN_PX));
  panel.style.left = `${left}px`;
  const [above, below] = [rect.top - GAP_PX - MARGIN_PX, innerHeight - rect.bottom - GAP_PX - MARGIN_PX];
  const flips = panel.scrollHeight > below && above > below;
  const height = Math.min(panel.offsetHeight, flips ? above : below);
  panel.style.maxHeight = `${flips ? above : below}px`;
  panel.style.top = `${flips ? rect.top - GAP_PX - height : rect.bottom + GAP_PX}px`;
}

export function Popover(props: {
  button: ComponentChildren;
  label: string;
  class: string;
  id?: string;
  children: (close: () => void) => ComponentChildren;
}) {
  const generated = useId();
  const id = props.id ?? `pop${generated}`;
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const onBeforeToggle = (event: Event) => setOpen((event as ToggleEvent).newState === "open");
  // Drawn before it is shown, and only then as wide as it is.
  const seat = () => {
    if (panel.current?.matches(":popover-open") && button.current) place(panel.current, button.current);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={props.class}
        popovertarget={id}
        aria-label={props.label}
        aria-expanded={open}
        title={props.label}
      >
        {props.button}
      </button>
      <div ref={panel} id={id} popover="auto" class="popover" onBeforeToggle={onBeforeToggle} onToggle={seat}>
        {open && <div ref={seat}>{props.children(() => panel.current?.hidePopover())}</div>}
      </div>
    </>
  );
}
