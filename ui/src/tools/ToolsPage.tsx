/** Which tool costs, and which breaks: fees, the calls inside a tool, and the completions that read its results. */
import { useEffect, useMemo } from "preact/hooks";
import { StackedBars } from "../chart/StackedBars";
import { freshnessStore } from "../clock";
import { useAnswers, type Answer } from "../data/answers";
import { toolsUrl, type ToolRow, type Tools } from "../data/api";
import { float } from "../data/money";
import { wasRecorded } from "../data/overview";
import { bucketsOf, OTHER, seriesOf } from "../data/series";
import { plain } from "../data/table";
import { change, count, exact, rate, usd, usdTick } from "../format";
import type { PageProps } from "../pages";
import { setRange, widen } from "../panels/CostOverTime";
import { SetUp } from "../panels/Notices";
import { Panel } from "../panels/Panel";
import { Tile } from "../panels/Tiles";
import { bucketName } from "../view/label";
import { toggleFilter } from "../view/navigate";
import { autoBucket, previous, resolve, type Range } from "../view/range";
import type { View } from "../view/view";
import { ToolsTable } from "./ToolsTable";

const NOTHING = { text: "", warn: false };

function ToolTiles(props: { now: Tools; before: Tools | null; times: Tools | null }) {
  const { now, before, times } = props;
  const buckets = times ? bucketsOf(times) : [];
  const partial = buckets.at(-1)?.partial ?? false;
  const sums = (read: (row: ToolRow) => number) => {
    const rows = Map.groupBy(times?.rows ?? [], (row) => Date.parse(row.start ?? ""));
    return buckets.map((bucket) =>
      (rows.get(bucket.start.getTime()) ?? []).reduce((sofar, row) => sofar + read(row), 0),
    );
  };
  const [total, former] = [now.total, before?.total];
  const unknown = now.completeness.follow_up_unknown_calls;
  const uses = total.calls - total.charged_calls;
  return (
    <div class="tiles">
      <Tile
        name="Tool calls"
        value={count(total.calls)}
        exact={`${exact(uses)} tool spans, ${exact(total.charged_calls)} calls billed by a provider`}
        change={change(total.calls, former?.calls ?? null)}
        caption={`${exact(new Set(now.rows.map((row) => row.tool)).size)} tools`}
        complete={NOTHING}
        trend={sums((row) => row.calls)}
        partial={partial}
      />
      <Tile
        name="Cost of tool turns"
        value={usd(total.cost_usd)}
        exact={total.cost_usd === null ? "No priced call is linked to a tool" : `$${total.cost_usd}`}
        change={change(float(total.cost_usd), float(former?.cost_usd))}
        caption={total.fees_usd === null ? "no fees" : `${usd(total.fees_usd)} fees`}
        complete={
          unknown
            ? { text: `${count(unknown)} without a call that read them`, warn: true }
            : { text: "all linked", warn: false }
        }
        trend={sums((row) => float(row.cost_usd) ?? 0)}
        partial={partial}
      />
      <Tile
        name="Cost per tool call"
        value={usd(total.cost_per_call_usd)}
        exact={total.cost_per_call_usd === null ? "" : `$${total.cost_per_call_usd}`}
        change={change(float(total.cost_per_call_usd), float(former?.cost_per_call_usd))}
        caption={`${exact(total.follow_up_calls)} calls read results`}
        complete={NOTHING}
        trend={[]}
        partial={partial}
      />
      <Tile
        name="Tool error rate"
        value={rate(total.errors, uses)}
        exact={`${exact(total.errors)} of ${exact(uses)} tool spans failed`}
        change={change(total.error_rate, former?.error_rate ?? null)}
        caption={`${exact(total.errors)} failed`}
        complete={NOTHING}
        trend={sums((row) => row.errors)}
        partial={partial}
      />
    </div>
  );
}

