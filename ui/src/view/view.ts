/** `View`: everything that a link carries. Defaults are left out and the order is fixed: equal views, equal links. */
import { readable } from "./range";

export interface Filter {
  readonly key: string;
  /** The empty string means "not set". */
  readonly value: string;
  readonly exclude: boolean;
}

export interface View {
  readonly from: string;
  readonly to: string;
  /** The reporting zone, an IANA name: whose days, months and clock times are shown. */
  readonly tz: string;
  readonly compare: "prev" | "none";
  readonly by: By;
  readonly who: Who;
  readonly bucket: "auto" | "1h" | "1d";
  /** Column of "Who is spending", with a leading minus for descending. */
  readonly sort: string;
  /** Order and kind of the records on the page of calls. */
  readonly order: (typeof ORDERS)[number];
  readonly role: (typeof ROLES)[number];
  /** What the page for exploring shows: a measure by two dimensions. */
  readonly measure: Measure;
  readonly across: Explored;
  readonly down: Explored;
  readonly filters: readonly Filter[];
}

export const MEASURES = [
  "cost",
  "calls",
  "errors",
  "retries",
  "truncated",
  "input_tokens",
  "output_tokens",
  "cache_savings",
  "duplicate_cost",
] as const;
export type Measure = (typeof MEASURES)[number];
export const EXPLORED = [
  "model",
  "provider",
  "feature",
  "team",
  "user",
  "environment",
  "service",
  "session",
  "agent",
  "operation",
  "finish_reason",
  "error_type",
  "mode",
  "dialect",
  "price_status",
] as const;
export type Explored = (typeof EXPLORED)[number];
export const ORDERS = ["time", "cost"] as const;
export const ROLES = ["owner", "duplicate", "aggregate", "all"] as const;
export const BY = ["model", "feature", "provider"] as const;
export type By = (typeof BY)[number];
export const WHO = ["feature", "team", "user", "environment"] as const;
export type Who = (typeof WHO)[number];
export const SORTS = ["name", "cost", "change", "per_call", "p99", "errors"] as const;
export const DIMENSIONS = [
  "environment",
  "team",
  "feature",
  "user",
  "service",
  "provider",
  "model",
  "operation",
] as const;

export const DEFAULT_VIEW: View = {
  from: "now-30d",
  to: "now",
  tz: "UTC",
  compare: "prev",
  by: "model",
  who: "feature",
  bucket: "auto",
  sort: "-cost",
  order: "time",
  role: "owner",
  measure: "cost",
  across: "model",
  down: "feature",
  filters: [],
};

const SETTINGS = [
  "from",
  "to",
  "tz",
  "compare",
  "by",
  "who",
  "bucket",
  "sort",
  "order",
  "role",
  "measure",
  "across",
  "down",
] as const;

function oneOf<T extends string>(value: string | null, allowed: readonly T[], otherwise: T): T {
  return allowed.find((each) => each === value) ?? otherwise;
}

function zone(name: string | null): string {
  if (!name) return DEFAULT_VIEW.tz;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch {
    return DEFAULT_VIEW.tz;
  }
}

export function filterText(filter: Filter): string {
  return (filter.exclude ? "!" : "") + filter.value;
}

/** Read a query string; whatever is not understood falls back to its default, so old links keep opening. */
export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  const tz = zone(query.get("tz"));
  const range = { from: query.get("from") ?? DEFAULT_VIEW.from, to: query.get("to") ?? DEFAULT_VIEW.to };
  const sorts = SORTS.flatMap((name) => [name, `-${name}`]);
  const filters = [...query]
    .filter(([name]) => name.startsWith("f.") && name.length > 2)
    .map(([name, text]) => ({
      key: name.slice(2),
      value: text.startsWith("!") ? text.slice(1) : text,
      exclude: text.startsWith("!"),
    }));
  return {
    ...(readable({ ...range, tz }, new Date()) ? range : { from: DEFAULT_VIEW.from, to: DEFAULT_VIEW.to }),
    tz,
    compare: oneOf(query.get("compare"), ["prev", "none"], DEFAULT_VIEW.compare),
    by: oneOf(query.get("by"), BY, DEFAULT_VIEW.by),
    who: oneOf(query.get("who"), WHO, DEFAULT_VIEW.who),
    bucket: oneOf(query.get("bucket"), ["auto", "1h", "1d"], DEFAULT_VIEW.bucket),
    sort: oneOf(query.get("sort"), sorts, DEFAULT_VIEW.sort),
    order: oneOf(query.get("order"), ORDERS, DEFAULT_VIEW.order),
    role: oneOf(query.get("role"), ROLES, DEFAULT_VIEW.role),
    measure: oneOf(query.get("measure"), MEASURES, DEFAULT_VIEW.measure),
    across: oneOf(query.get("across"), EXPLORED, DEFAULT_VIEW.across),
    down: oneOf(query.get("down"), EXPLORED, DEFAULT_VIEW.down),
    filters: sorted(filters),
  };
}

function sorted(filters: readonly Filter[]): Filter[] {
  const unique = new Map(filters.map((each) => [`${each.key}\n${filterText(each)}`, each]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, filter]) => filter);
}

/** The query string of a view, with its question mark, or the empty string for the default view. */
export function formatView(view: View): string {
  const query = new URLSearchParams();
  for (const name of SETTINGS) {
    if (view[name] !== DEFAULT_VIEW[name]) query.append(name, view[name]);
  }
  for (const filter of sorted(view.filters)) query.append(`f.${filter.key}`, filterText(filter));
  // A colon is legal in a query and keeps times readable.
  const text = query.toString().replaceAll("%3A", ":");
  return text && `?${text}`;
}

export function hasFilter(view: View, key: string, value: string | null, exclude = false): boolean {
  return view.filters.some((each) => each.key === key && each.value === (value ?? "") && each.exclude === exclude);
}

/** True when a filter on `key` leaves `value` out: its marks are drawn faint. */
export function isLeftOut(view: View, key: string, value: string | null): boolean {
  const own = view.filters.filter((each) => each.key === key);
  if (own.some((each) => each.exclude && each.value === (value ?? ""))) return true;
  const wanted = own.filter((each) => !each.exclude);
  return wanted.length > 0 && !wanted.some((each) => each.value === (value ?? ""));
}

/** What a click does: only this value (or none of it again), `add` to the ones chosen, or `exclude` it. */
export function withToggled(view: View, key: string, value: string | null, how: "only" | "add" | "exclude"): View {
  const filter = { key, value: value ?? "", exclude: how === "exclude" };
  const present = hasFilter(view, key, value, filter.exclude);
  const alone = view.filters.filter((each) => each.key === key).length === 1;
  const others = view.filters.filter((each) =>
    how === "only" && !(present && alone) ? each.key !== key : !(each.key === key && each.value === filter.value),
  );
  const removes = present && (how !== "only" || alone);
  return { ...view, filters: sorted(removes ? others : [...others, filter]) };
}
