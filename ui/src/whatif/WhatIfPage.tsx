/** What would it have cost? Another model, batch mode, caching: a range, and what it takes for granted. */
import { useEffect } from "preact/hooks";
import { freshnessStore } from "../clock";
import { useAnswers } from "../data/answers";
import { spendUrl, groupOf, type Spend } from "../data/api";
import { plain } from "../data/table";
import { changePath, KINDS, readChange, whatIfUrl, type Change, type Kind, type WhatIf } from "../data/whatif";
import type { PageProps } from "../pages";
import { Panel } from "../panels/Panel";
import { linkTo, visit } from "../view/navigate";
import { rangeLabel } from "../view/label";
import { resolve } from "../view/range";
import type { View } from "../view/view";
import { Results } from "./Results";

const NAMES: Readonly<Record<Kind, string>> = {
  cache: "Caching",
  batch: "Batch mode",
  model: "Another model",
};

function open(change: Change, view: View): void {
  visit(linkTo(view, changePath(change)));
}

function Form({ change, view, models }: { change: Change; view: View; models: readonly string[] }) {
  return (
    <form
      class="whatif-form"
      onSubmit={(event) => {
        event.preventDefault();
        const said = new FormData(event.currentTarget);
        open({ kind: "model", from: String(said.get("from") ?? ""), to: String(said.get("to") ?? "").trim() }, view);
      }}
    >
      <div class="segments" role="group" aria-label="What is changed">
        {KINDS.map((kind) => (
          <button
            key={kind}
            type="button"
            aria-pressed={kind === change.kind}
            onClick={() => open({ ...change, kind }, view)}
          >
            {NAMES[kind]}
          </button>
        ))}
      </div>
      {change.kind === "model" && (
        <>
          <label class="choice">
            <span>Calls of</span>
            <select class="control" name="from" key={`${change.from}${models.length}`}>
              {models.map((each) => (
                <option key={each} value={each} selected={each === change.from}>
                  {each}
                </option>
              ))}
            </select>
          </label>
          <label class="choice">
            <span>as calls of</span>
            <input
              class="control"
              name="to"
              key={change.to}
              defaultValue={change.to}
              placeholder="gpt-5.4-mini"
              required
            />
          </label>
          <button type="submit" class="control">
            Price them
          </button>
        </>
      )}
    </form>
  );
}

export default function WhatIfPage({ view, clock, rest }: PageProps) {
  const change = readChange(rest);
  const range = resolve(view, clock.now);
  const answers = useAnswers(
    {
      whatif: whatIfUrl(change, view.who, view, clock.now),
      models: spendUrl({ groupBy: "model", range, filters: view.filters, measures: ["calls"] }),
    },
    clock.round,
  );
  const answer = answers<WhatIf>("whatif");
  const models = answers<Spend>("models").data?.rows.map((row) => groupOf(row, "model")) ?? [];
  const { loading, receivedAt, data } = answer;
  useEffect(() => freshnessStore.set({ loading, receivedAt }), [loading, receivedAt]);
  const isAsked = change.kind !== "model" || Boolean(change.from && change.to);
  return (
    <div class="page">
      <section class="card" aria-label="Change">
        <Form change={change} view={view} models={models.filter((each) => each !== null)} />
      </section>
      {isAsked && (
        <Panel
          title={`What if: ${NAMES[change.kind].toLowerCase()}`}
          caption={`by ${view.who}, ${rangeLabel(view, range, view.tz).toLowerCase()}`}
          answer={answer}
          height={320}
          table={() => ({
            columns: [view.who, "Cost (USD)", "At least (USD)", "At most (USD)", "Calls", "Not priced"],
            rows: (data?.rows ?? []).map((row) => [
              String(row[data?.group_by[0] ?? ""] ?? "not set"),
              ...[row.actual_cost_usd, row.alternative_cost_usd.low, row.alternative_cost_usd.high].map(plain),
              ...[row.calls, row.unpriced_calls].map(plain),
            ]),
          })}
        >
          {() => data && <Results data={data} caches={change.kind === "cache"} />}
        </Panel>
      )}
      {isAsked && data && (
        <section class="card assumed" aria-label="What this takes for granted">
          <h2>What this takes for granted</h2>
          <ul>
            {data.assumptions.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
