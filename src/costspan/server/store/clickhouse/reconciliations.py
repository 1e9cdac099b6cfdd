"""Bills and verdicts on ClickHouse: rows of postings, like all that is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from costspan.core.period import Period
from costspan.server.store.clickhouse.asking import asking
from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.clickhouse.writer import Writer, micros
from costspan.server.store.reconciliations import Reconciliation, Sheet, SheetMark
from costspan.server.store.sql import reconciliations as reading
from costspan.server.store.sql.conditions import naive
from costspan.server.store.sql.dialect import Ask

_LAST_DIGEST: Final = (
    "SELECT argMax(digest, posted_at) FROM bill_sheets "
    "WHERE provider = ? AND source = ? AND report = ? AND since = ? AND until = ?"
)


class ClickHouseReconciliations:
    """The port `ReconciliationLog` over one ledger. What puts raises StoreUnavailable where another process settles."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._store = store

    def put_sheet(self, sheet: Sheet) -> None:
        """Keep a sheet."""
        self._store.tend(lambda writer: _put_sheet(writer, sheet))

    def sheet_marks(self, provider: str, period: Period) -> list[SheetMark]:
        """Return the last reading of every report that touches `period`."""
        return reading.sheet_marks(self._ask(), provider, period)

    def sheets(self, provider: str, period: Period) -> list[Sheet]:
        """Return what stands of every report that touches `period`."""
        return reading.sheets(self._ask("pages"), provider, period)

    def put_reconciliation(self, reconciliation: Reconciliation) -> None:
        """Keep a verdict."""
        row = zip(reading.VERDICT_COLUMNS, reading.verdict_row(reconciliation), strict=True)
        columns = {name: [micros(value) if isinstance(value, datetime) else value] for name, value in row}

        def add(writer: Writer) -> None:
            writer.post(lambda posting: writer.connection.insert("reconciliations", {"posting": [posting], **columns}))

        self._store.tend(add)

    def reconciliations(self, provider: str | None = None) -> list[Reconciliation]:
        """Return every verdict, the latest first."""
        return reading.reconciliations(self._ask(), provider)

    def reconciliation(self, reconciliation_id: str) -> Reconciliation | None:
        """Return one verdict."""
        return reading.reconciliation(self._ask(), reconciliation_id)

    def _ask(self, *as_bytes: str) -> Ask:
        connection = self._store.connection
        return asking(connection, take_snapshot(connection), as_bytes)


def _put_sheet(writer: Writer, sheet: Sheet) -> None:
    times = [naive(sheet.period.since), naive(sheet.period.until)]
    ask = asking(writer.connection, writer.snapshot)
    [(last,)] = ask(_LAST_DIGEST, [sheet.provider, sheet.source, sheet.report, *times])
    said: dict[str, list[Any]] = {
        "provider": [sheet.provider],
        "source": [sheet.source],
        "report": [sheet.report],
        "since": [micros(times[0])],
        "until": [micros(times[1])],
        "fetched_at": [micros(naive(sheet.fetched_at))],
        "digest": [sheet.digest],
        "body": [None if last == sheet.digest else sheet.body],
    }

    def add(posting: int) -> None:
        moment = {"posting": [posting], "posted_at": [micros(writer.now)]}
        writer.connection.insert("bill_sheets", {**moment, **said})

    writer.post(add)
