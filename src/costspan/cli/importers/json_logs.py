"""Applications' own logs: one JSON object a line, with a model call in the ones that matter.

Read by what is usual: a provider's answer, as it is or anywhere a logger puts one; LiteLLM's standard payload and spend
log; batch results; flat lines of model and counts. What is not usual is told by a mapping (`field_map`). Lines
without a call are passed over. A call is named by its response id, else by all its line says: equal lines count once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from costspan.cli.importers.answers import first, parts, raw_usage, status_error
from costspan.cli.importers.base import Found, Importer, Problem, Row, Skipped
from costspan.cli.importers.field_map import FieldMap
from costspan.cli.importers.imported_span import Value, ids, imported_call, milliseconds_ns, moment_ns, said, tags
from costspan.semconv.attributes import flag, json_object, number, whole_number
from costspan.semconv.identity import content_key
from costspan.semconv.raw_usage import Answer, read_answer

SCOPE: Final = "costspan.import.jsonl"
_IS_AN_ID: Final = 12
"""Characters below which an id numbers rows and names no answer of a provider."""

Parts = Sequence[Mapping[str, Any]]
"""A line, and what stands in the places where loggers put an answer."""

_STARTED: Final = (
    "startTime", "start_time", "started_at", "startedAt", "request_time", "requested_at", "request_timestamp",
)  # fmt: skip
_STAMPED: Final = (
    "timestamp", "time", "ts", "@timestamp", "datetime", "date", "created_at", "createdAt", "asctime", "logged_at",
    "created",
)  # fmt: skip
_ENDED: Final = ("endTime", "end_time", "ended_at", "endedAt", "completed_at", "response_time_at")
_TOOK_MS: Final = ("duration_ms", "durationMs", "latency_ms", "latencyMs", "elapsed_ms", "took_ms", "response_time_ms")
_COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "gen_ai.usage.input_tokens": (
        "input_tokens", "inputTokens", "prompt_tokens", "promptTokens", "tokens_in", "tokensIn", "input", "prompt",
    ),
    "gen_ai.usage.output_tokens": (
        "output_tokens", "outputTokens", "completion_tokens", "completionTokens", "tokens_out", "tokensOut", "output",
        "completion",
    ),
    "gen_ai.usage.total_tokens": ("total_tokens", "totalTokens", "total"),
    "gen_ai.usage.cache_read.input_tokens": (
        "cache_read_input_tokens", "cache_read_tokens", "cacheReadTokens", "cached_tokens", "cachedTokens",
        "cached_input_tokens", "cachedInputTokens", "input_cached_tokens", "cached", "cacheRead",
    ),
    "gen_ai.usage.cache_write.input_tokens": (
        "cache_creation_input_tokens", "cache_write_tokens", "cacheWriteTokens", "cache_creation_tokens", "cacheWrite",
    ),
    "gen_ai.usage.reasoning.output_tokens": ("reasoning_tokens", "reasoningTokens", "thinking_tokens", "reasoning"),
}  # fmt: skip
_FLAT: Final = {key: names[: 6 if "put_tokens" in key else None] for key, names in _COUNTS.items()}
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "gen_ai.provider.name": ("provider", "custom_llm_provider", "llm_provider", "vendor", "gen_ai.provider.name"),
    "gen_ai.request.model": (
        "requested_model", "model", "model_name", "modelName", "llm_model",
        "modelId", "engine", "deployment", "gen_ai.request.model",
    ),
    "costspan.feature": ("feature",),
    "costspan.team": ("team", "user_api_key_team_alias"),
    "costspan.user": ("user_id", "userId", "user", "end_user", "user_api_key_end_user_id"),
    "session.id": ("session_id", "sessionId", "conversation_id", "thread_id"),
    "deployment.environment.name": ("environment", "env"),
    "gen_ai.response.finish_reasons": ("finish_reason", "stop_reason", "finishReason"),
}  # fmt: skip
_SERVICE: Final = ("service", "service_name", "service.name", "app", "application")
_COST: Final = ("cost_usd", "costUsd", "costUSD", "response_cost", "spend", "total_cost_usd")
_ERROR: Final = ("error_type", "error.type", "error_class", "exception.type")
_OBJECTS: Final = ("usage", "token_usage", "tokenUsage", "tokens", "token_counts")


class JsonLogs(Importer):
    """One object a line. `maps` are a user's own words, asked before the usual ones."""

    name: ClassVar = "jsonl"
    source: ClassVar = "API references of OpenAI, Anthropic, Gemini; docs.litellm.ai/docs/proxy/logging_spec; 2026-11"

    def __init__(self, maps: Sequence[FieldMap] = ()) -> None:
        self._maps = tuple(maps)

    def recognizes(self, value: Any) -> bool:
        """Return True for a line with a call in it."""
        if not isinstance(value, dict):
            return False
        return any(one.reads(value) for one in self._maps) or _usage(list(parts(value))) is not None

    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield a call for each line that has one."""
        for row in rows:
            if not isinstance(row.value, dict):
                yield Problem(row.place, "no JSON object")
                continue
            mapped = next((one for one in self._maps if one.reads(row.value)), None)
            yield mapped.call(row) if mapped else _call(row)


def _call(row: Row) -> Found:
    held = list(parts(row.value))
    if any(flag(part.get("cache_hit")) for part in held):
        return Skipped("answers out of a cache")
    usage, error = _usage(held), _error(held)
    words = {key: _word(held, names) for key, names in _WORDS.items()}
    words["gen_ai.request.model"] = _asked_for(row.value) or words["gen_ai.request.model"]
    if usage is None and not (error and words["gen_ai.request.model"]):
        return Skipped("lines without a call")
    times = _times(held)
    if times is None:
        return Problem(row.place, "a call without a time: no timestamp, start_time, created_at or the like")
    part, counts = usage or (row.value, {})
    answer = read_answer(part) or Answer()
    response_id = answer.response_id if len(answer.response_id or "") >= _IS_AN_ID else None
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "embeddings" if "embed" in str(row.value.get("call_type", "")) else "chat",
        **words,
        "gen_ai.response.model": answer.model,
        "gen_ai.response.id": response_id,
        "gen_ai.response.finish_reasons": words["gen_ai.response.finish_reasons"] or answer.finish_reason,
        # What a batch answered is found under the name that the one who asked gave it.
        "gen_ai.response.service_tier": "batch" if "custom_id" in row.value else answer.mode,
        "gen_ai.usage.cost_usd": number(_first(held, _COST)),
        "error.type": error,
        **tags({**json_object(row.value.get("metadata")), **json_object(row.value.get("tags"))}),
        **counts,
    }
    identity = ("answer", response_id) if response_id else (content_key("line", row.value),)
    emitter = (_word(held, _SERVICE) or "", SCOPE)
    return imported_call(row.place, emitter, ids("jsonl", *identity), times, attributes, failed=error is not None)


def _usage(held: Parts) -> tuple[Mapping[str, Any], dict[str, Value]] | None:
    """Return the part of a line that has counts, and these as attributes.

    A provider's own object goes as it is, to be read as that provider counts, unless it says more under other names.
    """
    raw = raw_usage(held)
    named = next(((part, counts) for part in held if (counts := _named(part))), None)
    if raw is not None:
        part, usage, read = raw
        facts = sum(1 for count in read.counts if count is not None)
        if named is None or len(named[1]) <= facts:
            return part, {"gen_ai.usage.raw": json.dumps(usage)}
    return named


def _named(part: Mapping[str, Any]) -> dict[str, Value]:
    """Return the counts that stand in a part under usual names, in an object of their own or flat."""
    for name in _OBJECTS:
        if name in part and (found := _counted(json_object(part[name]), _COUNTS)):
            return found
    found = _counted(part, _FLAT)
    # An output without an input may be anything; an input alone is an embedding.
    return found if "gen_ai.usage.input_tokens" in found else {}


def _counted(usage: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> dict[str, Value]:
    counts: dict[str, Value] = {}
    for key, aliases in names.items():
        for name in aliases:
            if name in usage and (count := whole_number(usage[name])) is not None:
                counts[key] = count
                break
    return counts


def _times(held: Parts) -> tuple[int, int] | None:
    """Return when a call began and ended. A line that says how long it took was written at the end."""
    begun, ended = _moment(held, _STARTED), _moment(held, _ENDED)
    took = milliseconds_ns(_first(held, _TOOK_MS)) or 0
    if begun is None:
        stamped = _moment(held, _STAMPED)
        if stamped is None:
            return None
        begun, ended = stamped - took, ended or stamped
    return begun, max(begun, ended or begun + took)


def _moment(held: Parts, names: tuple[str, ...]) -> int | None:
    found = (moment_ns(part[name]) for part in held for name in names if name in part)
    return next((moment for moment in found if moment is not None), None)


def _first(held: Parts, names: tuple[str, ...]) -> Any:
    return next((part[name] for part in held for name in names if part.get(name) is not None), None)


def _word(held: Parts, names: tuple[str, ...]) -> str | None:
    found = (said(part[name]) for part in held for name in names if name in part)
    return next((word for word in found if word), None)


def _asked_for(record: Mapping[str, Any]) -> str | None:
    return said(first(record, ("request.model", "request_body.model", "body.model")))


def _error(held: Parts) -> str | None:
    named = _word(held, _ERROR) or status_error(_first(held, ("status_code", "statusCode", "http_status")))
    failed = str(held[0].get("status", "")).lower() in {"failure", "failed", "error"}
    return named or ("error" if failed else None)
