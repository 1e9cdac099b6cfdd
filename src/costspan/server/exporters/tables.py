"""Words for a table that is wanted: the parameters of `/api/v1/export`, which the command line uses too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from costspan.core.errors import UsageError
from costspan.core.period import iso, parse_moment, parse_period
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.spend import parse_filter
from costspan.server.exporters.focus import write_focus
from costspan.server.store.export import Form, Stretch, Table, TableSource, Wanted

FOCUS: Final = "focus"
"""A table made of charges, in the words of the FinOps Foundation's specification."""
PARAMETERS: Final = ("table", "format", "since", "until", "filter", "as_of", "posted_after", "posted_to")
MOST_ENTRIES: Final = 1_000_000
"""Entries of one stretch of postings that may be asked for."""

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for: a table of the ledger, or FOCUS rows of its charges, in a form."""

    name: str
    wanted: Wanted
    form: Form
    is_focus: bool = False

    def write(self, source: TableSource, card: RateCard, target: Path) -> int:
        """Write the file; return how many rows."""
        if self.is_focus:
            return write_focus(source, card, self.wanted, target, self.form)
        return source.write(self.wanted, target, self.form)


def parse_export(parameters: Sequence[tuple[str, str]], now: datetime) -> Export:
    """Return which table is wanted and as what. Raise UsageError, naming what is accepted, where it makes no sense."""
    unknown = [name for name, _ in parameters if name not in PARAMETERS]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(PARAMETERS)}")
    given = dict(parameters)
    name = given.get("table", Table.CALLS)
    is_focus = name == FOCUS
    table = Table.CHARGES if is_focus else _one_of(Table, "table", name)
    form = _one_of(Form, "format", given.get("format", Form.PARQUET))
    if table.is_posted:
        return Export(name, Wanted(table=table, stretch=_stretch(table, given, now)), form)
    wanted = Wanted(
        table=table,
        period=parse_period(given.get("since"), given.get("until"), now),
        filters=tuple(parse_filter(value) for name, value in parameters if name == "filter"),
        as_of=parse_moment(given["as_of"], now) if given.get("as_of") else None,
    )
    return Export(name, wanted, form, is_focus)


def stretch_document(source: TableSource, parameters: Sequence[tuple[str, str]], now: datetime) -> dict[str, Any]:
    """Return the postings that follow a moment as the document of `/api/v1/export/postings`."""
    given = dict(parameters)
    after = parse_moment(given["after"], now) if given.get("after") else None
    most = given.get("most", "100000")
    if not most.isdecimal() or not 0 < int(most) <= MOST_ENTRIES:
        raise UsageError(f"most {most!r} is not a number from 1 to {MOST_ENTRIES}")
    found = source.next_stretch(after, int(most))
    return {"posted_after": iso(after) if after else None, "posted_to": iso(found.to) if found else None}


def _stretch(table: Table, given: dict[str, str], now: datetime) -> Stretch:
    if not given.get("posted_to"):
        raise UsageError(f"table={table} wants posted_to, as /api/v1/export/postings gives it")
    after = parse_moment(given["posted_after"], now) if given.get("posted_after") else None
    return Stretch(after, parse_moment(given["posted_to"], now))


def _one_of(kind: type[Word], name: str, text: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"{name} {text!r} is not one of {', '.join(kind)}") from None
