/** Time words of the address bar (`now-30d`, `now/M`, RFC 3339) and the half-open ranges that they mean in a zone. */
import { unwall, wall } from "./zone";

export interface Range {
  readonly since: Date;
  readonly until: Date;
  /** True when the range ends now, so that its last bucket is still filling. */
  readonly live: boolean;
  /** The zone whose days and months these are. */
  readonly tz: string;
}

export interface RangeWords {
  readonly from: string;
  readonly to: string;
}
interface ZonedWords extends RangeWords {
  readonly tz: string;
}

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const WORD = /^now(?:-(\d{1,4})([hdM]))?(?:\/([dM]))?$/;

/** A wall clock put back to the beginning of its hour, day or month. */
function floored(shown: Date, unit: string): Date {
  const [year, month, day, hour] = [
    shown.getUTCFullYear(),
    shown.getUTCMonth(),
    shown.getUTCDate(),
    shown.getUTCHours(),
  ];
  if (unit === "M") return new Date(Date.UTC(year, month));
  return new Date(unit === "d" ? Date.UTC(year, month, day) : Date.UTC(year, month, day, hour));
}

function floorTo(moment: Date, unit: string, zone: string): Date {
  const shown = wall(moment, zone);
  // An hour begins by the offset that holds now: there are two of the same name when the clock is put back.
  if (unit === "h") return new Date(moment.getTime() - (shown.getTime() % HOUR_MS) - (moment.getTime() % 1000));
  return unwall(floored(shown, unit), zone);
}

function addMonths(moment: Date, months: number, zone: string): Date {
  const shown = wall(moment, zone);
  const first = Date.UTC(shown.getUTCFullYear(), shown.getUTCMonth() + months);
  const next = Date.UTC(shown.getUTCFullYear(), shown.getUTCMonth() + months + 1);
  const inMonth = shown.getTime() - floored(shown, "M").getTime();
  return unwall(new Date(Math.min(first + inMonth, next)), zone);
}

function shift(moment: Date, count: number, unit: string, zone: string): Date {
  if (unit === "M") return addMonths(moment, count, zone);
  if (unit === "h") return new Date(moment.getTime() + count * HOUR_MS);
  return unwall(new Date(wall(moment, zone).getTime() + count * DAY_MS), zone);
}

/**
 * The moment that a word means, or null when it means nothing.
 *
 * As a start, `now-30d` counts the running day as one of the thirty: thirty whole bars, the last one still filling.
 * Days and months are those of `zone`.
 */
export function moment(word: string, now: Date, edge: "start" | "end", zone: string): Date | null {
  const match = WORD.exec(word);
  if (match) {
    const [, count, unit, floor] = match;
    if (floor) return floorTo(unit ? shift(now, -Number(count), unit, zone) : now, floor, zone);
    if (!unit) return now;
    if (edge === "start") return shift(floorTo(now, unit, zone), 1 - Number(count), unit, zone);
    return shift(now, -Number(count), unit, zone);
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(word)) return null;
  const time = Date.parse(/T/.test(word) ? word : `${word}T00:00:00Z`);
  if (Number.isNaN(time)) return null;
  return /T/.test(word) ? new Date(time) : unwall(new Date(time), zone);
}

/** True when the two words name a range: both readable, and the start before the end. */
export function readable(words: ZonedWords, now: Date): boolean {
  const since = moment(words.from, now, "start", words.tz);
  const until = moment(words.to, now, "end", words.tz);
  return since !== null && until !== null && since < until;
}

/** The range that the words mean at `now`. The words must be readable. */
export function resolve(words: ZonedWords, now: Date): Range {
  const { tz } = words;
  const since = moment(words.from, now, "start", tz);
  const until = moment(words.to, now, "end", tz);
  if (!since || !until) throw new RangeError(`${words.from} to ${words.to} is not a range`);
  return { since, until, live: words.to === "now", tz };
}

/** The period to compare with: equally long and just before; for an unfinished one, its same elapsed part. */
export function previous(words: RangeWords, range: Range): Range {
  const match = WORD.exec(words.from);
  const back = (count: number, unit: string): Range => {
    const by = (at: Date) => shift(at, -count, unit, range.tz);
    return { ...range, since: by(range.since), until: by(range.until), live: false };
  };
  if (match?.[3]) return back(1, match[3]);
  if (match?.[2]) return back(Number(match[1]), match[2]);
  return moved(range, -1);
}

/** The range moved by `steps` of its own length. */
export function moved(range: Range, steps: number): Range {
  const length = range.until.getTime() - range.since.getTime();
  return {
    ...range,
    since: new Date(range.since.getTime() + steps * length),
    until: new Date(range.until.getTime() + steps * length),
    live: false,
  };
}

/** The range made `factor` times as long around its middle, in whole hours, never shorter than two of them. */
export function zoomed(range: Range, factor: number, now: Date): Range {
  const middle = (range.since.getTime() + range.until.getTime()) / 2;
  const half = Math.max(((range.until.getTime() - range.since.getTime()) * factor) / 2, HOUR_MS);
  const until = Math.min(Math.ceil((middle + half) / HOUR_MS) * HOUR_MS, Math.ceil(now.getTime() / HOUR_MS) * HOUR_MS);
  const since = Math.floor((middle - half) / HOUR_MS) * HOUR_MS;
  return { ...range, since: new Date(since), until: new Date(until), live: false };
}

/** ISO 8601 in UTC, to the second: what the API and absolute links carry. */
export function iso(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

/** The words of a fixed range. */
export function words(range: Pick<Range, "since" | "until">): RangeWords {
  return { from: iso(range.since), to: iso(range.until) };
}

/** Hours up to three days, days beyond: never more than about a hundred bars unless asked for. */
export function autoBucket(range: Range): "1h" | "1d" {
  return range.until.getTime() - range.since.getTime() <= 3 * DAY_MS ? "1h" : "1d";
}

export interface Bucket {
  readonly start: Date;
  readonly end: Date;
  /** True when the range holds only a part of the bucket, as of the running day: its bar is drawn faint. */
  readonly partial: boolean;
}

/** The buckets that a range touches: hours or days of the zone, a day being 23 to 25 hours long. */
export function buckets(since: Date, until: Date, interval: "1h" | "1d", zone: string): Bucket[] {
  const after = (start: Date) =>
    interval === "1h"
      ? floorTo(new Date(start.getTime() + HOUR_MS), "h", zone)
      : unwall(new Date(floored(wall(start, zone), "d").getTime() + DAY_MS), zone);
  const result: Bucket[] = [];
  for (let start = floorTo(since, interval === "1h" ? "h" : "d", zone); start < until;) {
    const end = after(start);
    result.push({ start, end, partial: start < since || end > until });
    start = end;
  }
  return result;
}
