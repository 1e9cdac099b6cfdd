/** Are calls slow, failing or cut off; where, and since when? */
import { useEffect, useMemo } from "preact/hooks";
import { freshnessStore } from "../clock";
import { useAnswers } from "../data/answers";
import { spendUrl, type Row, type Spend } from "../data/api";
import { float } from "../data/money";
import { along, bucketsOf, byGroup, NOT_SET } from "../data/series";
import { tones } from "../data/tones";
import { count, duration, durationUnit, exact, rate, usd, usdTick } from "../format";
import type { PageProps } from "../pages";
import { NoMatch, SetUp } from "../panels/Notices";
import { autoBucket, resolve } from "../view/range";
import type { View } from "../view/view";
import { BarsPanel, LinesPanel } from "./panels";
import { ByModel } from "./ByModel";

const LINES = 6;
/** Below this many calls in a bucket a rate says nothing; the line has a gap there. */
const FEW_CALLS = 20;

function questions(view: View, now: Date) {
  const range = resolve(view, now);
  const interval = view.bucket === "auto" ? autoBucket(range) : view.bucket;
  const filters = view.filters;
  const failed = [...filters, { key: "error_type", value: "", exclude: true }];
  const again = [...filters, { key: "attempt", value: "1", exclude: true }];
  const measures = ["calls", "cost_usd"] as const;
  return {
    range,
    asked: {
      buckets: spendUrl({ range, interval, filters }),
      models: spendUrl({ groupBy: "model", range, filters }),
      byModel: spendUrl({
        groupBy: "model",
        range,
        interval,
        filters,
        limit: LINES,
        measures: ["calls", "errors", "truncated"],
      }),
      errors: spendUrl({ groupBy: "error_type", range, interval, filters: failed, measures }),
      finish: spendUrl({ groupBy: "finish_reason", range, interval, filters, measures }),
      attempts: spendUrl({ groupBy: "attempt", range, interval, filters: again, measures }),
    },
  };
}

/** One line a model: a rate of its calls in each bucket. */
function rates(spend: Spend | null, part: (row: Row) => number, all: (row: Row) => number) {
  if (!spend) return [];
  const buckets = bucketsOf(spend);
  const groups = [...byGroup(spend.rows, "model")];
  const tone = tones(
    "model",
    groups.map(([value]) => value),
  );
  return groups.slice(0, LINES).map(([value, rows]) => ({
    key: value ?? NOT_SET,
    label: value ?? NOT_SET,
    tone: tone.get(value) ?? "tone-other",
    values: along(buckets, rows).map((row) => (row && all(row) >= FEW_CALLS ? part(row) / all(row) : null)),
  }));
}

function quantiles(spend: Spend | null, of: "latency_ms" | "ttft_ms") {
  if (!spend) return [];
  const rows = along(bucketsOf(spend), spend.rows);
  return (["p50", "p95", "p99"] as const).map((name, index) => ({
    key: name,
    label: name.toUpperCase(),
    tone: `tone-${index + 1}`,
    values: rows.map((row) => row?.[of]?.[name] ?? null),
  }));
}

const percent = (value: number) => rate(value, 1);
const retried = (row: Row) => Number((row as unknown as { attempt: string | null }).attempt ?? 1) > 1;

export default function ReliabilityPage({ view, clock, ingest }: PageProps) {
  const { range, asked } = useMemo(() => questions(view, clock.now), [view, clock.now]);
  const answers = useAnswers(asked, clock.round);
  const [buckets, models, byModel] = [answers<Spend>("buckets"), answers<Spend>("models"), answers<Spend>("byModel")];
  const [errors, finish, attempts] = [answers<Spend>("errors"), answers<Spend>("finish"), answers<Spend>("attempts")];
  const loading = Object.keys(asked).some((name) => answers(name).loading);
  const receivedAt = buckets.receivedAt;
  useEffect(() => freshnessStore.set({ loading, receivedAt }), [loading, receivedAt]);
  const total = buckets.data?.total;
  if (ingest.data?.calls === 0 && !total?.calls) return <SetUp ingest={ingest.data} />;
  if (total?.calls === 0 && !loading) return <NoMatch view={view} ingest={ingest.data} />;
  const shared = { view, range };
  const waste = (attempts.data?.rows ?? []).filter(retried);
  const wasted = waste.reduce((sofar, row) => sofar + (float(row.cost_usd) ?? 0), 0);
  return (
    <div class="page">
      <div class="grid halves">
        <LinesPanel
          {...shared}
          title="Latency"
          caption={total ? `P99 ${duration(total.latency_ms?.p99)}, all calls` : ""}
          answer={buckets}
          series={quantiles(buckets.data, "latency_ms")}
          tick={duration}
          unit={durationUnit}
          read={duration}
          empty="No call in this range says how long it took"
        />
        <LinesPanel
          {...shared}
          title="Time to first token"
          caption="of the streamed calls that say it"
          answer={buckets}
          series={quantiles(buckets.data, "ttft_ms")}
          tick={duration}
          unit={durationUnit}
          read={duration}
          empty="No streamed call in this range says when its first token came"
        />
        <BarsPanel
          {...shared}
          title="Errors by type"
          caption={
            total
              ? `${exact(total.errors)} of ${exact(total.calls)} calls failed, ${rate(total.errors, total.calls)}`
              : ""
          }
          answer={errors}
          dimension="error_type"
          measure={(row) => row.calls}
          tick={count}
          read={exact}
          empty="No call failed in this range"
        />
        <LinesPanel
          {...shared}
          title="Truncation rate"
          caption={total ? `${exact(total.truncated)} answers cut off at the token limit` : ""}
          answer={byModel}
          series={rates(
            byModel.data,
            (row) => row.truncated,
            (row) => row.calls - row.errors,
          )}
          tick={percent}
          read={percent}
          empty={`No model has ${FEW_CALLS} calls in a bucket`}
        />
        <BarsPanel
          {...shared}
          title="Finish reasons"
          caption="calls"
          answer={finish}
          dimension="finish_reason"
          measure={(row) => row.calls}
          tick={count}
          read={exact}
          empty="No calls"
        />
        <BarsPanel
          {...shared}
          title="Cost of retries"
          caption={total ? `${exact(total.retries)} calls repeat one, ${usd(wasted)}` : ""}
          answer={attempts}
          dimension="attempt"
          name={(attempt) => `attempt ${attempt}`}
          keep={retried}
          measure={(row) => float(row.cost_usd)}
          tick={usdTick}
          read={usd}
          empty="No call that cost something repeats another"
        />
      </div>
      <ByModel answer={models} view={view} />
    </div>
  );
}
