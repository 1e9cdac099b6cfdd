"""Claude Code: `claude_code.api_request` for every request that was answered, `claude_code.api_error` for the others.

Source: code.claude.com/docs/en/monitoring-usage, 2.1. Input excludes cached tokens; the cache's time to live is not
said; `cost_usd` is the program's own estimate at list price. `attempt` counts from 1. The remaining events (prompts,
tools, compaction, refusals, exhausted retries) repeat or surround these two and claim no request of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from costspan.core.call import STANDARD_MODE, Call
from costspan.core.record import Attributes, LogRecord
from costspan.semconv.attributes import first, number, text, whole_number
from costspan.semconv.conventions import CACHE_APART, Counts, split
from costspan.semconv.events.base import NO_USAGE, EventEmitter, attempt_number, failure, names
from costspan.semconv.vendor import Who, bare_model, claude_provider, reported_usd, with_cache_ttl_doubt

_PREFIX: Final = "claude_code."
_SCOPE: Final = "com.anthropic.claude_code"


class ClaudeCode(EventEmitter):
    """Log events of Claude Code and of programs built on its agent SDK."""

    name: ClassVar = "claude_code"
    source: ClassVar = "code.claude.com/docs/en/monitoring-usage, 2.1"
    markers: ClassVar = (b"claude_code", b"api_request", b"api_error")
    who: ClassVar = Who(
        user_id=("user.id", "user.account_uuid", "user.email"),
        tags=("organization.id", "query_source", "skill.name", "plugin.name", "effort"),
    )

    def recognizes(self, record: LogRecord) -> bool:
        """Return True by the qualified event name, or by the scope."""
        return record.scope.name.startswith(_SCOPE) or any(name.startswith(_PREFIX) for name in names(record))

    def read(self, record: LogRecord) -> Call | None:
        """Return the request that was answered or that failed."""
        kinds = {name.removeprefix(_PREFIX) for name in names(record)}
        if "api_request" in kinds:
            return self._answered(record)
        return self._failed(record) if "api_error" in kinds else None

    def _answered(self, record: LogRecord) -> Call:
        attributes = record.attributes
        request_id = first(attributes, ("request_id",), text)
        first_chunk_ms = first(attributes, ("ttft_ms",), number)
        counts = Counts(
            input=first(attributes, ("input_tokens",), whole_number),
            output=first(attributes, ("output_tokens",), whole_number),
            cache_read=first(attributes, ("cache_read_tokens",), whole_number),
            cache_write=first(attributes, ("cache_creation_tokens",), whole_number),
        )
        micros_usd = first(attributes, ("cost_usd_micros",), whole_number) or 0
        call = self.call(record, with_cache_ttl_doubt(split(counts, CACHE_APART)), request_id and f"{request_id}/ok")
        return replace(
            self._named(call, attributes),
            response_id=request_id,
            mode="fast" if first(attributes, ("speed",), text) == "fast" else STANDARD_MODE,
            time_to_first_chunk_s=None if first_chunk_ms is None else first_chunk_ms / 1000,
            reported_cost=reported_usd(attributes.get("cost_usd")) or reported_usd(micros_usd / 1_000_000),
        )

    def _failed(self, record: LogRecord) -> Call:
        return replace(
            self._named(self.call(record, NO_USAGE), record.attributes),
            error_type=failure(record.attributes, ("status_code",), ("error", "error_type")),
            attempt=attempt_number(record.attributes, 1),
        )

    @staticmethod
    def _named(call: Call, attributes: Attributes) -> Call:
        model = bare_model(attributes)
        return replace(call, provider=claude_provider(model), requested_model=model, response_model=model)
