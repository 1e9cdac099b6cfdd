/** Horizontal bars by model: tokens in three parts, and calls. */
import type { Answer } from "../data/answers";
import { groupOf, inputTokens, type Measures, type Row, type Spend } from "../data/api";
import { NOT_SET } from "../data/series";
import { plain, type Table } from "../data/table";
import { count, DASH, exact, share } from "../format";
import { toggleFilter } from "../view/navigate";
import { hasFilter, isLeftOut, type View } from "../view/view";
import { Panel } from "./Panel";

interface Props {
  readonly answer: Answer<Spend>;
  readonly view: View;
  readonly caption: string;
  readonly tones: ReadonlyMap<string | null, string>;
}

interface Part {
  readonly tone: string;
  readonly value: number;
}

const SHOWN = 6;

function Bar(props: {
  row: Row;
  view: View;
  parts: readonly Part[];
  max: number;
  text: string;
  side?: string;
  title: string;
}) {
  const value = groupOf(props.row, "model");
  return (
    <button
      type="button"
      class={`hbar${isLeftOut(props.view, "model", value) ? " faint" : ""}`}
      aria-pressed={hasFilter(props.view, "model", value)}
      title={props.title}
      onClick={(event) => toggleFilter("model", value, event)}
    >
      <span class="cut">{value ?? NOT_SET}</span>
      <span class="hbar-track">
        {props.parts
          .filter((part) => part.value > 0)
          .map((part) => (
            <i
              key={part.tone}
              class={part.tone}
              style={{ width: `${props.max ? Math.max((100 * part.value) / props.max, 0.6) : 0}%` }}
            />
          ))}
      </span>
      <b class="num">{props.text}</b>
      {props.side !== undefined && <span class="num quiet side">{props.side}</span>}
    </button>
  );
}

function Rest({ hidden }: { hidden: number }) {
  return hidden > 0 ? <p class="note rest">and {hidden} more models, in the table</p> : null;
}

/** One more row rather than a note about one more row. */
function shown(all: number): number {
  return all === SHOWN + 1 ? all : SHOWN;
}

/** Tokens of a model, or null when no call of it reported any. */
function allTokens(row: Row): number | null {
  const input = inputTokens(row);
  return input === null && row.output_tokens === null ? null : (input ?? 0) + (row.output_tokens ?? 0);
}

function tokensTable(rows: readonly Row[]): Table {
  return {
    columns: ["Model", "Uncached input", "Cache read", "Cache write", "Output", "of it reasoning"],
    rows: rows.map((row) => [
      groupOf(row, "model") ?? NOT_SET,
      ...[row.input_tokens, row.cache_read_tokens, row.cache_write_tokens, row.output_tokens, row.reasoning_tokens].map(
        plain,
      ),
    ]),
  };
}

export function TokensPerModel({ answer, view, caption }: Props) {
  const rows = [...(answer.data?.rows ?? [])].sort((a, b) => (allTokens(b) ?? -1) - (allTokens(a) ?? -1));
  const max = allTokens(rows[0] ?? ({} as Row)) ?? 0;
  const parts = (row: Row): Part[] => [
    { tone: "token-in", value: (row.input_tokens ?? 0) + (row.cache_write_tokens ?? 0) },
    { tone: "token-cached", value: row.cache_read_tokens ?? 0 },
    { tone: "token-out", value: row.output_tokens ?? 0 },
  ];
  const title = (row: Row) =>
    `${exact(row.input_tokens)} uncached input, ${exact(row.cache_read_tokens)} read from cache, ` +
    `${exact(row.cache_write_tokens)} written to cache, ${exact(row.output_tokens)} output`;
  return (
    <Panel title="Tokens per model" caption={caption} answer={answer} height={226} table={() => tokensTable(rows)}>
      {() => (
        <>
          <div class="legend">
            <span>
              <i class="key token-in" /> Input
            </span>
            <span>
              <i class="key token-cached" /> Cached input
            </span>
            <span>
              <i class="key token-out" /> Output
            </span>
          </div>
          {rows.slice(0, shown(rows.length)).map((row) => {
            const tokens = allTokens(row);
            return (
              <Bar
                key={groupOf(row, "model")}
                row={row}
                view={view}
                parts={parts(row)}
                max={max}
                text={tokens ? count(tokens) : DASH}
                title={tokens ? title(row) : `${exact(row.calls)} calls reported no usage`}
              />
            );
          })}
          <Rest hidden={rows.length - shown(rows.length)} />
        </>
      )}
    </Panel>
  );
}

export function CallsByModel({ answer, view, caption, tones, chosen }: Props & { chosen: Measures | null }) {
  const rows = [...(answer.data?.rows ?? [])].sort((a, b) => b.calls - a.calls);
  const all = answer.data?.total ?? null;
  const table = (): Table => ({
    columns: ["Model", "Calls", "Billed", "Errors", "Unpriced", "Retries"],
    rows: rows.map((row) => [
      groupOf(row, "model") ?? NOT_SET,
      ...[row.calls, row.billed_calls, row.errors, row.unpriced_calls, row.retries].map(plain),
    ]),
  });
  return (
    <Panel title="Calls by model" caption={caption} answer={answer} height={226} table={table}>
      {() => (
        <>
          <div class="legend">
            <span>
              <b>{count(chosen?.calls)}</b> calls
            </span>
            <span>
              <b>{count(chosen?.retries)}</b> retries
            </span>
            <span>
              <b>{count(chosen?.duplicate_calls)}</b> duplicates left out
            </span>
          </div>
          {rows.slice(0, shown(rows.length)).map((row) => {
            const value = groupOf(row, "model");
            return (
              <Bar
                key={value}
                row={row}
                view={view}
                parts={[{ tone: tones.get(value) ?? "tone-other", value: row.calls }]}
                max={rows[0]?.calls ?? 0}
                text={count(row.calls)}
                side={share(row.calls, all?.calls ?? null)}
                title={`${exact(row.calls)} calls`}
              />
            );
          })}
          <Rest hidden={rows.length - shown(rows.length)} />
        </>
      )}
    </Panel>
  );
}
