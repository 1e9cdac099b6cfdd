"""Whether a span that is only starting is, or will be, a model call: all a sampler and a propagator can know of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

_SPACES: Final = ("gen_ai.", "llm.", "openinference.", "traceloop.", "ai.model.", "ai.operationId")
"""Attribute names that instrumentations of models start their spans with: OpenTelemetry's, OpenLLMetry's,
OpenInference's and the AI SDK's. Spans that say nothing at their start are not recognised."""

_OPERATION: Final = "gen_ai.operation.name"
_ASKING: Final = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
_OPENINFERENCE_KIND: Final = "openinference.span.kind"
_OPENINFERENCE_ASKING: Final = frozenset({"LLM", "EMBEDDING"})


def tells_of_a_model(attributes: Iterable[str] | None) -> bool:
    """Return True where the names of a span's first attributes are those of a model call, an agent or a tool."""
    return any(name.startswith(_SPACES) for name in attributes or ())


def is_model_call(span: object) -> bool:
    """Return True for a span around a request to a provider, rather than around an agent or a tool."""
    if not isinstance(span, ReadableSpan):
        return False
    attributes = span.attributes
    if not attributes:
        return False
    if operation := attributes.get(_OPERATION):
        return operation in _ASKING
    if kind := attributes.get(_OPENINFERENCE_KIND):
        return kind in _OPENINFERENCE_ASKING
    return span.kind is SpanKind.CLIENT and tells_of_a_model(attributes)
