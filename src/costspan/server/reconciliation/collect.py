"""Fetching a bill: whole stretches of days, each kept as it came, so that what is cut off goes on where it was.

Providers change days that are past, so what was read within a week of its end is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import Bill, BillCell
from costspan.server.reconciliation.sources import API_SOURCES, FILE_SOURCES
from costspan.server.reconciliation.sources.base import ApiSource, Fetch, FileSource, packed, unpacked
from costspan.server.store.reconciliations import Sheet, SheetMark

FROM_FILE: Final = "file"
FROM_API: Final = "api"
READ_AGAIN: Final = timedelta(days=7)
"""How long after a stretch's end what was read of it may change."""
_DAY: Final = timedelta(days=1)


class Shelf(Protocol):
    """Where sheets are kept: the ledger of a folder, or a running server."""

    def sheet_marks(self, provider: str, period: Period) -> Sequence[SheetMark]:
        """Return what is kept already."""

    def put_sheet(self, sheet: Sheet) -> None:
        """Keep a sheet."""


def collect(
    source: ApiSource,
    fetch: Fetch,
    shelf: Shelf,
    period: Period,
    now: datetime,
    progress: Callable[[float], None] = lambda _: None,
) -> int:
    """Fetch what is not kept or may have changed, a report and stretch at a time; return how many were fetched.

    Raise Unreachable where the provider does not answer; what was fetched before is kept.
    """
    read_at = {
        (mark.report, mark.period): mark.fetched_at
        for mark in shelf.sheet_marks(source.provider, period)
        if mark.source == FROM_API
    }
    wanted = [
        (report, stretch)
        for report in source.reports
        for stretch in stretches(source, period)
        if stretch.since < now and not _is_final(stretch, read_at.get((report, stretch)))
    ]
    for done, (report, stretch) in enumerate(wanted):
        progress(done / len(wanted))
        asked = Period(stretch.since, min(stretch.until, _midnight(now) + _DAY))
        pages = list(fetch(report, asked))
        shelf.put_sheet(
            Sheet(
                provider=source.provider,
                source=FROM_API,
                report=report,
                period=stretch,
                fetched_at=now,
                body=packed(pages),
            )
        )
    progress(1)
    return len(wanted)


def stretches(source: ApiSource, period: Period) -> Iterator[Period]:
    """Yield the period in the stretches that are fetched at once."""
    since = period.since
    while since < period.until:
        until = min(since + source.stretch, period.until)
        yield Period(since, until)
        since = until


def bill_of(provider: str, sheets: Sequence[Sheet], period: Period) -> Bill:
    """Return the bill that sheets of one source make, of the days of `period`.

    Raise UsageError where a page has a form that is not known.
    """
    cells: list[BillCell] = []
    known: frozenset[Unit] = frozenset()
    for sheet in sheets:
        source = FILE_SOURCES[sheet.report] if sheet.source == FROM_FILE else API_SOURCES[provider]
        known |= source.tells_apart
        try:
            cells += _read(source, provider, sheet)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            said = f"{type(error).__name__}: {error}"
            raise UsageError(f"{provider}'s report {sheet.report} has a form that is not known ({said})") from error
    days = {(period.since + number * _DAY).date() for number in range((period.until - period.since).days)}
    return Bill(
        provider=provider,
        cells=tuple(cell for cell in cells if cell.day in days),
        tells_apart=known,
        source=sheets[0].source if sheets else "",
        fetched_at=max((sheet.fetched_at for sheet in sheets), default=None),
    )


def _read(source: ApiSource | FileSource, provider: str, sheet: Sheet) -> list[BillCell]:
    pages = unpacked(sheet)
    if isinstance(source, ApiSource):
        return [cell for page in pages for cell in source.read(sheet.report, page)]
    return [cell for row in pages if (cell := source.read(provider, row))]


def _is_final(stretch: Period, read_at: datetime | None) -> bool:
    return read_at is not None and read_at >= stretch.until + READ_AGAIN


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
