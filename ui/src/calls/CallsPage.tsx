/** The rows behind every figure: the latest or the dearest calls, each with its receipt. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { freshnessStore } from "../clock";
import { useAnswers } from "../data/answers";
import { callsUrl, type Call, type Calls } from "../data/calls";
import { exact } from "../format";
import type { PageProps } from "../pages";
import { NoMatch, SetUp } from "../panels/Notices";
import { Panel } from "../panels/Panel";
import { Segments } from "../shell/Segments";
import { go } from "../view/navigate";
import { rangeLabel } from "../view/label";
import { resolve } from "../view/range";
import { ROLES, type View } from "../view/view";
import { CallRows, callsTable } from "./CallRows";

const ROLE_LABELS = { owner: "Counted", duplicate: "Duplicates", aggregate: "Aggregates", all: "All records" } as const;
const ORDERS = [
  { value: "time", label: "Latest" },
  { value: "cost", label: "Dearest" },
] as const;

/** All pages so far. From the second page on the moment stands still, so that rows do not shift between pages. */
function usePages(view: View, now: Date, round: number) {
  const question = JSON.stringify([view.from, view.to, view.filters, view.order, view.role]);
  const [more, setMore] = useState<{ question: string; at: Date; cursors: readonly string[] } | null>(null);
  const mine = more?.question === question ? more : null;
  const range = resolve(view, mine?.at ?? now);
  const cursors = [null, ...(mine?.cursors ?? [])];
  const questions = Object.fromEntries(cursors.map((cursor, at) => [`page${at}`, callsUrl(view, range, cursor)]));
  const answers = useAnswers(questions, mine ? 0 : round);
  const pages = cursors.map((_, at) => answers<Calls>(`page${at}`));
  const next = pages.at(-1)?.data?.next_cursor ?? null;
  const loading = pages.some((page) => page.loading);
  const showMore = () =>
    next && !loading && setMore({ question, at: mine?.at ?? now, cursors: [...(mine?.cursors ?? []), next] });
  return { range, first: pages[0]!, rows: pages.flatMap((page) => page.data?.rows ?? []), next, loading, showMore };
}

export default function CallsPage({ view, clock, ingest }: PageProps) {
  const { range, first, rows, next, loading, showMore } = usePages(view, clock.now, clock.round);
  useEffect(() => freshnessStore.set({ loading, receivedAt: first.receivedAt }), [loading, first.receivedAt]);
  const unique = useMemo(() => [...new Map(rows.map((row) => [row.entry_id, row])).values()], [rows]) as Call[];
  if (ingest.data?.calls === 0 && first.data && !rows.length) return <SetUp ingest={ingest.data} />;
  if (first.data && !rows.length && !loading && view.role === "owner")
    return <NoMatch view={view} ingest={ingest.data} />;
  return (
    <div class="page">
      <Panel
        title="Calls"
        caption={`${exact(unique.length)}${next ? " and more" : ""}, ${rangeLabel(view, range, view.tz).toLowerCase()}`}
        answer={first}
        height={480}
        table={() => callsTable(unique)}
        actions={
          <>
            <Segments
              label="Which records"
              options={ROLES.map((value) => ({ value, label: ROLE_LABELS[value] }))}
              value={view.role}
              onChange={(role) => go({ role }, "replace")}
            />
            <Segments
              label="Order"
              options={ORDERS}
              value={view.order}
              onChange={(order) => go({ order }, "replace")}
            />
          </>
        }
      >
        {() => (
          <>
            <CallRows rows={unique} view={view} />
            {!unique.length && <p class="empty note">No such records in this range.</p>}
            {next && (
              <button type="button" class="control centred" disabled={loading} onClick={showMore}>
                {loading ? "Loading…" : "Show more"}
              </button>
            )}
          </>
        )}
      </Panel>
    </div>
  );
}
