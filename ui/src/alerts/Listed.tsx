/** A panel of rows that can each be acted on: a request for one, and what went wrong with it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Answer } from "../data/answers";
import { ProblemError } from "../data/api";
import { postJson } from "../data/send";
import type { Table } from "../data/table";
import { Panel } from "../panels/Panel";
import { aloud, Rows } from "../panels/Rows";

export interface ListedRow {
  readonly key: string;
  readonly head: ComponentChildren;
  readonly cells: readonly ComponentChildren[];
  /** What acting on it is called, aloud, and where it is asked for. */
  readonly aloud: string;
  readonly url: string;
}

interface ListedProps {
  readonly title: string;
  readonly caption: string;
  readonly answer: Answer<unknown>;
  readonly table: () => Table;
  readonly heads: readonly string[];
  readonly rows: readonly ListedRow[];
  readonly action: string;
  readonly empty: string;
  readonly onChanged: () => void;
  readonly children?: ComponentChildren;
}

export function Listed(props: ListedProps) {
  const [problem, setProblem] = useState("");
  const act = async (url: string) => {
    try {
      await postJson(url, {});
      setProblem("");
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      setProblem(error.problem.detail || error.problem.title);
    }
    props.onChanged();
  };
  const { title, caption, answer, table, rows } = props;
  return (
    <Panel title={title} caption={caption} answer={answer} height={120} table={table}>
      {() => (
        <>
          {props.children}
          {problem && (
            <p class="warn-text" role="alert">
              {problem}
            </p>
          )}
          {rows.length ? (
            <Rows label={`${title}, rows`} class="alerts" heads={[...props.heads, aloud(props.action)]}>
              {rows.map((row) => (
                <tr key={row.key}>
                  <th scope="row">{row.head}</th>
                  {row.cells.map((cell, at) => (
                    <td key={at}>{cell}</td>
                  ))}
                  <td class="num">
                    <button type="button" class="control" aria-label={row.aloud} onClick={() => void act(row.url)}>
                      {props.action}
                    </button>
                  </td>
                </tr>
              ))}
            </Rows>
          ) : (
            <p class="note">{props.empty}</p>
          )}
        </>
      )}
    </Panel>
  );
}
