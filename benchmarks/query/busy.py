"""The overview's requests while calls come in at a steady rate, beside the same requests of a server at rest."""

from __future__ import annotations

import gzip
import http.client
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from benchmarks.exchange import get
from benchmarks.ingest.load import HEADERS
from benchmarks.query.measure import SPAN, at_percent
from benchmarks.query.pages import requests_of, serving
from costspan.core.clock import NS_PER_S, ns_from_utc
from costspan.core.record import SpanRecord
from costspan.semconv.normalize import read_call
from costspan.testing.demo_traffic import DemoTraffic
from costspan.testing.otlp import protobuf_body

CALLS_PER_REQUEST: Final = 256
CONNECTIONS: Final = 6
"""As many as a browser opens to one server."""
ALL: Final = "all of them, asked for at once"
_WARM_UP: Final = 3


@dataclass(frozen=True, slots=True)
class Beside:
    """One request of the page: milliseconds at p50 and p95 at rest, and while calls come in."""

    path: str
    alone: tuple[float, float]
    busy: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a sender sent meanwhile: calls a second, and how long a request of CALLS_PER_REQUEST was unanswered."""

    calls_per_s: float
    p95_ms: float


def measure_busy(folder: Path, rounds: int, calls_per_s: int) -> tuple[list[Beside], Taken]:
    """Serve a copy of the ledger in `folder`, and open the overview `rounds` times at rest and while it takes calls."""
    with TemporaryDirectory(prefix="costspan-busy-") as made:
        shutil.copytree(folder, made, dirs_exist_ok=True)
        with serving(Path(made)) as server:
            paths = [path for _, path in requests_of(server, ("",))]
            _open(server.url, paths, _WARM_UP)
            alone = _open(server.url, paths, rounds)
            sender = _Sender(server.url, calls_per_s)
            with sender.sending():
                _open(server.url, paths, _WARM_UP)
                busy = _open(server.url, paths, rounds)
    return [Beside(path, _of(alone[path]), _of(busy[path])) for path in (*paths, ALL)], sender.taken()


def _of(took_ms: Sequence[float]) -> tuple[float, float]:
    return at_percent(took_ms, 50), at_percent(took_ms, 95)


def _open(url: str, paths: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Ask for all paths at once, again and again; return the milliseconds of each, and until the last was answered."""
    took_ms: dict[str, list[float]] = {path: [] for path in (*paths, ALL)}

    def ask(path: str) -> None:
        began = time.perf_counter()
        answer = get(url + path)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.body[:200]!r}")
        took_ms[path].append((time.perf_counter() - began) * 1e3)

    with ThreadPoolExecutor(CONNECTIONS) as browser:
        for _ in range(rounds):
            began = time.perf_counter()
            list(browser.map(ask, paths))
            took_ms[ALL].append((time.perf_counter() - began) * 1e3)
    return took_ms


class _Sender:
    """Sends calls that began in the last minutes of the page's period, so many a second, until it is told to stop."""

    def __init__(self, url: str, calls_per_s: int) -> None:
        self._address = urlsplit(url).netloc
        self._apart_s = CALLS_PER_REQUEST / calls_per_s
        self._bodies = _bodies()
        self._stop = threading.Event()
        self._latencies_ms: list[float] = []
        self._failure: Exception | None = None
        self._refused = 0
        self._took_s = 0.0

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send while the block runs. Raise RuntimeError afterwards where the server did not take it."""
        thread = threading.Thread(target=self._send)
        began = time.perf_counter()
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._took_s = time.perf_counter() - began
        if self._failure or self._refused:
            raise RuntimeError(f"the sender gave up {self._refused or ''}") from self._failure

    def taken(self) -> Taken:
        """Return what was taken, and how fast."""
        sent = len(self._latencies_ms) * CALLS_PER_REQUEST
        return Taken(sent / self._took_s, at_percent(self._latencies_ms, 95))

    def _send(self) -> None:
        link = http.client.HTTPConnection(self._address, timeout=60)
        due = time.perf_counter()
        try:
            while not self._stop.wait(max(0.0, due - time.perf_counter())):
                body, began = next(self._bodies), time.perf_counter()
                link.request("POST", "/v1/traces", body, HEADERS)
                response = link.getresponse()
                response.read()
                if response.status != 200:
                    self._refused = response.status
                    return
                self._latencies_ms.append((time.perf_counter() - began) * 1e3)
                due += self._apart_s
        except (OSError, http.client.HTTPException) as failure:
            self._failure = failure
        finally:
            link.close()


def _bodies() -> Iterator[bytes]:
    """Yield requests without end, each of calls that began within the last minute of the period."""
    until = SPAN[1]
    traffic = DemoTraffic(now=until, calls_per_day=1_000_000, steady=True)
    calls = (span for span in traffic.spans(until - timedelta(days=20), until) if read_call(span))
    while some := list(islice(calls, CALLS_PER_REQUEST)):
        yield gzip.compress(protobuf_body([_moved(span) for span in some]), compresslevel=1)


def _moved(span: SpanRecord) -> SpanRecord:
    start_ns = ns_from_utc(SPAN[1]) - 60 * NS_PER_S + span.start_ns % (50 * NS_PER_S)
    return replace(span, start_ns=start_ns, end_ns=start_ns + span.end_ns - span.start_ns)
