"""How requests are read: a body becomes records. The ledger is not asked, so any thread or process may do it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from costspan.semconv.dialects import DIALECTS
from costspan.semconv.dialects.detection import Dialects
from costspan.server.pipeline.keeping import keep
from costspan.server.pipeline.signals import SIGNALS, Received


@dataclass(frozen=True, slots=True)
class Reading:
    """The dialects that requests are read in, and whether their records are kept as they were received."""

    dialects: Dialects = DIALECTS
    keeps_records: bool = True

    def read(self, body: bytes, content_type: str, signal: str) -> Received:
        """Return a request of one signal as what is committed of it. Raise UnreadableBody when it is none."""
        received = SIGNALS[signal](body, content_type, self.dialects)
        kept = keep(received.records) if self.keeps_records else ()
        # What waits for its commit holds on to no more than is committed.
        return replace(received, batch=replace(received.batch, kept=kept), records=())


USUAL: Final = Reading()
