/** How far from the bill, and why: one verdict as a waterfall by cause, what to do, and all verdicts so far. */
import { useEffect } from "preact/hooks";
import { Waterfall } from "../chart/Waterfall";
import { freshnessStore } from "../clock";
import { useAnswers, type Answer } from "../data/answers";
import { float } from "../data/money";
import {
  RECONCILIATIONS_URL,
  reconciliationUrl,
  words,
  type Cause,
  type Reconciliation,
  type Verdict,
  type Verdicts,
} from "../data/reconcile";
import { plain } from "../data/table";
import { DASH, usd } from "../format";
import type { PageProps } from "../pages";
import { Snippet } from "../panels/Notices";
import { Panel } from "../panels/Panel";
import { figures, Rows } from "../panels/Rows";
import { linkTo } from "../view/navigate";
import type { View } from "../view/view";

const STATES: Readonly<Record<Verdict["state"], { word: string; tone: string }>> = {
  ok: { word: "within", tone: "" },
  drift: { word: "drift", tone: "danger" },
  provisional: { word: "provisional", tone: "warn" },
};
const EXAMPLE = ["reconcile:", "  - {provider: openai, key_env: OPENAI_ADMIN_KEY, project_by: tag.project}"];

function percent(share: number | null): string {
  return share === null ? DASH : `${(100 * share).toFixed(1).replace("-", "−")}%`;
}

function signed(amount: string): string {
  const text = usd(amount);
  return text.startsWith("−") ? text : `+${text}`;
}

function title(verdict: Verdict): string {
  return `${verdict.provider}, ${verdict.since.slice(0, 7)}`;
}

function NoVerdicts() {
  return (
    <section class="card notice" aria-labelledby="no-verdicts">
      <h2 id="no-verdicts">No bill was compared yet</h2>
      <p>
        Set a provider's bill beside the ledger: what differs is told apart by cause, in dollars that add up. Give the
        server the key of an administrator to do it each month, or run it by hand.
      </p>
      <Snippet title="costspan.yaml" lines={EXAMPLE} />
      <Snippet
        title="By hand, with a key or an exported file"
        lines={[
          "costspan reconcile openai --month 2026-10",
          "costspan reconcile azure --month 2026-10 --bill focus.parquet",
        ]}
      />
    </section>
  );
}

function Drift({ answer }: { answer: Answer<Reconciliation> }) {
  const found = answer.data;
  return (
    <Panel
      title="From the ledger to the bill"
      caption={found ? `${title(found)}: ${found.reasons.join("; ") || "within the limits"}` : ""}
      answer={answer}
      height={260}
      table={() => ({
        columns: ["Step", "Amount (USD)"],
        rows: found
          ? [
              ["ledger", found.ledger_usd],
              ...found.causes.map((each) => [words(each.cause), each.amount_usd]),
              ["bill", found.billed_usd],
            ]
          : [],
      })}
    >
      {() =>
        found && (
          <Waterfall
            from={{ label: "ledger", value: float(found.ledger_usd) ?? 0, shown: usd(found.ledger_usd) }}
            to={{ label: "bill", value: float(found.billed_usd) ?? 0, shown: usd(found.billed_usd) }}
            steps={found.causes.map((each) => ({
              label: words(each.cause),
              value: float(each.amount_usd) ?? 0,
              shown: signed(each.amount_usd),
              title: each.meaning,
            }))}
          />
        )
      }
    </Panel>
  );
}

function CauseRow({ cause }: { cause: Cause }) {
  return (
    <tr>
      <th scope="row">
        {words(cause.cause)}
        <small class="under">{cause.meaning}</small>
      </th>
      <td class="num strong" title={`$${cause.amount_usd}`}>
        {signed(cause.amount_usd)}
        <small class="under">{percent(cause.share)}</small>
      </td>
      <td>
        {cause.parts.slice(0, 3).map((part) => (
          <span key={`${part.scope} ${part.model}`} class="line">
            {[part.model, part.scope].filter(Boolean).join(" in ") || "all"} {signed(part.amount_usd)}
          </span>
        ))}
      </td>
      <td>{cause.next_step}</td>
    </tr>
  );
}

