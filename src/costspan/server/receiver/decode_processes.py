"""Reading requests in processes of their own, so that one interpreter's lock does not bound what many cores take in.

What they read comes back as bytes, a quarter of the work of reading it. They hold nothing that was acknowledged: one
that dies takes the requests it was reading with it, and their senders send again.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from costspan.core.errors import PermanentError, RetryableError
from costspan.server.logs import log_to_stderr
from costspan.server.pipeline.reading import Reading
from costspan.server.pipeline.signals import Received
from costspan.server.receiver.limits import unpack
from costspan.server.store.batches import decode_batch, encode_batch
from costspan.server.store.entry import KeptRecord

_Request = tuple[bytes, str, str, str]
"""Body, content type, content encoding, signal."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A request as a process read it, on its way back."""

    items: int
    refused: Mapping[str, int]
    batch: bytes
    kept: Sequence[KeptRecord]
    unpacked_bytes: int


class DecodeProcesses:
    """Reads requests as `reading()` says in up to `count` processes. Safe from several threads."""

    def __init__(self, count: int, reading: Callable[[], Reading]) -> None:
        self._count = count
        self._reading = reading
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._of: Reading | None = None

    def read(self, body: bytes, content_type: str, encoding: str, signal_name: str) -> tuple[Received, int]:
        """Return a request as records, and how many bytes it was unpacked.

        Raise what `unpack` and `Reading.read` raise, RetryableError where the process that read it ended.
        """
        reading = self._reading()
        pool, asked = self._ask(reading, (body, content_type, encoding, signal_name))
        try:
            read = asked.result()
        except BrokenProcessPool:
            self._give_up(pool)
            raise RetryableError("the process that read the request ended; send it again") from None
        batch = replace(decode_batch(read.batch), kept=read.kept)
        return Received(read.items, batch, Counter(read.refused)), read.unpacked_bytes

    def close(self) -> None:
        """End the processes; what they read is read to its end."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None

    def _ask(self, reading: Reading, request: _Request) -> tuple[ProcessPoolExecutor, Future[_Read]]:
        # Together, so that no pool is given up between the two.
        with self._lock:
            pool = self._pool
            if pool is None or self._of is not reading:
                pool = self._begin(reading)
            try:
                return pool, pool.submit(_read, request)
            except BrokenProcessPool:
                pool = self._begin(reading)
                return pool, pool.submit(_read, request)

    def _begin(self, reading: Reading) -> ProcessPoolExecutor:
        """Start anew: processes keep how they read for as long as they live."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)
        # A fork would take along whatever lock another thread of the server holds at that moment.
        fresh = multiprocessing.get_context("spawn")
        self._of = reading
        self._pool = ProcessPoolExecutor(self._count, fresh, _set_up, (reading, gc.get_threshold()))
        return self._pool

    def _give_up(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:
                pool.shutdown(wait=False)
                self._pool = None


class _Mine:
    """What one of the processes knows."""

    reading: Reading


def _set_up(reading: Reading, collect_after: tuple[int, int, int]) -> None:
    # Both reach every process of a terminal or a service; the server ends these once it has answered.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_server, name="costspan-server-watch", daemon=True).start()
    log_to_stderr()
    gc.freeze()
    gc.set_threshold(*collect_after)
    _Mine.reading = reading


def _end_with_the_server() -> None:
    if (server := multiprocessing.parent_process()) is not None:
        server.join()
        os._exit(1)


def _read(request: _Request) -> _Read:
    body, content_type, encoding, signal_name = request
    unpacked = unpack(body, encoding)
    received = _Mine.reading.read(unpacked, content_type, signal_name)
    try:
        batch = encode_batch(received.batch)
    except (OverflowError, ValueError) as error:
        raise PermanentError(f"the ledger cannot hold this: {error}") from None
    return _Read(received.items, dict(received.refused), batch, received.batch.kept, len(unpacked))
