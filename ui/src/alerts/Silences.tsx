/** What nobody is told of for a while: the silences that hold, one more, and their ends. */
import { useState } from "preact/hooks";
import type { Answer } from "../data/answers";
import type { Alerts, Silence } from "../data/alerts";
import { ProblemError } from "../data/api";
import { postJson, useSending } from "../data/send";
import { plain } from "../data/table";
import { stamp } from "../format";
import { Panel } from "../panels/Panel";
import type { View } from "../view/view";

const LENGTHS = ["1h", "2h", "8h", "1d", "7d"] as const;

function NewSilence({ onChanged }: { onChanged: () => void }) {
  const [matchers, setMatchers] = useState("");
  const [length, setLength] = useState<string>("2h");
  const [comment, setComment] = useState("");
  const adding = useSending<Silence>("api/v1/alerts/silences");
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    const body = { matchers: matchers.split(/\s+/).filter(Boolean), for: length, comment };
    if (!(await adding.send(body))) return;
    setMatchers("");
    setComment("");
    onChanged();
  };
  return (
    <form class="map-to" onSubmit={onSubmit}>
      <input
        type="text"
        value={matchers}
        placeholder="rule:NAME team:search"
        aria-label="Alerts to silence, as key:value"
        onInput={(event) => setMatchers(event.currentTarget.value)}
      />
      <select aria-label="For how long" value={length} onChange={(event) => setLength(event.currentTarget.value)}>
        {LENGTHS.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
      <input
        type="text"
        value={comment}
        placeholder="why"
        aria-label="Why"
        onInput={(event) => setComment(event.currentTarget.value)}
      />
      <button type="submit" class="control" disabled={adding.busy || !matchers.includes(":")}>
        {adding.busy ? "Silencing…" : "Silence"}
      </button>
      {adding.problem && (
        <span class="warn-text" role="alert">
          {adding.problem.detail || adding.problem.title}
        </span>
      )}
    </form>
  );
}

export function Silences(props: { answer: Answer<Alerts>; view: View; onChanged: () => void }) {
  const { answer, view } = props;
  const [problem, setProblem] = useState("");
  const silences = answer.data?.silences ?? [];
  const end = async (silence: Silence) => {
    try {
      await postJson(`api/v1/alerts/silences/${encodeURIComponent(silence.id)}/end`, {});
      setProblem("");
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      setProblem(error.problem.detail || error.problem.title);
    }
    props.onChanged();
  };
  return (
    <Panel
      title="Silences"
      caption="alerts fire and end all the same; what still fires when a silence ends is told then"
      answer={answer}
      height={120}
      table={() => ({
        columns: ["Silence", "Of", "Until", "Why", "By"],
        rows: silences.map((each) => [
          each.id,
          ...[each.matchers.join(" "), each.ends_at, each.comment, each.author].map(plain),
        ]),
      })}
    >
      {() => (
        <>
          <NewSilence onChanged={props.onChanged} />
          {problem && (
            <p class="warn-text" role="alert">
              {problem}
            </p>
          )}
          {silences.length > 0 && (
            <div class="scroll-x" role="region" aria-label="Silences, rows" tabIndex={0}>
              <table>
                <thead>
                  <tr>
                    <th scope="col">Of</th>
                    <th scope="col">Until</th>
                    <th scope="col">Why</th>
                    <th scope="col">
                      <span class="sr">End</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {silences.map((each) => (
                    <tr key={each.id}>
                      <th scope="row">{each.matchers.join(" and ")}</th>
                      <td class="num">{stamp(new Date(each.ends_at), view.tz)}</td>
                      <td>{[each.comment, each.author && `by ${each.author}`].filter(Boolean).join(", ")}</td>
                      <td class="num">
                        <button
                          type="button"
                          class="control"
                          aria-label={`End the silence of ${each.matchers.join(" and ")}`}
                          onClick={() => void end(each)}
                        >
                          End
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {!silences.length && <p class="note">Nothing is silenced.</p>}
        </>
      )}
    </Panel>
  );
}
