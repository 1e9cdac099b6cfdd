"""Storing a request of which one record cannot be stored: halved until that one is alone, so that it goes alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from costspan.core.call import Call
from costspan.core.errors import StoreUnavailable
from costspan.core.record import MetricPoint
from costspan.server.store.entry import Batch

Record = TypeVar("Record", Call, MetricPoint)

MOST_TRIES: Final = 128
"""Commits for one request: enough for six records among five hundred, and a second or two for the others to wait."""
REASON: Final = "holds a value the ledger cannot hold"


def take_apart(take: Callable[[Batch], Sequence[bool | None]], batch: Batch) -> list[bool | None]:
    """Make durable, by `take`, what can be of a batch that it refuses as a whole. Raise StoreUnavailable as it does.

    Return for each call whether it was new, then for each point True; None for what cannot be stored.
    """
    tries = _Tries(take)
    tries.take(Batch(links=batch.links, tools=batch.tools))
    calls = tries.halved(batch.calls, lambda calls: Batch(calls=calls))
    points = tries.halved(batch.points, lambda points: Batch(points=points))
    gone = {call.identity for call, new in zip(batch.calls, calls, strict=True) if new is None}
    tries.take(Batch(kept=[record for record in batch.kept if record.identity not in gone]))
    return calls + points


@dataclass(slots=True)
class _Tries:
    of: Callable[[Batch], Sequence[bool | None]]
    left: int = MOST_TRIES

    def take(self, part: Batch) -> Sequence[bool | None] | None:
        """Return what became of the calls of a part, None where it cannot be stored."""
        self.left -= 1
        try:
            return self.of(part)
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is of this part
            return None

    def halved(self, records: Sequence[Record], batch_of: Callable[[Sequence[Record]], Batch]) -> list[bool | None]:
        """Return what became of each record, a point that was stored as new."""
        if not records:
            return []
        if self.left > 0 and (new := self.take(batch_of(records))) is not None:
            return list(new) or [True] * len(records)
        if self.left <= 0 or len(records) == 1:
            return [None] * len(records)
        middle = len(records) // 2
        return self.halved(records[:middle], batch_of) + self.halved(records[middle:], batch_of)
