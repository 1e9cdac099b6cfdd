/** One budget over its period: what is spent, what is expected with its range, and the amount. */
import { useMemo } from "preact/hooks";
import { Course } from "../chart/Course";
import type { Answer } from "../data/answers";
import type { Outlook } from "../data/budgets";
import { courseOf } from "../data/forecast";
import { float } from "../data/money";
import { plain } from "../data/table";
import { usd, usdTick } from "../format";
import { setRange } from "../panels/CostOverTime";
import { Panel } from "../panels/Panel";
import { bucketName } from "../view/label";

const HEIGHT_PX = 220;

function caption(budget: Outlook): string {
  if (!budget.forecast_usd) return budget.explanation;
  const { p10, p50, p90 } = budget.forecast_usd;
  return `${usd(p50)} expected by ${budget.forecast_until.slice(0, 10)} (${usd(p10)} to ${usd(p90)}), of ${usd(budget.amount_usd)}`;
}

export function BurnDown({ answer, budget, now }: { answer: Answer<unknown>; budget: Outlook; now: string }) {
  const course = useMemo(() => courseOf(budget.days, now), [budget.days, now]);
  return (
    <Panel
      title={`Burn-down: ${budget.name}`}
      caption={<span title={budget.explanation}>{caption(budget)}</span>}
      answer={answer}
      height={HEIGHT_PX}
      table={() => ({
        columns: ["Day (UTC)", "Spent by then (USD)", "P10", "P50", "P90"],
        rows: budget.days.map((each) => [
          each.day.slice(0, 10),
          ...[each.spent_usd, each.forecast_usd?.p10, each.forecast_usd?.p50, each.forecast_usd?.p90].map((value) =>
            plain(value ?? null),
          ),
        ]),
      })}
    >
      {() =>
        course.buckets.length ? (
          <>
            <Course
              label={`Burn-down of ${budget.name}, ${course.buckets.length} days`}
              course={course}
              limit={float(budget.amount_usd)}
              height={HEIGHT_PX}
              tick={usdTick}
              read={usd}
              bucketName={(bucket, long) => bucketName(bucket, long, "UTC")}
              onRange={setRange}
              onWiden={() => undefined}
            />
            <p class="caption explained">{budget.explanation}</p>
          </>
        ) : (
          <p class="empty" style={{ height: `${HEIGHT_PX}px` }}>
            No calls in this period yet. {budget.explanation}
          </p>
        )
      }
    </Panel>
  );
}
