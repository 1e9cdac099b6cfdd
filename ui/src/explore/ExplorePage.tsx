/** Any measure by any two dimensions: over time by the first, and as a table of both. The address is the state. */
import { useEffect } from "preact/hooks";
import { StackedBars } from "../chart/StackedBars";
import { freshnessStore } from "../clock";
import { useAnswers } from "../data/answers";
import { groupOf, inputTokens, spendUrl, type Measures, type Row, type Spend } from "../data/api";
import { float } from "../data/money";
import { bucketsOf, NOT_SET, OTHER, seriesOf } from "../data/series";
import { plain } from "../data/table";
import { count, exact, usd, usdTick } from "../format";
import type { PageProps } from "../pages";
import { setRange, widen } from "../panels/CostOverTime";
import { NoMatch, SetUp } from "../panels/Notices";
import { Panel } from "../panels/Panel";
import { bucketName } from "../view/label";
import { go, toggleFilter } from "../view/navigate";
import { autoBucket, resolve } from "../view/range";
import { EXPLORED, MEASURES, type Measure } from "../view/view";

interface Meaning {
  readonly label: string;
  /** What of a row it is read from. */
  readonly of: readonly (keyof Measures)[];
  readonly read: (row: Row) => number | null;
  readonly exact: (row: Row) => string | number | null;
  readonly money: boolean;
}

const MEANING: Readonly<Record<Measure, Meaning>> = {
  cost: {
    label: "Cost",
    of: ["cost_usd"],
    read: (row) => float(row.cost_usd),
    exact: (row) => row.cost_usd,
    money: true,
  },
  calls: { label: "Calls", of: ["calls"], read: (row) => row.calls, exact: (row) => row.calls, money: false },
  errors: { label: "Errors", of: ["errors"], read: (row) => row.errors, exact: (row) => row.errors, money: false },
  retries: { label: "Retries", of: ["retries"], read: (row) => row.retries, exact: (row) => row.retries, money: false },
  truncated: {
    label: "Truncated",
    of: ["truncated"],
    read: (row) => row.truncated,
    exact: (row) => row.truncated,
    money: false,
  },
  input_tokens: {
    label: "Input tokens",
    of: ["input_tokens", "cache_read_tokens", "cache_write_tokens"],
    read: inputTokens,
    exact: inputTokens,
    money: false,
  },
  output_tokens: {
    label: "Output tokens",
    of: ["output_tokens"],
    read: (row) => row.output_tokens,
    exact: (row) => row.output_tokens,
    money: false,
  },
  cache_savings: {
    label: "Cache savings",
    of: ["cache_savings_usd"],
    read: (row) => float(row.cache_savings_usd),
    exact: (row) => row.cache_savings_usd,
    money: true,
  },
  duplicate_cost: {
    label: "Duplicates not counted",
    of: ["duplicate_cost_usd"],
    read: (row) => float(row.duplicate_cost_usd),
    exact: (row) => row.duplicate_cost_usd,
    money: true,
  },
};

/** How many groups are asked for: what is beyond them is in the sums all the same. */
const SERIES = 50;
const GROUPS = 5000;
const COLUMNS = 6;
const ROWS = 50;

