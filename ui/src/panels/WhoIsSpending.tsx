/** Features, teams, users or environments: what each costs, how that changes, and how well its calls do. */
import { Spark } from "../chart/Spark";
import type { Answer } from "../data/answers";
import { groupOf, type Quantiles, type Row, type Spend } from "../data/api";
import { float, minus, sum } from "../data/money";
import { LATENCY_LATER, WHO_ROWS } from "../data/overview";
import { along, bucketsOf, byGroup, NOT_SET, OTHER } from "../data/series";
import { plain, type Table } from "../data/table";
import { change, count, DASH, duration, exact, rate, usd } from "../format";
import { Segments, titled } from "../shell/Segments";
import { go, toggleFilter } from "../view/navigate";
import { isLeftOut, WHO, type View, type Who } from "../view/view";
import { NameCell, ShareBar } from "./CostByModel";
import { Panel } from "./Panel";

interface Line {
  readonly row: Row;
  readonly value: string | null;
  readonly cost: number | null;
  /** The former cost; undefined when it is not known, null when the group was not there. */
  readonly before: string | null | undefined;
  readonly perCall: number | null;
  readonly latency: Quantiles | null;
}

interface Props {
  readonly answer: Answer<Spend>;
  readonly before: Answer<Spend> | null;
  readonly trends: Answer<Spend>;
  readonly latencies: Answer<Spend>;
  readonly view: View;
}

const COLUMNS = [
  ["cost", "Cost"],
  ["change", "Change"],
  ["per_call", "Per call"],
  ["p99", "P99"],
  ["errors", "Errors"],
] as const;

function lines({ answer, before, latencies, view }: Props): Line[] {
  const former = new Map(before?.data?.rows.map((row) => [groupOf(row, view.who), row.cost_usd]));
  const later = view.who === LATENCY_LATER ? (latencies.data?.rows ?? []) : [];
  const latency = new Map(later.map((row) => [groupOf(row, view.who), row.latency_ms]));
  return (answer.data?.rows ?? []).slice(0, WHO_ROWS).map((row) => {
    const value = groupOf(row, view.who);
    const cost = float(row.cost_usd);
    const perCall = cost !== null && row.billed_calls ? cost / row.billed_calls : null;
    return {
      row,
      value,
      cost,
      perCall,
      before: former.get(value),
      latency: row.latency_ms ?? latency.get(value) ?? null,
    };
  });
}

function measure(line: Line, column: string): number | string {
  const was = float(line.before);
  if (column === "name") return line.value ?? "";
  if (column === "change") return was && line.cost !== null ? line.cost / was : -1;
  if (column === "per_call") return line.perCall ?? -1;
  if (column === "p99") return line.latency?.p99 ?? -1;
  if (column === "errors") return line.row.calls ? line.row.errors / line.row.calls : -1;
  return line.cost ?? -1;
}

function inOrder(all: readonly Line[], sort: string): Line[] {
  const [column, sign] = sort.startsWith("-") ? [sort.slice(1), -1] : [sort, 1];
  return [...all].sort((a, b) => {
    const [left, right] = [measure(a, column), measure(b, column)];
    return left === right ? b.row.calls - a.row.calls : sign * (left < right ? -1 : 1);
  });
}

function Heading({ column, label, view, numeric }: { column: string; label: string; view: View; numeric?: boolean }) {
  const own = view.sort.replace("-", "") === column;
  const descends = view.sort.startsWith("-");
  const next = own ? (descends ? column : `-${column}`) : column === "name" ? column : `-${column}`;
  return (
    <th scope="col" class={numeric ? "num" : ""} aria-sort={own ? (descends ? "descending" : "ascending") : undefined}>
      <button type="button" class={own ? "sort on" : "sort"} onClick={() => go({ sort: next }, "replace")}>
        {label}
        {own && <span aria-hidden="true"> {descends ? "↓" : "↑"}</span>}
      </button>
    </th>
  );
}

function tableOf(all: readonly Line[], who: Who): Table {
  return {
    columns: [who, "Cost (USD)", "Cost before (USD)", "Calls", "Errors", "P50 (ms)", "P99 (ms)"],
    rows: all.map(({ row, value, before, latency }) => [
      value ?? NOT_SET,
      ...[row.cost_usd, before, row.calls, row.errors, latency?.p50, latency?.p99].map(plain),
    ]),
  };
}

