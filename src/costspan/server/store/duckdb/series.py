"""What cumulative metric series had counted at their last point: kept with the ledger, replaced and not appended."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import duckdb
from arro3.core import DataType

from costspan.semconv.metrics import MetricState, Seen
from costspan.server.store.duckdb.arrow import registered

_FORGOTTEN: Final = ""
"""The row that keeps `forgotten_ns`; no series is named so."""


def load(connection: duckdb.DuckDBPyConnection) -> MetricState:
    """Return the state as it was committed."""
    rows = connection.execute("SELECT series, start_ns, time_ns, value, requests FROM metric_series").fetchall()
    series = {row[0]: Seen(*row[1:]) for row in rows}
    forgotten = series.pop(_FORGOTTEN, None)
    return MetricState(MappingProxyType(series), forgotten.time_ns if forgotten else 0)


def save(connection: duckdb.DuckDBPyConnection, before: MetricState, after: MetricState) -> None:
    """Bring the table from `before` to `after`, within the caller's transaction."""
    changed = {key: seen for key, seen in after.series.items() if before.series.get(key) != seen}
    if after.forgotten_ns != before.forgotten_ns:
        changed[_FORGOTTEN] = Seen(0, after.forgotten_ns, 0, 0)
    gone = [*(before.series.keys() - after.series.keys()), *changed]
    with registered(connection, "gone", {"series": (gone, DataType.string())}):
        connection.execute("DELETE FROM metric_series WHERE series IN (SELECT series FROM gone)")
    columns = {"series": (list(changed), DataType.string())} | {
        name: ([getattr(seen, name) for seen in changed.values()], DataType.int64()) for name in Seen._fields
    }
    with registered(connection, "changed", columns):
        connection.execute("INSERT INTO metric_series SELECT series, start_ns, time_ns, value, requests FROM changed")
