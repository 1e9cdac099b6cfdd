"""Log records become calls: the emitter that recognises a record reads it, or says that it claims no request.

Used by the server on what it received. Which of several signals counts is decided later (accounting rule 5.5). Pure.
"""

from __future__ import annotations

from typing import Final

from costspan.core.call import Call
from costspan.core.record import LogRecord
from costspan.semconv.events.base import EventEmitter
from costspan.semconv.events.claude_code import ClaudeCode
from costspan.semconv.events.codex import Codex
from costspan.semconv.events.copilot import Copilot
from costspan.semconv.events.cursor import Cursor
from costspan.semconv.events.gemini_cli import GeminiCLI
from costspan.semconv.events.gen_ai import GenAI
from costspan.semconv.events.opencode import OpenCode

EMITTERS: Final[tuple[EventEmitter, ...]] = (
    ClaudeCode(),
    Codex(),
    GeminiCLI(),
    Cursor(),
    OpenCode(),
    Copilot(),
    GenAI(),
)
"""Order is the order of detection: vendors first, the specification's own event and any usage at all last."""

MARKERS: Final = tuple(dict.fromkeys(marker for emitter in EMITTERS for marker in emitter.markers))
"""A log record without any of these byte strings is no model call and is not parsed."""


def read_event(record: LogRecord) -> Call | None:
    """Return the call a log record claims, or None for a record that claims neither a model request nor usage."""
    emitter = next((candidate for candidate in EMITTERS if candidate.recognizes(record)), None)
    return None if emitter is None else emitter.read(record)
