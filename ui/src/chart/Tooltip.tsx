/** What the bar under the pointer is made of. */

export interface TooltipRow {
  readonly tone: string;
  readonly label: string;
  readonly value: string;
}

const HALF_PX = 108;

export function Tooltip(props: {
  x: number;
  width: number;
  title: string;
  total: string;
  rows: readonly TooltipRow[];
}) {
  // Beside the bar, on the side with more room, so that the bar itself stays visible.
  const right = props.x < props.width / 2;
  const left = right ? props.x + 18 : props.x - 18 - 2 * HALF_PX;
  return (
    <div
      class="tooltip"
      style={{ left: `${Math.max(-8, Math.min(left, props.width - 2 * HALF_PX + 8))}px`, width: `${2 * HALF_PX}px` }}
      aria-hidden="true"
    >
      <div class="tooltip-head">
        <span>{props.title}</span>
        <b class="num">{props.total}</b>
      </div>
      {props.rows.map((row) => (
        <div class="tooltip-row" key={row.label}>
          <i class={`key ${row.tone}`} />
          <span class="cut">{row.label}</span>
          <b class="num">{row.value}</b>
        </div>
      ))}
    </div>
  );
}
