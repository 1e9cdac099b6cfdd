/** A running total over days: what is spent as a line, what is expected as a band around a dashed one, a limit. */
import { useMemo } from "preact/hooks";
import type { Course as Figures } from "../data/forecast";
import { bandPath, linePaths } from "./geometry";
import { TimeChart, type TimeAxisProps } from "./TimeChart";

interface CourseProps extends Omit<TimeAxisProps, "buckets"> {
  readonly course: Figures;
  /** The amount that is not to be passed. */
  readonly limit: number | null;
  readonly read: (value: number) => string;
}

const TONE = "tone-1";

export function Course(props: CourseProps) {
  const { course, limit, read } = props;
  const max = useMemo(
    () => Math.max(limit ?? 0, ...[...course.spent, ...course.high].map((value) => value ?? 0)),
    [course, limit],
  );
  const rows = (index: number) => {
    const named: [string, number | null | undefined][] = [
      ["spent", course.spent[index]],
      ["expected", course.middle[index]],
      ["at least (P10)", course.low[index]],
      ["at most (P90)", course.high[index]],
    ];
    return named.flatMap(([label, value]) =>
      value === null || value === undefined ? [] : [{ tone: TONE, label, value: read(value) }],
    );
  };
  return (
    <TimeChart
      {...props}
      buckets={course.buckets}
      max={max}
      total={() => ""}
      said={(index) =>
        rows(index)
          .map((row) => `${row.label} ${row.value}`)
          .join(", ") || "nothing known"
      }
      rows={rows}
    >
      {({ width, frame, band, y }) => (
        <>
          <path class={`expected ${TONE}`} d={bandPath(course.low, course.high, band, y)} />
          <g class={`line ${TONE}`} data-series="expected">
            <path class="tail" d={linePaths(course.middle, band, y, false).line} />
          </g>
          <g class={`line ${TONE}`} data-series="spent">
            <path d={linePaths(course.spent, band, y, false).line} />
          </g>
          {limit !== null && (
            <line class="level" x1={frame.left} x2={width - frame.right} y1={y(limit)} y2={y(limit)} />
          )}
        </>
      )}
    </TimeChart>
  );
}
