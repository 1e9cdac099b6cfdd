/** What fires: not built into the server yet. */
import { Snippet } from "../panels/Notices";
import { NotYet } from "../panels/NotYet";

export default function AlertsPage() {
  return (
    <NotYet title="This server has no alert rules of its own yet">
      <p>This page will show which rules fire, since when, and which feature, model or team is the likely cause.</p>
      <Snippet title="Today: a budget in a scheduled job, which fails once it is spent" lines={["costspan budgets"]} />
      <Snippet
        title="Today: Prometheus, with the rules that come with costspan"
        lines={["rule_files:", "  - costspan.rules.yml  # deploy/prometheus/costspan.rules.yml"]}
      />
    </NotYet>
  );
}
