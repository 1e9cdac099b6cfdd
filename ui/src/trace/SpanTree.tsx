/** The spans of a trace as a tree beside a waterfall; a span that is a call opens to its receipt. */
import { Fragment } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Outcome } from "../calls/Outcome";
import { Receipt } from "../calls/Receipt";
import type { Trace, TraceSpan } from "../data/calls";
import { duration, exact, usd } from "../format";
import type { View } from "../view/view";

/** From the earliest start to the latest end, in milliseconds since the epoch. */
function extent(spans: readonly TraceSpan[]): { from: number; length: number } {
  const starts = spans.map((span) => Date.parse(span.started_at));
  const ends = spans.map((span, at) => (starts[at] ?? 0) + (span.call?.duration_ms ?? 0));
  const from = Math.min(...starts);
  return { from, length: Math.max(1, Math.max(...ends) - from) };
}

function label(span: TraceSpan): string {
  const call = span.call;
  return call ? `${call.operation ?? "call"} ${call.model ?? ""}` : `span ${span.span_id ?? ""}`;
}

export function SpanTree({ trace, view }: { trace: Trace; view: View }) {
  const [open, setOpen] = useState<number | null>(null);
  const { from, length } = useMemo(() => extent(trace.spans), [trace]);
  const percent = (ms: number) => (100 * ms) / length;
  return (
    <div class="scroll-x" role="region" aria-label="Spans" tabIndex={0}>
      <table class="rows tree">
        <thead>
          <tr>
            <th scope="col">Span</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="waterfall">
              {duration(length)}
            </th>
            <th scope="col" class="num">
              Cost
            </th>
            <th scope="col" class="num" title="With all spans below it">
              With below
            </th>
          </tr>
        </thead>
        <tbody>
          {trace.spans.map((span, at) => {
            const { call } = span;
            const isOpen = open === at;
            const start = Date.parse(span.started_at) - from;
            return (
              <Fragment key={`${span.span_id ?? ""}-${at}`}>
                <tr
                  class={call === null ? "other" : isOpen ? "opened" : call.role === "owner" ? "" : "faint"}
                  onClick={() => call && setOpen(isOpen ? null : at)}
                >
                  <th scope="row">
                    <span class="branch" style={{ paddingLeft: `${Math.min(span.depth, 12) * 16}px` }}>
                      {call ? (
                        <button type="button" class="name" aria-expanded={isOpen} title={call.dialect}>
                          <span class="cut">{label(span)}</span>
                        </button>
                      ) : (
                        <span class="cut quiet mono">{label(span)}</span>
                      )}
                    </span>
                  </th>
                  <td>{call && <Outcome call={call} />}</td>
                  <td class="waterfall">
                    <span class="lane" title={call ? duration(call.duration_ms) : "a span without a call"}>
                      <i
                        class={call?.role === "owner" ? "tone-1" : "tone-other"}
                        style={{
                          left: `${Math.min(percent(start), 99)}%`,
                          width: `${Math.max(percent(call?.duration_ms ?? 0), 0.5)}%`,
                        }}
                      />
                    </span>
                  </td>
                  <td class="num strong" title={call?.cost_usd ? `$${call.cost_usd}` : ""}>
                    {call && usd(call.cost_usd)}
                  </td>
                  <td class="num" title={`${exact(span.subtree_calls)} calls`}>
                    {usd(span.subtree_cost_usd)}
                  </td>
                </tr>
                {isOpen && call && (
                  <tr class="other detail">
                    <td colSpan={5}>
                      <Receipt call={call} view={view} inTrace />
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
