/** The pages of the dashboard, in the order of the side bar. */
import type { FunctionComponent } from "preact";
import type { Clock } from "./clock";
import type { Answer } from "./data/answers";
import type { Ingest } from "./data/api";
import { CostOverview } from "./panels/CostOverview";
import type { IconName } from "./shell/icons";
import type { View } from "./view/view";

export interface PageProps {
  readonly view: View;
  readonly clock: Clock;
  readonly ingest: Answer<Ingest>;
  /** Version of the price catalogue, when the server says it. */
  readonly prices: string | null;
  /** What follows the page's own path, such as the id of a trace. */
  readonly rest: string;
}

export type PageComponent = FunctionComponent<PageProps>;

export interface Page {
  readonly path: string;
  readonly title: string;
  /** None for a page that is reached from the rows of others. */
  readonly icon?: IconName;
  /** Opens the page when pressed after `g`. */
  readonly key?: string;
  /** True where neither range nor filters apply. */
  readonly timeless?: boolean;
  /** True where `path/something` belongs to the page too. */
  readonly open?: boolean;
  /** The first page comes with the shell; the others are fetched when they are opened. */
  readonly Component?: PageComponent;
  readonly load?: () => Promise<PageComponent>;
}

export const PAGES: readonly Page[] = [
  { path: "", title: "Cost overview", icon: "overview", key: "o", Component: CostOverview },
  {
    path: "tools",
    title: "Tools",
    icon: "tools",
    key: "t",
    load: async () => (await import("./tools/ToolsPage")).default,
  },
  {
    path: "reliability",
    title: "Reliability",
    icon: "reliability",
    key: "r",
    load: async () => (await import("./reliability/ReliabilityPage")).default,
  },
  {
    path: "calls",
    title: "Calls",
    icon: "calls",
    key: "c",
    load: async () => (await import("./calls/CallsPage")).default,
  },
  {
    path: "traces",
    title: "Trace",
    icon: "trace",
    key: "x",
    open: true,
    load: async () => (await import("./trace/TracePage")).default,
  },
  {
    path: "explore",
    title: "Explore",
    icon: "explore",
    key: "e",
    load: async () => (await import("./explore/ExplorePage")).default,
  },
  {
    path: "budgets",
    title: "Budgets",
    icon: "budgets",
    key: "b",
    timeless: true,
    load: async () => (await import("./budgets/BudgetsPage")).default,
  },
  {
    path: "whatif",
    title: "What if",
    icon: "whatif",
    key: "w",
    open: true,
    load: async () => (await import("./whatif/WhatIfPage")).default,
  },
  {
    path: "prices",
    title: "Prices",
    icon: "prices",
    key: "p",
    timeless: true,
    load: async () => (await import("./prices/PricesPage")).default,
  },
  {
    path: "ingest",
    title: "Ingest",
    icon: "ingest",
    key: "i",
    load: async () => (await import("./ingest/IngestPage")).default,
  },
  {
    path: "alerts",
    title: "Alerts",
    icon: "alerts",
    key: "a",
    load: async () => (await import("./alerts/AlertsPage")).default,
  },
  {
    path: "reconcile",
    title: "Reconciliation",
    icon: "reconcile",
    open: true,
    timeless: true,
    load: async () => (await import("./reconcile/ReconcilePage")).default,
  },
];

export interface Found {
  readonly page: Page;
  readonly rest: string;
}

/** The page at a path, and what of the path is left for it; null where there is none. */
export function pageAt(path: string): Found | null {
  for (const page of PAGES) {
    if (page.path === path) return { page, rest: "" };
    if (page.open && path.startsWith(`${page.path}/`)) return { page, rest: path.slice(page.path.length + 1) };
  }
  return null;
}
