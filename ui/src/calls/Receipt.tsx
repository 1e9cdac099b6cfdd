/** What one call cost and why: units, rate, catalogue; where the record came from; whether it counts. */
import type { Call } from "../data/calls";
import { DASH, duration, exact } from "../format";
import { linkTo } from "../view/navigate";
import type { View } from "../view/view";

const PER: Readonly<Record<number, string>> = { 1_000_000: "1M", 1000: "1k", 1: "1" };

function Charges({ call }: { call: Call }) {
  if (!call.charges.length)
    return (
      <p class="note">{call.price_reason ?? (call.cost_usd === null ? "No price is known." : "Nothing to pay.")}</p>
    );
  return (
    <table class="charges">
      <thead>
        <tr>
          <th scope="col">Unit</th>
          <th scope="col" class="num">
            Quantity
          </th>
          <th scope="col" class="num">
            Price
          </th>
          <th scope="col" class="num">
            Cost
          </th>
        </tr>
      </thead>
      <tbody>
        {call.charges.map((charge) => (
          <tr key={charge.unit}>
            <th scope="row">{charge.unit.replaceAll("_", " ")}</th>
            <td class="num">{exact(charge.quantity)}</td>
            <td class="num">
              ${charge.price_usd} / {PER[charge.per] ?? exact(charge.per)}
            </td>
            <td class="num">${charge.cost_usd}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td colSpan={2} class="num quiet">
            {call.list_cost_usd !== call.cost_usd && call.list_cost_usd && `list price $${call.list_cost_usd}`}
          </td>
          <td class="num strong">{call.cost_usd === null ? DASH : `$${call.cost_usd}`}</td>
        </tr>
      </tfoot>
    </table>
  );
}

function facts(call: Call): readonly (readonly [string, string | null])[] {
  const rate = call.rate;
  const valid = rate?.valid_from && `since ${rate.valid_from.slice(0, 10)}`;
  return [
    [
      "Rate",
      rate && [rate.rate_id, valid, rate.valid_to && `until ${rate.valid_to.slice(0, 10)}`].filter(Boolean).join(", "),
    ],
    ["Matched by", rate?.matched_by ?? null],
    ["Source", rate?.source ? `${rate.source}${rate.checked ? `, checked ${rate.checked}` : ""}` : null],
    ["Catalogue", call.card_version],
    ["Price", call.price_status + (call.price_reason ? `: ${call.price_reason}` : "")],
    ["Usage", call.usage_state + (call.usage_note ? `: ${call.usage_note}` : "")],
    ["Counts", call.role === "owner" ? (call.reason ?? "yes") : `no, ${call.role}: ${call.reason ?? ""}`],
    ["Asked for", call.requested_model],
    ["Answered by", call.response_model],
    ["Mode", call.mode],
    ["Attempt", call.attempt === null ? null : String(call.attempt)],
    ["Latency", call.duration_ms === null ? null : duration(call.duration_ms)],
    ["First token", call.ttft_ms === null ? null : duration(call.ttft_ms)],
    ["Feature", call.feature],
    ["Team", call.team],
    ["User", call.user],
    ["Environment", call.environment],
    ["Service", call.service],
    ["Session", call.session],
    ["Agent", call.agent],
    ["Dialect", `${call.dialect} (${call.signal})`],
    ["Response id", call.response_id],
    ["Cost said by the sender", call.reported_cost_usd && `$${call.reported_cost_usd}`],
    ...Object.entries(call.tags).map(([name, value]) => [`Tag ${name}`, value] as const),
  ];
}

export function Receipt({ call, view, inTrace }: { call: Call; view: View; inTrace?: boolean }) {
  return (
    <div class="receipt" role="group" aria-label="Receipt">
      <Charges call={call} />
      <dl class="pairs">
        {facts(call).map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
        {!inTrace && call.trace_id && (
          <div>
            <dt>Trace</dt>
            <dd>
              <a class="text-link" href={linkTo(view, `traces/${call.trace_id}`)}>
                {call.trace_id}
              </a>
            </dd>
          </div>
        )}
        {call.owner && call.owner.trace_id && call.role !== "owner" && (
          <div>
            <dt>Counted in</dt>
            <dd>
              <a class="text-link" href={linkTo(view, `traces/${call.owner.trace_id}`)}>
                {call.owner.span_id ?? call.owner.trace_id}
              </a>
            </dd>
          </div>
        )}
      </dl>
    </div>
  );
}
