"""Genkit: everything as JSON; a model action's output holds the usage.

Source: firebase/genkit js and go telemetry, 2026. The model is the action's name (`googleai/gemini-2.5-flash`).
Gemini's counts are passed through as they come, thoughts beside the output; the total decides.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import json_object, text
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, read_answer

_OUTPUT: Final = "genkit:output"
_TYPES: Final = {"model": "chat", "embedder": "embeddings", "reranker": "rerank", "background-model": "chat"}
_PLUGINS: Final = {"googleai": "gcp.gemini", "google-genai": "gcp.gemini", "vertexai": "gcp.vertex_ai"}


class Genkit(Dialect):
    """Model actions of Genkit; flows, tools and utilities claim nothing."""

    name = "genkit"
    source = "firebase/genkit, 2026"
    markers = (b"genkit:",)
    scopes = ("genkit-tracer*", "genkit*")
    tell_tales: ClassVar = ("genkit:metadata:subtype", "genkit:type")
    bags: ClassVar = (_OUTPUT,)
    vocabulary = GEN_AI.after(
        finish_reason=(f"{_OUTPUT}.finishReason",),
        input=(f"{_OUTPUT}.usage.inputTokens",),
        output=(f"{_OUTPUT}.usage.outputTokens",),
        total=(f"{_OUTPUT}.usage.totalTokens",),
        cache_read=(f"{_OUTPUT}.usage.cachedContentTokens",),
        reasoning=(f"{_OUTPUT}.usage.thoughtsTokens",),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation of a model action, None for every other."""
        return _TYPES.get((text(record.attributes.get("genkit:metadata:subtype")) or "").lower())

    def span_class(
        self,
        record: SpanRecord,  # noqa: ARG002 - the operation says it all
        operation: str | None,
    ) -> SpanClass | None:
        """Return INFERENCE for model actions and nothing else: a flow's output may repeat an answer with its usage."""
        return SpanClass.INFERENCE if operation is not None else None

    def provider(self, record: SpanRecord) -> str | None:
        """Return the plugin that the action's name begins with."""
        plugin, slash, _ = (text(record.attributes.get("genkit:name")) or "").partition("/")
        return _PLUGINS.get(plugin, plugin) if slash else super().provider(record)

    def requested_model(self, record: SpanRecord) -> str | None:
        """Return the action's name without its plugin."""
        named = text(record.attributes.get("genkit:name"))
        return named.partition("/")[2] or named if named else super().requested_model(record)

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what the provider's own answer says, where the plugin kept it."""
        output = json_object(record.attributes.get(_OUTPUT))
        return read_answer(output.get("custom")) or read_answer(output.get("raw"))
