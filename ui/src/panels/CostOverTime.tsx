/** Cost per bucket, stacked by model, feature or provider. */
import { useMemo } from "preact/hooks";
import { StackedBars } from "../chart/StackedBars";
import type { Answer } from "../data/answers";
import { groupOf, type Spend } from "../data/api";
import { BUCKET_MS, paceOf, type Budget } from "../data/budgets";
import type { Forecast } from "../data/forecast";
import type { Mark } from "../data/marks";
import { float } from "../data/money";
import { bucketsOf, seriesOf, NOT_SET, OTHER } from "../data/series";
import { plain, type Table } from "../data/table";
import { usd, usdTick } from "../format";
import { Segments, titled } from "../shell/Segments";
import { useStore } from "../store";
import { bucketName } from "../view/label";
import { go, toggleFilter } from "../view/navigate";
import { words, zoomed, type Bucket, type Range } from "../view/range";
import { BY, type View } from "../view/view";
import { highlighted } from "./CostByModel";
import { Marks } from "./Marks";
import { Panel } from "./Panel";

const HEIGHT_PX = 256;
const LEGEND_PX = 30;
/** The line above the bars, which is there before what it says, so that nothing moves when that comes. */
const AHEAD_PX = 20;
/** A pace so many times as high as the highest bar is said and not drawn: bars would be too low to be read. */
const PACE_OF_HIGHEST = 3;

export function setRange(since: Date, until: Date): void {
  go(words({ since, until }));
}

export function widen(range: Range): void {
  go(words(zoomed(range, 2, new Date())));
}

/** "USD per day". */
export function perBucket(unit: string, spend: Spend | null): string {
  return spend ? `${unit} per ${spend.interval === "1h" ? "hour" : "day"}` : unit;
}

function tableOf(spend: Spend, dimension: string): Table {
  return {
    columns: ["Start (UTC)", dimension, "Cost (USD)", "Calls"],
    rows: spend.rows.map((row) => [
      plain(row.start),
      groupOf(row, dimension) ?? NOT_SET,
      plain(row.cost_usd),
      plain(row.calls),
    ]),
  };
}

/** The dimension that the answer is about: the view's may be ahead of it while loading. */
function dimensionOf(answer: Answer<Spend>, view: View): View["by"] {
  const row = answer.data?.rows[0];
  return row ? (BY.find((each) => each in row) ?? view.by) : view.by;
}

interface CostOverTimeProps {
  readonly answer: Answer<Spend>;
  readonly view: View;
  readonly range: Range;
  /** The budget for exactly what is shown, to draw its even pace. */
  readonly budget: Budget | null;
  /** What this month will come to, of what is shown. */
  readonly forecast: Forecast | null;
  readonly marks: readonly Mark[];
}

export function CostOverTime({ answer, view, range, budget, forecast, marks }: CostOverTimeProps) {
  const { data } = answer;
  const pace = budget && data && data.interval !== "total" ? paceOf(budget, BUCKET_MS[data.interval]) : null;
  const by = dimensionOf(answer, view);
  const highlight = useStore(highlighted);
  // By model, the table beside it is the legend, and its line of room goes to the bars.
  const height = by === "model" ? HEIGHT_PX + LEGEND_PX : HEIGHT_PX;
  const drawn = useMemo(() => {
    if (!data) return null;
    const buckets = bucketsOf(data);
    const series = seriesOf(data.rows, by, view, buckets, (row) => float(row.cost_usd));
    const spent = buckets.map((_, at) => series.reduce((sum, each) => sum + (each.values[at] ?? 0), 0));
    return { buckets, series, highest: Math.max(0, ...spent) };
  }, [data, by, view.filters]);
  const isInSight = pace !== null && drawn !== null && pace <= PACE_OF_HIGHEST * drawn.highest;
  const name = (bucket: Bucket, long: boolean) => bucketName(bucket, long, view.tz);
  return (
    <Panel
      title="Cost over time"
      caption={perBucket("USD", data)}
      class="wide over-time"
      answer={answer}
      height={height + AHEAD_PX}
      table={() => (data ? tableOf(data, by) : { columns: [], rows: [] })}
      actions={
        <Segments
          label="Stack by"
          options={titled(BY)}
          value={view.by}
          onChange={(value) => go({ by: value }, "replace")}
        />
      }
    >
      {() =>
        drawn?.series.length ? (
          <>
            <p class="caption ahead">
              {forecast?.total.forecast_usd && (
                <span title={forecast.total.explanation}>
                  This month: {usd(forecast.total.forecast_usd.p50)} expected ({usd(forecast.total.forecast_usd.p10)} to{" "}
                  {usd(forecast.total.forecast_usd.p90)}){" "}
                </span>
              )}
              {pace !== null && (
                <span title={budget?.reason}>
                  {isInSight ? <i class="dashes" /> : "· "} {usd(pace)} is the pace of budget {budget?.name}
                  {!isInSight && ", far above"}
                </span>
              )}
            </p>
            <StackedBars
              label={`Cost over time by ${by}, ${drawn.buckets.length} bars`}
              buckets={drawn.buckets}
              series={drawn.series}
              highlight={by === "model" && drawn.series.some((each) => each.key === highlight) ? highlight : null}
              height={height}
              level={isInSight ? pace : null}
              tick={usdTick}
              read={usd}
              bucketName={name}
              onRange={setRange}
              onWiden={() => widen(range)}
              onPick={(key, event) => key !== OTHER && toggleFilter(by, key === NOT_SET ? null : key, event)}
              over={(plot) => <Marks marks={marks} buckets={drawn.buckets} plot={plot} bucketName={name} />}
            />
            {by !== "model" && <Legend by={by} series={drawn.series} />}
          </>
        ) : (
          <p class="empty" style={{ height: `${height + AHEAD_PX}px` }}>
            No priced calls in this range
          </p>
        )
      }
    </Panel>
  );
}

function Legend({
  by,
  series,
}: {
  by: string;
  series: readonly { key: string; label: string; tone: string; value: string | null }[];
}) {
  return (
    <div class="legend" role="group" aria-label={`Filter by ${by}`}>
      {series.map((each) =>
        each.key === OTHER ? (
          <span key={each.key}>
            <i class={`key ${each.tone}`} /> {each.label}
          </span>
        ) : (
          <button key={each.key} type="button" class="link" onClick={(event) => toggleFilter(by, each.value, event)}>
            <i class={`key ${each.tone}`} /> {each.label}
          </button>
        ),
      )}
    </div>
  );
}
