"""Re-prices a ledger in chunks of 20 and is killed, as by a power cut, after the third: `reprice_program.py DATA`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from costspan.core.clock import system_clock
from costspan.pricing.rate_card import RateCard
from costspan.server.assembly import CONFIG_FILE, price_settings
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.repricing import Repricing
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.repricing import Scope


class PowerCut(DuckDBRepricing):
    """A ledger whose process ends at once after the third chunk of an apply, or of an undo."""

    chunks = 0

    def correct(self, run_id: str, card: RateCard, entry_ids: Sequence[int], closed_before: datetime | None) -> int:
        return self._counted(super().correct(run_id, card, entry_ids, closed_before))

    def undo(self, run_id: str, most: int, closed_before: datetime | None) -> int:
        return self._counted(super().undo(run_id, most, closed_before))

    def _counted(self, done: int) -> int:
        self.chunks += 1
        if self.chunks == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def main(data: Path, run_id: str | None) -> None:
    store = DuckDBStore(data)
    committer = Committer(store, price_settings(data, data / CONFIG_FILE).card)
    repricing = Repricing(
        committer, PowerCut(store), lambda: price_settings(data, data / CONFIG_FILE), system_clock, chunk=20
    )
    if run_id:
        repricing.undo(run_id)
    else:
        words = '{"since": "1970-01-01T00:00:00Z", "until": "2262-01-01T00:00:00Z", "where": []}'
        repricing.apply(Scope(), words)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
