/** The filter chips and the "+ Filter" menu, whose values are ranked by what they cost. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useAnswers } from "../data/answers";
import { groupOf, spendUrl, SUMS, type Row, type Spend } from "../data/api";
import { rankByCost } from "../data/overview";
import { count, exact, usd } from "../format";
import { go } from "../view/navigate";
import type { Range } from "../view/range";
import { DIMENSIONS, hasFilter, withToggled, type Filter, type View } from "../view/view";
import { Icon } from "./icons";
import { Popover } from "./Popover";
import { Segments, titled } from "./Segments";

export const FILTER_MENU = "filter-menu";
const VALUES = 200;
const SHORT: Readonly<Record<string, string>> = { environment: "env" };

export function Chips({ filters, onRemove }: { filters: readonly Filter[]; onRemove: (filter: Filter) => void }) {
  return (
    <>
      {filters.map((filter) => {
        const value = filter.value || "(not set)";
        const text = `${filter.key} is ${filter.exclude ? "not " : ""}${value}`;
        return (
          <button
            key={text}
            type="button"
            class="control chip"
            title={`Remove filter: ${text}`}
            aria-label={`Remove filter: ${text}`}
            onClick={() => onRemove(filter)}
          >
            <span>
              {SHORT[filter.key] ?? filter.key}
              {filter.exclude && " not"}
            </span>{" "}
            <b class="cut">{value}</b>
            <Icon name="close" size={14} />
          </button>
        );
      })}
    </>
  );
}

function Value(props: { row: Row; dimension: string; view: View; how: "add" | "exclude" }) {
  const { row, dimension, view, how } = props;
  const value = groupOf(row, dimension);
  const amount = row.cost_usd === null ? `${count(row.calls)} calls, no price` : usd(row.cost_usd);
  return (
    <button
      type="button"
      class="option"
      aria-pressed={hasFilter(view, dimension, value, how === "exclude")}
      title={row.cost_usd === null ? `${exact(row.calls)} calls` : `$${row.cost_usd}`}
      onClick={(event) => go(withToggled(view, dimension, value, event.altKey ? "exclude" : how))}
    >
      <span class="cut">{value ?? "(not set)"}</span>
      <span class="quiet num">{amount}</span>
    </button>
  );
}

function Values({ view, range }: { view: View; range: Range }) {
  const [dimension, setDimension] = useState<string>("environment");
  const [text, setText] = useState("");
  const [how, setHow] = useState<"add" | "exclude">("add");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const others = view.filters.filter((filter) => filter.key !== dimension);
  const url = spendUrl({ groupBy: dimension, range, filters: others, limit: VALUES, measures: SUMS });
  const { data, problem, loading, url: answered } = useAnswers({ values: url }, 0)<Spend>("values");
  const mine = answered === url && !loading ? data : null;
  const rows = rankByCost(mine?.rows ?? []).filter((row) =>
    (groupOf(row, dimension) ?? "(not set)").toLowerCase().includes(text.toLowerCase()),
  );
  const onEnter = (event: Event) => {
    event.preventDefault();
    const first = rows[0];
    if (first) go(withToggled(view, dimension, groupOf(first, dimension), how));
  };
  return (
    <div class="filter-menu">
      <div class="options" role="group" aria-label="Dimension">
        {titled(DIMENSIONS).map((each) => (
          <button
            key={each.value}
            type="button"
            class="option"
            aria-pressed={each.value === dimension}
            onClick={() => setDimension(each.value)}
          >
            {each.label}
          </button>
        ))}
      </div>
      <div class="filter-values">
        <form onSubmit={onEnter}>
          <input
            ref={field}
            type="search"
            placeholder={`Search ${dimension} values`}
            aria-label={`Search ${dimension} values`}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </form>
        <Segments
          label="Keep or leave out"
          value={how}
          options={[
            { value: "add", label: "is" },
            { value: "exclude", label: "is not" },
          ]}
          onChange={setHow}
        />
        <div class="options scroll">
          {rows.map((row) => (
            <Value key={groupOf(row, dimension) ?? ""} row={row} dimension={dimension} view={view} how={how} />
          ))}
          {problem && <p class="note">{problem.title}</p>}
          {!problem && !mine && <p class="note">Loading values…</p>}
          {mine && !rows.length && <p class="note">No such {dimension} in this range.</p>}
        </div>
      </div>
    </div>
  );
}

export function FilterMenu({ view, range }: { view: View; range: Range }) {
  return (
    <Popover
      id={FILTER_MENU}
      class="control plain"
      label="Add a filter"
      button={
        <>
          <Icon name="plus" size={16} /> Filter
        </>
      }
    >
      {() => <Values view={view} range={range} />}
    </Popover>
  );
}
