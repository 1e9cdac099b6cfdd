"""Records from before the time the ledger still knows one by one: refused, since they could be counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from costspan.core.call import Call
from costspan.core.clock import ns_from_utc
from costspan.core.link import Link
from costspan.core.tool import ToolUse
from costspan.server.pipeline.signals import Received
from costspan.server.store.entry import Batch, KeptRecord

REASON: Final = "began before the time calls are kept (retention)"

Record = TypeVar("Record", Call, Link, ToolUse, KeptRecord)


def without_forgotten(received: Received, kept_since: datetime | None) -> Received:
    """Return the request without what began before `kept_since`; calls among it are counted as refused."""
    if kept_since is None:
        return received
    batch = since(received.batch, kept_since)
    gone = len(received.batch.calls) - len(batch.calls)
    return replace(received, batch=batch, refused=received.refused + Counter({REASON: gone} if gone else {}))


def since(batch: Batch, kept_since: datetime) -> Batch:
    """Return a batch without what began before `kept_since`."""
    since_ns = ns_from_utc(kept_since)
    return replace(
        batch,
        calls=_since(batch.calls, since_ns),
        links=_since(batch.links, since_ns),
        tools=_since(batch.tools, since_ns),
        kept=_since(batch.kept, since_ns),
    )


def _since(records: Sequence[Record], since_ns: int) -> list[Record]:
    return [record for record in records if record.started_at_ns >= since_ns]
