"""Bills and verdicts in the ledger's file: two tables that only grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import duckdb
import msgspec

from costspan.core.period import Period
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.reconciliations import Reconciliation, Sheet, SheetMark
from costspan.server.store.sql.conditions import naive, utc

_TOUCHES: Final = "provider = ? AND since < ? AND until > ?"
_REPORT: Final = "source, report, since, until"
_INSERT_SHEET: Final = (
    "INSERT INTO bill_sheets SELECT $provider, $source, $report, $since, $until, $fetched_at, $digest, "
    "CASE WHEN (SELECT arg_max(digest, posted_at) FROM bill_sheets WHERE provider = $provider AND source = $source "
    "AND report = $report AND since = $since AND until = $until) IS DISTINCT FROM $digest THEN $body END, $posted_at"
)
_MARKS: Final = (
    f"SELECT {_REPORT}, arg_max(fetched_at, posted_at) FROM bill_sheets WHERE {_TOUCHES} "
    f"GROUP BY {_REPORT} ORDER BY {_REPORT}"
)
_SHEETS: Final = (
    f"SELECT {_REPORT}, arg_max(fetched_at, posted_at), arg_max(body, posted_at) FILTER (WHERE body IS NOT NULL) "
    f"FROM bill_sheets WHERE {_TOUCHES} GROUP BY {_REPORT} ORDER BY {_REPORT}"
)
_COLUMNS: Final = (
    "reconciliation_id, provider, since, until, made_at, state, net_share, gross_share, unexplained_share, "
    "drift_limit, digest, document"
)
_VERDICTS: Final = f"SELECT {_COLUMNS} FROM reconciliations"
_LATEST_FIRST: Final = "ORDER BY made_at DESC, reconciliation_id DESC"


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
        rows = self._ask(_MARKS, [provider, naive(period.until), naive(period.since)])
        return [
            SheetMark(source=source, report=report, period=Period(utc(since), utc(until)), fetched_at=utc(fetched_at))
            for source, report, since, until, fetched_at in rows
        ]

    def sheets(self, provider: str, period: Period) -> list[Sheet]:
        """Return what stands of every report that touches `period`."""
        rows = self._ask(_SHEETS, [provider, naive(period.until), naive(period.since)])
        return [
            Sheet(
                provider=provider,
                source=source,
                report=report,
                period=Period(utc(since), utc(until)),
                fetched_at=utc(fetched_at),
                body=bytes(body),
            )
            for source, report, since, until, fetched_at, body in rows
        ]

    def put_reconciliation(self, reconciliation: Reconciliation) -> None:
        """Keep a verdict."""
        row = (
            reconciliation.reconciliation_id,
            reconciliation.provider,
            naive(reconciliation.period.since),
            naive(reconciliation.period.until),
            naive(reconciliation.made_at),
            reconciliation.state,
            reconciliation.net_share,
            reconciliation.gross_share,
            reconciliation.unexplained_share,
            reconciliation.limit,
            reconciliation.digest,
            msgspec.json.encode(reconciliation.document).decode(),
        )

        def act(writer: Writer) -> None:
            with writer.transaction():
                marks = ", ".join("?" for _ in row)
                writer.connection.execute(f"INSERT INTO reconciliations ({_COLUMNS}) VALUES ({marks})", row)

        self._store.tend(act)

    def reconciliations(self, provider: str | None = None) -> list[Reconciliation]:
        """Return every verdict, the latest first."""
        where, values = ("WHERE provider = ?", [provider]) if provider else ("", [])
        return [_verdict(row) for row in self._ask(f"{_VERDICTS} {where} {_LATEST_FIRST}", values)]

    def reconciliation(self, reconciliation_id: str) -> Reconciliation | None:
        """Return one verdict."""
        rows = self._ask(f"{_VERDICTS} WHERE reconciliation_id = ?", [reconciliation_id])
        return _verdict(rows[0]) if rows else None

    def _ask(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        def look(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
            return connection.execute(sql, values).fetchall()

        return self._store.look(look)


def _verdict(row: tuple[Any, ...]) -> Reconciliation:
    return Reconciliation(
        reconciliation_id=row[0],
        provider=row[1],
        period=Period(utc(row[2]), utc(row[3])),
        made_at=utc(row[4]),
        state=row[5],
        net_share=row[6],
        gross_share=row[7],
        unexplained_share=row[8],
        limit=row[9],
        digest=row[10],
        document=msgspec.json.decode(row[11]),
    )
