/** The document of `/api/v1/budgets`, and what of it concerns a view. */
import { DAY_MS } from "../view/range";
import type { Filter, View } from "../view/view";
import type { Day, Quantiles } from "./forecast";
import { float } from "./money";

export interface Budget {
  readonly name: string;
  readonly scope: Readonly<Record<string, string>>;
  readonly allowed: boolean;
  readonly state: "ok" | "soft" | "exceeded" | "unavailable";
  readonly reason: string;
  readonly amount_usd: string;
  readonly spent_usd: string;
  readonly remaining_usd: string;
  readonly share_spent: number;
  readonly share_elapsed: number | null;
  readonly period: string;
  readonly since: string;
  readonly until: string;
  readonly calls: number;
  readonly unpriced_calls: number;
  readonly partial_calls: number;
  readonly share_priced: number | null;
  readonly on_unpriced: string;
}

export interface Budgets {
  readonly now: string;
  readonly budgets: readonly Budget[];
}

export interface Outlook extends Budget {
  readonly expectation: "within" | "over" | "surely_over" | "unknown";
  readonly forecast_until: string;
  readonly forecast_usd: Quantiles | null;
  readonly explanation: string;
  readonly burn: readonly {
    readonly window: string;
    readonly spent_usd: string;
    readonly share_of_amount: number;
    readonly times_usual: number;
    readonly fast: boolean;
  }[];
  readonly burn_note: string | null;
  readonly days: readonly Day[];
}

export interface Outlooks {
  readonly now: string;
  readonly budgets: readonly Outlook[];
}

export const OUTLOOK_URL = "api/v1/budgets/outlook";
export const BUDGETS_URL = "api/v1/budgets";

export function scopeFilters(budget: Budget): Filter[] {
  return Object.entries(budget.scope).map(([key, value]) => ({ key, value, exclude: false }));
}

/** The view of the calls that a budget counts, in its running period. */
export function viewOf(budget: Budget, now: string, view: View): View {
  const over = Date.parse(budget.until) <= Date.parse(now);
  return { ...view, from: budget.since, to: over ? budget.until : "now", filters: scopeFilters(budget) };
}

/** The first budget for exactly the calls that the filters leave. */
export function budgetFor(filters: readonly Filter[], budgets: readonly Budget[]): Budget | null {
  const said = (all: readonly Filter[]) => JSON.stringify(all.map(({ key, value }) => [key, value]).sort());
  if (filters.some((filter) => filter.exclude)) return null;
  return budgets.find((budget) => said(scopeFilters(budget)) === said(filters)) ?? null;
}

/** Dollars that may be spent in `ms` when a budget is spent evenly over its period. */
export function paceOf(budget: Budget, ms: number): number {
  return ((float(budget.amount_usd) ?? 0) * ms) / (Date.parse(budget.until) - Date.parse(budget.since));
}

export const BUCKET_MS = { "1h": DAY_MS / 24, "1d": DAY_MS } as const;
