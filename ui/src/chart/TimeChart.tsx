/** The frame of a chart over time: axes, a crosshair shared by the page, a tooltip, a drag brush and arrow keys. */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { createStore, useStore } from "../store";
import type { Bucket } from "../view/range";
import { axis, bands, heights, labelled, type Band, type Frame } from "./geometry";
import { Tooltip, type TooltipRow } from "./Tooltip";

export interface Plot {
  readonly width: number;
  readonly frame: Frame;
  readonly band: Band;
  readonly y: (value: number) => number;
  /** Index of the bucket under the crosshair, -1 when there is none. */
  readonly hovered: number;
}

export interface TimeAxisProps {
  readonly label: string;
  readonly buckets: readonly Bucket[];
  readonly height: number;
  readonly tick: (value: number) => string;
  /** What the ticks are multiples of, for a largest value. */
  readonly unit?: (max: number) => number;
  readonly bucketName: (bucket: Bucket, long: boolean) => string;
  readonly onRange: (since: Date, until: Date) => void;
  readonly onWiden: () => void;
  /** What lies over the chart, such as marks that open. */
  readonly over?: (plot: Plot) => ComponentChildren;
}

interface TimeChartProps extends TimeAxisProps {
  readonly max: number;
  /** What a bucket comes to, in one figure; the empty string where one figure would mean nothing. */
  readonly total: (index: number) => string;
  /** What a screen reader hears of a bucket, after its name. */
  readonly said: (index: number) => string;
  readonly rows: (index: number) => readonly TooltipRow[];
  /** A click in a bucket, `height` pixels from the top of the chart. */
  readonly onPickAt?: (plot: Plot, index: number, height: number, event: PointerEvent) => void;
  readonly children: (plot: Plot) => ComponentChildren;
}

/** Start of the bucket under the pointer, on all charts of the page at once. */
const crosshair = createStore<number | null>(null);
const DRAG_PX = 5;
const LABEL_PX = 68;

function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    setWidth(Math.floor(element.clientWidth));
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

export function TimeChart(props: TimeChartProps) {
  const { ref, width } = useWidth();
  const at = useStore(crosshair);
  const [own, setOwn] = useState<"pointer" | "keys" | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number; x: number } | null>(null);
  const { buckets } = props;
  const { frame, scale, band, y } = useMemo(() => {
    const scale = axis(props.max, props.unit?.(props.max));
    const room = Math.max(...scale.ticks.map((value) => props.tick(value).length)) * 6.6 + 10;
    const frame: Frame = { width, height: props.height, left: room, right: 4, top: 8, bottom: 24 };
    return { scale, frame, band: bands(frame, buckets.length), y: heights(frame, scale.top) };
  }, [buckets, props.max, props.tick, props.unit, width, props.height]);
  const hovered = buckets.findIndex((bucket) => bucket.start.getTime() === at);
  const plot: Plot = { width, frame, band, y, hovered };

  const indexAt = (event: PointerEvent) => band.at(event.clientX - (ref.current?.getBoundingClientRect().left ?? 0));
  const point = (index: number | null, how: "pointer" | "keys" = "pointer") => {
    crosshair.set(index === null ? null : (buckets[index]?.start.getTime() ?? null));
    setOwn(index === null ? null : how);
  };
  const choose = (from: number, to: number) => {
    const [first, last] = [buckets[Math.min(from, to)], buckets[Math.max(from, to)]];
    if (first && last) props.onRange(first.start, last.end);
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const index = indexAt(event);
    if (event.pointerType === "mouse") (event.currentTarget as Element).setPointerCapture(event.pointerId);
    setDrag({ from: index, to: index, x: event.clientX });
  };
  const onPointerMove = (event: PointerEvent) => {
    const index = indexAt(event);
    point(index);
    if (drag && event.pointerType === "mouse") setDrag({ ...drag, to: index });
  };
  const onPointerUp = (event: PointerEvent) => {
    if (!drag) return;
    setDrag(null);
    if (Math.abs(event.clientX - drag.x) > DRAG_PX) choose(drag.from, drag.to);
    else pick(event, indexAt(event));
  };
  const pick = (event: PointerEvent, index: number) => {
    if (event.pointerType !== "mouse") return;
    props.onPickAt?.(plot, index, event.clientY - (ref.current?.getBoundingClientRect().top ?? 0), event);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const from = hovered < 0 ? buckets.length : hovered;
    const moves: Record<string, number> = {
      ArrowLeft: from - 1,
      ArrowRight: hovered + 1,
      Home: 0,
      End: buckets.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) point(Math.max(0, Math.min(buckets.length - 1, to)), "keys");
    else if (event.key === "Enter" && hovered >= 0) choose(hovered, hovered);
    else if (event.key === "Escape") {
      setDrag(null);
      point(null);
      // Escape leaves what the keys or a drag began; otherwise the page takes it, to undo the last step.
      if (!drag && own !== "keys") return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const current = buckets[hovered];
  const said = (index: number) => {
    const bucket = buckets[index];
    if (!bucket) return "";
    return `${props.bucketName(bucket, true)}${bucket.partial ? ", in part" : ""}: ${props.said(index)}`;
  };
  return (
    <div
      ref={ref}
      class="chart"
      style={{ height: `${props.height}px` }}
      tabIndex={0}
      role="group"
      aria-label={`${props.label}. Arrow keys read it bar by bar, Enter zooms in.`}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={() => setDrag(null)}
      onPointerLeave={() => !drag && point(null)}
      onDblClick={props.onWiden}
      onKeyDown={onKeyDown}
      onBlur={() => point(null)}
    >
      {width > 0 && (
        <svg width={width} height={props.height} aria-hidden="true">
          {current && (
            <rect
              class="crosshair"
              x={band.x(hovered) - (band.step - band.width) / 2}
              y={0}
              width={band.step}
              height={frame.height - frame.bottom}
            />
          )}
          {scale.ticks.map((value) => (
            <g key={value}>
              <line
                class={value === 0 ? "axis" : "grid"}
                x1={frame.left}
                x2={width - frame.right}
                y1={Math.round(y(value)) + 0.5}
                y2={Math.round(y(value)) + 0.5}
              />
              <text class="tick" x={frame.left - 8} y={y(value) + 4} text-anchor="end">
                {props.tick(value)}
              </text>
            </g>
          ))}
          {props.children(plot)}
          {labelled(buckets.length, band.step, LABEL_PX).map((index) => {
            const bucket = buckets[index];
            const x = Math.min(band.x(index) + band.width / 2, width - 22);
            return (
              bucket &&
              x > frame.left + 12 && (
                <text key={index} class="tick" x={x} y={props.height - 6} text-anchor="middle">
                  {props.bucketName(bucket, false)}
                </text>
              )
            );
          })}
          {drag && drag.from !== drag.to && (
            <rect
              class="brush"
              x={band.x(Math.min(drag.from, drag.to))}
              y={0}
              width={Math.abs(drag.to - drag.from) * band.step + band.width}
              height={frame.height - frame.bottom}
            />
          )}
        </svg>
      )}
      {width > 0 && props.over?.(plot)}
      {own && current && !drag && (
        <Tooltip
          x={band.x(hovered) + band.width / 2}
          width={width}
          title={
            props.bucketName(current, true) +
            (current.partial ? ` · ${hovered === buckets.length - 1 ? "so far" : "in part"}` : "")
          }
          total={props.total(hovered)}
          rows={props.rows(hovered)}
        />
      )}
      <span class="sr" role="status">
        {own && current ? said(hovered) : ""}
      </span>
    </div>
  );
}
