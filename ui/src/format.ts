/** Numbers and times as people read them. Unknown is a dash, never 0. */
import { float } from "./data/money";

export const DASH = "—";
const LOCALE = "en-US";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** The typographic minus sign, which lines up with the plus sign. */
function signed(text: string): string {
  return text.replace("-", "−");
}

function significant(value: number, digits: number): string {
  return Number(value.toPrecision(digits)).toFixed(
    Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))))),
  );
}

/** Dollars: no cents from 100, two decimals from 1, two significant digits below. */
export function usd(amount: string | number | null | undefined): string {
  const value = typeof amount === "string" ? float(amount) : amount;
  if (value === null || value === undefined || Number.isNaN(value)) return DASH;
  const size = Math.abs(value);
  if (size === 0) return "$0";
  const text = size >= 99.995 ? whole.format(size) : size >= 0.995 ? cents.format(size) : significant(size, 2);
  return (value < 0 ? "−$" : "$") + text;
}

const SCALES = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** Three digits and k, M, B or T. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return DASH;
  for (const [size, letter] of SCALES) {
    if (Math.abs(value) >= size * 0.9995) return signed(significant(value / size, 3)) + letter;
  }
  return signed(whole.format(value));
}

export function exact(value: number | null | undefined): string {
  return value === null || value === undefined ? DASH : signed(whole.format(value));
}

function short(value: number): string {
  for (const [size, letter] of SCALES) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** An axis label in dollars: $0, $200, $1.2k. */
export function usdTick(value: number): string {
  return `$${short(value)}`;
}

/** A share of a whole in whole percents; a visible trace is never rounded to nothing. */
export function share(part: number | null, all: number | null): string {
  if (part === null || !all) return DASH;
  const percent = (100 * part) / all;
  return percent > 0 && percent < 0.5 ? "<1%" : `${Math.round(percent)}%`;
}

/** A rate such as errors per call: 1.09%, 0.4%, 12.3%. */
export function rate(part: number | null, all: number | null): string {
  if (part === null || !all) return DASH;
  const percent = (100 * part) / all;
  return percent === 0 ? "0%" : `${Number(percent.toPrecision(percent >= 10 ? 3 : 2))}%`;
}

/** The change against a former value: "+12.4%"; a dash when there was nothing to compare with. */
export function change(now: number | null, before: number | null): string {
  if (now === null || !before) return DASH;
  const percent = (100 * (now - before)) / before;
  if (Math.abs(percent) >= 1000) return `${percent > 0 ? "+" : "−"}${short(Math.round(Math.abs(percent) / 100))}×`;
  const text = Math.abs(percent).toFixed(1);
  return text === "0.0" ? "±0.0%" : `${percent < 0 ? "−" : "+"}${text}%`;
}

/** Milliseconds from which on a duration is read in minutes, and the unit it is read in. */
const MINUTES_FROM_MS = 100_000;

export function durationUnit(ms: number): number {
  return ms < MINUTES_FROM_MS ? 1 : 60_000;
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return DASH;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < MINUTES_FROM_MS ? `${significant(ms / 1000, 3)} s` : `${significant(ms / 60_000, 3)} min`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hourCycle: "h23", ...options });
  formats.set(key, known);
  return known;
}

export function day(at: Date, zone = "UTC"): string {
  return dateFormat(zone, { month: "short", day: "numeric" }).format(at);
}

export function weekday(at: Date, zone = "UTC"): string {
  return dateFormat(zone, { weekday: "short", month: "short", day: "numeric" }).format(at);
}

export function clock(at: Date, zone: string): string {
  return dateFormat(zone, { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** "Nov 4 13:00", in the zone. */
export function stamp(at: Date, zone: string): string {
  return `${day(at, zone)} ${clock(at, zone)}`;
}

/** How long ago, in the largest whole unit. */
export function ago(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
