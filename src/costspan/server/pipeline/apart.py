"""Storing a request of which one record cannot be stored: halved until that one is alone, so that it goes alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from costspan.core.call import Call
from costspan.core.errors import StoreUnavailable
from costspan.core.link import Link
from costspan.core.record import MetricPoint
from costspan.core.tool import ToolUse
from costspan.server.store.entry import Batch

Record = TypeVar("Record", Call, Link, MetricPoint, ToolUse)
Take = Callable[[Batch], Sequence[bool]]

MOST_TRIES: Final = 128
"""Commits for one request: enough for six records among five hundred, and a second or two for the others to wait."""
REASON: Final = "holds a value the ledger cannot hold"


@dataclass(frozen=True, slots=True)
class Apart:
    """What became of a batch: for each call whether it was new, None where it was refused; and all that was refused."""

    new: Sequence[bool | None]
    refused: Batch
    stored_any: bool

    @property
    def refused_elsewhere(self) -> int:
        """How many spans and points were refused beside the calls; a tool is of a span that is a link or a call."""
        calls = {call.identity for call in self.refused.calls}
        links, tools = ({record.identity for record in part} for part in (self.refused.links, self.refused.tools))
        return len((links | tools) - calls) + len(self.refused.points)


def take_apart(take: Take, batch: Batch) -> Apart:
    """Make durable, by `take`, what can be of a batch that it refuses as a whole. Raise StoreUnavailable as it does."""
    tries = _Tries(take)
    links = tries.halved(batch.links, lambda part: Batch(links=part))
    calls = tries.halved(batch.calls, lambda part: Batch(calls=part))
    points = tries.halved(batch.points, lambda part: Batch(points=part))
    tools = tries.halved(batch.tools, lambda part: Batch(tools=part))
    refused = Batch(
        _refused(batch.calls, calls),
        _refused(batch.links, links),
        _refused(batch.points, points),
        _refused(batch.tools, tools),
    )
    gone = {record.identity for record in refused.records}
    tries.take(Batch(kept=[record for record in batch.kept if record.identity not in gone]))
    return Apart(calls, refused, any(was is not None for was in (*calls, *links, *points, *tools)))


def _refused(records: Sequence[Record], new: Sequence[bool | None]) -> list[Record]:
    return [record for record, was in zip(records, new, strict=True) if was is None]


@dataclass(slots=True)
class _Tries:
    of: Take
    left: int = MOST_TRIES

    def take(self, part: Batch) -> Sequence[bool] | None:
        """Return what became of the calls of a part, None where it cannot be stored."""
        self.left -= 1
        try:
            return self.of(part)
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is of this part
            return None

    def halved(self, records: Sequence[Record], batch_of: Callable[[Sequence[Record]], Batch]) -> list[bool | None]:
        """Return what became of each record, one that is no call and was stored as new."""
        if not records:
            return []
        if self.left > 0 and (new := self.take(batch_of(records))) is not None:
            return list(new) or [True] * len(records)
        if self.left <= 0 or len(records) == 1:
            return [None] * len(records)
        middle = len(records) // 2
        return self.halved(records[:middle], batch_of) + self.halved(records[middle:], batch_of)
