"""Posting what re-pricing changes: reversals and new entries, chunk by chunk, each chunk one commit.

A new entry is a copy of the one it corrects with another result, so everything else stays to the letter; undoing
copies the corrected entry back. Nothing is updated but the state of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.core.call import Role
from costspan.core.charge import PricedUsage
from costspan.core.clock import ns_from_utc
from costspan.pricing.rate_card import RateCard
from costspan.semconv.sampling import AdjustedCount
from costspan.server.store.duckdb.arrow import registered, registered_rows
from costspan.server.store.duckdb.priced_call import PRICING_COLUMNS, RESULTS, results, verdict
from costspan.server.store.duckdb.repricing_scan import STANDING
from costspan.server.store.duckdb.writer import INSERT_CHARGES, Writer
from costspan.server.store.repricing import Run, RunState
from costspan.server.store.rows import CHARGE_KINDS, lines

_TEXTS: Final = ("price_status", "provider", "model", "price_reason", "rate_id", "matched_by")
_DECIDED: Final = (*RESULTS, "estimated_cost", "price_reason", "rate_id", "matched_by")
_READ: Final = ("entry_id", "role", "kept", "kept_of", *PRICING_COLUMNS, *RESULTS)

# Where the entry counts in a closed period both lines are booked now; elsewhere they count where the entry did.
_CLOSED: Final = "coalesce(c.booked_at, c.started_at) < $closed"
_BOOKED: Final = (
    f"CASE WHEN {_CLOSED} THEN $moment ELSE c.booked_at END AS booked_at, "
    f"CASE WHEN {_CLOSED} THEN strftime(c.started_at, '%Y-%m') ELSE c.adjusts END AS adjusts"
)
_REVERSE_CALLS: Final = (
    f"INSERT INTO calls SELECT c.* REPLACE (-1 AS sign, $moment AS posted_at, {_BOOKED}) FROM calls c "
    "WHERE c.sign > 0 AND c.entry_id IN (SELECT old_id FROM corrected)"
)
_REVERSE_CHARGES: Final = (
    "INSERT INTO charges SELECT c.* REPLACE (-1 AS sign, $moment AS posted_at) FROM charges c "
    "WHERE c.sign > 0 AND c.entry_id IN (SELECT old_id FROM corrected)"
)
_INSERT_CALLS: Final = (
    "INSERT INTO calls SELECT c.* REPLACE (b.new_id AS entry_id, $moment AS posted_at, $run_id AS run_id, "
    "b.old_id AS corrects, NULL AS undoes, $card AS card_version, "
    + ", ".join(f"b.new_{name} AS {name}" for name in _DECIDED)
    + f", {_BOOKED}) FROM calls c JOIN corrected b ON c.entry_id = b.old_id WHERE c.sign > 0"
)
_STANDING_OF_RUN: Final = f"run_id = ? AND {STANDING}"
# The run's own lines say where they were booked; what they corrected comes back in the same place.
_RESTORE_CALLS: Final = (
    f"INSERT INTO calls SELECT o.* REPLACE (b.new_id AS entry_id, $moment AS posted_at, $run_id AS undoes, {_BOOKED}) "
    "FROM corrected b "
    "JOIN calls o ON o.entry_id = b.first_id AND o.sign > 0 JOIN calls c ON c.entry_id = b.old_id AND c.sign > 0"
)
_RESTORE_CHARGES: Final = (
    "INSERT INTO charges SELECT o.* REPLACE (b.new_id AS entry_id, $moment AS posted_at) FROM charges o "
    "JOIN corrected b ON o.entry_id = b.first_id WHERE o.sign > 0"
)
_RUNS: Final = f"""SELECT r.run_id, r.card_version, r.scope, r.state, r.started_at, r.finished_at,
  count(n.entry_id) FILTER (n.undoes IS NULL), count(n.entry_id) FILTER (n.stands),
  (SELECT count(*) FROM calls b WHERE b.sign > 0 AND b.undoes = r.run_id),
  coalesce(sum(coalesce(n.cost, 0) - coalesce(o.cost, 0)) FILTER (n.undoes IS NULL AND n.role = '{Role.OWNER}'), 0)
FROM reprice_runs r
LEFT JOIN (SELECT *, entry_id NOT IN (SELECT entry_id FROM calls WHERE sign < 0) AS stands FROM calls
  WHERE sign > 0 AND run_id IS NOT NULL) n ON n.run_id = r.run_id
