/** From rows to what charts draw: timelines, ranked series and a rest. */
import { buckets, type Bucket } from "../view/range";
import { isLeftOut, type View } from "../view/view";
import { groupOf, type Row, type Spend } from "./api";
import { TONES, tones } from "./tones";

export const NOT_SET = "(not set)";
export const OTHER = "Other";

export function bucketsOf(spend: Pick<Spend, "since" | "until" | "interval" | "tz">): Bucket[] {
  return buckets(new Date(spend.since), new Date(spend.until), spend.interval === "1h" ? "1h" : "1d", spend.tz);
}

/** A row of a document, with the start of its bucket where the document has an interval. */
interface Started {
  readonly start?: string;
}

/** The rows of one group in the order of the buckets; null where it has none. */
export function along<R extends Started>(buckets: readonly Bucket[], rows: readonly R[]): (R | null)[] {
  const byStart = new Map(rows.map((row) => [Date.parse(row.start ?? ""), row]));
  return buckets.map((bucket) => byStart.get(bucket.start.getTime()) ?? null);
}

export function byGroup<R extends Started>(rows: readonly R[], dimension: string): Map<string | null, R[]> {
  const groups = new Map<string | null, R[]>();
  for (const row of rows) {
    const group = groupOf(row, dimension);
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  return groups;
}

export interface GroupSeries {
  readonly value: string | null;
  readonly key: string;
  readonly label: string;
  readonly tone: string;
  readonly values: number[];
  readonly faint: boolean;
}

/** A measure of a row that adds up over buckets. */
export type Read<R = Row> = (row: R) => number | null;

function drawn<R>(rows: readonly (R | null)[], read: Read<R>): number[] {
  return rows.map((row) => (row && read(row)) ?? 0);
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/**
 * A measure per bucket of its largest groups, the biggest first, and the rest as "Other".
 *
 * `whole` is what all groups come to, for an answer that has only the largest.
 */
export function seriesOf<R extends Started>(
  rows: readonly R[],
  dimension: string,
  view: View,
  buckets: readonly Bucket[],
  read: Read<R>,
  whole?: readonly R[],
): GroupSeries[] {
  const groups = [...byGroup(rows, dimension)]
    .map(([value, own]) => ({ value, values: drawn(along(buckets, own), read) }))
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
  const at = (of: readonly { values: readonly number[] }[], index: number) =>
    total(of.map((group) => group.values[index] ?? 0));
  const known = buckets.map((_, index) => at(rest, index));
  const all = whole && drawn(along(buckets, whole), read).map((value, index) => value - at(top, index));
  // Dollars are added up as floats here: what is left by that is nothing.
  const isMore = all !== undefined && total(all) - total(known) > 1e-9 * (total(all) + at(top, 0) + 1);
  if (!rest.length && !isMore) return top;
  const label = isMore ? OTHER : `${OTHER} (${rest.length})`;
  const values = isMore ? all.map((value) => Math.max(0, value)) : known;
  return [...top, { value: OTHER, key: OTHER, label, tone: "tone-other", values, faint: false }];
}
