"""Codex: `codex.sse_event` of kind `response.completed` carries the usage of one answer, as text.

Source: openai/codex codex-rs/otel/src/events/session_telemetry.rs, 2026-09. Cached tokens are part of the input and
reasoning of the output. `tool_token_count` is the total of the answer under another name and is never added. Requests
that were refused stand in `codex.api_request` (`attempt` counts from 0), over a socket in `codex.websocket_request`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from costspan.core.call import Call
from costspan.core.record import Attributes, LogRecord
from costspan.semconv.attributes import first, text, whole_number
from costspan.semconv.conventions import INCLUSIVE, Counts, Split, split
from costspan.semconv.events.base import NO_USAGE, UNKNOWN_USAGE, EventEmitter, attempt_number, failure, names
from costspan.semconv.vendor import Who, bare_model

_PREFIX: Final = "codex."
_STATUS: Final = ("http.response.status_code", "status_code")
_MESSAGE: Final = ("error.message", "error")


class Codex(EventEmitter):
    """Log events of the Codex CLI and of the programs on its core."""

    name: ClassVar = "codex"
    source: ClassVar = "openai/codex codex-rs/otel, 2026-09"
    markers: ClassVar = (b"codex.",)
    who: ClassVar = Who(
        session=("conversation.id",),
        user_id=("user.email", "user.account_id"),
        tags=("originator", "auth_mode"),
    )

    def recognizes(self, record: LogRecord) -> bool:
        """Return True for an event name of Codex."""
        return any(name.startswith(_PREFIX) for name in names(record))

    def read(self, record: LogRecord) -> Call | None:
        """Return the answer that was completed or the request that failed."""
        kinds = {name.removeprefix(_PREFIX) for name in names(record)}
        if "sse_event" in kinds:
            return self._streamed(record)
        if "api_request" in kinds and self._is_refused(record.attributes):
            return replace(self._failed(record, NO_USAGE), attempt=attempt_number(record.attributes, 0))
        if "websocket_request" in kinds and self._has_error(record.attributes):
            return self._failed(record, NO_USAGE)
        return None

    def _streamed(self, record: LogRecord) -> Call | None:
        attributes = record.attributes
        kind = first(attributes, ("event.kind",), text)
        if kind == "response.completed":
            counts = Counts(
                input=first(attributes, ("input_token_count",), whole_number),
                output=first(attributes, ("output_token_count",), whole_number),
                cache_read=first(attributes, ("cached_token_count",), whole_number),
                cache_write=first(attributes, ("cache_write_token_count",), whole_number),
                reasoning=first(attributes, ("reasoning_token_count",), whole_number),
            )
            return replace(self._named(record, split(counts, INCLUSIVE)), streamed=True)
        if kind == "response.failed":
            return self._failed(record, NO_USAGE)
        # A stream that broke off was begun, so the provider may have billed it (accounting rule 6).
        return self._failed(record, UNKNOWN_USAGE) if kind is None and self._has_error(attributes) else None

    @staticmethod
    def _has_error(attributes: Attributes) -> bool:
        return first(attributes, _MESSAGE, text) is not None

    def _is_refused(self, attributes: Attributes) -> bool:
        if "models" in (first(attributes, ("endpoint",), text) or ""):
            return False
        status = first(attributes, _STATUS, whole_number)
        return not 200 <= status <= 299 if status is not None else self._has_error(attributes)

    def _failed(self, record: LogRecord, usage: Split) -> Call:
        return replace(self._named(record, usage), error_type=failure(record.attributes, _STATUS, _MESSAGE))

    def _named(self, record: LogRecord, usage: Split) -> Call:
        model = bare_model(record.attributes, ("model", "slug"))
        return replace(self.call(record, usage), provider="openai", requested_model=model, response_model=model)
