"""Claude Code's session files: an `assistant` line for each part of an answer, with the answer's usage.

Parts of one answer repeat its message id and request id, and count once: the one that has seen most of the answer.
Resumed sessions copy earlier lines, and a parent's file may repeat its subagents', under the same ids. An answer that
was still being written when its file was read is a second record of the same response once the file is read again.
Made-up answers (`<synthetic>`: limits, API errors) asked nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, ClassVar, Final

from costspan.cli.importers.base import Found, Importer, Piece, Problem, Row, Skipped
from costspan.cli.importers.imported_span import Value, ids, imported_call, moment_ns, said
from costspan.semconv.attributes import at, whole_number

EMITTER: Final = ("claude-code", "com.anthropic.claude_code.session_files")
"""The service is what Claude Code's own telemetry names, so that its metrics of the same session do not count again."""
_OPEN_ANSWERS: Final = 256
"""Answers whose parts may still come; parts of one stand a few lines apart."""
_COUNTS: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_creation_tokens": "cache_creation_input_tokens",
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": "cache_creation.ephemeral_5m_input_tokens",
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": "cache_creation.ephemeral_1h_input_tokens",
    "gen_ai.usage.reasoning.output_tokens": "output_tokens_details.thinking_tokens",
    "costspan.usage.web_search": "server_tool_use.web_search_requests",
}
"""Attribute -> path in Anthropic's usage object."""


@dataclass(slots=True)
class _Answer:
    """The parts of one answer met so far."""

    place: str
    entry: dict[str, Any]
    first_ns: int
    last_ns: int


class ClaudeCode(Importer):
    """`~/.claude/projects/**/*.jsonl`."""

    name: ClassVar = "claude-code"
    source: ClassVar = "session files of Claude Code 2.0 to 2.1; ryoppippi/ccusage"
    homes: ClassVar = ("$CLAUDE_CONFIG_DIR/projects", "~/.claude/projects", "~/.config/claude/projects")

    def recognizes(self, value: Any) -> bool:
        """Return True for a line of a session."""
        if not isinstance(value, dict):
            return False
        return "parentUuid" in value or ("sessionId" in value and at(value, "message.role") is not None)

    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield each answer once its parts are over."""
        opened: OrderedDict[tuple[str, str], _Answer] = OrderedDict()
        for row in rows:
            entry = _entry(row.value)
            if entry is None:
                yield Skipped("lines without an answer")
                continue
            moment = moment_ns(entry.get("timestamp"))
            names = said(at(entry, "message.id")) or "", said(entry.get("requestId")) or ""
            if moment is None or not any(names):
                yield Problem(row.place, "an answer without a time" if any(names) else "an answer without an id")
                continue
            answer = opened.setdefault(names, _Answer(row.place, entry, moment, moment))
            answer.first_ns, answer.last_ns = min(answer.first_ns, moment), max(answer.last_ns, moment)
            if _output(entry) >= _output(answer.entry):
                answer.entry = entry
            opened.move_to_end(names)
            if len(opened) > _OPEN_ANSWERS:
                yield _call(*opened.popitem(last=False))
        for names, answer in opened.items():
            yield _call(names, answer)


def _entry(value: Any) -> dict[str, Any] | None:
    """Return the line, or what a subagent's progress line repeats of one, where it is a model's answer."""
    repeated = at(value, "data.message")
    entry = repeated if isinstance(repeated, dict) else value
    message = entry.get("message") if isinstance(entry, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("usage"), dict):
        return None
    if message.get("model") in (None, "<synthetic>"):
        return None
    return {**entry, "sessionId": entry.get("sessionId") or value.get("sessionId")}


def _output(entry: dict[str, Any]) -> int:
    return whole_number(at(entry, "message.usage.output_tokens")) or 0


def _call(names: tuple[str, str], answer: _Answer) -> Piece:
    entry, message_id, request_id = answer.entry, *names
    message = entry["message"]
    counts = {key: whole_number(at(message["usage"], path)) for key, path in _COUNTS.items()}
    session, folder = said(entry.get("sessionId")), said(entry.get("cwd"))
    trace_id, _ = ids("claude-code", message_id, request_id)
    # What a part says more than another is another record: the ledger keeps the fuller one of a response.
    _, span_id = ids("claude-code", message_id, request_id, *counts.values())
    attributes: dict[str, Value] = {
        "span.type": "llm_request",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": said(message["model"]),
        "gen_ai.response.model": said(message["model"]),
        # Claude Code's own events name an answer by its request.
        "gen_ai.response.id": request_id or message_id,
        "gen_ai.response.finish_reasons": said(message.get("stop_reason")),
        "gen_ai.response.service_tier": said(at(message, "usage.service_tier")),
        "speed": "fast" if at(message, "usage.speed") == "fast" else None,
        "session.id": session,
        "costspan.tag.project": PurePath(folder.replace("\\", "/")).name or None if folder else None,
        "costspan.tag.query_source": "subagent" if entry.get("isSidechain") else "main",
        **counts,
    }
    times = (answer.first_ns, answer.last_ns)
    return imported_call(answer.place, EMITTER, (trace_id, span_id), times, attributes)
