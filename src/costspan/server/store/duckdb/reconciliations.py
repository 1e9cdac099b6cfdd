"""Bills and verdicts in the ledger's file: two tables that only grow."""

from __future__ import annotations

from typing import Final

from costspan.core.period import Period
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.reconciliations import Reconciliation, Sheet, SheetMark
from costspan.server.store.sql import reconciliations as reading
from costspan.server.store.sql.conditions import naive

_INSERT_SHEET: Final = (
    "INSERT INTO bill_sheets SELECT $provider, $source, $report, $since, $until, $fetched_at, $digest, "
    "CASE WHEN (SELECT arg_max(digest, posted_at) FROM bill_sheets WHERE provider = $provider AND source = $source "
    "AND report = $report AND since = $since AND until = $until) IS DISTINCT FROM $digest THEN $body END, $posted_at"
)


class DuckDBReconciliations:
    """The port `ReconciliationLog` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def put_sheet(self, sheet: Sheet) -> None:
        """Keep a sheet."""

        def act(writer: Writer) -> None:
            with writer.transaction() as moment:
                values = {
                    "provider": sheet.provider,
                    "source": sheet.source,
                    "report": sheet.report,
                    "since": naive(sheet.period.since),
                    "until": naive(sheet.period.until),
                    "fetched_at": naive(sheet.fetched_at),
                    "digest": sheet.digest,
                    "body": sheet.body,
                    "posted_at": moment,
                }
                writer.connection.execute(_INSERT_SHEET, values)

        self._store.tend(act)

    def sheet_marks(self, provider: str, period: Period) -> list[SheetMark]:
        """Return the last reading of every report that touches `period`."""
        return self._store.look(lambda connection: reading.sheet_marks(asking(connection), provider, period))

    def sheets(self, provider: str, period: Period) -> list[Sheet]:
        """Return what stands of every report that touches `period`."""
        return self._store.look(lambda connection: reading.sheets(asking(connection), provider, period))

    def put_reconciliation(self, reconciliation: Reconciliation) -> None:
        """Keep a verdict."""
        row, columns = reading.verdict_row(reconciliation), ", ".join(reading.VERDICT_COLUMNS)

        def act(writer: Writer) -> None:
            with writer.transaction():
                marks = ", ".join("?" for _ in row)
                writer.connection.execute(f"INSERT INTO reconciliations ({columns}) VALUES ({marks})", row)

        self._store.tend(act)

    def reconciliations(self, provider: str | None = None) -> list[Reconciliation]:
        """Return every verdict, the latest first."""
        return self._store.look(lambda connection: reading.reconciliations(asking(connection), provider))

    def reconciliation(self, reconciliation_id: str) -> Reconciliation | None:
        """Return one verdict."""
        return self._store.look(lambda connection: reading.reconciliation(asking(connection), reconciliation_id))
