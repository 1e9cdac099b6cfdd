"""What both doors share: from a body as received to its commit, within bounds, with the work off the network loop."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from costspan.server.pipeline.pipeline import Pending, Pipeline, Taken
from costspan.server.receiver.decode_processes import DecodeProcesses
from costspan.server.receiver.in_flight import Busy, Limits, Room, Share
from costspan.server.receiver.keys import Key
from costspan.server.receiver.limits import unpack
from costspan.server.receiver.quota import Quotas

DECODE_THREADS: Final = 2
"""At least; with processes that decode, one waits for each and one more takes in what they read."""


class Intake:
    """Hands bodies to the pipeline and waits for their commit. Used from one event loop."""

    def __init__(self, pipeline: Pipeline, limits: Limits) -> None:
        self.limits = limits
        self.counters = pipeline.counters
        self.quotas = Quotas()
        self.room = Room(limits.in_flight_bytes)
        self._pipeline = pipeline
        count = limits.decode_processes
        self._processes = DecodeProcesses(count, lambda: pipeline.reading) if count else None
        self._threads = ThreadPoolExecutor(max(DECODE_THREADS, count + 1), thread_name_prefix="costspan-decode")
        self._running: dict[asyncio.Task[Taken], float] = {}

    @property
    def requests(self) -> int:
        """How many requests are decoded or wait for their commit."""
        return len(self._running)

    @property
    def lag_s(self) -> float:
        """How long the oldest of them has been on its way, 0 where there is none."""
        oldest_s = next(iter(self._running.copy().values()), None)
        return 0.0 if oldest_s is None else time.monotonic() - oldest_s

    def admit(self, key: Key) -> None:
        """Raise QuotaExceeded, or Busy where one more request would wait too long; asked before its body is read."""
        self.quotas.admit(key)
        self._admit()

    def _admit(self) -> None:
        if len(self._running) >= self.limits.in_flight_requests or self._pipeline.is_full:
            raise Busy("too many requests at once", retry_after_s=1)

    async def take(self, key: Key, body: bytes, content_type: str, encoding: str, signal: str) -> Taken:
        """Return what became of a body of `signal` that `key` sent, once it is durable.

        Raise PermanentError for one that can never be taken, RetryableError for one that can later.
        """
        self._admit()
        self.quotas.book(key, size_bytes=len(body))
        task = asyncio.create_task(self._commit(key.tenant, body, content_type, encoding, signal))
        self._running[task] = time.monotonic()
        task.add_done_callback(self._running.pop)
        # A sender that goes away cancels its own wait, not the commit and the count of it.
        taken = await asyncio.shield(task)
        self.quotas.book(key, spans=taken.items)
        return taken

    def close(self) -> None:
        """Wait for the work under way."""
        self._threads.shutdown()
        if self._processes is not None:
            self._processes.close()

    async def _commit(self, tenant: str | None, body: bytes, content_type: str, encoding: str, signal: str) -> Taken:
        with self.room.share() as share:
            loop = asyncio.get_running_loop()
            pending = await loop.run_in_executor(
                self._threads, self._start, tenant, body, content_type, encoding, signal, share
            )
            return self._pipeline.finish(pending, await asyncio.wrap_future(pending.committed))

    def _start(
        self, tenant: str | None, body: bytes, content_type: str, encoding: str, signal: str, share: Share
    ) -> Pending:
        if self._processes is not None:
            received, unpacked_bytes = self._processes.read(body, content_type, encoding, signal)
            share.grow(unpacked_bytes)
            return self._pipeline.queue(received, tenant)
        unpacked = unpack(body, encoding)
        if unpacked is not body:
            share.grow(len(unpacked))
        return self._pipeline.start(unpacked, content_type, signal, tenant)
