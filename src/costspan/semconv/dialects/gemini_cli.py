"""Gemini CLI's spans: `llm_call` below `agent_call` and `tool_call`.

Source: google-gemini/gemini-cli packages/core/src/telemetry. Its output leaves thoughts out, also under
`gen_ai.usage.output_tokens`, and its input leaves out tool-use tokens. The same call is sent as two events.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.record import SpanRecord
from costspan.semconv.conventions import Convention
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class GeminiCli(Dialect):
    """Spans of Gemini CLI."""

    name = "gemini_cli"
    source = "google-gemini/gemini-cli, 2026"
    markers = (b"gen_ai.", b"_token_count")
    scopes = ("gemini-cli*", "gemini_cli*")
    tell_tale_values: ClassVar = {"gen_ai.agent.name": ("gemini-cli",)}
    operations: ClassVar = {"llm_call": "generate_content"}
    vocabulary = GEN_AI.after(
        requested_model=("gen_ai.request.model", "model"),
        input=(*GEN_AI.input, "input_token_count"),
        output=(*GEN_AI.output, "output_token_count"),
        total=(*GEN_AI.total, "total_token_count"),
        cache_read=(*GEN_AI.cache_read, "cached_content_token_count"),
        reasoning=(*GEN_AI.reasoning, "thoughts_token_count"),
        tool_use_input=("tool_token_count",),
    )

    def convention(self, record: SpanRecord) -> Convention:  # noqa: ARG002 - the same for every version
        """Return its own: thoughts beside the output."""
        return Convention(input_includes_cache=True, output_includes_reasoning=False)

    def provider(self, record: SpanRecord) -> str | None:
        """Return Gemini where nothing else is said."""
        return super().provider(record) or "gcp.gemini"
