"""Who settles: one writer at a time, told apart by the number of its epoch, in the ledger itself.

ClickHouse has no compare-and-set, but it keeps an insert of a token it knows from being added again. So whoever first
inserts the claim of the next epoch has it, and everybody reads whose claim that was. The winner then writes down where
the epochs before it ended; what an older writer still adds to those afterwards counts for nobody.

Safety does not rest on clocks: the age of a beat, by the server's clock, only says when it is worth claiming.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Final
from uuid import uuid4

from costspan.core.errors import CostspanError, StoreUnavailable
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.snapshot import CLAIMED, ENDED, last_sequence

BEAT_S: Final = 1.0
PATIENCE: Final = timedelta(seconds=5)
"""Without a beat for so long a writer is taken for dead."""
_LATEST: Final = (
    "SELECT epoch, holder, dateDiff('millisecond', at, now64(6)) AS age_ms, gone FROM ("
    f"SELECT epoch, holder, at, false AS gone FROM epochs WHERE event = '{CLAIMED}' "
    "UNION ALL SELECT epoch, holder, at, gone FROM beats) ORDER BY epoch DESC, gone DESC, at DESC LIMIT 1"
)
_HOLDER: Final = f"SELECT holder FROM epochs WHERE epoch = {{epoch:UInt32}} AND event = '{CLAIMED}'"
_UNENDED: Final = (
    "SELECT epoch FROM epochs WHERE epoch < {epoch:UInt32} GROUP BY epoch "
    f"HAVING countIf(event = '{ENDED}') = 0 ORDER BY epoch"
)
_NEWEST: Final = "SELECT max(epoch) FROM epochs"

_log = logging.getLogger("costspan.store")


class Lease:
    """One process's claim to write. `epoch` is the one it holds, None where it holds none."""

    def __init__(self, connection: Connection, *, patience: timedelta = PATIENCE) -> None:
        self._connection = connection
        self._patience = patience
        self._holder = uuid4().hex
        self._stopping = threading.Event()
        self._beating: threading.Thread | None = None
        self.epoch: int | None = None

    def claim(self) -> int | None:
        """Hold the next epoch and return it, or None while another process writes. Raise StoreUnavailable."""
        latest = self._connection.rows(_LATEST)
        before, holder, age_ms, gone = latest[0] if latest else (0, "", 0, True)
        if not gone and holder != self._holder and timedelta(milliseconds=age_ms) < self._patience:
            return None
        epoch = int(before) + 1
        self._write(epoch, CLAIMED, 0)
        if self._connection.rows(_HOLDER, {"epoch": epoch}) != [(self._holder,)]:
            return None
        for (ended,) in self._connection.rows(_UNENDED, {"epoch": epoch}):
            self._write(ended, ENDED, last_sequence(self._connection, ended))
        self.epoch = epoch
        self._start_beating()
        _log.info("this process settles from now on, as epoch %d of %s", epoch, self._connection.target)
        return epoch

    def is_current(self) -> bool:
        """Return whether nobody has claimed a later epoch. Raise StoreUnavailable where that cannot be told."""
        return self.epoch is not None and self._connection.rows(_NEWEST) == [(self.epoch,)]

    def probe(self) -> None:
        """Write next to nothing, durably. Raise StoreUnavailable where that cannot be done."""
        self._add_beat(0, gone=True)

    def lose(self) -> None:
        """Hold nothing any more, without a word to the others."""
        self.epoch = None

    def resign(self) -> None:
        """Hold nothing any more, and let others claim at once."""
        epoch, self.epoch = self.epoch, None
        self._stopping.set()
        if self._beating is not None:
            self._beating.join()
            self._beating = None
        if epoch is not None:
            self._beat(epoch, gone=True)

    def _write(self, epoch: int, event: str, last_sequence: int) -> None:
        row: dict[str, list[object]] = {
            "epoch": [epoch],
            "event": [event],
            "last_sequence": [last_sequence],
            "holder": [self._holder],
        }
        self._connection.insert("epochs", row, token=f"{event}-{epoch}")

    def _start_beating(self) -> None:
        if self._beating is None:
            self._stopping.clear()
            self._beating = threading.Thread(target=self._beat_on, name="costspan-lease", daemon=True)
            self._beating.start()

    def _beat_on(self) -> None:
        while not self._stopping.wait(BEAT_S):
            if (epoch := self.epoch) is not None:
                self._beat(epoch)

    def _beat(self, epoch: int, *, gone: bool = False) -> None:
        try:
            self._add_beat(epoch, gone=gone)
        except CostspanError as error:
            _log.warning("could not say that this process is alive: %s", error)

    def _add_beat(self, epoch: int, *, gone: bool) -> None:
        # Without a token of its own the engine takes a beat for the one before, sent again: all but the time is equal,
        # and that is filled in later.
        row: dict[str, list[object]] = {"epoch": [epoch], "holder": [self._holder], "gone": [gone]}
        self._connection.insert("beats", row, token=uuid4().hex)


def deposed() -> StoreUnavailable:
    """Return the refusal of a commit whose writer is no longer the one that may."""
    return StoreUnavailable("another process writes this ledger now; try again")
