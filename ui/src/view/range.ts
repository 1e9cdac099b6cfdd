/** Time words of the address bar (`now-30d`, `now/M`, RFC 3339) and the half-open UTC ranges that they mean. */

export interface Range {
  readonly since: Date;
  readonly until: Date;
  /** True when the range ends now, so that its last bucket is still filling. */
  readonly live: boolean;
}

export interface RangeWords {
  readonly from: string;
  readonly to: string;
}

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const WORD = /^now(?:-(\d{1,4})([hdM]))?(?:\/([dM]))?$/;

function floorTo(moment: Date, unit: string): Date {
  const [year, month, day, hour] = [
    moment.getUTCFullYear(),
    moment.getUTCMonth(),
    moment.getUTCDate(),
    moment.getUTCHours(),
  ];
  if (unit === "M") return new Date(Date.UTC(year, month));
  return new Date(unit === "d" ? Date.UTC(year, month, day) : Date.UTC(year, month, day, hour));
}

function addMonths(moment: Date, months: number): Date {
  const first = Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + months);
  const next = Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + months + 1);
  const inMonth = moment.getTime() - floorTo(moment, "M").getTime();
  return new Date(Math.min(first + inMonth, next));
}

function shift(moment: Date, count: number, unit: string): Date {
  if (unit === "M") return addMonths(moment, count);
  return new Date(moment.getTime() + count * (unit === "d" ? DAY_MS : HOUR_MS));
}

/**
 * The moment that a word means, or null when it means nothing.
 *
 * As a start, `now-30d` counts the running day as one of the thirty: thirty whole bars, the last one still filling.
 * Days and months are UTC, as in the ledger.
 */
export function moment(word: string, now: Date, edge: "start" | "end"): Date | null {
  const match = WORD.exec(word);
  if (match) {
    const [, count, unit, floor] = match;
    if (floor) return floorTo(unit ? shift(now, -Number(count), unit) : now, floor);
    if (!unit) return now;
    if (edge === "start") return shift(floorTo(now, unit), 1 - Number(count), unit);
    return shift(now, -Number(count), unit);
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(word)) return null;
  const time = Date.parse(/T/.test(word) ? word : `${word}T00:00:00Z`);
  return Number.isNaN(time) ? null : new Date(time);
}

/** True when the two words name a range: both readable, and the start before the end. */
export function readable(words: RangeWords, now: Date): boolean {
  const since = moment(words.from, now, "start");
  const until = moment(words.to, now, "end");
  return since !== null && until !== null && since < until;
}

/** The range that the words mean at `now`. The words must be readable. */
export function resolve(words: RangeWords, now: Date): Range {
  const since = moment(words.from, now, "start");
  const until = moment(words.to, now, "end");
  if (!since || !until) throw new RangeError(`${words.from} to ${words.to} is not a range`);
  return { since, until, live: words.to === "now" };
}

/** The period to compare with: equally long and just before; for an unfinished one, its same elapsed part. */
export function previous(words: RangeWords, range: Range): Range {
  const match = WORD.exec(words.from);
  const back = (by: (moment: Date) => Date): Range => ({ since: by(range.since), until: by(range.until), live: false });
  if (match?.[3] === "M") return back((at) => addMonths(at, -1));
  if (match?.[3] === "d") return back((at) => shift(at, -1, "d"));
  if (match?.[2]) return back((at) => shift(at, -Number(match[1]), match[2] ?? "d"));
  return moved(range, -1);
}

/** The range moved by `steps` of its own length. */
export function moved(range: Range, steps: number): Range {
  const length = range.until.getTime() - range.since.getTime();
  return {
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
  return { since: new Date(Math.floor((middle - half) / HOUR_MS) * HOUR_MS), until: new Date(until), live: false };
}

/** ISO 8601 in UTC, to the second: what the API and absolute links carry. */
export function iso(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

/** The words of a fixed range. */
export function words(range: Range): RangeWords {
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

/** The buckets that a range touches, aligned to UTC hours or days. */
export function buckets(since: Date, until: Date, interval: "1h" | "1d"): Bucket[] {
  const step = interval === "1h" ? HOUR_MS : DAY_MS;
  const first = Math.floor(since.getTime() / step) * step;
  const result: Bucket[] = [];
  for (let start = first; start < until.getTime(); start += step) {
    const partial = start < since.getTime() || start + step > until.getTime();
    result.push({ start: new Date(start), end: new Date(start + step), partial });
  }
  return result;
}
