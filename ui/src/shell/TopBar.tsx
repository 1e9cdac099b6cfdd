/** Title, range, compare, filters, freshness and the page's own controls. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { clockStore, freshnessStore, refresh } from "../clock";
import { ago } from "../format";
import { useStore, useVisibleInterval } from "../store";
import { previousLabel } from "../view/label";
import { go, linkTo, viewStore } from "../view/navigate";
import { resolve, words } from "../view/range";
import type { View } from "../view/view";
import { Copy } from "./Copy";
import { Chips, FilterMenu } from "./FilterMenu";
import { Icon } from "./icons";
import { Popover } from "./Popover";
import { RangeMenu } from "./RangeMenu";
import { nextTheme, themeStore } from "./theme";

function Compare({ view }: { view: View }) {
  const before = previousLabel(view);
  const options = [
    { value: "prev", label: before },
    { value: "none", label: "nothing" },
  ] as const;
  const current = options.find((each) => each.value === view.compare)?.label ?? before;
  return (
    <Popover
      class="control compare"
      label={`Compare with ${current}`}
      button={
        <>
          <span class="quiet">vs</span> <b>{current}</b>
          <Icon name="down" size={16} />
        </>
      }
    >
      {(close) => (
        <div class="options">
          {options.map((option) => (
            <button
              key={option.value}
              type="button"
              class="option"
              aria-pressed={option.value === view.compare}
              onClick={() => {
                go({ compare: option.value }, "replace");
                close();
              }}
            >
              Compare with {option.label}
            </button>
          ))}
        </div>
      )}
    </Popover>
  );
}

function updated(receivedAt: number | null, now: number): string {
  if (receivedAt === null) return "";
  const seconds = (now - receivedAt) / 1000;
  return seconds < 5 ? "Updated just now" : `Updated ${ago(seconds)} ago`;
}

function Freshness() {
  const { receivedAt, loading } = useStore(freshnessStore);
  const [now, setNow] = useState(Date.now());
  useVisibleInterval(
    useCallback(() => setNow(Date.now()), []),
    5000,
  );
  useEffect(() => setNow(Date.now()), [receivedAt]);
  const text = updated(receivedAt, now);
  return (
    <>
      <span class="fresh">{loading ? "Updating…" : text}</span>
      <button type="button" class="control bare" aria-label="Refresh" title="Refresh (r)" onClick={refresh}>
        <Icon name="refresh" />
      </button>
    </>
  );
}

function CopyLink({ view }: { view: View }) {
  const moving = view.to === "now";
  const fixed = () => linkTo({ ...view, ...words(resolve(view, clockStore.get().now)) });
  const face = (
    <>
      <Icon name="link" size={16} />
      <b>Copy link</b>
    </>
  );
  if (!moving)
    return (
      <Copy class="control copy-link" label="Copy link" text={() => linkTo(view)}>
        {face}
      </Copy>
    );
  return (
    <Popover class="control copy-link" label="Copy link" button={face}>
      {(close) => (
        <div class="options">
          <Copy class="option" text={() => linkTo(view)} onDone={close}>
            Link that moves with time
          </Copy>
          <Copy class="option" text={fixed} onDone={close}>
            Link to exactly these dates
          </Copy>
        </div>
      )}
    </Popover>
  );
}

export function TopBar(props: { title: string; timeless: boolean; onMenu: () => void; onHelp: () => void }) {
  const view = useStore(viewStore);
  const { now } = useStore(clockStore);
  const theme = useStore(themeStore);
  const range = resolve(view, now);
  const remove = (filter: View["filters"][number]) => go({ filters: view.filters.filter((each) => each !== filter) });
  return (
    <header class="topbar">
      <button type="button" class="control bare menu-button" aria-label="Menu" onClick={props.onMenu}>
        <Icon name="menu" />
      </button>
      <h1>{props.title}</h1>
      {!props.timeless && (
        <div class="filters" role="group" aria-label="Range and filters" tabIndex={-1}>
          <RangeMenu view={view} range={range} />
          <Compare view={view} />
          <Chips filters={view.filters} onRemove={remove} />
          <FilterMenu view={view} range={range} />
        </div>
      )}
      <div class="actions">
        <Freshness />
        <CopyLink view={view} />
        <button
          type="button"
          class="control bare help-button"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={props.onHelp}
        >
          <Icon name="help" />
        </button>
        <button
          type="button"
          class="control bare"
          aria-label={`Theme: ${theme}`}
          title={`Theme: ${theme} (t)`}
          onClick={nextTheme}
        >
          <Icon name={theme} />
        </button>
      </div>
    </header>
  );
}
