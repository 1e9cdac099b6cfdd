"""The embedded ledger's side of forwarding: kept records are the queue, a mark per target is all that is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import duckdb
from arro3.core import DataType

from costspan.core.attribution import DIMENSIONS, Attribution
from costspan.core.call import Role
from costspan.server.store.calls import RecordPlace
from costspan.server.store.duckdb import kept, rollups
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.entry import KeptRecord, key_text_of
from costspan.server.store.forward import Told
from costspan.server.store.sql.conditions import naive, utc

_MARK: Final = "forwarded to "
_CLASSES: Final = ("input", "cache_read", "cache_write", "output", "fee")
_NEXT: Final = "SELECT min(received_at) FROM received WHERE received_at > ? AND received_at <= ?"
_FACTS: Final = ("role", "price_status", "rate_id", "cost", *(f"{name}_cost" for name in _CLASSES), *DIMENSIONS)
_TOLD: Final = f"""
WITH here AS (SELECT * FROM calls WHERE key IN (SELECT value::UUID FROM wanted)),
standing AS (SELECT * FROM here WHERE sign > 0
  AND entry_id NOT IN (SELECT entry_id FROM here WHERE sign < 0))
SELECT s.key, o.trace_id, o.span_id, s.tags, {", ".join(f"s.{name}" for name in _FACTS)} FROM standing s
LEFT JOIN (SELECT key, any_value(trace_id) AS trace_id, any_value(span_id) AS span_id FROM calls
  WHERE key IN (SELECT owner_key FROM standing) GROUP BY key) o ON o.key = s.owner_key
"""


class DuckDBForward:
    """The port `ForwardLedger` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def newest(self) -> datetime | None:
        """Return when the latest records were received."""

        def ask(connection: duckdb.DuckDBPyConnection) -> datetime | None:
            [(latest,)] = connection.execute("SELECT max(received_at) FROM received").fetchall()
            return utc(latest) if latest else None

        return self._store.look(ask)

    def received_after(self, after: datetime, until: datetime) -> tuple[datetime, Sequence[KeptRecord]] | None:
        """Return the records that came next after a moment, and when."""

        def ask(connection: duckdb.DuckDBPyConnection) -> tuple[datetime, Sequence[KeptRecord]] | None:
            [(moment,)] = connection.execute(_NEXT, [naive(after), naive(until)]).fetchall()
            return None if moment is None else (utc(moment), kept.received_at(connection, moment))

        return self._store.look(ask)

    def told(self, identities: Sequence[str]) -> Mapping[str, Told]:
        """Return what stands for records now, by identity."""
        keys = {key: identity for identity in identities if (key := key_text_of(identity))}

        def ask(connection: duckdb.DuckDBPyConnection) -> Mapping[str, Told]:
            with registered(connection, "wanted", {"value": (list(keys), DataType.string())}):
                rows = connection.execute(_TOLD).fetchall()
            return {keys[row[0].hex]: _told(row) for row in rows}

        return self._store.look(ask) if keys else {}

    def mark(self, target: str) -> datetime | None:
        """Return up to when records went to a target."""
        found = self._store.look(lambda connection: rollups.mark(connection, _MARK + target))
        return utc(found) if found else None

    def set_mark(self, target: str, at: datetime) -> None:
        """Note, durably, up to when records went to a target."""

        def act(writer: Writer) -> None:
            with writer.transaction():
                rollups.set_mark(writer.connection, _MARK + target, naive(at))

        self._store.tend(act)


def _told(row: tuple[object, ...]) -> Told:
    _, trace_id, span_id, tags, *rest = row
    facts = dict(zip(_FACTS, rest, strict=True))
    owner = RecordPlace(
        trace_id.hex if isinstance(trace_id, UUID) else None, f"{span_id:016x}" if isinstance(span_id, int) else None
    )
    costs = {name: cost for name in _CLASSES if isinstance(cost := facts[f"{name}_cost"], int)}
    return Told(
        role=Role(str(facts["role"])),
        owner=owner if owner.span_id else None,
        price_status=str(facts["price_status"]),
        rate_id=_text(facts["rate_id"]),
        cost=cost if isinstance(cost := facts["cost"], int) else None,
        costs=costs,
        attribution=Attribution(
            **{name: _text(facts[name]) for name in DIMENSIONS}, tags=dict(tags) if isinstance(tags, Mapping) else {}
        ),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
