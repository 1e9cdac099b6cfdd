/** The pages there are, and whether telemetry arrives. On a phone it is a drawer. */
import type { Answer } from "../data/answers";
import type { Ingest } from "../data/api";
import { ago, count, exact } from "../format";
import { PAGES, type Page } from "../pages";
import { linkTo } from "../view/navigate";
import type { View } from "../view/view";
import { Icon } from "./icons";

/** Silence after which arrival counts as stale. */
const STALE_S = 300;

function silence(ingest: Ingest): number | null {
  const last = ingest.last_received_at;
  return last === null ? null : (Date.parse(ingest.server_time) - Date.parse(last)) / 1000;
}

function Status({ answer }: { answer: Answer<Ingest> }) {
  const ingest = answer.data;
  if (answer.problem) return <Line tone="danger" title="Server not answering" detail="Showing the last figures" />;
  if (!ingest) return <Line tone="" title="Connecting" detail="" />;
  const quiet = silence(ingest);
  if (quiet === null) {
    const stored = ingest.calls > 0 ? `${count(ingest.calls)} calls in the ledger` : "0 spans";
    return <Line tone="warn" title="Waiting for data" detail={stored} />;
  }
  if (quiet > STALE_S)
    return (
      <Line tone="warn" title={`No data for ${ago(quiet)}`} detail={`${count(ingest.calls)} calls in the ledger`} />
    );
  return <Line tone="ok" title="Receiving data" detail={`${exact(Math.round(ingest.spans_per_minute))} spans/min`} />;
}

function Line(props: { tone: string; title: string; detail: string }) {
  return (
    <div class="status" role="status">
      <span>
        <i class={`dot ${props.tone}`} /> {props.title}
      </span>
      <small>{props.detail}</small>
    </div>
  );
}

interface Props {
  readonly view: View;
  readonly ingest: Answer<Ingest>;
  readonly page: Page | null;
  readonly open: boolean;
  readonly onClose: () => void;
}

export function SideBar(props: Props) {
  return (
    <>
      {props.open && <button type="button" class="scrim" aria-label="Close menu" onClick={props.onClose} />}
      <aside class={`sidebar${props.open ? " open" : ""}`} aria-label="Pages and status">
        <div class="brand">
          <svg width="26" height="26" viewBox="0 0 24 24" aria-hidden="true">
            <rect class="logo-back" width="24" height="24" rx="6" />
            <path class="logo-front" d="M6 6v12M6 8h9M6 12h12M6 16h6" />
          </svg>
          costspan
        </div>
        <nav aria-label="Pages">
          {PAGES.map(
            (page) =>
              page.icon && (
                <a
                  key={page.path}
                  href={linkTo(props.view, page.path)}
                  aria-current={page === props.page ? "page" : undefined}
                  onClick={props.onClose}
                >
                  <Icon name={page.icon} /> {page.title}
                </a>
              ),
          )}
        </nav>
        <Status answer={props.ingest} />
      </aside>
    </>
  );
}
