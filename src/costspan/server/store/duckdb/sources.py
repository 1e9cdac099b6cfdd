"""On which signals a source was heard, and which of its lesser claims still count (accounting rule 5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.core.call import Call, Signal
from costspan.semconv.settlement.witness import Witness, is_unplaced
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.encoding import decode_call

_SIGNALS: Final = tuple(Signal)
_HEARD: Final = """
SELECT DISTINCT tenant, service, session, lower(split_part(model_sent, '/', -1)), signal
FROM (SELECT tenant, service, session, signal, unnest([response_model, requested_model]) AS model_sent FROM calls
      WHERE signal <> 'metric' AND coalesce(service, '') IN (SELECT service FROM sources)
      AND started_at BETWEEN ? AND ?)
"""
_LESSER: Final = """
SELECT r.call FROM records r WHERE r.key IN (
    SELECT key FROM calls
    WHERE span_id IS NULL AND role = 'owner' AND list_contains(?, signal)
    AND coalesce(service, '') IN (SELECT service FROM sources) AND started_at BETWEEN ? AND ?
    GROUP BY key HAVING sum(sign) > 0)
AND r.started_at BETWEEN ? AND ?
"""


def lesser_claims(connection: duckdb.DuckDBPyConnection, calls: Sequence[Call], times: list[datetime]) -> list[Call]:
    """Return the counted claims without a span, of the services of `calls`, on signals worse than theirs."""
    best = min((_SIGNALS.index(call.signal) for call in calls), default=len(_SIGNALS))
    lesser = [signal.value for signal in _SIGNALS[best + 1 :]]
    if not lesser:
        return []
    with registered(connection, "sources", _services(calls)):
        rows = connection.execute(_LESSER, [lesser, *times, *times]).fetchall()
    return [decode_call(encoded) for (encoded,) in rows]


def witnesses(
    connection: duckdb.DuckDBPyConnection, calls: Iterable[Call], times: list[datetime]
) -> frozenset[Witness]:
    """Return what the ledger heard of the services of those `calls` that hang in no span."""
    unplaced = [call for call in calls if is_unplaced(call)]
    if not unplaced:
        return frozenset()
    with registered(connection, "sources", _services(unplaced)):
        rows = connection.execute(_HEARD, times).fetchall()
    return frozenset(
        Witness(tenant, service, session, model or "", Signal(signal))
        for tenant, service, session, model, signal in rows
    )


def _services(calls: Iterable[Call]) -> dict[str, tuple[list[Any], DataType]]:
    return {"service": (sorted({call.attribution.service or "" for call in calls}), DataType.string())}
