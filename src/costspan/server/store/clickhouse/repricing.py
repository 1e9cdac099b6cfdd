"""A ledger on ClickHouse and re-pricing: every chunk of corrections is a posting, like any other.

A new entry is a copy of the one it corrects with another result, so everything else stays to the letter; undoing
copies the corrected entry back. What became of a run is a row more, of which the last stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from costspan.core.period import Period
from costspan.pricing.rate_card import RateCard
from costspan.server.store.clickhouse.asking import Tell, asking, asking_given, telling, with_given
from costspan.server.store.clickhouse.rollups import NEVER
from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.clickhouse.writer import Writer, micros
from costspan.server.store.columns import Kind
from costspan.server.store.corrected import (
    CORRECTED_KINDS,
    DECIDED,
    READ,
    Corrected,
    charge_lines,
    corrected_rows,
    judged,
)
from costspan.server.store.repricing import RepricingPlan, Run, Scope, UnpricedModel
from costspan.server.store.rows import CHARGE_KINDS
from costspan.server.store.sql import repricing_scan
from costspan.server.store.sql.conditions import naive
from costspan.server.store.sql.dialect import CLICKHOUSE, Given
from costspan.server.store.sql.repricing_runs import runs
from costspan.server.store.sql.standing import standing

_LATEST_RUNS: Final = "(SELECT * FROM reprice_runs ORDER BY posting DESC LIMIT 1 BY run_id)"
_RESTORED: Final = {"new_id": Kind.WHOLE, "old_id": Kind.WHOLE, "first_id": Kind.WHOLE}

# Names in REPLACE would mean what it makes of them, so all that is asked of a row is told by a query within.
_BOOKED: Final = (
    "CASE WHEN is_closed THEN ? ELSE line_booked_at END AS booked_at, "
    "CASE WHEN is_closed THEN formatDateTime(line_began_at, '%Y-%m') ELSE line_adjusts END AS adjusts"
)
_LINE: Final = (
    "booked_at AS line_booked_at, adjusts AS line_adjusts, started_at AS line_began_at, "
    "coalesce(booked_at, started_at) < ? AS is_closed"
)
_OF_LINE: Final = "line_booked_at, line_adjusts, line_began_at, is_closed"
_REVERSE_CALLS: Final = (
    f"INSERT INTO calls SELECT * EXCEPT ({_OF_LINE}) REPLACE (-1 AS sign, ? AS posting, ? AS posted_at, {_BOOKED}) "
    f"FROM (SELECT *, {_LINE} FROM calls WHERE sign > 0 AND entry_id IN (<ids>))"
)
_REVERSE_CHARGES: Final = (
    "INSERT INTO charges SELECT * REPLACE (-1 AS sign, ? AS posting, ? AS posted_at) "
    "FROM (SELECT * FROM charges WHERE sign > 0 AND entry_id IN (<ids>))"
)
_INSERT_CALLS: Final = (
    f"INSERT INTO calls <given>SELECT * EXCEPT ({_OF_LINE}, {', '.join(CORRECTED_KINDS)}) REPLACE "
    "(new_id AS entry_id, ? AS posting, ? AS posted_at, ? AS run_id, old_id AS corrects, NULL AS undoes, "
    f"? AS card_version, {', '.join(f'new_{name} AS {name}' for name in DECIDED)}, {_BOOKED}) FROM (SELECT * FROM "
    f"(SELECT *, {_LINE} FROM calls WHERE sign > 0 AND entry_id IN (<ids>)) AS c JOIN corrected ON entry_id = old_id)"
)
# The run's own lines say where they were booked; what they corrected comes back in the same place.
_RESTORE_CALLS: Final = (
    f"INSERT INTO calls <given>SELECT * EXCEPT ({_OF_LINE}, line_id, {', '.join(_RESTORED)}) REPLACE "
    f"(new_id AS entry_id, ? AS posting, ? AS posted_at, ? AS undoes, {_BOOKED}) FROM (SELECT * FROM "
    "(SELECT * FROM calls WHERE sign > 0 AND entry_id IN (<first>)) AS o JOIN corrected ON entry_id = first_id JOIN "
    f"(SELECT entry_id AS line_id, {_LINE} FROM calls WHERE sign > 0 AND entry_id IN (<ids>)) AS c ON line_id = old_id)"
)
_RESTORE_CHARGES: Final = (
    f"INSERT INTO charges <given>SELECT * EXCEPT ({', '.join(_RESTORED)}) REPLACE (new_id AS entry_id, ? AS posting, "
    "? AS posted_at) FROM (SELECT * FROM (SELECT * FROM charges WHERE sign > 0 AND entry_id IN (<first>)) AS o "
    "JOIN corrected ON entry_id = first_id)"
)


class ClickHouseRepricing:
    """The port `RepricingLedger` over one ledger. What writes raises StoreUnavailable where another process settles."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._store = store

    def unpriced(self, period: Period) -> Sequence[UnpricedModel]:
        """Return the models of `period` without a full price, the busiest first."""
        connection = self._store.connection
        return repricing_scan.unpriced(asking(connection, take_snapshot(connection)), CLICKHOUSE, period)

    def plan(self, card: RateCard, scope: Scope) -> RepricingPlan:
        """Return what `card` changes; nothing is written."""
        connection = self._store.connection
        return repricing_scan.plan(asking_given(connection, take_snapshot(connection)), CLICKHOUSE, card, scope)

    def runs(self) -> Sequence[Run]:
        """Return every run, the latest first."""
        connection = self._store.connection
        return runs(asking(connection, take_snapshot(connection)), CLICKHOUSE, _LATEST_RUNS)

    def put_run(self, run: Run) -> None:
        """Record a run, or what became of it."""
        self._store.tend(lambda writer: _put_run(writer, run))

    def correct(self, run_id: str, card: RateCard, entry_ids: Sequence[int], closed_before: datetime | None) -> int:
        """Correct those of `entry_ids` that still stand, in one commit."""
        return self._store.tend(lambda writer: _correct(writer, run_id, card, entry_ids, _closed(closed_before)))

    def undo(self, run_id: str, most: int, closed_before: datetime | None) -> int:
        """Restore up to `most` entries that a run corrected, in one commit."""
        return self._store.tend(lambda writer: _undo(writer, run_id, most, _closed(closed_before)))


