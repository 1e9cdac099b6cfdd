/** The four figures of the page, each with its change, its trend and how complete it is. */
import type { ComponentChildren } from "preact";
import { Spark } from "../chart/Spark";
import type { Answer } from "../data/answers";
import { inputTokens, type Measures, type Row, type Spend } from "../data/api";
import { float } from "../data/money";
import { change, count, exact, rate, share, usd } from "../format";
import type { Bucket } from "../view/range";
import { Icon } from "../shell/icons";
import { refresh } from "../clock";

export interface Timeline {
  readonly buckets: readonly Bucket[];
  /** The row of each bucket; null where nothing was called. */
  readonly rows: readonly (Row | null)[];
}

export interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly exact: string;
  readonly change: string;
  readonly caption: ComponentChildren;
  readonly complete: { readonly text: string; readonly warn: boolean };
  readonly trend: readonly number[];
  readonly partial: boolean;
}

export function Tile(props: TileProps) {
  return (
    <section class="card tile" aria-label={props.name}>
      <h2>{props.name}</h2>
      <div class="tile-row">
        <strong title={props.exact}>{props.value}</strong>
        <Spark values={props.trend} width={86} height={34} partial={props.partial} filled />
      </div>
      <p>
        <b title="Change against the period before">{props.change}</b> <span>{props.caption}</span>
        {props.caption && props.complete.text && " · "}
        <span class={props.complete.warn ? "warn-text" : ""}>{props.complete.text}</span>
      </p>
    </section>
  );
}

function usageComplete(of: Measures): { text: string; warn: boolean } {
  const missing = of.usage_missing_calls;
  return missing ? { text: `${count(missing)} calls silent`, warn: true } : { text: "all reported", warn: false };
}

function priceComplete(of: Measures): { text: string; warn: boolean } {
  const missing = of.unpriced_calls;
  if (!missing) return { text: "all priced", warn: false };
  return { text: `${count(missing)} calls unpriced`, warn: true };
}

function perDay(of: Measures, spend: Spend): string {
  const days = (Date.parse(spend.until) - Date.parse(spend.since)) / 86_400_000;
  const cost = float(of.cost_usd);
  return cost === null || days < 1.5 ? "" : `${usd(cost / days)} per day`;
}

function costPerCall(of: Measures): string {
  const cost = float(of.cost_usd);
  return cost === null || !of.billed_calls ? "no priced calls" : `${usd(cost / of.billed_calls)} per call`;
}

export function Tiles(props: { answer: Answer<Spend>; timeline: Timeline; before: Measures | null }) {
  const { answer, timeline, before } = props;
  if (!answer.data) return <TilesWaiting answer={answer} />;
  const now = answer.data.total;
  const input = inputTokens(now);
  const partial = timeline.buckets.at(-1)?.partial ?? false;
  const trend = (read: (row: Row) => number | null) => timeline.rows.map((row) => (row && read(row)) ?? 0);
  return (
    <div class="tiles">
      <Tile
        name="Total LLM Cost"
        value={usd(now.cost_usd)}
        exact={now.cost_usd === null ? "No call in this range has a price" : `$${now.cost_usd}`}
        change={change(float(now.cost_usd), float(before?.cost_usd))}
        caption={perDay(now, answer.data)}
        complete={priceComplete(now)}
        trend={trend((row) => float(row.cost_usd))}
        partial={partial}
      />
      <Tile
        name="Total Input Tokens"
        value={count(input)}
        exact={`${exact(input)} tokens`}
        change={change(input, before && inputTokens(before))}
        caption={
          now.cache_read_tokens === null
            ? "cache not reported"
            : `${share(now.cache_read_tokens, input)} read from cache`
        }
        complete={usageComplete(now)}
        trend={trend(inputTokens)}
        partial={partial}
      />
      <Tile
        name="Total Output Tokens"
        value={count(now.output_tokens)}
        exact={`${exact(now.output_tokens)} tokens`}
        change={change(now.output_tokens, before && before.output_tokens)}
        caption={
          now.reasoning_tokens === null
            ? "reasoning not reported"
            : `${share(now.reasoning_tokens, now.output_tokens)} reasoning`
        }
        complete={usageComplete(now)}
        trend={trend((row) => row.output_tokens)}
        partial={partial}
      />
      <Tile
        name="Total LLM Calls"
        value={count(now.calls)}
        exact={`${exact(now.calls)} calls, each counted once; ${exact(now.duplicate_calls)} duplicate records left out`}
        change={change(now.calls, before && before.calls)}
        caption={costPerCall(now)}
        complete={{ text: `${rate(now.errors, now.calls)} errors`, warn: false }}
        trend={trend((row) => row.calls)}
        partial={partial}
      />
    </div>
  );
}

const NAMES = ["Total LLM Cost", "Total Input Tokens", "Total Output Tokens", "Total LLM Calls"];

function TilesWaiting({ answer }: { answer: Answer<Spend> }) {
  return (
    <div class="tiles">
      {NAMES.map((name, index) => (
        <section key={name} class="card tile" aria-label={name} aria-busy={!answer.problem}>
          <h2>{name}</h2>
          {!answer.problem && <div class="skeleton tile-skeleton" />}
          {answer.problem && (
            <p role={index ? undefined : "alert"} title={answer.problem.detail}>
              <Icon name="alert" size={16} /> Could not be loaded{" "}
              <button type="button" class="link" onClick={refresh}>
                Try again
              </button>
            </p>
          )}
        </section>
      ))}
    </div>
  );
}
