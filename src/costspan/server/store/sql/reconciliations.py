"""Bills and verdicts as they are kept in the ledger, read back in SQL."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from costspan.core.period import Period
from costspan.server.store.reconciliations import Reconciliation, Sheet, SheetMark
from costspan.server.store.sql.conditions import naive, utc
from costspan.server.store.sql.dialect import Ask

_TOUCHES: Final = "provider = ? AND since < ? AND until > ?"
_REPORT: Final = "source, report, since, until"
_MARKS: Final = (
    f"SELECT {_REPORT}, argMax(fetched_at, posted_at) FROM bill_sheets WHERE {_TOUCHES} "
    f"GROUP BY {_REPORT} ORDER BY {_REPORT}"
)
_SHEETS: Final = (
    f"SELECT {_REPORT}, argMax(fetched_at, posted_at), "
    "argMax(body, posted_at) FILTER (WHERE body IS NOT NULL) AS pages "
    f"FROM bill_sheets WHERE {_TOUCHES} GROUP BY {_REPORT} ORDER BY {_REPORT}"
)
VERDICT_COLUMNS: Final = (
    "reconciliation_id", "provider", "since", "until", "made_at", "state", "net_share", "gross_share",
    "unexplained_share", "drift_limit", "digest", "document",
)  # fmt: skip
_VERDICTS: Final = f"SELECT {', '.join(VERDICT_COLUMNS)} FROM reconciliations"
_LATEST_FIRST: Final = "ORDER BY made_at DESC, reconciliation_id DESC"


def sheet_marks(ask: Ask, provider: str, period: Period) -> list[SheetMark]:
    """Return the last reading of every report that touches `period`."""
    return [
        SheetMark(source=source, report=report, period=Period(utc(since), utc(until)), fetched_at=utc(fetched_at))
        for source, report, since, until, fetched_at in ask(_MARKS, _touching(provider, period))
    ]


def sheets(ask: Ask, provider: str, period: Period) -> list[Sheet]:
    """Return what stands of every report that touches `period`; `ask` returns `pages` as bytes."""
    return [
        Sheet(
            provider=provider,
            source=source,
            report=report,
            period=Period(utc(since), utc(until)),
            fetched_at=utc(fetched_at),
            body=bytes(body),
        )
        for source, report, since, until, fetched_at, body in ask(_SHEETS, _touching(provider, period))
    ]


def reconciliations(ask: Ask, provider: str | None) -> list[Reconciliation]:
    """Return every verdict, the latest first."""
    where, values = ("WHERE provider = ?", [provider]) if provider else ("", [])
    return [_verdict(row) for row in ask(f"{_VERDICTS} {where} {_LATEST_FIRST}", values)]


def reconciliation(ask: Ask, reconciliation_id: str) -> Reconciliation | None:
    """Return one verdict."""
    rows = ask(f"{_VERDICTS} WHERE reconciliation_id = ?", [reconciliation_id])
    return _verdict(rows[0]) if rows else None


def verdict_row(said: Reconciliation) -> tuple[Any, ...]:
    """Return the values of VERDICT_COLUMNS."""
    return (
        said.reconciliation_id,
        said.provider,
        naive(said.period.since),
        naive(said.period.until),
        naive(said.made_at),
        said.state,
        said.net_share,
        said.gross_share,
        said.unexplained_share,
        said.limit,
        said.digest,
        msgspec.json.encode(said.document).decode(),
    )


def _touching(provider: str, period: Period) -> list[Any]:
    return [provider, naive(period.until), naive(period.since)]


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
