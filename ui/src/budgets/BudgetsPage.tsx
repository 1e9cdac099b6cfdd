/** Will it fit? Each budget of costspan.yaml: spent, left, how it will end, how fast it burns, what is not known. */
import { useEffect } from "preact/hooks";
import { freshnessStore } from "../clock";
import { useAnswers } from "../data/answers";
import { OUTLOOK_URL, viewOf, type Budget, type Outlook, type Outlooks } from "../data/budgets";
import { plain } from "../data/table";
import { count, exact, rate, share, usd } from "../format";
import type { PageProps } from "../pages";
import { Snippet } from "../panels/Notices";
import { Panel } from "../panels/Panel";
import { BurnDown } from "./BurnDown";
import { linkTo } from "../view/navigate";
import type { View } from "../view/view";

const EXAMPLE = ["budgets:", "  - {name: search-monthly, scope: {team: search}, amount_usd: 3000, period: month}"];
const STATES: Readonly<Record<Budget["state"], { word: string; tone: string }>> = {
  ok: { word: "within", tone: "" },
  soft: { word: "nearly spent", tone: "warn" },
  exceeded: { word: "spent", tone: "danger" },
  unavailable: { word: "not known", tone: "warn" },
};
/** Budgets that are drawn, in the order of the file; the table has them all. */
const CHARTS = 12;
const HEADS = ["State", "Spent and time gone", "Spent", "Of", "Left", "Expected", "Period", "Priced"] as const;

function scopeText(budget: Budget): string {
  const parts = Object.entries(budget.scope).map(([key, value]) => `${key} ${value}`);
  return parts.join(", ") || "all calls";
}

/** Soft without 80 % spent means that calls without a price may hide more. */
function stateOf(budget: Budget): { word: string; tone: string } {
  if (!budget.allowed && budget.state !== "exceeded") return { word: "blocked", tone: "danger" };
  if (budget.state === "soft" && budget.share_spent < 0.8) return { word: "not all priced", tone: "warn" };
  return STATES[budget.state];
}

/** The bar is what was spent of the amount, the mark how much of the period is over. */
function Bullet({ budget }: { budget: Budget }) {
  const over = budget.share_elapsed;
  const said = `${share(budget.share_spent, 1)} spent${over === null ? "" : `, ${share(over, 1)} of the time gone`}`;
  return (
    <span class="bullet" title={said}>
      <span class={`track ${stateOf(budget).tone}`}>
        <i style={{ width: `${Math.min(100, budget.share_spent * 100)}%` }} />
        {over !== null && <b style={{ left: `${over * 100}%` }} />}
      </span>
      <small>{said}</small>
    </span>
  );
}

const ENDS: Readonly<Record<Outlook["expectation"], { word: string; tone: string }>> = {
  within: { word: "ends within", tone: "" },
  over: { word: "ends over", tone: "warn" },
  surely_over: { word: "surely ends over", tone: "danger" },
  unknown: { word: "no forecast yet", tone: "" },
};

function Expected({ budget }: { budget: Outlook }) {
  const { word, tone } = ENDS[budget.expectation];
  const fast = budget.burn.find((each) => each.fast);
  return (
    <td class="num" title={budget.explanation}>
      {usd(budget.forecast_usd?.p50)}
      <small class={`under ${tone && `${tone}-text`}`}>{word}</small>
      {fast && (
        <small class="under danger-text">
          {fast.times_usual.toFixed(1)}× the usual in {fast.window}
        </small>
      )}
    </td>
  );
}

function Row({ budget, now, view }: { budget: Outlook; now: string; view: View }) {
  const state = stateOf(budget);
  const unknown = budget.unpriced_calls + budget.partial_calls;
  return (
    <tr>
      <th scope="row">
        <a class="text-link" href={linkTo(viewOf(budget, now, view), "calls")}>
          {budget.name}
        </a>
        <small class="under">{scopeText(budget)}</small>
      </th>
      <td>
        <span class={`badge ${state.tone}`} title={budget.reason}>
          {state.word}
        </span>
      </td>
      <td>
        <Bullet budget={budget} />
      </td>
      <td class="num strong" title={`$${budget.spent_usd}`}>
        {usd(budget.spent_usd)}
      </td>
      <td class="num" title={`$${budget.amount_usd}`}>
        {usd(budget.amount_usd)}
      </td>
      <td class="num" title={`$${budget.remaining_usd}`}>
        {usd(budget.remaining_usd)}
      </td>
      <Expected budget={budget} />
      <td>
        {budget.period}
        <small class="under">
          {budget.since.slice(0, 10)} to {budget.until.slice(0, 10)}
        </small>
      </td>
      <td class="num" title={`${exact(unknown)} of ${exact(budget.calls)} calls have no price or no usage`}>
        {rate(budget.share_priced, 1)}
        {unknown > 0 && <small class="under">{count(unknown)} without</small>}
      </td>
    </tr>
  );
}

function NoBudgets() {
  return (
    <section class="card notice" aria-labelledby="no-budgets">
      <h2 id="no-budgets">No budgets yet</h2>
      <p>
        A budget is an amount for all calls, or for those of a team, feature or model, in each day, week or month. Add
        some to <code>costspan.yaml</code> in the data folder and start the server again.
      </p>
      <Snippet title="costspan.yaml" lines={EXAMPLE} />
      <p>
        This page then shows what is spent and left; <code>costspan budgets</code> prints the same, and{" "}
        <code>costspan.budget("search-monthly")</code> refuses a call before it is made.
      </p>
    </section>
  );
}

export default function BudgetsPage({ view, clock }: PageProps) {
  const answer = useAnswers({ budgets: OUTLOOK_URL }, clock.round)<Outlooks>("budgets");
  const { loading, receivedAt, data } = answer;
  useEffect(() => freshnessStore.set({ loading, receivedAt }), [loading, receivedAt]);
  if (data?.budgets.length === 0) return <NoBudgets />;
  return (
    <div class="page">
      <Panel
        title="Budgets"
        caption="each in its own period, in UTC days"
        answer={answer}
        height={240}
        table={() => ({
          columns: [
            "Budget",
            "Scope",
            "State",
            "Spent (USD)",
            "Amount (USD)",
            "Left (USD)",
            "Expected (USD)",
            "Since",
            "Until",
            "Unpriced",
          ],
          rows: (data?.budgets ?? []).map((each) => [
            each.name,
            ...[scopeText(each), each.state, each.spent_usd, each.amount_usd, each.remaining_usd].map(plain),
            ...[each.forecast_usd?.p50 ?? null, each.since, each.until, each.unpriced_calls + each.partial_calls].map(
              plain,
            ),
          ]),
        })}
      >
        {() => (
          <div class="scroll-x" role="region" aria-label="Budgets, rows" tabIndex={0}>
            <table class="budgets broad">
              <thead>
                <tr>
                  <th scope="col">Budget</th>
                  {HEADS.map((name) => (
                    <th key={name} scope="col" class={/Spent$|Of|Left|Expected|Priced/.test(name) ? "num" : ""}>
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {data?.budgets.map((budget) => (
                  <Row key={budget.name} budget={budget} now={data.now} view={view} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      {data && (
        <div class="grid halves">
          {data.budgets.slice(0, CHARTS).map((budget) => (
            <BurnDown key={budget.name} answer={answer} budget={budget} now={data.now} />
          ))}
        </div>
      )}
    </div>
  );
}
