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
      <div class="snippet">
        <h3>{title}</h3>
        <Copy class="control" label={`Copy: ${title}`} text={() => text}>
          Copy
        </Copy>
      </div>
      <pre tabIndex={0}>{text}</pre>
    </>
  );
}

const said = (key: string, value: object) => ({ key: `gen_ai.${key}`, value });
const ONE_CALL = [
  said("operation.name", { stringValue: "chat" }),
  said("provider.name", { stringValue: "openai" }),
  said("request.model", { stringValue: "gpt-5" }),
  said("usage.input_tokens", { intValue: 1000 }),
  said("usage.output_tokens", { intValue: 50 }),
];

/** A shell command that sends one call, as it ends now, the way an OpenTelemetry exporter would. */
function curl(endpoint: string): string {
  const span = {
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
    name: "chat gpt-5",
    kind: 3,
    startTimeUnixNano: "NOW",
    endTimeUnixNano: "NOW",
    attributes: ONE_CALL,
  };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  const timed = body.replaceAll("NOW", `'$(date +%s)'000000000`);
  return `curl ${endpoint}/v1/traces -H 'Content-Type: application/json' -d '${timed}'`;
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
          "pip install 'costspan[openai]'  # or anthropic, google, bedrock, langchain",
          `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
          "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
          "costspan run -- python app.py",
        ]}
      />
      <Snippet title="2. Or send one call by hand" lines={[curl(endpoint)]} />
      <Snippet title="3. Or look around with sample data" lines={["costspan demo --port 4320"]} />
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
