"""What a question asks about, as SQL conditions on rows; and moments as the tables keep them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from costspan.core.period import Period
from costspan.server.store.question import Filter
from costspan.server.store.sql.dialect import Dialect

_STARTED: Final = "started_at >= ? AND started_at < ?"
# A correction of a closed month counts on the day it was booked (accounting rule 9).
_COUNTED: Final = f"(booked_at IS NULL AND {_STARTED} OR booked_at >= ? AND booked_at < ?)"


def conditions(
    dialect: Dialect, period: Period, filters: Sequence[Filter], *, booked: bool = True
) -> tuple[str, list[Any]]:
    """Return what keeps the rows of a period that pass the filters, as SQL, and its values.

    `booked` is for rows of `calls`, which may count on another day than they began.
    """
    passing, values = passes(dialect, filters)
    times = [naive(period.since), naive(period.until)] * (2 if booked else 1)
    return " AND ".join([_COUNTED if booked else _STARTED, *passing]), [*times, *values]


def passes(dialect: Dialect, filters: Sequence[Filter]) -> tuple[list[str], list[Any]]:
    """Return the clauses that keep rows which pass `filters`, and their values."""
    clauses, values = [], []
    for key in dict.fromkeys(chosen.key for chosen in filters):
        chosen_here = [chosen for chosen in filters if chosen.key == key]
        for alternatives in ([f for f in chosen_here if not f.excludes], *([f] for f in chosen_here if f.excludes)):
            if alternatives:
                clause, used = _alternatives(dialect.column(key), alternatives)
                clauses.append(clause)
                values += used
    return clauses, values


def _alternatives(expression: str, filters: list[Filter]) -> tuple[str, list[Any]]:
    if filters[0].excludes:
        return f"({expression} IS DISTINCT FROM ?)", [filters[0].value]
    # Equality is checked while the table is read, IS NOT DISTINCT FROM afterwards.
    values = [chosen.value for chosen in filters if chosen.value is not None]
    clauses = [f"{expression} IN ({', '.join('?' for _ in values)})"] if values else []
    clauses += [f"{expression} IS NULL"] if len(values) < len(filters) else []
    return f"({' OR '.join(clauses)})", values


def naive(moment: datetime) -> datetime:
    """Return an aware moment as the ledger's TIMESTAMP, which is UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def utc(moment: datetime) -> datetime:
    """Return a TIMESTAMP of the ledger as an aware moment."""
    return moment.replace(tzinfo=UTC)
