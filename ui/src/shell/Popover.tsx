/** A button with a floating panel; the browser's own popover brings the top layer, outside clicks and Escape. */
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";

const MARGIN_PX = 8;

/** Under its button, inside the window; positions go through CSSOM, which a strict content policy allows. */
function place(panel: HTMLElement, button: HTMLElement): void {
  const rect = button.getBoundingClientRect();
  const width = panel.offsetWidth;
  const left = Math.max(MARGIN_PX, Math.min(rect.left, innerWidth - width - MARGIN_PX));
  panel.style.left = `${left}px`;
  panel.style.top = `${rect.bottom + 6}px`;
  panel.style.maxHeight = `${Math.max(180, innerHeight - rect.bottom - 6 - MARGIN_PX)}px`;
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
  const onToggle = (event: Event) => setOpen((event as ToggleEvent).newState === "open");
  const seat = (element: HTMLElement | null) => {
    if (element && panel.current && button.current) place(panel.current, button.current);
  };
  return (
    <>
      <button ref={button} type="button" class={props.class} popovertarget={id} aria-label={props.label} aria-expanded={open} title={props.label}>
        {props.button}
      </button>
      <div ref={panel} id={id} popover="auto" class="popover" onBeforeToggle={onToggle}>
        {open && <div ref={seat}>{props.children(() => panel.current?.hidePopover())}</div>}
      </div>
    </>
  );
}
