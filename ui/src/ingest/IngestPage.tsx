/** Is the data complete? What arrived, what was refused and why, which dialects, and what was counted only once. */
import { useEffect } from "preact/hooks";
import { freshnessStore } from "../clock";
import { useAnswers } from "../data/answers";
import { groupOf, spendUrl, SUMS, type Spend } from "../data/api";
import { plain } from "../data/table";
import { ago, count, DASH, exact, rate, usd } from "../format";
import type { PageProps } from "../pages";
import { SetUp } from "../panels/Notices";
import { Panel } from "../panels/Panel";
import { Tile } from "../panels/Tiles";
import { rangeLabel } from "../view/label";
import { toggleFilter } from "../view/navigate";
import { resolve } from "../view/range";

const NOTHING = { text: "", warn: false };
const sumOf = (all: Readonly<Record<string, number>>) => Object.values(all).reduce((a, b) => a + b, 0);

export default function IngestPage({ view, clock, ingest }: PageProps) {
  const range = resolve(view, clock.now);
  const answers = useAnswers(
    { dialects: spendUrl({ groupBy: "dialect", range, filters: view.filters, measures: SUMS }) },
    clock.round,
  );
  const answer = answers<Spend>("dialects");
  const { loading, receivedAt } = answer;
  useEffect(() => freshnessStore.set({ loading, receivedAt }), [loading, receivedAt]);
  const now = ingest.data;
  if (now?.calls === 0) return <SetUp ingest={now} />;
  const total = answer.data?.total;
  const rows = [...(answer.data?.rows ?? [])].sort((a, b) => b.calls - a.calls);
  const refused = now ? sumOf(now.refused) : 0;
  const quiet = now?.last_received_at && (Date.parse(now.server_time) - Date.parse(now.last_received_at)) / 1000;
  const reasons = now
    ? [
        ...Object.entries(now.refused),
        ...Object.entries(now.refused_requests).map(([why, n]) => [`request: ${why}`, n] as const),
      ]
    : [];
  return (
    <div class="page">
      {now && (
        <div class="tiles">
          <Tile
            name="Received since start"
            value={count(now.received_spans)}
            exact={`${exact(now.received_spans)} spans, log records and points; ${exact(now.other_spans)} were no model calls`}
            change={`${exact(Math.round(now.spans_per_minute))}/min`}
            caption={quiet ? `last ${ago(quiet)} ago` : "nothing yet"}
            complete={NOTHING}
            trend={[]}
            partial={false}
          />
          <Tile
            name="Calls in the ledger"
            value={count(now.calls)}
            exact={exact(now.calls)}
            change={now.first_call_at ? now.first_call_at.slice(0, 10) : DASH}
            caption="first call"
            complete={NOTHING}
            trend={[]}
            partial={false}
          />
          <Tile
            name="Refused since start"
            value={count(refused)}
            exact={exact(refused)}
            change={rate(refused, now.received_spans)}
            caption="of what was received"
            complete={refused ? { text: "see below", warn: true } : { text: "nothing lost", warn: false }}
            trend={[]}
            partial={false}
          />
          <Tile
            name="Counted only once"
            value={usd(total?.duplicate_cost_usd)}
            exact={total?.duplicate_cost_usd ? `$${total.duplicate_cost_usd}` : "No duplicate in this range"}
            change={count(total?.duplicate_calls)}
            caption="duplicate records left out"
            complete={NOTHING}
            trend={[]}
            partial={false}
          />
        </div>
      )}
      <div class="grid halves">
        <Panel
          title="Dialects"
          caption={rangeLabel(view, range, view.tz).toLowerCase()}
          answer={answer}
          height={300}
          table={() => ({
            columns: [
              "Dialect",
              "Calls",
              "Without usage",
              "Unpriced",
              "Duplicates",
              "Duplicate cost (USD)",
              "Cost (USD)",
            ],
            rows: rows.map((row) => [
              groupOf(row, "dialect") ?? "",
              ...[
                row.calls,
                row.usage_missing_calls,
                row.unpriced_calls,
                row.duplicate_calls,
                row.duplicate_cost_usd,
                row.cost_usd,
              ].map(plain),
            ]),
          })}
        >
          {() => (
            <div class="scroll-x" role="region" aria-label="Dialects, rows" tabIndex={0}>
              <table class="rows">
                <thead>
                  <tr>
                    <th scope="col">Dialect</th>
                    {["Calls", "No usage", "Duplicates", "Not counted", "Cost"].map((name) => (
                      <th key={name} scope="col" class="num">
                        {name}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => {
                    const dialect = groupOf(row, "dialect");
                    return (
                      <tr key={dialect} onClick={(event) => toggleFilter("dialect", dialect, event)}>
                        <th scope="row">
                          <button type="button" class="name">
                            {dialect}
                          </button>
                        </th>
                        <td class="num">{count(row.calls)}</td>
                        <td class="num">{rate(row.usage_missing_calls, row.calls)}</td>
                        <td class="num">{count(row.duplicate_calls)}</td>
                        <td class="num" title={row.duplicate_cost_usd ?? ""}>
                          {usd(row.duplicate_cost_usd)}
                        </td>
                        <td class="num strong" title={row.cost_usd ?? ""}>
                          {usd(row.cost_usd)}
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          )}
        </Panel>
        <Panel
          title="Refused"
          caption="since the server started, each with its reason"
          answer={ingest}
          height={300}
          table={() => ({ columns: ["Reason", "Count"], rows: reasons.map(([why, n]) => [why, String(n)]) })}
        >
          {() =>
            reasons.length ? (
              <div class="scroll-x" role="region" aria-label="Refused, rows" tabIndex={0}>
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Reason</th>
                      <th scope="col" class="num">
                        Count
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {reasons.map(([why, n]) => (
                      <tr key={why}>
                        <th scope="row">{why}</th>
                        <td class="num">{exact(n)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            ) : (
              <p class="note">
                Nothing was refused. {exact(now?.retransmitted)} records that were sent again were recognised.
              </p>
            )
          }
        </Panel>
      </div>
    </div>
  );
}
