"""Group commit: requests that arrive together share one transaction and one fsync; each waits for its own answer."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from costspan.core.errors import CostspanError, PermanentError, RetryableError, StoreUnavailable
from costspan.pricing.rate_card import RateCard
from costspan.semconv.settlement.rules import SettlingRules
from costspan.server.pipeline.apart import take_apart
from costspan.server.pipeline.settlement import NO_RULES, post
from costspan.server.store.entry import Batch
from costspan.server.store.ports import Ledger

Result = TypeVar("Result")

New = Sequence[bool | None]
"""For each call of a batch whether it was new; None for one that was refused, and for each other record that was."""
Take = Callable[[Ledger, Batch, RateCard, SettlingRules], Sequence[bool]]
"""Makes a batch durable and returns which of its calls were new."""

MAX_CALLS: Final = 5_000
MAX_WAIT_S: Final = 0.05
QUEUED_REQUESTS: Final = 256
"""Waiting requests beyond which a sender is told to come back; with 512 spans a request about 130,000 calls."""

_log = logging.getLogger("costspan.pipeline")


@dataclass(frozen=True, slots=True)
class _Waiting:
    batch: Batch
    answer: Future[New]


@dataclass(frozen=True, slots=True)
class _Task:
    """Work on the ledger other than a commit of telemetry; runs alone, between commits."""

    run: Callable[[], None]


class Committer:
    """The one thread that writes the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        card: RateCard,
        rules: SettlingRules = NO_RULES,
        on_commit: Callable[[float], object] = lambda _: None,
        take: Take = post,
    ) -> None:
        """`on_commit` is told how many seconds each commit took, with all that `take` does to make a batch durable."""
        self._take = take
        self._on_commit = on_commit
        self._ledger = ledger
        self._card = card
        self._rules = rules
        self._waiting: queue.Queue[_Waiting | _Task | None] = queue.Queue(maxsize=QUEUED_REQUESTS)
        self._thread = threading.Thread(target=self._run, name="costspan-commit", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """True when the next request would be told to come back."""
        return self._waiting.full()

    @property
    def waiting_requests(self) -> int:
        """How many requests wait for their commit."""
        return self._waiting.qsize()

    def submit(self, batch: Batch) -> Future[New]:
        """Return a future of which calls were new, done when `batch` is durable or refused.

        Raise RetryableError when too many requests wait already.
        """
        answer: Future[New] = Future()
        # A sender that gives up cannot cancel this any more: setting a cancelled answer would end the writing thread.
        answer.set_running_or_notify_cancel()
        try:
            self._waiting.put_nowait(_Waiting(batch, answer))
        except queue.Full:
            raise RetryableError("too many requests wait for the ledger", retry_after_s=1) from None
        return answer

    @property
    def card(self) -> RateCard:
        """What new calls are priced with."""
        return self._card

    def kept_since(self) -> datetime | None:
        """Return since when calls are kept one by one, None where all are."""
        return self._ledger.kept_since()

    def check(self) -> str | None:
        """Return why the ledger cannot be written, None where it can; where it could not it is tried again."""
        if self._ledger.trouble is not None:
            with suppress(StoreUnavailable):
                self.between_commits(lambda ledger: ledger.probe()).result()
        return self._ledger.trouble

    def price_with(self, card: RateCard) -> None:
        """Price every call that comes after with `card`; when this returns no commit under the old one is under way."""

        def change() -> None:
            self._card = card

        self.write(change)

    def settle_by(self, rules: SettlingRules) -> Future[None]:
        """Settle every batch that comes after by `rules`."""

        def change(_: Ledger) -> None:
            self._rules = rules

        return self.between_commits(change)

    def between_commits(self, act: Callable[[Ledger], Result]) -> Future[Result]:
        """Run `act` on the writing thread, with no commit under way, and return a future of what it returns."""
        answer: Future[Result] = Future()

        def run() -> None:
            try:
                answer.set_result(act(self._ledger))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                answer.set_exception(error)

        self._waiting.put(_Task(run))
        return answer

    def write(self, act: Callable[[], Result]) -> Result:
        """Run `act` on the writing thread, between commits, and return what it returns."""
        return self.between_commits(lambda _: act()).result()

    def close(self) -> None:
        """Commit what waits, then stop. Blocks until done."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        waiting = self._waiting.get()
        while waiting is not None:
            if isinstance(waiting, _Task):
                waiting.run()
                waiting = self._waiting.get()
            else:
                waiting = self._commit_with_followers(waiting)

    def _commit_with_followers(self, first: _Waiting) -> _Waiting | _Task | None:
        """Commit a request with those that come in time; return what came after them."""
        group, size, until = [first], len(first.batch.calls), time.monotonic() + MAX_WAIT_S
        while size < MAX_CALLS:
            try:
                following = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if not isinstance(following, _Waiting):
                self._commit(group)
                return following
            group.append(following)
            size += len(following.batch.calls)
        self._commit(group)
        return self._waiting.get()

    def _commit(self, group: list[_Waiting]) -> None:
        started_s = time.monotonic()
        try:
            calls = [call for waiting in group for call in waiting.batch.calls]
            links = [link for waiting in group for link in waiting.batch.links]
            points = [point for waiting in group for point in waiting.batch.points]
            tools = [tool for waiting in group for tool in waiting.batch.tools]
            kept = [record for waiting in group for record in waiting.batch.kept]
            new = self._take(self._ledger, Batch(calls, links, points, tools, kept), self._card, self._rules)
        except StoreUnavailable as unavailable:
            _fail(group, unavailable)
        except Exception as error:  # noqa: BLE001 - whatever it is, the senders get an answer
            if len(group) > 1:
                # One request that cannot be stored must not hold up the others it happened to arrive with.
                for waiting in group:
                    self._commit([waiting])
                return
            why = error if isinstance(error, PermanentError) else PermanentError(f"cannot be stored: {error}")
            self._commit_apart(group[0], why)
        else:
            self._on_commit(time.monotonic() - started_s)
            flags = iter(new)
            for waiting in group:
                waiting.answer.set_result(list(islice(flags, len(waiting.batch.calls))))

    def _commit_apart(self, waiting: _Waiting, why: PermanentError) -> None:
        """Commit what can be of a request that cannot be as a whole."""
        try:
            apart = take_apart(lambda part: self._take(self._ledger, part, self._card, self._rules), waiting.batch)
        except StoreUnavailable as unavailable:
            _fail([waiting], unavailable)
            return
        new = [*apart.new, *[None] * apart.refused_elsewhere]
        _log.warning("%d records of a request were refused for good: %s", new.count(None), why)
        if apart.stored_any:
            waiting.answer.set_result(new)
        else:
            _fail([waiting], why)


def _fail(group: list[_Waiting], error: CostspanError) -> None:
    for waiting in group:
        waiting.answer.set_exception(error)
