/** Lines over time: for rates and quantiles, which do not add up. An unknown value is a gap. */
import { useMemo } from "preact/hooks";
import { linePaths } from "./geometry";
import { TimeChart, type TimeAxisProps } from "./TimeChart";

export interface LineSeries {
  readonly key: string;
  readonly label: string;
  readonly tone: string;
  readonly values: readonly (number | null)[];
}

export interface LinesProps extends TimeAxisProps {
  readonly series: readonly LineSeries[];
  readonly read: (value: number) => string;
}

export function Lines(props: LinesProps) {
  const { buckets, series, read } = props;
  const max = useMemo(() => Math.max(0, ...series.flatMap((each) => each.values.map((value) => value ?? 0))), [series]);
  const rows = (index: number) =>
    series.flatMap((each) => {
      const value = each.values[index];
      return value === null || value === undefined ? [] : [{ tone: each.tone, label: each.label, value: read(value) }];
    });
  return (
    <TimeChart
      {...props}
      max={max}
      total={() => ""}
      said={(index) =>
        rows(index)
          .map((row) => `${row.label} ${row.value}`)
          .join(", ") || "nothing known"
      }
      rows={rows}
    >
      {({ band, y, hovered }) =>
        series.map((each) => {
          const paths = linePaths(each.values, band, y, buckets.at(-1)?.partial ?? false);
          const value = each.values[hovered];
          return (
            <g key={each.key} data-series={each.key} class={`line ${each.tone}`}>
              <path d={paths.line} />
              <path class="tail" d={paths.tail} />
              {paths.lone.map((index) => (
                <circle key={index} r={2} cx={band.x(index) + band.width / 2} cy={y(each.values[index] ?? 0)} />
              ))}
              {value !== null && value !== undefined && (
                <circle r={3} cx={band.x(hovered) + band.width / 2} cy={y(value)} />
              )}
            </g>
          );
        })
      }
    </TimeChart>
  );
}
