"""Whether a span that is only starting is, or will be, a model call: all a sampler and a propagator can know of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from opentelemetry.trace import SpanKind

_SPACES: Final = ("gen_ai.", "llm.", "openinference.", "traceloop.", "ai.model.", "ai.operationId")
"""Attribute names that instrumentations of models start their spans with: OpenTelemetry's, OpenLLMetry's,
OpenInference's and the AI SDK's. Spans that say nothing at their start are not recognised."""

_OPERATION: Final = "gen_ai.operation.name"
_ASKING: Final = frozenset({"chat", "text_completion", "generate_content", "embeddings"})


def tells_of_a_model(attributes: Iterable[str] | None) -> bool:
    """Return True where the names of a span's first attributes are those of a model call, an agent or a tool."""
    return any(name.startswith(_SPACES) for name in attributes or ())


def asks_a_provider(kind: SpanKind | None, attributes: Mapping[str, object] | None) -> bool:
    """Return True for a span around a request to a model provider, rather than around an agent or a tool."""
    if not attributes or not tells_of_a_model(attributes):
        return False
    operation = attributes.get(_OPERATION)
    return operation in _ASKING if operation else kind is SpanKind.CLIENT