def _put_run(writer: Writer, run: Run) -> None:
    said: dict[str, list[Any]] = {
        "run_id": [run.run_id],
        "card_version": [run.card_version],
        "scope": [run.scope],
        "state": [run.state.value],
        "started_at": [micros(naive(run.started_at))],
        "finished_at": [micros(naive(run.finished_at)) if run.finished_at else None],
    }
    writer.post(lambda posting: writer.connection.insert("reprice_runs", {"posting": [posting], **said}))


def _correct(writer: Writer, run_id: str, card: RateCard, entry_ids: Sequence[int], closed: datetime) -> int:
    changed = judged(_standing(writer, entry_ids), card)
    if not changed:
        return 0
    ids = writer.new_ids(len(changed))
    entries = [Corrected(new_id, *each) for new_id, each in zip(ids, changed, strict=True)]
    given = with_given({"corrected": Given(CORRECTED_KINDS, corrected_rows(entries))})
    old, charges = _listed(entry.row["entry_id"] for entry in entries), charge_lines(entries)

    def add(posting: int) -> None:
        tell, moment = telling(writer.connection, writer.snapshot), writer.now
        _reverse(tell, posting, moment, old, closed)
        insert = _INSERT_CALLS.replace("<ids>", old).replace("<given>", given)
        tell(insert, [posting, moment, run_id, card.version, moment, closed], f"corrected-{posting}")
        if charges:
            columns = dict(zip(CHARGE_KINDS, zip(*charges, strict=True), strict=True))
            rows = len(charges)
            numbered = {"posting": [posting] * rows, "sign": [1] * rows, "posted_at": [micros(moment)] * rows}
            writer.connection.insert("charges", {**numbered, **columns})

    writer.post(add)
    return len(entries)


def _undo(writer: Writer, run_id: str, most: int, closed: datetime) -> int:
    stands, values = standing("run_id = ?", [run_id])
    ask = asking(writer.connection, writer.snapshot)
    rows = ask(f"SELECT entry_id, corrects FROM calls WHERE {stands} ORDER BY entry_id LIMIT {int(most)}", values)
    if not rows:
        return 0
    ids = writer.new_ids(len(rows))
    given = with_given({"corrected": Given(_RESTORED, [(new, *row) for new, row in zip(ids, rows, strict=True)])})
    old, first = (_listed(column) for column in zip(*rows, strict=True))

    def add(posting: int) -> None:
        tell, moment = telling(writer.connection, writer.snapshot), writer.now
        _reverse(tell, posting, moment, old, closed)
        restore = _RESTORE_CALLS.replace("<ids>", old).replace("<first>", first).replace("<given>", given)
        tell(restore, [posting, moment, run_id, moment, closed], f"restored-{posting}")
        restore = _RESTORE_CHARGES.replace("<first>", first).replace("<given>", given)
        tell(restore, [posting, moment], f"restored-charges-{posting}")

    writer.post(add)
    return len(rows)


def _reverse(tell: Tell, posting: int, moment: datetime, ids: str, closed: datetime) -> None:
    tell(_REVERSE_CALLS.replace("<ids>", ids), [posting, moment, moment, closed], f"taken-back-{posting}")
    tell(_REVERSE_CHARGES.replace("<ids>", ids), [posting, moment], f"taken-back-charges-{posting}")


def _standing(writer: Writer, entry_ids: Sequence[int]) -> list[dict[str, Any]]:
    stands, _ = standing(f"entry_id IN ({_listed(entry_ids)})", ())
    ask = asking(writer.connection, writer.snapshot)
    found = ask(f"SELECT {', '.join(READ)} FROM calls WHERE {stands} ORDER BY entry_id", ())
    return [dict(zip(READ, row, strict=True)) for row in found]


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(str(int(each)) for each in ids)


def _closed(closed_before: datetime | None) -> datetime:
    return NEVER if closed_before is None else naive(closed_before)
