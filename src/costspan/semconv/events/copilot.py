"""GitHub Copilot: its turn events repeat the counts of the details events beside them, and are left out here.

Source: code.visualstudio.com/docs/agents/guides/monitoring-agents, 2026-09. A `copilot_chat.agent.turn` carries
`gen_ai.usage.*` of the same request as the details event before it, without model or response id. The details event
itself keeps to the specification and is read as such.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import Call
from costspan.core.record import LogRecord
from costspan.semconv.events.base import EventEmitter, names

_PREFIXES: Final = ("copilot_chat.", "github.copilot.")


class Copilot(EventEmitter):
    """Log events of Copilot's own vocabulary."""

    name: ClassVar = "copilot"
    source: ClassVar = "code.visualstudio.com/docs/agents/guides/monitoring-agents, 2026-09"
    markers: ClassVar = ()

    def recognizes(self, record: LogRecord) -> bool:
        """Return True for names of Copilot's own."""
        return any(name.startswith(_PREFIXES) for name in names(record))

    def read(self, record: LogRecord) -> Call | None:  # noqa: ARG002 - the seam's signature
        """Return None: every request stands in a details event."""
        return None
