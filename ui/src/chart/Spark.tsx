/** A sparkline: the shape of a measure beside its figure. It repeats a figure, so it is hidden from screen readers. */
import { spark } from "./geometry";

export function Spark(props: {
  values: readonly (number | null)[];
  width: number;
  height: number;
  partial: boolean;
  fromZero?: boolean;
  filled?: boolean;
}) {
  const { width, height } = props;
  if (props.values.filter((each) => each !== null).length < 2)
    return <span class="spark" style={{ width: `${width}px` }} />;
  const paths = spark(props.values, { width, height }, props.partial, props.fromZero ?? true);
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {props.filled && <path class="spark-area" d={paths.area} />}
      <path class="spark-line" d={paths.line} />
      <path class="spark-line spark-tail" d={paths.tail} />
    </svg>
  );
}
