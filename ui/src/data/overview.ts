/** The questions behind the Cost overview page. */
import { autoBucket, DAY_MS, previous, resolve, type Range } from "../view/range";
import type { View, Who } from "../view/view";
import { groupOf, spendUrl, SUMS, type Ingest, type Measures, type Row, type Spend, type SpendQuestion } from "./api";
import type { Questions } from "./answers";

/** Rows of "Who is spending" before the rest is summed up as "Other". */
export const WHO_ROWS = 20;
const BEFORE_ROWS = 500;
/** No roll-up tells percentiles by user: they take longer than the rest, so they are asked for after it. */
export const LATENCY_LATER: Who = "user";

export interface Asked {
  readonly range: Range;
  readonly before: Range | null;
  readonly interval: "1h" | "1d";
  readonly questions: Questions;
}

/** A period that began before the first call was received is no fair comparison: a dash is shown instead. */
export function wasRecorded(period: Range, ingest: Ingest | null): boolean {
  return !ingest?.first_call_at || Date.parse(ingest.first_call_at) <= period.since.getTime() + DAY_MS;
}

export function rankByCost(rows: readonly Row[]): Row[] {
  // Unpriced groups come last: their cost is unknown, not small.
  return [...rows].sort((a, b) => Number(b.cost_usd ?? -1) - Number(a.cost_usd ?? -1) || b.calls - a.calls);
}

/** More about the listed groups only, so that the answer stays small with any number of users. */
function listedUrl(
  { view, range, who }: { view: View; range: Range; who: Spend | null },
  more: Pick<SpendQuestion, "interval" | "measures">,
): string | null {
  if (!who?.rows.length) return null;
  const own = rankByCost(who.rows)
    .slice(0, WHO_ROWS)
    .map((row) => ({ key: view.who, value: groupOf(row, view.who) ?? "", exclude: false }));
  const others = view.filters.filter((filter) => filter.key !== view.who);
  return spendUrl({ groupBy: view.who, range, filters: [...others, ...own], ...more });
}

/** What to ask for `view` at `now`. `who` is the answered table, once there is one, for what takes longer to answer. */
export function ask(view: View, now: Date, who: { dimension: Who; spend: Spend | null }): Asked {
  const range = resolve(view, now);
  const interval = view.bucket === "auto" ? autoBucket(range) : view.bucket;
  const before = view.compare === "prev" ? previous(view, range) : null;
  const filters = view.filters;
  const isLater = view.who === LATENCY_LATER;
  const ofWho: readonly (keyof Measures)[] = isLater ? SUMS : [...SUMS, "latency_ms"];
  const listed = { view, range, who: who.dimension === view.who ? who.spend : null };
  const ofOthers = filters.filter((filter) => filter.key !== "model");
  return {
    range,
    before,
    interval,
    questions: {
      buckets: spendUrl({ range, interval, filters }),
      series: spendUrl({ groupBy: view.by, range, interval, filters, measures: ["cost_usd", "calls"] }),
      models: spendUrl({ groupBy: "model", range, filters: ofOthers, measures: SUMS }),
      who: spendUrl({ groupBy: view.who, range, filters, limit: WHO_ROWS, measures: ofWho }),
      before: before && spendUrl({ groupBy: view.who, range: before, filters, limit: BEFORE_ROWS, measures: SUMS }),
      trends: listedUrl(listed, { interval, measures: ["cost_usd"] }),
      latencies: isLater ? listedUrl(listed, { measures: ["latency_ms"] }) : null,
    },
  };
}
