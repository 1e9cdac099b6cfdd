/** What fired and ended, and the notifications that nobody took. */
import type { Answer } from "../data/answers";
import { TONES, type History, type Notifications } from "../data/alerts";
import { plain } from "../data/table";
import { stamp } from "../format";
import { Panel } from "../panels/Panel";
import type { View } from "../view/view";
import { Listed } from "./Listed";

export function Fired({ answer, view }: { answer: Answer<History>; view: View }) {
  const events = answer.data?.events ?? [];
  return (
    <Panel
      title="History"
      caption="the latest 50; figures are those of the moment, whatever was re-priced since"
      answer={answer}
      height={160}
      table={() => ({
        columns: ["At", "Became", "Rule", "What", "Note"],
        rows: events.map((each) => [each.at, ...[each.state, each.rule, each.text, each.note].map(plain)]),
      })}
    >
      {() =>
        events.length ? (
          <div class="scroll-x" role="region" aria-label="History, rows" tabIndex={0}>
            <table class="alerts">
              <thead>
                <tr>
                  <th scope="col">At</th>
                  <th scope="col">Became</th>
                  <th scope="col">What</th>
                </tr>
              </thead>
              <tbody>
                {events.map((each) => (
                  <tr key={each.at + each.rule + each.state + JSON.stringify(each.group)}>
                    <th scope="row" class="cut" title={each.at}>
                      {stamp(new Date(each.at), view.tz)}
                    </th>
                    <td>
                      <span class={`badge ${TONES[each.state]}`}>{each.state}</span>
                    </td>
                    <td>
                      <a class="text-link" href={each.link || "alerts"}>
                        {each.text}
                      </a>
                      <small class="under">{[each.rule, each.note].filter(Boolean).join(": ")}</small>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <p class="note">Nothing has fired yet.</p>
        )
      }
    </Panel>
  );
}

export function Undelivered(props: { answer: Answer<Notifications>; view: View; onChanged: () => void }) {
  const { answer, view } = props;
  const dead = answer.data?.notifications ?? [];
  return (
    <Listed
      title="Undelivered"
      caption="refused for good, or tried ten times in about four hours"
      answer={answer}
      table={() => ({
        columns: ["Id", "Notifier", "Since", "What", "Why not", "Attempts"],
        rows: dead.map((each) => [
          each.id,
          ...[each.notifier, each.created_at, each.title, each.error, each.attempts].map(plain),
        ]),
      })}
      heads={["What", "To", "Why not"]}
      rows={dead.map((each) => ({
        key: each.notifier + each.id,
        head: (
          <>
            {each.title}
            <small class="under num">{stamp(new Date(each.created_at), view.tz)}</small>
          </>
        ),
        cells: [each.notifier, each.error],
        aloud: `Send ${each.title} again`,
        url: `api/v1/alerts/notifications/${encodeURIComponent(each.id)}/send`,
      }))}
      action="Send again"
      empty="Every notification was delivered or is still being tried."
      onChanged={props.onChanged}
    />
  );
}
