/** A button that copies, and says so in its own place. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { copyText } from "./clipboard";

const SHOWN_MS = 1600;

export function Copy(props: {
  text: () => string;
  class: string;
  label?: string;
  children: ComponentChildren;
  onDone?: () => void;
}) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => {
      setDone(false);
      props.onDone?.();
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      class={props.class}
      aria-label={done ? undefined : props.label}
      onClick={() => void copyText(props.text()).then(() => setDone(true))}
    >
      {done ? "Copied" : props.children}
    </button>
  );
}
