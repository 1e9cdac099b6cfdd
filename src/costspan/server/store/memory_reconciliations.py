"""The meaning of `ReconciliationLog`, in plain Python."""

from __future__ import annotations

from dataclasses import replace

from costspan.core.period import Period
from costspan.server.store.reconciliations import Reconciliation, Sheet, SheetMark


class MemoryReconciliations:
    """Bills and verdicts in lists."""

    def __init__(self) -> None:
        self._sheets: list[Sheet] = []
        self._verdicts: list[Reconciliation] = []

    def put_sheet(self, sheet: Sheet) -> None:
        """Keep a sheet."""
        self._sheets.append(sheet)

    def sheet_marks(self, provider: str, period: Period) -> list[SheetMark]:
        """Return the last reading of every report that touches `period`."""
        return [
            SheetMark(source=each.source, report=each.report, period=each.period, fetched_at=each.fetched_at)
            for each in self.sheets(provider, period)
        ]

    def sheets(self, provider: str, period: Period) -> list[Sheet]:
        """Return what stands of every report that touches `period`."""
        last: dict[tuple[str, str, Period], Sheet] = {}
        for sheet in self._sheets:
            if sheet.provider == provider and sheet.period.since < period.until and period.since < sheet.period.until:
                key = sheet.source, sheet.report, sheet.period
                before = last.get(key)
                is_same = before is not None and before.digest == sheet.digest
                last[key] = replace(before, fetched_at=sheet.fetched_at) if before and is_same else sheet
        return [last[key] for key in sorted(last, key=lambda key: (key[0], key[1], key[2].since, key[2].until))]

    def put_reconciliation(self, reconciliation: Reconciliation) -> None:
        """Keep a verdict."""
        self._verdicts.append(reconciliation)

    def reconciliations(self, provider: str | None = None) -> list[Reconciliation]:
        """Return every verdict, the latest first."""
        asked = [each for each in self._verdicts if provider in (None, each.provider)]
        return sorted(asked, key=lambda each: (each.made_at, each.reconciliation_id), reverse=True)

    def reconciliation(self, reconciliation_id: str) -> Reconciliation | None:
        """Return one verdict."""
        return next((each for each in self._verdicts if each.reconciliation_id == reconciliation_id), None)
