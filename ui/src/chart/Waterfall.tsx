/** The way from one total to another: a bar for each step, beginning where the last one ended. */
import { steps } from "./geometry";

export interface Step {
  readonly label: string;
  readonly value: number;
  readonly shown: string;
  readonly title?: string;
}

export interface WaterfallProps {
  readonly from: Step;
  readonly to: Step;
  readonly steps: readonly Step[];
}

export function Waterfall({ from, to, steps: between }: WaterfallProps) {
  const bars = steps(
    from.value,
    between.map((each) => each.value),
    to.value,
  );
  const rows = [from, ...between, to];
  return (
    <ol class="bridge">
      {rows.map((row, index) => {
        const bar = bars[index] ?? { start: 0, width: 0 };
        const isTotal = index === 0 || index === rows.length - 1;
        const tone = isTotal ? "total" : row.value < 0 ? "less" : "more";
        return (
          <li key={row.label} title={row.title}>
            <span class="cut">{row.label}</span>
            <span class="bridge-track">
              <i class={tone} style={{ left: `${bar.start}%`, width: `${bar.width}%` }} />
            </span>
            <b class="num">{row.shown}</b>
          </li>
        );
      })}
    </ol>
  );
}
