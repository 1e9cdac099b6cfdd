"""Settling what any receiver left in a shared ledger: in one process at a time, which every process is ready to be."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from costspan.core.errors import CostspanError, PermanentError, StoreUnavailable
from costspan.pricing.rate_card import RateCard
from costspan.semconv.settlement.rules import SettlingRules
from costspan.server.background import Background
from costspan.server.pipeline.apart import take_apart
from costspan.server.pipeline.forgotten import REASON, since
from costspan.server.pipeline.settlement import post
from costspan.server.store.entry import Batch
from costspan.server.store.ports import Ledger, SharedLedger

Result = TypeVar("Result")

IDLE_S: Final = 0.25
"""How long a process that settles and found nothing waits before it looks again."""
STAND_BY_S: Final = 1.0
"""How long one that may not settle waits before it looks whether it may."""
TIDY_EVERY_S: Final = 600.0

_log = logging.getLogger("costspan.pipeline")


def leave(ledger: SharedLedger) -> Callable[[Ledger, Batch, RateCard, SettlingRules], Sequence[bool]]:
    """Return how a receiver takes a batch: kept for whoever settles. What of it is new, nobody knows yet."""

    def take(_: Ledger, batch: Batch, __: RateCard, ___: SettlingRules) -> Sequence[bool]:
        ledger.leave(batch)
        return [True] * len(batch.calls)

    return take


class Settler:
    """A background thread that settles while its process holds the right to, and else waits for it."""

    def __init__(
        self,
        ledger: SharedLedger,
        card: RateCard,
        rules: SettlingRules,
        on_commit: Callable[[float], object] = lambda _: None,
    ) -> None:
        self._ledger = ledger
        self._card = card
        self._rules = rules
        self._on_commit = on_commit
        self._tidied_s = time.monotonic()
        self._settling = Background("settle", self._look, again_after_s=STAND_BY_S)

    def start(self) -> None:
        """Begin."""
        self._settling.start()

    def stop(self) -> None:
        """Finish the commit under way and end."""
        self._settling.stop()

    @property
    def card(self) -> RateCard:
        """What calls are priced with where this process settles them."""
        return self._card

    def price_with(self, card: RateCard) -> None:
        """Price every call that is settled from now on with `card`; nothing is under way under the old one then.

        Raise StoreUnavailable where another process settles.
        """
        if not self._ledger.try_to_hold():
            raise StoreUnavailable("another process settles this ledger; prices are corrected there")
        with self._ledger.taking(()):
            self._card = card

    def write(self, act: Callable[[], Result]) -> Result:
        """Run `act`, which the ledger lets write when nothing is being settled."""
        return act()

    def round(self) -> float:
        """Settle some of what waits, where this process may; return after how many seconds to look again.

        Raise StoreUnavailable.
        """
        if not self._ledger.try_to_hold():
            return STAND_BY_S
        if batches := self._ledger.waiting():
            self._settle(batches)
            return 0
        if time.monotonic() - self._tidied_s > TIDY_EVERY_S:
            self._tidied_s = time.monotonic()
            self._ledger.tidy()
        return IDLE_S

    def _look(self) -> float:
        try:
            return self.round()
        except CostspanError as error:
            _log.warning("settling is put off: %s", error)
            return STAND_BY_S

    def _settle(self, batches: Sequence[tuple[bytes, Batch]]) -> None:
        started_s = time.monotonic()
        together = Batch(
            [call for _, batch in batches for call in batch.calls],
            [link for _, batch in batches for link in batch.links],
            [point for _, batch in batches for point in batch.points],
            [tool for _, batch in batches for tool in batch.tools],
        )
        if (kept_since := self._ledger.kept_since()) is not None:
            # A receiver may not have heard yet that calls of that time are kept no more.
            kept = since(together, kept_since)
            if gone := len(together.calls) - len(kept.calls):
                _log.warning("%d calls are left out: %s", gone, REASON)
            together = kept
        try:
            with self._ledger.taking([batch_id for batch_id, _ in batches]):
                post(self._ledger, together, self._card, self._rules)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one batch that cannot be settled must not hold up the others
            if len(batches) == 1:
                self._settle_apart(batches[0][0], together, error)
            else:
                for each in batches:
                    self._settle([each])
        else:
            self._on_commit(time.monotonic() - started_s)

    def _settle_apart(self, batch_id: bytes, batch: Batch, error: Exception) -> None:
        why = error if isinstance(error, PermanentError) else PermanentError(f"cannot be stored: {error}")
        # None of these commits takes the batch: cut off, it waits, and what is stored of it is recognised.
        apart = take_apart(lambda part: post(self._ledger, part, self._card, self._rules), batch)
        count = apart.new.count(None) + apart.refused_elsewhere
        _log.error("%d records of a batch of %d calls were set aside: %s", count, len(batch.calls), why)
        self._ledger.set_aside(batch_id, apart.refused, str(why))
