/** A tool a row: what a use of it costs, in the three parts that add up, how often it fails and how long it takes. */
import type { Answer } from "../data/answers";
import type { Tools } from "../data/api";
import { float } from "../data/money";
import { plain, type Table } from "../data/table";
import { change, count, duration, exact, rate, usd } from "../format";
import { NameCell } from "../panels/CostByModel";
import { Panel } from "../panels/Panel";
import { toggleFilter } from "../view/navigate";
import { isLeftOut, type View } from "../view/view";

function tableOf(tools: Tools | null): Table {
  return {
    columns: [
      "Tool",
      "Calls",
      "Cost (USD)",
      "Fees (USD)",
      "Calls inside (USD)",
      "Follow-up (USD)",
      "Per call (USD)",
      "Follow-up calls",
      "Errors",
      "P50 (ms)",
      "P99 (ms)",
    ],
    rows: (tools?.rows ?? []).map((row) => [
      row.tool,
      ...[
        row.calls,
        row.cost_usd,
        row.fees_usd,
        row.inside_usd,
        row.follow_up_usd,
        row.cost_per_call_usd,
        row.follow_up_calls,
        row.errors,
        row.latency_ms?.p50,
        row.latency_ms?.p99,
      ].map(plain),
    ]),
  };
}

const PARTS = [
  ["tone-4", "fees_usd", "fees"],
  ["tone-5", "inside_usd", "calls inside the tool"],
  ["tone-6", "follow_up_usd", "calls that read its result"],
] as const;

function Parts({ row, max }: { row: Tools["rows"][number]; max: number }) {
  const title = PARTS.map(([, key, name]) => `${usd(row[key])} ${name}`).join(", ");
  return (
    <span class="hbar-track parts" title={title}>
      {PARTS.map(([tone, key]) => {
        const part = float(row[key]) ?? 0;
        return part > 0 ? <i key={key} class={tone} style={{ width: `${(100 * part) / max}%` }} /> : null;
      })}
    </span>
  );
}

export function ToolsTable({ answer, before, view }: { answer: Answer<Tools>; before: Tools | null; view: View }) {
  const rows = answer.data?.rows ?? [];
  const former = new Map(before?.rows.map((row) => [row.tool, row.cost_usd]));
  const max = Math.max(0, ...rows.map((row) => float(row.cost_usd) ?? 0)) || 1;
  return (
    <Panel title="Tools" class="wide" answer={answer} height={300} table={() => tableOf(answer.data)}>
      {() => (
        <>
          <div class="legend">
            {PARTS.map(([tone, , name]) => (
              <span key={tone}>
                <i class={`key ${tone}`} /> {name.charAt(0).toUpperCase() + name.slice(1)}
              </span>
            ))}
          </div>
          <div class="scroll-x" role="region" aria-label="Tools, rows" tabIndex={0}>
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Tool</th>
                  {["Calls", "Cost", "Change", "Per call"].map((name) => (
                    <th key={name} scope="col" class="num">
                      {name}
                    </th>
                  ))}
                  <th scope="col">Made of</th>
                  {["Follow-up calls", "Errors", "P50", "P99"].map((name) => (
                    <th key={name} scope="col" class="num">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr
                    key={row.tool}
                    class={isLeftOut(view, "tool", row.tool) ? "faint" : ""}
                    onClick={(event) => toggleFilter("tool", row.tool, event)}
                  >
                    <NameCell dimension="tool" value={row.tool} view={view} />
                    <td class="num" title={`${exact(row.charged_calls)} of them billed by a provider`}>
                      {count(row.calls)}
                    </td>
                    <td class="num strong" title={row.cost_usd ? `$${row.cost_usd}` : ""}>
                      {usd(row.cost_usd)}
                    </td>
                    <td class="num">{change(float(row.cost_usd), float(former.get(row.tool)))}</td>
                    <td class="num" title={row.cost_per_call_usd ? `$${row.cost_per_call_usd}` : ""}>
                      {usd(row.cost_per_call_usd)}
                    </td>
                    <td>
                      <Parts row={row} max={max} />
                    </td>
                    <td class="num">{count(row.follow_up_calls)}</td>
                    <td class="num" title={`${exact(row.errors)} failed`}>
                      {rate(row.errors, row.calls - row.charged_calls)}
                    </td>
                    <td class="num">{duration(row.latency_ms?.p50)}</td>
                    <td class="num">{duration(row.latency_ms?.p99)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Panel>
  );
}