function changeText(line: Line, before: Answer<Spend> | null): string {
  if (!before?.data) return DASH;
  if (line.before === undefined) return line.cost ? "new" : DASH;
  return change(line.cost, float(line.before));
}

function OtherRow({ all, total, max }: { all: readonly Line[]; total: Spend["total"]; max: number }) {
  const calls = total.calls - all.reduce((sofar, line) => sofar + line.row.calls, 0);
  if (calls <= 0) return null;
  const cost = minus(total.cost_usd, sum(all.map((line) => line.row.cost_usd)));
  return (
    <tr class="other">
      <th scope="row">{OTHER}</th>
      <td class="quiet">{count(calls)} calls</td>
      <td class="num strong" title={cost === null ? "" : `$${cost}`}>
        {usd(cost)}
      </td>
      <td colSpan={4} />
      <td class="num">
        <ShareBar part={float(cost)} all={float(total.cost_usd)} max={max} tone="tone-other" />
      </td>
    </tr>
  );
}

export function WhoIsSpending(props: Props) {
  const { answer, before, trends, view } = props;
  const all = lines(props);
  const total = answer.data?.total;
  const max = Math.max(0, ...all.map((line) => line.cost ?? 0));
  const buckets = trends.data ? bucketsOf(trends.data) : [];
  const trend = byGroup(trends.data?.rows ?? [], view.who);
  const costs = (value: string | null) =>
    along(buckets, trend.get(value) ?? []).map((row) => float(row?.cost_usd) ?? 0);
  return (
    <Panel
      title="Who is spending"
      class="wide"
      answer={answer}
      height={300}
      table={() => tableOf(all, view.who)}
      actions={
        <Segments
          label="Spending by"
          options={titled(WHO)}
          value={view.who}
          onChange={(who) => go({ who }, "replace")}
        />
      }
    >
      {() => (
        <div class="scroll-x" role="region" aria-label="Who is spending, rows" tabIndex={0}>
          <table class="rows who">
            <thead>
              <tr>
                <Heading column="name" label={view.who.charAt(0).toUpperCase() + view.who.slice(1)} view={view} />
                <th scope="col">Trend</th>
                {COLUMNS.map(([column, label]) => (
                  <Heading key={column} column={column} label={label} view={view} numeric />
                ))}
                <th scope="col" class="num">
                  Share
                </th>
              </tr>
            </thead>
            <tbody>
              {inOrder(all, view.sort).map((line) => {
                const { row, value } = line;
                return (
                  <tr
                    key={value}
                    class={isLeftOut(view, view.who, value) ? "faint" : ""}
                    onClick={(event) => toggleFilter(view.who, value, event)}
                  >
                    <NameCell dimension={view.who} value={value} view={view} />
                    <td>
                      <Spark values={costs(value)} width={84} height={22} partial={buckets.at(-1)?.partial ?? false} />
                    </td>
                    <td class="num strong" title={row.cost_usd === null ? "No price known" : `$${row.cost_usd}`}>
                      {usd(row.cost_usd)}
                    </td>
                    <td class="num" title={line.before ? `$${line.before} before` : ""}>
                      {changeText(line, before)}
                    </td>
                    <td class="num" title={`${exact(row.calls)} calls`}>
                      {usd(line.perCall)}
                    </td>
                    <td class="num">{duration(line.latency?.p99)}</td>
                    <td class="num" title={`${exact(row.errors)} of ${exact(row.calls)} calls`}>
                      {rate(row.errors, row.calls)}
                    </td>
                    <td class="num">
                      <ShareBar part={line.cost} all={float(total?.cost_usd)} max={max} tone="tone-other" />
                    </td>
                  </tr>
                );
              })}
              {total && <OtherRow all={all} total={total} max={max} />}
            </tbody>
          </table>
          {all.some((line) => line.value === null) && (
            <p class="note foot-note">
              Calls without a {view.who}: set it with <code>{HOW[view.who]}</code>
            </p>
          )}
        </div>
      )}
    </Panel>
  );
}

const HOW: Readonly<Record<Who, string>> = {
  feature: 'costspan.attribute(feature="…")',
  team: 'costspan.attribute(team="…")',
  user: 'costspan.attribute(user_id="…")',
  environment: "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=…",
};
