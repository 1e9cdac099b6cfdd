"""Codex's rollout files: `token_count` events with what a session has used so far and what its last answer used.

An event is repeated when only the rate limits changed; one whose totals did not grow is no answer. A forked session and
a subagent begin with a copy of what they were forked from, written in one go: those answers stand in the other file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, ClassVar, Final

from costspan.cli.importers.base import Found, Importer, Piece, Problem, Row, Skipped
from costspan.cli.importers.imported_span import ids, imported_call, moment_ns, said
from costspan.core.clock import NS_PER_S
from costspan.semconv.attributes import at, whole_number

SCOPE: Final = "codex.session_files"
SERVICE: Final = "codex_cli_rs"
"""What Codex names itself where the file does not say (openai/codex, `DEFAULT_ORIGINATOR`)."""
_KINDS: Final = ("session_meta", "turn_context", "event_msg", "response_item", "compacted")
_FIELDS: Final = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cached_input_tokens",
    "gen_ai.usage.cache_write.input_tokens": "cache_write_input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_output_tokens",
}
"""Attribute -> name in Codex's `TokenUsage`: cached tokens are part of the input, reasoning of the output."""
_COPIED_WITHIN_NS: Final = NS_PER_S
"""A copied history is written with the first line; an answer of the session's own takes longer."""

Totals = Mapping[str, int]


@dataclass(slots=True)
class _Session:
    """What the lines read so far say of the session."""

    id: str = ""
    service: str = SERVICE
    provider: str | None = None
    project: str | None = None
    model: str | None = None
    began_ns: int | None = None
    is_copy: bool = False
    totals: Totals = field(default_factory=dict)


class Codex(Importer):
    """`~/.codex/sessions/**/rollout-*.jsonl`."""

    name: ClassVar = "codex"
    source: ClassVar = "openai/codex codex-rs/protocol (RolloutLine, TokenUsageInfo), 2026; ryoppippi/ccusage"
    homes: ClassVar = (
        "$CODEX_HOME/sessions",
        "$CODEX_HOME/archived_sessions",
        "~/.codex/sessions",
        "~/.codex/archived_sessions",
    )

    def recognizes(self, value: Any) -> bool:
        """Return True for a line of a rollout."""
        return isinstance(value, dict) and value.get("type") in _KINDS and isinstance(value.get("payload"), dict)

    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield an answer for each event whose totals grew."""
        session = _Session()
        for row in rows:
            payload = row.value.get("payload") if isinstance(row.value, dict) else None
            if not isinstance(payload, dict):
                yield Skipped("lines without an answer")
                continue
            if session.began_ns is None:
                session.began_ns = moment_ns(row.value.get("timestamp"))
            kind = row.value.get("type")
            if kind == "session_meta" and not session.id:
                _begin(session, payload)
            elif kind == "turn_context":
                session.model = said(payload.get("model")) or session.model
            if kind == "event_msg" and payload.get("type") == "token_count":
                yield _answer(session, row, payload)
            else:
                yield Skipped("lines without an answer")


def _begin(session: _Session, payload: dict[str, Any]) -> None:
    session.id = said(payload.get("id")) or ""
    session.service = said(payload.get("originator")) or SERVICE
    session.provider = said(payload.get("model_provider"))
    folder = said(payload.get("cwd"))
    session.project = PurePath(folder.replace("\\", "/")).name or None if folder else None
    spawned = at(payload, "source.subagent.thread_spawn")
    session.is_copy = any((payload.get("forked_from_id"), payload.get("parent_thread_id"), spawned))


def _answer(session: _Session, row: Row, payload: dict[str, Any]) -> Found:
    before, totals = session.totals, _counts(at(payload, "info.total_token_usage"))
    last = _counts(at(payload, "info.last_token_usage"))
    if totals:
        session.totals = totals
    if totals and totals == before:
        return Skipped("repeated counts")
    used = last or {key: count - before.get(key, 0) for key, count in totals.items()}
    if not any(used.values()):
        return Skipped("lines without an answer")
    moment = moment_ns(row.value.get("timestamp"))
    if moment is None:
        return Problem(row.place, "an answer without a time")
    if session.is_copy and session.began_ns is not None and moment < session.began_ns + _COPIED_WITHIN_NS:
        return Skipped("answers copied from another session")
    return _call(session, row.place, moment, used)


def _counts(usage: Any) -> Totals:
    found = {key: whole_number(at(usage, name)) for key, name in _FIELDS.items()}
    return {key: count for key, count in found.items() if count is not None}


def _call(session: _Session, place: str, moment: int, used: Totals) -> Piece:
    totals = sorted(session.totals.items()) or sorted(used.items())
    return imported_call(
        place,
        (session.service, SCOPE),
        ids("codex", session.id or place, moment, *totals),
        (moment, moment),
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": session.provider,
            "gen_ai.request.model": session.model,
            "gen_ai.response.model": session.model,
            "session.id": session.id or None,
            "costspan.tag.project": session.project,
            "costspan.tag.query_source": "subagent" if session.is_copy else "main",
            **used,
        },
    )
