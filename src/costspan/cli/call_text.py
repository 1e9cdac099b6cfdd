"""A call of the API's documents in words: what it is, and why it counts or does not. Used by `calls` and `trace`."""

from __future__ import annotations

from typing import Any

from costspan.cli.table import count_text

_OWNER = "owner"
_CERTAIN = ("priced", "free")


def counts(call: dict[str, Any]) -> bool:
    """Tell whether the call is part of totals."""
    return bool(call["role"] == _OWNER)


def verdict(call: dict[str, Any]) -> str:
    """Return why a call does not count; of one that does, what its cost rests on."""
    if not counts(call):
        return _not_counted(call)
    if call["cost_usd"] is None and call["error_type"]:
        return f"failed: {call['error_type']}"
    reason = call["price_reason"]
    status = str(call["price_status"]).replace("_", " ")
    return f"{status}: {reason}" if reason and call["price_status"] not in _CERTAIN else status


def tokens(call: dict[str, Any]) -> tuple[str, str, str]:
    """Return input, cached and output tokens; unknown is never 0."""
    if not call["usage"]:
        return (count_text(None),) * 3
    cached = call["cache_read_tokens"] + call["cache_write_tokens"]
    return count_text(call["input_tokens"]), count_text(cached), count_text(call["output_tokens"])


def _not_counted(call: dict[str, Any]) -> str:
    owner = call["owner"]
    if call["role"] == "aggregate" or not owner:
        return f"{call['role']}: {call['reason']}"
    where = owner["span_id"] or "an event"
    if owner["trace_id"] and owner["trace_id"] != call["trace_id"]:
        where += f" of trace {owner['trace_id']}"
    return f"duplicate of {where}: {call['reason']}"
