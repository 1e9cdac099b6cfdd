/** What goes into prompts and what into answers, per bucket. */
import { useMemo } from "preact/hooks";
import { StackedBars } from "../chart/StackedBars";
import type { Answer } from "../data/answers";
import type { Spend } from "../data/api";
import { float } from "../data/money";
import { plain, type Table } from "../data/table";
import { share, usd, usdTick } from "../format";
import { bucketName } from "../view/label";
import type { Range } from "../view/range";
import type { View } from "../view/view";
import { perBucket, setRange, widen } from "./CostOverTime";
import { Panel } from "./Panel";
import type { Timeline } from "./Tiles";

function tableOf(timeline: Timeline): Table {
  return {
    columns: ["Start (UTC)", "Input cost (USD)", "Output cost (USD)", "Cost (USD)"],
    rows: timeline.rows.flatMap((row) =>
      row ? [[plain(row.start), plain(row.input_cost_usd), plain(row.output_cost_usd), plain(row.cost_usd)]] : [],
    ),
  };
}

export function InputOutput(props: { answer: Answer<Spend>; timeline: Timeline; view: View; range: Range }) {
  const { answer, timeline, view } = props;
  const total = answer.data?.total;
  const [input, output] = [float(total?.input_cost_usd), float(total?.output_cost_usd)];
  const both = (input ?? 0) + (output ?? 0);
  const saved = float(total?.cache_savings_usd);
  const series = useMemo(
    () => [
      {
        key: "input",
        label: "Input",
        tone: "token-in",
        values: timeline.rows.map((row) => float(row?.input_cost_usd) ?? 0),
      },
      {
        key: "output",
        label: "Output",
        tone: "token-out",
        values: timeline.rows.map((row) => float(row?.output_cost_usd) ?? 0),
      },
    ],
    [timeline],
  );
  return (
    <Panel
      title="Input vs output cost"
      caption={perBucket("USD", answer.data)}
      answer={answer}
      height={226}
      table={() => tableOf(timeline)}
    >
      {() => (
        <>
          <div class="legend">
            <span title={usd(input)}>
              <i class="key token-in" /> Input <b>{share(input, both)}</b>
            </span>
            <span title={usd(output)}>
              <i class="key token-out" /> Output <b>{share(output, both)}</b>
            </span>
            {saved !== null && saved > 0 && (
              <span title={`$${total?.cache_savings_usd}`}>
                Cache saved <b>{usd(saved)}</b>
              </span>
            )}
          </div>
          {both > 0 ? (
            <StackedBars
              label="Input and output cost over time"
              buckets={timeline.buckets}
              series={series}
              height={196}
              tick={usdTick}
              read={usd}
              bucketName={(bucket, long) => bucketName(bucket, long, view.tz)}
              onRange={setRange}
              onWiden={() => widen(props.range)}
            />
          ) : (
            <p class="empty" style={{ height: "196px" }}>
              No priced calls in this range
            </p>
          )}
        </>
      )}
    </Panel>
  );
}
