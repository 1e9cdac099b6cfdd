/** A panel of lines and a panel of bars over time, each with its legend and its empty state. */
import type { ComponentChildren } from "preact";
import { Lines, type LineSeries } from "../chart/Lines";
import { StackedBars } from "../chart/StackedBars";
import type { Answer } from "../data/answers";
import { groupOf, type Row, type Spend } from "../data/api";
import { bucketsOf, NOT_SET, OTHER, seriesOf, type Read } from "../data/series";
import { plain } from "../data/table";
import { setRange, widen } from "../panels/CostOverTime";
import { Panel } from "../panels/Panel";
import { bucketName } from "../view/label";
import { toggleFilter } from "../view/navigate";
import type { Range } from "../view/range";
import type { View } from "../view/view";

const HEIGHT_PX = 220;

interface Shared {
  readonly title: string;
  readonly caption: ComponentChildren;
  readonly answer: Answer<Spend>;
  readonly view: View;
  readonly range: Range;
  readonly tick: (value: number) => string;
  readonly read: (value: number) => string;
  readonly empty: string;
}

function Legend({ series }: { series: readonly { key: string; label: string; tone: string }[] }) {
  return (
    <div class="legend">
      {series.map((each) => (
        <span key={each.key}>
          <i class={`key ${each.tone}`} /> {each.label}
        </span>
      ))}
    </div>
  );
}

function Empty({ text }: { text: string }) {
  return (
    <p class="empty" style={{ height: `${HEIGHT_PX + 30}px` }}>
      {text}
    </p>
  );
}

export function LinesPanel(props: Shared & { series: readonly LineSeries[]; unit?: (max: number) => number }) {
  const { answer, series, view } = props;
  const buckets = answer.data ? bucketsOf(answer.data) : [];
  const known = series.filter((each) => each.values.some((value) => value !== null));
  return (
    <Panel
      title={props.title}
      caption={props.caption}
      answer={answer}
      height={HEIGHT_PX + 30}
      table={() => ({
        columns: ["Start (UTC)", ...series.map((each) => each.label)],
        rows: buckets.map((bucket, at) => [
          bucket.start.toISOString(),
          ...series.map((each) => plain(each.values[at] ?? null)),
        ]),
      })}
    >
      {() =>
        known.length ? (
          <>
            <Lines
              label={`${props.title} over time`}
              buckets={buckets}
              series={known}
              height={HEIGHT_PX}
              tick={props.tick}
              {...(props.unit && { unit: props.unit })}
              read={props.read}
              bucketName={(bucket, long) => bucketName(bucket, long, view.tz)}
              onRange={setRange}
              onWiden={() => widen(props.range)}
            />
            <Legend series={known} />
          </>
        ) : (
          <Empty text={props.empty} />
        )
      }
    </Panel>
  );
}

interface BarsProps extends Shared {
  readonly dimension: string;
  readonly measure: Read;
  readonly keep?: (row: Row) => boolean;
  /** What a value of the dimension is called, where it does not say it itself. */
  readonly name?: (value: string) => string;
}

export function BarsPanel(props: BarsProps) {
  const { answer, dimension, view } = props;
  const buckets = answer.data ? bucketsOf(answer.data) : [];
  const rows = (answer.data?.rows ?? []).filter((row) => props.keep?.(row) ?? true);
  const series = seriesOf(rows, dimension, view, buckets, props.measure).map((each) =>
    each.value === null || each.key === OTHER ? each : { ...each, label: props.name?.(each.value) ?? each.label },
  );
  return (
    <Panel
      title={props.title}
      caption={props.caption}
      answer={answer}
      height={HEIGHT_PX + 30}
      table={() => ({
        columns: ["Start (UTC)", dimension, "Calls", "Cost (USD)"],
        rows: rows.map((row) => [
          plain(row.start),
          groupOf(row, dimension) ?? NOT_SET,
          plain(row.calls),
          plain(row.cost_usd),
        ]),
      })}
    >
      {() =>
        series.length ? (
          <>
            <StackedBars
              label={`${props.title} over time`}
              buckets={buckets}
              series={series}
              height={HEIGHT_PX}
              tick={props.tick}
              read={props.read}
              bucketName={(bucket, long) => bucketName(bucket, long, view.tz)}
              onRange={setRange}
              onWiden={() => widen(props.range)}
              onPick={(key, event) => key !== OTHER && toggleFilter(dimension, key === NOT_SET ? null : key, event)}
            />
            <Legend series={series} />
          </>
        ) : (
          <Empty text={props.empty} />
        )
      }
    </Panel>
  );
}
