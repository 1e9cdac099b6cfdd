"""opencode's OpenTelemetry plugin: `api_request` and `api_error`, in the manner of Claude Code.

Source: DEVtheOPS/opencode-plugin-otel src/handlers/message.ts, 2026-07. The names are not qualified, so the scope or
the service tells. opencode keeps cached tokens apart from input and reasoning apart from output, and stamps the record
with the time the request began.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from costspan.core.call import Call
from costspan.core.record import LogRecord
from costspan.semconv.attributes import first, text, whole_number
from costspan.semconv.conventions import Convention, Counts, Split, split
from costspan.semconv.events.base import NO_USAGE, EventEmitter, failure, names
from costspan.semconv.vendor import Who, bare_model, reported_usd, with_cache_ttl_doubt

COUNTING: Final = Convention(input_includes_cache=False, output_includes_reasoning=False)
PROVIDERS: Final = {
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google-vertex-anthropic": "gcp.vertex_ai",
    "amazon-bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "xai": "x_ai",
    "mistral": "mistral_ai",
}
"""Provider ids of opencode that the price list names otherwise."""


class OpenCode(EventEmitter):
    """Log events of opencode's plugins."""

    name: ClassVar = "opencode"
    source: ClassVar = "DEVtheOPS/opencode-plugin-otel, 2026-07"
    markers: ClassVar = (b"opencode", b"api_request", b"api_error")
    who: ClassVar = Who(user_id=("enduser.id",), agent=("agent",), tags=("project.id",))
    stamped_at_start: ClassVar = True

    def recognizes(self, record: LogRecord) -> bool:
        """Return True by scope, service or a qualified name."""
        said = (record.scope.name, str(record.resource.get("service.name", "")), *names(record))
        return any("opencode" in name for name in said)

    def read(self, record: LogRecord) -> Call | None:
        """Return the request that was answered or that failed."""
        kinds = {name.removeprefix("opencode.") for name in names(record)}
        if "api_request" in kinds:
            return self._answered(record)
        if "api_error" in kinds:
            return replace(self._named(record, NO_USAGE), error_type=failure(record.attributes, (), ("error",)))
        return None

    def _answered(self, record: LogRecord) -> Call:
        attributes = record.attributes
        counts = Counts(
            input=first(attributes, ("input_tokens",), whole_number),
            output=first(attributes, ("output_tokens",), whole_number),
            cache_read=first(attributes, ("cache_read_tokens",), whole_number),
            cache_write=first(attributes, ("cache_creation_tokens",), whole_number),
            reasoning=first(attributes, ("reasoning_tokens",), whole_number),
        )
        call = self._named(record, with_cache_ttl_doubt(split(counts, COUNTING)))
        error = failure(attributes, (), ("error",)) if first(attributes, ("error",), text) else None
        return replace(call, reported_cost=reported_usd(attributes.get("cost_usd")), error_type=error)

    def _named(self, record: LogRecord, usage: Split) -> Call:
        model = bare_model(record.attributes)
        sent = first(record.attributes, ("gen_ai.provider.name", "provider"), text)
        provider = PROVIDERS.get(sent, sent) if sent else None
        return replace(self.call(record, usage), provider=provider, requested_model=model, response_model=model)
