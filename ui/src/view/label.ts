/** Ranges and buckets in words. */
import { clock, day, stamp, weekday } from "../format";
import type { Bucket, Range, RangeWords } from "./range";
import { unwall, wall } from "./zone";

export const PRESETS: readonly (RangeWords & { readonly label: string })[] = [
  { from: "now/d", to: "now", label: "Today" },
  { from: "now-24h", to: "now", label: "Last 24 hours" },
  { from: "now-7d", to: "now", label: "Last 7 days" },
  { from: "now-30d", to: "now", label: "Last 30 days" },
  { from: "now-90d", to: "now", label: "Last 90 days" },
  { from: "now/M", to: "now", label: "Month to date" },
  { from: "now-1M/M", to: "now/M", label: "Last month" },
];

const UNIT = { h: "hours", d: "days", M: "months" } as const;

export function rangeLabel(words: RangeWords, range: Range, zone: string): string {
  const preset = PRESETS.find((each) => each.from === words.from && each.to === words.to);
  if (preset) return preset.label;
  const back = /^now-(\d+)([hdM])$/.exec(words.from);
  if (back && words.to === "now") return `Last ${back[1]} ${UNIT[back[2] as keyof typeof UNIT]}`;
  return span(range, zone);
}

/** "Nov 4 – Nov 9" for whole days of the zone, with clock times otherwise. */
export function span(range: Range, zone: string): string {
  const { since, until } = range;
  if ([since, until].every((at) => clock(at, zone) === "00:00")) {
    const last = day(new Date(until.getTime() - 1), zone);
    return day(since, zone) === last ? last : `${day(since, zone)} – ${last}`;
  }
  const end = day(since, zone) === day(until, zone) ? clock(until, zone) : stamp(until, zone);
  return `${stamp(since, zone)} – ${end}`;
}

/** What the former period is called in the compare menu. */
export function previousLabel(words: RangeWords): string {
  const back = /^now-(\d+)([hd])$/.exec(words.from);
  if (words.from === "now/M" || words.from === "now-1M/M") return "previous month";
  if (words.from === "now/d") return "yesterday";
  return back ? `previous ${back[1]} ${UNIT[back[2] as "h" | "d"]}` : "previous period";
}

/** The name of a bar: a day or an hour of the zone. */
export function bucketName(bucket: Bucket, long: boolean, zone: string): string {
  if (bucket.end.getTime() - bucket.start.getTime() > 3_600_000)
    return long ? weekday(bucket.start, zone) : day(bucket.start, zone);
  if (long) return `${weekday(bucket.start, zone)}, ${clock(bucket.start, zone)}–${clock(bucket.end, zone)}`;
  const text = clock(bucket.start, zone);
  return text === "00:00" ? day(bucket.start, zone) : text;
}

/** The moment that a wall-clock text (`2026-11-04 13:00`, or a date) names in a zone; null when it is no time. */
export function fromWallClock(text: string, zone: string): Date | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?$/.exec(text.trim());
  const shown = match && Date.parse(`${match[1]}T${match[2] ?? "00:00"}:00Z`);
  return shown === null || Number.isNaN(shown) ? null : unwall(new Date(shown), zone);
}

/** A moment as the wall clock of a zone shows it: `2026-11-04T13:00`. */
export function toWallClock(at: Date, zone: string): string {
  return wall(at, zone).toISOString().slice(0, 16);
}
