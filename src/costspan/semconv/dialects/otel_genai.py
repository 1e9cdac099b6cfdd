"""The current OpenTelemetry GenAI conventions, and every emitter that keeps to them.

Source: open-telemetry/semantic-conventions-genai as of 2026-09; captured from opentelemetry-instrumentation-genai-*
1.3b0. The widest of all: what nobody else claims and has a `gen_ai.*` attribute is read here.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.money import PicoUsd
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import json_object, text
from costspan.semconv.dialects.base import INFERENCE_OPERATIONS, Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, read_usage


class OtelGenAI(Dialect):
    """Anything with `gen_ai.*` that no narrower dialect claims."""

    name = "otel_genai"
    source = "open-telemetry/semantic-conventions-genai, 2026-09"
    markers = (b"gen_ai.",)
    scopes = (
        "opentelemetry.instrumentation.genai.*",
        "opentelemetry.util.genai*",
    )
    tell_tales: ClassVar = ("gen_ai.",)
    vocabulary = GEN_AI

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation; a span that lost what was set at its start still has it in its name."""
        return super().operation(record) or self._named(record)[0]

    def requested_model(self, record: SpanRecord) -> str | None:
        """Return the model asked for; the name of a span is `{operation} {model}`."""
        said = super().requested_model(record)
        if said is not None or "gen_ai.response.model" in record.attributes:
            return said
        operation, rest = self._named(record)
        return rest if operation in INFERENCE_OPERATIONS else None

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what the provider's own usage object says, where our SDK wing or a wrapper kept it."""
        if "gen_ai.usage.raw" not in record.attributes:
            return None
        usage = read_usage(json_object(record.attributes["gen_ai.usage.raw"]))
        return None if usage is None else Answer(usage, mode=usage.mode)

    def reported_cost(self, record: SpanRecord) -> PicoUsd | None:
        """Return the cost unless it is said to be in another currency."""
        currency = text(record.attributes.get("gen_ai.usage.cost.currency")) or "USD"
        return super().reported_cost(record) if currency.upper() == "USD" else None

    @staticmethod
    def _named(record: SpanRecord) -> tuple[str | None, str | None]:
        operation, _, rest = record.name.partition(" ")
        known = operation in INFERENCE_OPERATIONS or operation in {"invoke_agent", "invoke_workflow", "execute_tool"}
        has_any = known and any(key.startswith("gen_ai.") for key in record.attributes)
        return (operation, rest.strip() or None) if has_any else (None, None)
