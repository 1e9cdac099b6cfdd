/** What nobody is told of for a while: the silences that hold, one more, and their ends. */
import { useState } from "preact/hooks";
import type { Answer } from "../data/answers";
import type { Alerts, Silence } from "../data/alerts";
import { useSending } from "../data/send";
import { plain } from "../data/table";
import { stamp } from "../format";
import type { View } from "../view/view";
import { Listed } from "./Listed";

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
  const silences = answer.data?.silences ?? [];
  return (
    <Listed
      title="Silences"
      caption="alerts fire and end all the same; what still fires when a silence ends is told then"
      answer={answer}
      table={() => ({
        columns: ["Silence", "Of", "Until", "Why", "By"],
        rows: silences.map((each) => [
          each.id,
          ...[each.matchers.join(" "), each.ends_at, each.comment, each.author].map(plain),
        ]),
      })}
      heads={["Of", "Until", "Why"]}
      rows={silences.map((each) => ({
        key: each.id,
        head: each.matchers.join(" and "),
        cells: [
          stamp(new Date(each.ends_at), view.tz),
          [each.comment, each.author && `by ${each.author}`].filter(Boolean).join(", "),
        ],
        aloud: `End the silence of ${each.matchers.join(" and ")}`,
        url: `api/v1/alerts/silences/${encodeURIComponent(each.id)}/end`,
      }))}
      action="End"
      empty="Nothing is silenced."
      onChanged={props.onChanged}
    >
      <NewSilence onChanged={props.onChanged} />
    </Listed>
  );
}
