/** Are calls slow, failing, cut off or repeated? From the same documents as the money. */
import { Spark } from "../chart/Spark";
import type { Answer } from "../data/answers";
import type { Measures, Row, Spend } from "../data/api";
import { plain, type Table } from "../data/table";
import { count, DASH, duration, exact, rate, usd } from "../format";
import { Panel } from "./Panel";
import type { Timeline } from "./Tiles";

interface Fact {
  readonly name: string;
  readonly detail: (of: Measures) => string;
  readonly text: (of: Measures) => string;
  readonly trend: (row: Row) => number | null;
  readonly fromZero: boolean;
}

const per = (part: number, all: number) => (all ? part / all : null);

const FACTS: readonly Fact[] = [
  {
    name: "P50 latency",
    detail: () => "half of the calls are faster",
    text: (of) => duration(of.latency_ms?.p50),
    trend: (row) => row.latency_ms?.p50 ?? null,
    fromZero: false,
  },
  {
    name: "P99 latency",
    detail: () => "one in a hundred is slower",
    text: (of) => duration(of.latency_ms?.p99),
    trend: (row) => row.latency_ms?.p99 ?? null,
    fromZero: false,
  },
  {
    name: "Error rate",
    detail: (of) => `${exact(of.errors)} failed calls`,
    text: (of) => rate(of.errors, of.calls),
    trend: (row) => per(row.errors, row.calls),
    fromZero: true,
  },
  {
    name: "Truncation rate",
    detail: (of) => `${exact(of.truncated)} cut off at the token limit`,
    text: (of) => rate(of.truncated, of.calls - of.errors),
    trend: (row) => per(row.truncated, row.calls - row.errors),
    fromZero: true,
  },
  {
    name: "Retries",
    detail: (of) => `${rate(of.retries, of.calls)} of calls repeat one`,
    text: (of) => count(of.retries),
    trend: (row) => row.retries,
    fromZero: true,
  },
  {
    name: "Duplicates left out",
    detail: (of) => `would have added ${of.duplicate_cost_usd === null ? DASH : usd(of.duplicate_cost_usd)}`,
    text: (of) => count(of.duplicate_calls),
    trend: (row) => row.duplicate_calls,
    fromZero: true,
  },
];

function tableOf(timeline: Timeline): Table {
  return {
    columns: ["Start (UTC)", "P50 (ms)", "P99 (ms)", "Calls", "Errors", "Truncated", "Retries"],
    rows: timeline.rows.flatMap((row) =>
      row
        ? [
            [
              plain(row.start),
              ...[row.latency_ms?.p50, row.latency_ms?.p99, row.calls, row.errors, row.truncated, row.retries].map(
                plain,
              ),
            ],
          ]
        : [],
    ),
  };
}

export function Reliability({ answer, timeline }: { answer: Answer<Spend>; timeline: Timeline }) {
  const total = answer.data?.total;
  const partial = timeline.buckets.at(-1)?.partial ?? false;
  return (
    <Panel title="Reliability" answer={answer} height={300} table={() => tableOf(timeline)}>
      {() => (
        <dl class="facts">
          {total &&
            FACTS.map((fact) => (
              <div key={fact.name}>
                <dt>
                  {fact.name}
                  <small>{fact.detail(total)}</small>
                </dt>
                <dd>
                  <b class="num">{fact.text(total)}</b>
                  <Spark
                    values={timeline.rows.map((row) => row && fact.trend(row))}
                    width={84}
                    height={24}
                    partial={partial}
                    fromZero={fact.fromZero}
                  />
                </dd>
              </div>
            ))}
        </dl>
      )}
    </Panel>
  );
}
