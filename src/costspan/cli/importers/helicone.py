"""Helicone's exports of requests: JSON, JSONL or CSV of its export tool, and pages of its query API.

Where the answer's body is in the export, its own usage and id are read, and the id tells the call from what telemetry
sent of it. Counts without a body do not say whether cached tokens are among them: the numbers are asked. An answer out
of Helicone's cache was not billed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from costspan.cli.importers.answers import parts, raw_usage, status_error
from costspan.cli.importers.base import Found, Importer, Problem, Row, Skipped
from costspan.cli.importers.imported_span import Value, ids, imported_call, milliseconds_ns, moment_ns, said, tags
from costspan.semconv.attributes import json_object, number, whole_number
from costspan.semconv.raw_usage import Answer, read_answer

SCOPE: Final = "costspan.import.helicone"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_COUNTS: Final = {
    "gen_ai.usage.input_tokens": "prompt_tokens",
    "gen_ai.usage.output_tokens": "completion_tokens",
    "gen_ai.usage.cache_read.input_tokens": "prompt_cache_read_tokens",
    "gen_ai.usage.cache_write.input_tokens": "prompt_cache_write_tokens",
    "gen_ai.usage.audio.input_tokens": "prompt_audio_tokens",
    "gen_ai.usage.audio.output_tokens": "completion_audio_tokens",
}


class Helicone(Importer):
    """Requests and what came of them."""

    name: ClassVar = "helicone"
    source: ClassVar = "Helicone/helicone examples/export/typescript and the type HeliconeRequest, 2026"

    def recognizes(self, value: Any) -> bool:
        """Return True for a request or a page of them."""
        head = next(iter(_requests(value)), None)
        return isinstance(head, dict) and "response_created_at" in head and "response_id" in head

    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield a call for each request."""
        for row in rows:
            for request in _requests(row.value):
                yield _call(row.place, request) if isinstance(request, dict) else Problem(row.place, "no request")


def _requests(value: Any) -> list[Any]:
    page = value.get("data") if isinstance(value, dict) else None
    return page if isinstance(page, list) else [value]


def _call(place: str, found: Mapping[str, Any]) -> Found:
    if said(found.get("cache_reference_id")) not in (None, _NOBODY):
        return Skipped("answers out of a cache")
    name = said(found.get("response_id")) or said(found.get("request_id"))
    ended = moment_ns(found.get("response_created_at"))
    begun = moment_ns(found.get("request_created_at"))
    if begun is None and ended is not None:
        begun = ended - (milliseconds_ns(found.get("delay_ms") or found.get("latency")) or 0)
    if begun is None or name is None:
        return Problem(place, "a request without a time" if name else "a request without an id")
    body = json_object(found.get("response_body"))
    answer, usage = read_answer(body) or Answer(), raw_usage(list(parts(body)))
    error = status_error(found.get("response_status"))
    counts = {key: whole_number(found.get(field)) for key, field in _COUNTS.items()}
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": (said(found.get("provider")) or "").lower() or None,
        "gen_ai.request.model": _word(found, "request_model", "model"),
        "gen_ai.response.model": answer.model or _word(found, "response_model", "model"),
        "gen_ai.response.id": answer.response_id,
        "gen_ai.response.finish_reasons": answer.finish_reason,
        "gen_ai.response.service_tier": answer.mode,
        "gen_ai.response.time_to_first_chunk": _seconds(found.get("time_to_first_token")),
        "gen_ai.usage.cost_usd": _dollars(found),
        "gen_ai.usage.raw": json.dumps(usage[1]) if usage else None,
        "user.id": _word(found, "request_user_id", "user_id", "helicone_user"),
        "error.type": error,
        **tags({**json_object(found.get("request_properties")), **json_object(found.get("properties"))}),
        # Counts of 0 beside an error are what was not counted.
        **({} if usage else {key: count for key, count in counts.items() if count}),
    }
    session = _word(json_object(found.get("properties") or found.get("request_properties")), "Helicone-Session-Id")
    attributes["session.id"] = session
    times = (begun, ended or begun)
    return imported_call(place, ("", SCOPE), ids("helicone", name), times, attributes, failed=error is not None)


def _word(found: Mapping[str, Any], *names: str) -> str | None:
    return next((word for name in names if (word := said(found.get(name)))), None)


def _seconds(milliseconds: Any) -> float | None:
    duration_ns = milliseconds_ns(milliseconds)
    return None if duration_ns is None else duration_ns / 1e9


def _dollars(found: Mapping[str, Any]) -> float | None:
    return next((cost for name in ("costUSD", "cost_usd") if (cost := number(found.get(name)))), None)
