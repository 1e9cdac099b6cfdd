/** Stacked bars over time: for sums per bucket. */
import { useMemo } from "preact/hooks";
import { barsPath, stack } from "./geometry";
import { TimeChart, type Plot, type TimeAxisProps } from "./TimeChart";

export interface Series {
  readonly key: string;
  readonly label: string;
  /** CSS class that sets the hue. */
  readonly tone: string;
  readonly values: readonly number[];
  readonly faint?: boolean;
}

export interface StackedBarsProps extends TimeAxisProps {
  readonly series: readonly Series[];
  /** Key of the one series to bring forward, while its row is under the pointer. */
  readonly highlight?: string | null;
  /** A level to hold the bars against, drawn as a dashed line. */
  readonly level?: number | null;
  readonly read: (value: number) => string;
  readonly onPick?: (key: string, event: PointerEvent) => void;
}

export function StackedBars(props: StackedBarsProps) {
  const { buckets, series, highlight, level, read, onPick } = props;
  const edges = useMemo(() => stack(series.map((each) => each.values)), [series]);
  const max = useMemo(() => Math.max(level ?? 0, ...(edges.at(-1) ?? []).map((edge) => edge[1])), [edges, level]);
  const isFaint = (each: Series) => (highlight ? highlight !== each.key : each.faint);
  const total = (index: number) => read(edges.at(-1)?.[index]?.[1] ?? 0);
  const pick = ({ y }: Plot, index: number, height: number, event: PointerEvent) => {
    const hit = series.findIndex((_, each) => {
      const edge = edges[each]?.[index];
      return edge && edge[1] > edge[0] && y(edge[1]) <= height && height <= y(edge[0]);
    });
    const key = series[hit]?.key;
    if (key !== undefined) onPick?.(key, event);
  };
  const whole = buckets.flatMap((bucket, index) => (bucket.partial ? [] : [index]));
  const partial = buckets.flatMap((bucket, index) => (bucket.partial ? [index] : []));
  return (
    <TimeChart
      {...props}
      max={max}
      total={total}
      said={total}
      rows={(index) =>
        series
          .map((each) => ({ tone: each.tone, label: each.label, value: each.values[index] ?? 0 }))
          .filter((row) => row.value > 0)
          .map((row) => ({ ...row, value: read(row.value) }))
      }
      {...(onPick && { onPickAt: pick })}
    >
      {({ band, frame, y }) => (
        <>
          {series.map((each, index) => (
            <g key={each.key} data-series={each.key} class={`bars ${each.tone}${isFaint(each) ? " faint" : ""}`}>
              <path d={barsPath(edges, index, whole, band, y)} />
              <path class="partial" d={barsPath(edges, index, partial, band, y)} />
            </g>
          ))}
          {level && <line class="level" x1={frame.left} x2={frame.width - frame.right} y1={y(level)} y2={y(level)} />}
        </>
      )}
    </TimeChart>
  );
}
