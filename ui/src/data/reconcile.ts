/** The documents of `/api/v1/reconciliations`. */

export interface Verdict {
  readonly id: string;
  readonly made_at: string;
  readonly provider: string;
  readonly source: string;
  readonly since: string;
  readonly until: string;
  readonly settled_until: string;
  readonly state: "ok" | "drift" | "provisional";
  readonly reasons: readonly string[];
  readonly limit: number;
  readonly billed_usd: string;
  readonly ledger_usd: string;
  readonly drift_usd: string;
  readonly net_share: number | null;
  readonly gross_share: number | null;
  readonly unexplained_share: number | null;
}

export interface Verdicts {
  readonly reconciliations: readonly Verdict[];
  readonly configured: readonly {
    readonly provider: string;
    readonly key_env: string | null;
    readonly has_key: boolean;
  }[];
}

export interface Part {
  readonly scope: string | null;
  readonly model: string | null;
  readonly amount_usd: string;
}

export interface Cause {
  readonly cause: string;
  readonly amount_usd: string;
  readonly share: number | null;
  readonly meaning: string;
  readonly next_step: string;
  readonly parts: readonly Part[];
}

export interface NamedAmount {
  readonly line_item: string;
  readonly billed_usd: string;
}

export interface Whose {
  readonly project: string | null;
  readonly api_key: string | null;
  readonly billed_usd: string;
}

export interface Reconciliation extends Verdict {
  readonly days_of: string;
  readonly causes: readonly Cause[];
  readonly provisional: { readonly billed_usd: string; readonly ledger_usd: string };
  readonly apart: readonly NamedAmount[];
  readonly unmapped: readonly NamedAmount[];
  readonly unseen: readonly Whose[];
  readonly patch: string | null;
}

export const RECONCILIATIONS_URL = "api/v1/reconciliations";

export function reconciliationUrl(id: string): string {
  return `${RECONCILIATIONS_URL}/${encodeURIComponent(id)}`;
}

/** `missing_traffic` as people write it. */
export function words(cause: string): string {
  return cause.replaceAll("_", " ");
}
