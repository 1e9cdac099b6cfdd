/** What fires, what is about to, and what was over just now; each with a silence at hand. */
import type { Answer } from "../data/answers";
import { matchersOf, TONES, type Alert, type Alerts, type Silence } from "../data/alerts";
import { useSending } from "../data/send";
import { plain } from "../data/table";
import { ago, stamp } from "../format";
import { Panel } from "../panels/Panel";
import { aloud, figures, Rows } from "../panels/Rows";
import type { View } from "../view/view";

const SILENCED_FOR = "2h";

function Row(props: { alert: Alert; now: string; view: View; busy: boolean; onSilence: (alert: Alert) => void }) {
  const { alert, now, view } = props;
  const since = alert.state === "firing" ? (alert.fired_at ?? alert.since) : alert.since;
  return (
    <tr>
      <th scope="row">
        <span class={`badge ${TONES[alert.state]}`}>{alert.state}</span>
        <small class="under">{alert.severity}</small>
      </th>
      <td>
        <a class="text-link" href={alert.link || "alerts"}>
          {alert.text}
        </a>
        <small class="under">{alert.rule}</small>
        {alert.reasons.map((reason) => (
          <small key={reason} class="under">
            {reason}
          </small>
        ))}
      </td>
      <td class="num" title={since}>
        {stamp(new Date(since), view.tz)}
        <small class="under">{ago((Date.parse(now) - Date.parse(since)) / 1000)}</small>
      </td>
      <td>{alert.note || (alert.told.length ? `told ${alert.told.join(", ")}` : "told nobody")}</td>
      <td class="num">
        {alert.state !== "resolved" && !alert.note.startsWith("silenced") && (
          <button
            type="button"
            class="control"
            aria-label={`Silence ${alert.rule}: ${alert.text} for ${SILENCED_FOR}`}
            disabled={props.busy}
            onClick={() => props.onSilence(alert)}
          >
            Silence {SILENCED_FOR}
          </button>
        )}
      </td>
    </tr>
  );
}

export function Standing(props: { answer: Answer<Alerts>; view: View; onChanged: () => void }) {
  const { answer, view } = props;
  const silencing = useSending<Silence>("api/v1/alerts/silences");
  const alerts = answer.data?.alerts ?? [];
  const silence = async (alert: Alert) => {
    const body = { matchers: matchersOf(alert), for: SILENCED_FOR, comment: "from the dashboard" };
    if (await silencing.send(body)) props.onChanged();
  };
  return (
    <Panel
      title="Firing and pending"
      caption="each group of each rule by itself; a link opens the calls behind it"
      answer={answer}
      height={160}
      table={() => ({
        columns: ["Rule", "State", "Severity", "Since", "What", "Note"],
        rows: alerts.map((each) => [
          each.rule,
          ...[each.state, each.severity, each.fired_at ?? each.since, each.text, each.note].map(plain),
        ]),
      })}
    >
      {() => (
        <>
          {silencing.problem && (
            <p class="warn-text" role="alert">
              {silencing.problem.detail || silencing.problem.title}
            </p>
          )}
          {alerts.length ? (
            <Rows
              label="Firing and pending, rows"
              class="alerts"
              heads={["State", "What", figures("Since"), "Told", aloud("Silence")]}
            >
              {alerts.map((alert) => (
                <Row
                  key={`${alert.rule} ${JSON.stringify(alert.group)}`}
                  alert={alert}
                  now={answer.data?.now ?? ""}
                  view={view}
                  busy={silencing.busy}
                  onSilence={silence}
                />
              ))}
            </Rows>
          ) : (
            <p class="note">Nothing fires.</p>
          )}
        </>
      )}
    </Panel>
  );
}
