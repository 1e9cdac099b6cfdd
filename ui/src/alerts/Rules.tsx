/** The rules of costspan.yaml, read only, and how often each would have fired in the range shown above. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer } from "../data/answers";
import { backtestUrl, TONES, type Alerts, type Backtest, type Rule } from "../data/alerts";
import { fetchJson, ProblemError } from "../data/api";
import { plain } from "../data/table";
import { ago, DASH, exact, stamp } from "../format";
import { Panel } from "../panels/Panel";
import { resolve } from "../view/range";
import type { View } from "../view/view";

interface Asked {
  readonly rule: string;
  readonly found: Backtest | null;
  readonly problem: string | null;
}

/** One backtest at a time: another one, or leaving the page, ends the one under way. */
function useBacktest(view: View): { asked: Asked | null; ask: (rule: string) => Promise<void> } {
  const [asked, setAsked] = useState<Asked | null>(null);
  const flight = useRef<AbortController | null>(null);
  useEffect(() => () => flight.current?.abort(), []);
  const ask = async (rule: string) => {
    flight.current?.abort();
    const abort = (flight.current = new AbortController());
    setAsked({ rule, found: null, problem: null });
    try {
      const found = await fetchJson<Backtest>(backtestUrl(rule, resolve(view, new Date())), abort.signal);
      setAsked({ rule, found, problem: null });
    } catch (error) {
      if (abort.signal.aborted) return;
      if (!(error instanceof ProblemError)) throw error;
      setAsked({ rule, found: null, problem: error.problem.detail || error.problem.title });
    }
  };
  return { asked, ask };
}

function times(count: number): string {
  return count === 0 ? "would not have fired" : `would have fired ${exact(count)} time${count === 1 ? "" : "s"}`;
}

function Found({ asked, view }: { asked: Asked; view: View }) {
  if (asked.problem)
    return (
      <p class="warn-text" role="alert">
        {asked.problem}
      </p>
    );
  if (!asked.found) return <p class="note">Looking at the past…</p>;
  const { found } = asked;
  return (
    <>
      <p class="note">
        <b>{found.rule}</b> {times(found.fired)} from {stamp(new Date(found.since), view.tz)} to{" "}
        {stamp(new Date(found.until), view.tz)}
        {found.step_s > found.every_s && `, looked at every ${ago(found.step_s)}: shorter ones are not seen`}.
      </p>
      {found.episodes.length > 0 && (
        <ul class="episodes">
          {found.episodes.map((each) => (
            <li key={each.since + each.text}>
              <span class="num">
                {stamp(new Date(each.since), view.tz)} to{" "}
                {each.until ? stamp(new Date(each.until), view.tz) : "the end"}
              </span>{" "}
              <a class="text-link" href={each.link || "alerts"}>
                {each.text}
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Row(props: { rule: Rule; now: string; busy: boolean; onBacktest: () => void }) {
  const { rule } = props;
  return (
    <tr>
      <th scope="row">
        {rule.name}
        <small class="under">{rule.text}</small>
        {rule.problem && <small class="under warn-text">could not be judged: {rule.problem}</small>}
      </th>
      <td>
        <span class={`badge ${TONES[rule.state]}`}>{rule.state}</span>
      </td>
      <td>{rule.severity}</td>
      <td>{rule.notify.join(", ") || DASH}</td>
      <td class="num">
        {rule.judged_at ? `${ago((Date.parse(props.now) - Date.parse(rule.judged_at)) / 1000)} ago` : DASH}
      </td>
      <td class="num">
        <button
          type="button"
          class="control"
          aria-label={`Would ${rule.name} have fired?`}
          disabled={props.busy}
          onClick={props.onBacktest}
        >
          Would it have fired?
        </button>
      </td>
    </tr>
  );
}

export function Rules({ answer, view }: { answer: Answer<Alerts>; view: View }) {
  const { asked, ask } = useBacktest(view);
  const rules = answer.data?.rules ?? [];
  const busy = asked !== null && !asked.found && !asked.problem;
  return (
    <Panel
      title="Rules"
      caption="from costspan.yaml, read when the server starts; a backtest looks at the range above"
      answer={answer}
      height={240}
      table={() => ({
        columns: ["Rule", "Watches", "State", "Severity", "Notifies", "Judged at"],
        rows: rules.map((each) => [
          each.name,
          ...[each.text, each.state, each.severity, each.notify.join(" "), each.judged_at].map(plain),
        ]),
      })}
    >
      {() => (
        <>
          <div role="status">{asked && <Found asked={asked} view={view} />}</div>
          <div class="scroll-x" role="region" aria-label="Rules, rows" tabIndex={0}>
            <table class="alerts">
              <thead>
                <tr>
                  <th scope="col">Rule</th>
                  <th scope="col">State</th>
                  <th scope="col">Severity</th>
                  <th scope="col">Notifies</th>
                  <th scope="col" class="num">
                    Judged
                  </th>
                  <th scope="col">
                    <span class="sr">Backtest</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rules.map((rule) => (
                  <Row
                    key={rule.name}
                    rule={rule}
                    now={answer.data?.now ?? ""}
                    busy={busy}
                    onBacktest={() => void ask(rule.name)}
                  />
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Panel>
  );
}
