"""On which signals a source was heard, and which of its lesser claims still count (accounting rule 5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from costspan.core.call import Call, Signal
from costspan.semconv.settlement.witness import Witness, is_unplaced
from costspan.server.store.clickhouse.connection import Connection, hex_set
from costspan.server.store.clickhouse.snapshot import Snapshot
from costspan.server.store.clickhouse.times import WITHIN
from costspan.server.store.encoding import decode_call

_SIGNALS: Final = tuple(Signal)
_HEARD: Final = f"""
SELECT DISTINCT tenant, service, session, lower(splitByChar('/', ifNull(model_sent, ''))[-1]), signal
FROM (SELECT tenant, service, session, signal, arrayJoin([response_model, requested_model]) AS model_sent FROM calls
      WHERE signal <> 'metric' AND ifNull(service, '') IN <services> AND {WITHIN})
"""
_LESSER: Final = f"""
SELECT call FROM records WHERE call IS NOT NULL AND {WITHIN} AND key IN (
    SELECT key FROM calls
    WHERE span_id IS NULL AND role = 'owner' AND signal IN <lesser>
    AND ifNull(service, '') IN <services> AND {WITHIN}
    GROUP BY key HAVING sum(sign) > 0)
"""


def lesser_claims(
    connection: Connection, snapshot: Snapshot, calls: Sequence[Call], times: Mapping[str, int]
) -> list[Call]:
    """Return the counted claims without a span, of the services of `calls`, on signals worse than theirs."""
    best = min((_SIGNALS.index(call.signal) for call in calls), default=len(_SIGNALS))
    lesser = [signal.value.encode() for signal in _SIGNALS[best + 1 :]]
    if not lesser:
        return []
    query = _LESSER.replace("<lesser>", hex_set(lesser)).replace("<services>", _services(calls))
    rows = connection.rows(query, times, settings=snapshot.settings, as_bytes=("call",))
    return [decode_call(encoded) for (encoded,) in rows]


def witnesses(
    connection: Connection, snapshot: Snapshot, calls: Iterable[Call], times: Mapping[str, int]
) -> frozenset[Witness]:
    """Return what the ledger heard of the services of those `calls` that hang in no span."""
    unplaced = [call for call in calls if is_unplaced(call)]
    if not unplaced:
        return frozenset()
    query = _HEARD.replace("<services>", _services(unplaced))
    rows = connection.rows(query, times, settings=snapshot.settings)
    return frozenset(
        Witness(tenant, service, session, model or "", Signal(signal))
        for tenant, service, session, model, signal in rows
    )


def _services(calls: Iterable[Call]) -> str:
    return hex_set({(call.attribution.service or "").encode() for call in calls})
