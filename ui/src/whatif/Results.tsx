/** The groups and the total: what they cost, what they would have, the difference as a range. */
import type { Otherwise, WhatIf } from "../data/whatif";
import { float } from "../data/money";
import { DASH, count, exact, usd } from "../format";
import { NOT_SET } from "../data/series";

function percent(share: number | null): string {
  if (share === null) return DASH;
  const whole = Math.round(share * 100);
  return `${whole < 0 ? "−" : whole > 0 ? "+" : ""}${Math.abs(whole)}%`;
}

function range(low: string, high: string): string {
  const [a, b] = [usd(low), usd(high)];
  return a === b ? a : `${a} to ${b}`;
}

function shares({ low, high }: Otherwise["difference_share"]): string {
  const [a, b] = [percent(low), percent(high)];
  return a === b ? a : `${a} to ${b}`;
}

function Figures({ row, caches }: { row: Otherwise; caches: boolean }) {
  const { low, high } = row.alternative_cost_usd;
  const saves = (float(row.difference_usd.high) ?? 0) < 0;
  return (
    <>
      <td class="num strong" title={`$${row.actual_cost_usd}`}>
        {usd(row.actual_cost_usd)}
      </td>
      <td class="num" title={`$${low} to $${high}`}>
        {range(low, high)}
      </td>
      <td class={`num ${saves ? "strong" : ""}`} title={`$${row.difference_usd.low} to $${row.difference_usd.high}`}>
        {shares(row.difference_share)}
      </td>
      {caches && row.cache && (
        <>
          <td class="num" title={`$${row.cache.saved_usd}`}>
            {usd(row.cache.saved_usd)}
          </td>
          <td class="num">{range(row.cache.missed_usd.low, row.cache.missed_usd.high)}</td>
          <td
            class="num"
            title={`$${row.cache.not_earned_back_usd} of $${row.cache.write_premium_usd} paid for writes`}
          >
            {usd(row.cache.not_earned_back_usd)}
          </td>
        </>
      )}
      <td class="num" title={exact(row.calls)}>
        {count(row.calls)}
      </td>
      <td class="num" title={exact(row.unpriced_calls)}>
        {row.unpriced_calls ? count(row.unpriced_calls) : DASH}
      </td>
    </>
  );
}

export function Results({ data, caches }: { data: WhatIf; caches: boolean }) {
  const key = data.group_by[0] ?? "";
  const heads = ["Cost", "Would have cost", "Difference"];
  if (caches) heads.push("Saved", "Missed", "Not earned back");
  heads.push("Calls", "Not priced");
  if (!data.rows.length) return <p class="empty">No calls of it in this range</p>;
  return (
    <div class="scroll-x" role="region" aria-label="What if, rows" tabIndex={0}>
      <table class="budgets">
        <thead>
          <tr>
            <th scope="col">{key.charAt(0).toUpperCase() + key.slice(1)}</th>
            {heads.map((head) => (
              <th key={head} scope="col" class="num">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row) => (
            <tr key={String(row[key])}>
              <th scope="row">{String(row[key] ?? NOT_SET)}</th>
              <Figures row={row} caches={caches} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Total</th>
            <Figures row={data.total} caches={caches} />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
