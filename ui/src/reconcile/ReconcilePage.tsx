/** How far from the bill: not built into the server yet. */
import { Snippet } from "../panels/Notices";
import { NotYet } from "../panels/NotYet";

export default function ReconcilePage() {
  return (
    <NotYet title="Bills cannot be imported yet">
      <p>
        This page will set each provider's bill beside the ledger, month by month, and name what the difference is made
        of. Until then every cost shown is an estimate from token counts that no bill has confirmed.
      </p>
      <Snippet
        title="Today: the ledger's side of it, to hold beside the invoice"
        lines={["costspan report monthly --by provider --since 90d"]}
      />
    </NotYet>
  );
}
