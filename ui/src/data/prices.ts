/** The documents about prices: rates, models without one, re-pricing. */

export interface RateRow {
  readonly provider: string;
  readonly model: string;
  readonly mode: string;
  readonly valid_from: string | null;
  readonly valid_to: string | null;
  readonly over_input_tokens: readonly number[];
  readonly prices: Readonly<Record<string, readonly string[]>>;
  readonly per: Readonly<Record<string, number>>;
  readonly from_model: string | null;
  readonly layer: string;
  readonly basis: string;
  readonly source: string;
  readonly checked: string;
  readonly reason: string | null;
}

export interface Rates {
  readonly version: string;
  readonly rates: readonly RateRow[];
}

export interface Unpriced {
  readonly models: readonly {
    readonly model: string | null;
    readonly provider: string | null;
    readonly price_status: string;
    readonly reason: string | null;
    readonly calls: number;
    readonly tokens: number;
    readonly first_seen: string;
    readonly last_seen: string;
    readonly nearest: readonly string[];
  }[];
}

export interface PriceChange {
  readonly calls: number;
  readonly old_cost_usd: string | null;
  readonly new_cost_usd: string | null;
  readonly difference_usd: string;
  readonly newly_priced_calls: number;
  readonly newly_unpriced_calls: number;
}

export interface Run {
  readonly run_id: string;
  readonly state: string;
  readonly started_at: string;
  readonly corrected_entries: number;
  readonly standing_entries: number;
  readonly difference_usd: string;
}

export interface Reprice {
  readonly action: string;
  readonly examined_entries: number | null;
  readonly changed_entries: number | null;
  readonly rows: readonly (PriceChange & { readonly month: string; readonly model: string | null })[] | null;
  readonly total: PriceChange | null;
  readonly run: Run | null;
  readonly file?: string;
}

export interface Runs {
  readonly runs: readonly Run[];
}

export function ratesUrl(provider: string, model: string): string {
  const query = new URLSearchParams();
  if (provider) query.set("provider", provider);
  if (model) query.set("model", model);
  return `api/v1/prices/rates?${query}`;
}
