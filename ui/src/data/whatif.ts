/** History priced otherwise: the document of `/api/v1/whatif`, and the change that is asked about. */
import { resolve } from "../view/range";
import { filterText, type View } from "../view/view";

interface Between {
  readonly low: string;
  readonly high: string;
}

export interface Otherwise {
  readonly calls: number;
  readonly changed_calls: number;
  readonly unpriced_calls: number;
  readonly actual_cost_usd: string;
  readonly alternative_cost_usd: Between;
  readonly difference_usd: Between;
  readonly difference_share: { readonly low: number | null; readonly high: number | null };
  readonly cache?: {
    readonly saved_usd: string;
    readonly write_premium_usd: string;
    readonly not_earned_back_usd: string;
    readonly missed_usd: Between;
  };
}

export interface WhatIf {
  readonly group_by: readonly string[];
  readonly rows: readonly (Otherwise & Readonly<Record<string, unknown>>)[];
  readonly total: Otherwise;
  readonly assumptions: readonly string[];
}

export const KINDS = ["cache", "batch", "model"] as const;
export type Kind = (typeof KINDS)[number];

/** The part of the address after the page's own: `cache`, `batch`, or `model/FROM/TO`. */
export interface Change {
  readonly kind: Kind;
  readonly from: string;
  readonly to: string;
}

export function readChange(rest: string): Change {
  const [kind = "", from = "", to = ""] = rest.split("/").map(decodeURIComponent);
  return { kind: KINDS.find((each) => each === kind) ?? "cache", from, to };
}

export function changePath({ kind, from, to }: Change): string {
  return `whatif/${kind === "model" ? ["model", from, to].map(encodeURIComponent).join("/") : kind}`;
}

/** The question; null while a model is missing. */
export function whatIfUrl(change: Change, by: string, view: View, now: Date): string | null {
  const { since, until } = resolve(view, now);
  const asked = new URLSearchParams({ since: since.toISOString(), until: until.toISOString(), group_by: by });
  if (change.kind === "cache") asked.set("cache", "1");
  else if (change.kind === "batch") asked.set("mode", "batch");
  else if (change.from && change.to) {
    asked.set("from", change.from);
    asked.set("to", change.to);
  } else return null;
  for (const filter of view.filters) asked.append("filter", `${filter.key}:${filterText(filter)}`);
  return `api/v1/whatif?${asked}`;
}
