/** The range button: presets, a custom range in the zone, the zone itself, and the width of the bars. */
import { useState } from "preact/hooks";
import { fromWallClock, PRESETS, rangeLabel, toWallClock } from "../view/label";
import { go } from "../view/navigate";
import { words, type Range } from "../view/range";
import type { View } from "../view/view";
import { Icon } from "./icons";
import { Popover } from "./Popover";
import { Segments } from "./Segments";

/** Plain text rather than the browser's date field, which forces the 12-hour clock of its locale. */
const PATTERN = "2026-11-04 13:00";

function Custom(props: { range: Range; zone: string; close: () => void }) {
  const [from, setFrom] = useState(toWallClock(props.range.since, props.zone).replace("T", " "));
  const [to, setTo] = useState(toWallClock(props.range.until, props.zone).replace("T", " "));
  const [since, until] = [fromWallClock(from, props.zone), fromWallClock(to, props.zone)];
  const good = since !== null && until !== null && since < until;
  const onSubmit = (event: Event) => {
    event.preventDefault();
    if (!good) return;
    go(words({ since, until }));
    props.close();
  };
  return (
    <form class="custom" onSubmit={onSubmit}>
      <label>
        From
        <input
          type="text"
          class="num"
          placeholder={PATTERN}
          value={from}
          onInput={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input
          type="text"
          class="num"
          placeholder={PATTERN}
          value={to}
          onInput={(event) => setTo(event.currentTarget.value)}
        />
      </label>
      <button class="control" type="submit" disabled={!good}>
        {good ? "Apply range" : since && until ? "The start must come before the end" : `Write times as ${PATTERN}`}
      </button>
    </form>
  );
}

function zones(current: string): string[] {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return [...new Set(["UTC", here, current, ...Intl.supportedValuesOf("timeZone")])];
}

export function RangeMenu({ view, range }: { view: View; range: Range }) {
  const label = rangeLabel(view, range, view.tz);
  const zone = view.tz.split("/").at(-1)?.replaceAll("_", " ");
  return (
    <Popover
      class="control"
      label={`Time range: ${label}, ${view.tz}`}
      button={
        <>
          <Icon name="calendar" size={16} />
          <b>{label}</b> <span class="quiet">{zone}</span>
          <Icon name="down" size={16} />
        </>
      }
    >
      {(close) => (
        <div class="range-menu">
          <div class="options">
            {PRESETS.map((preset) => (
              <button
                key={preset.label}
                type="button"
                class="option"
                aria-pressed={preset.from === view.from && preset.to === view.to}
                onClick={() => {
                  go({ from: preset.from, to: preset.to });
                  close();
                }}
              >
                {preset.label}
              </button>
            ))}
          </div>
          <div class="range-side">
            <Custom range={range} zone={view.tz} close={close} />
            <label>
              Days and hours of
              <select value={view.tz} onChange={(event) => go({ tz: event.currentTarget.value }, "replace")}>
                {zones(view.tz).map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
            <div class="labelled">
              <span>Bars</span>
              <Segments
                label="Width of the bars"
                value={view.bucket}
                options={[
                  { value: "auto", label: "Auto" },
                  { value: "1h", label: "Hour" },
                  { value: "1d", label: "Day" },
                ]}
                onChange={(bucket) => go({ bucket }, "replace")}
              />
            </div>
          </div>
        </div>
      )}
    </Popover>
  );
}
