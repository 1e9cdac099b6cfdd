"""The embedded ledger's side of re-pricing: `sql.repricing_scan` finds what changes, `repricing_lines` posts it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from costspan.core.period import Period
from costspan.pricing.rate_card import RateCard
from costspan.server.store.duckdb import repricing_lines
from costspan.server.store.duckdb.asking import asking, asking_given
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.repricing import RepricingPlan, Run, Scope, UnpricedModel
from costspan.server.store.sql import repricing_scan
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.repricing_runs import runs


class DuckDBRepricing:
    """The port `RepricingLedger` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def unpriced(self, period: Period) -> Sequence[UnpricedModel]:
        """Return the models of `period` without a full price, the busiest first."""
        return self._store.look(lambda connection: repricing_scan.unpriced(asking(connection), DUCKDB, period))

    def plan(self, card: RateCard, scope: Scope) -> RepricingPlan:
        """Return what `card` changes; nothing is written."""
        return self._store.look(lambda connection: repricing_scan.plan(asking_given(connection), DUCKDB, card, scope))

    def runs(self) -> Sequence[Run]:
        """Return every run, the latest first."""
        return self._store.look(lambda connection: runs(asking(connection), DUCKDB, "reprice_runs"))

    def put_run(self, run: Run) -> None:
        """Record a run, or what became of it."""
        self._store.correct(lambda writer: repricing_lines.put_run(writer, run))

    def correct(self, run_id: str, card: RateCard, entry_ids: Sequence[int], closed_before: datetime | None) -> int:
        """Correct those of `entry_ids` that still stand, in one commit."""
        return self._store.correct(
            lambda writer: repricing_lines.correct(writer, run_id, card, entry_ids, closed_before)
        )

    def undo(self, run_id: str, most: int, closed_before: datetime | None) -> int:
        """Restore up to `most` entries that a run corrected, in one commit."""
        return self._store.correct(lambda writer: repricing_lines.undo(writer, run_id, most, closed_before))
