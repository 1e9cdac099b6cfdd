/** A model a row: how fast, how often it fails, is cut off or is asked again. */
import type { Answer } from "../data/answers";
import { groupOf, type Row, type Spend } from "../data/api";
import { NOT_SET } from "../data/series";
import { plain } from "../data/table";
import { count, duration, exact, rate } from "../format";
import { NameCell } from "../panels/CostByModel";
import { Panel } from "../panels/Panel";
import { toggleFilter } from "../view/navigate";
import { isLeftOut, type View } from "../view/view";

const COLUMNS = ["Calls", "P50", "P95", "P99", "First token P50", "First token P99", "Errors", "Truncated", "Retries"];

export function ByModel({ answer, view }: { answer: Answer<Spend>; view: View }) {
  const rows = [...(answer.data?.rows ?? [])].sort((a, b) => b.calls - a.calls);
  const cells = (row: Row) => [
    row.calls,
    row.latency_ms?.p50,
    row.latency_ms?.p95,
    row.latency_ms?.p99,
    row.ttft_ms?.p50,
    row.ttft_ms?.p99,
    row.errors,
    row.truncated,
    row.retries,
  ];
  return (
    <Panel
      title="By model"
      class="wide"
      answer={answer}
      height={300}
      table={() => ({
        columns: ["Model", ...COLUMNS],
        rows: rows.map((row) => [groupOf(row, "model") ?? NOT_SET, ...cells(row).map(plain)]),
      })}
    >
      {() => (
        <div class="scroll-x" role="region" aria-label="By model, rows" tabIndex={0}>
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Model</th>
                {COLUMNS.map((name) => (
                  <th key={name} scope="col" class="num">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => {
                const model = groupOf(row, "model");
                const [calls, p50, p95, p99, first50, first99] = cells(row);
                return (
                  <tr
                    key={model}
                    class={isLeftOut(view, "model", model) ? "faint" : ""}
                    onClick={(event) => toggleFilter("model", model, event)}
                  >
                    <NameCell dimension="model" value={model} view={view} />
                    <td class="num" title={exact(calls)}>
                      {count(calls)}
                    </td>
                    {[p50, p95, p99, first50, first99].map((ms, at) => (
                      <td key={at} class="num">
                        {duration(ms)}
                      </td>
                    ))}
                    <td class="num" title={`${exact(row.errors)} failed`}>
                      {rate(row.errors, row.calls)}
                    </td>
                    <td class="num" title={`${exact(row.truncated)} cut off`}>
                      {rate(row.truncated, row.calls - row.errors)}
                    </td>
                    <td class="num">{count(row.retries)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
