// OpenTelemetry's standard packages and nothing else: spans of the openai client, sent over OTLP to where
// OTEL_EXPORTER_OTLP_ENDPOINT says (http://localhost:4318, where `costspan serve` listens, if it says nothing).

const { registerInstrumentations } = require("@opentelemetry/instrumentation");
const { OpenAIInstrumentation } = require("@opentelemetry/instrumentation-openai");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "node-orders" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(), { scheduledDelayMillis: 1000 })],
});
provider.register();
registerInstrumentations({ instrumentations: [new OpenAIInstrumentation()] });

// Spans of the last second would be lost without it.
process.on("SIGTERM", () => provider.shutdown().finally(() => process.exit(0)));

module.exports = { tracer: provider.getTracer("node-orders") };
