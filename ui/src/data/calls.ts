/** The rows behind the figures: calls, their charges, and the traces they belong to. */
import { iso, type Range } from "../view/range";
import { filterText, type View } from "../view/view";

export interface Charge {
  readonly unit: string;
  readonly quantity: number;
  readonly price_usd: string;
  readonly per: number;
  readonly list_cost_usd: string;
  readonly cost_usd: string;
}

export interface Rate {
  readonly rate_id: string;
  readonly matched_by: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly mode: string | null;
  readonly source: string | null;
  readonly checked: string | null;
  readonly valid_from: string | null;
  readonly valid_to: string | null;
}

export interface Place {
  readonly trace_id: string | null;
  readonly span_id: string | null;
}

export type Role = "owner" | "duplicate" | "aggregate";

export interface Call extends Place {
  readonly entry_id: number;
  readonly started_at: string;
  readonly duration_ms: number | null;
  readonly ttft_ms: number | null;
  readonly role: Role;
  readonly reason: string | null;
  readonly owner: Place | null;
  readonly signal: string;
  readonly dialect: string;
  readonly operation: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly requested_model: string | null;
  readonly response_model: string | null;
  readonly response_id: string | null;
  readonly mode: string | null;
  readonly finish_reason: string | null;
  readonly error_type: string | null;
  readonly attempt: number | null;
  readonly call_count: number;
  readonly feature: string | null;
  readonly team: string | null;
  readonly user: string | null;
  readonly environment: string | null;
  readonly service: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  readonly tool: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly input_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly usage_state: string;
  readonly usage_note: string | null;
  readonly price_status: string;
  readonly price_reason: string | null;
  readonly card_version: string;
  readonly cost_usd: string | null;
  readonly list_cost_usd: string | null;
  readonly reported_cost_usd: string | null;
  readonly charges: readonly Charge[];
  readonly rate: Rate | null;
}

export interface Calls {
  readonly rows: readonly Call[];
  readonly next_cursor: string | null;
}

export interface TraceSpan {
  readonly span_id: string | null;
  readonly parent_span_id: string | null;
  readonly depth: number;
  readonly started_at: string;
  readonly subtree_cost_usd: string | null;
  readonly subtree_calls: number;
  readonly call: Call | null;
}

export interface TakenBack extends Place {
  readonly entry_id: number;
  readonly posted_at: string;
  readonly taken_back_at: string;
  readonly role: Role;
  readonly cost_usd: string | null;
  readonly why: string;
}

export interface Trace {
  readonly trace_id: string;
  readonly spans: readonly TraceSpan[];
  readonly elsewhere: readonly Call[];
  readonly history: readonly TakenBack[];
  readonly total: {
    readonly cost_usd: string | null;
    readonly not_counted_cost_usd: string | null;
    readonly calls: number;
    readonly billed_calls: number;
    readonly unpriced_calls: number;
    readonly errors: number;
    readonly duplicate_calls: number;
    readonly aggregate_calls: number;
  };
}

const PAGE_ROWS = 50;

export function callsUrl(view: View, range: Range, cursor: string | null): string {
  const query = new URLSearchParams({
    since: iso(range.since),
    until: iso(range.until),
    order: view.order,
    role: view.role,
    limit: String(PAGE_ROWS),
  });
  for (const filter of view.filters) query.append("filter", `${filter.key}:${filterText(filter)}`);
  if (cursor) query.set("cursor", cursor);
  return `api/v1/calls?${query.toString().replaceAll("%3A", ":")}`;
}

export function traceUrl(traceId: string): string {
  return `api/v1/traces/${encodeURIComponent(traceId)}`;
}
