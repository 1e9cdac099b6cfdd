"""The latest verdict on each bill as alerts read it."""

from __future__ import annotations

from costspan.server.alerts.conditions.base import Drift
from costspan.server.reconciliation.reconciler import latest_drift
from costspan.server.store.reconciliations import ReconciliationLog


def drifts_of(log: ReconciliationLog) -> list[Drift]:
    """Return the latest verdict on each bill."""
    return [
        Drift(
            provider=each.provider, month=f"{each.period.since:%Y-%m}", share=each.gross_share, says=each.largest_cause
        )
        for each in latest_drift(log)
    ]