function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly T[];
  name?: (value: T) => string;
  onChange: (value: T) => void;
}) {
  return (
    <label class="choice">
      <span>{props.label}</span>
      <select class="control" value={props.value} onChange={(event) => props.onChange(event.currentTarget.value as T)}>
        {props.options.map((each) => (
          <option key={each} value={each}>
            {props.name ? props.name(each) : spoken(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

function spoken(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The sum of what is known; null where nothing is. */
function plus(sum: number | null | undefined, value: number | null | undefined): number | null {
  return sum === null || sum === undefined ? (value ?? null) : sum + (value ?? 0);
}

/** Rows of the second dimension by columns of the first, both by size; what is beyond them is summed up. */
function pivot(rows: readonly Row[], across: string, down: string, read: Meaning["read"]) {
  type Sums = Map<string | null, number | null>;
  const add = (sums: Sums, key: string | null, value: number | null) => sums.set(key, plus(sums.get(key), value));
  const cells = new Map<string | null, Sums>();
  const totals: Sums = new Map();
  for (const row of rows) {
    const [column, line] = [groupOf(row, across), groupOf(row, down)];
    cells.set(line, add(cells.get(line) ?? new Map(), column, read(row)));
    add(totals, column, read(row));
  }
  const columns = [...totals].sort((a, b) => (b[1] ?? -1) - (a[1] ?? -1)).map(([column]) => column);
  const lines = [...cells]
    .map(([line, own]) => ({ line, own, sum: [...own.values()].reduce<number | null>(plus, null) }))
    .sort((a, b) => (b.sum ?? -1) - (a.sum ?? -1));
  return { columns, lines };
}

export default function ExplorePage({ view, clock, ingest }: PageProps) {
  const range = resolve(view, clock.now);
  const interval = view.bucket === "auto" ? autoBucket(range) : view.bucket;
  const { filters, across, down } = view;
  const meaning = MEANING[view.measure];
  const asked = { range, filters, order: view.measure, measures: [...new Set([...meaning.of, "calls" as const])] };
  const both = across === down ? across : `${across},${down}`;
  const answers = useAnswers(
    {
      times: spendUrl({ ...asked, groupBy: across, interval, limit: SERIES }),
      whole: spendUrl({ ...asked, interval }),
      groups: spendUrl({ ...asked, groupBy: both, limit: GROUPS }),
    },
    clock.round,
  );
  const [times, whole, groups] = [answers<Spend>("times"), answers<Spend>("whole"), answers<Spend>("groups")];
  const loading = times.loading || whole.loading || groups.loading;
  useEffect(() => freshnessStore.set({ loading, receivedAt: times.receivedAt }), [loading, times.receivedAt]);
  const text = meaning.money ? usd : count;
  if (ingest.data?.calls === 0) return <SetUp ingest={ingest.data} />;
  if (times.data && !times.data.total.calls && !loading) return <NoMatch view={view} ingest={ingest.data} />;
  const buckets = times.data ? bucketsOf(times.data) : [];
  const series = seriesOf(times.data?.rows ?? [], across, view, buckets, meaning.read, whole.data?.rows);
  const table = pivot(groups.data?.rows ?? [], across, down, meaning.read);
  const shown = table.columns.slice(0, COLUMNS);
  return (
    <div class="page">
      <div class="choices explore" role="group" aria-label="What is shown">
        <Choice
          label="Measure"
          value={view.measure}
          options={MEASURES}
          name={(each) => MEANING[each].label}
          onChange={(measure) => go({ measure }, "replace")}
        />
        <Choice label="by" value={across} options={EXPLORED} onChange={(value) => go({ across: value }, "replace")} />
        <Choice label="and" value={down} options={EXPLORED} onChange={(value) => go({ down: value }, "replace")} />
      </div>
      <Panel
        title={`${meaning.label} over time`}
        caption={`by ${across.replaceAll("_", " ")}, per ${times.data?.interval === "1h" ? "hour" : "day"}`}
        answer={times}
        height={306}
        table={() => ({
          columns: ["Start (UTC)", across, meaning.label],
          rows: (times.data?.rows ?? []).map((row) => [
            plain(row.start),
            groupOf(row, across) ?? NOT_SET,
            plain(meaning.exact(row)),
          ]),
        })}
      >
        {() => (
          <>
            <StackedBars
              label={`${meaning.label} over time by ${across}, ${buckets.length} bars`}
              buckets={buckets}
              series={series}
              height={276}
              tick={meaning.money ? usdTick : count}
              read={meaning.money ? usd : exact}
              bucketName={(bucket, long) => bucketName(bucket, long, view.tz)}
              onRange={setRange}
              onWiden={() => widen(range)}
              onPick={(key, event) => key !== OTHER && toggleFilter(across, key === NOT_SET ? null : key, event)}
            />
            <div class="legend">
              {series.map((each) => (
                <span key={each.key}>
                  <i class={`key ${each.tone}`} /> {each.label}
                </span>
              ))}
            </div>
          </>
        )}
      </Panel>
      <Panel
        title={`${meaning.label} by ${down.replaceAll("_", " ")} and ${across.replaceAll("_", " ")}`}
        answer={groups}
        height={300}
        table={() => ({
          columns: [down, across, meaning.label],
          rows: (groups.data?.rows ?? []).map((row) => [
            groupOf(row, down) ?? NOT_SET,
            groupOf(row, across) ?? NOT_SET,
            plain(meaning.exact(row)),
          ]),
        })}
      >
        {() => (
          <div class="scroll-x" role="region" aria-label="Table of both, rows" tabIndex={0}>
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">{spoken(down)}</th>
                  {shown.map((column) => (
                    <th key={column} scope="col" class="num">
                      {column ?? NOT_SET}
                    </th>
                  ))}
                  {table.columns.length > COLUMNS && (
                    <th scope="col" class="num">
                      {OTHER} ({table.columns.length - COLUMNS})
                    </th>
                  )}
                  <th scope="col" class="num">
                    All
                  </th>
                </tr>
              </thead>
              <tbody>
                {table.lines.slice(0, ROWS).map(({ line, own, sum }) => {
                  const rest = table.columns
                    .slice(COLUMNS)
                    .reduce<number | null>((sofar, column) => plus(sofar, own.get(column)), null);
                  return (
                    <tr key={line} onClick={(event) => toggleFilter(down, line, event)}>
                      <th scope="row">
                        <button type="button" class="name">
                          <span class="cut">{line ?? NOT_SET}</span>
                        </button>
                      </th>
                      {shown.map((column) => (
                        <td key={column} class="num">
                          {text(own.get(column))}
                        </td>
                      ))}
                      {table.columns.length > COLUMNS && <td class="num">{text(rest)}</td>}
                      <td class="num strong">{text(sum)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
            {table.lines.length > ROWS && (
              <p class="note foot-note">{exact(table.lines.length - ROWS)} more: filter, or download the table.</p>
            )}
          </div>
        )}
      </Panel>
    </div>
  );
}
