/** What was out of the ordinary in a range: anomalies and alerts, as marks on a chart over time. */
import { iso, type Range } from "../view/range";
import { filterText, type Filter } from "../view/view";
import type { Group, History } from "./alerts";

const DAY_MS = 86_400_000;
/** The server looks for anomalies in steps of five minutes, over at most a quarter of a year. */
const STEP_MS = 300_000;
/** Until then nobody knows what is usual. */
const LEARNS_MS = 7 * DAY_MS;
const LONGEST_MS = 92 * DAY_MS;

export interface Anomaly {
  readonly group: Group;
  readonly channel: string;
  readonly cause: string;
  readonly text: string;
  readonly first_alarm_at: string;
  readonly last_alarm_at: string;
  readonly ongoing: boolean;
  readonly why: { readonly reasons: readonly string[] } | null;
  readonly links: { readonly dashboard: string };
}

export interface Anomalies {
  readonly since: string;
  readonly anomalies: readonly Anomaly[];
}

export interface Mark {
  readonly at: number;
  readonly kind: "anomaly" | "alert";
  readonly title: string;
  readonly text: string;
  readonly reasons: readonly string[];
  /** The page with the calls behind it. */
  readonly link: string;
  /** Where the drivers of an anomaly are answered. */
  readonly why: string | null;
}

function anomaliesAsked(since: Date, until: Date, tz: string, filters: readonly Filter[]): URLSearchParams {
  const asked = new URLSearchParams({ since: iso(since), until: iso(until), group_by: "feature" });
  if (tz !== "UTC") asked.set("tz", tz);
  for (const filter of filters) asked.append("filter", `${filter.key}:${filterText(filter)}`);
  return asked;
}

function address(asked: URLSearchParams): string {
  return `api/v1/anomalies?${asked.toString().replaceAll("%3A", ":")}`;
}

/** The anomalies of a range; null where it is too long. The same address for five minutes: looking takes a while. */
export function anomaliesUrl(range: Range, filters: readonly Filter[]): string | null {
  if (range.until.getTime() - range.since.getTime() > LONGEST_MS) return null;
  const until = new Date(Math.ceil(range.until.getTime() / STEP_MS) * STEP_MS);
  return address(anomaliesAsked(range.since, until, range.tz, filters));
}

function whyUrl(of: Anomaly, tz: string, filters: readonly Filter[]): string {
  const own = Object.entries(of.group).map(([key, value]) => ({ key, value: value ?? "", exclude: false }));
  const until = new Date(Date.parse(of.last_alarm_at) + STEP_MS);
  const others = filters.filter((each) => !(each.key in of.group));
  const asked = anomaliesAsked(new Date(Date.parse(of.first_alarm_at) - STEP_MS), until, tz, [...others, ...own]);
  asked.set("explain", "true");
  return address(asked);
}

/** True where an alert of a group is about what the filters let through. */
function concerns(group: Group, filters: readonly Filter[]): boolean {
  return filters.every(({ key, value, exclude }) => {
    const own = group[key];
    return own === undefined || exclude !== ((own ?? "") === value);
  });
}

export function named(group: Group): string {
  return Object.entries(group)
    .map(([key, value]) => value ?? `no ${key.replaceAll("_", " ")}`)
    .join(", ");
}

/**
 * Anomalies where they were noticed and alerts where they began to fire, within a range, in the order of time.
 *
 * No anomaly of the first week after `firstCallAt`.
 */
export function marksOf(
  anomalies: Anomalies | null,
  history: History | null,
  range: Range,
  filters: readonly Filter[],
  firstCallAt: string | null,
): Mark[] {
  const from = firstCallAt ? Date.parse(firstCallAt) + LEARNS_MS : 0;
  const judged = anomalies?.anomalies.filter((each) => Date.parse(each.first_alarm_at) >= from) ?? [];
  const found = judged.map((each) => ({
    at: Math.max(Date.parse(each.first_alarm_at), range.since.getTime()),
    kind: "anomaly" as const,
    title: `${named(each.group)}: ${each.cause}`,
    text: each.text + (each.ongoing ? ", and still" : ""),
    reasons: [],
    link: each.links.dashboard,
    why: whyUrl(each, range.tz, filters),
  }));
  const fired = (history?.events ?? [])
    .filter((each) => each.state === "firing" && concerns(each.group, filters))
    .map((each) => ({
      at: Date.parse(each.at),
      kind: "alert" as const,
      title: `Alert ${each.rule}`,
      text: each.text,
      reasons: each.reasons,
      link: each.link,
      why: null,
    }));
  return [...found, ...fired]
    .filter(({ at }) => range.since.getTime() <= at && at < range.until.getTime())
    .sort((a, b) => a.at - b.at);
}
