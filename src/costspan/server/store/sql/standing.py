"""Entries that stand: those that nothing took back. A reversal repeats all of its entry but when it was posted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from costspan.core.period import Period
from costspan.server.store.sql.conditions import naive
from costspan.server.store.sql.dialect import Dialect


def standing(
    within: str, values: Sequence[Any], *, as_of: datetime | None = None, table: str = "calls"
) -> tuple[str, list[Any]]:
    """Return the condition of the entries of a table that stand, or stood at a moment of the ledger, and its values.

    `within` is a condition, with its `values`, on what reversals repeat: what took an entry back is looked for within
    it, too, and not in all of the table.
    """
    posted, moment = ("", []) if as_of is None else (" AND posted_at <= ?", [as_of])
    taken_back = f"SELECT entry_id FROM {table} WHERE sign < 0{posted} AND {within}"
    return f"sign > 0{posted} AND {within} AND entry_id NOT IN ({taken_back})", [*moment, *values, *moment, *values]


def reach(dialect: Dialect, period: Period) -> tuple[str, list[Any]]:
    """Return a condition on when a call began that holds of all that counts in a period, and its values."""
    return dialect.reach, [naive(period.since), naive(period.until)] * (dialect.reach.count("?") // 2)