interface OverTimeProps {
  readonly title: string;
  readonly answer: Answer<Tools>;
  readonly view: View;
  readonly range: Range;
  readonly read: (row: ToolRow) => number | null;
  readonly tick: (value: number) => string;
  readonly text: (value: number) => string;
  readonly unit: string;
}

function ToolsOverTime({ title, answer, view, range, read, tick, text, unit }: OverTimeProps) {
  const { data } = answer;
  const drawn = useMemo(() => {
    if (!data) return null;
    const buckets = bucketsOf(data);
    return { buckets, series: seriesOf(data.rows, "tool", view, buckets, read) };
  }, [data, view.filters]);
  return (
    <Panel
      title={title}
      caption={`${unit} per ${data?.interval === "1h" ? "hour" : "day"}`}
      answer={answer}
      height={276}
      table={() => ({
        columns: ["Start (UTC)", "Tool", unit],
        rows: (data?.rows ?? []).map((row) => [plain(row.start), row.tool, plain(read(row))]),
      })}
    >
      {() =>
        drawn?.series.length ? (
          <>
            <StackedBars
              label={`${title}, ${drawn.buckets.length} bars`}
              buckets={drawn.buckets}
              series={drawn.series}
              height={246}
              tick={tick}
              read={text}
              bucketName={(bucket, long) => bucketName(bucket, long, view.tz)}
              onRange={setRange}
              onWiden={() => widen(range)}
              onPick={(key, event) => key !== OTHER && toggleFilter("tool", key, event)}
            />
            <div class="legend">
              {drawn.series.map((each) => (
                <span key={each.key}>
                  <i class={`key ${each.tone}`} /> {each.label}
                </span>
              ))}
            </div>
          </>
        ) : (
          <p class="empty" style={{ height: "276px" }}>
            Nothing in this range
          </p>
        )
      }
    </Panel>
  );
}

function NoTools() {
  return (
    <section class="card notice" role="status">
      <h2>No tool calls in this range</h2>
      <p>
        Tool calls come from spans with <code>gen_ai.operation.name=execute_tool</code>, which agent frameworks and
        their instrumentations emit, and from calls that a provider bills by itself, such as web searches.
      </p>
      <a class="control" href="calls">
        Show the calls
      </a>
    </section>
  );
}

export default function ToolsPage({ view, clock, ingest }: PageProps) {
  const range = resolve(view, clock.now);
  const interval = view.bucket === "auto" ? autoBucket(range) : view.bucket;
  const before = view.compare === "prev" ? previous(view, range) : null;
  const filters = view.filters;
  const answers = useAnswers(
    {
      tools: toolsUrl({ range, filters }),
      times: toolsUrl({ range, filters, interval }),
      before: before && toolsUrl({ range: before, filters }),
    },
    clock.round,
  );
  const [tools, times, former] = [answers<Tools>("tools"), answers<Tools>("times"), answers<Tools>("before")];
  const loading = tools.loading || times.loading;
  useEffect(() => freshnessStore.set({ loading, receivedAt: tools.receivedAt }), [loading, tools.receivedAt]);
  if (ingest.data?.calls === 0 && !tools.data?.total.calls) return <SetUp ingest={ingest.data} />;
  if (tools.data && !tools.data.total.calls && !tools.loading && !filters.length) return <NoTools />;
  const fair = before && wasRecorded(before, ingest.data) ? former.data : null;
  return (
    <div class="page">
      {tools.data && <ToolTiles now={tools.data} before={fair} times={times.data} />}
      <div class="grid halves">
        <ToolsOverTime
          title="Tool calls by tool"
          answer={times}
          view={view}
          range={range}
          read={(row) => row.calls}
          tick={count}
          text={exact}
          unit="Calls"
        />
        <ToolsOverTime
          title="Cost by tool"
          answer={times}
          view={view}
          range={range}
          read={(row) => float(row.cost_usd)}
          tick={usdTick}
          text={usd}
          unit="USD"
        />
      </div>
      <ToolsTable answer={tools} before={fair} view={view} />
    </div>
  );
}
