/** One trace: what the whole chain cost, which records count, which do not and why. */
import { useEffect, useState } from "preact/hooks";
import { freshnessStore } from "../clock";
import { CallRows } from "../calls/CallRows";
import { useAnswers, type Answer } from "../data/answers";
import { traceUrl, type Trace } from "../data/calls";
import { plain, type Table } from "../data/table";
import { exact, stamp, usd } from "../format";
import type { PageProps } from "../pages";
import { Panel } from "../panels/Panel";
import { linkTo, visit } from "../view/navigate";
import type { View } from "../view/view";
import { SpanTree } from "./SpanTree";

function Find({ view }: { view: View }) {
  const [text, setText] = useState("");
  return (
    <form
      class="card notice"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) visit(linkTo(view, `traces/${text.trim().toLowerCase()}`));
      }}
    >
      <h2>Find a trace</h2>
      <p>Its id, or at least the first six digits of it, as your other tools show it.</p>
      <input
        type="search"
        aria-label="Trace id"
        placeholder="4bf92f3577b34da6a3ce929d0e0e4736"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="control">
        Show it
      </button>
    </form>
  );
}

function treeTable(trace: Trace | null): Table {
  return {
    columns: ["Span", "Parent", "Started at", "Model", "Role", "Cost (USD)", "With all below (USD)", "Reason"],
    rows: (trace?.spans ?? []).map((span) => [
      span.span_id ?? "",
      ...[
        span.parent_span_id,
        span.started_at,
        span.call?.model,
        span.call?.role,
        span.call?.cost_usd,
        span.subtree_cost_usd,
        span.call?.reason,
      ].map(plain),
    ]),
  };
}

function Summary({ trace }: { trace: Trace }) {
  const { total } = trace;
  const left = total.duplicate_calls + total.aggregate_calls;
  return (
    <div class="legend" role="group" aria-label="Total of the trace">
      <span>
        <b title={total.cost_usd === null ? "" : `$${total.cost_usd}`}>{usd(total.cost_usd)}</b> for{" "}
        <b>{exact(total.calls)}</b> {total.calls === 1 ? "call" : "calls"}
      </span>
      {total.errors > 0 && (
        <span>
          <b>{exact(total.errors)}</b> failed
        </span>
      )}
      {total.unpriced_calls > 0 && <span class="warn-text">{exact(total.unpriced_calls)} without a price</span>}
      {left > 0 && (
        <span>
          <b title={`$${total.not_counted_cost_usd ?? "0"}`}>{usd(total.not_counted_cost_usd)}</b> in{" "}
          {exact(total.duplicate_calls)} duplicates and {exact(total.aggregate_calls)} aggregates, not counted
        </span>
      )}
    </div>
  );
}

function History({ trace, view, answer }: { trace: Trace; view: View; answer: Answer<Trace> }) {
  return (
    <Panel
      title="Corrections"
      caption="entries taken back, and what stands instead"
      answer={answer}
      height={120}
      table={() => ({
        columns: ["Entry", "Span", "Posted at", "Taken back at", "Cost (USD)", "Why"],
        rows: trace.history.map((each) => [
          String(each.entry_id),
          ...[each.span_id, each.posted_at, each.taken_back_at, each.cost_usd, each.why].map(plain),
        ]),
      })}
    >
      {() => (
        <div class="scroll-x" role="region" aria-label="Corrections, rows" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Taken back</th>
                <th scope="col">Span</th>
                <th scope="col">Why</th>
                <th scope="col" class="num">
                  Cost
                </th>
              </tr>
            </thead>
            <tbody>
              {trace.history.map((each) => (
                <tr key={each.entry_id}>
                  <th scope="row" class="num">
                    {stamp(new Date(each.taken_back_at), view.tz)}
                  </th>
                  <td class="mono">{each.span_id}</td>
                  <td>{each.why}</td>
                  <td class="num">{usd(each.cost_usd)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

export default function TracePage({ view, clock, rest }: PageProps) {
  const answer = useAnswers({ trace: rest ? traceUrl(rest) : null }, clock.round)<Trace>("trace");
  const loading = rest !== "" && answer.loading;
  useEffect(() => freshnessStore.set({ loading, receivedAt: answer.receivedAt }), [loading, answer.receivedAt]);
  const trace = answer.data;
  if (!rest) return <Find view={view} />;
  if (answer.problem && !trace) {
    return (
      <>
        <section class="card notice" role="alert">
          <h2>{answer.problem.title}</h2>
          <p>{answer.problem.detail}</p>
        </section>
        <Find view={view} />
      </>
    );
  }
  return (
    <div class="page">
      <Panel
        title="Trace"
        caption={<code>{trace?.trace_id ?? rest}</code>}
        answer={answer}
        height={360}
        table={() => treeTable(trace)}
      >
        {() =>
          trace && (
            <>
              <Summary trace={trace} />
              <SpanTree trace={trace} view={view} />
            </>
          )
        }
      </Panel>
      {trace && trace.elsewhere.length > 0 && (
        <Panel
          title="Elsewhere"
          caption="records of the same calls in other traces"
          answer={answer}
          height={120}
          table={() => treeTable(trace)}
        >
          {() => <CallRows rows={trace.elsewhere} view={view} />}
        </Panel>
      )}
      {trace && trace.history.length > 0 && <History trace={trace} view={view} answer={answer} />}
    </div>
  );
}
