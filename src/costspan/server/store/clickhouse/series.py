"""What cumulative metric series had counted at their last point: appended, the newest row of a series stands."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from costspan.semconv.metrics import MetricState, Seen
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.snapshot import Snapshot

_FORGOTTEN: Final = ""
"""The row that keeps `forgotten_ns`; no series is named so."""
_NEWEST: Final = (
    "SELECT series, start_ns, time_ns, value, requests FROM ("
    "SELECT * FROM metric_series ORDER BY series, posting DESC LIMIT 1 BY series) WHERE NOT gone"
)


def load(connection: Connection, snapshot: Snapshot) -> MetricState:
    """Return the state as it was committed."""
    rows = connection.rows(_NEWEST, settings=snapshot.settings)
    series = {row[0]: Seen(*row[1:]) for row in rows}
    forgotten = series.pop(_FORGOTTEN, None)
    return MetricState(MappingProxyType(series), forgotten.time_ns if forgotten else 0)


def columns(before: MetricState, after: MetricState) -> dict[str, list[Any]]:
    """Return the rows that bring the table from `before` to `after`, as columns."""
    changed = {key: seen for key, seen in after.series.items() if before.series.get(key) != seen}
    if after.forgotten_ns != before.forgotten_ns:
        changed[_FORGOTTEN] = Seen(0, after.forgotten_ns, 0, 0)
    gone = [key for key in before.series if key not in after.series]
    return {
        "series": [*changed, *gone],
        **{name: [*(getattr(seen, name) for seen in changed.values()), *(0 for _ in gone)] for name in Seen._fields},
        "gone": [*(False for _ in changed), *(True for _ in gone)],
    }
