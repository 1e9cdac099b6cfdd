/** Must somebody act? What fires and why, the rules and how often they would have fired, silences, what went unsent. */
import { useCallback, useEffect } from "preact/hooks";
import { freshnessStore, refresh } from "../clock";
import { useAnswers } from "../data/answers";
import { ALERTS_URL, DEAD_URL, HISTORY_URL, type Alerts, type History, type Notifications } from "../data/alerts";
import type { PageProps } from "../pages";
import { Snippet } from "../panels/Notices";
import { Fired, Undelivered } from "./Past";
import { Rules } from "./Rules";
import { Silences } from "./Silences";
import { Standing } from "./Standing";

const EXAMPLE = [
  "notifiers:",
  '  slack: {url: "${SLACK_APPRISE_URL}"}',
  "alerts:",
  "  - {name: daily-spend, measure: cost, window: 24h, above: 500, notify: [slack]}",
  "  - {name: rate-limits, measure: errors, where: {error_type: rate_limit}, window: 5m, above: 5}",
];

function NoRules() {
  return (
    <section class="card notice" aria-labelledby="no-alerts">
      <h2 id="no-alerts">No alert rules yet</h2>
      <p>
        A rule watches a measure of all calls, or of those of each team, feature or model, and tells Slack, e-mail,
        PagerDuty or any webhook. Add some to <code>costspan.yaml</code> in the data folder and start the server again.
      </p>
      <Snippet title="costspan.yaml" lines={EXAMPLE} />
      <Snippet title="More of them, with comments" lines={["costspan alerts starter"]} />
      <p>This page then shows what fires and why, and how often each rule would have fired last month.</p>
    </section>
  );
}

export default function AlertsPage({ view, clock }: PageProps) {
  const answers = useAnswers({ alerts: ALERTS_URL, history: HISTORY_URL, dead: DEAD_URL }, clock.round);
  const standing = answers<Alerts>("alerts");
  const history = answers<History>("history");
  const { receivedAt, data } = standing;
  const loading = standing.loading || history.loading;
  useEffect(() => freshnessStore.set({ loading, receivedAt }), [loading, receivedAt]);
  const onChanged = useCallback(refresh, []);
  if (data?.rules.length === 0 && !data.alerts.length && history.data?.events.length === 0) return <NoRules />;
  return (
    <div class="page">
      <Standing answer={standing} view={view} onChanged={onChanged} />
      <Rules answer={standing} view={view} />
      <Silences answer={standing} view={view} onChanged={onChanged} />
      <Fired answer={history} view={view} />
      <Undelivered answer={answers<Notifications>("dead")} view={view} onChanged={onChanged} />
    </div>
  );
}
