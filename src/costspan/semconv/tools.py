"""Which spans are tools at work, and what the tool is called: one table for all dialects.

Source: semantic-conventions-genai `execute_tool`; openinference spec; traceloop-sdk 0.62; Vercel AI SDK telemetry of 5
and 6; the documented spans of Claude Code, Gemini CLI, Langfuse, MLflow, Genkit, LiveKit and Laminar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from costspan.core.record import STATUS_ERROR, SpanRecord
from costspan.core.tool import ToolUse
from costspan.semconv import outcome
from costspan.semconv.attributes import Keys, first, text
from costspan.semconv.attribution import MAX_VALUE_CHARS, read_attribution


@dataclass(frozen=True, slots=True)
class _Kind:
    """A span whose `key` holds one of `values` (in lower case, quotes of JSON taken off) is a tool at work."""

    key: str
    values: frozenset[str]
    names: Keys = ()


_STANDARD: Final = ("gen_ai.tool.name", "tool.name")
_KINDS: Final = (
    _Kind("gen_ai.operation.name", frozenset({"execute_tool", "tool_call"}), (*_STANDARD, "function_name")),
    _Kind("openinference.span.kind", frozenset({"tool"}), _STANDARD),
    _Kind("traceloop.span.kind", frozenset({"tool"}), ("traceloop.entity.name", *_STANDARD)),
    _Kind("ai.operationId", frozenset({"ai.toolcall"}), ("ai.toolCall.name",)),
    _Kind("langfuse.observation.type", frozenset({"tool"}), _STANDARD),
    _Kind("mlflow.spanType", frozenset({"tool"}), _STANDARD),
    _Kind("genkit:metadata:subtype", frozenset({"tool"}), ("genkit:name",)),
    _Kind("lmnr.span.type", frozenset({"tool"}), _STANDARD),
    _Kind("span.type", frozenset({"tool"}), ("tool_name", *_STANDARD)),
)
"""What a span says of its own kind decides, whichever other keys it carries."""

_NAMES: Final = (*_STANDARD, "ai.toolCall.name", "lk.function_tool.name")
"""A span that says no kind and no operation is a tool where it carries one of these."""

_CALL_IDS: Final = (
    "gen_ai.tool.call.id",
    "tool_call.id",
    "tool.id",
    "ai.toolCall.id",
    "lk.function_tool.id",
)

TOOL_MARKERS: Final = (
    b"tool.name",
    b"ai.toolCall",
    b"lk.function_tool",
    b"langfuse.observation.type",
    b"mlflow.spanType",
    b"genkit:metadata:subtype",
    b"span.type",
    b"traceloop.span.kind",
    b"openinference.span.kind",
    b"gen_ai.operation.name",
)
"""A span without any of these byte strings is no tool and is not parsed for being one."""


def read_tool_use(record: SpanRecord) -> ToolUse | None:
    """Return the tool use a span tells, or None for a span that is something else."""
    name = tool_name(record)
    if name is None:
        return None
    return ToolUse(
        trace_id=record.trace_id,
        span_id=record.span_id,
        parent_span_id=record.parent_span_id,
        name=name,
        started_at_ns=record.start_ns,
        ended_at_ns=record.end_ns,
        call_id=_short(first(record.attributes, _CALL_IDS, text)),
        error_type=_error_type(record),
        attribution=replace(read_attribution(record.attributes, record.resource), tool=name),
    )


def tool_name(record: SpanRecord) -> str | None:
    """Return the name of the tool whose span this is, None where the span is no tool's."""
    attributes = record.attributes
    says_kind = False
    for kind in _KINDS:
        if kind.key in attributes:
            says_kind = True
            said = text(attributes[kind.key])
            if said is not None and said.strip('"').lower() in kind.values:
                return _short(first(attributes, kind.names, text) or _from_span_name(record.name))
    return None if says_kind else _short(first(attributes, _NAMES, text))


def _from_span_name(name: str) -> str | None:
    """Return `search` for a span called `execute_tool search` or `search.tool`."""
    return text(name.removeprefix("execute_tool ").removesuffix(".tool"))


def _short(said: str | None) -> str | None:
    return said[:MAX_VALUE_CHARS] if said else None


def _error_type(record: SpanRecord) -> str | None:
    sent = first(record.attributes, ("error.type",), text)
    if sent is None and record.status_code != STATUS_ERROR:
        return None
    exception = next((event.attributes for event in record.events if event.name == "exception"), {})
    named = sent or first(exception, ("exception.type",), text) or record.status_message
    return outcome.error_type(named or None)
