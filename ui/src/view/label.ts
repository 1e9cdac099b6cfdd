/** Ranges and buckets in words. */
import { clock, day, stamp, weekday } from "../format";
import { moment, type Bucket, type Range, type RangeWords } from "./range";

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

const isMidnight = (at: Date) => at.getTime() % 86_400_000 === 0;

/** "Nov 4 – Nov 9" for whole UTC days, with clock times otherwise. */
export function span(range: Range, zone: string): string {
  const { since, until } = range;
  if (isMidnight(since) && isMidnight(until)) {
    const last = day(new Date(until.getTime() - 1));
    return day(since) === last ? last : `${day(since)} – ${last}`;
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

/** The name of a bar: days are UTC days, hours are read in the zone. */
export function bucketName(bucket: Bucket, long: boolean, zone: string): string {
  if (bucket.end.getTime() - bucket.start.getTime() > 3_600_000)
    return long ? weekday(bucket.start) : day(bucket.start);
  if (long) return `${weekday(bucket.start, zone)}, ${clock(bucket.start, zone)}–${clock(bucket.end, zone)}`;
  const text = clock(bucket.start, zone);
  return text === "00:00" ? day(bucket.start, zone) : text;
}

/** The moment that a wall-clock text (`2026-11-04 13:00`, or a date) names in a zone; null when it is no time. */
export function fromWallClock(text: string, zone: string): Date | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?$/.exec(text.trim());
  const asUtc = match && moment(`${match[1]}T${match[2] ?? "00:00"}:00Z`, new Date(), "start");
  if (!asUtc) return null;
  let guess = asUtc.getTime();
  // Twice: the offset at the first guess may lie on the other side of a clock change.
  for (let round = 0; round < 2; round += 1)
    guess += asUtc.getTime() - Date.parse(`${toWallClock(new Date(guess), zone)}:00Z`);
  return new Date(guess);
}

/** A moment as the wall clock of a zone shows it: `2026-11-04T13:00`. */
export function toWallClock(at: Date, zone: string): string {
  return new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  })
    .format(at)
    .replace(" ", "T");
}
