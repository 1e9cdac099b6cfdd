"""Gemini CLI: `gemini_cli.api_response` and `gemini_cli.api_error`.

Source: google-gemini/gemini-cli packages/core/src/telemetry/{types,loggers}.ts, 2026-08. The counts are the provider's:
input contains cached tokens, output does not contain thoughts, tool-use prompts stand beside both. Each request and
each answer is logged a second time as the specification's details event, without cached tokens and thoughts; those
are its own poorer copies and claim nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from costspan.core.call import Call
from costspan.core.record import LogRecord
from costspan.semconv.attributes import first, text, texts, whole_number
from costspan.semconv.conventions import Convention, Counts, Split, split
from costspan.semconv.events.base import NO_USAGE, EventEmitter, failure, names
from costspan.semconv.outcome import finish_reason
from costspan.semconv.vendor import Who, bare_model

COUNTING: Final = Convention(input_includes_cache=True, output_includes_reasoning=False)
_PREFIX: Final = "gemini_cli."
_SERVICE: Final = "gemini-cli"
_ERROR: Final = ("error.type", "error_type", "error", "error.message")


class GeminiCLI(EventEmitter):
    """Log events of Gemini CLI."""

    name: ClassVar = "gemini_cli"
    source: ClassVar = "google-gemini/gemini-cli, 2026-08"
    markers: ClassVar = (b"gemini_cli",)
    who: ClassVar = Who(
        session=("session.id", "gen_ai.conversation.id"),
        user_id=("user.email", "installation.id"),
        tags=("role", "auth_type"),
    )

    def recognizes(self, record: LogRecord) -> bool:
        """Return True for its event names and for anything its logger wrote."""
        return record.scope.name == _SERVICE or any(name.startswith(_PREFIX) for name in names(record))

    def read(self, record: LogRecord) -> Call | None:
        """Return the answer or the failed request."""
        kinds = {name.removeprefix(_PREFIX) for name in names(record)}
        if "api_response" in kinds:
            return self._answered(record)
        if "api_error" in kinds:
            return replace(
                self._named(record, NO_USAGE),
                error_type=failure(record.attributes, ("status_code", "http.status_code"), _ERROR),
            )
        return None

    def _answered(self, record: LogRecord) -> Call:
        attributes = record.attributes
        counts = Counts(
            input=first(attributes, ("input_token_count",), whole_number),
            output=first(attributes, ("output_token_count",), whole_number),
            cache_read=first(attributes, ("cached_content_token_count",), whole_number),
            reasoning=first(attributes, ("thoughts_token_count",), whole_number),
            tool_use_input=first(attributes, ("tool_token_count",), whole_number),
        )
        reasons = first(
            attributes, ("finish_reasons", "gen_ai.response.finish_reasons"), lambda value: texts(value) or None
        )
        return replace(
            self._named(record, split(counts, COUNTING)),
            response_id=first(attributes, ("response_id", "gen_ai.response.id"), text),
            finish_reason=finish_reason(reasons[-1] if reasons else None),
        )

    def _named(self, record: LogRecord, usage: Split) -> Call:
        model = bare_model(record.attributes, ("model", "model_name"))
        vertex = "vertex" in (first(record.attributes, ("auth_type",), text) or "").lower()
        return replace(
            self.call(record, usage),
            operation="generate_content",
            provider="gcp.vertex_ai" if vertex else "gcp.gemini",
            requested_model=model,
            response_model=model,
        )
