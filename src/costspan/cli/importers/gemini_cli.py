"""Gemini CLI's chat files: a `gemini` message for each answer, with `tokens` once they are known.

One document a session before 0.30, since then a line for each message, again whenever it changed. Its prompts stand in
`logs.json` beside it, which counts nothing. A message keeps its id when a session is rewound or compacted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from costspan.cli.importers.base import Found, Importer, Problem, Row, Skipped
from costspan.cli.importers.imported_span import Value, ids, imported_call, moment_ns, said
from costspan.semconv.attributes import at, whole_number

EMITTER: Final = ("gemini-cli", "gemini-cli.session_files")
_COUNTS: Final = {
    "input_token_count": "input",
    "output_token_count": "output",
    "cached_content_token_count": "cached",
    "thoughts_token_count": "thoughts",
    "tool_token_count": "tool",
    "total_token_count": "total",
}
"""Attribute of Gemini CLI's own telemetry -> name in its `TokensSummary`, which are Gemini's counts."""


class GeminiCli(Importer):
    """`~/.gemini/tmp/*/chats/`."""

    name: ClassVar = "gemini-cli"
    source: ClassVar = "google-gemini/gemini-cli packages/core/src/services/chatRecordingTypes.ts, 2026-11"
    homes: ClassVar = ("~/.gemini/tmp",)

    def recognizes(self, value: Any) -> bool:
        """Return True for a session, or for the prompts kept beside it."""
        if not isinstance(value, dict) or "sessionId" not in value:
            return False
        return "projectHash" in value or isinstance(value.get("messageId"), int)

    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield an answer for each message with tokens; the same message again is the same record."""
        session: str | None = None
        for row in rows:
            if not isinstance(row.value, dict):
                yield Problem(row.place, "no line of a session")
                continue
            session = said(row.value.get("sessionId")) or session
            held = row.value.get("messages") or at(row.value, "$set.messages")
            for message in held if isinstance(held, list) else [row.value]:
                yield _answer(row.place, session, message)


def _answer(place: str, session: str | None, message: Any) -> Found:
    tokens, name = at(message, "tokens"), said(at(message, "id"))
    if at(message, "type") != "gemini" or not isinstance(tokens, dict):
        return Skipped("lines without an answer")
    moment = moment_ns(at(message, "timestamp"))
    if moment is None or name is None:
        return Problem(place, "an answer without a time" if name else "an answer without an id")
    model = said(at(message, "model"))
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "session.id": session,
        **{key: whole_number(tokens.get(name)) for key, name in _COUNTS.items()},
    }
    return imported_call(place, EMITTER, ids("gemini-cli", session, name), (moment, moment), attributes)
