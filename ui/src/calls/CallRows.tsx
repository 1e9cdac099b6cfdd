/** A table of calls; a row opens to its receipt. */
import { Fragment } from "preact";
import { useState } from "preact/hooks";
import type { Call } from "../data/calls";
import { plain, type Table } from "../data/table";
import { count, DASH, duration, exact, stamp, usd } from "../format";
import type { View } from "../view/view";
import { Outcome } from "./Outcome";
import { Receipt } from "./Receipt";

export function callsTable(rows: readonly Call[]): Table {
  return {
    columns: [
      "Started at",
      "Model",
      "Provider",
      "Operation",
      "Feature",
      "Team",
      "User",
      "Environment",
      "Uncached input",
      "Cache read",
      "Cache write",
      "Output",
      "Latency (ms)",
      "Cost (USD)",
      "Price status",
      "Role",
      "Finish reason",
      "Error type",
      "Trace",
      "Span",
    ],
    rows: rows.map((row) => [
      row.started_at,
      ...[
        row.model,
        row.provider,
        row.operation,
        row.feature,
        row.team,
        row.user,
        row.environment,
        row.input_tokens,
        row.cache_read_tokens,
        row.cache_write_tokens,
        row.output_tokens,
        row.duration_ms,
        row.cost_usd,
        row.price_status,
        row.role,
        row.finish_reason,
        row.error_type,
        row.trace_id,
        row.span_id,
      ].map(plain),
    ]),
  };
}

function allInput(call: Call): number | null {
  const parts = [call.input_tokens, call.cache_read_tokens, call.cache_write_tokens].filter((each) => each !== null);
  return call.usage_state === "missing" || !parts.length ? null : parts.reduce((a, b) => a + b, 0);
}

export function CallRows({ rows, view }: { rows: readonly Call[]; view: View }) {
  const [open, setOpen] = useState<number | null>(null);
  return (
    <div class="scroll-x" role="region" aria-label="Calls, rows" tabIndex={0}>
      <table class="rows calls">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Model</th>
            <th scope="col">Feature</th>
            <th scope="col">User</th>
            <th scope="col" class="num">
              Input
            </th>
            <th scope="col" class="num">
              Output
            </th>
            <th scope="col" class="num">
              Latency
            </th>
            <th scope="col">Outcome</th>
            <th scope="col" class="num">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((call) => {
            const isOpen = open === call.entry_id;
            return (
              <Fragment key={call.entry_id}>
                <tr
                  class={isOpen ? "opened" : call.role === "owner" ? "" : "faint"}
                  onClick={() => setOpen(isOpen ? null : call.entry_id)}
                >
                  <th scope="row">
                    <button type="button" class="name num" aria-expanded={isOpen} title={call.started_at}>
                      {stamp(new Date(call.started_at), view.tz)}
                    </button>
                  </th>
                  <td>
                    <span class="cut">{call.model ?? DASH}</span>{" "}
                    <small class="quiet">{call.operation !== "chat" && call.operation}</small>
                  </td>
                  <td class="cut">{call.feature ?? DASH}</td>
                  <td class="cut user">{call.user ?? DASH}</td>
                  <td class="num" title={`${exact(call.cache_read_tokens)} read from cache`}>
                    {count(allInput(call))}
                  </td>
                  <td class="num" title={`${exact(call.reasoning_tokens)} reasoning`}>
                    {call.usage_state === "missing" ? DASH : count(call.output_tokens)}
                  </td>
                  <td class="num">{duration(call.duration_ms)}</td>
                  <td>
                    <Outcome call={call} />
                  </td>
                  <td
                    class="num strong"
                    title={call.cost_usd === null ? (call.price_reason ?? "") : `$${call.cost_usd}`}
                  >
                    {usd(call.cost_usd)}
                  </td>
                </tr>
                {isOpen && (
                  <tr class="other detail">
                    <td colSpan={9}>
                      <Receipt call={call} view={view} />
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