function Causes({ answer }: { answer: Answer<Reconciliation> }) {
  const causes = answer.data?.causes ?? [];
  return (
    <Panel
      title="Causes"
      caption="in the order in which they are told apart; they add up to the drift exactly"
      answer={answer}
      height={200}
      table={() => ({
        columns: ["Cause", "Amount (USD)", "Share of the bill", "Meaning", "What to do"],
        rows: causes.map((each) => [each.cause, each.amount_usd, each.share, each.meaning, each.next_step].map(plain)),
      })}
    >
      {() => (
        <Rows label="Causes, rows" class="causes" heads={["Cause", figures("Amount"), "Where", "What to do"]}>
          {causes.map((each) => (
            <CauseRow key={each.cause} cause={each} />
          ))}
        </Rows>
      )}
    </Panel>
  );
}

function Listed(props: { heading: string; rows: readonly (readonly [string, string])[] }) {
  if (!props.rows.length) return null;
  return (
    <section class="card">
      <h2>{props.heading}</h2>
      <ul class="listed">
        {props.rows.map(([name, amount]) => (
          <li key={name}>
            <b class="num">{usd(amount)}</b> {name}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Beside({ found }: { found: Reconciliation }) {
  return (
    <>
      <Listed
        heading="Spends outside telemetry"
        rows={found.unseen.map((each) => [
          [each.project, each.api_key].filter(Boolean).join(" ") || "no project",
          each.billed_usd,
        ])}
      />
      <Listed
        heading="Names on the bill that are not known"
        rows={found.unmapped.map((each) => [each.line_item, each.billed_usd])}
      />
      <Listed
        heading="Kept apart: subscriptions, capacity, taxes, credits"
        rows={found.apart.map((each) => [each.line_item, each.billed_usd])}
      />
      {found.patch && (
        <section class="card">
          <h2>Proposed prices</h2>
          <p>
            What the bill shows and the price list has not. Put it into <code>costspan.yaml</code>, then look at what it
            changes: <code>costspan reprice --dry-run</code>
          </p>
          <Snippet title="costspan.yaml" lines={found.patch.trimEnd().split("\n")} />
        </section>
      )}
    </>
  );
}

function All({ answer, view }: { answer: Answer<Verdicts>; view: View }) {
  const verdicts = answer.data?.reconciliations ?? [];
  return (
    <Panel
      title="Bills"
      caption="each month once its days are settled, the latest verdict first"
      answer={answer}
      height={160}
      table={() => ({
        columns: ["Provider", "Month", "State", "Made", "Billed (USD)", "Ledger (USD)", "Drift (USD)", "Gross share"],
        rows: verdicts.map((each) =>
          [
            each.provider,
            each.since.slice(0, 7),
            each.state,
            each.made_at,
            each.billed_usd,
            each.ledger_usd,
            each.drift_usd,
            each.gross_share,
          ].map(plain),
        ),
      })}
    >
      {() => (
        <Rows label="Bills, rows" heads={["Bill", "State", ...["Billed", "Ledger", "Drift", "Gross"].map(figures)]}>
          {verdicts.map((each) => (
            <tr key={each.id}>
              <th scope="row">
                <a class="text-link" href={linkTo(view, `reconcile/${each.id}`)}>
                  {title(each)}
                </a>
                <small class="under">{each.made_at.slice(0, 16).replace("T", " ")} UTC</small>
              </th>
              <td>
                <span class={`badge ${STATES[each.state].tone}`} title={each.reasons.join("; ")}>
                  {STATES[each.state].word}
                </span>
              </td>
              <td class="num">{usd(each.billed_usd)}</td>
              <td class="num">{usd(each.ledger_usd)}</td>
              <td class="num strong">{percent(each.net_share)}</td>
              <td class="num">{percent(each.gross_share)}</td>
            </tr>
          ))}
        </Rows>
      )}
    </Panel>
  );
}

export default function ReconcilePage({ view, clock, rest }: PageProps) {
  const all = useAnswers({ all: RECONCILIATIONS_URL }, clock.round)<Verdicts>("all");
  const shown = rest || (all.data?.reconciliations[0]?.id ?? null);
  const one = useAnswers({ one: shown && reconciliationUrl(shown) }, clock.round)<Reconciliation>("one");
  const { loading, receivedAt, data } = all;
  useEffect(() => freshnessStore.set({ loading, receivedAt }), [loading, receivedAt]);
  if (data?.reconciliations.length === 0) return <NoVerdicts />;
  return (
    <div class="page">
      <Drift answer={one} />
      <Causes answer={one} />
      {one.data && <Beside found={one.data} />}
      <All answer={all} view={view} />
    </div>
  );
}