LEFT JOIN (SELECT entry_id, cost FROM calls WHERE sign > 0) o ON o.entry_id = n.corrects
GROUP BY ALL ORDER BY r.started_at DESC, r.run_id DESC"""
_MOST: Final = 2**63 - 1
"""What a column holds: an estimate beyond 9.2 million dollars for one call says its sampling wrong."""
_NEVER: Final = datetime(1, 1, 1)  # noqa: DTZ001 - as the tables keep moments: UTC, without a zone


@dataclass(frozen=True, slots=True)
class _Corrected:
    """One entry with its verdict, and the id of the entry that replaces it."""

    new_id: int
    row: dict[str, Any]
    priced: PricedUsage


def correct(
    writer: Writer, run_id: str, card: RateCard, entry_ids: Sequence[int], closed_before: datetime | None
) -> int:
    """Correct those of `entry_ids` that stand and have another result under `card`; return how many."""
    judged = [(row, verdict(row, card)) for row in _standing(writer.connection, entry_ids)]
    changed = [(row, priced) for row, priced in judged if results(priced, row) != {name: row[name] for name in RESULTS}]
    if not changed:
        return 0
    ids = writer.new_entry_ids(len(changed))
    entries = [_Corrected(new_id, *each) for new_id, each in zip(ids, changed, strict=True)]
    connection = writer.connection
    with (
        registered(connection, "corrected", _corrected_columns(entries)),
        registered_rows(connection, "charge_batch", CHARGE_KINDS, _charge_rows(entries)),
        writer.transaction() as moment,
    ):
        where = {"moment": moment, "closed": _closed(closed_before)}
        connection.execute(_REVERSE_CALLS, where)
        connection.execute(_REVERSE_CHARGES, {"moment": moment})
        connection.execute(_INSERT_CALLS, where | {"run_id": run_id, "card": card.version})
        connection.execute(INSERT_CHARGES, [moment])
    return len(entries)


def undo(writer: Writer, run_id: str, most: int, closed_before: datetime | None) -> int:
    """Restore up to `most` entries that `run_id` corrected and that nothing corrected since; return how many."""
    connection = writer.connection
    rows = connection.execute(
        f"SELECT entry_id, corrects FROM calls WHERE {_STANDING_OF_RUN} ORDER BY entry_id LIMIT ?", [run_id, most]
    ).fetchall()
    if not rows:
        return 0
    old, first = zip(*rows, strict=True)
    whole = DataType.int64()
    columns = {"new_id": (writer.new_entry_ids(len(rows)), whole), "old_id": (old, whole), "first_id": (first, whole)}
    with registered(connection, "corrected", columns), writer.transaction() as moment:
        where = {"moment": moment, "closed": _closed(closed_before)}
        connection.execute(_REVERSE_CALLS, where)
        connection.execute(_REVERSE_CHARGES, {"moment": moment})
        connection.execute(_RESTORE_CALLS, where | {"run_id": run_id})
        connection.execute(_RESTORE_CHARGES, {"moment": moment})
    return len(rows)


def put_run(writer: Writer, run: Run) -> None:
    """Record a run, or what became of it."""
    finished = run.finished_at.astimezone(UTC).replace(tzinfo=None) if run.finished_at else None
    started = run.started_at.astimezone(UTC).replace(tzinfo=None)
    with writer.transaction():
        writer.connection.execute(
            "INSERT OR REPLACE INTO reprice_runs VALUES (?, ?, ?, ?, ?, ?)",
            [run.run_id, run.card_version, run.scope, run.state.value, started, finished],
        )


def runs(connection: duckdb.DuckDBPyConnection) -> list[Run]:
    """Return every run, the latest first."""
    return [
        Run(
            run_id=run_id,
            card_version=card_version,
            scope=scope,
            state=RunState(state),
            started_at=started_at.replace(tzinfo=UTC),
            finished_at=finished_at.replace(tzinfo=UTC) if finished_at else None,
            corrected=corrected,
            standing=standing,
            restored=restored,
            difference=difference,
        )
        for run_id, card_version, scope, state, started_at, finished_at, corrected, standing, restored, difference in (
            connection.execute(_RUNS).fetchall()
        )
    ]


def _closed(closed_before: datetime | None) -> datetime:
    return _NEVER if closed_before is None else closed_before.astimezone(UTC).replace(tzinfo=None)


def _standing(connection: duckdb.DuckDBPyConnection, entry_ids: Sequence[int]) -> list[dict[str, Any]]:
    with registered(connection, "wanted_entries", {"wanted_id": (entry_ids, DataType.int64())}):
        answer = connection.execute(
            f"SELECT {', '.join(dict.fromkeys(_READ))} FROM calls "
            f"WHERE entry_id IN (SELECT wanted_id FROM wanted_entries) AND {STANDING} ORDER BY entry_id"
        )
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _corrected_columns(entries: Sequence[_Corrected]) -> dict[str, tuple[list[Any], DataType]]:
    decided = [_decided(entry) for entry in entries]
    columns: dict[str, tuple[list[Any], DataType]] = {
        "new_id": ([entry.new_id for entry in entries], DataType.int64()),
        "old_id": ([entry.row["entry_id"] for entry in entries], DataType.int64()),
    }
    for name in _DECIDED:
        kind = DataType.string() if name in _TEXTS else DataType.int64()
        columns[f"new_{name}"] = ([each[name] for each in decided], kind)
    return columns


def _decided(entry: _Corrected) -> dict[str, Any]:
    priced, kept, of = entry.priced, entry.row["kept"], entry.row["kept_of"]
    rate = priced.rate
    estimate = AdjustedCount(kept, of).times(priced.cost) if kept and priced.cost is not None else None
    return results(priced, entry.row) | {
        "estimated_cost": estimate if estimate is None or estimate <= _MOST else None,
        "price_reason": priced.reason,
        "rate_id": rate.rate_id if rate else None,
        "matched_by": rate.matched_by if rate else None,
    }


def _charge_rows(entries: Sequence[_Corrected]) -> list[tuple[Any, ...]]:
    return [
        line
        for entry in entries
        if entry.row["role"] == Role.OWNER
        for line in lines(
            entry.new_id,
            ns_from_utc(entry.row["started_at"].replace(tzinfo=UTC)) // 1000,
            entry.priced.charges,
        )
    ]
