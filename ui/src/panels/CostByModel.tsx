/** The ranked table that is also the legend: share of cost beside share of calls, unpriced models last. */
import type { Answer } from "../data/answers";
import { groupOf, type Row, type Spend } from "../data/api";
import { float } from "../data/money";
import { rankByCost } from "../data/overview";
import { NOT_SET } from "../data/series";
import { plain, type Table } from "../data/table";
import { count, exact, share, usd } from "../format";
import { createStore } from "../store";
import { toggleFilter } from "../view/navigate";
import { hasFilter, isLeftOut, type View } from "../view/view";
import { Panel } from "./Panel";

/** The model whose row is under the pointer: the chart beside the table brings it forward. */
export const highlighted = createStore<string | null>(null);

function tableOf(rows: readonly Row[]): Table {
  return {
    columns: ["Model", "Cost (USD)", "Calls", "Unpriced calls", "Input cost (USD)", "Output cost (USD)"],
    rows: rows.map((row) => [
      groupOf(row, "model") ?? NOT_SET,
      plain(row.cost_usd),
      plain(row.calls),
      plain(row.unpriced_calls),
      plain(row.input_cost_usd),
      plain(row.output_cost_usd),
    ]),
  };
}

/** A row that filters when clicked; its name is the button, for keyboards and screen readers. */
export function NameCell(props: { dimension: string; value: string | null; view: View; tone?: string }) {
  const { dimension, value, view } = props;
  return (
    <th scope="row">
      <button
        type="button"
        class="name"
        aria-pressed={hasFilter(view, dimension, value)}
        title={`Filter by ${value ?? NOT_SET}. Shift adds, Alt leaves out.`}
      >
        {props.tone && <i class={`key ${props.tone}`} />}
        <span class={value === null ? "cut quiet" : "cut"}>{value ?? NOT_SET}</span>
      </button>
    </th>
  );
}

/** The share in words, and a bar that is full for the largest share of its table. */
export function ShareBar(props: { part: number | null; all: number | null; max: number | null; tone: string }) {
  const { part, all, max, tone } = props;
  const percent = part !== null && max ? (100 * part) / max : null;
  return (
    <span class="share">
      {percent !== null && (
        <span class="track">
          <i class={tone} style={{ width: `${Math.max(percent, 2)}%` }} />
        </span>
      )}
      <span class="num">{share(part, all)}</span>
    </span>
  );
}

function Footer({ rows }: { rows: readonly Row[] }) {
  const unpriced = rows.filter((row) => row.unpriced_calls > row.usage_missing_calls);
  const calls = unpriced.reduce((all, row) => all + row.unpriced_calls - row.usage_missing_calls, 0);
  const silent = rows.reduce((all, row) => all + row.usage_missing_calls, 0);
  return (
    <p class="panel-foot">
      {unpriced.length > 0 && (
        <span title={unpriced.map((row) => groupOf(row, "model") ?? NOT_SET).join(", ")}>
          <b class="warn-text">
            {unpriced.length} unpriced {unpriced.length === 1 ? "model" : "models"}
          </b>{" "}
          {exact(calls)} calls not in the cost
        </span>
      )}
      {silent > 0 && <span>{exact(silent)} calls without usage</span>}
      {!unpriced.length && !silent && <span>Every call in this range has a price</span>}
    </p>
  );
}

export function CostByModel(props: { answer: Answer<Spend>; view: View; tones: ReadonlyMap<string | null, string> }) {
  const { answer, view } = props;
  const rows = rankByCost(answer.data?.rows ?? []);
  const cost = float(answer.data?.total.cost_usd);
  const calls = answer.data?.total.calls ?? null;
  return (
    <Panel
      title="Cost by model"
      caption={<span class="hint">click a row to filter</span>}
      answer={answer}
      height={270}
      class="ranked"
      table={() => tableOf(rows)}
    >
      {() => (
        <>
          <div class="scroll-x scroll-y" role="region" aria-label="Cost by model, rows" tabIndex={0}>
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col" class="num on">
                    Cost
                  </th>
                  <th scope="col" class="num">
                    % of cost
                  </th>
                  <th scope="col" class="num">
                    % of calls
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => {
                  const value = groupOf(row, "model");
                  const tone = props.tones.get(value) ?? "tone-other";
                  return (
                    <tr
                      key={value}
                      class={isLeftOut(view, "model", value) ? "faint" : ""}
                      onClick={(event) => toggleFilter("model", value, event)}
                      onMouseEnter={() => highlighted.set(value ?? NOT_SET)}
                      onMouseLeave={() => highlighted.set(null)}
                    >
                      <NameCell dimension="model" value={value} view={view} tone={tone} />
                      <td class="num strong" title={row.cost_usd === null ? "No price known" : `$${row.cost_usd}`}>
                        {usd(row.cost_usd)}
                      </td>
                      <td class="num">
                        <ShareBar part={float(row.cost_usd)} all={cost} max={float(rows[0]?.cost_usd)} tone={tone} />
                      </td>
                      <td class="num quiet" title={`${count(row.calls)} calls`}>
                        {share(row.calls, calls)}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          <Footer rows={rows} />
        </>
      )}
    </Panel>
  );
}
