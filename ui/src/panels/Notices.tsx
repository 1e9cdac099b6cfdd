/** What stands on a page that has no figures: how to send the first call, or how to find some again. */
import type { Ingest } from "../data/api";
import { exact } from "../format";
import { Copy } from "../shell/Copy";
import { go } from "../view/navigate";
import type { View } from "../view/view";

export function Snippet({ title, lines }: { title: string; lines: readonly string[] }) {
  const text = lines.join("\n");
  return (
    <>
      <h3>{title}</h3>
      <div class="snippet">
        <pre tabIndex={0}>{text}</pre>
        <Copy class="control" label={`Copy: ${title}`} text={() => text}>
          Copy
        </Copy>
      </div>
    </>
  );
}

export function SetUp({ ingest }: { ingest: Ingest }) {
  const endpoint = new URL(document.baseURI).href.replace(/\/$/, "");
  const spans = ingest.received_spans;
  return (
    <section class="card notice" aria-labelledby="setup-title">
      <h2 id="setup-title">No LLM calls received yet</h2>
      <p>Point an OpenTelemetry exporter at this server. Calls appear here within seconds.</p>
      <Snippet
        title="1. Send spans from your app"
        lines={[
          `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
          "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
          "costspan run -- python app.py",
        ]}
      />
      <Snippet title="2. Or look around with sample data" lines={["costspan demo"]} />
      <p class="listening" role="status">
        <i class="dot warn" />
        {spans === 0
          ? "Listening. No spans so far; this page looks again every few seconds."
          : `${exact(spans)} spans received, but no LLM call among them. Is an LLM client instrumented?`}
      </p>
    </section>
  );
}

export function NoMatch({ view, ingest }: { view: View; ingest: Ingest | null }) {
  const last = ingest?.last_call_at;
  return (
    <section class="card notice" role="status">
      <h2>No calls match</h2>
      <p>
        {view.filters.length ? "Nothing in this range fits the filters." : "No calls ended in this range."}
        {last && ` The last call was received for ${last.slice(0, 16).replace("T", " ")} UTC.`}
      </p>
      <div class="choices">
        {view.filters.length > 0 && (
          <button type="button" class="control" onClick={() => go({ filters: [] })}>
            Clear filters
          </button>
        )}
        <button type="button" class="control" onClick={() => go({ from: "now-90d", to: "now" })}>
          Show the last 90 days
        </button>
      </div>
    </section>
  );
}
