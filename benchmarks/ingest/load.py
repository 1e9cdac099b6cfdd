"""Sends requests over several connections at once and notes how long each was unanswered."""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 8
NOT_NOW = {429, 502, 503, 504}
HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
GIVE_UP_AFTER_S = 600
PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Sent:
    """How long the whole took, how long each request was unanswered when it was taken, and how often one was not."""

    wall_s: float
    latencies_s: tuple[float, ...]
    refusals: int

    def latency_ms(self, percent: int) -> float:
        """Return a percentile, nearest rank."""
        ordered = sorted(self.latencies_s)
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] * 1_000


class _Load:
    def __init__(self, url: str, bodies: Sequence[bytes], headers: Mapping[str, str]) -> None:
        self._address, self._path = urlsplit(url).netloc, urlsplit(url).path
        self._headers = {**HEADERS, **headers}
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.latencies_s: list[float] = []
        self.refusals: list[int] = []
        self.failures: list[Exception] = []
        for body in bodies:
            self._waiting.put(body)

    def work(self) -> None:
        """Send until nothing waits. What fails is kept for the thread that started this one."""
        link = http.client.HTTPConnection(self._address, timeout=GIVE_UP_AFTER_S)
        try:
            while True:
                self._send(link, self._waiting.get_nowait())
        except queue.Empty:
            pass
        except (OSError, http.client.HTTPException, RuntimeError) as failure:
            self.failures.append(failure)
        finally:
            link.close()

    def _send(self, link: http.client.HTTPConnection, body: bytes) -> None:
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            began_s = time.perf_counter()
            link.request("POST", self._path, body, self._headers)
            response = link.getresponse()
            response.read()
            if response.status == 200:
                self.latencies_s.append(time.perf_counter() - began_s)
                return
            if response.status not in NOT_NOW or time.monotonic() > give_up_at:
                raise RuntimeError(f"{self._address} answered {response.status}")
            self.refusals.append(response.status)
            time.sleep(PAUSE_S)


def send(url: str, bodies: Sequence[bytes], headers: Mapping[str, str]) -> Sent:
    """Post every body to `url` once, again where it was refused for now. Raises what went wrong on a connection."""
    load = _Load(url, bodies, headers)
    threads = [threading.Thread(target=load.work) for _ in range(CONNECTIONS)]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if load.failures:
        raise load.failures[0]
    return Sent(time.perf_counter() - began_s, tuple(load.latencies_s), len(load.refusals))
