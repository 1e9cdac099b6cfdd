/** Arithmetic of the charts: scales, stacks and paths, without any drawing. */
import { scaleBand, scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const TOP_RADIUS = 2.5;
const GAP = 1;

/** A zero-based axis with about four round steps that holds `max`. */
/** `unit` is what ticks are whole multiples or decimal parts of: 60,000 for milliseconds that are read as minutes. */
export function axis(max: number, unit = 1): { readonly top: number; readonly ticks: readonly number[] } {
  const scale = scaleLinear()
    .domain([0, max > 0 ? max / unit : 1])
    .nice(4);
  return { top: (scale.domain()[1] ?? 1) * unit, ticks: scale.ticks(4).map((tick) => tick * unit) };
}

export function heights(frame: Frame, top: number): (value: number) => number {
  const scale = scaleLinear()
    .domain([0, top])
    .range([frame.height - frame.bottom, frame.top]);
  return (value) => scale(value);
}

export interface Band {
  readonly width: number;
  readonly step: number;
  readonly x: (index: number) => number;
  /** Index of the bar nearest to `x`. */
  readonly at: (x: number) => number;
}

export function bands(frame: Frame, count: number): Band {
  const scale = scaleBand<number>()
    .domain(Array.from({ length: count }, (_, index) => index))
    .range([frame.left, frame.width - frame.right])
    .paddingInner(count > 60 ? 0.15 : 0.22)
    .paddingOuter(0.12);
  const step = scale.step();
  const start = (scale(0) ?? frame.left) - (step - scale.bandwidth()) / 2;
  return {
    width: scale.bandwidth(),
    step,
    x: (index) => scale(index) ?? 0,
    at: (x) => Math.max(0, Math.min(count - 1, Math.floor((x - start) / step))),
  };
}

/** For each series, its lower and upper edge in each bucket; the first series is at the bottom. */
export function stack(series: readonly (readonly number[])[]): (readonly [number, number])[][] {
  const tops: number[] = [];
  return series.map((values) =>
    values.map((value, index) => {
      const low = tops[index] ?? 0;
      const high = low + Math.max(0, value);
      tops[index] = high;
      return [low, high] as const;
    }),
  );
}

function bar(x: number, width: number, low: number, high: number, isTop: boolean): string {
  const radius = isTop ? Math.min(TOP_RADIUS, width / 2, low - high) : 0;
  const [a, b] = [x.toFixed(2), (x + width).toFixed(2)];
  if (radius <= 0) return `M${a} ${low.toFixed(2)}V${high.toFixed(2)}H${b}V${low.toFixed(2)}Z`;
  const shoulder = (high + radius).toFixed(2);
  const top = high.toFixed(2);
  return (
    `M${a} ${low.toFixed(2)}V${shoulder}Q${a} ${top} ${(x + radius).toFixed(2)} ${top}` +
    `H${(x + width - radius).toFixed(2)}Q${b} ${top} ${b} ${shoulder}V${low.toFixed(2)}Z`
  );
}

/** One path for all bars of a series among `indexes`: thousands of bars stay a handful of nodes. */
export function barsPath(
  edges: readonly (readonly (readonly [number, number])[])[],
  series: number,
  indexes: readonly number[],
  band: Band,
  y: (value: number) => number,
): string {
  const parts: string[] = [];
  for (const index of indexes) {
    const edge = edges[series]?.[index];
    if (!edge || edge[1] <= edge[0]) continue;
    const isTop = !edges.slice(series + 1).some((above) => (above[index]?.[1] ?? 0) > edge[1]);
    const low = y(edge[0]) - (edge[0] > 0 ? GAP : 0);
    const high = Math.min(y(edge[1]), low - 0.5);
    parts.push(bar(band.x(index), band.width, low, high, isTop));
  }
  return parts.join("");
}

/** Indexes whose labels fit when each needs `room` pixels, counted back from the last one. */
export function labelled(count: number, step: number, room: number): number[] {
  const every = Math.max(1, Math.ceil(room / step));
  const result: number[] = [];
  for (let index = count - 1; index >= 0; index -= every) result.unshift(index);
  return result;
}

export interface SparkPaths {
  readonly line: string;
  readonly area: string;
  /** The last step, dashed, when it leads into an unfinished bucket. */
  readonly tail: string;
}

/** A sparkline through the known values; an unknown value is a gap. Sums start at zero, quantiles at their minimum. */
export function spark(
  values: readonly (number | null)[],
  size: { width: number; height: number },
  lastIsPartial: boolean,
  fromZero: boolean,
): SparkPaths {
  const known = values.filter((each) => each !== null);
  const low = fromZero ? 0 : Math.min(...known);
  const high = Math.max(...known, fromZero ? 0 : -Infinity);
  const y = scaleLinear()
    .domain(low === high ? [low - 1, high + 1] : [low, high])
    .range([size.height - 1.5, 1.5]);
  const x = scaleLinear()
    .domain([0, Math.max(1, values.length - 1)])
    .range([1, size.width - 1]);
  const points = values.map((value, index) => ({ value, index }));
  const solid = lastIsPartial && points.length > 2 ? points.slice(0, -1) : points;
  type Point = (typeof points)[number];
  const draw = line<Point>(
    (p) => x(p.index),
    (p) => y(p.value ?? 0),
  ).defined((p) => p.value !== null);
  const fill = area<Point>(
    (p) => x(p.index),
    size.height,
    (p) => y(p.value ?? 0),
  ).defined((p) => p.value !== null);
  const tail = solid.length < points.length ? points.slice(-2) : [];
  return { line: draw(solid) ?? "", area: fill(solid) ?? "", tail: draw(tail) ?? "" };
}

export interface LinePaths {
  readonly line: string;
  /** The last step, dashed, when it leads into an unfinished bucket. */
  readonly tail: string;
  /** Indexes of values with unknown neighbours on both sides, which no line would show. */
  readonly lone: readonly number[];
}

export function linePaths(
  values: readonly (number | null)[],
  band: Band,
  y: (value: number) => number,
  lastIsPartial: boolean,
): LinePaths {
  const points = values.map((value, index) => ({ value, index }));
  const solid = lastIsPartial ? points.slice(0, -1) : points;
  const draw = line<(typeof points)[number]>(
    (point) => band.x(point.index) + band.width / 2,
    (point) => y(point.value ?? 0),
  ).defined((point) => point.value !== null);
  const known = (index: number) => values[index] !== null && values[index] !== undefined;
  const lone = points.map((point) => point.index).filter((at) => known(at) && !known(at - 1) && !known(at + 1));
  return { line: draw(solid) ?? "", tail: lastIsPartial ? (draw(points.slice(-2)) ?? "") : "", lone };
}

export interface StepBar {
  /** Both in percent of the width. */
  readonly start: number;
  readonly width: number;
}

const THINNEST = 0.4;

/**
 * Bars of a waterfall: the first total, the steps, the last total.
 *
 * The axis is cut off below the steps, so that small steps between two large totals are seen; totals begin at its edge.
 */
export function steps(from: number, between: readonly number[], to: number): StepBar[] {
  const levels = [from];
  for (const value of between) levels.push((levels.at(-1) ?? 0) + value);
  const [low, high] = [Math.min(...levels, to), Math.max(...levels, to)];
  const floor = Math.min(low, Math.max(0, low - (high - low || high || 1) / 2));
  const x = scaleLinear()
    .domain([floor, high === floor ? floor + 1 : high])
    .range([0, 100]);
  const bar = (a: number, b: number) => ({
    start: Math.min(x(Math.min(a, b)), 100 - THINNEST),
    width: Math.max(x(Math.max(a, b)) - x(Math.min(a, b)), THINNEST),
  });
  const moved = between.map((_, index) => bar(levels[index] ?? 0, levels[index + 1] ?? 0));
  return [bar(floor, from), ...moved, bar(floor, to)];
}

/** The area between two lines, where both are known. */
export function bandPath(
  low: readonly (number | null)[],
  high: readonly (number | null)[],
  band: Band,
  y: (value: number) => number,
): string {
  const points = low.map((value, index) => ({ low: value, high: high[index] ?? null, index }));
  const draw = area<(typeof points)[number]>(
    (point) => band.x(point.index) + band.width / 2,
    (point) => y(point.low ?? 0),
    (point) => y(point.high ?? 0),
  ).defined((point) => point.low !== null && point.high !== null);
  return draw(points) ?? "";
}
