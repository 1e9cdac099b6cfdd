/** The documents of `/api/v1` that the dashboard reads, and how they are asked for. */
import { filterText, type Filter } from "../view/view";
import { iso, type Range } from "../view/range";

export interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Measures of one group. Money is a decimal string; null is unknown. */
export interface Measures {
  readonly cost_usd: string | null;
  readonly input_cost_usd: string | null;
  readonly output_cost_usd: string | null;
  readonly cache_savings_usd: string | null;
  readonly duplicate_cost_usd: string | null;
  readonly calls: number;
  readonly billed_calls: number;
  readonly errors: number;
  readonly retries: number;
  readonly truncated: number;
  readonly unpriced_calls: number;
  readonly usage_missing_calls: number;
  readonly duplicate_calls: number;
  readonly input_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly latency_ms: Quantiles | null;
  readonly ttft_ms: Quantiles | null;
}

/** What a page reads of groups beside percentiles, which take longest to answer. */
export const SUMS: readonly (keyof Measures)[] = [
  "cost_usd",
  "input_cost_usd",
  "output_cost_usd",
  "cache_savings_usd",
  "duplicate_cost_usd",
  "calls",
  "billed_calls",
  "errors",
  "retries",
  "truncated",
  "unpriced_calls",
  "usage_missing_calls",
  "duplicate_calls",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
];

export interface Row extends Measures {
  /** Start of the bucket, when the document has an interval. */
  readonly start?: string;
}

export interface Spend {
  readonly since: string;
  readonly until: string;
  readonly interval: "1h" | "1d" | "total";
  /** The zone whose hours and days the buckets are. */
  readonly tz: string;
  readonly rows: readonly Row[];
  readonly total: Measures;
  readonly completeness: { readonly share_priced: number | null } | null;
}

export interface ToolMeasures {
  readonly calls: number;
  readonly charged_calls: number;
  readonly errors: number;
  readonly error_rate: number | null;
  readonly cost_usd: string | null;
  readonly fees_usd: string | null;
  readonly inside_usd: string | null;
  readonly follow_up_usd: string | null;
  readonly cost_per_call_usd: string | null;
  readonly follow_up_calls: number;
  readonly latency_ms: Quantiles | null;
}

export interface ToolRow extends ToolMeasures {
  readonly tool: string;
  readonly start?: string;
}

export interface Tools {
  readonly since: string;
  readonly until: string;
  readonly interval: "1h" | "1d" | "total";
  /** The zone whose hours and days the buckets are. */
  readonly tz: string;
  readonly rows: readonly ToolRow[];
  readonly total: ToolMeasures;
  readonly completeness: { readonly follow_up_unknown_calls: number; readonly unpriced_calls: number };
}

export interface Ingest {
  readonly new_calls: number;
  readonly retransmitted: number;
  readonly other_spans: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly refused_requests: Readonly<Record<string, number>>;
  readonly received_spans: number;
  readonly calls: number;
  readonly dialects: Readonly<Record<string, number>>;
  readonly spans_per_minute: number;
  readonly last_received_at: string | null;
  readonly first_call_at: string | null;
  readonly last_call_at: string | null;
  readonly server_time: string;
  readonly version: string;
}

export interface Prices {
  readonly version: string;
  readonly providers: readonly string[];
}

/** A group's value of a dimension; null when the calls did not say. */
export function groupOf(row: object, dimension: string): string | null {
  const value = (row as Readonly<Record<string, unknown>>)[dimension];
  return typeof value === "string" && value !== "" ? value : null;
}

/** All input: uncached, read from the cache and written to it. Null when none of it was reported. */
export function inputTokens(of: Measures): number | null {
  const parts = [of.input_tokens, of.cache_read_tokens, of.cache_write_tokens].filter((each) => each !== null);
  return parts.length ? parts.reduce((a, b) => a + b, 0) : null;
}

export interface SpendQuestion {
  readonly groupBy?: string;
  readonly range: Range;
  readonly interval?: "1h" | "1d" | "total";
  readonly filters: readonly Filter[];
  readonly limit?: number;
  /** A measure of the API; cost unless said. The largest come first. */
  readonly order?: string;
  /** All unless said; percentiles are the dear ones. */
  readonly measures?: readonly (keyof Measures)[];
}

/** The address of a spend document, relative to the page's base. */
export function spendUrl(question: SpendQuestion): string {
  const query = new URLSearchParams({
    group_by: question.groupBy ?? "",
    since: iso(question.range.since),
    until: iso(question.range.until),
    interval: question.interval ?? "total",
  });
  // Only buckets are a zone's: an address that needs none stays short.
  if (question.interval && question.range.tz !== "UTC") query.set("tz", question.range.tz);
  for (const filter of question.filters) query.append("filter", `${filter.key}:${filterText(filter)}`);
  if (question.limit) query.set("limit", String(question.limit));
  if (question.order) query.set("order", `-${question.order}`);
  if (question.measures) query.set("measures", question.measures.join(","));
  return `api/v1/spend?${query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}

/** The address of a tools document. */
export function toolsUrl(question: Omit<SpendQuestion, "groupBy" | "limit">): string {
  const query = new URLSearchParams({
    since: iso(question.range.since),
    until: iso(question.range.until),
    interval: question.interval ?? "total",
  });
  // Only buckets are a zone's: an address that needs none stays short.
  if (question.interval && question.range.tz !== "UTC") query.set("tz", question.range.tz);
  for (const filter of question.filters) query.append("filter", `${filter.key}:${filterText(filter)}`);
  return `api/v1/tools?${query.toString().replaceAll("%3A", ":")}`;
}

/** What went wrong with a request, in the server's words where it sent some (RFC 9457). */
export interface Problem {
  readonly title: string;
  readonly detail: string;
  readonly status: number | null;
  readonly url: string;
}

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }
}

export async function problemOf(response: Response, url: string): Promise<Problem> {
  const said = (await response.json().catch(() => ({}))) as { title?: unknown; detail?: unknown };
  return {
    title: typeof said.title === "string" ? said.title : `The server answered ${response.status}`,
    detail: typeof said.detail === "string" ? said.detail : "",
    status: response.status,
    url,
  };
}

/** Fetch one JSON document. Throws ProblemError; an aborted request throws the abort itself. */
export async function fetchJson<T>(url: string, signal: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (signal.aborted) throw error;
    const detail = "The server could not be reached. Is costspan serve running?";
    throw new ProblemError({ title: "No answer", detail, status: null, url });
  }
  if (response.status === 401) {
    const place = location.href.slice(document.baseURI.length);
    location.assign(`login?next=${encodeURIComponent(place)}`);
  }
  if (!response.ok) throw new ProblemError(await problemOf(response, url));
  return (await response.json()) as T;
}
