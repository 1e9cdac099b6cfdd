"""GitHub Copilot Chat and Copilot CLI.

Source: microsoft/vscode-copilot-chat src/platform/otel; docs.github.com. `github` is who bills in AI credits
(`github.copilot.nano_aiu`), which are no dollars and are not read. The agent span sums the turn.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.record import SpanRecord
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class Copilot(Dialect):
    """Spans of Copilot's editor extension and command line."""

    name = "copilot"
    source = "microsoft/vscode-copilot-chat 2026-03, VS Code 1.140"
    markers = (b"gen_ai.",)
    scopes = ("copilot-chat*", "copilot_chat*", "github.copilot*", "github-copilot*")
    tell_tales: ClassVar = ("copilot_chat.", "github.copilot.nano_aiu", "github.copilot.cost")
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(time_to_first_chunk_ms=("copilot_chat.time_to_first_token",))

    def provider(self, record: SpanRecord) -> str | None:
        """Return None for `github`, so that the model's name decides whose list price is shown."""
        sent = super().provider(record)
        return None if sent in {"github", "github.copilot", "copilot"} else sent
