/** What a period will come to: the document of `/api/v1/forecast`, and its days as a chart takes them. */
import { DAY_MS, type Bucket } from "../view/range";
import { filterText, type Filter } from "../view/view";
import { float } from "./money";

export interface Quantiles {
  readonly p10: string;
  readonly p50: string;
  readonly p90: string;
}

export interface Day {
  readonly day: string;
  readonly spent_usd: string | null;
  readonly forecast_usd: Quantiles | null;
}

export interface Forecast {
  readonly until: string;
  readonly total: {
    readonly spent_usd: string;
    readonly forecast_usd: Quantiles | null;
    readonly explanation: string;
    readonly days: readonly Day[];
  };
}

/** Spent and expected by the end of each day, in dollars; unknown is null. */
export interface Course {
  readonly buckets: readonly Bucket[];
  readonly spent: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly middle: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

export function forecastUrl(filters: readonly Filter[], tz: string): string {
  const asked = new URLSearchParams(tz === "UTC" ? {} : { tz });
  for (const filter of filters) asked.append("filter", `${filter.key}:${filterText(filter)}`);
  const query = asked.toString();
  return `api/v1/forecast${query && `?${query}`}`;
}

export function courseOf(days: readonly Day[], now: string): Course {
  const buckets = days.map(({ day }) => {
    const start = new Date(day);
    const end = new Date(start.getTime() + DAY_MS);
    return { start, end, partial: start.getTime() <= Date.parse(now) && Date.parse(now) < end.getTime() };
  });
  const expected = (name: keyof Quantiles) => days.map((each) => float(each.forecast_usd?.[name] ?? null));
  return {
    buckets,
    spent: days.map((each) => float(each.spent_usd)),
    low: expected("p10"),
    middle: expected("p50"),
    high: expected("p90"),
  };
}
