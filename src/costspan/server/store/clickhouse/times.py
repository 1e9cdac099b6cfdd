"""The stretch of time around a batch in which records are settled together, as queries bind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from costspan.core.clock import NS_PER_S
from costspan.server.store.entry import Batch
from costspan.server.store.ports import SETTLING_WINDOW

WITHIN: Final = (
    "started_at BETWEEN fromUnixTimestamp64Micro({start_us:Int64}, 'UTC') "
    "AND fromUnixTimestamp64Micro({end_us:Int64}, 'UTC')"
)


def around(batch: Batch) -> Mapping[str, int]:
    """Return what `WITHIN` is bound to: the settling window around the starts of a batch's records."""
    starts_ns = [record.started_at_ns for record in batch.records]
    window_ns = int(SETTLING_WINDOW.total_seconds()) * NS_PER_S
    return {"start_us": (min(starts_ns) - window_ns) // 1000, "end_us": (max(starts_ns) + window_ns) // 1000}
