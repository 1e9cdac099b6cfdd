/** The documents of `/api/v1/alerts`, and what of them concerns a view. */
import { iso, type Range } from "../view/range";

export type AlertState = "inactive" | "pending" | "firing" | "resolved";
export type Group = Readonly<Record<string, string | null>>;

/** What a rule says of a group: one sentence, its reasons, and the page with the calls behind it. */
export interface Judged {
  readonly text: string;
  readonly reasons: readonly string[];
  readonly link: string;
  readonly group: Group;
}

export interface Alert extends Judged {
  readonly rule: string;
  readonly severity: string;
  readonly state: AlertState;
  readonly since: string;
  readonly fired_at: string | null;
  readonly told: readonly string[];
  readonly note: string;
}

export interface Rule {
  readonly name: string;
  readonly kind: string;
  readonly text: string;
  readonly severity: string;
  readonly notify: readonly string[];
  readonly state: AlertState;
  readonly firing: number;
  readonly judged_at: string | null;
  readonly problem: string | null;
}

export interface Silence {
  readonly id: string;
  readonly matchers: readonly string[];
  readonly starts_at: string;
  readonly ends_at: string;
  readonly active: boolean;
  readonly comment: string;
  readonly author: string;
}

export interface Alerts {
  readonly now: string;
  readonly rules: readonly Rule[];
  readonly alerts: readonly Alert[];
  readonly silences: readonly Silence[];
  readonly notifiers: readonly string[];
  readonly dead_letters: number;
}

export interface AlertEvent extends Judged {
  readonly at: string;
  readonly rule: string;
  readonly state: AlertState;
  readonly note: string;
}

export interface History {
  readonly events: readonly AlertEvent[];
}

export interface Notification {
  readonly id: string;
  readonly notifier: string;
  readonly rule: string;
  readonly title: string;
  readonly error: string | null;
  readonly attempts: number;
  readonly created_at: string;
}

export interface Notifications {
  readonly notifications: readonly Notification[];
}

export interface Backtest {
  readonly rule: string;
  readonly since: string;
  readonly until: string;
  readonly step_s: number;
  readonly every_s: number;
  readonly fired: number;
  readonly episodes: readonly (Judged & { readonly since: string; readonly until: string | null })[];
}

export const ALERTS_URL = "api/v1/alerts";
export const HISTORY_URL = `${ALERTS_URL}/history?limit=50`;
export const DEAD_URL = `${ALERTS_URL}/notifications?state=dead`;

export function backtestUrl(rule: string, range: Range): string {
  const query = new URLSearchParams({ rule, since: iso(range.since), until: iso(range.until) });
  return `${ALERTS_URL}/backtest?${query.toString().replaceAll("%3A", ":")}`;
}

/** A silence of exactly one alert: its rule, and the values of its group. */
export function matchersOf(alert: Alert): string[] {
  return [`rule:${alert.rule}`, ...Object.entries(alert.group).map(([key, value]) => `${key}:${value ?? ""}`)];
}

/** How an alert is drawn. */
export const TONES: Readonly<Record<AlertState, string>> = {
  firing: "danger",
  pending: "warn",
  resolved: "",
  inactive: "",
};
