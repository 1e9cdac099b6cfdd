/** Anomalies and alerts above the bars in which they began. A mark opens to what it was, why, and the calls behind it. */
import type { Plot } from "../chart/TimeChart";
import { useAnswers } from "../data/answers";
import type { Anomalies, Mark } from "../data/marks";
import { Icon } from "../shell/icons";
import { Popover } from "../shell/Popover";
import type { Bucket } from "../view/range";

/** As wide as a mark is to be hit; what is nearer than that shares one. */
const MARK_PX = 24;
const MOST_TOLD = 12;

interface Together {
  readonly x: number;
  readonly marks: Mark[];
}

function together(marks: readonly Mark[], buckets: readonly Bucket[], { band }: Plot): Together[] {
  const result: Together[] = [];
  for (const mark of marks) {
    const index = buckets.findIndex(({ start, end }) => start.getTime() <= mark.at && mark.at < end.getTime());
    if (index < 0) continue;
    const x = band.x(index) + band.width / 2;
    const last = result.at(-1);
    if (last && x - last.x < MARK_PX) last.marks.push(mark);
    else result.push({ x, marks: [mark] });
  }
  return result;
}

function Why({ url }: { url: string }) {
  const { data, problem } = useAnswers({ why: url }, 0)<Anomalies>("why");
  if (problem) return <p class="note">Why could not be loaded: {problem.title}</p>;
  if (!data) return <p class="note">Looking for the reasons…</p>;
  const reasons = [...new Set(data.anomalies.flatMap((each) => each.why?.reasons ?? []))];
  return reasons.length ? <Reasons of={reasons} /> : <p class="note">No reason stands out.</p>;
}

function Reasons({ of }: { of: readonly string[] }) {
  return of.length ? (
    <ul>
      {of.map((each) => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  ) : null;
}

function Told({ mark, close }: { mark: Mark; close: () => void }) {
  return (
    <section class="told">
      <h3 class={mark.kind === "alert" ? "danger-text" : ""}>{mark.title}</h3>
      <p>{mark.text}</p>
      {mark.why ? <Why url={mark.why} /> : <Reasons of={mark.reasons} />}
      <a class="text-link" href={mark.link} onClick={close}>
        Show the calls
      </a>
    </section>
  );
}

function label(marks: readonly Mark[], bucketName: string): string {
  const count = (kind: Mark["kind"], one: string, more: string) => {
    const found = marks.filter((mark) => mark.kind === kind).length;
    return found ? `${found} ${found === 1 ? one : more}` : "";
  };
  const found = [count("anomaly", "anomaly", "anomalies"), count("alert", "alert", "alerts")].filter(Boolean);
  return `${found.join(" and ")}, ${bucketName}`;
}

export function Marks(props: {
  marks: readonly Mark[];
  buckets: readonly Bucket[];
  plot: Plot;
  bucketName: (bucket: Bucket, long: boolean) => string;
}) {
  const { buckets, plot } = props;
  // The chart below takes presses for a range and keys for reading.
  const own = (event: Event) => event.stopPropagation();
  return (
    <div class="marks" onPointerDown={own} onPointerUp={own} onKeyDown={own} onDblClick={own}>
      {together(props.marks, buckets, plot).map(({ x, marks }) => {
        const first = buckets.find(({ end }) => (marks[0]?.at ?? 0) < end.getTime());
        const alerts = marks.some((mark) => mark.kind === "alert");
        return (
          <span key={x} style={{ left: `${x - MARK_PX / 2}px` }}>
            <Popover
              class={alerts ? "mark danger-text" : "mark warn-text"}
              label={label(marks, first ? props.bucketName(first, true) : "")}
              button={<Icon name="alert" size={14} />}
            >
              {(close) => (
                <div class="marked">
                  {marks.slice(0, MOST_TOLD).map((mark) => (
                    <Told key={`${mark.title} ${mark.at}`} mark={mark} close={close} />
                  ))}
                  {marks.length > MOST_TOLD && <p class="note">and {marks.length - MOST_TOLD} more: see Alerts</p>}
                </div>
              )}
            </Popover>
          </span>
        );
      })}
    </div>
  );
}
