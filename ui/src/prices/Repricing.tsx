/** What the prices of costspan.yaml would change in the ledger: look, apply, and undo to the last digit. */
import type { Answer } from "../data/answers";
import type { Reprice, Run, Runs } from "../data/prices";
import { useSending } from "../data/send";
import { plain } from "../data/table";
import { DASH, exact, stamp, usd } from "../format";
import { Panel } from "../panels/Panel";
import { aloud, figures, Rows } from "../panels/Rows";
import type { View } from "../view/view";

function Difference({ plan }: { plan: Reprice }) {
  if (!plan.changed_entries || !plan.total)
    return <p class="note">Nothing to change: {exact(plan.examined_entries)} entries stand at the prices in force.</p>;
  return (
    <Rows
      label="What would change"
      heads={["Model", "Month", ...["Calls", "Cost now", "Cost then", "Difference"].map(figures)]}
    >
      {[...(plan.rows ?? []), { ...plan.total, month: "", model: "Total" }].map((row) => (
        <tr key={`${row.month} ${row.model ?? ""}`}>
          <th scope="row">{row.model ?? DASH}</th>
          <td>{row.month}</td>
          <td class="num">{exact(row.calls)}</td>
          <td class="num" title={row.old_cost_usd ?? ""}>
            {usd(row.old_cost_usd)}
          </td>
          <td class="num" title={row.new_cost_usd ?? ""}>
            {usd(row.new_cost_usd)}
          </td>
          <td class="num strong" title={row.difference_usd}>
            {usd(row.difference_usd)}
          </td>
        </tr>
      ))}
    </Rows>
  );
}

function RunRow({ run, view, onUndo, busy }: { run: Run; view: View; onUndo: () => void; busy: boolean }) {
  return (
    <tr>
      <th scope="row" class="num">
        {stamp(new Date(run.started_at), view.tz)}
      </th>
      <td>{run.state}</td>
      <td class="num">{exact(run.corrected_entries)}</td>
      <td class="num" title={run.difference_usd}>
        {usd(run.difference_usd)}
      </td>
      <td class="num">
        {run.state === "applied" && (
          <button type="button" class="control" disabled={busy} onClick={onUndo}>
            Undo
          </button>
        )}
      </td>
    </tr>
  );
}

export function Repricing(props: { runs: Answer<Runs>; view: View; onChanged: () => void }) {
  const { runs, view } = props;
  const look = useSending<Reprice>("api/v1/reprice");
  const act = useSending<Reprice>("api/v1/reprice");
  const all = runs.data?.runs ?? [];
  const doIt = async (body: unknown) => {
    if (!(await act.send(body))) return;
    look.forget();
    props.onChanged();
  };
  const busy = look.busy || act.busy;
  const problem = look.problem ?? act.problem;
  return (
    <Panel
      title="Re-pricing"
      caption="compares the ledger with the prices that costspan.yaml and the catalogue say now"
      answer={runs}
      height={120}
      table={() => ({
        columns: ["Run", "Started at", "State", "Corrected entries", "Difference (USD)"],
        rows: all.map((run) => [
          run.run_id,
          ...[run.started_at, run.state, run.corrected_entries, run.difference_usd].map(plain),
        ]),
      })}
      actions={
        <>
          <button type="button" class="control" disabled={busy} onClick={() => look.send({ action: "dry-run" })}>
            {look.busy ? "Looking…" : "What would change?"}
          </button>
          {Boolean(look.answer?.changed_entries) && (
            <button type="button" class="control" disabled={busy} onClick={() => doIt({ action: "apply" })}>
              {act.busy ? "Applying…" : "Apply"}
            </button>
          )}
        </>
      }
    >
      {() => (
        <>
          {problem && (
            <p class="warn-text" role="alert">
              {problem.detail || problem.title}
            </p>
          )}
          <div role="status">{look.answer && <Difference plan={look.answer} />}</div>
          {all.length > 0 && (
            <Rows label="Runs" heads={["Run", "State", figures("Entries"), figures("Difference"), aloud("Undo")]}>
              {all.map((run) => (
                <RunRow
                  key={run.run_id}
                  run={run}
                  view={view}
                  busy={busy}
                  onUndo={() => doIt({ action: "undo", run_id: run.run_id })}
                />
              ))}
            </Rows>
          )}
          {!all.length && !look.answer && <p class="note">The ledger has not been re-priced yet.</p>}
        </>
      )}
    </Panel>
  );
}
