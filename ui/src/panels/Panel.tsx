/** The frame of a panel: heading, menu, and what stands there while there is nothing to show. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { refresh } from "../clock";
import type { Answer } from "../data/answers";
import type { Problem } from "../data/api";
import { csv, type Table } from "../data/table";
import { DASH } from "../format";
import { Copy } from "../shell/Copy";
import { download } from "../shell/clipboard";
import { Icon } from "../shell/icons";
import { Popover } from "../shell/Popover";
import { linkTo, viewStore } from "../view/navigate";

export interface PanelProps {
  readonly title: string;
  readonly caption?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly answer: Answer<unknown>;
  readonly table: () => Table;
  readonly class?: string;
  readonly height: number;
  readonly children: () => ComponentChildren;
}

function curl(url: string): string {
  const address = new URL(url, document.baseURI).href.replaceAll("'", "%27");
  return `curl -s '${address}'`;
}

function slug(title: string): string {
  return title.toLowerCase().replaceAll(/\W+/g, "-");
}

function Menu(props: { title: string; url: string; table: () => Table; asTable: boolean; onTable: () => void }) {
  return (
    <Popover class="control bare more" label={`${props.title}: table and export`} button={<Icon name="more" />}>
      {(close) => (
        <div class="options">
          <button
            type="button"
            class="option"
            onClick={() => {
              props.onTable();
              close();
            }}
          >
            {props.asTable ? "View as chart" : "View as table"}
          </button>
          <button
            type="button"
            class="option"
            onClick={() => {
              download(`costspan-${slug(props.title)}.csv`, "text/csv", csv(props.table()));
              close();
            }}
          >
            Download CSV
          </button>
          <a class="option" href={linkTo(viewStore.get(), "calls")} onClick={close}>
            Show the calls
          </a>
          <Copy class="option" text={() => curl(props.url)} onDone={close}>
            Copy as curl
          </Copy>
        </div>
      )}
    </Popover>
  );
}

/** The same figures as rows, exact. */
function PlainTable({ title, table, height }: { title: string; table: Table; height: number }) {
  const numeric = table.columns.map((_, at) => at > 0 && table.rows.every((row) => /^-?[\d.]*$/.test(row[at] ?? "")));
  const kind = (at: number) => (numeric[at] ? "num" : "");
  return (
    <div
      class="scroll-x plain-table"
      style={{ height: `${height}px` }}
      role="region"
      aria-label={`${title}, as a table`}
      tabIndex={0}
    >
      <table>
        <thead>
          <tr>
            {table.columns.map((column, at) => (
              <th key={column} scope="col" class={kind(at)}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) =>
                at ? (
                  <td key={at} class={kind(at)}>
                    {cell || DASH}
                  </td>
                ) : (
                  <th key={at} scope="row">
                    {cell}
                  </th>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Failed({ problem }: { problem: Problem }) {
  return (
    <div class="failed" role="alert">
      <Icon name="alert" size={22} />
      <h3>This panel could not be loaded</h3>
      <p>{[problem.title, problem.detail].filter(Boolean).join(". ")}</p>
      <code>
        GET {problem.url.split("?")[0]} → {problem.status ?? "no answer"}
      </code>
      <button type="button" class="control" onClick={refresh}>
        Try again
      </button>
    </div>
  );
}

export function Panel(props: PanelProps) {
  const [asTable, setAsTable] = useState(false);
  const { answer } = props;
  const ready = answer.data !== null;
  return (
    <section class={`card panel ${props.class ?? ""}`} aria-label={props.title} aria-busy={answer.loading}>
      {answer.loading && ready && <i class="progress" />}
      <div class="panel-head">
        <h2>{props.title}</h2>
        <span class="caption">{props.caption}</span>
        {ready && answer.problem && (
          <span class="caption warn-text" title={answer.problem.detail}>
            could not be refreshed
          </span>
        )}
        <span class="grow" />
        {props.actions}
        {ready && (
          <Menu
            title={props.title}
            url={answer.url}
            table={props.table}
            asTable={asTable}
            onTable={() => setAsTable(!asTable)}
          />
        )}
      </div>
      {ready &&
        (asTable ? (
          <PlainTable title={props.title} table={props.table()} height={Math.max(props.height, 240)} />
        ) : (
          props.children()
        ))}
      {!ready && answer.problem && <Failed problem={answer.problem} />}
      {!ready && !answer.problem && <div class="skeleton" style={{ height: `${props.height}px` }} />}
    </section>
  );
}
