"""Posting what re-pricing changes: reversals and new entries, chunk by chunk, each chunk one commit.

A new entry is a copy of the one it corrects with another result, so everything else stays to the letter; undoing
copies the corrected entry back. Nothing is updated but the state of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.pricing.rate_card import RateCard
from costspan.server.store.corrected import (
    CORRECTED_KINDS,
    DECIDED,
    READ,
    Corrected,
    charge_lines,
    corrected_rows,
    judged,
)
from costspan.server.store.duckdb.arrow import registered, registered_rows
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.repricing import Run
from costspan.server.store.sql.standing import standing

_WANTED: Final = "entry_id IN (SELECT wanted_id FROM wanted_entries)"
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
    + ", ".join(f"b.new_{name} AS {name}" for name in DECIDED)
    + f", {_BOOKED}) FROM calls c JOIN corrected b ON c.entry_id = b.old_id WHERE c.sign > 0"
)
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
_NEVER: Final = datetime(1, 1, 1)  # noqa: DTZ001 - as the tables keep moments: UTC, without a zone


def correct(
    writer: Writer, run_id: str, card: RateCard, entry_ids: Sequence[int], closed_before: datetime | None
) -> int:
    """Correct those of `entry_ids` that stand and have another result under `card`; return how many."""
    changed = judged(_standing(writer.connection, entry_ids), card)
    if not changed:
        return 0
    ids = writer.new_entry_ids(len(changed))
    entries = [Corrected(new_id, *each) for new_id, each in zip(ids, changed, strict=True)]
    connection = writer.connection
    with (
        registered_rows(connection, "corrected", CORRECTED_KINDS, corrected_rows(entries)),
        writer.transaction() as moment,
    ):
        where = {"moment": moment, "closed": _closed(closed_before)}
        connection.execute(_REVERSE_CALLS, where)
        connection.execute(_REVERSE_CHARGES, {"moment": moment})
        connection.execute(_INSERT_CALLS, where | {"run_id": run_id, "card": card.version})
        writer.insert_charges(charge_lines(entries), moment)
    return len(entries)


def undo(writer: Writer, run_id: str, most: int, closed_before: datetime | None) -> int:
    """Restore up to `most` entries that `run_id` corrected and that nothing corrected since; return how many."""
    connection = writer.connection
    stands, values = standing("run_id = ?", [run_id])
    rows = connection.execute(
        f"SELECT entry_id, corrects FROM calls WHERE {stands} ORDER BY entry_id LIMIT ?", [*values, most]
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


def _closed(closed_before: datetime | None) -> datetime:
    return _NEVER if closed_before is None else closed_before.astimezone(UTC).replace(tzinfo=None)


def _standing(connection: duckdb.DuckDBPyConnection, entry_ids: Sequence[int]) -> list[dict[str, Any]]:
    stands, _ = standing(_WANTED, ())
    with registered(connection, "wanted_entries", {"wanted_id": (entry_ids, DataType.int64())}):
        found = connection.execute(f"SELECT {', '.join(READ)} FROM calls WHERE {stands} ORDER BY entry_id").fetchall()
    return [dict(zip(READ, row, strict=True)) for row in found]
