/** From rows to what charts draw: timelines, ranked series and a rest. */
import { buckets, type Bucket } from "../view/range";
import { isLeftOut, type View } from "../view/view";
import { groupOf, type Row, type Spend } from "./api";
import { float } from "./money";
import { TONES, tones } from "./tones";

export const NOT_SET = "(not set)";
export const OTHER = "Other";

export function bucketsOf(spend: Spend): Bucket[] {
  return buckets(new Date(spend.since), new Date(spend.until), spend.interval === "1h" ? "1h" : "1d");
}

/** The rows of one group in the order of the buckets; null where it has none. */
export function along(buckets: readonly Bucket[], rows: readonly Row[]): (Row | null)[] {
  const byStart = new Map(rows.map((row) => [Date.parse(row.start ?? ""), row]));
  return buckets.map((bucket) => byStart.get(bucket.start.getTime()) ?? null);
}

export function byGroup(rows: readonly Row[], dimension: string): Map<string | null, Row[]> {
  const groups = new Map<string | null, Row[]>();
  for (const row of rows) {
    const group = groupOf(row, dimension);
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  return groups;
}

export interface CostSeries {
  readonly value: string | null;
  readonly key: string;
  readonly label: string;
  readonly tone: string;
  readonly values: number[];
  readonly faint: boolean;
}

function drawn(rows: readonly (Row | null)[]): number[] {
  return rows.map((row) => float(row?.cost_usd) ?? 0);
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Cost per bucket of the costliest groups, the biggest first, and the rest as "Other". */
export function costSeries(spend: Spend, dimension: string, view: View, buckets: readonly Bucket[]): CostSeries[] {
  const groups = [...byGroup(spend.rows, dimension)]
    .map(([value, rows]) => ({ value, values: drawn(along(buckets, rows)) }))
    .filter((group) => total(group.values) > 0)
    .sort((a, b) => total(b.values) - total(a.values));
  const tone = tones(
    dimension,
    groups.map((group) => group.value),
  );
  const top = groups.slice(0, TONES).map((group) => ({
    ...group,
    key: group.value ?? NOT_SET,
    label: group.value ?? NOT_SET,
    tone: tone.get(group.value) ?? "tone-other",
    faint: isLeftOut(view, dimension, group.value),
  }));
  const rest = groups.slice(TONES);
  if (!rest.length) return top;
  const values = buckets.map((_, index) => total(rest.map((group) => group.values[index] ?? 0)));
  return [
    ...top,
    { value: OTHER, key: OTHER, label: `${OTHER} (${rest.length})`, tone: "tone-other", values, faint: false },
  ];
}
